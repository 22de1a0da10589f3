//! Edits, deletions, reactions, and what a version cannot read.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it is")]

use carevow::core::content::{ContentRejected, DeleteReason, Reaction, SentAt};
use carevow::core::time::HOUR_MS;
use carevow::{ClientError, Event, Message, Outcome};
use carevow_testing::world::{Person, World};

fn message(person: &mut Person, other: &Person, number: u64, world: &mut World) -> Message {
    let conversation = carevow::core::content::pair_id(&person.address.account, &other.address.account);
    let messages = person.client.messages(conversation, number..number + 1, world.now, &mut world.rng);
    messages.unwrap().remove(0)
}

#[test]
fn t094_only_the_author_edits_and_takes_back_and_only_a_text_is_edited() {
    let mut world = World::new(94);
    let (mut alice, mut bob) = world.acquainted();
    let (a, b) = (alice.address.account, bob.address.account);
    let sent = alice.says(&bob, "10 mg", &mut world);
    world.settle(&mut [&mut alice, &mut bob]);
    let at_bob = bob.texts(&alice, &mut world).len() as u64 - 1;
    // The author: on both sides the message shows what changed it.
    alice.client.edit(b, sent.message, "5 mg", world.now, &mut world.rng).unwrap();
    world.settle(&mut [&mut alice, &mut bob]);
    let edited = message(&mut alice, &bob, sent.number, &mut world);
    assert_eq!((edited.changed_by, edited.taken_back), (Some(sent.number + 1), false));
    let edited = message(&mut bob, &alice, at_bob, &mut world);
    assert_eq!((edited.text(), edited.changed_by), (Some("10 mg"), Some(at_bob + 1)));
    // Somebody else: refused before anything leaves. (What another client sends is judged by the same function.)
    let mine = bob.client.edit(a, sent.message, "50 mg", world.now, &mut world.rng);
    assert_eq!(mine.unwrap_err(), ClientError::InvalidMessage(ContentRejected::NotAuthor));
    let mine = bob.client.take_back(a, sent.message, DeleteReason::None, world.now, &mut world.rng);
    assert_eq!(mine.unwrap_err(), ClientError::InvalidMessage(ContentRejected::NotAuthor));
    // An edit is no text, and is not edited.
    let edit = alice.client.edit(b, sent.message, "7 mg", world.now, &mut world.rng).unwrap();
    let of_edit = alice.client.edit(b, edit.message, "9 mg", world.now, &mut world.rng);
    assert_eq!(of_edit.unwrap_err(), ClientError::InvalidMessage(ContentRejected::NotEditable));
    alice.client.take_back(b, sent.message, DeleteReason::WrongRecipient, world.now, &mut world.rng).unwrap();
    world.settle(&mut [&mut alice, &mut bob]);
    assert!(message(&mut bob, &alice, at_bob, &mut world).taken_back);
    assert!(message(&mut alice, &bob, sent.number, &mut world).taken_back);
}

#[test]
fn t094_an_edit_that_comes_before_its_message_waits_for_it() {
    let mut world = World::new(940);
    let (mut alice, mut bob) = world.acquainted();
    let before = bob.texts(&alice, &mut world).len() as u64;
    let sent = alice.says(&bob, "first", &mut world);
    world.requests(&mut alice);
    let first = world.steal(&bob);
    alice.client.edit(bob.address.account, sent.message, "second", world.now, &mut world.rng).unwrap();
    world.requests(&mut alice);
    assert_eq!(world.mail(&mut bob), [Outcome::Accepted]);
    assert!(world.bring(&mut bob, &first).iter().all(|outcome| *outcome == Outcome::Accepted));
    let text = message(&mut bob, &alice, before + 1, &mut world);
    assert_eq!((text.text(), text.changed_by), (Some("first"), Some(before)));
    assert!(bob.events().iter().any(|event| matches!(event, Event::Changed { number, .. } if *number == before + 1)));
}

#[test]
fn t090_a_reaction_to_nothing_gets_no_receipt() {
    let mut world = World::new(9000);
    let (mut alice, mut bob) = world.acquainted();
    let unknown = carevow::core::MessageId::from_bytes([9; 16]);
    let reaction = |target| Reaction { target, emoji: "👍".to_owned(), remove: false };
    let to = bob.address.account;
    let refused = alice.client.react(to, reaction(unknown), world.now, &mut world.rng);
    assert_eq!(refused.unwrap_err(), ClientError::NoMessage);
    // The message that Alice's phone reacts to never came to Bob's.
    let sent = alice.says(&bob, "lost", &mut world);
    world.requests(&mut alice);
    world.steal(&bob);
    alice.client.react(to, reaction(sent.message), world.now, &mut world.rng).unwrap();
    world.requests(&mut alice);
    assert_eq!(world.mail(&mut bob), [Outcome::Accepted]);
    world.wait(60_000);
    assert_eq!(world.requests(&mut bob), []);
}

#[test]
fn t092_a_sender_whose_clock_is_wrong_is_flagged_and_keeps_its_place() {
    let mut world = World::new(92);
    let (mut alice, mut bob) = world.acquainted();
    let before = bob.texts(&alice, &mut world).len() as u64;
    alice.says(&bob, "on time", &mut world);
    // Alice's phone is two days behind while she writes, and right again when it sends.
    let right = world.now;
    world.now.wall = right.wall.minus(48 * HOUR_MS);
    alice.says(&bob, "two days ago", &mut world);
    world.now = right;
    world.wait(1);
    alice.says(&bob, "on time again", &mut world);
    world.settle(&mut [&mut alice, &mut bob]);
    let shown: Vec<_> = (before..before + 3).map(|number| message(&mut bob, &alice, number, &mut world)).collect();
    let texts: Vec<_> = shown.iter().map(|message| message.text().unwrap()).collect();
    assert_eq!(texts, ["on time", "two days ago", "on time again"]);
    let flags: Vec<_> = shown.iter().map(Message::sent_at).collect();
    assert_eq!(flags, [SentAt::Plausible, SentAt::Doubtful, SentAt::Plausible]);
}
