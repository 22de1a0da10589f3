//! Sessions over their life: crossed, refreshed, lost, restored from an older copy.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it is")]

use std::fs;
use std::path::{Path, PathBuf};

use carevow::core::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use carevow::{Access, Client, Event, Operation, Outcome, Response};
use carevow_testing::keystore::SharedKeystore;
use carevow_testing::world::{Person, World};

fn resets(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event, Event::SessionReset(_))).count()
}

/// A copy of a store, as a backup or a thief has it.
fn copy(person: &Person, name: &str) -> PathBuf {
    let to = person.folder.path().join(name);
    fs::create_dir(&to).unwrap();
    for file in fs::read_dir(person.folder.path().join("store")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
    to
}

/// Puts a copy in the place of the store.
fn restore(world: &mut World, person: &mut Person, from: &Path) {
    let store = person.folder.path().join("store");
    let elsewhere = person.folder.path().join("closed");
    // The files of the client that runs are let go of first.
    person.client = Client::open(from, world.config(), None).unwrap();
    fs::rename(&store, &elsewhere).unwrap();
    fs::create_dir(&store).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), store.join(file.file_name())).unwrap();
    }
    world.restart(person);
}

#[test]
fn t107_a_message_on_a_session_that_was_replaced_opens_and_the_next_goes_on_the_active_one() {
    let mut world = World::new(107);
    let (mut alice, mut bob) = (world.person(), world.person());
    let (a, b) = (alice.address.account, bob.address.account);
    alice.client.add_contact(b, world.now, &mut world.rng).unwrap();
    bob.client.add_contact(a, world.now, &mut world.rng).unwrap();
    // Both begin at once: one of the two sessions stays.
    alice.says(&bob, "from alice", &mut world);
    bob.says(&alice, "from bob", &mut world);
    world.requests(&mut alice);
    world.requests(&mut bob);
    alice.says(&bob, "again from alice", &mut world);
    bob.says(&alice, "again from bob", &mut world);
    world.requests(&mut alice);
    world.requests(&mut bob);
    assert_eq!(world.mail(&mut alice), [Outcome::Accepted; 2]);
    assert_eq!(world.mail(&mut bob), [Outcome::Accepted; 2]);
    let (told_alice, told_bob) = (alice.events(), bob.events());
    let stale = |events: &[Event]| events.iter().filter(|event| matches!(event, Event::StaleSession(_))).count();
    // Whose session stayed hears the other on the one that did not; both messages of it.
    let mut both = [stale(&told_alice), stale(&told_bob)];
    both.sort_unstable();
    assert_eq!((both, resets(&told_alice), resets(&told_bob)), ([0, 2], 0, 0));
    // From now on both use one.
    for round in 0..3 {
        alice.says(&bob, &format!("a{round}"), &mut world);
        bob.says(&alice, &format!("b{round}"), &mut world);
        world.settle(&mut [&mut alice, &mut bob]);
    }
    assert_eq!((stale(&alice.events()), stale(&bob.events())), (0, 0));
    assert_eq!((alice.texts(&bob, &mut world).len(), bob.texts(&alice, &mut world).len()), (10, 10));
}

#[test]
fn t110_a_refresh_raises_no_alarm_in_whichever_order_it_arrives() {
    for backwards in [false, true] {
        let mut world = World::new(110);
        let (mut alice, mut bob) = world.acquainted();
        alice.says(&bob, "no answer comes", &mut world);
        world.settle(&mut [&mut alice, &mut bob]);
        // Receipts are answers: Bob is away for eight days.
        let alone = |text: &str, world: &mut World, alice: &mut Person| {
            alice.says(&bob, text, world);
            world.requests(alice)
        };
        alone("one", &mut world, &mut alice);
        world.wait(8 * DAY_MS);
        alone("two", &mut world, &mut alice);
        let asked = alone("three", &mut world, &mut alice);
        assert!(!asked.is_empty());
        let mut mail = world.steal(&bob);
        if backwards {
            mail.reverse();
        }
        let outcomes = world.bring(&mut bob, &mail);
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Accepted), "{outcomes:?}");
        let began = |event: &&Event| matches!(event, Event::SessionBegan { .. });
        let told = bob.events();
        assert_eq!(told.iter().filter(began).count(), 1, "the session is a new one");
        world.wait(11 * MINUTE_MS);
        world.requests(&mut bob);
        assert_eq!((resets(&told), resets(&bob.events())), (0, 0), "backwards: {backwards}");
        world.settle(&mut [&mut alice, &mut bob]);
        bob.says(&alice, "here I am", &mut world);
        world.settle(&mut [&mut alice, &mut bob]);
        assert_eq!(alice.texts(&bob, &mut world).last().map(String::as_str), Some("here I am"));
    }
}

#[test]
fn t062_a_device_that_says_much_before_it_listens_reads_what_was_answered_meanwhile() {
    let mut world = World::new(162);
    let (mut alice, mut bob) = world.acquainted();
    bob.says(&alice, "answer", &mut world);
    world.requests(&mut bob);
    for n in 0..4_200 {
        alice.says(&bob, &format!("{n}"), &mut world);
        if n % 100 == 99 {
            world.requests(&mut alice);
        }
    }
    let outcomes = world.mail(&mut alice);
    assert!(!outcomes.is_empty() && outcomes.iter().all(|outcome| *outcome == Outcome::Accepted), "{outcomes:?}");
    assert!(alice.texts(&bob, &mut world).contains(&"answer".to_owned()));
}

#[test]
fn t062_the_thousand_and_first_unanswered_message_asks_for_a_new_session_and_goes_on_without_one() {
    let mut world = World::new(62);
    let (mut alice, bob) = world.acquainted();
    let fetches = |asked: &[Operation]| asked.iter().filter(|one| matches!(one, Operation::FetchBundles(..))).count();
    let said = |count: usize, world: &mut World, alice: &mut Person| {
        let mut asked = Vec::new();
        for n in 0..count {
            alice.says(&bob, &format!("{n}"), world);
            if n % 100 == 99 {
                asked.extend(world.requests(alice));
            }
        }
        asked.extend(world.requests(alice));
        asked
    };
    let asked = said(1_000, &mut world, &mut alice);
    assert_eq!(fetches(&asked), 0);
    // The directory has no bundle: what is said goes on with the old session, and the app learns of it.
    alice.says(&bob, "the next", &mut world);
    let mut submitted = 0;
    while let Some(request) = alice.client.poll_request(world.now, &mut world.rng).unwrap() {
        let response = match &request.operation {
            Operation::FetchBundles(..) => Response::Bundles(Vec::new()),
            operation => {
                submitted += usize::from(matches!(operation, Operation::Submit(_)));
                world.service.perform(alice.address, operation, world.now.wall, &mut world.rng)
            }
        };
        alice.client.complete(request.id, response, world.now, &mut world.rng).unwrap();
    }
    assert_eq!((submitted, alice.events().contains(&Event::PeerStale(bob.address))), (1, true));
    // It is tried again, and then there is one.
    world.wait(HOUR_MS);
    alice.says(&bob, "and one more", &mut world);
    assert_eq!(fetches(&world.requests(&mut alice)), 1);
}

#[test]
fn t109_a_device_that_lost_its_sessions_is_shown_and_gets_what_was_not_acknowledged() {
    let mut world = World::new(109);
    let (mut alice, mut bob) = world.acquainted();
    let old = copy(&bob, "old");
    // Eight days without an answer: Alice's phone makes a new session, and Bob's takes it.
    alice.says(&bob, "before", &mut world);
    world.requests(&mut alice);
    world.wait(8 * DAY_MS);
    alice.says(&bob, "and after", &mut world);
    alice.says(&bob, "on the new one", &mut world);
    world.settle(&mut [&mut alice, &mut bob]);
    bob.says(&alice, "answer", &mut world);
    for _ in 0..2 {
        world.settle(&mut [&mut alice, &mut bob]);
        world.wait(11 * MINUTE_MS);
    }
    alice.events();
    // Bob's phone comes back from a backup that knows nothing of it. (Its host kept no counter.)
    restore(&mut world, &mut bob, &old);
    for text in ["lost 1", "lost 2", "lost 3", "lost 4"] {
        alice.says(&bob, text, &mut world);
    }
    world.requests(&mut alice);
    let outcomes = world.mail(&mut bob);
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Failed(_))), "{outcomes:?}");
    for _ in 0..6 {
        world.wait(MINUTE_MS);
        world.settle(&mut [&mut alice, &mut bob]);
    }
    let mut texts = bob.texts(&alice, &mut world);
    texts.retain(|text| !text.starts_with("hello"));
    texts.sort();
    assert_eq!(texts, ["lost 1", "lost 2", "lost 3", "lost 4"], "what was acknowledged before does not come again");
    world.wait(11 * MINUTE_MS);
    world.settle(&mut [&mut alice, &mut bob]);
    assert_eq!(resets(&alice.events()), 1, "nothing had announced Bob's new session");
}

#[test]
fn t112_an_older_store_is_noticed_by_the_counter_that_the_host_kept() {
    let mut world = World::new(112);
    let (mut alice, mut bob) = world.acquainted();
    let old = copy(&bob, "old");
    alice.says(&bob, "since then", &mut world);
    world.settle(&mut [&mut alice, &mut bob]);
    let kept = bob.client.counter().unwrap();
    let mut unlocked = |folder: &Path| {
        let mut client = Client::open(folder, world.config(), Some(kept)).unwrap();
        client.unlock(Access::Platform(&SharedKeystore), world.now, &mut world.rng).unwrap();
        core::iter::from_fn(|| client.poll_event()).collect::<Vec<_>>()
    };
    assert_eq!(unlocked(&old), [Event::RolledBack]);
    assert_eq!(unlocked(&bob.folder.path().join("store")), [], "control");
}

#[test]
fn t112_a_device_with_an_older_store_registers_anew_and_uses_no_old_session() {
    let mut world = World::new(1120);
    let (mut alice, mut bob) = world.acquainted();
    let old = copy(&bob, "old");
    bob.says(&alice, "after the copy", &mut world);
    world.settle(&mut [&mut alice, &mut bob]);
    let (kept, before) = (bob.client.counter().unwrap(), bob.address);
    bob.says(&alice, "not sent yet", &mut world);
    restore(&mut world, &mut bob, &old);
    bob.client = Client::open(&bob.folder.path().join("store"), world.config(), Some(kept)).unwrap();
    bob.client.unlock(Access::Platform(&SharedKeystore), world.now, &mut world.rng).unwrap();
    // What the user sends meanwhile waits; what comes for the old registration is not taken.
    bob.says(&alice, "written while it registers", &mut world);
    alice.says(&bob, "to the old registration", &mut world);
    world.requests(&mut alice);
    let mail = world.service.mail(before);
    let outcomes = world.bring(&mut bob, &mail);
    assert_eq!(outcomes, vec![Outcome::NotNow; mail.len()]);
    let mut events = Vec::new();
    while let Some(request) = bob.client.poll_request(world.now, &mut world.rng).unwrap() {
        events.extend(bob.events());
        let registered = events.iter().find_map(|event| match event {
            Event::Registered(address) => Some(*address),
            _ => None,
        });
        bob.address = registered.unwrap_or(before);
        let response = world.service.perform(bob.address, &request.operation, world.now.wall, &mut world.rng);
        bob.client.complete(request.id, response, world.now, &mut world.rng).unwrap();
    }
    events.extend(bob.events());
    assert_eq!(events[0], Event::RolledBack);
    let same = (before.account, before.device);
    assert!((bob.address.account, bob.address.device) == same && bob.address.reg != before.reg);
    // Alice's phone learns of it by the list that her next message is answered with, and goes on with the new registration.
    for _ in 0..3 {
        world.settle(&mut [&mut alice, &mut bob]);
        world.wait(MINUTE_MS);
    }
    let told = alice.events();
    let changed =
        told.iter().any(|event| matches!(event, Event::Identity { account, .. } if *account == before.account));
    assert!(changed, "{told:?}");
    alice.says(&bob, "to the new one", &mut world);
    for _ in 0..3 {
        world.settle(&mut [&mut alice, &mut bob]);
        world.wait(MINUTE_MS);
    }
    assert_eq!(bob.texts(&alice, &mut world).last().map(String::as_str), Some("to the new one"));
    let once = bob.texts(&alice, &mut world).iter().filter(|text| *text == "to the old registration").count();
    assert_eq!(once, 1, "what the old registration had not acknowledged is sent to the new one");
    let texts = alice.texts(&bob, &mut world);
    assert!(texts.contains(&"after the copy".to_owned()) && texts.contains(&"written while it registers".to_owned()));
    assert!(!texts.contains(&"not sent yet".to_owned()));
    assert_eq!(resets(&alice.events()), 0);
}

#[test]
fn t022_a_revoked_device_is_sent_nothing_and_its_sessions_are_closed() {
    let mut world = World::new(22);
    let (mut alice, mut bob) = world.acquainted();
    world.service.revoke(bob.address);
    world.wait(2 * DAY_MS);
    world.requests(&mut alice);
    // What he sends on the old session opens nowhere.
    bob.says(&alice, "still there", &mut world);
    world.requests(&mut bob);
    let outcomes = world.mail(&mut alice);
    assert!(!outcomes.is_empty() && outcomes.iter().all(|one| matches!(one, Outcome::Failed(_))), "{outcomes:?}");
    // And what is sent to him waits for a bundle that no certificate vouches for.
    alice.says(&bob, "for nobody", &mut world);
    let asked = world.requests(&mut alice);
    assert!(!asked.iter().any(|one| matches!(one, Operation::Submit(_))), "nothing leaves");
}
