//! Tests of the life cycle of sessions.

mod agreement;
mod automatic;
mod refresh;
mod seen;
mod sessions;
mod stored;
mod stored_at_any_time;
mod stored_counts;

use super::*;
use crate::ids::SessionId;
use crate::time::Timestamp;

const fn sid(byte: u8) -> SessionId {
    SessionId::from_bytes([byte; 32])
}

/// Our own INIT, unconfirmed.
const fn ours(byte: u8, generation: u32, at: Timestamp) -> SessionSummary {
    SessionSummary { sid: sid(byte), generation, origin: Origin::Ours { confirmed_at: None }, created_at: at }
}

/// One that we accepted.
const fn theirs(byte: u8, generation: u32, at: Timestamp) -> SessionSummary {
    SessionSummary { sid: sid(byte), generation, origin: Origin::Theirs, created_at: at }
}

fn placed(sessions: &[SessionSummary]) -> DeviceSessions {
    sessions.iter().fold(DeviceSessions::default(), |all, session| all.place(*session, session.created_at).next)
}

fn active(sessions: &DeviceSessions) -> Option<SessionId> {
    sessions.active().map(|active| active.sid)
}

fn archived(sessions: &DeviceSessions) -> Vec<SessionId> {
    sessions.archived().map(|archived| archived.session.sid).collect()
}
