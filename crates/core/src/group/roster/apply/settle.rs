//! What becomes of states that were judged: `docs/protocol.md` B13.2 to B13.4.

use std::collections::BTreeMap;

use super::{Key, Pending, Work};
use crate::group::evidence::{Evidence, Signed};
use crate::group::roster::{Applied, Fork, GroupEvent, Roster};
use crate::group::rules::{Lack, Refusal, Standing, judge_first, keeps_all_promises};
use crate::group::state::GroupState;
use crate::group::tree::{Node, StateHash};
use crate::group::waiting::{Waiting, with_room};
use crate::organization::{AikChange, OrgRole};

impl Work<'_> {
    pub(super) fn finish(mut self, before: &Roster) -> Applied {
        let fork = self.unconnected().map(GroupEvent::GroupFork);
        self.events.extend(fork);
        self.roster.bound();
        let first = before.chain.first().and_then(|hash| before.tree.node(hash)).map_or(0, |node| node.state.epoch());
        let current = *self.roster.current.hash();
        let mut want_after = None;
        let mut waiting: Vec<(usize, Waiting)> = Vec::new();
        let keys: Vec<Key> = self.pool.keys().copied().collect();
        for key in keys {
            let signature = self.signature(key);
            let Some(pending) = self.pool.remove(&key) else { continue };
            // The same state under another signature may have been taken.
            if self.roster.tree.node(pending.state.claims().hash()).is_some() {
                continue;
            }
            match lack(&pending, &waiting).filter(|_| matches!(signature, Some(Signed::Current | Signed::Older))) {
                Some(lack) => waiting.push((key.1, Waiting { state: pending.state, lack, from: pending.from })),
                None if self.roster.earlier.contains_key(pending.state.claims().hash()) => {}
                None if pending.state.claims().epoch() > first => want_after = Some(current),
                None => {}
            }
        }
        waiting.sort_unstable_by_key(|(order, _)| *order);
        let waiting = waiting.into_iter().map(|(_, waiting)| waiting).collect();
        self.roster.waiting = with_room(waiting, &self.roster.current, self.evidence);
        let advanced = self.roster.current != before.current;
        if self.cut_off || (advanced && !self.roster.waiting.is_empty()) {
            want_after = Some(current);
        }
        if advanced {
            self.events.extend(self.roster.changed_keys(self.evidence).map(GroupEvent::MemberKeyChanged));
        }
        Applied {
            roster: self.roster,
            events: self.events,
            refused: self.refused,
            want_after,
            #[cfg(test)]
            choices: self.choices,
            #[cfg(test)]
            looked_at: self.looked_at,
        }
    }

    /// A state of this GroupUpdate that would bring a joining device in, and that no states between can connect: the run
    /// that leads to it begins on an unknown state, and not above the epoch after the current one. Shown if it is as new
    /// as the current state or names another owner; of several the newest.
    fn unconnected(&self) -> Option<Fork> {
        let from = self.from?;
        let held = &self.roster.current;
        let by_hash: BTreeMap<&StateHash, &GroupState> =
            self.pool.values().map(|pending| (pending.state.claims().hash(), pending.state.claims())).collect();
        let presented =
            self.pool.values().rev().map(|pending| (pending, pending.state.claims())).find(|(pending, state)| {
                let sender = from == state.actor().account || Some(from) == state.owner();
                pending.from.contains(&from)
                    && sender
                    && !self.roster.earlier.contains_key(state.hash())
                    && (state.epoch() >= held.epoch() || state.owner() != held.owner())
                    && self.begins_below(state, &by_hash)
                    && judge_first(&pending.state, self.evidence).is_ok()
                    && keeps_all_promises(held, self.roster.floor, state).is_ok()
            });
        presented.map(|(_, state)| Fork::Unconnected { held: *held.hash(), presented: *state.hash() })
    }

    /// Whether the run that leads to `state` begins on a state that is not here, at most one epoch above the current one.
    fn begins_below(&self, state: &GroupState, by_hash: &BTreeMap<&StateHash, &GroupState>) -> bool {
        let mut first = state;
        while let Some(parent) = by_hash.get(first.prev_hash()).filter(|parent| parent.epoch() < first.epoch()) {
            first = parent;
        }
        let unknown = self.roster.tree.node(first.prev_hash()).is_none();
        unknown && first.epoch() <= self.roster.current.epoch().saturating_add(1)
    }
}

/// What a state waits for, if it is worth keeping.
fn lack(pending: &Pending, waiting: &[(usize, Waiting)]) -> Option<Lack> {
    let parent = pending.state.claims().prev_hash();
    match pending.verdict {
        Some(Err(Refusal::Lacking(lack))) => Some(lack),
        Some(Err(Refusal::Unverified)) => None,
        _ => waiting.iter().any(|(_, one)| one.state.claims().hash() == parent).then_some(Lack::Parent),
    }
}

impl Roster {
    /// Judges anew by the pinned directory which states count as a custodian's: those whose author it lists, and whose
    /// device its manifest lists. Says whether any changed.
    pub(super) fn judge_custodians(&mut self, evidence: &Evidence<'_>) -> bool {
        let org = self.current.org();
        let Some(directory) = evidence.pin_of(org) else { return false };
        let judged = |node: &Node| {
            let account = node.state.actor().account;
            match node.standing {
                Standing::Custodian => {
                    let listed = directory.lists(account, OrgRole::RecordsCustodian, evidence.now);
                    (!listed).then_some(Standing::FormerCustodian)
                }
                Standing::FormerCustodian if evidence.decides(org, account, OrgRole::RecordsCustodian) => {
                    (evidence.signature(&node.state.unverified()) == Signed::Current).then_some(Standing::Custodian)
                }
                _ => None,
            }
        };
        let changes: Vec<_> =
            self.tree.nodes().filter_map(|node| judged(node).map(|standing| (*node.state.hash(), standing))).collect();
        for (hash, standing) in &changes {
            if let Some(node) = self.tree.node_mut(hash) {
                node.standing = *standing;
            }
        }
        !changes.is_empty()
    }

    /// Members to whom the pinned key does not belong, by the current state or by the practice.
    pub(in crate::group) fn changed_keys<'e>(
        &'e self,
        evidence: &'e Evidence<'_>,
    ) -> impl Iterator<Item = AikChange> + 'e {
        self.current.members().iter().filter_map(|member| evidence.changed_key(self.current.org(), member))
    }
}
