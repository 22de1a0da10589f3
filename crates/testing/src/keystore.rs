//! A keystore that several processes share without any file: its key is the same in each.

use std::path::Path;

use carevow_store::{Generation, KeyWrapper, WrapperError};
use zeroize::Zeroizing;

/// Wraps a root by exclusive or with a constant: all that the tests need is that the store asks for it.
#[derive(Debug)]
pub struct SharedKeystore;

/// The key of every generation.
const KEY: [u8; 32] = *b"the key of the tests' keystore..";

impl SharedKeystore {
    /// The root that was wrapped as `wrapped`.
    fn root(wrapped: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
        let mut root = Zeroizing::new(<[u8; 32]>::try_from(wrapped).ok()?);
        root.iter_mut().zip(KEY).for_each(|(byte, key)| *byte ^= key);
        Some(root)
    }
}

impl KeyWrapper for SharedKeystore {
    fn wrap(&self, _generation: Generation, root: &[u8; 32]) -> Result<Vec<u8>, WrapperError> {
        Self::root(root).map(|wrapped| wrapped.to_vec()).ok_or(WrapperError::Failed)
    }

    fn unwrap(&self, _generation: Generation, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, WrapperError> {
        Self::root(wrapped).ok_or(WrapperError::WrongKey)
    }

    fn new_generation(&self) -> Result<Generation, WrapperError> {
        Ok(0)
    }

    fn destroy_generation(&self, _generation: Generation) -> Result<(), WrapperError> {
        Err(WrapperError::Indestructible)
    }
}

/// The root of the store in a folder, as its header has it wrapped.
pub fn root_of(folder: &Path) -> Zeroizing<[u8; 32]> {
    let database = rusqlite::Connection::open(folder.join("store.db")).unwrap();
    let wrapped: Vec<u8> = database.query_row("SELECT wrapped_root FROM header", [], |row| row.get(0)).unwrap();
    SharedKeystore::root(&wrapped).unwrap()
}
