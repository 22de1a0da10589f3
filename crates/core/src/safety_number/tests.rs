use prost::Message as _;

use super::*;
use crate::ids::AccountId;
use crate::primitives::Ed25519PublicKey;
use crate::testing::{account, ed25519};
use crate::wire::v1;

fn key(seed: u8) -> Ed25519PublicKey {
    ed25519(seed).public_key()
}

fn number(local: (AccountId, u8), remote: (AccountId, u8)) -> SafetyNumber {
    SafetyNumber::new(Fingerprint::of(&local.0, &key(local.1)), Fingerprint::of(&remote.0, &key(remote.1)))
}

fn alice_and_bob() -> (SafetyNumber, SafetyNumber) {
    let (alice, bob) = ((account(0xa1), 1), (account(0xa2), 2));
    (number(alice, bob), number(bob, alice))
}

/// Computed with Python's hashlib from the formula alone.
#[test]
fn digits_and_fingerprints_have_known_answers() {
    let (alice, _) = alice_and_bob();
    assert_eq!(alice.digits(), "254625200553054163867127584215328129099541452812122451417762");
    let qr = v1::SafetyQr::decode(alice.qr().as_slice()).unwrap();
    assert_eq!(hex::encode(qr.local), "9498e261cc7a5cbb5513620707b84cafe46acc7c23de946ce2de36b8c2626945");
    assert_eq!(hex::encode(qr.remote), "5d5b886af6986f2d0b658342e3fb5eb5284255221644bdd20b9d07b6c5f792a3");
}

#[test]
fn t124_safety_number_is_equal_on_both_sides() {
    let (alice, bob) = alice_and_bob();
    assert_eq!(alice.digits(), bob.digits());
    assert_eq!(alice.digits().len(), 60);
    assert_eq!(alice.compare(&bob.qr()), Ok(Comparison::Match));
    assert_eq!(bob.compare(&alice.qr()), Ok(Comparison::Match));
}

#[test]
fn t124_safety_number_changes_with_the_identity_key_and_with_nothing_else() {
    let (alice, bob) = ((account(0xa1), 1), (account(0xa2), 2));
    let before = number(alice, bob).digits();
    assert_ne!(before, number(alice, (bob.0, 3)).digits(), "the contact's key");
    assert_ne!(before, number((alice.0, 3), bob).digits(), "our own key, announced or not");
    assert_ne!(before, number(alice, (account(0xa3), 2)).digits(), "another account with the same key");
    assert_eq!(before, number(alice, bob).digits(), "control: the same accounts and keys");
}

#[test]
fn t124_swapped_or_foreign_qr_is_a_mismatch() {
    let (alice, bob) = alice_and_bob();
    let mallory = number((account(0xa3), 3), (account(0xa1), 1));
    let replaced_key = number((account(0xa2), 9), (account(0xa1), 1));
    assert_eq!(alice.compare(&alice.qr()), Ok(Comparison::Mismatch), "our own code, so swapped");
    assert_eq!(alice.compare(&mallory.qr()), Ok(Comparison::Mismatch), "a third person's");
    assert_eq!(alice.compare(&replaced_key.qr()), Ok(Comparison::Mismatch), "another key of the contact");
    let half = v1::SafetyQr {
        version: 1,
        local: vec![0; 32],
        remote: v1::SafetyQr::decode(bob.qr().as_slice()).unwrap().remote,
    };
    assert_eq!(alice.compare(&half.encode_to_vec()), Ok(Comparison::Mismatch), "one half is not enough");
    assert_eq!(alice.compare(&bob.qr()), Ok(Comparison::Match), "control");
}

#[test]
fn qr_that_is_none_is_an_error_and_not_a_mismatch() {
    let (alice, bob) = alice_and_bob();
    let qr = bob.qr();
    let parsed = v1::SafetyQr::decode(qr.as_slice()).unwrap();
    let mut later = parsed.clone();
    later.version = 2;
    let mut short = parsed.clone();
    short.local.pop();
    let mut trailing = qr.clone();
    trailing.extend_from_slice(&[0x20, 0x01]);
    assert_eq!(alice.compare(&later.encode_to_vec()), Err(QrError::UnsupportedVersion));
    assert_eq!(alice.compare(&short.encode_to_vec()), Err(QrError::Malformed));
    assert_eq!(alice.compare(&trailing), Err(QrError::Malformed));
    assert_eq!(alice.compare(b"https://example.org"), Err(QrError::Malformed));
    assert_eq!(alice.compare(&qr[..qr.len() - 1]), Err(QrError::Malformed));
}

#[test]
fn codes_keep_leading_zeros_and_take_spaces() {
    let mut digest = [0xff; 32];
    digest[..4].copy_from_slice(&7_000_042_u32.to_be_bytes());
    let code = ConfirmationCode::of(&digest);
    assert_eq!(code.digits(), "000042");
    assert!(code.matches(&TypedCode::parse("000 042").unwrap()));
    assert!(!code.matches(&TypedCode::parse("000043").unwrap()));
    for wrong in ["", "42", "00042", "0000042", "00004x", "+00042", "٠٠٠٠٤٢"] {
        assert_eq!(TypedCode::parse(wrong).unwrap_err(), NotSixDigits, "{wrong}");
    }
}
