//! The audit chain of one store: `docs/protocol.md` B19.

use super::entry::{AuditEntry, EntryError};
use crate::labels::Label;
use crate::primitives::kdf::hash;
use crate::wire::lp;

/// Where a chain stands: the number of its last entry, and the hash over all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChainPoint {
    /// 0 before the first entry.
    pub seq: u64,
    /// `h_seq`; h_0 is 32 zero bytes.
    pub h: [u8; 32],
}

impl ChainPoint {
    /// Before the first entry: `(0, Z32)`.
    pub const START: Self = Self { seq: 0, h: [0; 32] };

    /// `h_n = HASH("audit", h_{n-1} || LP(entry bytes))`.
    pub(super) fn after(&self, seq: u64, entry: &[u8]) -> Self {
        let h = hash(Label::Audit, &[&self.h, &lp(entry), entry]);
        Self { seq, h }
    }
}

/// Why an entry is not appended; the chain is as it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ChainError {
    /// The entry itself.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// A prune entry names a point that the chain has not reached, or none.
    #[error("the chain has not reached the pruned point")]
    Prune,
    /// 2^64 - 1 entries.
    #[error("the chain is full")]
    Full,
}

/// The end of a chain, to which entries are appended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AuditChain {
    end: ChainPoint,
}

impl AuditChain {
    /// The chain of a new store.
    pub const EMPTY: Self = Self { end: ChainPoint::START };

    /// The chain that ends here, as the store kept it.
    pub const fn at(end: ChainPoint) -> Self {
        Self { end }
    }

    /// Number and hash of the last entry: what a head signs.
    pub const fn end(&self) -> ChainPoint {
        self.end
    }

    /// The entry with the next number, in canonical bytes, to be stored with `next.end().h` in the transaction that it
    /// records; and the chain after it.
    pub fn append(&self, entry: &AuditEntry) -> Result<(Vec<u8>, Self), ChainError> {
        let seq = self.end.seq.checked_add(1).ok_or(ChainError::Full)?;
        if entry.pruned.is_some_and(|point| point.seq == 0 || point.seq > self.end.seq) {
            return Err(ChainError::Prune);
        }
        let bytes = entry.encode(seq)?;
        let end = self.end.after(seq, &bytes);
        Ok((bytes, Self { end }))
    }
}
