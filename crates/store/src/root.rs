//! Wrapping a root: by the platform, or under a passphrase.

use carevow_core::ids::StoreId;
use carevow_core::sealed_store::RootKey;
use rand_core::TryCryptoRng;

use crate::access::Access;
use crate::error::StoreError;
use crate::header::{Header, Kind};
use crate::passphrase;

/// Wraps a root: with the platform's newest key, or under the passphrase.
pub(crate) fn wrap(
    access: Access<'_>,
    store: &StoreId,
    root: &RootKey,
    rng: &mut impl TryCryptoRng,
) -> Result<(Kind, u32, Vec<u8>), StoreError> {
    match access {
        Access::Platform(wrapper) => {
            let generation = wrapper.new_generation()?;
            Ok((Kind::Platform, generation, wrapper.wrap(generation, root.to_wrap())?))
        }
        Access::Passphrase(text) => Ok((Kind::Passphrase, 0, passphrase::wrap(text, store, root, rng)?)),
    }
}

/// Unwraps the root of a header.
pub(crate) fn unwrap(access: Access<'_>, header: &Header) -> Result<RootKey, StoreError> {
    match (access, header.kind) {
        (Access::Platform(wrapper), Kind::Platform) => {
            let root = wrapper.unwrap(header.head.generation, &header.wrapped_root)?;
            Ok(RootKey::from_bytes(&root))
        }
        (Access::Passphrase(text), Kind::Passphrase) => passphrase::unwrap(text, &header.store, &header.wrapped_root),
        _ => Err(StoreError::WrongKey),
    }
}
