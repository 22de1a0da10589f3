//! Counts and rates: `docs/protocol.md` B12 and B16. A clock that jumps back by less than their length restarts none of
//! them; what lies further ahead was counted by a wrong clock and counts no more, or one jump forward would block an
//! honest device until the clock gets there.

use prost::Message as _;

use crate::at_rest::{AtRest, AtRestError, COMPLETE, FORMAT, unchanged};
use crate::limits::{NEW_SESSIONS_PER_HOUR, NEW_SESSIONS_PER_SECOND};
use crate::time::{DAY_MS, HOUR_MS, Timestamp};
use crate::wire::v1;

/// The rate is used up until this time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("too many; wait")]
pub struct RateExceeded {
    /// When it may be tried again.
    pub until: Timestamp,
}

/// How often something happened on one day (UTC).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DailyCount {
    day: u64,
    count: u32,
}

impl DailyCount {
    /// Counts one more, if fewer than `limit` were counted on this day; else says when the day is over.
    pub fn count(&self, limit: u32, now: Timestamp) -> Result<Self, RateExceeded> {
        let today = now.as_millis().checked_div(DAY_MS).unwrap_or(0);
        // A day that begins tomorrow is today's as long as the clock may be a little off.
        let today = if self.day.checked_sub(today) == Some(1) { self.day } else { today };
        let count = if today == self.day { self.count } else { 0 };
        match count < limit {
            true => Ok(Self { day: today, count: count.saturating_add(1) }),
            false => {
                Err(RateExceeded { until: Timestamp::from_millis(today.saturating_add(1).saturating_mul(DAY_MS)) })
            }
        }
    }

    /// For the store.
    pub fn to_bytes(&self) -> Vec<u8> {
        v1::DailyCountState { format: FORMAT, day: self.day, count: self.count, complete: COMPLETE }.encode_to_vec()
    }

    /// From the store, whole or not at all; `limit` is the one that it is counted up to.
    pub fn from_bytes(bytes: &[u8], limit: u32) -> Result<Self, AtRestError> {
        let stored = v1::DailyCountState::read(bytes)?;
        let loaded = Self { day: stored.day, count: stored.count };
        // A day without a count is none, and the last day is that of the end of time.
        let possible = match stored.count {
            0 => stored.day == 0,
            count => count <= limit && stored.day.checked_mul(DAY_MS).is_some(),
        };
        unchanged(Some(loaded).filter(|_| possible), bytes, Self::to_bytes)
    }
}

/// New sids that a device takes in one second: at most 10; the rest waits in the mailbox (`NotNow`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SecondRate {
    began: Timestamp,
    count: u32,
}

impl SecondRate {
    /// Counts one more.
    pub fn count(&self, now: Timestamp) -> Result<Self, RateExceeded> {
        match (now.apart(self.began) < SECOND_MS, self.count < NEW_SESSIONS_PER_SECOND) {
            (false, _) => Ok(Self { began: now, count: 1 }),
            (true, true) => Ok(Self { count: self.count.saturating_add(1), ..*self }),
            (true, false) => Err(RateExceeded { until: self.began.plus(SECOND_MS) }),
        }
    }

    /// For the store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let began_ms = self.began.as_millis();
        v1::SecondRateState { format: FORMAT, began_ms, count: self.count, complete: COMPLETE }.encode_to_vec()
    }

    /// From the store, whole or not at all.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AtRestError> {
        let stored = v1::SecondRateState::read(bytes)?;
        let loaded = Self { began: Timestamp::from_millis(stored.began_ms), count: stored.count };
        // A second without a count is none.
        let possible = match stored.count {
            0 => stored.began_ms == 0,
            count => count <= NEW_SESSIONS_PER_SECOND,
        };
        unchanged(Some(loaded).filter(|_| possible), bytes, Self::to_bytes)
    }
}

/// New sids that one account made in the last hour: at most 30 (`LimitExceeded`).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HourlyRate {
    recent: Vec<Timestamp>,
}

impl HourlyRate {
    /// Counts one more.
    pub fn count(&self, now: Timestamp) -> Result<Self, RateExceeded> {
        let within = self.recent.iter().copied().filter(|at| now.apart(*at) < HOUR_MS);
        let mut recent: Vec<_> = within.collect();
        let full = u32::try_from(recent.len()).is_ok_and(|count| count >= NEW_SESSIONS_PER_HOUR);
        if full {
            let oldest = recent.iter().min().copied().unwrap_or(now);
            return Err(RateExceeded { until: oldest.plus(HOUR_MS) });
        }
        recent.push(now);
        Ok(Self { recent })
    }

    /// For the store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let at_ms = self.recent.iter().map(|at| at.as_millis()).collect();
        v1::HourlyRateState { format: FORMAT, at_ms, complete: COMPLETE }.encode_to_vec()
    }

    /// From the store, whole or not at all.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AtRestError> {
        let stored = v1::HourlyRateState::read(bytes)?;
        let loaded = Self { recent: stored.at_ms.iter().copied().map(Timestamp::from_millis).collect() };
        unchanged(Some(loaded).filter(Self::is_possible), bytes, Self::to_bytes)
    }

    /// When the last one was counted, those that were not within an hour of it went; a clock that jumps back leaves them
    /// in another order than that of time.
    fn is_possible(&self) -> bool {
        let bounded = u32::try_from(self.recent.len()).is_ok_and(|count| count <= NEW_SESSIONS_PER_HOUR);
        let within = |last: &Timestamp| self.recent.iter().all(|at| at.apart(*last) < HOUR_MS);
        bounded && self.recent.last().is_none_or(within)
    }
}

impl AtRest for v1::DailyCountState {
    const LIMIT: usize = 64;

    fn complete(&self) -> u32 {
        self.complete
    }
}

impl AtRest for v1::SecondRateState {
    const LIMIT: usize = 64;

    fn complete(&self) -> u32 {
        self.complete
    }
}

impl AtRest for v1::HourlyRateState {
    const LIMIT: usize = 512;

    fn complete(&self) -> u32 {
        self.complete
    }
}

const SECOND_MS: u64 = 1_000;
