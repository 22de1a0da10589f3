//! The Carevow protocol as pure functions and state machines: no I/O, no clock, no random source of its own, no
//! `unsafe`. `docs/protocol.md` is the specification; each module names the section that it implements.
//!
//! Time ([`Timestamp`]) and randomness ([`rand_core::TryCryptoRng`]) are arguments. Functions that open something take
//! `&State` and return `(what was opened, next state)`: a failure changes nothing, because nothing could.
#![forbid(unsafe_code)]
#![deny(clippy::arithmetic_side_effects)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation, reason = "tests count"))]

pub mod at_rest;
pub mod attachment;
pub mod content;
pub mod envelope;
pub mod errors;
pub mod group;
pub mod handshake;
pub mod identity;
pub mod ids;
pub mod invitation;
mod labels;
pub mod limits;
pub mod linking;
pub mod organization;
pub mod placement;
pub mod prekey;
pub mod primitives;
pub mod random;
pub mod ratchet;
pub mod records;
pub mod safety_number;
pub mod sealed_store;
pub mod suite;
pub mod time;
pub mod wire;

#[cfg(test)]
mod malicious;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod two_devices;
#[cfg(test)]
mod vectors;

pub use errors::{DecryptError, EncryptError};
pub use ids::{AccountId, ConversationId, DeviceAddress, DeviceId, GroupId, MessageId, OrgId, RegNonce, SessionId};
pub use time::Timestamp;
