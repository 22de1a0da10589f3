//! Directories that were adopted before all that lies between was seen: `docs/protocol.md` B17 and B2.3.

use super::{DirectoryAdoption, DirectoryEvent, DirectoryPin, DirectoryPinError};
use crate::identity::{Fetched, Source};
use crate::limits::{GAP_AGE_MS, LOST_MANIFESTS};
use crate::organization::Directory;
use crate::time::Timestamp;

/// A stretch of the chain of which only the two ends, and places between, were seen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Gap {
    settled: Directory,
    /// Directories adopted since, from which there was a further jump.
    passed: Vec<[u8; 32]>,
    since: Timestamp,
}

impl Gap {
    pub(super) const fn open(settled: Directory, since: Timestamp) -> Self {
        Self { settled, passed: Vec::new(), since }
    }

    pub(super) fn widened(&self, left: &Directory) -> Self {
        let passed = self.passed.iter().chain([left.hash()]).copied().collect();
        Self { passed, ..self.clone() }
    }

    pub(super) const fn settled(&self) -> &Directory {
        &self.settled
    }

    pub(super) const fn restored(settled: Directory, passed: Vec<[u8; 32]>, since: Timestamp) -> Self {
        Self { settled, passed, since }
    }

    pub(super) fn passed(&self) -> &[[u8; 32]] {
        &self.passed
    }

    pub(super) const fn since(&self) -> Timestamp {
        self.since
    }

    pub(super) const fn jumps(&self) -> usize {
        self.passed.len()
    }
}

/// What is missing of a practice's chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MissingDirectories {
    /// All directories after this one are fetched.
    pub after_seq: u64,
    /// Still open then: [`DirectoryPin::adopt_chain`] with [`Fetched::Unanswered`].
    pub deadline: Timestamp,
}

impl DirectoryPin {
    /// The gap, if there is one.
    pub fn missing(&self) -> Option<MissingDirectories> {
        self.gap
            .as_ref()
            .map(|gap| MissingDirectories { after_seq: gap.settled.seq(), deadline: gap.since.plus(GAP_AGE_MS) })
    }

    /// What came of a fetch of all directories after a `seq`: first those of the gap, which must lead from the settled
    /// one through every one adopted since to the current one, then each in turn. Anything else in the gap is a fork:
    /// the newest that chains from the settled one is pinned. No answer, and an answer with nothing in it, leave the gap
    /// open until its deadline, and are a fork from then on. Ends at the first that is refused, with what was adopted
    /// before it.
    pub fn adopt_chain(
        &self,
        fetched: Fetched<'_, Directory>,
        now: Timestamp,
    ) -> (DirectoryAdoption, Option<DirectoryPinError>) {
        let mut adoption = self.fill_gap(fetched.given(), now);
        for directory in fetched.given() {
            if directory.seq() < adoption.pin.current.seq() {
                continue;
            }
            match adoption.pin.judge(directory, Source::Directory, now) {
                Ok(next) => {
                    adoption.pin = next.pin;
                    adoption.events.extend(next.events);
                }
                Err(error) => return (adoption, Some(error)),
            }
        }
        (adoption, None)
    }

    fn fill_gap(&self, directories: &[Directory], now: Timestamp) -> DirectoryAdoption {
        let Some(gap) = &self.gap else {
            return self.unchanged();
        };
        if directories.is_empty() && now.since(gap.since) < GAP_AGE_MS {
            return self.unchanged();
        }
        let mut newest = gap.settled.clone();
        let mut walked = vec![*newest.hash()];
        let mut reached = false;
        for directory in directories {
            if directory.follows(&newest).is_some() {
                newest = directory.clone();
                walked.push(*directory.hash());
            }
            reached |= self.current.follows(&newest).is_some();
        }
        reached |= walked.contains(self.current.hash());
        if reached && gap.passed.iter().all(|hash| walked.contains(hash)) {
            return DirectoryAdoption { pin: Self { gap: None, ..self.clone() }, events: Vec::new() };
        }
        let losing = [self.current.hash()].into_iter().chain(gap.passed.iter().rev());
        let losing = losing.filter(|hash| !walked.contains(hash));
        let lost = losing.chain(&self.lost).take(LOST_MANIFESTS).copied().collect();
        let binding = newest.seq() <= self.current.seq() && newest.hash() != self.current.hash();
        let loser = binding.then(|| self.current.clone());
        let mut pin = Self { gap: None, lost, loser, ..self.clone() };
        let events = [Some(DirectoryEvent::Fork), pin.take(&newest)];
        DirectoryAdoption { pin, events: events.into_iter().flatten().collect() }
    }
}
