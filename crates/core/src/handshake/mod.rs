//! The handshake: `docs/protocol.md` B4.
//!
//! [`Session::initiate`](crate::ratchet::Session::initiate) makes a session towards a verified bundle;
//! [`InitMessage::accept`] makes the other half of it.

mod accept;
mod generation;
mod header;
mod initiate;
mod secrets;

#[cfg(test)]
mod tests;

pub use accept::{Accepted, Initiator, Recipient, ResponderPrekeys};
pub use generation::Generation;
pub use header::{INIT_HEADER_BYTES, InitHeader, InitMessage};
pub(crate) use secrets::InitialKeys;

/// How far the first message is forward secret (B4.2 flags), reported to the app.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Grade {
    /// Whether a one-time X25519 prekey was used.
    pub x25519: PrekeyUse,
    /// Whether the ML-KEM prekey was a one-time key.
    pub ml_kem: PrekeyUse,
}

impl Grade {
    /// Whether any one-time key was used: then its deletion stops a replay, and the seen-set is not needed (B4.6).
    pub fn uses_one_time_key(self) -> bool {
        self.x25519 == PrekeyUse::OneTime || self.ml_kem == PrekeyUse::OneTime
    }
}

/// What kind of prekey a handshake used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PrekeyUse {
    /// A key that served this handshake only.
    OneTime,
    /// No one-time key, or the last-resort one: an older private key opens the first message.
    Shared,
}
