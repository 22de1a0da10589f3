//! How many competing states are kept: `docs/protocol.md` B13.3 item 1.

use std::collections::{BTreeMap, BTreeSet};

use super::{Branch, Judging};
use crate::group::rules::Standing;
use crate::group::tree::{Node, StateHash, Tree};
use crate::ids::AccountId;
use crate::limits::{COMPETING_STATES, COMPETING_STATES_OF_GROUP};

impl Tree {
    /// Drops what exceeds the limits of competing states: 16 for each parent, 64 beside the chain in all. Those stay that
    /// can win, and what stops the group.
    pub(in crate::group) fn drop_excess(&mut self, chain: &[StateHash]) {
        for hash in self.excess(chain) {
            self.prune(&hash);
        }
        if self.beside(chain) <= COMPETING_STATES_OF_GROUP {
            return;
        }
        let judging = Judging::of(self, chain);
        let kept: BTreeSet<_> = judging.stop(chain).into_iter().chain(chain.iter().copied()).collect();
        while self.beside(chain) > COMPETING_STATES_OF_GROUP {
            let Some(last) = self.nodes().filter(|node| self.is_loose(node, &kept)).max_by_key(|node| self.worth(node))
            else {
                break;
            };
            let last = *last.state.hash();
            self.prune(&last);
        }
    }

    /// What exceeds the limit of one parent.
    fn excess(&self, chain: &[StateHash]) -> Vec<StateHash> {
        let forks = self.forks();
        if forks.iter().all(|parent| self.children(parent).len() <= COMPETING_STATES) {
            return Vec::new();
        }
        let judging = Judging::of(self, chain);
        let branches = judging.branches();
        let mut excess = Vec::new();
        for parent in forks {
            let owner = self.node(&parent).and_then(|node| node.state.owner());
            let mut ranked: Vec<_> = self
                .children(&parent)
                .iter()
                .filter(|child| !judging.accepted.contains(*child))
                .map(|child| (judging.rank(child, owner, &branches), *child))
                .collect();
            ranked.sort_unstable();
            excess.extend(ranked.into_iter().skip(COMPETING_STATES).map(|(_, child)| child));
        }
        excess
    }

    /// Whether nothing stands on a state that may go.
    fn is_loose(&self, node: &Node, kept: &BTreeSet<StateHash>) -> bool {
        let hash = node.state.hash();
        self.children(hash).is_empty() && !kept.contains(hash)
    }

    /// The highest goes first: what decides nothing, then hand-overs, then former custodians' and custodians' states; of
    /// these the highest epoch, then the largest hash.
    fn worth(&self, node: &Node) -> (u8, u64, StateHash) {
        let parent = self.node(node.state.prev_hash());
        let class = match node.standing {
            Standing::Custodian => 0,
            Standing::FormerCustodian => 1,
            _ if parent.is_some_and(|parent| parent.state.owner() != node.state.owner()) => 2,
            _ => 3,
        };
        (class, node.state.epoch(), *node.state.hash())
    }
}

impl Judging<'_> {
    /// The states that hand over beside the chain and so stop the group: one branch, where it stops first.
    fn stop(&self, chain: &[StateHash]) -> Vec<StateHash> {
        let branches = self.branches();
        let stops = |parent: &&StateHash| branches.get(*parent).is_some_and(|branch| branch.double);
        let Some(parent) = chain.iter().find(stops) else { return Vec::new() };
        let owner = self.tree.node(parent).and_then(|node| node.state.owner());
        let passing = |child: &&StateHash| !self.accepted.contains(*child) && self.passes_on(child, owner, &branches);
        let mut at = self.tree.children(parent).iter().find(passing).copied();
        let mut states = Vec::new();
        while let Some(node) = at.and_then(|hash| self.tree.node(&hash)) {
            states.push(*node.state.hash());
            if node.state.owner() != owner {
                break;
            }
            at = branches.get(node.state.hash()).and_then(|branch| branch.next);
        }
        states
    }

    /// Lower is nearer to winning.
    fn rank(&self, child: &StateHash, owner: Option<AccountId>, branches: &BTreeMap<StateHash, Branch>) -> u8 {
        let holds = branches.get(child).is_some_and(|branch| branch.custodian.is_some());
        match self.tree.node(child).map(|node| node.standing) {
            Some(Standing::Custodian) => 0,
            Some(_) if holds => 1,
            Some(_) if self.passes_on(child, owner, branches) => 2,
            _ => 3,
        }
    }
}
