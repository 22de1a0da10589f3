//! Bare session messages: which session opens one: `docs/protocol.md` B7.1.

use crate::errors::DecryptError;
use crate::ratchet::{OpenedHeader, Session, SessionMessage};
use crate::time::Timestamp;

/// The session whose header key opened a message.
#[derive(Debug)]
#[non_exhaustive]
pub struct MatchedSession<'s> {
    /// The session.
    pub session: &'s Session,
    /// The open header, for [`Session::decrypt_opened`].
    pub header: OpenedHeader,
}

/// Tries the sessions in the given order, most recently used first; the first whose key opens the header decides.
/// None does: `NoSession`, and nothing is said to anybody.
pub fn open_on<'s>(
    message: &SessionMessage<'_>,
    sessions: impl IntoIterator<Item = &'s Session>,
    now: Timestamp,
) -> Result<MatchedSession<'s>, DecryptError> {
    sessions
        .into_iter()
        .find_map(|session| session.open_header(message, now).map(|header| MatchedSession { session, header }))
        .ok_or(DecryptError::NoSession)
}
