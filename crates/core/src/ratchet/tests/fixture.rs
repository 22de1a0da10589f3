//! Two devices with a session, and what tests do with them.

use crate::errors::DecryptError;
use crate::handshake::{Accepted, Generation, InitMessage, Initiator, Recipient, ResponderPrekeys};
use crate::prekey::PrekeyBundle;
use crate::ratchet::{Opened, Outgoing, SendOptions, Session, SessionMessage};
use crate::testing::{Party, at, rng};
use crate::time::Timestamp;

/// A device with its prekeys.
pub(crate) struct Device {
    pub(crate) party: Party,
}

/// Which prekeys a bundle offers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    OneTime,
    LastResort,
}

impl Device {
    pub(crate) fn new(byte: u8) -> Self {
        Self { party: Party::new(byte) }
    }

    pub(crate) fn bundle(&self, offer: Offer) -> PrekeyBundle {
        match offer {
            Offer::OneTime => self.party.verified_bundle(at(0)),
            Offer::LastResort => self.party.verified_exhausted_bundle(at(0)),
        }
    }

    pub(crate) fn initiate(&self, to: &Self, offer: Offer, seed: u64) -> Session {
        Session::initiate(&self.party.device, to.bundle(offer), Generation::FIRST, at(0), &mut rng(seed)).unwrap()
    }

    pub(crate) fn prekeys(&self, offer: Offer) -> ResponderPrekeys<'_> {
        match offer {
            Offer::OneTime => {
                ResponderPrekeys { spk: &self.party.spk, opk: Some(&self.party.opk), kem: &self.party.kem }
            }
            Offer::LastResort => ResponderPrekeys { spk: &self.party.spk, opk: None, kem: &self.party.last_resort },
        }
    }

    /// Accepts an INIT that `from` made, its certificate being in order.
    pub(crate) fn accept(&self, bytes: &[u8], from: &Self, offer: Offer) -> Result<Accepted, DecryptError> {
        let recipient = Recipient { device: &self.party.device, previous_aiks: &[] };
        let initiator = Initiator { device: from.party.public(), other_aiks: &[], highest_generation: None };
        InitMessage::parse(bytes)?.accept(recipient, initiator, self.prekeys(offer), at(1))
    }
}

/// The two halves of a session after one message each way.
pub(crate) struct Pair {
    pub(crate) alice: Session,
    pub(crate) bob: Session,
}

/// A session of devices 1 and 2, confirmed on both sides.
pub(crate) fn established(seed: u64) -> Pair {
    let (a, b) = (Device::new(1), Device::new(2));
    let (init, alice) = send(&a.initiate(&b, Offer::OneTime, seed), b"hello", seed ^ 0x11);
    let accepted = b.accept(init.as_bytes(), &a, Offer::OneTime).unwrap();
    assert_eq!(accepted.opened.content(), b"hello");
    let mut pair = Pair { alice, bob: accepted.session };
    let answer = pair.bob_says(b"hello back", seed ^ 0x22);
    pair.alice_hears(&answer).unwrap();
    pair
}

pub(crate) fn send(session: &Session, content: &[u8], seed: u64) -> (Outgoing, Session) {
    session.encrypt(content, SendOptions::CLINICAL, at(2), &mut rng(seed)).unwrap()
}

pub(crate) fn open(session: &Session, bytes: &[u8], now: Timestamp) -> Result<(Opened, Session), DecryptError> {
    session.decrypt(&SessionMessage::parse(bytes)?, now)
}

impl Pair {
    pub(crate) fn alice_says(&mut self, content: &[u8], seed: u64) -> Vec<u8> {
        let (message, next) = send(&self.alice, content, seed ^ 0xa11ce << 40);
        self.alice = next;
        message.as_bytes().to_vec()
    }

    pub(crate) fn bob_says(&mut self, content: &[u8], seed: u64) -> Vec<u8> {
        let (message, next) = send(&self.bob, content, seed ^ 0xb0b << 40);
        self.bob = next;
        message.as_bytes().to_vec()
    }

    pub(crate) fn alice_hears(&mut self, bytes: &[u8]) -> Result<Vec<u8>, DecryptError> {
        let (opened, next) = open(&self.alice, bytes, at(3))?;
        self.alice = next;
        Ok(opened.content().to_vec())
    }

    pub(crate) fn bob_hears(&mut self, bytes: &[u8]) -> Result<Vec<u8>, DecryptError> {
        let (opened, next) = open(&self.bob, bytes, at(3))?;
        self.bob = next;
        Ok(opened.content().to_vec())
    }

    /// One message each way, both delivered.
    pub(crate) fn turn(&mut self, seed: u64) {
        let there = self.alice_says(b"there", seed);
        assert_eq!(self.bob_hears(&there).unwrap(), b"there");
        let back = self.bob_says(b"back", seed ^ 0xffff);
        assert_eq!(self.alice_hears(&back).unwrap(), b"back");
    }
}

/// That `bytes` do not open on `session`, with exactly `error`, and leave its state as it was.
pub(crate) fn refused(session: &Session, bytes: &[u8], error: DecryptError) {
    let before = session.to_bytes();
    assert_eq!(open(session, bytes, at(3)).unwrap_err(), error);
    assert_eq!(*session.to_bytes(), *before);
}

/// `bytes` with one bit flipped.
pub(crate) fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}
