//! Body framing and commitment: T59, T60.

use super::fixture::{established, open, refused};
use crate::errors::DecryptError::DecryptFailed;
use crate::limits::CONTENT_BYTES;
use crate::primitives::Secret;
use crate::primitives::aead::AeadKey;
use crate::ratchet::chain::Direction;
use crate::ratchet::keys::MessageKey;
use crate::ratchet::malicious::{Forger, body};
use crate::ratchet::message::BodyKeys;
use crate::ratchet::{Opened, SendOptions};
use crate::testing::{at, rng};

/// `body` from a malicious peer, under an honest header.
fn with_body(pair: &super::fixture::Pair, body: &[u8]) -> Vec<u8> {
    let forger = Forger::of(&pair.alice);
    forger.seal(forger.header(), body)
}

#[test]
fn t060_another_body_version_fails() {
    let pair = established(60);
    let mut bytes = body(b"word");
    for version in [0, 2, 0x81, 0xff] {
        bytes[0] = version;
        refused(&pair.bob, &with_body(&pair, &bytes), DecryptFailed);
    }
    bytes[0] = 1;
    assert_eq!(open(&pair.bob, &with_body(&pair, &bytes), at(3)).unwrap().0.content(), b"word");
}

#[test]
fn t060_unknown_flag_bits_fail() {
    let pair = established(60);
    for bit in 2..8 {
        let mut bytes = body(b"word");
        bytes[1] |= 1 << bit;
        refused(&pair.bob, &with_body(&pair, &bytes), DecryptFailed);
    }
}

#[test]
fn t060_padding_that_is_not_zero_fails() {
    let pair = established(60);
    let padded = [body(b"word"), vec![0; 64]].concat();
    assert_eq!(open(&pair.bob, &with_body(&pair, &padded), at(3)).unwrap().0.content(), b"word");
    for byte in [padded.len() - 64, padded.len() - 1] {
        let mut bytes = padded.clone();
        bytes[byte] = 1;
        refused(&pair.bob, &with_body(&pair, &bytes), DecryptFailed);
    }
}

#[test]
fn t060_content_length_beyond_the_body_fails() {
    let pair = established(60);
    for length in [5_u32, 6, 1 << 31, u32::MAX] {
        let mut bytes = body(b"word");
        bytes[2..6].copy_from_slice(&length.to_be_bytes());
        refused(&pair.bob, &with_body(&pair, &bytes), DecryptFailed);
    }
}

#[test]
fn t060_body_cut_off_at_every_length_fails() {
    let pair = established(60);
    let whole = body(b"word");
    for length in 0..whole.len() {
        refused(&pair.bob, &with_body(&pair, &whole[..length]), DecryptFailed);
    }
}

#[test]
fn t104_content_longer_than_the_limit_fails() {
    let pair = established(104);
    let longest = body(&vec![b'x'; CONTENT_BYTES]);
    assert_eq!(open(&pair.bob, &with_body(&pair, &longest), at(3)).unwrap().0.content().len(), CONTENT_BYTES);
    let longer = body(&vec![b'x'; CONTENT_BYTES + 1]);
    refused(&pair.bob, &with_body(&pair, &longer), DecryptFailed);
}

#[test]
fn empty_content_delivers_nothing() {
    let pair = established(60);
    let (opened, next) = open(&pair.bob, &with_body(&pair, &body(b"")), at(3)).unwrap();
    assert!(matches!(opened, Opened::Empty));
    assert_eq!(next.unacknowledged().count, pair.bob.unacknowledged().count);
}

#[test]
fn content_of_the_limit_is_sent_and_one_byte_more_is_not() {
    let pair = established(60);
    let send = |length| pair.alice.encrypt(&vec![7; length], SendOptions::CLINICAL, at(2), &mut rng(1));
    let (message, _) = send(CONTENT_BYTES).unwrap();
    assert_eq!(open(&pair.bob, message.as_bytes(), at(3)).unwrap().0.content().len(), CONTENT_BYTES);
    assert_eq!(send(CONTENT_BYTES + 1).unwrap_err(), crate::errors::EncryptError::InvalidInput);
}

/// An invisible salamander: one GCM ciphertext that opens under two keys. GCM alone accepts it; the commitment does
/// not, since it binds the key.
#[test]
fn t059_salamander_ciphertext_opens_under_one_key_only() {
    let (sid, nonce, header) = (established(59).alice.sid(), [9; 12], [8; 64]);
    let derive = |byte| {
        let mk = MessageKey(Secret::copy_of(&[byte; 32]));
        BodyKeys::derive(&mk, &sid, Direction::FromInitiator, &nonce, &header)
    };
    let (one, two) = (derive(1), derive(2));
    let mut sealed = Vec::new();
    one.seal(&mut sealed, |out| out.extend_from_slice(&[0; 48])).unwrap();
    let com: [u8; 32] = sealed[..32].try_into().unwrap();
    // The adversary knows both keys and builds a text that GCM accepts under both, for the commitment of the first.
    let text = salamander(&one, &two, &com);
    assert!(one.gcm_opens(&com, &text), "control: GCM accepts it under the first key");
    assert!(two.gcm_opens(&com, &text), "control: GCM accepts it under the second key");
    assert!(one.open(&com, &text).is_ok());
    assert_eq!(two.open(&com, &text).unwrap_err(), DecryptFailed);
}

/// Solves for one ciphertext block so that one tag is right under both keys (Dodis, Grubbs, Ristenpart, Woodage 2018).
fn salamander(one: &BodyKeys, two: &BodyKeys, com: &[u8; 32]) -> Vec<u8> {
    use crate::ratchet::tests::ghash::{Element, block};
    // T = S + sum over blocks X_i H^(m+1-i), with X the padded AAD, the ciphertext blocks and the length block.
    let setup = |keys: &BodyKeys| {
        let (kenc, iv, aad) = keys.gcm_inputs(com);
        let aead = AeadKey::new(&kenc);
        // Two texts that differ in one block give H (and from it the mask): read off GCM itself.
        let h = Element::hash_key(&kenc);
        let mask = Element::mask(&aead, &iv, &h);
        (h, mask, aad)
    };
    let (h1, s1, aad1) = setup(one);
    let (h2, s2, aad2) = setup(two);
    // Ciphertext: two free blocks, the first of which is solved for.
    let fixed = block(&[0x42; 16]);
    let lengths = Element::lengths(aad1.len(), 32);
    let tag_without = |h: &Element, s: &Element, aad: &[u8]| {
        let mut y = Element::zero();
        for chunk in aad.chunks(16) {
            y = y.add(&block(chunk)).mul(h);
        }
        // Block to be solved for counts as zero here.
        y = y.mul(h);
        y = y.add(&fixed).mul(h);
        y = y.add(&lengths).mul(h);
        y.add(s)
    };
    let (t1, t2) = (tag_without(&h1, &s1, &aad1), tag_without(&h2, &s2, &aad2));
    let cube = |h: &Element| h.mul(h).mul(h);
    let (c1, c2) = (cube(&h1), cube(&h2));
    let solved = t1.add(&t2).mul(&c1.add(&c2).inverse());
    let tag = t1.add(&solved.mul(&c1));
    [solved.bytes(), fixed.bytes(), tag.bytes()].concat()
}
