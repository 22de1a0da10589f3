//! Keys, rows and sums of the store: `docs/store.md`. Pure functions; `carevow-store` keeps what they give.

mod keys;
mod row;
mod whole;

#[cfg(test)]
mod tests;

pub use keys::{Passphrase, RecordKey, RootKey, SealedKey, StoreKey, SystemKeys};
pub use row::{LookupKey, OpenedRow, ParentKey, Place, RowTag, Scope, SealedRow};
pub use whole::{Head, HeadMac, SetSum};

/// The format of everything in this module.
pub const FORMAT: u8 = 1;

/// What was read does not verify: it was altered, moved, or is of another store.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("what the store holds does not verify")]
pub struct NotAuthentic;
