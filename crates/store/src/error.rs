//! What can go wrong, by what the caller can do about it.

use carevow_core::random::RandomError;
use carevow_core::sealed_store::NotAuthentic;

use crate::wrapper::WrapperError;

/// Nothing was read and nothing changed. An error is never "absent": what is not there is `None`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StoreError {
    /// No key is in memory: unlock first.
    #[error("the store is locked")]
    Locked,
    /// `suspend` was called: resume first.
    #[error("the store is suspended")]
    Suspended,
    /// Another process or thread held it for longer than the deadline, or a transaction was begun inside of one.
    #[error("the store is in use")]
    Busy,
    /// Something was altered, moved, removed or put back. Nothing of it is used.
    #[error("the store was altered: {0}")]
    Corrupted(Damage),
    /// The files are older than what this process has seen: register anew (`docs/protocol.md` B12.7).
    #[error("the store went back to an earlier state")]
    RolledBack,
    /// There is a store already, or none.
    #[error("the folder does not hold what was expected")]
    Folder,
    /// A format of a newer version: this version does not touch it.
    #[error("format {0} of the store is not known to this version")]
    Format(i64),
    /// The passphrase is wrong, or the platform's key is another.
    #[error("the store does not open with this key")]
    WrongKey,
    /// Too many wrong passphrases: again after so many milliseconds.
    #[error("too many wrong passphrases: again in {0} ms")]
    TooSoon(u64),
    /// The platform's keystore failed.
    #[error("the platform's keystore failed")]
    Wrapper(WrapperError),
    /// A key is longer than 65 535 bytes, a number above 2^63 - 1, or an item outside of its list.
    #[error("the request cannot be met")]
    InvalidInput,
    /// The conversation was erased: nothing can be written to it again.
    #[error("the conversation was erased")]
    Erased,
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// Reading or writing failed.
    #[error("reading or writing failed")]
    Io,
    /// The random source failed.
    #[error("the random source failed")]
    Random,
}

/// What does not verify.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Damage {
    /// The database file itself.
    File,
    /// The header.
    Header,
    /// The set of rows: one was altered, removed, added or put back.
    Rows,
    /// One row.
    Row,
    /// The sealed keys.
    Keys,
}

impl core::fmt::Display for Damage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::File => "the database file is damaged",
            Self::Header => "the header does not verify",
            Self::Rows => "rows were changed, removed or put back",
            Self::Row => "a row does not verify",
            Self::Keys => "a sealed key does not verify",
        })
    }
}

impl StoreError {
    /// Whether the same call may succeed later, without anything else being done.
    pub const fn retryable(&self) -> bool {
        matches!(self, Self::Busy | Self::TooSoon(_) | Self::Full | Self::Io | Self::Random)
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupted(Damage::File),
            // What SQLite reports of types and missing tables in our own queries is a changed schema.
            None => Self::Corrupted(Damage::File),
            Some(ErrorCode::Unknown) => Self::Corrupted(Damage::File),
            Some(_) => Self::Io,
        }
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Io,
        }
    }
}

impl From<RandomError> for StoreError {
    fn from(RandomError: RandomError) -> Self {
        Self::Random
    }
}

impl From<NotAuthentic> for StoreError {
    fn from(NotAuthentic: NotAuthentic) -> Self {
        Self::Corrupted(Damage::Row)
    }
}

impl From<WrapperError> for StoreError {
    fn from(error: WrapperError) -> Self {
        match error {
            WrapperError::WrongKey => Self::WrongKey,
            other => Self::Wrapper(other),
        }
    }
}
