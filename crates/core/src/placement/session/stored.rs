//! The sessions of a device at rest, format 1: `docs/protocol.md` B12.8. Each session itself is stored on its own.

use core::cmp::Reverse;
use std::collections::BTreeSet;

use prost::Message as _;

use super::{ArchivedSession, DeviceSessions, Origin, Rank, SessionSummary};
use crate::at_rest::{AtRest, AtRestError, COMPLETE, FORMAT, ascending, unchanged};
use crate::ids::SessionId;
use crate::limits::ARCHIVED_SESSIONS;
use crate::time::Timestamp;
use crate::wire::v1;

/// How a session came to be: `PlacedSession.made`.
mod made {
    pub(super) const HERE_UNCONFIRMED: u32 = 1;
    pub(super) const HERE_CONFIRMED: u32 = 2;
    pub(super) const THERE: u32 = 3;
}

impl DeviceSessions {
    /// For the store. It changes when a session is made, accepted, confirmed, closed or dropped, and with no message.
    pub fn to_bytes(&self) -> Vec<u8> {
        v1::DeviceSessionsState {
            format: FORMAT,
            active: self.active.map(SessionSummary::to_wire),
            archived: self.archived.iter().copied().map(ArchivedSession::to_wire).collect(),
            low: self.low.map(ArchivedSession::to_wire),
            highest_generation: self.highest.map_or(0, |rank| rank.generation),
            highest_sid: self.highest.map_or_else(Vec::new, |rank| rank.sid.0.as_bytes().to_vec()),
            complete: COMPLETE,
        }
        .encode_to_vec()
    }

    /// From the store, whole or not at all. That the sessions named here are stored too, and that nothing else is, is
    /// for the caller to see.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AtRestError> {
        let stored = v1::DeviceSessionsState::read(bytes)?;
        unchanged(load(&stored).filter(is_possible), bytes, Self::to_bytes)
    }
}

fn load(stored: &v1::DeviceSessionsState) -> Option<DeviceSessions> {
    let highest = match (stored.highest_generation, stored.highest_sid.as_slice()) {
        (0, []) => None,
        (generation, sid) => Some(Rank { generation, sid: Reverse(SessionId::from_slice(sid)?) }),
    };
    let active = match &stored.active {
        None => None,
        Some(active) => Some(SessionSummary::from_wire(active)?),
    };
    let low = match &stored.low {
        None => None,
        Some(low) => Some(ArchivedSession::from_wire(low)?),
    };
    let archived = stored.archived.iter().map(ArchivedSession::from_wire).collect::<Option<_>>()?;
    Some(DeviceSessions { active, archived, low, highest })
}

/// What holds after any placing, closing and expiring: `active` is the highest that ever was; the archived ones were
/// it one after the other; what came too low was never it.
fn is_possible(sessions: &DeviceSessions) -> bool {
    let Some(highest) = sessions.highest else {
        return *sessions == DeviceSessions::default();
    };
    let rank = |archived: &ArchivedSession| archived.session.rank();
    let replaced: Vec<_> = sessions.archived.iter().map(rank).collect();
    let below: Vec<_> = sessions.archived().map(rank).collect();
    let sids: BTreeSet<_> = below.iter().chain([&highest]).map(|rank| rank.sid).collect();
    sessions.active.is_none_or(|active| active.rank() == highest)
        && replaced.len() <= ARCHIVED_SESSIONS
        && ascending(&replaced)
        && below.iter().all(|rank| *rank < highest)
        && below.iter().chain([&highest]).all(|rank| rank.generation != 0)
        && sids.len() > below.len()
}

impl SessionSummary {
    fn to_wire(self) -> v1::PlacedSession {
        let (made, confirmed_at) = match self.origin {
            Origin::Ours { confirmed_at: None } => (made::HERE_UNCONFIRMED, Timestamp::default()),
            Origin::Ours { confirmed_at: Some(at) } => (made::HERE_CONFIRMED, at),
            Origin::Theirs => (made::THERE, Timestamp::default()),
        };
        v1::PlacedSession {
            sid: self.sid.as_bytes().to_vec(),
            generation: self.generation,
            made,
            confirmed_at_ms: confirmed_at.as_millis(),
            created_at_ms: self.created_at.as_millis(),
            archived_at_ms: 0,
        }
    }

    fn from_wire(stored: &v1::PlacedSession) -> Option<Self> {
        let origin = match stored.made {
            made::HERE_UNCONFIRMED => Origin::Ours { confirmed_at: None },
            made::HERE_CONFIRMED => Origin::Ours { confirmed_at: Some(Timestamp::from_millis(stored.confirmed_at_ms)) },
            made::THERE => Origin::Theirs,
            _ => return None,
        };
        let sid = SessionId::from_slice(&stored.sid)?;
        let created_at = Timestamp::from_millis(stored.created_at_ms);
        Some(Self { sid, generation: stored.generation, origin, created_at })
    }
}

impl ArchivedSession {
    fn to_wire(self) -> v1::PlacedSession {
        v1::PlacedSession { archived_at_ms: self.archived_at.as_millis(), ..self.session.to_wire() }
    }

    fn from_wire(stored: &v1::PlacedSession) -> Option<Self> {
        let session = SessionSummary::from_wire(stored)?;
        Some(Self { session, archived_at: Timestamp::from_millis(stored.archived_at_ms) })
    }
}

impl AtRest for v1::DeviceSessionsState {
    const LIMIT: usize = (ARCHIVED_SESSIONS + 3) * 96;

    fn complete(&self) -> u32 {
        self.complete
    }
}
