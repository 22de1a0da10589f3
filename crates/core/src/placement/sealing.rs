//! When a message must travel SEALED: `docs/protocol.md` B7.2, first paragraph. A peer that lost its state can so
//! always learn whom to ask.

use prost::Message as _;

use crate::at_rest::{AtRest, AtRestError, COMPLETE, FORMAT, unchanged};
use crate::limits::{
    UNSEALED_ACCOUNT_SILENCE_MS, UNSEALED_CONTENTS, UNSEALED_SESSION_MESSAGES, UNSEALED_SESSION_SILENCE_MS,
};
use crate::time::Timestamp;
use crate::wire::v1;

/// What is to be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outgoing {
    /// An INIT.
    Init,
    /// A session message with content.
    Content,
    /// A session message with content_len 0.
    Empty,
}

/// Traffic with an account, all its devices together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccountTraffic {
    /// User-visible contents (or Sync) sent since anything last arrived from any of its devices.
    pub contents_since_arrival: u32,
    /// When anything last arrived.
    pub last_arrival: Option<Timestamp>,
}

impl AccountTraffic {
    /// For the store.
    pub fn to_bytes(&self) -> Vec<u8> {
        v1::AccountTrafficState {
            format: FORMAT,
            contents: self.contents_since_arrival,
            arrived: self.last_arrival.is_some(),
            arrived_at_ms: self.last_arrival.map_or(0, Timestamp::as_millis),
            complete: COMPLETE,
        }
        .encode_to_vec()
    }

    /// From the store, whole or not at all.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AtRestError> {
        let stored = v1::AccountTrafficState::read(bytes)?;
        let last_arrival = stored.arrived.then(|| Timestamp::from_millis(stored.arrived_at_ms));
        let loaded = Self { contents_since_arrival: stored.contents, last_arrival };
        unchanged(Some(loaded), bytes, Self::to_bytes)
    }
}

impl AtRest for v1::AccountTrafficState {
    const LIMIT: usize = 64;

    fn complete(&self) -> u32 {
        self.complete
    }
}

/// Traffic on one session: its tally of unanswered messages and its last progress (B5) give the first two.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionTraffic {
    /// Messages sent since anything last arrived on it.
    pub messages_since_arrival: u32,
    /// When anything last arrived on it; before the first arrival, when it was made.
    pub last_arrival: Timestamp,
    /// Whether the peer still uses a session that was replaced: [`AcknowledgementTally::archived_arrival`].
    ///
    /// [`AcknowledgementTally::archived_arrival`]: super::AcknowledgementTally::archived_arrival
    pub archived: ArchivedArrival,
}

/// Whether a message was accepted on an archived session of the device since our last send to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArchivedArrival {
    /// None.
    Absent,
    /// The peer does not know of `active`.
    Accepted,
}

/// The peer's ENV record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EnvRecord {
    /// There is a valid one.
    Valid,
    /// None can be had.
    Unavailable,
}

/// How a message travels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EnvelopeForm {
    /// SEALED (0x01).
    Sealed,
    /// SESSION (0x03).
    Session,
    /// Not yet: an INIT without ENV record.
    Wait,
}

/// SEALED for INIT; for content if two contents were already sent to that account since anything last arrived from any
/// of its devices, or nothing arrived from it for 24 h; for any message if nothing arrived on this session since
/// 20 messages or 48 h, or a message was accepted on an archived one.
pub fn envelope_form(
    outgoing: Outgoing,
    account: &AccountTraffic,
    session: &SessionTraffic,
    env: EnvRecord,
    now: Timestamp,
) -> EnvelopeForm {
    let account_silent = account.contents_since_arrival >= UNSEALED_CONTENTS
        || account.last_arrival.is_none_or(|arrival| now.since(arrival) >= UNSEALED_ACCOUNT_SILENCE_MS);
    let session_silent = session.messages_since_arrival >= UNSEALED_SESSION_MESSAGES
        || now.since(session.last_arrival) >= UNSEALED_SESSION_SILENCE_MS
        || session.archived == ArchivedArrival::Accepted;
    let sealed = match outgoing {
        Outgoing::Init => true,
        Outgoing::Content => account_silent || session_silent,
        Outgoing::Empty => session_silent,
    };
    match (sealed, env, outgoing) {
        (true, EnvRecord::Valid, _) => EnvelopeForm::Sealed,
        (true, EnvRecord::Unavailable, Outgoing::Init) => EnvelopeForm::Wait,
        (true, EnvRecord::Unavailable, _) | (false, ..) => EnvelopeForm::Session,
    }
}
