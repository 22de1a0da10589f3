//! A root under a passphrase: Argon2id (RFC 9106).
//!
//! ```text
//! wrapped root = u32 memory KiB || u32 passes || u32 lanes || salt[16] || sealed key[76]
//! ```

use argon2::{Algorithm, Argon2, Params, Version};
use carevow_core::ids::StoreId;
use carevow_core::random::draw;
use carevow_core::sealed_store::{Passphrase, RootKey, SealedKey};
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use crate::error::{Damage, StoreError};

/// RFC 9106 section 4, the second choice (64 MiB, 3 passes), with one lane: phones give no more memory to an extension.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;
/// What a file may ask for: it is not trusted before it is open.
const MOST_MEMORY_KIB: u32 = 256 * 1024;
const MOST_PASSES: u32 = 16;
const MOST_LANES: u32 = 4;

struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

pub(crate) fn wrap(
    passphrase: &Passphrase,
    store: &StoreId,
    root: &RootKey,
    rng: &mut impl TryCryptoRng,
) -> Result<Vec<u8>, StoreError> {
    let salt = draw::<16>(rng)?;
    let cost = Cost { memory_kib: MEMORY_KIB, passes: PASSES, lanes: LANES };
    let sealed = derive(passphrase, &salt, &cost)?.seal_root(store, root, rng)?;
    let numbers = [cost.memory_kib, cost.passes, cost.lanes].map(u32::to_be_bytes).concat();
    Ok([numbers.as_slice(), salt.as_slice(), &sealed].concat())
}

pub(crate) fn unwrap(passphrase: &Passphrase, store: &StoreId, wrapped: &[u8]) -> Result<RootKey, StoreError> {
    let (cost, salt, sealed) = parse(wrapped).ok_or(StoreError::Corrupted(Damage::Keys))?;
    derive(passphrase, salt, &cost)?.open_root(store, sealed).map_err(|_| StoreError::WrongKey)
}

fn parse(wrapped: &[u8]) -> Option<(Cost, &[u8; 16], &SealedKey)> {
    let (memory_kib, rest) = wrapped.split_first_chunk::<4>()?;
    let (passes, rest) = rest.split_first_chunk::<4>()?;
    let (lanes, rest) = rest.split_first_chunk::<4>()?;
    let (salt, sealed) = rest.split_first_chunk::<16>()?;
    let [memory_kib, passes, lanes] = [memory_kib, passes, lanes].map(|bytes| u32::from_be_bytes(*bytes));
    let affordable = memory_kib <= MOST_MEMORY_KIB && passes <= MOST_PASSES && lanes <= MOST_LANES;
    affordable.then_some((Cost { memory_kib, passes, lanes }, salt, sealed.try_into().ok()?))
}

fn derive(passphrase: &Passphrase, salt: &[u8; 16], cost: &Cost) -> Result<RootKey, StoreError> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32));
    let params = params.map_err(|_| StoreError::Corrupted(Damage::Keys))?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, key.as_mut_slice())
        .map_err(|_| StoreError::InvalidInput)?;
    Ok(RootKey::from_bytes(&key))
}
