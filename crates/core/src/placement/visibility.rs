//! Whether a new session shows: `docs/protocol.md` B12, "Visibility".

use super::Conversation;
use super::session::{DeviceSessions, Origin, Position, SessionSummary};
use crate::limits::{CROSSING_MS, REFRESH_NOTICE_MS};
use crate::time::Timestamp;

/// An INIT that was accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// Its session.
    pub session: SessionSummary,
    /// Where it came to stand.
    pub position: Position,
    /// When it was accepted.
    pub at: Timestamp,
}

/// How an accepted INIT shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Visibility {
    /// There was never a session before: nothing was reset.
    First,
    /// Silent: it crossed ours.
    Crossed,
    /// Silent: announced by a `SessionRefresh` that names it.
    Warm,
    /// It is cold unless the announcement comes before this time.
    Undecided(Timestamp),
    /// `SessionReset{cold}`: shown in the conversation and written to the audit log.
    Cold,
}

/// Judges `arrival` by the sessions before it was placed and before anything was closed. `notice` is when a
/// `SessionRefresh{new_sid}` that names it arrived, on any session of that device.
///
/// *Crossed* if our active is our own INIT, unconfirmed or confirmed less than 10 min ago, and the new generation is
/// equal or lower; *warm* if it became active and the notice arrived at most 14 d before or 10 min after it; else
/// *cold*, also if it was archived on arrival.
pub fn visibility(before: &DeviceSessions, arrival: &Arrival, notice: Option<Timestamp>, now: Timestamp) -> Visibility {
    // A session that was closed counts: a contact who lost everything is no new contact.
    if !before.had_any() {
        return Visibility::First;
    }
    if before.active().is_some_and(|ours| crosses(ours, arrival)) {
        return Visibility::Crossed;
    }
    if arrival.position == Position::Archived {
        return Visibility::Cold;
    }
    let until = arrival.at.plus(CROSSING_MS);
    let announced = notice.is_some_and(|notice| notice >= arrival.at.minus(REFRESH_NOTICE_MS) && notice <= until);
    match (announced, now <= until) {
        (true, _) => Visibility::Warm,
        (false, true) => Visibility::Undecided(until),
        (false, false) => Visibility::Cold,
    }
}

fn crosses(active: &SessionSummary, arrival: &Arrival) -> bool {
    let Origin::Ours { confirmed_at } = active.origin else { return false };
    let fresh = confirmed_at.is_none_or(|confirmed| arrival.at.since(confirmed) < CROSSING_MS);
    fresh && arrival.session.generation <= active.generation
}

/// What is sent to a device that has lost its count, after 5-60 s ([`Window::REPLY`](super::Window::REPLY)).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Our active INIT once more: it is unconfirmed.
    ActiveInit,
    /// A new INIT, of a higher generation.
    NewInit,
}

/// The answer to a cold INIT that came too low, if its account is in a conversation with us.
pub fn answer_to_low(
    sessions: &DeviceSessions,
    position: Position,
    seen: Visibility,
    conversation: Conversation,
) -> Option<Answer> {
    let low = position == Position::Archived && seen == Visibility::Cold;
    let unconfirmed = sessions.active().is_some_and(SessionSummary::is_unconfirmed_init);
    match (low && conversation == Conversation::Established, unconfirmed) {
        (false, _) => None,
        (true, true) => Some(Answer::ActiveInit),
        (true, false) => Some(Answer::NewInit),
    }
}
