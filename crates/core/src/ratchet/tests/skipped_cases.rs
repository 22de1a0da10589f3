//! How long skipped keys live: T58, T66.

use super::fixture::{established, open};
use crate::errors::DecryptError::{Duplicate, NoSession};
use crate::limits::SKIP_AGE_MS;
use crate::primitives::Secret;
use crate::ratchet::SessionMessage;
use crate::ratchet::header::{self, Header};
use crate::ratchet::keys::{ChainKey, MessageKey, root_step};
use crate::testing::at;

#[test]
fn t058_skipped_key_of_14_days_is_gone_from_a_running_chain() {
    let mut pair = established(58);
    let skipped = pair.alice_says(b"skipped", 1);
    let next = pair.alice_says(b"next", 2);
    pair.bob_hears(&next).unwrap();
    let stored = at(3);
    assert_eq!(open(&pair.bob, &skipped, stored.plus(SKIP_AGE_MS)).unwrap_err(), Duplicate);
    let (opened, _) = open(&pair.bob, &skipped, stored.plus(SKIP_AGE_MS - 1)).unwrap();
    assert_eq!(opened.content(), b"skipped");
}

#[test]
fn t058_last_skipped_key_of_an_old_chain_takes_its_header_key_along() {
    let mut pair = established(58);
    let skipped = pair.alice_says(b"skipped", 1);
    let next = pair.alice_says(b"next", 2);
    pair.bob_hears(&next).unwrap();
    pair.turn(4);
    pair.turn(5);
    let stored = at(3);
    assert_eq!(open(&pair.bob, &skipped, stored.plus(SKIP_AGE_MS)).unwrap_err(), NoSession);
    assert!(open(&pair.bob, &skipped, stored.plus(SKIP_AGE_MS - 1)).is_ok());
}

#[test]
fn t058_expired_keys_leave_the_state_with_the_next_message() {
    let mut pair = established(58);
    pair.alice_says(b"skipped", 1);
    let next = pair.alice_says(b"next", 2);
    pair.bob_hears(&next).unwrap();
    let later = pair.alice_says(b"later", 3);
    let (_, after) = open(&pair.bob, &later, at(3).plus(SKIP_AGE_MS)).unwrap();
    assert!(after.skipped.chains.is_empty());
}

#[test]
fn t058_clock_that_jumped_back_expires_nothing() {
    let mut pair = established(58);
    let skipped = pair.alice_says(b"skipped", 1);
    let next = pair.alice_says(b"next", 2);
    pair.bob_hears(&next).unwrap();
    assert!(open(&pair.bob, &skipped, at(0)).is_ok());
}

#[test]
fn t066_state_after_a_message_does_not_give_its_key() {
    let mut pair = established(66);
    let message = pair.alice_says(b"spent", 1);
    let before = pair.bob.to_bytes();
    pair.bob_hears(&message).unwrap();
    pair.turn(2);
    assert!(opens_some(&before, &message, &pair.bob), "control: the state before gives it");
    assert!(!opens_some(&pair.bob.to_bytes(), &message, &pair.bob));
    assert!(!opens_some(&pair.alice.to_bytes(), &message, &pair.bob));
}

/// Whether any 32 bytes of `dump`, as a message key, or as a chain key with up to three steps, or as a root key with
/// any DH of the dump's secrets, has the commitment of `message`.
fn opens_some(dump: &[u8], message: &[u8], session: &crate::ratchet::Session) -> bool {
    let parsed = SessionMessage::parse(message).unwrap();
    let (sid, direction) = (session.sid(), session.direction_in());
    let matches = |key: &MessageKey| {
        let keys = crate::ratchet::message::BodyKeys::derive(key, &sid, direction, parsed.header_nonce, parsed.header);
        keys.open(parsed.com, parsed.body).is_ok()
    };
    let along = |start: ChainKey| {
        let mut chain = start;
        (0..3).any(|_| {
            let (key, next) = chain.step();
            chain = next;
            matches(&key)
        })
    };
    let windows: Vec<&[u8]> = dump.windows(32).collect();
    let direct = windows.iter().any(|window| {
        matches(&MessageKey(Secret::from_slice(window).unwrap()))
            || along(ChainKey(Secret::from_slice(window).unwrap()))
    });
    // The state before a chain's first message holds RK, dh_priv and the lane's secret: together they give the chain.
    let state = crate::ratchet::Session::from_bytes(dump).unwrap();
    let stepped = state.dh_private.iter().any(|private| {
        header_of_next_chain(&state, &parsed).is_some_and(|header| {
            let dh = private.diffie_hellman(&header.dh_public).unwrap();
            let (lane, _) = state.peer_lane.mixed(header.mix_epoch).unwrap();
            let lane = lane.map(|secret| (secret, header.mix_epoch));
            along(root_step(&state.root, &dh, lane, &sid, direction).chain)
        })
    });
    direct || stepped
}

fn header_of_next_chain(state: &crate::ratchet::Session, message: &SessionMessage<'_>) -> Option<Header> {
    let (key, direction) = (&state.next_receive_header, state.direction_in());
    header::open(key, message.header_nonce, &state.sid(), direction, message.header)?.ok()
}
