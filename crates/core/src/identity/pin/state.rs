//! A pin in the store: `docs/protocol.md` B2, version-tagged protobuf. Nothing in it is secret; the store encrypts and
//! authenticates it all the same, because a pin that somebody else wrote is no pin.

use prost::Message;

use super::chain::{Chain, FormerKeys, Predecessor};
use super::other_keys::{OtherKeys, Waiting};
use super::{Gap, ManifestPin};
use crate::identity::manifest::{Manifest, ManifestError, UnverifiedManifest};
use crate::limits::{LOST_MANIFESTS, OPEN_GAPS};
use crate::primitives::PublicKey as _;
use crate::time::Timestamp;
use crate::wire::{WireError, array, key, optional_key, required, v1};

/// What the store gave is not a pin.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a stored pin")]
pub struct CorruptPin;

#[derive(Clone, PartialEq, Message)]
struct StoredPin {
    #[prost(uint32, tag = "1")]
    version: u32,
    #[prost(message, optional, tag = "2")]
    chain: Option<StoredChain>,
    #[prost(message, optional, tag = "3")]
    gap: Option<StoredGap>,
    #[prost(bytes = "vec", repeated, tag = "4")]
    lost: Vec<Vec<u8>>,
    /// Oldest first.
    #[prost(message, repeated, tag = "5")]
    waiting: Vec<StoredKey>,
    /// Newest first.
    #[prost(bytes = "vec", repeated, tag = "6")]
    changed_to: Vec<Vec<u8>>,
    #[prost(bytes = "vec", tag = "7")]
    acknowledged: Vec<u8>,
    #[prost(uint32, tag = "8")]
    suite_rank: u32,
    #[prost(message, optional, tag = "9")]
    loser: Option<v1::Signed>,
    /// Always there and always last: a pin that was cut off between two fields is noticed.
    #[prost(uint32, tag = "15")]
    complete: u32,
}

#[derive(Clone, PartialEq, Message)]
struct StoredChain {
    #[prost(message, optional, tag = "1")]
    current: Option<v1::Signed>,
    #[prost(message, repeated, tag = "2")]
    predecessors: Vec<StoredKey>,
    #[prost(bytes = "vec", repeated, tag = "3")]
    lineage: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct StoredGap {
    #[prost(message, optional, tag = "1")]
    settled: Option<StoredChain>,
    #[prost(bytes = "vec", repeated, tag = "2")]
    passed: Vec<Vec<u8>>,
    #[prost(uint64, tag = "3")]
    since_ms: u64,
}

/// An identity key and when it was left, or first seen.
#[derive(Clone, PartialEq, Eq, Message)]
struct StoredKey {
    #[prost(bytes = "vec", tag = "1")]
    aik: Vec<u8>,
    #[prost(uint64, tag = "2")]
    at_ms: u64,
}

impl ManifestPin {
    /// For the store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let others = &self.others;
        StoredPin {
            version: VERSION,
            chain: Some(self.chain.store()),
            gap: self.gap.as_ref().map(Gap::store),
            lost: self.lost.iter().map(|hash| hash.to_vec()).collect(),
            waiting: others
                .waiting
                .iter()
                .map(|waiting| StoredKey { aik: waiting.aik.to_tagged(), at_ms: waiting.since.as_millis() })
                .collect(),
            changed_to: others.unacknowledged.iter().map(|aik| aik.to_tagged()).collect(),
            acknowledged: others.acknowledged.map_or_else(Vec::new, |aik| aik.to_tagged()),
            suite_rank: self.suite_rank,
            loser: self.loser.as_ref().map(Manifest::to_signed),
            complete: 1,
        }
        .encode_to_vec()
    }

    /// From the store. Manifests are verified again.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CorruptPin> {
        let stored = StoredPin::decode(bytes).map_err(|_| CorruptPin)?;
        if stored.version != VERSION || stored.complete != 1 || stored.encode_to_vec() != bytes {
            return Err(CorruptPin);
        }
        let others = OtherKeys {
            waiting: stored.waiting.iter().map(Waiting::load).collect::<Result<_, _>>()?,
            unacknowledged: stored.changed_to.iter().map(|aik| key(aik)).collect::<Result<_, _>>()?,
            acknowledged: optional_key(&stored.acknowledged)?,
        };
        let pin = Self {
            chain: Chain::load(required(&stored.chain)?)?,
            gap: stored.gap.as_ref().map(Gap::load).transpose()?,
            lost: hashes(&stored.lost)?,
            loser: stored.loser.as_ref().map(verified).transpose()?,
            others,
            suite_rank: stored.suite_rank,
        };
        pin.is_consistent().then_some(pin).ok_or(CorruptPin)
    }

    /// What must hold between the parts.
    fn is_consistent(&self) -> bool {
        let current = &self.chain.current;
        let gap = self.gap.as_ref().is_none_or(|gap| {
            let settled = gap.settled();
            let older = settled.account() == current.account() && settled.seq() < current.seq();
            older && gap.jumps() <= OPEN_GAPS && gap.settled_chain().is_consistent()
        });
        let loser = self.loser.as_ref().is_none_or(|loser| {
            let lost = self.gap.is_none() && self.lost.contains(loser.hash());
            lost && loser.account() == current.account() && loser.seq() >= current.seq()
        });
        gap && loser
            && self.chain.is_consistent()
            && self.others.is_consistent()
            && self.lost.len() <= LOST_MANIFESTS
            && !self.lost.contains(current.hash())
    }
}

impl Chain {
    fn store(&self) -> StoredChain {
        StoredChain {
            current: Some(self.current.to_signed()),
            predecessors: self
                .predecessors
                .iter()
                .map(|key| StoredKey { aik: key.aik.to_tagged(), at_ms: key.left_at.as_millis() })
                .collect(),
            lineage: self.lineage.digests().iter().map(|hash| hash.to_vec()).collect(),
        }
    }

    fn load(stored: &StoredChain) -> Result<Self, CorruptPin> {
        Ok(Self {
            current: verified(required(&stored.current)?)?,
            predecessors: stored.predecessors.iter().map(Predecessor::load).collect::<Result<_, _>>()?,
            lineage: FormerKeys::from_digests(hashes(&stored.lineage)?),
        })
    }
}

impl Gap {
    fn store(&self) -> StoredGap {
        StoredGap {
            settled: Some(self.settled_chain().store()),
            passed: self.passed().iter().map(|hash| hash.to_vec()).collect(),
            since_ms: self.since().as_millis(),
        }
    }

    fn load(stored: &StoredGap) -> Result<Self, CorruptPin> {
        let settled = Chain::load(required(&stored.settled)?)?;
        let since = Timestamp::from_millis(stored.since_ms);
        Ok(Self::restored(settled, hashes(&stored.passed)?, since))
    }
}

impl Predecessor {
    fn load(stored: &StoredKey) -> Result<Self, CorruptPin> {
        Ok(Self { aik: key(&stored.aik)?, left_at: Timestamp::from_millis(stored.at_ms) })
    }
}

impl Waiting {
    fn load(stored: &StoredKey) -> Result<Self, CorruptPin> {
        Ok(Self { aik: key(&stored.aik)?, since: Timestamp::from_millis(stored.at_ms) })
    }
}

fn hashes(stored: &[Vec<u8>]) -> Result<Vec<[u8; 32]>, CorruptPin> {
    Ok(stored.iter().map(|hash| array(hash)).collect::<Result<_, _>>()?)
}

fn verified(signed: &v1::Signed) -> Result<Manifest, CorruptPin> {
    Ok(UnverifiedManifest::parse(signed)?.verify()?)
}

impl From<WireError> for CorruptPin {
    fn from(_: WireError) -> Self {
        Self
    }
}

impl From<ManifestError> for CorruptPin {
    fn from(_: ManifestError) -> Self {
        Self
    }
}

const VERSION: u32 = 1;
