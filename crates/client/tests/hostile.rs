//! Contacts, strangers and a service who keep to the cryptography and to nothing else. Each of these once made a client
//! lose something, stop, or say too much.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop where it is")]

use carevow::core::content::{Body, Control, SenderInfo};
use carevow::core::identity::{AccountKey, DeviceKind, IdentityEvent, ListedDevice, Manifest, ManifestDraft};
use carevow::core::time::{HOUR_MS, MINUTE_MS};
use carevow::{Access, Client, ClientError, Event, Operation, Outcome, Response, StoreError};
use carevow_testing::failing::FailingRng;
use carevow_testing::hostile::Hostile;
use carevow_testing::keystore::SharedKeystore;
use carevow_testing::world::{Person, World};

const ACCESS: Access<'static> = Access::Platform(&SharedKeystore);

fn count(asked: &[Operation], wanted: fn(&Operation) -> bool) -> usize {
    asked.iter().filter(|one| wanted(one)).count()
}

const fn is_bundles(one: &Operation) -> bool {
    matches!(one, Operation::FetchBundles(..))
}

const fn is_submit(one: &Operation) -> bool {
    matches!(one, Operation::Submit(_))
}

#[test]
fn a_device_whose_keys_change_under_one_registration_holds_up_nobody() {
    let mut world = World::new(1);
    let (mut bob, mut carol) = (world.person(), world.person());
    let mut evil = Hostile::new(&mut world);
    bob.client.add_contact(evil.account(), world.now, &mut world.rng).unwrap();
    let hello = evil.text(&mut world, bob.address, 1, "hello");
    let (mail, _) = evil.init(&mut world, bob.address, 5, &hello);
    assert_eq!(world.bring(&mut bob, &[mail]), [Outcome::Accepted]);
    world.wait(MINUTE_MS);
    world.requests(&mut bob);
    evil.change_keys(&mut world);
    let again = evil.text(&mut world, bob.address, 2, "again");
    let (mail, _) = evil.init(&mut world, bob.address, 1, &again);
    assert_eq!(world.bring(&mut bob, &[mail]), [Outcome::Accepted]);
    // The receipt for it, and everything else, goes on.
    for _ in 0..3 {
        world.wait(HOUR_MS);
        world.requests(&mut bob);
    }
    bob.client.add_contact(carol.address.account, world.now, &mut world.rng).unwrap();
    bob.says(&carol, "still here", &mut world);
    world.settle(&mut [&mut bob, &mut carol]);
    assert_eq!(carol.texts(&bob, &mut world), ["still here"]);
}

#[test]
fn more_new_sessions_than_are_taken_at_once_wait_after_unlocking() {
    let mut world = World::new(2);
    let mut bob = world.person();
    let to = bob.address.account;
    let mut people: Vec<Person> = (0..14).map(|_| world.person()).collect();
    bob.client.lock().unwrap();
    for person in &mut people {
        person.client.add_contact(to, world.now, &mut world.rng).unwrap();
        person.says(&bob, "hello", &mut world);
        world.requests(person);
    }
    assert_eq!(world.mail(&mut bob), vec![Outcome::Held; 14]);
    let taken = bob.client.unlock(ACCESS, world.now, &mut world.rng).unwrap();
    let of = |outcome| taken.iter().filter(|one| **one == outcome).count();
    assert_eq!((of(Outcome::Accepted), of(Outcome::Held)), (10, 4));
    world.wait(1_000);
    world.requests(&mut bob);
    let shown = people.iter().filter(|person| bob.texts(person, &mut world).len() == 1).count();
    assert_eq!(shown, 14);
}

#[test]
fn what_a_blocked_contact_sends_is_not_looked_at_in_any_form() {
    let mut world = World::new(3);
    let (mut alice, mut bob) = world.acquainted();
    alice.says(&bob, "queued before", &mut world);
    bob.client.block(alice.address.account, world.now, &mut world.rng).unwrap();
    let before = bob.texts(&alice, &mut world).len();
    for _ in 0..4 {
        alice.says(&bob, "blocked", &mut world);
        world.requests(&mut alice);
        world.mail(&mut bob);
    }
    assert_eq!((bob.texts(&alice, &mut world).len(), bob.events()), (before, vec![]));
    world.wait(HOUR_MS);
    assert_eq!(count(&world.requests(&mut bob), is_submit), 0, "and is sent nothing");
    // What was under way to one who was blocked does not leave.
    let (mut carol, dave) = world.acquainted();
    carol.says(&dave, "not any more", &mut world);
    carol.client.block(dave.address.account, world.now, &mut world.rng).unwrap();
    assert_eq!(count(&world.requests(&mut carol), is_submit), 0);
}

#[test]
fn t112_a_rollback_is_not_forgotten_when_its_consequences_could_not_be_written() {
    let mut world = World::new(4);
    let (alice, bob) = world.acquainted();
    let counter = bob.client.counter().unwrap();
    let Person { folder, client, .. } = bob;
    let place = folder.path().join("store");
    drop(client);
    let mut client = Client::open(&place, world.config(), Some(counter + 5)).unwrap();
    let mut broken = FailingRng::after(0, &mut world.rng);
    let failed = client.unlock(ACCESS, world.now, &mut broken);
    assert_eq!(failed, Err(ClientError::Store(StoreError::Random)));
    // Nothing is sent on the old sessions: it is locked, and the next unlocking wipes them.
    let sent = client.send_text(alice.address.account, "x", None, world.now, &mut world.rng);
    assert_eq!(sent.unwrap_err(), ClientError::Store(StoreError::Locked));
    client.unlock(ACCESS, world.now, &mut world.rng).unwrap();
    assert_eq!(client.poll_event(), Some(Event::RolledBack));
}

#[test]
fn a_manifest_under_a_key_that_nothing_vouches_for_says_nothing() {
    let mut world = World::new(5);
    let mut bob = world.person();
    let evil = Hostile::new(&mut world);
    bob.client.add_contact(evil.account(), world.now, &mut world.rng).unwrap();
    let hello = evil.text(&mut world, bob.address, 1, "hello");
    let (mail, session) = evil.init(&mut world, bob.address, 1, &hello);
    world.bring(&mut bob, &[mail]);
    bob.events();
    // Somebody has the device and not the identity key, and signs a manifest with one of his own.
    let own = AccountKey::generate(evil.account(), &mut world.rng).unwrap();
    let listed = ListedDevice::of(&evil.device, DeviceKind::Mobile, world.now.wall, &own.public_key());
    let draft = ManifestDraft { devices: vec![listed], next_aik: None };
    let forged = Manifest::issue(&own, None, draft, world.now.wall).unwrap();
    let (device_cert, issuer_cert) = evil.certificates(&mut world);
    let info = SenderInfo { device_cert, issuer_cert, manifest: Some(forged.to_signed()), env: None };
    let info = evil.content(&mut world, bob.address, 0, Body::Control(Control::SenderInfo(Box::new(info))));
    let mail = evil.more(&mut world, bob.address, &session, &info);
    assert_eq!(world.bring(&mut bob, &[mail]), [Outcome::Accepted]);
    assert_eq!(bob.events(), []);
    assert!(bob.client.send_text(evil.account(), "still", None, world.now, &mut world.rng).is_ok());
}

#[test]
fn a_manifest_that_no_bundle_vouches_for_makes_nobody_unreachable() {
    let mut world = World::new(6);
    let (mut alice, mut bob) = (world.person(), world.person());
    let evil = Hostile::new(&mut world);
    alice.client.add_contact(bob.address.account, world.now, &mut world.rng).unwrap();
    alice.says(&bob, "hello", &mut world);
    // The service first answers with somebody's devices that Bob does not have.
    let own = AccountKey::generate(bob.address.account, &mut world.rng).unwrap();
    let at = carevow::core::DeviceAddress { account: bob.address.account, ..evil.device.public().address };
    let nine = carevow::core::DeviceAddress { device: carevow::core::DeviceId::new(9).unwrap(), ..at };
    let device = carevow::core::identity::LocalDevice::generate(nine, own.public_key(), &mut world.rng).unwrap();
    let listed = ListedDevice::of(&device, DeviceKind::Mobile, world.now.wall, &own.public_key());
    let draft = ManifestDraft { devices: vec![listed], next_aik: None };
    let forged = Manifest::issue(&own, None, draft, world.now.wall).unwrap();
    let request = alice.client.poll_request(world.now, &mut world.rng).unwrap().unwrap();
    assert!(matches!(request.operation, Operation::FetchManifest(_)));
    let container = prost::Message::encode_to_vec(&forged.to_signed());
    alice.client.complete(request.id, Response::Manifest(container), world.now, &mut world.rng).unwrap();
    for _ in 0..5 {
        world.settle(&mut [&mut alice, &mut bob]);
        world.wait(HOUR_MS);
    }
    assert_eq!(bob.texts(&alice, &mut world), ["hello"]);
}

#[test]
fn contacts_to_whom_nothing_was_said_are_asked_about_nowhere() {
    let mut world = World::new(7);
    let mut alice = world.person();
    let others: Vec<Person> = (0..4).map(|_| world.person()).collect();
    for other in &others {
        alice.client.add_contact(other.address.account, world.now, &mut world.rng).unwrap();
    }
    let mut asked = world.requests(&mut alice);
    for _ in 0..30 {
        world.wait(HOUR_MS);
        asked.extend(world.requests(&mut alice));
    }
    let of_others = |one: &Operation| matches!(one, Operation::FetchManifest(_) | Operation::FetchBundles(..));
    assert_eq!(count(&asked, of_others), 0);
    assert!(others.iter().all(|other| world.service.one_time_left(other.address) == (100, 50)));
}

#[test]
fn t109_the_answer_to_a_device_that_lost_its_count_waits_some_seconds() {
    let mut world = World::new(8);
    let mut bob = world.person();
    let evil = Hostile::new(&mut world);
    bob.client.add_contact(evil.account(), world.now, &mut world.rng).unwrap();
    for (generation, number) in [(5, 1), (1, 2)] {
        let content = evil.text(&mut world, bob.address, number, "hello");
        let (mail, _) = evil.init(&mut world, bob.address, generation, &content);
        assert_eq!(world.bring(&mut bob, &[mail]), [Outcome::Accepted]);
        let asked = world.requests(&mut bob);
        assert_eq!((count(&asked, is_bundles), count(&asked, is_submit)), (0, 0), "generation {generation}");
        world.wait(4_999);
        assert_eq!(count(&world.requests(&mut bob), is_bundles), 0);
        world.wait(HOUR_MS);
        let answered = count(&world.requests(&mut bob), is_bundles);
        assert_eq!(answered, usize::from(generation == 1), "the one that came too low is answered");
    }
}

#[test]
fn t109_a_session_that_nothing_announced_is_shown_after_ten_minutes() {
    let mut world = World::new(11);
    let mut bob = world.person();
    let evil = Hostile::new(&mut world);
    bob.client.add_contact(evil.account(), world.now, &mut world.rng).unwrap();
    let shown = |bob: &mut Person| bob.events().iter().filter(|one| matches!(one, Event::SessionReset(_))).count();
    for (generation, number) in [(1, 1), (5, 2)] {
        let content = evil.text(&mut world, bob.address, number, "hello");
        let (mail, _) = evil.init(&mut world, bob.address, generation, &content);
        assert_eq!(world.bring(&mut bob, &[mail]), [Outcome::Accepted]);
    }
    assert_eq!(shown(&mut bob), 0, "an announcement may be on its way");
    world.wait(10 * MINUTE_MS);
    world.requests(&mut bob);
    assert_eq!(shown(&mut bob), 0);
    world.wait(2);
    world.requests(&mut bob);
    assert_eq!(shown(&mut bob), 1);
}

#[test]
fn an_envelope_that_cannot_be_read_holds_up_no_other() {
    let mut world = World::new(9);
    let (mut alice, mut bob) = world.acquainted();
    let mut carol = world.person();
    // Carol's first message names prekeys that are gone: it cannot be read, and Alice's, which comes with it, can.
    carol.client.add_contact(bob.address.account, world.now, &mut world.rng).unwrap();
    carol.says(&bob, "hello", &mut world);
    world.requests(&mut carol);
    alice.says(&bob, "beside it", &mut world);
    world.requests(&mut alice);
    let mail = world.steal(&bob);
    let mut changed = mail.clone();
    let last = changed[0].envelope.len() - 1;
    changed[0].envelope[last] ^= 1;
    let outcomes = world.bring(&mut bob, &changed);
    assert!(matches!(outcomes[0], Outcome::Failed(_)));
    assert!(outcomes[1..].iter().all(|outcome| *outcome == Outcome::Accepted), "{outcomes:?}");
    assert_eq!(bob.texts(&alice, &mut world).last().map(String::as_str), Some("beside it"));
}

fn is_gap_fetch(one: &Operation) -> bool {
    matches!(one, Operation::FetchManifests(..))
}

#[test]
fn manifests_that_are_missing_between_two_are_fetched_once_within_two_days() {
    let mut world = World::new(10);
    let mut bob = world.person();
    let mut evil = Hostile::new(&mut world);
    bob.client.add_contact(evil.account(), world.now, &mut world.rng).unwrap();
    let hello = evil.text(&mut world, bob.address, 1, "hello");
    let (mail, _) = evil.init(&mut world, bob.address, 1, &hello);
    world.bring(&mut bob, &[mail]);
    for _ in 0..2 {
        evil.manifest = evil.after(&evil.manifest, &world);
        evil.publish(&mut world);
        world.wait(1);
    }
    let again = evil.text(&mut world, bob.address, 2, "two lists later");
    let (mail, _) = evil.init(&mut world, bob.address, 2, &again);
    assert_eq!(world.bring(&mut bob, &[mail]), [Outcome::Accepted]);
    let told = bob.events();
    let gap = |event: &Event| matches!(event, Event::Identity { event: IdentityEvent::GapOpened { .. }, .. });
    assert!(told.iter().any(gap), "{told:?}");
    assert_eq!(count(&world.requests(&mut bob), is_gap_fetch), 0, "not in answer to a message");
    let mut asked = 0;
    for _ in 0..48 {
        world.wait(HOUR_MS);
        asked += count(&world.requests(&mut bob), is_gap_fetch);
    }
    assert_eq!(asked, 1);
    for _ in 0..48 {
        world.wait(HOUR_MS);
        asked += count(&world.requests(&mut bob), is_gap_fetch);
    }
    assert_eq!((asked, bob.events().iter().filter(|event| matches!(event, Event::ManifestFork(_))).count()), (1, 0));
}

#[test]
fn a_service_that_has_another_list_in_the_gap_has_forked_the_account() {
    let mut world = World::new(11);
    let mut bob = world.person();
    let mut evil = Hostile::new(&mut world);
    bob.client.add_contact(evil.account(), world.now, &mut world.rng).unwrap();
    let hello = evil.text(&mut world, bob.address, 1, "hello");
    let (mail, _) = evil.init(&mut world, bob.address, 1, &hello);
    world.bring(&mut bob, &[mail]);
    let first = evil.manifest.clone();
    world.wait(1);
    let hidden = evil.after(&first, &world);
    world.wait(1);
    evil.manifest = evil.after(&first, &world);
    evil.publish(&mut world);
    evil.manifest = evil.after(&hidden, &world);
    let again = evil.text(&mut world, bob.address, 2, "under a list that nobody else sees");
    let (mail, _) = evil.init(&mut world, bob.address, 2, &again);
    assert_eq!(world.bring(&mut bob, &[mail]), [Outcome::Accepted]);
    bob.events();
    for _ in 0..48 {
        world.wait(HOUR_MS);
        world.requests(&mut bob);
    }
    let fork = |event: &Event| matches!(event, Event::Identity { event: IdentityEvent::ManifestFork { .. }, .. });
    let told = bob.events();
    assert!(told.iter().any(fork), "{told:?}");
}
