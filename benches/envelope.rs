//! Sealed envelopes: made, and opened up to the tag.
#![allow(clippy::unwrap_used, reason = "a benchmark of something that fails is worth nothing")]

use std::hint::black_box;

use carevow_benches::{Bench, KIBIBYTE, OPERATION, Pair, Party, at, rng, run, say, text, trust};
use carevow_core::envelope::{Envelope, LiveEnvelopeKey, SealTo, SealedBy};

fn main() {
    run(&[sealed]);
}

fn sealed(criterion: &mut Bench) {
    let (alice, bob) = (Party::new(1), Party::new(2));
    let bundle = bob.bundle();
    let trust = trust();
    let content = text(KIBIBYTE);
    let by = SealedBy {
        device: &alice.device,
        device_cert: &alice.device_cert,
        issuer_cert: &alice.issuer_cert,
        manifest: &alice.manifest,
    };
    let to = SealTo::new(&bundle.device, &bundle.env, at(1)).unwrap();
    let (init, _) = say(&alice.initiate(bob.bundle(), 1), &content, &mut rng(2));
    let (message, _) = say(&Pair::established(3).alice, &content, &mut rng(4));
    let keys = [LiveEnvelopeKey::new(&bob.env, None, at(3)).unwrap()];
    let mut group = criterion.benchmark_group(OPERATION);
    for (kind, message, length) in [("INIT", &init, 7_283), ("SESSION", &message, 4_211)] {
        let envelope = by.seal(message, to, &mut rng(5)).unwrap();
        assert_eq!(envelope.len(), length, "the floor of an envelope counts with another length");
        group.bench_function(format!("seal {kind}"), |bencher| {
            let mut rng = rng(6);
            bencher.iter(|| by.seal(black_box(message), to, &mut rng).unwrap());
        });
        group.bench_function(format!("open {kind}"), |bencher| {
            bencher.iter(|| match Envelope::parse(black_box(&envelope)).unwrap() {
                Envelope::Sealed(sealed) => sealed.open(bob.recipient(), &keys, &trust).unwrap(),
                Envelope::Session(_) => unreachable!("it was sealed"),
            });
        });
    }
}
