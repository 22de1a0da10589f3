//! How long the steps of this run took.

use std::time::{Duration, Instant};

/// What was measured of one step.
#[derive(Clone, Copy)]
pub struct Lap {
    /// Which step.
    pub step: &'static str,
    /// How often.
    pub count: u32,
    /// All of them together.
    pub total: Duration,
}

impl Lap {
    /// The mean of one.
    pub fn mean(&self) -> Duration {
        self.total.checked_div(self.count).unwrap_or_default()
    }
}

/// Laps in the order in which they first were run.
#[derive(Default)]
pub struct Stopwatch(Vec<Lap>);

impl Stopwatch {
    /// Runs `work` and counts the time that it took to `step`.
    pub fn time<T>(&mut self, step: &'static str, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.add(step, start.elapsed());
        result
    }

    /// Counts a time that was taken elsewhere.
    pub fn add(&mut self, step: &'static str, took: Duration) {
        match self.0.iter_mut().find(|lap| lap.step == step) {
            Some(lap) => {
                lap.count = lap.count.saturating_add(1);
                lap.total = lap.total.saturating_add(took);
            }
            None => self.0.push(Lap { step, count: 1, total: took }),
        }
    }

    /// What was measured.
    pub fn laps(&self) -> &[Lap] {
        &self.0
    }
}
