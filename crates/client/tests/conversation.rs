//! Two people talk, through everything that a client does by itself.

use carevow::{Event, Outcome, Standing};
use carevow_testing::world::World;

#[test]
fn a_message_reaches_a_stranger_and_its_answer_comes_back() {
    let mut world = World::new(1);
    let (mut alice, mut bob) = (world.person(), world.person());
    alice.client.add_contact(bob.address.account, world.now, &mut world.rng).unwrap();
    let sent = alice.says(&bob, "Good morning", &mut world);
    world.settle(&mut [&mut alice, &mut bob]);
    assert_eq!(bob.texts(&alice, &mut world), ["Good morning"]);
    let events = bob.events();
    assert_eq!(events[0], Event::ContactRequest(alice.address.account));
    assert!(events.contains(&Event::Message { conversation: sent.conversation, number: 0 }));
    // Nothing automatic goes to somebody whom the user has not answered.
    world.wait(60_000);
    assert_eq!(world.requests(&mut bob).len(), 0);
    assert!(!alice.events().iter().any(|event| matches!(event, Event::Delivered { .. })));
    bob.says(&alice, "Good morning to you", &mut world);
    assert_eq!(
        bob.client.standing(alice.address.account, world.now, &mut world.rng).unwrap(),
        Some(Standing::Established)
    );
    world.settle(&mut [&mut alice, &mut bob]);
    assert_eq!(alice.texts(&bob, &mut world), ["Good morning", "Good morning to you"]);
    world.wait(60_000);
    world.settle(&mut [&mut alice, &mut bob]);
    assert!(bob.events().contains(&Event::Delivered { conversation: sent.conversation, number: 1 }));
}

#[test]
fn many_messages_in_both_directions_arrive_once_and_in_order() {
    let mut world = World::new(2);
    let (mut alice, mut bob) = (world.person(), world.person());
    let (a, b) = (alice.address.account, bob.address.account);
    alice.client.add_contact(b, world.now, &mut world.rng).unwrap();
    bob.client.add_contact(a, world.now, &mut world.rng).unwrap();
    let (mut from_alice, mut from_bob) = (Vec::new(), Vec::new());
    for round in 0..30 {
        for n in 0..3 {
            from_alice.push(format!("a {round} {n}"));
            alice.says(&bob, from_alice.last().unwrap(), &mut world);
        }
        if round % 2 == 0 {
            from_bob.push(format!("b {round}"));
            bob.says(&alice, from_bob.last().unwrap(), &mut world);
        }
        world.settle(&mut [&mut alice, &mut bob]);
        world.wait(3_600_000);
        world.settle(&mut [&mut alice, &mut bob]);
    }
    let at_bob = bob.texts(&alice, &mut world);
    let at_alice = alice.texts(&bob, &mut world);
    for texts in [&at_bob, &at_alice] {
        assert_eq!(texts.iter().filter(|text| text.starts_with('a')).cloned().collect::<Vec<_>>(), from_alice);
        assert_eq!(texts.iter().filter(|text| text.starts_with('b')).cloned().collect::<Vec<_>>(), from_bob);
    }
    let delivered = |events: &[Event]| events.iter().filter(|event| matches!(event, Event::Delivered { .. })).count();
    let (alice, bob) = (alice.events(), bob.events());
    assert_eq!((delivered(&alice), delivered(&bob)), (from_alice.len(), from_bob.len()));
    let alarming =
        |event: &Event| matches!(event, Event::SessionReset(_) | Event::PossibleClone(_) | Event::PeerStale(_));
    let alarms: Vec<_> = alice.iter().chain(&bob).filter(|event| alarming(event)).collect();
    assert!(alarms.is_empty(), "{alarms:?}");
    // Both began at once: what was sent on the session that did not stay, Alice's three or Bob's one, came all the same.
    let stale = alice.iter().chain(&bob).filter(|event| matches!(event, Event::StaleSession(_))).count();
    assert!([1, 3].contains(&stale), "{stale}");
}

#[test]
fn what_the_mailbox_delivers_again_is_a_duplicate() {
    let mut world = World::new(3);
    let (mut alice, mut bob) = (world.person(), world.person());
    alice.client.add_contact(bob.address.account, world.now, &mut world.rng).unwrap();
    alice.says(&bob, "once", &mut world);
    world.requests(&mut alice);
    let mail = world.service.mail(bob.address);
    assert_eq!(world.mail(&mut bob), [Outcome::Accepted]);
    for mail in mail {
        world.service.inject(bob.address, mail);
    }
    assert_eq!(world.mail(&mut bob), [Outcome::Duplicate]);
    assert_eq!(bob.texts(&alice, &mut world), ["once"]);
}
