//! The seen-set: `docs/protocol.md` B4.6. Only INITs that used neither an OPK nor a 0x23 need it; every other replay
//! finds its one-time key gone.

use std::collections::BTreeMap;

use crate::ids::SessionId;
use crate::limits::SEEN_SET;
use crate::prekey::{KeyId, Rotation};

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
#[derive(Clone, Default)]
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
}
