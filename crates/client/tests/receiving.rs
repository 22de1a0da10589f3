//! Receiving, with everything that may come in between.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it is")]

use std::sync::Barrier;

use carevow::core::content::pair_id;
use carevow::core::errors::DecryptError;
use carevow::core::time::{DAY_MS, HOUR_MS};
use carevow::{Access, Client, ClientError, Delivery, Event, Operation, Outcome, StoreError};
use carevow_testing::failing::FailingRng;
use carevow_testing::keystore::SharedKeystore;
use carevow_testing::world::World;

/// First byte of a message on a session that is confirmed.
const SESSION: u8 = 3;

#[test]
fn t044_a_crash_between_decrypt_and_commit_leaves_nothing_and_the_next_delivery_succeeds_once() {
    let mut world = World::new(44);
    let (mut alice, mut bob) = (world.person(), world.person());
    alice.client.add_contact(bob.address.account, world.now, &mut world.rng).unwrap();
    alice.says(&bob, "first", &mut world);
    world.requests(&mut alice);
    let mail = world.service.mail(bob.address);
    let deliveries = [Delivery { received: mail[0].received, envelope: &mail[0].envelope }];
    let mut crashes = 0;
    for draws in 0.. {
        let mut failing = FailingRng::after(draws, &mut world.rng);
        match bob.client.receive(&deliveries, world.now, &mut failing) {
            Err(ClientError::Store(StoreError::Random)) => {
                crashes += 1;
                world.restart(&mut bob);
                assert_eq!(bob.texts(&alice, &mut world), Vec::<String>::new(), "after {draws} draws");
            }
            outcome => {
                assert_eq!(outcome, Ok(vec![Outcome::Accepted]));
                break;
            }
        }
    }
    assert!(crashes > 5, "{crashes}");
    assert_eq!(bob.texts(&alice, &mut world), ["first"]);
    assert_eq!(world.bring(&mut bob, &mail), [Outcome::Duplicate]);
    let began = bob.events().iter().filter(|event| matches!(event, Event::SessionBegan { .. })).count();
    assert_eq!(began, 1);
}

#[test]
fn t088_a_message_of_no_session_is_silent() {
    let mut world = World::new(88);
    let (mut alice, mut bob) = world.acquainted();
    let mut carol = world.person();
    alice.says(&bob, "for bob", &mut world);
    world.requests(&mut alice);
    let mail = world.steal(&bob);
    let silent = vec![Outcome::Failed(DecryptError::NoSession); mail.len()];
    assert_eq!(world.bring(&mut carol, &mail), silent);
    assert_eq!((carol.events(), world.requests(&mut carol).len()), (vec![], 0), "nobody learns of it");
    assert_eq!(world.bring(&mut bob, &mail), vec![Outcome::Accepted; mail.len()], "control");
}

#[test]
fn t090_receipts_wait_some_seconds_and_strangers_and_repetitions_get_none() {
    let mut world = World::new(90);
    let (mut alice, mut bob) = world.acquainted();
    let sent = alice.says(&bob, "one", &mut world);
    world.requests(&mut alice);
    let mail = world.service.mail(bob.address);
    world.mail(&mut bob);
    // Not before a second has passed, and within half a minute.
    assert_eq!(world.requests(&mut bob), []);
    world.wait(999);
    assert_eq!(world.requests(&mut bob), []);
    world.wait(29_001);
    assert!(
        matches!(world.requests(&mut bob).as_slice(), [Operation::Submit(one)] if one.account == alice.address.account)
    );
    world.mail(&mut alice);
    assert!(alice.events().contains(&Event::Delivered { conversation: sent.conversation, number: sent.number }));
    // What comes again is receipted no second time, and is no second message.
    for mail in &mail {
        assert_eq!(world.bring(&mut bob, core::slice::from_ref(mail)), [Outcome::Duplicate]);
    }
    world.wait(60_000);
    assert_eq!(world.requests(&mut bob), []);
    // A contact request: the first message of a stranger makes its recipient ask the service for nothing.
    let mut carol = world.person();
    carol.client.add_contact(bob.address.account, world.now, &mut world.rng).unwrap();
    carol.says(&bob, "hello", &mut world);
    world.requests(&mut carol);
    assert_eq!(world.mail(&mut bob), [Outcome::Accepted]);
    assert_eq!(world.requests(&mut bob), []);
    world.wait(60_000);
    assert_eq!(world.requests(&mut bob), []);
    // Control: once it is answered, it is.
    bob.says(&carol, "hello", &mut world);
    world.settle(&mut [&mut carol, &mut bob]);
    carol.says(&bob, "and again", &mut world);
    world.settle(&mut [&mut carol, &mut bob]);
    world.wait(30_000);
    world.settle(&mut [&mut carol, &mut bob]);
    assert_eq!(carol.events().iter().filter(|event| matches!(event, Event::Delivered { .. })).count(), 1);
}

#[test]
fn t129_two_processes_that_get_the_same_envelopes_take_each_once() {
    let mut world = World::new(129);
    let (mut alice, bob) = world.acquainted();
    for n in 0..20 {
        alice.says(&bob, &format!("{n}"), &mut world);
    }
    world.requests(&mut alice);
    let mail = world.service.mail(bob.address);
    let (folder, config, now) = (bob.folder.path().join("store"), world.config(), world.now);
    let barrier = Barrier::new(2);
    let take = |seed: u64| {
        let mut rng = World::new(seed).rng;
        let mut client = Client::open(&folder, config.clone(), None).unwrap();
        client.unlock(Access::Platform(&SharedKeystore), now, &mut rng).unwrap();
        barrier.wait();
        let mut outcomes = Vec::new();
        for mail in &mail {
            let delivery = Delivery { received: mail.received, envelope: &mail.envelope };
            outcomes.extend(client.receive(&[delivery], now, &mut rng).unwrap());
        }
        outcomes
    };
    let (mut one, other) = std::thread::scope(|scope| {
        let other = scope.spawn(|| take(7));
        (take(8), other.join().unwrap())
    });
    one.extend(other);
    let count = |wanted: Outcome| one.iter().filter(|outcome| **outcome == wanted).count();
    assert_eq!((count(Outcome::Accepted), count(Outcome::Duplicate)), (mail.len(), mail.len()));
    let mut bob = bob;
    let texts = bob.texts(&alice, &mut world);
    assert_eq!(texts.len(), 22);
}

#[test]
fn t135_what_the_service_leaves_out_is_told_a_day_after_something_later_came() {
    let mut world = World::new(135);
    let (mut alice, mut bob) = world.acquainted();
    let conversation = pair_id(&alice.address.account, &bob.address.account);
    alice.says(&bob, "left out", &mut world);
    world.requests(&mut alice);
    let lost = world.steal(&bob);
    let gaps =
        |events: Vec<Event>| events.into_iter().filter(|event| matches!(event, Event::MessageGap { .. })).count();
    world.wait(2 * DAY_MS);
    world.requests(&mut bob);
    assert_eq!(gaps(bob.events()), 0, "nobody can know of the last message");
    alice.says(&bob, "later", &mut world);
    world.settle(&mut [&mut alice, &mut bob]);
    world.wait(DAY_MS);
    world.requests(&mut bob);
    assert_eq!(gaps(bob.events()), 0);
    world.wait(1);
    world.requests(&mut bob);
    let told = bob.events();
    let gap = told.iter().find_map(|event| match event {
        Event::MessageGap { conversation: of, device, gap } if *of == conversation && *device == alice.address => {
            Some(gap)
        }
        _ => None,
    });
    assert_eq!(gap.map(|gap| (gap.from, gap.to)), Some((2, 2)));
    // Once; and it may still come.
    world.wait(DAY_MS);
    world.requests(&mut bob);
    assert_eq!(gaps(bob.events()), 0);
    assert_eq!(world.bring(&mut bob, &lost), vec![Outcome::Accepted; lost.len()]);
    assert!(bob.texts(&alice, &mut world).contains(&"left out".to_owned()));
}

#[test]
fn t136_whatever_is_delivered_again_after_a_crash_is_there_once() {
    let mut world = World::new(136);
    let (mut alice, mut bob) = (world.person(), world.person());
    let (a, b) = (alice.address.account, bob.address.account);
    alice.client.add_contact(b, world.now, &mut world.rng).unwrap();
    bob.client.add_contact(a, world.now, &mut world.rng).unwrap();
    let mut all = Vec::new();
    for round in 0..6 {
        alice.says(&bob, &format!("{round}"), &mut world);
        world.requests(&mut alice);
        let mail = world.service.mail(bob.address);
        let outcomes = world.mail(&mut bob);
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Accepted), "{outcomes:?}");
        world.restart(&mut bob);
        let written = bob.client.counter().unwrap();
        let again = world.bring(&mut bob, &mail);
        assert!(again.iter().all(|outcome| *outcome == Outcome::Duplicate), "{again:?}");
        assert_eq!(bob.client.counter().unwrap(), written, "its session had been committed with it");
        all.extend(mail);
        if round % 2 == 1 {
            bob.says(&alice, "answer", &mut world);
        }
        world.settle(&mut [&mut alice, &mut bob]);
        world.wait(60_000);
        world.settle(&mut [&mut alice, &mut bob]);
    }
    // A sealed one is known by its id, a bare one by its key, which is gone.
    let bare = all.iter().filter(|mail| mail.envelope.first() == Some(&SESSION)).count();
    assert_eq!((all.len(), bare), (7, 6), "both forms were brought again");
    // Two days later the ids are forgotten, and no key is left that opens them.
    world.wait(3 * DAY_MS);
    world.settle(&mut [&mut alice, &mut bob]);
    let before = bob.texts(&alice, &mut world);
    for outcome in world.bring(&mut bob, &all) {
        let gone = [DecryptError::NoSession, DecryptError::DecryptFailed].map(Outcome::Failed);
        assert!(outcome == Outcome::Duplicate || gone.contains(&outcome), "{outcome:?}");
    }
    assert_eq!(bob.texts(&alice, &mut world), before);
    assert_eq!(before.iter().filter(|text| text.parse::<u8>().is_ok()).count(), 6);
}

#[test]
fn t021_an_envelope_under_a_wrong_clock_is_held_and_delivered_when_the_clock_is_right() {
    let mut world = World::new(21);
    let (mut alice, mut bob) = (world.person(), world.person());
    alice.client.add_contact(bob.address.account, world.now, &mut world.rng).unwrap();
    alice.says(&bob, "on time", &mut world);
    world.requests(&mut alice);
    let right = world.now;
    // Its clock is behind: by it, the sender's certificate is not valid yet; by the service's, it is.
    world.now.wall = right.wall.minus(30 * HOUR_MS);
    assert_eq!(world.mail(&mut bob), [Outcome::Held]);
    assert!(bob.events().contains(&Event::ClockSkew));
    assert_eq!(bob.texts(&alice, &mut world), Vec::<String>::new());
    // The mailbox has forgotten it; it survives a restart, and comes when the clock is right.
    world.restart(&mut bob);
    bob.client.judge_held(world.now, &mut world.rng).unwrap();
    assert_eq!(bob.texts(&alice, &mut world), Vec::<String>::new());
    world.now.wall = right.wall.plus(2 * HOUR_MS);
    bob.client.judge_held(world.now, &mut world.rng).unwrap();
    assert_eq!(bob.texts(&alice, &mut world), ["on time"]);
    assert_eq!(bob.events().iter().filter(|event| matches!(event, Event::Message { .. })).count(), 1);
}

#[test]
fn t154_what_arrives_at_a_locked_store_is_counted_and_nothing_else_until_it_is_unlocked() {
    let mut world = World::new(154);
    let (mut alice, mut bob) = world.acquainted();
    let mut carol = world.person();
    bob.client.lock().unwrap();
    alice.says(&bob, "bare", &mut world);
    world.requests(&mut alice);
    carol.client.add_contact(bob.address.account, world.now, &mut world.rng).unwrap();
    carol.says(&bob, "sealed", &mut world);
    world.requests(&mut carol);
    let arrived = world.service.mail(bob.address).len();
    let outcomes = world.mail(&mut bob);
    assert_eq!(outcomes, vec![Outcome::Held; arrived]);
    assert_eq!(world.service.mail(bob.address).len(), 0, "the mailbox may forget them");
    assert_eq!((bob.client.held_count().unwrap(), bob.events()), (arrived as u64, vec![]));
    let locked = Err(ClientError::Store(StoreError::Locked));
    assert_eq!(bob.client.poll_request(world.now, &mut world.rng), locked, "no receipt, no request");
    let unlocked = bob.client.unlock(Access::Platform(&SharedKeystore), world.now, &mut world.rng).unwrap();
    assert_eq!(unlocked, vec![Outcome::Accepted; arrived]);
    assert_eq!(bob.client.held_count().unwrap(), 0);
    assert_eq!(bob.texts(&alice, &mut world).last().map(String::as_str), Some("bare"));
    assert_eq!(bob.texts(&carol, &mut world), ["sealed"]);
    assert_eq!(bob.events().iter().filter(|event| matches!(event, Event::Message { .. })).count(), 2);
}

#[test]
fn what_the_app_must_not_miss_comes_again_until_it_was_handed_out() {
    let mut world = World::new(50);
    let (mut alice, mut bob) = (world.person(), world.person());
    alice.client.add_contact(bob.address.account, world.now, &mut world.rng).unwrap();
    alice.says(&bob, "hello", &mut world);
    world.requests(&mut alice);
    world.mail(&mut bob);
    let request = Event::ContactRequest(alice.address.account);
    // The process ends before it has asked, twice.
    for _ in 0..2 {
        world.restart(&mut bob);
    }
    assert_eq!(bob.events(), std::slice::from_ref(&request));
    // It has had it; but nothing was written since.
    world.restart(&mut bob);
    assert_eq!(bob.events(), [request]);
    bob.client.address(world.now, &mut world.rng).unwrap();
    world.restart(&mut bob);
    assert_eq!(bob.events(), []);
}
