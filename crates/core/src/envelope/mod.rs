//! Envelopes: what the relay carries: `docs/protocol.md` B7 and B8.
//!
//! A session message travels bare (B7.1): its header is encrypted, nothing names its sender. Where no session is
//! confirmed, or delivery is in doubt, it travels sealed (B7.2).

/// Prints the type's name and nothing of its value.
macro_rules! redacted {
    ($($name:ty),*) => {
        $(impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        })*
    };
}
mod judge;
mod open;
pub mod padding;
mod seal;
mod tag;
mod trial;

#[cfg(test)]
mod tests;

pub use judge::{AuthenticatedEnvelope, Inner, Judged, Pinned, WhyHeld};
pub use open::{LiveEnvelopeKey, SealedEnvelope, TaggedEnvelope};
pub use seal::{EnvelopeKeyError, SealTo, SealedBy};
pub use trial::{MatchedSession, open_on};

use crate::errors::DecryptError;
use crate::labels::Label;
use crate::limits::ENVELOPE_BYTES;
use crate::primitives::kdf;
use crate::ratchet::SessionMessage;

const TYPE_SEALED: u8 = 0x01;
const TYPE_SESSION: u8 = 0x03;
/// First byte of an INIT: never outside of a SEALED envelope.
const TYPE_INIT: u8 = 0x31;
const VERSION: u8 = 0x01;

/// An envelope as it arrived.
#[derive(Debug)]
pub enum Envelope<'a> {
    /// 0x01: HPKE to this device.
    Sealed(SealedEnvelope<'a>),
    /// 0x03: a session message, bare.
    Session(SessionMessage<'a>),
}

impl<'a> Envelope<'a> {
    /// Length, type and version, before any cryptography: too long or too short is `DecryptFailed`, a type or version
    /// that v1 does not know is `UnsupportedVersion`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecryptError> {
        if bytes.len() > ENVELOPE_BYTES {
            return Err(DecryptError::DecryptFailed);
        }
        match bytes.first() {
            None => Err(DecryptError::DecryptFailed),
            Some(&TYPE_SEALED) => SealedEnvelope::parse(bytes).map(Self::Sealed),
            Some(&TYPE_SESSION) => SessionMessage::parse(bytes).map(Self::Session),
            Some(_) => Err(DecryptError::UnsupportedVersion),
        }
    }
}

/// `HASH("envelope", bytes)`: kept for 48 h for every SEALED envelope that was accepted, or that failed after its tag
/// verified.
pub fn envelope_id(bytes: &[u8]) -> [u8; 32] {
    kdf::hash(Label::Envelope, &[bytes])
}
