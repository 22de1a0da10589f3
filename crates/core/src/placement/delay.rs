//! Random delays of automatic traffic: `docs/protocol.md` B7.4. Drawn apart from the decision, so that this is pure.

use rand_core::TryCryptoRng;

use crate::random::{RandomError, draw};
use crate::time::{HOUR_MS, MINUTE_MS, Timestamp};

/// A delay that was drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Delay(u64);

impl Delay {
    /// `since` and the delay.
    pub const fn after(self, since: Timestamp) -> Timestamp {
        since.plus(self.0)
    }
}

/// From when to when a delay lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    from_ms: u64,
    width_ms: u64,
}

impl Window {
    /// Delivery receipts, and acknowledgements between devices of one account: 1-30 s.
    pub const RECEIPT: Self = Self::between(1_000, 30_000);
    /// A receipt by another device than the lowest: 15 min plus 0-15 min.
    pub const RECEIPT_FALLBACK: Self = Self::between(15 * MINUTE_MS, 30 * MINUTE_MS);
    /// Session acknowledgements: 0-6 h.
    pub const ACKNOWLEDGEMENT: Self = Self::between(0, 6 * HOUR_MS);
    /// RetryRequests, answers to a low INIT, bundle fetches at reply time: 5-60 s.
    pub const REPLY: Self = Self::between(5_000, 60_000);

    const fn between(from_ms: u64, to_ms: u64) -> Self {
        Self { from_ms, width_ms: to_ms.saturating_sub(from_ms) }
    }

    /// A uniform delay in this window, both ends included. (The remainder of 64 bits is uniform to 2^-39.)
    pub fn draw(self, rng: &mut impl TryCryptoRng) -> Result<Delay, RandomError> {
        let random = u64::from_be_bytes(*draw(rng)?);
        let within = random.checked_rem(self.width_ms.saturating_add(1)).unwrap_or(0);
        Ok(Delay(self.from_ms.saturating_add(within)))
    }
}
