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

/// A delay of 0 to `within_ms` milliseconds: what goes out at a random time does not answer anything.
pub fn delay(within_ms: u64, rng: &mut impl TryCryptoRng) -> Result<u64, RandomError> {
    let draw = u64::from_be_bytes(*draw::<8>(rng)?);
    // The high half of the product: its bias is `within_ms / 2^64`, nothing for a day.
    let scaled = (u128::from(draw)).saturating_mul(u128::from(within_ms).saturating_add(1)) >> 64;
    Ok(u64::try_from(scaled).unwrap_or(within_ms))
}
