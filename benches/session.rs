//! Sessions: messages, handshakes, header trial and states, with the peer's beside them.
#![allow(clippy::unwrap_used, reason = "a benchmark of something that fails is worth nothing")]

use std::hint::black_box;

use carevow_benches::{
    BURST, Bench, KIBIBYTE, OPERATION, PEER, Pair, Party, at, hear, olm, rng, run, say, text, trust,
};
use carevow_core::envelope::open_on;
use carevow_core::errors::DecryptError;
use carevow_core::ratchet::{Session, SessionMessage};
use criterion::BatchSize;

/// Times that a session's two lanes are mixed in `TURNS` turns of 1 KiB each way: what the floor of a turn counts with.
const LANES: u32 = 153;
const TURNS: u32 = 2_000;

fn main() {
    run(&[message, burst, ping_pong, handshake, trial, state]);
}

fn message(criterion: &mut Bench) {
    let pair = Pair::established(1);
    let content = text(KIBIBYTE);
    let (sent, _) = say(&pair.alice, &content, &mut rng(2));
    let mut group = criterion.benchmark_group(OPERATION);
    group.bench_function("encrypt 1 KiB", |bencher| {
        let mut rng = rng(3);
        bencher.iter(|| say(&pair.alice, black_box(&content), &mut rng));
    });
    group.bench_function("decrypt 1 KiB", |bencher| bencher.iter(|| hear(&pair.bob, black_box(sent.as_bytes()))));
    group.finish();
    let (mut mine, mut theirs) = olm::established();
    let mut group = criterion.benchmark_group(PEER);
    // Both are in step: what is encrypted outside of the measured time is decrypted within it.
    group.bench_function("decrypt 1 KiB", |bencher| {
        bencher.iter_batched(
            || mine.encrypt(&content).unwrap(),
            |message| theirs.decrypt(&message).unwrap(),
            BatchSize::NumIterations(30),
        );
    });
    group.bench_function("encrypt 1 KiB", |bencher| bencher.iter(|| mine.encrypt(black_box(&content)).unwrap()));
}

fn burst(criterion: &mut Bench) {
    let content = text(KIBIBYTE);
    let pair = Pair::established(4);
    let mut group = criterion.benchmark_group(OPERATION);
    group.bench_function("burst of 100", |bencher| {
        let mut rng = rng(5);
        bencher.iter(|| {
            let (sent, mut alice) = say(&pair.alice, black_box(&content), &mut rng);
            let (_, mut bob) = hear(&pair.bob, sent.as_bytes());
            for _ in 1..BURST {
                let (sent, next) = say(&alice, black_box(&content), &mut rng);
                alice = next;
                (_, bob) = hear(&bob, sent.as_bytes());
            }
            bob
        });
    });
    group.finish();
    let mut group = criterion.benchmark_group(PEER);
    group.bench_function("burst of 100", |bencher| {
        let (mut mine, mut theirs) = olm::established();
        bencher.iter(|| {
            for _ in 0..BURST {
                let message = mine.encrypt(black_box(&content)).unwrap();
                black_box(theirs.decrypt(&message).unwrap());
            }
        });
    });
}

fn ping_pong(criterion: &mut Bench) {
    let content = text(KIBIBYTE);
    let turn = |pair: &mut Pair, rng: &mut _| {
        pair.bob_to_alice(black_box(&content), rng);
        pair.alice_to_bob(black_box(&content), rng);
    };
    let mut counted = Pair::established(6);
    let mut random = rng(7);
    let lanes = |pair: &Pair| pair.alice.lane_epochs().own + pair.alice.lane_epochs().peer;
    let before = lanes(&counted);
    (0..TURNS).for_each(|_| turn(&mut counted, &mut random));
    assert_eq!(lanes(&counted) - before, LANES, "the floor of a turn counts with another number of lanes");
    let mut group = criterion.benchmark_group(OPERATION);
    group.bench_function("ping-pong", |bencher| bencher.iter(|| turn(&mut counted, &mut random)));
    group.finish();
    let mut group = criterion.benchmark_group(PEER);
    group.bench_function("ping-pong", |bencher| {
        let (mut mine, mut theirs) = olm::established();
        bencher.iter(|| {
            let message = theirs.encrypt(black_box(&content)).unwrap();
            mine.decrypt(&message).unwrap();
            let message = mine.encrypt(black_box(&content)).unwrap();
            theirs.decrypt(&message).unwrap();
        });
    });
}

fn handshake(criterion: &mut Bench) {
    let (alice, bob) = (Party::new(1), Party::new(2));
    let (served, trust) = (bob.served_bundle(), trust());
    let alice_cert = alice.certificate();
    let content = text(KIBIBYTE);
    let mut random = rng(8);
    let (init, _) = say(&alice.initiate(bob.bundle(), 9), &content, &mut random);
    let mut group = criterion.benchmark_group(OPERATION);
    group.bench_function("verify a bundle", |bencher| bencher.iter(|| bob.verify(black_box(&served), &trust)));
    group.bench_function("initiate", |bencher| {
        bencher.iter_batched(|| bob.bundle(), |bundle| alice.initiate(black_box(bundle), 10), BatchSize::SmallInput);
    });
    group.bench_function("initiate, first message", |bencher| {
        let first = |bundle| say(&alice.initiate(black_box(bundle), 11), &content, &mut random);
        bencher.iter_batched(|| bob.bundle(), first, BatchSize::SmallInput);
    });
    group.bench_function("accept", |bencher| bencher.iter(|| bob.accept(black_box(init.as_bytes()), &alice_cert)));
    group.finish();
    let mut group = criterion.benchmark_group(PEER);
    let (mine, _) = olm::account();
    let (theirs, one_time) = olm::account();
    group.bench_function("initiate, first message", |bencher| {
        bencher.iter(|| olm::first_message(&mine, &theirs, black_box(one_time)));
    });
    group.bench_function("accept", |bencher| {
        let responder = || {
            let (theirs, one_time) = olm::account();
            let (_, message) = olm::first_message(&mine, &theirs, one_time);
            (theirs, message)
        };
        bencher.iter_batched(
            responder,
            |(mut theirs, message)| olm::accept(&mine, &mut theirs, &message),
            BatchSize::SmallInput,
        );
    });
}

/// A message of a session that the device does not have: both header keys of each session are tried.
fn trial(criterion: &mut Bench) {
    let stored = Pair::established(12).bob.to_bytes();
    let sessions: Vec<_> = (0..100_000).map(|_| Session::from_bytes(&stored).unwrap()).collect();
    let (foreign, _) = say(&Pair::established(13).alice, b"foreign", &mut rng(14));
    let message = SessionMessage::parse(foreign.as_bytes()).unwrap();
    let mut group = criterion.benchmark_group(OPERATION);
    group.sample_size(10);
    for (name, count) in [("1 000", 1_000), ("10 000", 10_000), ("100 000", 100_000)] {
        group.bench_function(format!("header trial, {name} sessions"), |bencher| {
            bencher.iter(|| {
                let tried = open_on(black_box(&message), sessions.iter().take(count), at(3));
                assert_eq!(tried.unwrap_err(), DecryptError::NoSession);
            });
        });
    }
}

fn state(criterion: &mut Bench) {
    let session = Pair::established(15).bob;
    let stored = session.to_bytes();
    let mut group = criterion.benchmark_group(OPERATION);
    group.bench_function("state to bytes", |bencher| bencher.iter(|| black_box(&session).to_bytes()));
    group.bench_function("state from bytes", |bencher| {
        bencher.iter(|| Session::from_bytes(black_box(&stored)).unwrap());
    });
}
