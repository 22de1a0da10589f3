//! Bundles and prekey records: `docs/protocol.md` B3.

use carevow_core::handshake::Generation;
use carevow_core::identity::ManifestPin;
use carevow_core::prekey::{BundleTarget, PrekeyRecord, UnverifiedBundle};
use carevow_core::ratchet::{SendOptions, Session};

use crate::world::{NOW, WORLD, rng};
use crate::{Depth, Seed, Target};

/// What a directory answers.
pub const BUNDLE: Target = Target {
    name: "bundle",
    run: bundle,
    deepest: 3,
    success: "all five steps of B3, against a pin too, and a session made from it that sends",
    seeds: || {
        let bob = &WORLD.bob;
        let mut foreign = bob.parts();
        foreign.manifest = WORLD.alice.manifest.to_signed();
        vec![
            Seed::new("one-time", 3, bob.parts().encode()),
            Seed::new("last-resort", 3, bob.exhausted_parts().encode()),
            Seed::new("foreign-manifest", 1, foreign.encode()),
            Seed::new("other-device", 1, WORLD.alice.parts().encode()),
        ]
    },
};

/// One record.
pub const RECORD: Target = Target {
    name: "prekey_record",
    run: record,
    deepest: 2,
    success: "parsed, and written again as the same bytes",
    seeds: || {
        let bob = &WORLD.bob;
        vec![
            Seed::new("signed", 2, bob.spk.record()),
            Seed::new("one-time", 2, bob.opk.record()),
            Seed::new("one-time-kem", 2, bob.kem.record()),
            Seed::new("last-resort-kem", 2, bob.last_resort.record()),
            Seed::new("envelope", 2, bob.env.record()),
        ]
    },
};

fn bundle(data: &[u8]) -> Depth {
    let parsed = || UnverifiedBundle::parse(data).ok();
    let (Some(bundle), Some(again)) = (parsed(), parsed()) else { return 0 };
    let target = WORLD.bob.target();
    let Ok(verified) = bundle.verify(&WORLD.trust, &target, NOW) else { return 1 };
    let pin = ManifestPin::first(WORLD.bob.manifest.clone());
    let pinned = again.verify(&WORLD.trust, &BundleTarget { pin: Some(&pin), ..target }, NOW);
    let pinned = pinned.expect("Bob has signed one manifest and uses one suite");
    assert!(pinned.bundle == verified.bundle);
    let session = Session::initiate(&WORLD.alice.device, verified.bundle, Generation::FIRST, NOW, &mut rng(1));
    let session = session.expect("a verified bundle makes a session");
    session.encrypt(b"hello", SendOptions::COMPACT, NOW, &mut rng(2)).expect("a new session sends");
    3
}

fn record(data: &[u8]) -> Depth {
    let Ok(record) = PrekeyRecord::parse(data) else { return 0 };
    assert_eq!(&*record.to_bytes(), data);
    2
}
