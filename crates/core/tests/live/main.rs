//! A live conversation with the reference in Python (`docs/reference`), which was written from `docs/protocol.md` alone:
//! each begins once, and in the middle each takes over what the other has stored. `cargo xtask reference` runs it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test may stop where it is")]
#![allow(clippy::panic, clippy::print_stdout, reason = "a test may stop where it is, and says what it did")]
#![allow(clippy::cast_possible_truncation, reason = "small numbers")]

mod contents;
mod conversation;
mod counts;
mod device;
mod end;
mod forged;
mod network;
mod person;
mod random;
mod reference;
mod rust;
mod side;
mod twins;

use std::collections::BTreeMap;
use std::rc::Rc;

use conversation::Conversation;
use device::Device;
use end::End;
use network::Network;
use person::{Offer, Person, Service};
use random::Random;
use reference::Reference;
use rust::Rust;
use twins::Twins;

/// Who makes the InitHeader.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begins {
    Rust,
    Reference,
}

fn play(begins: Begins, offer: Offer, seed: u64) {
    let mut random = Random::seeded(seed);
    let service = Service::new(&mut random);
    let people = [(); 2].map(|()| Rc::new(Person::new(&service, offer, &mut random)));
    let ends = [0, 1].map(|who| -> Box<dyn End> {
        let device = Device::new(&people[who], &people[1 - who]);
        let random = Random::seeded(seed + 1 + who as u64);
        match (who == 0) == (begins == Begins::Rust) {
            true => Box::new(Rust { device, random }),
            false => Box::new(Twins::new(device, random)),
        }
    });
    let mut conversation = Conversation::begin(ends, random);
    conversation.introduce(1);
    conversation.turns(50, Network::Bad);
    conversation.longest_content();
    conversation.forge();
    conversation.settle();
    conversation.count_lanes();
    conversation.turns(2, Network::Bad);
    let mut conversation = conversation.exchange();
    conversation.turns(10, Network::Bad);
    // What is still on its way arrives on sessions that are archived by then.
    conversation.begin_again();
    conversation.turns(10, Network::Bad);
    attachments(&mut conversation, seed);
    conversation.settle();
    for (name, counts) in ["who began", "who answered"].iter().zip(conversation.counts.iter().rev()) {
        println!("{name}: {counts}");
        counts.assert_complete();
    }
}

/// Sealed by one implementation, announced in the conversation, opened by the other.
fn attachments(conversation: &mut Conversation, seed: u64) {
    let mut random = Random::seeded(!seed);
    let mut reference = Reference::start();
    let people = [0, 1].map(|who| Rc::clone(conversation.ends[who].person()));
    let between = [&*people[0], &*people[1]];
    for length in side::FILES {
        for who in [0, 1] {
            let content = side::from_rust(&mut reference, between, length, &mut random);
            conversation.carry(who, &content);
            let content = side::from_reference(&mut reference, between, length, &mut random);
            conversation.carry(who, &content);
        }
    }
    side::safety_number(&mut reference, between);
}

#[test]
#[ignore = "needs the reference in Python: cargo xtask reference"]
fn t134_rust_begins_a_conversation_with_the_reference() {
    play(Begins::Rust, Offer::OneTime, 134);
}

#[test]
#[ignore = "needs the reference in Python: cargo xtask reference"]
fn t134_the_reference_begins_a_conversation_with_rust() {
    play(Begins::Reference, Offer::LastResort, 1_340);
}

#[test]
#[ignore = "needs the reference in Python: cargo xtask reference"]
fn t134_the_reference_reproduces_every_vector() {
    let output = reference::python("carevow_ref.vectors").arg("../vectors").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (passed, failed) = text.trim_end().lines().last().unwrap().split_once(" passed, ").unwrap();
    assert_eq!(failed, "0 failed");
    assert_eq!(passed.parse::<usize>().unwrap(), text.lines().filter(|line| line.starts_with("PASS ")).count());
}

#[test]
#[ignore = "needs the reference in Python: cargo xtask reference"]
fn t134_the_reference_reads_the_same_in_contents() {
    let (mut random, mut reference) = (Random::seeded(9), Reference::start());
    let mut kinds = BTreeMap::<_, u32>::new();
    for round in 0..4_000 {
        let content = if round % 4 == 0 { contents::any_sync(&mut random) } else { contents::any(&mut random) };
        let (ours, theirs) = (contents::by_rust(&content), contents::by_reference(&mut reference, &content));
        assert_eq!(ours, theirs, "{}", hex::encode(&content));
        *kinds.entry(ours.map_or("rejected".into(), |read| read.kind)).or_default() += 1;
    }
    println!("{kinds:?}");
    assert_eq!(kinds.len(), 14, "some kind of content was never read");
}
