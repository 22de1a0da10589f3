//! Manifests that were adopted before all that lies between was seen: `docs/protocol.md` B2.

use super::{Adoption, Chain, ManifestPin, PinError, Source};
use crate::identity::changes::{DeviceChanges, IdentityEvent, listed, only_in};
use crate::identity::manifest::Manifest;
use crate::limits::{GAP_AGE_MS, GAP_FETCH_WITHIN_MS, LOST_MANIFESTS};
use crate::random::{RandomError, delay};
use crate::time::Timestamp;

/// A stretch of the chain of which only the two ends, and places between, were seen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Gap {
    /// The last manifest that every later one must chain from, and how it came there.
    settled: Chain,
    /// Manifests adopted since, from which there was a further jump: the chain must pass through each.
    passed: Vec<[u8; 32]>,
    since: Timestamp,
}

impl Gap {
    pub(super) const fn open(settled: Chain, now: Timestamp) -> Self {
        Self { settled, passed: Vec::new(), since: now }
    }

    /// One more jump, from `left`.
    pub(super) fn widened(&self, left: &Manifest) -> Self {
        let passed = self.passed.iter().chain([left.hash()]).copied().collect();
        Self { passed, ..self.clone() }
    }

    pub(super) const fn restored(settled: Chain, passed: Vec<[u8; 32]>, since: Timestamp) -> Self {
        Self { settled, passed, since }
    }

    pub(super) const fn settled_chain(&self) -> &Chain {
        &self.settled
    }

    pub(super) fn passed(&self) -> &[[u8; 32]] {
        &self.passed
    }

    pub(super) const fn since(&self) -> Timestamp {
        self.since
    }

    pub(super) const fn settled(&self) -> &Manifest {
        &self.settled.current
    }

    fn is_overdue(&self, now: Timestamp) -> bool {
        now.since(self.since) >= GAP_AGE_MS
    }

    pub(super) const fn jumps(&self) -> usize {
        self.passed.len()
    }
}

/// What came of a fetch of all manifests of an account, or all directories of a practice, after a `seq`.
#[derive(Debug)]
pub enum Fetched<'a, T> {
    /// The service gave these as all of them, ascending by `seq`.
    Answered(&'a [T]),
    /// No connection, no answer, or an error. It says nothing about the chain.
    Unanswered,
}

impl<'a, T> Fetched<'a, T> {
    pub(crate) const fn given(&self) -> &'a [T] {
        match *self {
            Self::Answered(given) => given,
            Self::Unanswered => &[],
        }
    }
}

/// What is missing of a contact's chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MissingManifests {
    /// All manifests after this one are fetched.
    pub after_seq: u64,
    /// Still open then: [`ManifestPin::fill_gap`] with [`Fetched::Unanswered`].
    pub deadline: Timestamp,
}

impl MissingManifests {
    /// When they are fetched: at a random time within 48 h, not in answer to a message.
    pub fn fetch_at(now: Timestamp, rng: &mut impl rand_core::TryCryptoRng) -> Result<Timestamp, RandomError> {
        Ok(now.plus(delay(GAP_FETCH_WITHIN_MS, rng)?))
    }
}

impl ManifestPin {
    /// The gap, if there is one.
    pub fn missing(&self) -> Option<MissingManifests> {
        self.gap
            .as_ref()
            .map(|gap| MissingManifests { after_seq: gap.settled().seq(), deadline: gap.since.plus(GAP_AGE_MS) })
    }

    /// What came of the fetch for the gap. What was given must chain from the settled manifest through every one adopted
    /// since to the current one; that closes the gap. Anything else is a `ManifestFork`: the newest manifest that chains
    /// from the settled one is pinned. No answer, and an answer with nothing in it, leave the gap open until its
    /// deadline, and are a fork from then on.
    pub fn fill_gap(&self, fetched: Fetched<'_, Manifest>, now: Timestamp) -> Adoption {
        let Some(gap) = &self.gap else {
            return self.unchanged();
        };
        let manifests = fetched.given();
        if manifests.is_empty() && !gap.is_overdue(now) {
            return self.unchanged();
        }
        let mut chain = gap.settled.clone();
        let mut walked = vec![*chain.current.hash()];
        let mut reached = false;
        for manifest in manifests {
            if manifest.follows(&chain.current).is_some() {
                chain = chain.extended(manifest, now);
                walked.push(*manifest.hash());
            }
            reached |= self.chain.current.follows(&chain.current).is_some();
        }
        reached |= walked.contains(self.chain.current.hash());
        if reached && gap.passed.iter().all(|hash| walked.contains(hash)) {
            let pin = Self { gap: None, ..self.clone() }.without_the_explained();
            return Adoption { pin, events: Vec::new() };
        }
        self.forked(gap, chain, &walked)
    }

    /// What came of a fetch of all manifests after a `seq`: first those of the gap, then each in turn. Ends at the first
    /// that is refused, with what was adopted before it.
    pub fn adopt_chain(&self, fetched: Fetched<'_, Manifest>, now: Timestamp) -> (Adoption, Option<PinError>) {
        let manifests = fetched.given();
        let mut adoption = self.fill_gap(fetched, now);
        for manifest in manifests {
            if manifest.seq() < adoption.pin.current().seq() {
                continue;
            }
            match adoption.pin.judge(manifest, Source::Directory, now) {
                Ok(next) => {
                    adoption.pin = next.pin;
                    adoption.events.extend(next.events);
                }
                Err(error) => return (adoption, Some(error)),
            }
        }
        (adoption, None)
    }

    /// The winner is pinned. Devices that the old pin listed and the winner does not are closed; those that only the
    /// loser listed get nothing more; those that the loser did not list do not count yet.
    fn forked(&self, gap: &Gap, winner: Chain, walked: &[[u8; 32]]) -> Adoption {
        let loser = &self.chain.current;
        let (settled, listed_by_loser, won) = (listed(gap.settled()), listed(loser), listed(&winner.current));
        let closed = only_in(&settled, &won);
        let mut stopped = only_in(&listed_by_loser, &won);
        stopped.retain(|address| !closed.contains(address));
        let losing = [loser.hash()].into_iter().chain(gap.passed.iter().rev()).filter(|hash| !walked.contains(hash));
        let lost = losing.chain(&self.lost).take(LOST_MANIFESTS).copied().collect();
        let binding = winner.current.seq() <= loser.seq() && winner.current.hash() != loser.hash();
        let loser = binding.then(|| loser.clone());
        let pin = Self { chain: winner, gap: None, lost, loser, ..self.clone() };
        let counting: Vec<_> = pin.devices().collect();
        let added = only_in(&counting, &listed_by_loser);
        let events = [Some(IdentityEvent::ManifestFork { stopped }), DeviceChanges { added, closed }.into_event()];
        Adoption { pin, events: events.into_iter().flatten().collect() }
    }
}
