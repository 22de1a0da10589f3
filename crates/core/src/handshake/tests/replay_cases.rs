//! Repetition and failure: T37, T43, T128 for initiating.

use crate::errors::DecryptError::{DecryptFailed, Duplicate};
use crate::errors::EncryptError;
use crate::handshake::{Generation, InitMessage};
use crate::ratchet::tests::fixture::{Device, Offer, flipped, send};
use crate::ratchet::{Outgoing, Session};
use crate::testing::{Broken, at, rng};

#[test]
fn t037_replayed_init_is_a_duplicate_on_its_session() {
    let (alice, bob) = (Device::new(1), Device::new(2));
    let (init, _) = send(&alice.initiate(&bob, Offer::OneTime, 1), b"hello", 2);
    let accepted = bob.accept(init.as_bytes(), &alice, Offer::OneTime).unwrap();
    let again = InitMessage::parse(init.as_bytes()).unwrap();
    // Step 3: the session exists, its ratchet gets the inner message.
    assert_eq!(again.header().sid(), accepted.session.sid());
    let before = accepted.session.to_bytes();
    assert_eq!(accepted.session.decrypt(again.message(), at(2)).unwrap_err(), Duplicate);
    assert_eq!(*accepted.session.to_bytes(), *before);
}

#[test]
fn second_message_before_the_answer_repeats_the_header_and_opens() {
    let (alice, bob) = (Device::new(1), Device::new(2));
    let (first, session) = send(&alice.initiate(&bob, Offer::OneTime, 1), b"first", 2);
    let (second, _) = send(&session, b"second", 3);
    let (Outgoing::Init(first), Outgoing::Init(second)) = (first, second) else { panic!("unconfirmed") };
    // The second overtakes the first: it makes the session just as well.
    let accepted = bob.accept(&second, &alice, Offer::OneTime).unwrap();
    assert_eq!(accepted.opened.content(), b"second");
    let late = InitMessage::parse(&first).unwrap();
    let (opened, _) = accepted.session.decrypt(late.message(), at(2)).unwrap();
    assert_eq!(opened.content(), b"first");
}

#[test]
fn t043_init_whose_message_fails_leaves_the_prekeys_usable() {
    let (alice, bob) = (Device::new(1), Device::new(2));
    let (init, _) = send(&alice.initiate(&bob, Offer::OneTime, 1), b"hello", 2);
    let damaged = flipped(init.as_bytes(), init.as_bytes().len() * 8 - 1);
    assert_eq!(bob.accept(&damaged, &alice, Offer::OneTime).unwrap_err(), DecryptFailed);
    let accepted = bob.accept(init.as_bytes(), &alice, Offer::OneTime).unwrap();
    assert_eq!(accepted.opened.content(), b"hello");
}

#[test]
fn answer_confirms_the_session_and_ends_the_repetition() {
    let (alice, bob) = (Device::new(1), Device::new(2));
    let (init, session) = send(&alice.initiate(&bob, Offer::OneTime, 1), b"hello", 2);
    assert_eq!(session.confirmed_at(), None);
    let accepted = bob.accept(init.as_bytes(), &alice, Offer::OneTime).unwrap();
    assert_eq!(accepted.session.confirmed_at(), Some(at(1)));
    let (answer, _) = send(&accepted.session, b"answer", 3);
    let (_, session) = crate::ratchet::tests::fixture::open(&session, answer.as_bytes(), at(3)).unwrap();
    assert_eq!(session.confirmed_at(), Some(at(3)));
    let (next, _) = send(&session, b"next", 4);
    assert!(matches!(next, Outgoing::Session(_)));
}

#[test]
fn t128_failing_random_source_initiates_nothing() {
    let (alice, bob) = (Device::new(1), Device::new(2));
    let bundle = bob.bundle(Offer::OneTime);
    let error =
        Session::initiate(&alice.party.device, bundle.clone(), Generation::FIRST, at(0), &mut Broken).unwrap_err();
    assert_eq!(error, EncryptError::Random(crate::random::RandomError));
}

#[test]
fn session_with_oneself_is_refused() {
    let alice = Device::new(1);
    let bundle = alice.bundle(Offer::OneTime);
    let error =
        Session::initiate(&alice.party.device, bundle.clone(), Generation::FIRST, at(0), &mut rng(1)).unwrap_err();
    assert_eq!(error, EncryptError::InvalidInput);
}
