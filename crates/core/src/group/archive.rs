//! What an archive learns from the receipts of others: `docs/protocol.md` B13.6. Every member acknowledges to the
//! archive too, so that a sender that leaves the archive out, or tells members different things, is seen as soon as one
//! honest member acknowledges.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message as _;

use crate::at_rest::{AtRest, AtRestError, COMPLETE, FORMAT, unchanged};
use crate::ids::{AccountId, MessageId};
use crate::limits::{AWAITED_COPIES, AWAITED_COPIES_OF_MEMBER, RECORD_GAP_MS};
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

/// A delivery receipt that an archive got.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Acknowledged<'a> {
    /// Of which message.
    pub message: MessageId,
    /// The digest that it states.
    pub digest: [u8; 32],
    /// From whom it is.
    pub by: AccountId,
    /// The digests of what the archive has under this message id in the conversation; there is more than one only if two
    /// senders drew the same id, or one sender equivocates.
    pub copies: &'a [[u8; 32]],
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
    /// Oldest first; each message once for each who acknowledged it.
    awaited: Vec<Awaited>,
}

impl AwaitedCopies {
    /// Delivery receipts, in the order in which they came. Of a member at most 1 000 are awaited, together 10 000.
    pub fn receipts(&self, receipts: &[Acknowledged<'_>], now: Timestamp) -> (Self, Vec<ArchiveEvent>) {
        let mut next = self.clone();
        let mut events = Vec::new();
        let mut known: BTreeSet<_> = next.awaited.iter().map(|copy| (copy.message, copy.by)).collect();
        for Acknowledged { message, digest, by, copies } in receipts.iter().copied() {
            if copies.is_empty() {
                // What somebody said first of a message stays.
                if known.insert((message, by)) {
                    next.awaited.push(Awaited { message, digest, by, since: now });
                }
            } else if !copies.contains(&digest) {
                events.push(ArchiveEvent::Equivocation { message, by });
            }
        }
        // What is given up is said at once: a flood of receipts must not hide a gap.
        events.extend(next.drop_excess().into_iter().map(Awaited::gap));
        (next, events)
    }

    /// One receipt: [`receipts`](Self::receipts).
    pub fn receipt(
        &self,
        message: MessageId,
        digest: [u8; 32],
        by: AccountId,
        copies: &[[u8; 32]],
        now: Timestamp,
    ) -> (Self, Vec<ArchiveEvent>) {
        self.receipts(&[Acknowledged { message, digest, by, copies }], now)
    }

    /// The oldest of whoever has more than a member may have, then the oldest of all.
    fn drop_excess(&mut self) -> Vec<Awaited> {
        let mut count = BTreeMap::<_, usize>::new();
        for copy in &self.awaited {
            let count = count.entry(copy.by).or_default();
            *count = count.saturating_add(1);
        }
        let mut dropped = Vec::new();
        self.awaited.retain(|copy| {
            let Some(count) = count.get_mut(&copy.by).filter(|count| **count > AWAITED_COPIES_OF_MEMBER) else {
                return true;
            };
            *count = count.saturating_sub(1);
            dropped.push(*copy);
            false
        });
        let excess = self.awaited.len().saturating_sub(AWAITED_COPIES);
        dropped.extend(self.awaited.drain(..excess));
        dropped
    }

    fn is_bounded(&self) -> bool {
        let unique: BTreeSet<_> = self.awaited.iter().map(|copy| (copy.message, copy.by)).collect();
        unique.len() == self.awaited.len() && self.clone().drop_excess().is_empty()
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
        let loaded = awaited.map(|awaited| Self { awaited }).filter(Self::is_bounded);
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
