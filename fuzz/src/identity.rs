//! Manifests, pins, certificates, revocation lists: `docs/protocol.md` B2.

use std::sync::LazyLock;

use carevow_core::Timestamp;
use carevow_core::identity::{
    AccountKey, DeviceKind, Fetched, ListedDevice, Manifest, ManifestDraft, ManifestPin, PinError, RevocationError,
    RevocationList, Source, UnverifiedCertificates, UnverifiedManifest, introduce,
};
use carevow_core::wire::v1;
use prost::Message as _;
use zeroize::Zeroizing;

use crate::input::{Input, part};
use crate::world::{DAY, JUDGED, NOW, WORLD};
use crate::{Depth, Seed, Target};

/// A device manifest.
pub const MANIFEST: Target = Target {
    name: "manifest",
    run: manifest,
    deepest: 3,
    success: "signature and proofs of possession verified, and adopted by the pin of its account",
    seeds: || {
        let signed = |manifest: &Manifest| manifest.to_signed().encode_to_vec();
        let mut altered = CHAIN[0].to_signed();
        altered.sig[0] ^= 1;
        vec![
            Seed::new("first", 3, signed(&CHAIN[0])),
            Seed::new("second", 3, signed(&CHAIN[1])),
            Seed::new("over-a-gap", 3, signed(&CHAIN[2])),
            Seed::new("other-second", 3, signed(&FORK)),
            Seed::new("foreign", 2, signed(&WORLD.alice.manifest)),
            Seed::new("altered", 1, altered.encode_to_vec()),
        ]
    },
};

/// What is pinned of an account, and how it changes.
pub const PIN: Target = Target {
    name: "pin",
    run: pin,
    deepest: 4,
    success: "the newest of five manifests, of which one changes the key, adopted over a gap that was then closed",
    seeds: || {
        let stored = ManifestPin::first(CHAIN[0].clone()).to_bytes();
        let adopt = |pin: &ManifestPin, at: usize| judged(pin, &CHAIN[at], Source::Message, NOW).0;
        let rotated = (1..5).fold(ManifestPin::first(CHAIN[0].clone()), |pin, at| adopt(&pin, at));
        let jumped = adopt(&ManifestPin::first(CHAIN[0].clone()), 2);
        let lost = jumped.fill_gap(Fetched::Answered(core::slice::from_ref(&FORK)), NOW).pin;
        vec![
            Seed::new("in-order", 3, [1, 0, 1, 0, 0, 2, 0, 0, 3, 0, 0, 4, 0]),
            // The third after the first opens a gap; the second and third in order close it.
            Seed::new("over-a-gap", 4, [1, 0, 2, 0, 2, 2, 1, 0, 3, 0, 0, 4, 0]),
            Seed::new("unannounced-key", 2, [1, 0, 5, 0, 1, 0, 0]),
            Seed::new("fork-in-a-gap", 2, [1, 1, 5, 2, 4, 4, 0, 1, 2, 5, 2, 0, 0]),
            Seed::new("lost-in-a-gap", 2, [1, 0, 2, 0, 2, 1, 6, 5, 0, 1]),
            // No answer for 255 / 8 days.
            Seed::new("unanswered", 2, [1, 0, 2, 0, 5, 0, 255, 2, 0, 1]),
            Seed::new("stored", 2, [&[0][..], &stored].concat()),
            Seed::new("stored-rotated", 2, [&[0][..], &rotated.to_bytes()].concat()),
            Seed::new("stored-lost", 2, [&[0][..], &lost.to_bytes()].concat()),
        ]
    },
};

/// Certificates of a device and its issuer.
pub const CERTIFICATES: Target = Target {
    name: "certificates",
    run: certificates,
    deepest: 4,
    success: "both signatures, revocation and times judged, and introduced with the manifest",
    seeds: || {
        let parts = |device: &v1::Signed, issuer: &v1::Signed| {
            [part(&device.encode_to_vec()), part(&issuer.encode_to_vec())].concat()
        };
        let bob = &WORLD.bob;
        vec![
            Seed::new("right", 4, parts(&bob.device_cert, &bob.issuer_cert)),
            Seed::new("other-device", 3, parts(&WORLD.alice.device_cert, &bob.issuer_cert)),
            Seed::new("swapped", 0, parts(&bob.issuer_cert, &bob.device_cert)),
        ]
    },
};

/// A revocation list.
pub const REVOCATIONS: Target = Target {
    name: "revocations",
    run: revocations,
    deepest: 3,
    success: "signed by a root and newer than the pinned list",
    seeds: || {
        let mut altered = WORLD.service.revocation_list(2);
        altered.sig[0] ^= 1;
        vec![
            Seed::new("pinned", 3, WORLD.service.revocation_list(1).encode_to_vec()),
            Seed::new("newer", 3, WORLD.service.revocation_list(2).encode_to_vec()),
            Seed::new("older", 2, WORLD.service.revocation_list(0).encode_to_vec()),
            Seed::new("altered", 1, altered.encode_to_vec()),
        ]
    },
};

/// Five manifests of Bob: the third announces another key, which the fourth and fifth use.
static CHAIN: LazyLock<Vec<Manifest>> = LazyLock::new(|| {
    let bob = &WORLD.bob;
    let next = key(0x77);
    let issue = |key: &AccountKey, previous: &Manifest, next_aik| {
        let device = ListedDevice::of(&bob.device, DeviceKind::Mobile, NOW, &key.public_key());
        Manifest::issue(key, Some(previous), ManifestDraft { devices: vec![device], next_aik }, NOW).expect("right")
    };
    let second = issue(&bob.account, &bob.manifest, None);
    let third = issue(&bob.account, &second, Some(next.public_key()));
    let fourth = issue(&next, &third, None);
    let fifth = issue(&next, &fourth, None);
    vec![bob.manifest.clone(), second, third, fourth, fifth]
});

/// Another second manifest.
static FORK: LazyLock<Manifest> = LazyLock::new(|| {
    let bob = &WORLD.bob;
    let device = ListedDevice::of(&bob.device, DeviceKind::Web, NOW, &bob.account.public_key());
    let draft = ManifestDraft { devices: vec![device], next_aik: None };
    Manifest::issue(&bob.account, Some(&CHAIN[0]), draft, NOW).expect("right")
});

/// A first manifest of the same account under a key that nobody announced.
static STRANGE: LazyLock<Manifest> = LazyLock::new(|| {
    let strange = key(0x78);
    let device = ListedDevice::of(&WORLD.bob.device, DeviceKind::Mobile, NOW, &strange.public_key());
    Manifest::issue(&strange, None, ManifestDraft { devices: vec![device], next_aik: None }, NOW).expect("right")
});

fn key(seed: u8) -> AccountKey {
    AccountKey::from_seed(WORLD.bob.account.account(), &Zeroizing::new([seed; 32]))
}

fn manifest(data: &[u8]) -> Depth {
    let Ok(signed) = v1::Signed::from_bytes(data) else { return 0 };
    let Ok(parsed) = UnverifiedManifest::parse(&signed) else { return 0 };
    let Ok(manifest) = parsed.verify() else { return 1 };
    assert_eq!(manifest.to_signed(), signed);
    match judged(&ManifestPin::first(CHAIN[0].clone()), &manifest, Source::Directory, NOW) {
        (_, true) => 3,
        (_, false) => 2,
    }
}

/// The next pin, and whether the manifest was adopted.
fn judged(pin: &ManifestPin, manifest: &Manifest, source: Source, now: Timestamp) -> (ManifestPin, bool) {
    let (next, adopted) = match pin.judge(manifest, source, now) {
        Ok(adoption) => (adoption.pin, true),
        Err(PinError::Held(next) | PinError::IdentityChanged(next)) => (*next, false),
        Err(_) => (pin.clone(), false),
    };
    stored(&next);
    (next, adopted)
}

/// That the pin is read back from its bytes.
fn stored(pin: &ManifestPin) {
    let bytes = pin.to_bytes();
    assert_eq!(ManifestPin::from_bytes(&bytes).expect("what was written").to_bytes(), bytes);
}

fn pin(data: &[u8]) -> Depth {
    let mut input = Input::new(data);
    if input.byte() == 0 {
        let bytes = input.rest();
        let Ok(pin) = ManifestPin::from_bytes(bytes) else { return 0 };
        assert_eq!(pin.to_bytes(), bytes);
        CHAIN.iter().for_each(|manifest| drop(judged(&pin, manifest, Source::Directory, NOW)));
        return 2;
    }
    let mut now = NOW;
    let mut pin = ManifestPin::first(CHAIN[0].clone());
    let (mut depth, mut gap) = (1, false);
    for _ in 0..24 {
        if input.is_empty() {
            break;
        }
        let (operation, which, argument) = (input.byte(), input.byte(), input.byte());
        // What fills a gap may show that the branch beyond it lost.
        let filling = matches!(operation % 6, 2 | 3);
        let floor = pin.missing().filter(|_| filling).map_or(pin.current().seq(), |missing| missing.after_seq);
        let aik = *pin.current().aik();
        match operation % 6 {
            0 | 1 => {
                let manifest = chosen(which);
                let source = if operation % 6 == 0 { Source::Directory } else { Source::Message };
                pin = judged(&pin, manifest, source, now).0;
                depth = depth.max(2);
            }
            2 => {
                let manifests: Vec<_> = (0..which % 8).map(|at| chosen(argument.wrapping_add(at)).clone()).collect();
                pin = pin.fill_gap(fetched(argument, &manifests), now).pin;
            }
            3 => {
                let manifests: Vec<_> = (0..which % 8).map(|at| chosen(argument.wrapping_add(at)).clone()).collect();
                pin = pin.adopt_chain(fetched(argument, &manifests), now).0.pin;
            }
            4 => {
                let key = chosen(which).aik();
                pin = pin.acknowledge(key).unwrap_or(pin);
            }
            _ => now = now.plus(u64::from(argument) * DAY / 8),
        }
        stored(&pin);
        let replaced = *pin.current().aik() != aik;
        assert!(pin.current().seq() >= floor || replaced, "a manifest went back");
        gap |= pin.missing().is_some();
    }
    match (pin.current() == &CHAIN[4], gap && pin.missing().is_none()) {
        (true, true) => 4,
        (true, false) => 3,
        _ => depth,
    }
}

/// Nothing was given: an empty answer or none.
fn fetched(argument: u8, manifests: &[Manifest]) -> Fetched<'_, Manifest> {
    match manifests.is_empty() && argument % 2 == 1 {
        true => Fetched::Unanswered,
        false => Fetched::Answered(manifests),
    }
}

fn chosen(which: u8) -> &'static Manifest {
    match usize::from(which) % 7 {
        5 => &STRANGE,
        6 => &FORK,
        at => &CHAIN[at],
    }
}

fn certificates(data: &[u8]) -> Depth {
    let mut input = Input::new(data);
    let mut signed = || v1::Signed::from_bytes(input.part()).ok();
    let (Some(device), Some(issuer)) = (signed(), signed()) else { return 0 };
    let Ok(parsed) = UnverifiedCertificates::parse(&device, &issuer) else { return 0 };
    let Ok(signed) = parsed.verify_signatures(&WORLD.trust) else { return 1 };
    let Ok(certificate) = signed.check_times(JUDGED) else { return 2 };
    match introduce(&certificate, &WORLD.bob.manifest, None, JUDGED) {
        Ok(introduction) => {
            assert_eq!(introduction.listed.device.dsk, certificate.device.dsk);
            4
        }
        Err(_) => 3,
    }
}

fn revocations(data: &[u8]) -> Depth {
    let Ok(signed) = v1::Signed::from_bytes(data) else { return 0 };
    let roots = WORLD.service.roots();
    match RevocationList::verify(&signed, &roots, None) {
        Err(RevocationError::Signature) => 1,
        Err(_) => 0,
        Ok(list) => {
            list.is_usable(NOW);
            match RevocationList::verify(&signed, &roots, WORLD.trust.revocations.as_ref()) {
                Ok(_) => 3,
                Err(_) => 2,
            }
        }
    }
}
