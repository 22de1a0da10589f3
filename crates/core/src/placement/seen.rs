//! The seen-set: `docs/protocol.md` B4.6. Only INITs that used neither an OPK nor a 0x23 need it; every other replay
//! finds its one-time key gone.

use std::collections::BTreeMap;

use prost::Message as _;

use crate::at_rest::{AtRest, AtRestError, COMPLETE, FORMAT, ascending, unchanged};
use crate::ids::SessionId;
use crate::limits::SEEN_SET;
use crate::prekey::{KeyId, Rotation};
use crate::wire::v1;

/// The keys that an INIT without one-time keys used. When either is deleted, its replay finds no key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ServedBy {
    /// The SPK.
    pub signed: KeyId,
    /// The 0x24.
    pub last_resort: KeyId,
}

/// Why an INIT is refused (`DecryptFailed`); the set is as it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SeenError {
    /// It was accepted before.
    #[error("this INIT was accepted before")]
    Replay,
    /// 10 000 entries: SPK and 0x24 must be replaced, and the old private keys deleted as soon as the directory
    /// confirms.
    #[error("the seen-set is full")]
    Full,
}

/// The sids of accepted INITs that used no one-time key.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SeenSet {
    entries: BTreeMap<SessionId, ServedBy>,
}

crate::linking::opaque!(SeenSet);

impl SeenSet {
    /// Whether this INIT may be tried: B4.5 step 4, before any key is used.
    pub fn check(&self, sid: &SessionId) -> Result<(), SeenError> {
        match self.entries.contains_key(sid) {
            true => Err(SeenError::Replay),
            false => Ok(()),
        }
    }

    /// Compare and insert, within the commit that stores the session (B4.5 step 7); on an error it is rolled back.
    pub fn insert(&mut self, sid: SessionId, served_by: ServedBy) -> Result<(), SeenError> {
        self.check(&sid)?;
        if self.entries.len() >= SEEN_SET {
            return Err(SeenError::Full);
        }
        self.entries.insert(sid, served_by);
        Ok(())
    }

    /// Drops the entries that a deleted SPK served.
    pub fn forget_signed(&mut self, deleted: KeyId) {
        self.entries.retain(|_, by| by.signed != deleted);
    }

    /// Drops the entries that a deleted 0x24 served.
    pub fn forget_last_resort(&mut self, deleted: KeyId) {
        self.entries.retain(|_, by| by.last_resort != deleted);
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Why the keys that are replaced now are replaced: at the cap, rotation is forced.
    pub fn rotation(&self) -> Rotation {
        match self.entries.len() >= SEEN_SET {
            true => Rotation::SeenSetFull,
            false => Rotation::Ordinary,
        }
    }

    /// For the store, at most 480 KB. It changes when an INIT without one-time keys is accepted, and when the private
    /// half of an SPK or a 0x24 is deleted.
    pub fn to_bytes(&self) -> Vec<u8> {
        let init = |(sid, by): (&SessionId, &ServedBy)| v1::SeenInit {
            sid: sid.as_bytes().to_vec(),
            spk_id: by.signed.0,
            kem_id: by.last_resort.0,
        };
        let inits = self.entries.iter().map(init).collect();
        v1::SeenState { format: FORMAT, inits, complete: COMPLETE }.encode_to_vec()
    }

    /// From the store, whole or not at all.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AtRestError> {
        let stored = v1::SeenState::read(bytes)?;
        let sids = stored.inits.iter().map(|init| SessionId::from_slice(&init.sid)).collect::<Option<Vec<_>>>();
        let sids = sids.filter(|sids| sids.len() <= SEEN_SET && ascending(sids));
        let served = stored.inits.iter().map(ServedBy::from_wire);
        let loaded = sids.map(|sids| Self { entries: sids.into_iter().zip(served).collect() });
        unchanged(loaded, bytes, Self::to_bytes)
    }
}

impl ServedBy {
    const fn from_wire(stored: &v1::SeenInit) -> Self {
        Self { signed: KeyId(stored.spk_id), last_resort: KeyId(stored.kem_id) }
    }
}

impl AtRest for v1::SeenState {
    const LIMIT: usize = SEEN_SET * 64;

    fn complete(&self) -> u32 {
        self.complete
    }
}
