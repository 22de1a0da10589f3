//! Catching up with states by devices and custodians that are gone: `docs/protocol.md` B13.2.

use std::collections::BTreeSet;

use super::{Key, Work};
use crate::group::rules::{Standing, clinical, judge_vouched, may_vouch};
use crate::group::state::GroupState;
use crate::limits::FULL_ANSWER_BYTES;

/// Where a run begins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Begins {
    /// On the current state: whoever may vouch may vouch for it.
    Current,
    /// On another one, or on the current one of a group that is stopped: only a state of a records custodian listed now, which replaces by itself, vouches for it.
    Beside,
}

/// A state of a run that is looked for.
#[derive(Clone, Copy)]
struct Found {
    key: Key,
    standing: Standing,
    /// The one before it, by its place among those that were found.
    before: Option<usize>,
    /// Bytes from the first one to this one, for as long as all of them came with this GroupUpdate; else 0.
    answered: usize,
}

impl Work<'_> {
    /// Takes a state that is not valid as the newest one, if a run of states leads from it to one that is valid by itself,
    /// whose author may vouch; or, on the current state, to where an answer was cut off that came from somebody who may.
    /// This serves catching up: beside the current state nothing is taken in this way but what a records custodian listed
    /// now builds on, so that nothing else is replaced by it.
    pub(super) fn catch_up(&mut self, key: Key, parent: &GroupState) -> bool {
        // The owner of one of two branches has no word in a group that is stopped: what it vouched for would set it going.
        let begins = match parent.hash() == self.roster.current.hash() && !self.roster.double_hand_over {
            true => Begins::Current,
            false => Begins::Beside,
        };
        if self.dead_ends.contains(&(key, begins)) {
            return false;
        }
        let Some(run) = self.vouched_run(key, parent, begins) else {
            self.dead_ends.insert((key, begins));
            return false;
        };
        run.into_iter().for_each(|(key, standing)| self.insert(key, standing));
        true
    }

    /// Breadth first, and each state goes on once: there may be several signatures of one, all of them good, and a run
    /// for each choice among them.
    fn vouched_run(&mut self, first: Key, tip: &GroupState, begins: Begins) -> Option<Vec<(Key, Standing)>> {
        let signature = self.signature(first)?;
        let standing = judge_vouched(tip, self.pool.get(&first)?.state.claims(), signature, self.evidence)?;
        let mut found = vec![Found { key: first, standing, before: None, answered: self.answered(first, Some(0)) }];
        let mut seen = BTreeSet::new();
        let mut at = 0;
        while let Some(Found { key, answered, .. }) = found.get(at).copied() {
            let parent = self.pool.get(&key)?.state.claims().clone();
            for child in self.children(&parent) {
                #[cfg(test)]
                {
                    self.looked_at = self.looked_at.saturating_add(1);
                }
                let verdict = self.judged(child, &parent).and_then(Result::ok);
                let signature = self.signature(child)?;
                let state = self.pool.get(&child)?.state.claims().clone();
                let standing = verdict.or_else(|| judge_vouched(&parent, &state, signature, self.evidence));
                let vouches = match begins {
                    Begins::Current => verdict.is_some() && may_vouch(tip, state.actor().account, self.evidence),
                    Begins::Beside => verdict == Some(Standing::Custodian),
                };
                let standing = standing.filter(|_| seen.insert(*state.hash()) || vouches);
                let answered = self.answered(child, (answered > 0).then_some(answered));
                found.extend(standing.map(|standing| Found { key: child, standing, before: Some(at), answered }));
                if vouches {
                    return Some(run_to(&found, found.len().checked_sub(1)));
                }
            }
            at = at.saturating_add(1);
        }
        match begins {
            Begins::Current => self.cut_off_run(&found, tip),
            Begins::Beside => None,
        }
    }

    /// The longest run of one full answer, from somebody who may vouch: the state that would has no room in it. Rule 4
    /// holds for its last state.
    fn cut_off_run(&mut self, found: &[Found], tip: &GroupState) -> Option<Vec<(Key, Standing)>> {
        self.from.filter(|from| may_vouch(tip, *from, self.evidence))?;
        let full = found.iter().enumerate().filter(|(_, found)| found.answered > FULL_ANSWER_BYTES);
        let valid = full.filter(|(_, found)| {
            let last = self.pool.get(&found.key).map(|pending| pending.state.claims());
            last.is_some_and(|last| clinical(last, self.evidence).is_ok())
        });
        let (at, _) = valid.max_by_key(|(_, found)| found.answered)?;
        self.cut_off = true;
        Some(run_to(found, Some(at)))
    }

    /// Bytes of this GroupUpdate up to a state, `before` being those up to the one before it.
    fn answered(&self, key: Key, before: Option<usize>) -> usize {
        let pending = self.pool.get(&key).filter(|_| self.received.contains(&key));
        let weight = pending.map(|pending| pending.state.claims().weight());
        weight.zip(before).map_or(0, |(weight, before)| before.saturating_add(weight))
    }

    fn children(&self, parent: &GroupState) -> Vec<Key> {
        let Some(epoch) = parent.epoch().checked_add(1) else {
            return Vec::new();
        };
        let of_epoch = self.pool.range((epoch, 0)..=(epoch, usize::MAX));
        let mut keys: Vec<_> = of_epoch
            .filter(|(_, pending)| pending.state.claims().prev_hash() == parent.hash())
            .map(|(key, pending)| (*pending.state.claims().hash(), *key))
            .collect();
        keys.sort_unstable();
        keys.into_iter().map(|(_, key)| key).collect()
    }
}

/// From the first to the one at this place, along the links.
fn run_to(found: &[Found], last: Option<usize>) -> Vec<(Key, Standing)> {
    let mut run = Vec::new();
    let mut at = last;
    while let Some(Found { key, standing, before, .. }) = at.and_then(|at| found.get(at)) {
        run.push((*key, *standing));
        at = *before;
    }
    run.reverse();
    run
}
