use std::sync::Mutex;

use carevow_core::{ConversationId, Timestamp};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::{Access, Family, Generation, KeyWrapper, Now, Policy, Store, StoreError, Table, Unlocked, WrapperError};

pub(super) const ITEMS: Table = Table::new(16).unwrap();
pub(super) const OWNERS: Table = Table::new(17).unwrap();
pub(super) const FAMILY: Family<'static> = Family { rows: ITEMS, of: OWNERS, key: b"owner" };
pub(super) const TALK: ConversationId = ConversationId::from_bytes([0x11; 16]);
pub(super) const OTHER_TALK: ConversationId = ConversationId::from_bytes([0x22; 16]);
pub(super) const POLICY: Policy = Policy { idle_ms: 60_000 };

pub(super) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub(super) const fn at(ms: u64) -> Now {
    Now { wall: Timestamp::from_millis(1_000_000 + ms), boot_ms: ms }
}

/// A keystore in memory: wraps by exclusive or with a random key of each generation.
#[derive(Default)]
pub(super) struct Keystore {
    pub(super) keys: Mutex<Vec<Option<[u8; 32]>>>,
    pub(super) indestructible: bool,
}

impl KeyWrapper for Keystore {
    fn wrap(&self, generation: Generation, root: &[u8; 32]) -> Result<Vec<u8>, WrapperError> {
        let key = self.keys.lock().unwrap()[generation as usize].ok_or(WrapperError::WrongKey)?;
        Ok(root.iter().zip(key).map(|(a, b)| a ^ b).collect())
    }

    fn unwrap(&self, generation: Generation, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, WrapperError> {
        let keys = self.keys.lock().unwrap();
        let key = keys.get(generation as usize).copied().flatten().ok_or(WrapperError::WrongKey)?;
        let root: Vec<_> = wrapped.iter().zip(key).map(|(a, b)| a ^ b).collect();
        Ok(Zeroizing::new(root.try_into().map_err(|_| WrapperError::WrongKey)?))
    }

    fn new_generation(&self) -> Result<Generation, WrapperError> {
        let mut keys = self.keys.lock().unwrap();
        let generation = keys.len();
        keys.push(Some([generation as u8 + 1; 32]));
        Ok(generation as u32)
    }

    fn destroy_generation(&self, generation: Generation) -> Result<(), WrapperError> {
        if self.indestructible {
            return Err(WrapperError::Indestructible);
        }
        self.keys.lock().unwrap()[generation as usize] = None;
        Ok(())
    }
}

pub(super) struct World {
    pub(super) folder: TempDir,
    pub(super) keystore: Keystore,
}

impl World {
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), keystore: Keystore::default() }
    }

    pub(super) fn access(&self) -> Access<'_> {
        Access::Platform(&self.keystore)
    }

    pub(super) fn create(&self) -> Store {
        let store = Store::create(self.folder.path(), self.access(), POLICY, &mut rng(1)).unwrap();
        assert_eq!(store.unlock(self.access(), at(0)).unwrap(), Unlocked::AsLeft);
        store
    }

    pub(super) fn open(&self) -> Result<Store, StoreError> {
        let store = Store::open(self.folder.path(), POLICY, None)?;
        let _ = store.unlock(self.access(), at(0))?;
        Ok(store)
    }
}
