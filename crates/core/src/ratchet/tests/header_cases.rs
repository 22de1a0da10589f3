//! Headers and messages as bytes: T46 to T49, T60, T65.

use super::fixture::{established, flipped, open, refused};
use crate::errors::DecryptError::{DecryptFailed, NoSession, UnsupportedVersion};
use crate::ids::SessionId;
use crate::ratchet::malicious::{Forger, body};
use crate::ratchet::session::Session;
use crate::testing::at;

/// Offsets of a SessionMessage (B6.3).
const NONCE: usize = 2;
const COM: usize = 78;
const BODY: usize = 110;

#[test]
fn t046_each_flipped_bit_of_nonce_and_header_opens_no_header() {
    let mut pair = established(46);
    let message = pair.alice_says(b"word", 1);
    for bit in NONCE * 8..COM * 8 {
        refused(&pair.bob, &flipped(&message, bit), NoSession);
    }
    assert_eq!(pair.bob_hears(&message).unwrap(), b"word");
}

#[test]
fn t046_each_flipped_bit_of_commitment_fails() {
    let mut pair = established(46);
    let message = pair.alice_says(b"word", 1);
    for bit in COM * 8..BODY * 8 {
        refused(&pair.bob, &flipped(&message, bit), DecryptFailed);
    }
    assert_eq!(pair.bob_hears(&message).unwrap(), b"word");
}

#[test]
fn t046_each_flipped_bit_of_body_fails() {
    let mut pair = established(46);
    let message = pair.alice_says(b"word", 1);
    // Every byte, one bit of it after the other; every bit of the tag.
    let tag = (message.len() - 16) * 8;
    for bit in (BODY..message.len() - 16).map(|byte| byte * 8 + byte % 8).chain(tag..message.len() * 8) {
        refused(&pair.bob, &flipped(&message, bit), DecryptFailed);
    }
    assert_eq!(pair.bob_hears(&message).unwrap(), b"word");
}

#[test]
fn t046_another_type_or_version_is_unsupported() {
    let mut pair = established(46);
    let message = pair.alice_says(b"word", 1);
    for bit in 0..NONCE * 8 {
        refused(&pair.bob, &flipped(&message, bit), UnsupportedVersion);
    }
}

#[test]
fn t047_cut_off_at_every_length_fails() {
    let mut pair = established(47);
    let message = pair.alice_says(b"word", 1);
    for length in 0..message.len() {
        refused(&pair.bob, &message[..length], DecryptFailed);
    }
    assert_eq!(pair.bob_hears(&message).unwrap(), b"word");
}

#[test]
fn t047_appended_bytes_fail() {
    let mut pair = established(47);
    let message = pair.alice_says(b"word", 1);
    for extra in [1, 2, 15, 16, 17, 126, 1024] {
        let longer = [message.as_slice(), &vec![0; extra]].concat();
        refused(&pair.bob, &longer, DecryptFailed);
    }
    let too_long = [message.as_slice(), &vec![0; 300_000]].concat();
    refused(&pair.bob, &too_long, DecryptFailed);
    assert_eq!(pair.bob_hears(&message).unwrap(), b"word");
}

#[test]
fn t048_reflected_message_opens_no_header() {
    let mut pair = established(48);
    let message = pair.alice_says(b"word", 1);
    refused(&pair.alice, &message, NoSession);
    assert_eq!(pair.bob_hears(&message).unwrap(), b"word");
}

#[test]
fn t048_header_is_bound_to_its_direction() {
    // An adversary that gives both directions one header key: the direction in the associated data keeps them apart.
    let mut pair = established(48);
    let message = pair.alice_says(b"word", 1);
    let chain = pair.alice.sending.clone().unwrap();
    let mirror = Session { receiving: Some(chain), ..pair.alice.successor() };
    assert_eq!(open(&mirror, &message, at(3)).unwrap_err(), NoSession);
    assert_eq!(pair.bob_hears(&message).unwrap(), b"word");
}

#[test]
fn t049_message_of_another_session_of_the_pair_opens_no_header() {
    let (mut one, two) = (established(49), established(50));
    let message = one.alice_says(b"word", 1);
    refused(&two.bob, &message, NoSession);
    assert_eq!(one.bob_hears(&message).unwrap(), b"word");
}

#[test]
fn t060_reserved_header_bytes_must_be_zero() {
    let pair = established(60);
    let forger = Forger::of(&pair.alice);
    let honest = forger.header().to_bytes();
    for byte in 0..4 {
        for bit in 0..8 {
            let mut header = honest;
            header[byte] ^= 1 << bit;
            let message = forger.seal_raw(header, forger.header().n, &body(b"word"), &pair.alice.sid());
            refused(&pair.bob, &message, DecryptFailed);
        }
    }
    let message = forger.seal(forger.header(), &body(b"word"));
    assert_eq!(open(&pair.bob, &message, at(3)).unwrap().0.content(), b"word");
}

#[test]
fn t060_header_key_must_be_canonical() {
    let pair = established(60);
    let forger = Forger::of(&pair.alice);
    let mut header = forger.header().to_bytes();
    header[35] |= 0x80;
    let message = forger.seal_raw(header, forger.header().n, &body(b"word"), &pair.alice.sid());
    refused(&pair.bob, &message, DecryptFailed);
}

#[test]
fn t065_body_bound_to_another_session_fails() {
    let pair = established(65);
    let forger = Forger::of(&pair.alice);
    let foreign = SessionId::from_bytes([7; 32]);
    let header = forger.header();
    let message = forger.seal_raw(header.to_bytes(), header.n, &body(b"word"), &foreign);
    refused(&pair.bob, &message, DecryptFailed);
    let message = forger.seal_raw(header.to_bytes(), header.n, &body(b"word"), &pair.alice.sid());
    assert_eq!(open(&pair.bob, &message, at(3)).unwrap().0.content(), b"word");
}
