//! Placement: which session with a device is active (`docs/protocol.md` B12), and generations (B4.2, B4.5).

mod stored;

use core::cmp::Reverse;

use crate::ids::SessionId;
use crate::limits::{ARCHIVED_AGE_MS, ARCHIVED_SESSIONS, GENERATION_JUMP, STALE_SESSION_MS, UNCONFIRMED_DROP_MS};
use crate::time::Timestamp;

/// Who made the INIT.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// This device.
    Ours {
        /// When this side knew that the other one has it.
        confirmed_at: Option<Timestamp>,
    },
    /// The other one, which therefore has it from the start.
    Theirs,
}

/// Order of sessions: the higher generation, at equal generation the lexicographically smaller sid, is the greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Rank {
    generation: u32,
    sid: Reverse<SessionId>,
}

/// What placement needs to know of a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionSummary {
    /// Its id.
    pub sid: SessionId,
    /// Of its InitHeader; not 0.
    pub generation: u32,
    /// Who made it.
    pub origin: Origin,
    /// When it was made or accepted here.
    pub created_at: Timestamp,
}

impl SessionSummary {
    /// Its place in the order.
    pub const fn rank(&self) -> Rank {
        Rank { generation: self.generation, sid: Reverse(self.sid) }
    }

    /// Our own INIT that nothing has come back on.
    pub const fn is_unconfirmed_init(&self) -> bool {
        matches!(self.origin, Origin::Ours { confirmed_at: None })
    }
}

/// A session that only receives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ArchivedSession {
    /// The session.
    pub session: SessionSummary,
    /// Since when it only receives.
    pub archived_at: Timestamp,
}

impl ArchivedSession {
    /// 14 days after it was archived; our own unconfirmed INIT 45 days after it was made.
    const fn ends_at(&self) -> Timestamp {
        match self.session.is_unconfirmed_init() {
            true => self.session.created_at.plus(UNCONFIRMED_DROP_MS),
            false => self.archived_at.plus(ARCHIVED_AGE_MS),
        }
    }
}

/// All sessions with one (account, device_id, reg_nonce). Only `active` ever encrypts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DeviceSessions {
    active: Option<SessionSummary>,
    archived: Vec<ArchivedSession>,
    low: Option<ArchivedSession>,
    highest: Option<Rank>,
}

/// Where a session came to stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Position {
    /// It is the one that encrypts.
    Active,
    /// It only receives.
    Archived,
}

/// What placing a session did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placement {
    /// All sessions afterwards.
    pub next: DeviceSessions,
    /// Where the new one stands.
    pub position: Position,
    /// Sessions that lost their place and are erased.
    pub dropped: Vec<SessionId>,
}

/// `DecryptFailed`: the generation is 0, or more than 65 536 above the highest known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the generation is out of range")]
pub struct GenerationRefused;

/// What a message that decrypted says about its session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpenedOn {
    /// The active one.
    Active,
    /// An archived one: event `StaleSession`, and an acknowledgement is due on `active`, SEALED. `active` is unchanged.
    Stale,
    /// As `Stale`, later than 24 h after it was replaced: it counts for `PossibleClone` too.
    StaleLate,
}

impl DeviceSessions {
    /// The session that encrypts.
    pub const fn active(&self) -> Option<&SessionSummary> {
        self.active.as_ref()
    }

    /// Sessions that only receive.
    pub fn archived(&self) -> impl Iterator<Item = &ArchivedSession> {
        self.archived.iter().chain(&self.low)
    }

    /// Whether there is no session at all.
    pub fn is_empty(&self) -> bool {
        self.active.is_none() && self.archived().next().is_none()
    }

    /// Whether there ever was one, be it closed.
    pub const fn had_any(&self) -> bool {
        self.highest.is_some()
    }

    /// 1 + the highest generation of any session sent to or accepted from that device; `None` after 2^32 - 1, when
    /// only a new reg_nonce helps.
    pub fn next_generation(&self) -> Option<u32> {
        self.highest.map_or(Some(1), |rank| rank.generation.checked_add(1))
    }

    /// The generation of a received INIT must lie in 1 ..= highest known + 65 536.
    pub fn admit_generation(&self, generation: u32) -> Result<(), GenerationRefused> {
        let highest = self.highest.map_or(0, |rank| rank.generation);
        match generation != 0 && generation <= highest.saturating_add(GENERATION_JUMP) {
            true => Ok(()),
            false => Err(GenerationRefused),
        }
    }

    /// Places a session that was made or accepted now and is none of these, nor one that was closed; what was accepted
    /// passed [`admit_generation`](Self::admit_generation). It is `active` if it outranks every
    /// session that was ever made or accepted, closed ones included; else it is archived on arrival, in the one place
    /// beyond the three. **An archived session never becomes active.**
    pub fn place(&self, new: SessionSummary, now: Timestamp) -> Placement {
        let mut next = self.clone();
        let archive = |session| ArchivedSession { session, archived_at: now };
        let mut dropped = Vec::new();
        let outranks = self.highest.is_none_or(|highest| new.rank() > highest);
        let position = match outranks {
            true => {
                next.archived.extend(next.active.replace(new).map(archive));
                next.highest = Some(new.rank());
                let surplus = next.archived.len().saturating_sub(ARCHIVED_SESSIONS);
                dropped.extend(next.archived.drain(..surplus).map(|old| old.session.sid));
                Position::Active
            }
            false => {
                dropped.extend(next.low.replace(archive(new)).map(|old| old.session.sid));
                Position::Archived
            }
        };
        Placement { next, position, dropped }
    }

    /// Notes the first message that was decrypted on our own session.
    #[must_use]
    pub fn confirmed(&self, sid: &SessionId, now: Timestamp) -> Self {
        let mut next = self.clone();
        let archived = next.archived.iter_mut().chain(&mut next.low);
        let sessions = archived.map(|archived| &mut archived.session);
        sessions
            .chain(&mut next.active)
            .filter(|session| session.sid == *sid && session.is_unconfirmed_init())
            .for_each(|session| session.origin = Origin::Ours { confirmed_at: Some(now) });
        next
    }

    /// Closes one session. If it was `active`, there is none, and the next send makes an INIT.
    #[must_use]
    pub fn closed(&self, sid: &SessionId) -> Self {
        self.retained(|archived| archived.session.sid != *sid, |active| active.sid != *sid)
    }

    /// Closes all: the device is gone from the manifest, or the contact was deleted. The highest generation stays
    /// known, so that it can be kept for 400 days.
    #[must_use]
    pub const fn all_closed(&self) -> Self {
        Self { active: None, archived: Vec::new(), low: None, highest: self.highest }
    }

    /// `failed_sid` of a RetryRequest: closes that session if it is our own unconfirmed INIT, and no other.
    #[must_use]
    pub fn failed(&self, sid: &SessionId) -> Self {
        let ours = |session: &SessionSummary| session.sid == *sid && session.is_unconfirmed_init();
        self.retained(|archived| !ours(&archived.session), |active| !ours(active))
    }

    /// Drops what has run out.
    #[must_use]
    pub fn expired(&self, now: Timestamp) -> Self {
        let too_old = |active: &SessionSummary| {
            active.is_unconfirmed_init() && now >= active.created_at.plus(UNCONFIRMED_DROP_MS)
        };
        self.retained(|archived| now < archived.ends_at(), |active| !too_old(active))
    }

    fn retained(&self, archived: impl Fn(&ArchivedSession) -> bool, active: impl Fn(&SessionSummary) -> bool) -> Self {
        Self {
            active: self.active.filter(active),
            archived: self.archived.iter().filter(|old| archived(old)).copied().collect(),
            low: self.low.filter(&archived),
            highest: self.highest,
        }
    }

    /// What a message that was decrypted on `sid` says; `None` for a session that is not here.
    pub fn opened(&self, sid: &SessionId, now: Timestamp) -> Option<OpenedOn> {
        if self.active.is_some_and(|active| active.sid == *sid) {
            return Some(OpenedOn::Active);
        }
        let stale = self.archived().find(|archived| archived.session.sid == *sid)?;
        match now.since(stale.archived_at) > STALE_SESSION_MS {
            true => Some(OpenedOn::StaleLate),
            false => Some(OpenedOn::Stale),
        }
    }
}
