//! When a session must be refreshed: `docs/protocol.md` B6.2 and B12.

use super::session::SessionSummary;
use crate::limits::{CHAIN_MESSAGES, REFRESH_AGE_MS, REFRESH_MESSAGES, UNCONFIRMED_REFRESH_MS};
use crate::time::{DAY_MS, Timestamp};

/// What a session says about its sending chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SendingChain {
    /// Number of the next message.
    pub n: u32,
    /// Messages sent since anything was decrypted on the session.
    pub unanswered: u32,
    /// When the first of them was sent.
    pub unanswered_since: Option<Timestamp>,
}

/// Under which of our identity keys our INIT was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InitAik {
    /// The one in use.
    Current,
    /// One that was rotated.
    Rotated,
}

/// Why a session is refreshed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefreshReason {
    /// 1 000 messages or 7 days without any reply.
    Unanswered,
    /// Our unconfirmed INIT is older than 14 days.
    UnconfirmedTooOld,
    /// Our unconfirmed INIT was made under an identity key that was rotated.
    RotatedAik,
    /// The chain has reached 2^24.
    ChainFull,
}

/// What the next send does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SendDecision {
    /// It goes on this session.
    Send,
    /// Fetch a bundle, send `SessionRefresh{new_sid}` on this session, then the INIT, both in one transaction.
    RefreshFirst(RefreshReason),
    /// `LimitExceeded` on this session, and it must be refreshed.
    Refuse(RefreshReason),
}

/// Judges the active session before a message is sent on it. An unconfirmed INIT has its own, longer time, and no count:
/// nobody there can heal anything yet, and each refresh takes a place from a session on which mail may still come.
pub fn before_send(
    session: &SessionSummary,
    chain: &SendingChain,
    made_under: InitAik,
    now: Timestamp,
) -> SendDecision {
    if chain.n >= CHAIN_MESSAGES {
        return SendDecision::Refuse(RefreshReason::ChainFull);
    }
    let unconfirmed = session.is_unconfirmed_init();
    let silent = |ms| chain.unanswered_since.is_some_and(|since| now.since(since) >= ms);
    if unconfirmed && made_under == InitAik::Rotated {
        return SendDecision::RefreshFirst(RefreshReason::RotatedAik);
    }
    if unconfirmed && now.since(session.created_at) > UNCONFIRMED_REFRESH_MS {
        return SendDecision::RefreshFirst(RefreshReason::UnconfirmedTooOld);
    }
    match !unconfirmed && (chain.unanswered >= REFRESH_MESSAGES || silent(REFRESH_AGE_MS)) {
        true => SendDecision::RefreshFirst(RefreshReason::Unanswered),
        false => SendDecision::Send,
    }
}

/// What to do when no valid bundle can be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AfterFailedFetch {
    /// Go on with the old session, raise `PeerStale`, and try again at this time.
    GoOn(Timestamp),
    /// Nothing can be sent until a bundle is had; try again at this time.
    Wait(Timestamp),
}

impl SendDecision {
    /// The peer is offline past its manifest or SPK: availability beats healing, until the chain is full.
    pub const fn without_bundle(self, tried_at: Timestamp) -> AfterFailedFetch {
        match self {
            Self::Send | Self::RefreshFirst(_) => AfterFailedFetch::GoOn(tried_at.plus(DAY_MS)),
            Self::Refuse(_) => AfterFailedFetch::Wait(tried_at.plus(DAY_MS)),
        }
    }
}
