//! Valid states of a group by what they stand on: `docs/protocol.md` B13.3.

use std::collections::BTreeMap;

use super::rules::Standing;
use super::state::GroupState;
use crate::time::Timestamp;

/// `state_hash`.
pub(super) type StateHash = [u8; 32];

/// A valid state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Node {
    pub(super) state: GroupState,
    pub(super) standing: Standing,
    /// When it was accepted here.
    pub(super) since: Timestamp,
    /// When another took its place, by following it or by competing with it; `None`: it is the current one.
    pub(super) superseded: Option<Timestamp>,
}

/// All valid states that stand on the one where this device came in, each on its parent.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Tree {
    nodes: BTreeMap<StateHash, Node>,
    children: BTreeMap<StateHash, Vec<StateHash>>,
}

impl Tree {
    pub(super) fn insert(&mut self, node: Node) {
        let (hash, parent) = (*node.state.hash(), *node.state.prev_hash());
        if self.nodes.insert(hash, node).is_none() {
            self.children.entry(parent).or_default().push(hash);
        }
    }

    pub(super) fn node(&self, hash: &StateHash) -> Option<&Node> {
        self.nodes.get(hash)
    }

    pub(super) fn node_mut(&mut self, hash: &StateHash) -> Option<&mut Node> {
        self.nodes.get_mut(hash)
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    pub(super) fn children(&self, parent: &StateHash) -> &[StateHash] {
        self.children.get(parent).map_or(&[], Vec::as_slice)
    }

    /// Parents of more than one state.
    pub(super) fn forks(&self) -> Vec<StateHash> {
        self.children.iter().filter(|(_, children)| children.len() > 1).map(|(parent, _)| *parent).collect()
    }

    /// Removes a state and all that stands on it.
    pub(super) fn prune(&mut self, hash: &StateHash) {
        let parent = self.nodes.get(hash).map(|node| *node.state.prev_hash());
        if let Some(siblings) = parent.and_then(|parent| self.children.get_mut(&parent)) {
            siblings.retain(|sibling| sibling != hash);
        }
        let mut doomed = vec![*hash];
        while let Some(next) = doomed.pop() {
            self.nodes.remove(&next);
            doomed.extend(self.children.remove(&next).unwrap_or_default());
        }
    }

    /// States by epoch, the highest first: children before parents.
    pub(super) fn leaves_first(&self) -> Vec<StateHash> {
        let mut order: Vec<_> = self.nodes.values().map(|node| (node.state.epoch(), *node.state.hash())).collect();
        order.sort_unstable_by(|one, other| other.cmp(one));
        order.into_iter().map(|(_, hash)| hash).collect()
    }
}
