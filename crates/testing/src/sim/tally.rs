//! What happened in stories: a run in which something never happened shows nothing of it.

/// How much of everything happened.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Messages that somebody sent.
    pub sent: u64,
    /// Answers of the service that got lost after it had done what was asked.
    pub answers_lost: u64,
    /// Requests that got lost before.
    pub requests_lost: u64,
    /// Envelopes that came a second time.
    pub doubled: u64,
    /// Envelopes that came in another order than they left.
    pub reordered: u64,
    /// Envelopes that were changed on the way.
    pub forged: u64,
    /// Processes that died.
    pub crashes: u64,
    /// Calls in which the source of randomness failed.
    pub random_failures: u64,
    /// Envelopes that arrived at a locked store.
    pub locked: u64,
    /// Clocks that jumped back.
    pub jumps_back: u64,
}

impl Tally {
    /// Of both.
    pub const fn and(&self, other: &Self) -> Self {
        Self {
            sent: self.sent + other.sent,
            answers_lost: self.answers_lost + other.answers_lost,
            requests_lost: self.requests_lost + other.requests_lost,
            doubled: self.doubled + other.doubled,
            reordered: self.reordered + other.reordered,
            forged: self.forged + other.forged,
            crashes: self.crashes + other.crashes,
            random_failures: self.random_failures + other.random_failures,
            locked: self.locked + other.locked,
            jumps_back: self.jumps_back + other.jumps_back,
        }
    }

    /// Every one of them, with its name: none may be zero in a run that counts.
    pub const fn all(&self) -> [(&'static str, u64); 10] {
        [
            ("sent", self.sent),
            ("answers lost", self.answers_lost),
            ("requests lost", self.requests_lost),
            ("doubled", self.doubled),
            ("reordered", self.reordered),
            ("forged", self.forged),
            ("crashes", self.crashes),
            ("random failures", self.random_failures),
            ("locked", self.locked),
            ("jumps back", self.jumps_back),
        ]
    }
}
