//! What tests share: seeded randomness, times, ids and keys that need no ceremony.

mod at_rest;
mod party;

pub(crate) use at_rest::Stored;
pub(crate) use party::{Certificates, Party, Service};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{SeedableRng as _, TryCryptoRng, TryRng};
use zeroize::Zeroizing;

use crate::ids::{AccountId, DeviceAddress, DeviceId, RegNonce};
use crate::primitives::{Ed25519Secret, X25519Secret};
use crate::time::Timestamp;

/// A seeded random source.
pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// `seconds` after the beginning of the tests, 2026-01-01T00:00:00Z.
pub(crate) const fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000 + seconds * 1_000)
}

/// The account all of whose bytes are `byte`.
pub(crate) const fn account(byte: u8) -> AccountId {
    AccountId::from_bytes([byte; 16])
}

/// A device of `account(byte)`.
pub(crate) fn address(byte: u8, device: u32, reg: u32) -> DeviceAddress {
    DeviceAddress { account: account(byte), device: DeviceId::new(device).unwrap(), reg: RegNonce::new(reg).unwrap() }
}

/// The signing key with the seed `byte`.
pub(crate) fn ed25519(byte: u8) -> Ed25519Secret {
    Ed25519Secret::from_seed(&Zeroizing::new([byte; 32]))
}

/// The X25519 key with the seed `byte`.
pub(crate) fn x25519(byte: u8) -> X25519Secret {
    X25519Secret::from_seed(&Zeroizing::new([byte; 32]))
}

/// A random source that always fails.
pub(crate) struct Broken;

/// What [`Broken`] answers.
#[derive(Debug)]
pub(crate) struct Failure;

impl core::fmt::Display for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("broken")
    }
}

impl std::error::Error for Failure {}

impl TryRng for Broken {
    type Error = Failure;

    fn try_next_u32(&mut self) -> Result<u32, Failure> {
        Err(Failure)
    }

    fn try_next_u64(&mut self) -> Result<u64, Failure> {
        Err(Failure)
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Failure> {
        Err(Failure)
    }
}

impl TryCryptoRng for Broken {}

/// The key of a practice's directory, as somebody trusts it who has its fingerprint otherwise.
pub(crate) fn trusting(directory: &crate::organization::Directory) -> crate::organization::TrustedOrgKey {
    let fingerprint = crate::organization::org_key_fingerprint(directory.org_key());
    crate::organization::TrustedOrgKey::confirmed(directory.org(), directory.org_key(), &fingerprint).unwrap()
}
