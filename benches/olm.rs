//! A peer: Olm of vodozemac, the audited Double Ratchet that Matrix clients use. It is classical only (3DH, no ML-KEM), has
//! neither header encryption nor padding, and is measured for the same steps as Carevow's sessions.
#![allow(clippy::unwrap_used, reason = "a benchmark of something that fails is worth nothing")]

use std::hint::black_box;

use carevow_benches::{KIBIBYTE, run, text};
use criterion::{BatchSize, Criterion, Throughput};
use vodozemac::Curve25519PublicKey;
use vodozemac::olm::{Account, OlmMessage, PreKeyMessage, Session, SessionConfig};

const BURST: usize = 100;

fn main() {
    run(&[create, burst, ping_pong]);
}

/// An account with one one-time key.
fn account() -> (Account, Curve25519PublicKey) {
    let mut account = Account::new();
    account.generate_one_time_keys(1);
    let key = *account.one_time_keys().values().next().unwrap();
    account.mark_keys_as_published();
    (account, key)
}

fn first_message(alice: &Account, bob: &Account, one_time: Curve25519PublicKey) -> (Session, PreKeyMessage) {
    let config = SessionConfig::version_1();
    let mut session = alice.create_outbound_session(config, bob.curve25519_key(), one_time).unwrap();
    match session.encrypt(text(KIBIBYTE)).unwrap() {
        OlmMessage::PreKey(message) => (session, message),
        OlmMessage::Normal(_) => unreachable!("the first message carries the keys"),
    }
}

/// Both sides of a session in which each has spoken once.
fn established() -> (Session, Session) {
    let (alice, _) = account();
    let (mut bob, one_time) = account();
    let (mut mine, message) = first_message(&alice, &bob, one_time);
    let config = SessionConfig::version_1();
    let mut theirs = bob.create_inbound_session(config, alice.curve25519_key(), &message).unwrap().session;
    let answer = theirs.encrypt("answer").unwrap();
    mine.decrypt(&answer).unwrap();
    (mine, theirs)
}

fn create(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("session: create");
    let (alice, _) = account();
    group.bench_function("Olm, out, with the first message of 1 KiB", |bencher| {
        let (bob, one_time) = account();
        bencher.iter(|| first_message(&alice, &bob, black_box(one_time)));
    });
    group.bench_function("Olm, in, with the first message of 1 KiB", |bencher| {
        bencher.iter_batched(
            || {
                let (bob, one_time) = account();
                let (_, message) = first_message(&alice, &bob, one_time);
                (bob, message)
            },
            |(mut bob, message)| {
                let config = SessionConfig::version_1();
                bob.create_inbound_session(config, alice.curve25519_key(), &message).unwrap()
            },
            BatchSize::SmallInput,
        );
    });
}

fn burst(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("session: burst of 100 messages of 1 KiB");
    group.throughput(Throughput::Elements(BURST as u64));
    let plaintext = text(KIBIBYTE);
    group.bench_function("Olm, encrypt and decrypt", |bencher| {
        let (mut mine, mut theirs) = established();
        bencher.iter(|| {
            for _ in 0..BURST {
                let message = mine.encrypt(black_box(&plaintext)).unwrap();
                black_box(theirs.decrypt(&message).unwrap());
            }
        });
    });
}

fn ping_pong(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("session: ping-pong, one message of 1 KiB each way");
    let plaintext = text(KIBIBYTE);
    group.bench_function("Olm", |bencher| {
        let (mut mine, mut theirs) = established();
        bencher.iter(|| {
            let message = mine.encrypt(black_box(&plaintext)).unwrap();
            theirs.decrypt(&message).unwrap();
            let message = theirs.encrypt(black_box(&plaintext)).unwrap();
            mine.decrypt(&message).unwrap();
        });
    });
}
