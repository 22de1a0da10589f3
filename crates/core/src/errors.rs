//! Errors of sending and receiving: `docs/protocol.md` B15. Small on purpose: what made a message fail to open is
//! nobody's business, least of all its sender's.

use crate::random::RandomError;

/// Why a message did not open. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DecryptError {
    /// Everything that is not named below.
    #[error("the message cannot be opened")]
    DecryptFailed,
    /// The message was opened before; said only under an authenticated header or a known envelope id.
    #[error("the message was opened before")]
    Duplicate,
    /// No header key of the session opens it.
    #[error("no session opens the message")]
    NoSession,
    /// A type, version or suite that v1 does not know; said before any cryptography.
    #[error("the message has a type or version that is not supported")]
    UnsupportedVersion,
    /// More new sessions than one account may make.
    #[error("a limit is exceeded")]
    LimitExceeded,
}

/// Why nothing was encrypted. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EncryptError {
    /// The caller's mistake: content that is too long, or a session with oneself.
    #[error("the input is not valid")]
    InvalidInput,
    /// The sending chain is at its end (B6.2): the session must be refreshed.
    #[error("a limit is exceeded")]
    LimitExceeded,
    /// The random source failed.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// A primitive refused keys that were checked before.
    #[error("internal error")]
    Internal,
}
