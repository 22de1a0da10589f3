//! The encrypted store: rows that nobody reads, moves, replays or removes unnoticed. `docs/store.md` is the format.
//!
//! [`Store`] is locked when it is opened. [`Store::unlock`] brings the keys into memory, until [`Store::lock`] or until
//! it was idle for too long. [`Store::transact`] is the one way to read and write: what its closure did becomes durable
//! together, or not at all.
#![forbid(unsafe_code)]
#![deny(clippy::arithmetic_side_effects)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation, reason = "tests count"))]

mod access;
mod backoff;
mod buckets;
mod clock;
mod database;
mod erasure;
mod error;
mod file_lock;
mod header;
mod held;
mod list;
mod memory;
mod passphrase;
mod root;
mod store;
mod table;
mod transaction;
mod wrapper;

#[cfg(test)]
mod tests;

pub use access::Access;
pub use clock::Now;
pub use erasure::EarlierCopies;
pub use error::{Damage, StoreError};
pub use held::HeldEnvelope;
pub use list::{Item, List};
pub use store::{Policy, Store, Unlocked};
pub use table::{Family, Sealing, Table};
pub use transaction::{Row, Transaction};
pub use wrapper::{Generation, KeyWrapper, WrapperError};

pub use carevow_core::sealed_store::Passphrase;
