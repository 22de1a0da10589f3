//! The peer: Olm of vodozemac, the audited Double Ratchet that Matrix clients use. It is classical only (3DH, no ML-KEM)
//! and has neither header encryption nor padding.

use vodozemac::Curve25519PublicKey;
use vodozemac::olm::{Account, OlmMessage, PreKeyMessage, Session, SessionConfig};

use crate::{KIBIBYTE, text};

/// An account with one one-time key.
pub fn account() -> (Account, Curve25519PublicKey) {
    let mut account = Account::new();
    account.generate_one_time_keys(1);
    let key = *account.one_time_keys().values().next().unwrap();
    account.mark_keys_as_published();
    (account, key)
}

/// A session of `alice` with `bob`, and its first message of 1 KiB.
pub fn first_message(alice: &Account, bob: &Account, one_time: Curve25519PublicKey) -> (Session, PreKeyMessage) {
    let config = SessionConfig::version_1();
    let mut session = alice.create_outbound_session(config, bob.curve25519_key(), one_time).unwrap();
    match session.encrypt(text(KIBIBYTE)).unwrap() {
        OlmMessage::PreKey(message) => (session, message),
        OlmMessage::Normal(_) => unreachable!("the first message carries the keys"),
    }
}

/// What `bob` makes of the first message.
pub fn accept(alice: &Account, bob: &mut Account, message: &PreKeyMessage) -> Session {
    bob.create_inbound_session(SessionConfig::version_1(), alice.curve25519_key(), message).unwrap().session
}

/// Both sides of a session in which each has spoken, and the first once more.
pub fn established() -> (Session, Session) {
    let (alice, _) = account();
    let (mut bob, one_time) = account();
    let (mut mine, message) = first_message(&alice, &bob, one_time);
    let mut theirs = accept(&alice, &mut bob, &message);
    let answer = theirs.encrypt("answer").unwrap();
    mine.decrypt(&answer).unwrap();
    let again = mine.encrypt("again").unwrap();
    theirs.decrypt(&again).unwrap();
    (mine, theirs)
}
