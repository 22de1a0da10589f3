//! A pin at rest, format 1: `docs/protocol.md` B17. Directories are verified again.

use std::collections::BTreeSet;

use prost::Message as _;

use super::{DirectoryPin, Gap};
use crate::at_rest::{AtRest, AtRestError, COMPLETE, FORMAT, unchanged};
use crate::ids::AccountId;
use crate::limits::{DIRECTORY_PIN_BYTES, FORMER_ORG_KEYS, LOST_MANIFESTS, OPEN_GAPS, ORG_MEMBERS};
use crate::organization::{Directory, UnverifiedDirectory};
use crate::primitives::PublicKey as _;
use crate::time::Timestamp;
use crate::wire::{key, v1};

impl DirectoryPin {
    /// For the store, which compares and swaps the whole.
    pub fn to_bytes(&self) -> Vec<u8> {
        let gap = |gap: &Gap| v1::DirectoryGap {
            settled: Some(gap.settled().to_signed()),
            passed: gap.passed().iter().map(|hash| hash.to_vec()).collect(),
            since_ms: gap.since().as_millis(),
        };
        v1::DirectoryPinState {
            format: FORMAT,
            current: Some(self.current.to_signed()),
            gap: self.gap.as_ref().map(gap),
            lost: self.lost.iter().map(|hash| hash.to_vec()).collect(),
            former_keys: self.former_keys.iter().map(|key| key.to_tagged()).collect(),
            departed: self.departed.iter().map(|account| account.as_bytes().to_vec()).collect(),
            loser: self.loser.as_ref().map(Directory::to_signed),
            complete: COMPLETE,
        }
        .encode_to_vec()
    }

    /// Loads a pin, whole or not at all.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AtRestError> {
        let stored = v1::DirectoryPinState::read(bytes)?;
        unchanged(load(&stored).filter(is_consistent), bytes, Self::to_bytes)
    }
}

fn load(stored: &v1::DirectoryPinState) -> Option<DirectoryPin> {
    let gap = match &stored.gap {
        None => None,
        Some(gap) => Some(Gap::restored(
            verified(gap.settled.as_ref())?,
            hashes(&gap.passed)?,
            Timestamp::from_millis(gap.since_ms),
        )),
    };
    let loser = match &stored.loser {
        None => None,
        Some(loser) => Some(verified(Some(loser))?),
    };
    Some(DirectoryPin {
        current: verified(stored.current.as_ref())?,
        gap,
        lost: hashes(&stored.lost)?,
        loser,
        former_keys: stored.former_keys.iter().map(|tagged| key(tagged).ok()).collect::<Option<_>>()?,
        departed: stored.departed.iter().map(|id| AccountId::from_slice(id)).collect::<Option<_>>()?,
    })
}

fn verified(signed: Option<&v1::Signed>) -> Option<Directory> {
    UnverifiedDirectory::parse(signed?).ok()?.verify().ok()
}

fn hashes(stored: &[Vec<u8>]) -> Option<Vec<[u8; 32]>> {
    stored.iter().map(|hash| hash.as_slice().try_into().ok()).collect()
}

/// What must hold between the parts.
fn is_consistent(pin: &DirectoryPin) -> bool {
    let current = &pin.current;
    let gap = pin.gap.as_ref().is_none_or(|gap| {
        let settled = gap.settled();
        gap.passed().len() <= OPEN_GAPS && settled.org() == current.org() && settled.seq() < current.seq()
    });
    let departed: BTreeSet<_> = pin.departed.iter().collect();
    let former: BTreeSet<_> = pin.former_keys.iter().map(|key| key.as_bytes()).collect();
    let loser = pin.loser.as_ref().is_none_or(|loser| {
        let lost = pin.gap.is_none() && pin.lost.contains(loser.hash());
        lost && loser.org() == current.org() && loser.seq() >= current.seq()
    });
    gap && loser
        && pin.lost.len() <= LOST_MANIFESTS
        && !pin.lost.contains(current.hash())
        && pin.departed.len() <= ORG_MEMBERS
        && departed.len() == pin.departed.len()
        && pin.departed.iter().all(|account| current.member(*account).is_none())
        && pin.former_keys.len() <= FORMER_ORG_KEYS
        && former.len() == pin.former_keys.len()
        && !former.contains(current.org_key().as_bytes())
}

impl AtRest for v1::DirectoryPinState {
    const LIMIT: usize = DIRECTORY_PIN_BYTES;

    fn complete(&self) -> u32 {
        self.complete
    }
}
