//! What an archive learns from the receipts of others: `docs/protocol.md` B13.6. Every member acknowledges to the
//! archive too, so that a sender that leaves the archive out, or tells members different things, is seen as soon as one
//! honest member acknowledges.

use prost::Message as _;

use crate::at_rest::{AtRest, AtRestError, COMPLETE, FORMAT, unchanged};
use crate::ids::{AccountId, MessageId};
use crate::limits::{AWAITED_COPIES, RECORD_GAP_MS};
use crate::time::Timestamp;
use crate::wire::v1;

/// What is wrong with a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArchiveEvent {
    /// `RecordGap`: somebody has a message that the archive does not.
    RecordGap {
        /// Which.
        message: MessageId,
        /// Who acknowledged it.
        by: AccountId,
    },
    /// `Equivocation`: somebody has other bytes under the same message id than the archive.
    Equivocation {
        /// Which.
        message: MessageId,
        /// Who acknowledged it.
        by: AccountId,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Awaited {
    message: MessageId,
    digest: [u8; 32],
    by: AccountId,
    since: Timestamp,
}

/// Acknowledged messages that an archive does not have yet.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AwaitedCopies {
    /// Oldest first.
    awaited: Vec<Awaited>,
}

impl AwaitedCopies {
    /// A delivery receipt from `by`. `copies` are the digests of what the archive has under this message id in the
    /// conversation; there is more than one only if two senders drew the same id, or one sender equivocates.
    pub fn receipt(
        &self,
        message: MessageId,
        digest: [u8; 32],
        by: AccountId,
        copies: &[[u8; 32]],
        now: Timestamp,
    ) -> (Self, Vec<ArchiveEvent>) {
        if copies.contains(&digest) {
            return (self.clone(), Vec::new());
        }
        if !copies.is_empty() {
            return (self.clone(), vec![ArchiveEvent::Equivocation { message, by }]);
        }
        let mut next = self.clone();
        next.awaited.push(Awaited { message, digest, by, since: now });
        let excess = next.awaited.len().saturating_sub(AWAITED_COPIES);
        // What is given up is said at once: a flood of receipts must not hide a gap.
        let events = next.awaited.drain(..excess).map(Awaited::gap).collect();
        (next, events)
    }

    /// The archive has got a message: who acknowledged it before is compared with it.
    pub fn stored(&self, message: MessageId, digest: &[u8; 32]) -> (Self, Vec<ArchiveEvent>) {
        let (mine, awaited): (Vec<_>, Vec<_>) = self.awaited.iter().copied().partition(|copy| copy.message == message);
        let other = mine.iter().filter(|copy| copy.digest != *digest);
        let events = other.map(|copy| ArchiveEvent::Equivocation { message, by: copy.by }).collect();
        (Self { awaited }, events)
    }

    /// `RecordGap` for what was acknowledged 24 h ago and is still not here.
    pub fn due(&self, now: Timestamp) -> (Self, Vec<ArchiveEvent>) {
        let (gaps, awaited): (Vec<_>, Vec<_>) =
            self.awaited.iter().copied().partition(|copy| now.since(copy.since) >= RECORD_GAP_MS);
        (Self { awaited }, gaps.into_iter().map(Awaited::gap).collect())
    }

    /// For the store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let copies = self.awaited.iter().map(|awaited| awaited.to_wire()).collect();
        v1::AwaitedState { format: FORMAT, copies, complete: COMPLETE }.encode_to_vec()
    }

    /// From the store, whole or not at all.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AtRestError> {
        let stored = v1::AwaitedState::read(bytes)?;
        let awaited = stored.copies.iter().map(Awaited::from_wire).collect::<Option<Vec<_>>>();
        let loaded = awaited.filter(|awaited| awaited.len() <= AWAITED_COPIES).map(|awaited| Self { awaited });
        unchanged(loaded, bytes, Self::to_bytes)
    }
}

impl Awaited {
    fn to_wire(self) -> v1::AwaitedCopy {
        v1::AwaitedCopy {
            message_id: self.message.as_bytes().to_vec(),
            digest: self.digest.to_vec(),
            account_id: self.by.as_bytes().to_vec(),
            since_ms: self.since.as_millis(),
        }
    }

    fn from_wire(stored: &v1::AwaitedCopy) -> Option<Self> {
        Some(Self {
            message: MessageId::from_slice(&stored.message_id)?,
            digest: stored.digest.as_slice().try_into().ok()?,
            by: AccountId::from_slice(&stored.account_id)?,
            since: Timestamp::from_millis(stored.since_ms),
        })
    }

    const fn gap(self) -> ArchiveEvent {
        ArchiveEvent::RecordGap { message: self.message, by: self.by }
    }
}

impl AtRest for v1::AwaitedState {
    const LIMIT: usize = AWAITED_COPIES * 128;

    fn complete(&self) -> u32 {
        self.complete
    }
}
