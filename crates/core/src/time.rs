//! Time as an argument: Unix milliseconds (`docs/protocol.md` B1).

/// One minute.
pub const MINUTE_MS: u64 = 60_000;
/// One hour.
pub const HOUR_MS: u64 = 3_600_000;
/// One day.
pub const DAY_MS: u64 = 86_400_000;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// `ms` milliseconds after the Unix epoch.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms)
    }

    /// Milliseconds after the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// This time and `ms` milliseconds; the end of time where it does not fit.
    pub const fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// This time less `ms` milliseconds; the epoch where it does not fit.
    pub const fn minus(self, ms: u64) -> Self {
        Self(self.0.saturating_sub(ms))
    }

    /// Milliseconds since `earlier`; 0 if that lies ahead (a clock that jumped back restarts no timer).
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Milliseconds between this time and `other`, whichever is the earlier.
    pub const fn apart(self, other: Self) -> u64 {
        self.0.abs_diff(other.0)
    }
}

/// From a time up to, and without, another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Validity {
    /// The first millisecond.
    pub from: Timestamp,
    /// The first millisecond that is too late.
    pub until: Timestamp,
}

impl Validity {
    /// From `from` for `ms` milliseconds.
    pub const fn starting(from: Timestamp, ms: u64) -> Self {
        Self { from, until: from.plus(ms) }
    }

    /// `from <= at < until`.
    pub fn contains(self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }

    /// Whether it is longer than nothing and at most `ms` milliseconds.
    pub fn lasts_at_most(self, ms: u64) -> bool {
        self.from < self.until && self.until.since(self.from) <= ms
    }
}
