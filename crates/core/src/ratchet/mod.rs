//! The ratchet: Double Ratchet with header encryption and post-quantum lanes: `docs/protocol.md` B5 and B6.
//!
//! A [`Session`] never changes: [`Session::encrypt`] and [`Session::decrypt`] take `&self` and return the next one,
//! which shares with this one what did not change. The caller commits it together with what it made of the message.

mod body;
mod chain;
mod decrypt;
mod encrypt;
mod header;
mod keys;
mod lane;
mod message;
mod policy;
mod session;
mod skipped;
mod state;

#[cfg(test)]
mod malicious;
#[cfg(test)]
pub(crate) mod tests;

pub use body::Opened;
pub use decrypt::OpenedHeader;
pub use encrypt::{LaneOffer, Outgoing, SendOptions};
pub use header::HEADER_BYTES;
pub use lane::LaneEpochs;
pub use message::{MESSAGE_OVERHEAD, SessionMessage};
pub use session::{Role, Session, SessionPeer, Tally};
pub use state::StateError;
