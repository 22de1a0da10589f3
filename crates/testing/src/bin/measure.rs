//! `measure COUNT`: how long sending and receiving take, on stores on disk.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a tool that says what it found"
)]

use std::time::Instant;

use carevow::{Delivery, Outcome};
use carevow_testing::service::Mail;
use carevow_testing::world::{Person, World};

fn main() {
    let count: u32 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let mut world = World::new(1);
    let (mut alice, mut bob) = world.acquainted();
    let began = Instant::now();
    for n in 0..count {
        alice.says(&bob, &format!("message {n}"), &mut world);
    }
    report("send, one at a time", count, began);
    let began = Instant::now();
    world.requests(&mut alice);
    report("requests for them", count, began);
    let sealed = world.steal(&bob);
    receive("sealed", &sealed, &mut bob, &mut world);
    // Where the other side says something now and then, messages travel bare.
    let mut bare = Vec::new();
    world.settle(&mut [&mut alice, &mut bob]);
    for n in 0..count / 2 {
        bob.says(&alice, "go on", &mut world);
        world.requests(&mut bob);
        world.mail(&mut alice);
        alice.says(&bob, &format!("bare {n}"), &mut world);
        alice.says(&bob, &format!("bare {n} again"), &mut world);
        world.requests(&mut alice);
        bare.extend(world.steal(&bob));
    }
    receive("bare", &bare, &mut bob, &mut world);
}

/// Nine of ten in one batch, the rest one at a time.
fn receive(kind: &str, mail: &[Mail], bob: &mut Person, world: &mut World) {
    let deliveries: Vec<_> =
        mail.iter().map(|mail| Delivery { received: mail.received, envelope: &mail.envelope }).collect();
    let (batch, rest) = deliveries.split_at(deliveries.len() * 9 / 10);
    let began = Instant::now();
    let outcomes = bob.client.receive(batch, world.now, &mut world.rng).unwrap();
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Accepted));
    report(&format!("receive {kind}, in one batch"), u32::try_from(batch.len()).unwrap(), began);
    let began = Instant::now();
    for one in rest {
        bob.client.receive(std::slice::from_ref(one), world.now, &mut world.rng).unwrap();
    }
    report(&format!("receive {kind}, one at a time"), u32::try_from(rest.len()).unwrap(), began);
}

fn report(what: &str, count: u32, began: Instant) {
    let seconds = began.elapsed().as_secs_f64();
    println!("{what}: {:.1} µs each, {:.0} a second", seconds * 1e6 / f64::from(count), f64::from(count) / seconds);
}
