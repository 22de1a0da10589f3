//! How much of a group is kept: `docs/protocol.md` B13.3 and B16.

use super::{Earlier, Roster};
use crate::group::tree::{Node, StateHash};
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
            self.remember_all(removed, &first);
            dropped = dropped.saturating_add(1);
        }
        self.chain.drain(..dropped);
    }

    /// States that nothing stands on any more: the one that was on the chain, and what competed with its successor.
    fn remember_all(&mut self, nodes: Vec<Node>, of_chain: &StateHash) {
        let known = nodes.into_iter().filter_map(|node| {
            let (hash, superseded) = (*node.state.hash(), node.superseded?);
            Some((hash, Earlier { state: node.state, superseded, lost: hash != *of_chain }))
        });
        self.earlier.extend(known);
    }

    /// Beyond 1 MiB or 1 024 states those go first that lost, then those that were superseded first: states that lose
    /// can be made at any time, and must not push out those under which members wrote.
    pub(in crate::group) fn bound_earlier(&mut self) {
        let mut weight: usize = self.earlier.values().map(|earlier| earlier.state.weight()).sum();
        let mut count = self.earlier.len();
        if weight <= EARLIER_STATES_BYTES && count <= EARLIER_STATES {
            return;
        }
        let rank = |(hash, earlier): (&StateHash, &Earlier)| {
            let (state, kept_for) = (&earlier.state, !earlier.lost);
            (kept_for, earlier.superseded, state.epoch(), *hash, state.weight())
        };
        let mut least: Vec<_> = self.earlier.iter().map(rank).collect();
        least.sort_unstable();
        for (.., hash, of_state) in least {
            if weight <= EARLIER_STATES_BYTES && count <= EARLIER_STATES {
                break;
            }
            self.earlier.remove(&hash);
            count = count.saturating_sub(1);
            weight = weight.saturating_sub(of_state);
        }
    }
}
