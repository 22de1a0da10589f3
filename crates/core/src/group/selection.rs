//! Which of several states on one parent stays: `docs/protocol.md` B13.3.

mod excess;

use std::collections::{BTreeMap, BTreeSet};

use super::rules::Standing;
use super::tree::{Node, StateHash, Tree};
use crate::ids::AccountId;

/// The chain that stays.
pub(super) struct Selection {
    /// From the first state of the tree on.
    pub(super) chain: Vec<StateHash>,
    /// States on it from which ownership passes on in two branches, and no custodian has spoken.
    pub(super) hand_overs: Vec<StateHash>,
}

impl Selection {
    /// Whether two hand-overs stop the group.
    pub(super) fn double_hand_over(&self) -> bool {
        !self.hand_overs.is_empty()
    }
}

/// The best continuation of a state, and what the rules ask about it.
#[derive(Clone, Copy, Default)]
struct Branch {
    next: Option<StateHash>,
    /// The first custodian's state in it, itself included.
    custodian: Option<StateHash>,
    /// Whether it is, or holds, a former custodian's state that was accepted: that defends its place.
    former: bool,
    /// Whether a later state in it names another owner than this one.
    changes_owner: bool,
    /// Whether two continuations hand over.
    double: bool,
}

impl Tree {
    /// Chooses from the leaves to `base`. `accepted` is the chain so far: what none of the rules decides stays.
    pub(super) fn select(&self, base: StateHash, accepted: &[StateHash]) -> Selection {
        let judging = Judging::of(self, accepted);
        let branches = judging.branches();
        let mut chain = vec![base];
        let mut hand_overs = Vec::new();
        let mut at = base;
        while let Some(branch) = branches.get(&at) {
            hand_overs.extend(branch.double.then_some(at));
            match branch.next {
                Some(next) => chain.push(next),
                None => break,
            }
            at = chain.last().copied().unwrap_or(base);
        }
        Selection { chain, hand_overs }
    }
}

struct Judging<'a> {
    tree: &'a Tree,
    accepted: BTreeSet<StateHash>,
}

impl<'a> Judging<'a> {
    fn of(tree: &'a Tree, accepted: &[StateHash]) -> Self {
        Self { tree, accepted: accepted.iter().copied().collect() }
    }

    fn branches(&self) -> BTreeMap<StateHash, Branch> {
        let mut branches = BTreeMap::new();
        for hash in self.tree.leaves_first() {
            if let Some(node) = self.tree.node(&hash) {
                let branch = self.branch(node, &branches);
                branches.insert(hash, branch);
            }
        }
        branches
    }

    fn branch(&self, node: &Node, branches: &BTreeMap<StateHash, Branch>) -> Branch {
        let owner = node.state.owner();
        let (next, double) = self.choose(node.state.hash(), owner, branches);
        let below = next.and_then(|next| branches.get(&next)).copied().unwrap_or_default();
        let hash = *node.state.hash();
        let own = (node.standing == Standing::Custodian).then_some(hash);
        let former = node.standing == Standing::FormerCustodian && self.accepted.contains(&hash);
        Branch {
            next,
            custodian: own.or(below.custodian),
            former: former || below.former,
            changes_owner: next.is_some_and(|next| self.passes_on(&next, owner, branches)),
            double,
        }
    }

    /// The state that stays on `parent`, and whether it stays only because two hand over.
    ///
    /// (a) A custodian's state replaces an owner's; of two custodians' states the smaller hash stays. (b) Else the branch
    /// that holds a custodian's state (of several, the smaller hash of the first one); else the accepted one, if it is or
    /// holds a former custodian's; else, of the owner's, the branch in which ownership passes on, and of two such the
    /// accepted one, which stops the group; else the smaller hash. A custodian is one whom the pinned directory lists.
    fn choose(
        &self,
        parent: &StateHash,
        owner: Option<AccountId>,
        branches: &BTreeMap<StateHash, Branch>,
    ) -> (Option<StateHash>, bool) {
        let children = self.tree.children(parent);
        if let [] | [_] = children {
            return (children.first().copied(), false);
        }
        let of = |standing: Standing| {
            let nodes = children.iter().filter_map(|child| self.tree.node(child));
            nodes.filter(move |node| node.standing == standing).map(|node| *node.state.hash())
        };
        let custodians = of(Standing::Custodian).min();
        if custodians.is_some() {
            return (custodians, false);
        }
        let first = |child: &StateHash| branches.get(child).and_then(|branch| branch.custodian);
        let held = children.iter().filter_map(|child| first(child).map(|custodian| (custodian, *child))).min();
        if let Some((_, child)) = held {
            return (Some(child), false);
        }
        let former = children.iter().find(|child| branches.get(*child).is_some_and(|branch| branch.former));
        if let Some(child) = former {
            return (Some(*child), false);
        }
        let owners: Vec<_> = of(Standing::Owner).collect();
        let passing: Vec<_> = owners.iter().filter(|child| self.passes_on(child, owner, branches)).copied().collect();
        match passing.as_slice() {
            [] => (owners.into_iter().min().or(children.first().copied()), false),
            [only] => (Some(*only), false),
            several => {
                let accepted = several.iter().find(|child| self.accepted.contains(*child)).copied();
                (accepted.or(several.iter().min().copied()), true)
            }
        }
    }

    /// Whether a state at or after `child`, in its branch, names another owner than `owner`.
    fn passes_on(&self, child: &StateHash, owner: Option<AccountId>, branches: &BTreeMap<StateHash, Branch>) -> bool {
        let other = self.tree.node(child).is_some_and(|node| node.state.owner() != owner);
        other || branches.get(child).is_some_and(|branch| branch.changes_owner)
    }
}
