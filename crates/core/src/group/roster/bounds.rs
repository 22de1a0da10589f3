//! How much of a group is kept: `docs/protocol.md` B13.3 and B16.

use super::Roster;
use crate::group::tree::Node;
use crate::limits::{EARLIER_STATES, EARLIER_STATES_BYTES, GROUP_TREE_BYTES};

impl Roster {
    /// What is kept, after states were judged.
    pub(in crate::group) fn bound(&mut self) {
        self.tree.drop_excess(&self.chain);
        match self.double_hand_over {
            false => self.bound_tree(),
            true => self.bound_stopped(),
        }
        self.bound_earlier();
    }

    /// While two hand-overs stop the group none of their branches goes, so that nobody sets it going by adding states:
    /// beyond 4 MiB what lost elsewhere goes.
    fn bound_stopped(&mut self) {
        let Some(base) = self.chain.first().copied().filter(|_| self.tree.weight() > GROUP_TREE_BYTES) else {
            return;
        };
        let hand_overs = self.tree.select(base, &self.chain).hand_overs;
        for (parent, next) in self.chain.iter().zip(self.chain.iter().skip(1)) {
            if !hand_overs.contains(parent) {
                self.tree.prune_beside(parent, next);
            }
        }
    }

    /// Beyond 4 MiB the oldest states of the chain go, with what competes with their successors; messages may still
    /// name them.
    fn bound_tree(&mut self) {
        let mut dropped = 0_usize;
        while self.tree.weight() > GROUP_TREE_BYTES {
            let mut oldest = self.chain.iter().skip(dropped);
            let (Some(first), Some(next)) = (oldest.next().copied(), oldest.next().copied()) else { break };
            let removed = self.tree.begin_at(&first, &next);
            self.remember_all(removed);
            dropped = dropped.saturating_add(1);
        }
        self.chain.drain(..dropped);
    }

    /// States that nothing stands on any more.
    fn remember_all(&mut self, nodes: Vec<Node>) {
        let known = nodes.into_iter().filter_map(|node| Some((*node.state.hash(), (node.state, node.superseded?))));
        self.earlier.extend(known);
    }

    /// Beyond 1 MiB or 1 024 states those go first that were superseded first.
    pub(in crate::group) fn bound_earlier(&mut self) {
        let mut weight: usize = self.earlier.values().map(|(state, _)| state.weight()).sum();
        let mut count = self.earlier.len();
        if weight <= EARLIER_STATES_BYTES && count <= EARLIER_STATES {
            return;
        }
        let mut oldest: Vec<_> =
            self.earlier.iter().map(|(hash, (state, since))| (*since, state.epoch(), *hash, state.weight())).collect();
        oldest.sort_unstable();
        for (.., hash, of_state) in oldest {
            if weight <= EARLIER_STATES_BYTES && count <= EARLIER_STATES {
                break;
            }
            self.earlier.remove(&hash);
            count = count.saturating_sub(1);
            weight = weight.saturating_sub(of_state);
        }
    }
}
