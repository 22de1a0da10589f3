//! A source of randomness that fails.

use rand_core::{TryCryptoRng, TryRng};

/// Gives what another source gives, some times, and then nothing any more.
pub struct FailingRng<'a, R> {
    left: u64,
    source: &'a mut R,
}

/// It has nothing any more.
#[derive(Debug)]
pub struct Exhausted;

impl core::fmt::Display for Exhausted {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("no randomness any more")
    }
}

impl core::error::Error for Exhausted {}

impl<'a, R: TryRng> FailingRng<'a, R> {
    /// It gives `left` times.
    pub const fn after(left: u64, source: &'a mut R) -> Self {
        Self { left, source }
    }

    fn count(&mut self) -> Result<(), Exhausted> {
        self.left = self.left.checked_sub(1).ok_or(Exhausted)?;
        Ok(())
    }
}

impl<R: TryRng> TryRng for FailingRng<'_, R> {
    type Error = Exhausted;

    fn try_next_u32(&mut self) -> Result<u32, Exhausted> {
        self.count()?;
        self.source.try_next_u32().map_err(|_| Exhausted)
    }

    fn try_next_u64(&mut self) -> Result<u64, Exhausted> {
        self.count()?;
        self.source.try_next_u64().map_err(|_| Exhausted)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Exhausted> {
        self.count()?;
        self.source.try_fill_bytes(bytes).map_err(|_| Exhausted)
    }
}

impl<R: TryCryptoRng> TryCryptoRng for FailingRng<'_, R> {}
