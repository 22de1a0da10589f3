//! Counts and rates: `docs/protocol.md` B12 and B16. A clock that jumps back by less than their length restarts none of
//! them; what lies further ahead was counted by a wrong clock and counts no more, or one jump forward would block an
//! honest device until the clock gets there.

use crate::limits::{NEW_SESSIONS_PER_HOUR, NEW_SESSIONS_PER_SECOND};
use crate::time::{DAY_MS, HOUR_MS, Timestamp};

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
}

const SECOND_MS: u64 = 1_000;
