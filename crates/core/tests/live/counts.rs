//! What happened at one end: a zero means that the test did not try what it says it tries.

use std::collections::BTreeMap;
use std::fmt;

/// Everything that has to happen at each end.
const REQUIRED: [&str; 19] = [
    "sent",
    "empty",
    "compact",
    "clinical",
    "with SenderInfo's size",
    "lane asked for",
    "lost",
    "opened",
    "opened late",
    "opened SEALED SESSION",
    "opened SESSION",
    "altered: UnsupportedVersion",
    "altered: DecryptFailed",
    "altered: NoSession",
    "repeated: Duplicate",
    "forged: DecryptFailed",
    "forged: UnsupportedVersion",
    "own lanes mixed",
    "peer's lanes mixed",
];

#[derive(Default)]
pub struct Counts(BTreeMap<String, u32>);

impl Counts {
    pub fn add(&mut self, what: &str) {
        self.add_many(what, 1);
    }

    pub fn add_many(&mut self, what: &str, count: u32) {
        *self.0.entry(what.to_owned()).or_default() += count;
    }

    pub fn of(&self, what: &str) -> u32 {
        self.0.get(what).copied().unwrap_or(0)
    }

    /// Everything was tried.
    pub fn assert_complete(&self) {
        for what in REQUIRED {
            assert!(self.of(what) > 0, "nothing was {what}");
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<_> = self.0.iter().map(|(what, count)| format!("{count} {what}")).collect();
        f.write_str(&all.join(", "))
    }
}
