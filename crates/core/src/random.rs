//! Randomness as an argument. Bytes are drawn before anything is computed from them, so that a source that fails
//! leaves nothing half made.

use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

/// The random source failed; nothing was made and nothing changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the random source failed")]
pub struct RandomError;

/// `N` random bytes.
pub fn draw<const N: usize>(rng: &mut impl TryCryptoRng) -> Result<Zeroizing<[u8; N]>, RandomError> {
    let mut bytes = Zeroizing::new([0; N]);
    rng.try_fill_bytes(bytes.as_mut_slice()).map_err(|_| RandomError)?;
    Ok(bytes)
}
