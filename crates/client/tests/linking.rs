//! A second device of an account: how it comes, what it gets, and how it goes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop where it is")]

use carevow::core::identity::DeviceKind;
use carevow::core::linking::{LinkError, RelayUrl};
use carevow::core::time::{HOUR_MS, MINUTE_MS};
use carevow::{
    Access, Client, ClientError, Event, LinkProgress, LinkStep, NewDevice, NewDeviceRequest, Operation, Outcome,
    Response,
};
use carevow_testing::keystore::SharedKeystore;
use carevow_testing::world::{Person, World};

fn relay() -> RelayUrl {
    RelayUrl::new("https://relay.example").unwrap()
}

/// One request of the new device.
fn step(device: &mut NewDevice, world: &mut World) {
    match device.request().unwrap() {
        NewDeviceRequest::AppendBox(id, entry) => {
            world.service.append_box(&id, &entry);
            device.appended();
        }
        NewDeviceRequest::FetchBox(id) => {
            let operation = Operation::FetchBox(id);
            let nobody = carevow_testing::pipe::address(&hex::encode(
                [[1_u8; 16].as_slice(), &[0, 0, 0, 1, 0, 0, 0, 1]].concat(),
            ));
            let Response::Box(entries) = world.service.perform(nobody, &operation, world.now.wall, &mut world.rng)
            else {
                panic!("a box");
            };
            device.entries(&entries, world.now, &mut world.rng).unwrap();
        }
        NewDeviceRequest::FetchManifest(account) => {
            let manifest = world.service.manifest(account).unwrap();
            device.manifest(&manifest, world.now).unwrap();
        }
    }
}

fn digits(device: &NewDevice) -> String {
    match device.step() {
        LinkStep::ShowDigits(digits) => digits,
        other => panic!("{other:?}"),
    }
}

/// Up to the digits on the new device, and the question for them on the primary.
fn answered(world: &mut World, primary: &mut Person) -> NewDevice {
    let mut device = NewDevice::begin(DeviceKind::Desktop, &relay(), world.now, &mut world.rng).unwrap();
    let LinkStep::ShowCode(text) = device.step() else { panic!("a code") };
    step(&mut device, world);
    primary.client.link_device(&text, &[relay()], world.now, &mut world.rng).unwrap();
    assert_eq!(primary.client.link_progress(), LinkProgress::Waiting);
    // The primary fetches E, grants, and waits.
    once(world, primary);
    once(world, primary);
    step(&mut device, world);
    step(&mut device, world);
    world.wait(2_000);
    once(world, primary);
    assert_eq!(primary.client.link_progress(), LinkProgress::CodeWanted(DeviceKind::Desktop));
    device
}

/// One request of a client.
fn once(world: &mut World, person: &mut Person) {
    let request = person.client.poll_request(world.now, &mut world.rng).unwrap().unwrap();
    let response = world.service.perform(person.address, &request.operation, world.now.wall, &mut world.rng);
    person.client.complete(request.id, response, world.now, &mut world.rng).unwrap();
}

fn linked(world: &mut World, primary: &mut Person) -> Person {
    let mut device = answered(world, primary);
    let code = digits(&device);
    primary.client.confirm_link(&code, world.now, &mut world.rng).unwrap();
    world.requests(primary);
    step(&mut device, world);
    assert_eq!(device.step(), LinkStep::AskUser);
    let folder = tempfile::tempdir().unwrap();
    let access = Access::Platform(&SharedKeystore);
    let place = folder.path().join("store");
    let mut client = device.finish(&place, access, world.config(), world.now, &mut world.rng).unwrap();
    let address = client.address(world.now, &mut world.rng).unwrap();
    let mut person = Person { folder, client, address };
    world.requests(&mut person);
    person
}

fn all(world: &mut World, people: &mut [&mut Person]) {
    for _ in 0..3 {
        world.settle(people);
        world.wait(MINUTE_MS);
    }
}

#[test]
fn a_linked_device_gets_what_is_sent_and_what_the_other_one_sends() {
    let mut world = World::new(1);
    let (mut alice, mut bob) = world.acquainted();
    let mut desktop = linked(&mut world, &mut alice);
    assert_eq!((desktop.address.account, desktop.address.device.as_u32()), (alice.address.account, 2));
    // What Alice writes on her phone is on her desktop too, and Bob's answer on both.
    alice.says(&bob, "from the phone", &mut world);
    all(&mut world, &mut [&mut alice, &mut bob, &mut desktop]);
    assert_eq!(desktop.texts(&bob, &mut world), ["from the phone"], "and nothing of before");
    bob.says(&alice, "to both", &mut world);
    all(&mut world, &mut [&mut alice, &mut bob, &mut desktop]);
    assert_eq!(desktop.texts(&bob, &mut world), ["from the phone", "to both"]);
    assert_eq!(alice.texts(&bob, &mut world).last().map(String::as_str), Some("to both"));
    // Bob's phone was told of the new device before anything was encrypted to it.
    assert!(bob.events().iter().any(|event| matches!(event, Event::Identity { .. })));
    // The desktop writes.
    desktop.says(&bob, "from the desktop", &mut world);
    all(&mut world, &mut [&mut alice, &mut bob, &mut desktop]);
    assert_eq!(bob.texts(&alice, &mut world).last().map(String::as_str), Some("from the desktop"));
    assert_eq!(alice.texts(&bob, &mut world).last().map(String::as_str), Some("from the desktop"));
}

#[test]
fn t090_one_receipt_for_the_account_and_the_second_device_only_if_the_first_is_silent() {
    let mut world = World::new(90);
    let (mut alice, mut bob) = world.acquainted();
    let mut desktop = linked(&mut world, &mut alice);
    alice.says(&bob, "hello from both", &mut world);
    all(&mut world, &mut [&mut alice, &mut bob, &mut desktop]);
    bob.says(&alice, "answer", &mut world);
    all(&mut world, &mut [&mut alice, &mut bob, &mut desktop]);
    world.wait(2 * HOUR_MS);
    all(&mut world, &mut [&mut alice, &mut bob, &mut desktop]);
    bob.events();
    let delivered =
        |bob: &mut Person| bob.events().iter().filter(|event| matches!(event, Event::Delivered { .. })).count();
    // Both are on: the phone answers, and tells the desktop, which does not.
    bob.says(&alice, "one", &mut world);
    world.settle(&mut [&mut alice, &mut bob, &mut desktop]);
    world.wait(30_000);
    world.settle(&mut [&mut alice, &mut bob, &mut desktop]);
    assert_eq!(delivered(&mut bob), 1);
    world.wait(31 * MINUTE_MS);
    assert_eq!(receipts(&world.requests(&mut desktop), &bob), 0, "the desktop was told");
    // The phone is off: the desktop answers after a quarter of an hour and more.
    bob.says(&alice, "two", &mut world);
    world.settle(&mut [&mut bob, &mut desktop]);
    world.wait(15 * MINUTE_MS - 1);
    world.settle(&mut [&mut bob, &mut desktop]);
    assert_eq!(delivered(&mut bob), 0);
    world.wait(15 * MINUTE_MS + 1);
    world.settle(&mut [&mut bob, &mut desktop]);
    assert_eq!(delivered(&mut bob), 1);
}

fn receipts(asked: &[Operation], to: &Person) -> usize {
    let to_them = |asked: &&Operation| matches!(asked, Operation::Submit(one) if one.account == to.address.account);
    asked.iter().filter(to_them).count()
}

#[test]
fn messages_of_two_devices_of_an_account_come_once_each() {
    let mut world = World::new(91);
    let (mut alice, mut bob) = world.acquainted();
    let mut desktop = linked(&mut world, &mut alice);
    desktop.client.add_contact(bob.address.account, world.now, &mut world.rng).unwrap();
    let before = bob.texts(&alice, &mut world).len();
    alice.says(&bob, "from one", &mut world);
    desktop.says(&bob, "from the other", &mut world);
    world.requests(&mut alice);
    world.requests(&mut desktop);
    let mail = world.service.mail(bob.address);
    all(&mut world, &mut [&mut alice, &mut bob, &mut desktop]);
    world.bring(&mut bob, &mail);
    assert_eq!(bob.texts(&alice, &mut world).len(), before + 2);
}

#[test]
fn a_wrong_code_lists_nobody_and_is_no_second_time_asked_for() {
    let mut world = World::new(2);
    let mut alice = world.person();
    let device = answered(&mut world, &mut alice);
    let right = digits(&device);
    let wrong = if right == "000000" { "000001" } else { "000000" };
    let typed = alice.client.confirm_link(wrong, world.now, &mut world.rng);
    assert_eq!(typed.unwrap_err(), ClientError::Linking(LinkError::WrongCode));
    let again = alice.client.confirm_link(&right, world.now, &mut world.rng);
    assert_eq!(again.unwrap_err(), ClientError::InvalidInput);
    assert_eq!(alice.client.link_progress(), LinkProgress::None);
    assert_eq!(world.requests(&mut alice), [], "no manifest is published");
}

#[test]
fn a_linking_ends_after_five_minutes() {
    let mut world = World::new(3);
    let mut alice = world.person();
    let device = answered(&mut world, &mut alice);
    let code = digits(&device);
    world.wait(5 * MINUTE_MS);
    let late = alice.client.confirm_link(&code, world.now, &mut world.rng);
    assert_eq!(late.unwrap_err(), ClientError::Linking(LinkError::Expired));
}

#[test]
fn t020_a_device_that_is_taken_off_the_account_gets_nothing_and_what_it_sends_is_not_taken() {
    let mut world = World::new(20);
    let (mut alice, mut bob) = world.acquainted();
    let mut desktop = linked(&mut world, &mut alice);
    desktop.client.add_contact(bob.address.account, world.now, &mut world.rng).unwrap();
    desktop.says(&bob, "while it belongs", &mut world);
    all(&mut world, &mut [&mut alice, &mut bob, &mut desktop]);
    bob.says(&alice, "answer", &mut world);
    all(&mut world, &mut [&mut alice, &mut bob, &mut desktop]);
    assert_eq!(desktop.texts(&bob, &mut world), ["while it belongs", "answer"]);
    alice.client.unlink_device(desktop.address.device, world.now, &mut world.rng).unwrap();
    all(&mut world, &mut [&mut alice, &mut bob]);
    // Bob's phone learns it with the next message of Alice, or when it sends.
    bob.says(&alice, "for the phone alone", &mut world);
    all(&mut world, &mut [&mut alice, &mut bob]);
    assert_eq!(world.service.mail(desktop.address).len(), 0);
    assert_eq!(alice.texts(&bob, &mut world).last().map(String::as_str), Some("for the phone alone"));
    // The desktop, which was not told, goes on: nothing of it is taken.
    desktop.says(&bob, "from beyond", &mut world);
    desktop.says(&bob, "from beyond", &mut world);
    desktop.says(&bob, "from beyond", &mut world);
    world.requests(&mut desktop);
    let outcomes = world.mail(&mut bob);
    assert!(
        !outcomes.is_empty() && outcomes.iter().all(|outcome| matches!(outcome, Outcome::Failed(_))),
        "{outcomes:?}"
    );
    assert!(!bob.texts(&alice, &mut world).contains(&"from beyond".to_owned()));
}

#[test]
fn only_the_primary_links() {
    let mut world = World::new(4);
    let mut alice = world.person();
    let mut desktop = linked(&mut world, &mut alice);
    let offering = NewDevice::begin(DeviceKind::Mobile, &relay(), world.now, &mut world.rng).unwrap();
    let LinkStep::ShowCode(text) = offering.step() else { panic!("a code") };
    let try_it =
        |client: &mut Client, world: &mut World| client.link_device(&text, &[relay()], world.now, &mut world.rng);
    assert_eq!(try_it(&mut desktop.client, &mut world), Err(ClientError::InvalidInput));
    assert_eq!(try_it(&mut alice.client, &mut world), Ok(()), "control");
    // A code of another relay is refused before anything is fetched.
    let elsewhere = RelayUrl::new("https://elsewhere.example").unwrap();
    let refused = alice.client.link_device(&text, &[elsewhere], world.now, &mut world.rng);
    assert!(matches!(refused, Err(ClientError::LinkOffer(_))));
}

#[test]
fn linking_starves_nothing_and_ends_by_itself() {
    let mut world = World::new(5);
    let (mut alice, mut bob) = world.acquainted();
    let device = NewDevice::begin(DeviceKind::Desktop, &relay(), world.now, &mut world.rng).unwrap();
    let LinkStep::ShowCode(text) = device.step() else { panic!("a code") };
    alice.client.link_device(&text, &[relay()], world.now, &mut world.rng).unwrap();
    alice.says(&bob, "urgent", &mut world);
    // The box stays empty: what there is to send goes first, and the box is looked into every two seconds.
    let asked = world.requests(&mut alice);
    assert_eq!(receipts(&asked, &bob), 1);
    assert!(asked.iter().filter(|one| matches!(one, Operation::FetchBox(_))).count() <= 1);
    world.wait(5 * MINUTE_MS);
    assert_eq!(world.requests(&mut alice).iter().filter(|one| matches!(one, Operation::FetchBox(_))).count(), 0);
    assert_eq!(alice.client.link_progress(), LinkProgress::None);
    world.settle(&mut [&mut alice, &mut bob]);
}

#[test]
fn a_device_that_publishes_late_gets_its_copies_though_the_contact_acknowledged_before() {
    let mut world = World::new(6);
    let (mut alice, mut bob) = world.acquainted();
    let mut device = answered(&mut world, &mut alice);
    let code = digits(&device);
    alice.client.confirm_link(&code, world.now, &mut world.rng).unwrap();
    world.requests(&mut alice);
    step(&mut device, &mut world);
    let folder = tempfile::tempdir().unwrap();
    let (access, place) = (Access::Platform(&SharedKeystore), folder.path().join("store"));
    let mut client = device.finish(&place, access, world.config(), world.now, &mut world.rng).unwrap();
    let address = client.address(world.now, &mut world.rng).unwrap();
    let mut desktop = Person { folder, client, address };
    alice.says(&bob, "one", &mut world);
    all(&mut world, &mut [&mut alice, &mut bob]);
    assert!(alice.events().iter().any(|event| matches!(event, Event::Delivered { .. })));
    for _ in 0..30 {
        world.settle(&mut [&mut alice, &mut bob, &mut desktop]);
        world.wait(HOUR_MS);
    }
    assert_eq!(desktop.texts(&bob, &mut world), ["one"]);
}

#[test]
fn contacts_learn_within_a_day_that_a_device_was_taken_off() {
    let mut world = World::new(7);
    let (mut alice, mut bob) = world.acquainted();
    let mut desktop = linked(&mut world, &mut alice);
    alice.says(&bob, "x", &mut world);
    all(&mut world, &mut [&mut alice, &mut bob, &mut desktop]);
    bob.events();
    alice.client.unlink_device(desktop.address.device, world.now, &mut world.rng).unwrap();
    // Nobody writes, and the service shows the new list to nobody.
    let mut told = 0;
    for _ in 0..25 {
        told += receipts(&world.requests(&mut alice), &bob);
        world.wait(HOUR_MS);
    }
    assert_eq!(told, 1);
    world.mail(&mut bob);
    assert!(bob.events().iter().any(|event| matches!(event, Event::Identity { .. })));
}
