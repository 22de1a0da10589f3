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
    /// Ascending, so that a tree that was stored is the same as one that grew.
    children: BTreeMap<StateHash, Vec<StateHash>>,
    weight: usize,
}

impl Tree {
    pub(super) fn insert(&mut self, node: Node) {
        let (hash, parent, weight) = (*node.state.hash(), *node.state.prev_hash(), node.state.weight());
        if self.nodes.insert(hash, node).is_none() {
            self.weight = self.weight.saturating_add(weight);
            let siblings = self.children.entry(parent).or_default();
            let at = siblings.partition_point(|sibling| *sibling < hash);
            siblings.insert(at, hash);
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

    /// Whether states compete anywhere.
    pub(super) fn has_forks(&self) -> bool {
        self.children.values().any(|children| children.len() > 1)
    }

    /// How many states are not on `chain`.
    pub(super) fn beside(&self, chain: &[StateHash]) -> usize {
        self.nodes.len().saturating_sub(chain.len())
    }

    /// Bytes of all states (B16).
    pub(super) const fn weight(&self) -> usize {
        self.weight
    }

    /// Removes a state and all that stands on it.
    pub(super) fn prune(&mut self, hash: &StateHash) -> Vec<Node> {
        if let Some(parent) = self.nodes.get(hash).map(|node| *node.state.prev_hash()) {
            let mut siblings = self.children.remove(&parent).unwrap_or_default();
            siblings.retain(|sibling| sibling != hash);
            if !siblings.is_empty() {
                self.children.insert(parent, siblings);
            }
        }
        let mut removed = Vec::new();
        let mut doomed = vec![*hash];
        while let Some(next) = doomed.pop() {
            removed.extend(self.remove(&next));
            doomed.extend(self.children.remove(&next).unwrap_or_default());
        }
        removed
    }

    /// Removes what stands on `parent` beside `next`.
    pub(super) fn prune_beside(&mut self, parent: &StateHash, next: &StateHash) -> Vec<Node> {
        let competing: Vec<_> = self.children(parent).iter().filter(|child| *child != next).copied().collect();
        competing.iter().flat_map(|child| self.prune(child)).collect()
    }

    /// Removes the first state and everything that stands on it beside `next`, which becomes the first.
    pub(super) fn begin_at(&mut self, first: &StateHash, next: &StateHash) -> Vec<Node> {
        let mut removed = self.prune_beside(first, next);
        if let Some(node) = self.remove(first) {
            self.children.remove(node.state.prev_hash());
            removed.push(node);
        }
        if let Some(node) = self.nodes.get_mut(next) {
            node.standing = Standing::Base;
        }
        removed
    }

    fn remove(&mut self, hash: &StateHash) -> Option<Node> {
        let removed = self.nodes.remove(hash)?;
        self.weight = self.weight.saturating_sub(removed.state.weight());
        Some(removed)
    }

    /// States by epoch, the highest first: children before parents.
    pub(super) fn leaves_first(&self) -> Vec<StateHash> {
        self.by_epoch().map(|node| *node.state.hash()).rev().collect()
    }

    /// States by epoch, then by hash: parents before children.
    pub(super) fn by_epoch(&self) -> impl DoubleEndedIterator<Item = &Node> {
        let mut nodes: Vec<_> = self.nodes.values().collect();
        // The map is ordered by hash already, and the sort is stable.
        nodes.sort_by_key(|node| node.state.epoch());
        nodes.into_iter()
    }

    /// From the first state to this one; `None` if it is not here.
    pub(super) fn path_to(&self, hash: &StateHash) -> Option<Vec<StateHash>> {
        let steps = core::iter::successors(self.nodes.get(hash), |node| self.nodes.get(node.state.prev_hash()));
        let mut path: Vec<_> = steps.map(|node| *node.state.hash()).collect();
        path.reverse();
        (!path.is_empty()).then_some(path)
    }
}
