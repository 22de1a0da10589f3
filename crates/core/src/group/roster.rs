//! The chain of a group's states as a device holds it: `docs/protocol.md` B13.2 to B13.4.

mod apply;
mod bounds;
mod stored;

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use super::evidence::Evidence;
use super::policy::{Class, Policy, PolicyFloor};
use super::rules::{Lack, Standing, StateRejected};
use super::state::GroupState;
use super::tree::{Node, StateHash, Tree};
use super::waiting::Waiting;
use crate::ids::{AccountId, GroupId};
use crate::limits::GROUP_UPDATE_BYTES;
use crate::organization::{AikChange, OrgRole};
use crate::time::Timestamp;
use crate::wire::v1;

/// The states of one group: the chain that stands, what competes with it, what waits.
#[derive(Clone, PartialEq, Eq)]
pub struct Roster {
    pub(super) tree: Tree,
    /// From the state where this device came in to the current one; never empty.
    pub(super) chain: Vec<StateHash>,
    /// The current state itself.
    pub(super) current: GroupState,
    /// States that are no part of the tree: older than its first one, or of the chain before this device lost it.
    pub(super) earlier: BTreeMap<StateHash, Earlier>,
    /// Oldest first.
    pub(super) waiting: Vec<Waiting>,
    pub(super) floor: PolicyFloor,
    pub(super) leavers: BTreeSet<AccountId>,
    pub(super) double_hand_over: bool,
}

/// A state that messages may name and that nothing stands on any more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Earlier {
    pub(super) state: GroupState,
    /// When another took its place.
    pub(super) superseded: Timestamp,
    /// It was not on the chain.
    pub(super) lost: bool,
}

/// Something that happened to the roster of a group.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::large_enum_variant, reason = "an event is handed out once and not kept")]
pub enum GroupEvent {
    /// There is a new current state.
    Advanced {
        /// Its epoch.
        epoch: u64,
    },
    /// `GroupFork`, always shown.
    GroupFork(Fork),
    /// A custodian of the practice issued a state; always shown.
    CustodianState {
        /// Who.
        account: AccountId,
        /// Which.
        state: StateHash,
    },
    /// A state that was current, or led to it, has lost; its author issues its change again.
    Replaced {
        /// Who.
        author: AccountId,
        /// Which.
        state: StateHash,
    },
    /// The current state names a key of a member that is not the pinned one: `IdentityChanged` or `StaffKeyRotated`
    /// for it (B17), in this group too.
    MemberKeyChanged(AikChange),
}

/// What a `GroupFork` says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fork {
    /// There is a second state on one parent, or one that stands on such a state.
    Competing(StateHash),
    /// The owner handed over twice: the group takes no sends until a custodian speaks, or its members leave.
    DoubleHandOver,
    /// A state was taken without those between, after nobody had answered.
    Rejoined(StateHash),
    /// A state was presented that cannot be connected with the one held: one of them is forged, or ours lost below where
    /// this device came in. Shown with both; the person may take the other one
    /// ([`Rejoining::Confirmed`](super::Rejoining::Confirmed)).
    Unconnected {
        /// The current state here.
        held: StateHash,
        /// The other one.
        presented: StateHash,
    },
}

/// What came of states that were received.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Applied {
    /// To be stored.
    pub roster: Roster,
    /// In the order in which they are raised.
    pub events: Vec<GroupEvent>,
    /// States that are refused for good, by their hash: `ContentRejected`.
    pub refused: Vec<(StateHash, StateRejected)>,
    /// States between are missing, or there may be more than one answer held: what follows this one is asked for
    /// (`GroupUpdate.want_after`).
    pub want_after: Option<StateHash>,
    /// How often the rules of B13.3 chose.
    #[cfg(test)]
    pub(super) choices: usize,
    /// How many states were looked at as part of a run.
    #[cfg(test)]
    pub(super) looked_at: usize,
}

impl Roster {
    pub(super) fn starting(state: GroupState, now: Timestamp) -> Self {
        let (hash, floor) = (*state.hash(), PolicyFloor::of(state.policy()));
        let mut tree = Tree::default();
        tree.insert(Node { state: state.clone(), standing: Standing::Base, since: now, superseded: None });
        Self {
            tree,
            chain: vec![hash],
            current: state,
            earlier: BTreeMap::new(),
            waiting: Vec::new(),
            floor,
            leavers: BTreeSet::new(),
            double_hand_over: false,
        }
    }

    /// A group that this device has just created with `state`.
    pub fn created(state: GroupState, now: Timestamp) -> Self {
        Self::starting(state, now)
    }

    /// Which group.
    pub const fn group(&self) -> GroupId {
        self.current.group()
    }

    /// The current state.
    pub const fn current(&self) -> &GroupState {
        &self.current
    }

    /// The current policy, raised to the highest class and retention of all states that were current here.
    pub fn policy(&self) -> Policy {
        self.floor.applied_to(*self.current.policy())
    }

    /// Whether the owner handed over twice: the group takes no sends.
    pub const fn is_stopped(&self) -> bool {
        self.double_hand_over
    }

    /// A state that is known here, on the chain or not: the answer to `GroupUpdate.want`, to whom this roster
    /// [`answers`](Self::answers).
    pub fn state(&self, hash: &StateHash) -> Option<&GroupState> {
        let known = self.tree.node(hash).map(|node| &node.state);
        known.or_else(|| self.earlier.get(hash).map(|earlier| &earlier.state))
    }

    /// States that wait for a manifest or a directory, with what they wait for.
    pub fn waiting(&self) -> impl Iterator<Item = (&StateHash, Lack)> {
        self.waiting.iter().map(|waiting| (waiting.state.claims().hash(), waiting.lack))
    }

    /// The answer to `GroupUpdate.want_after`: what follows a state on the chain; if it lost, what follows the last
    /// state that both have; if it is unknown (it may compete with ours), the newest states. As much as one content
    /// takes, ascending; to whom this roster [`answers`](Self::answers).
    pub fn after(&self, hash: &StateHash) -> Vec<v1::Signed> {
        let shared = self.shared_with(hash);
        let mut bytes = 0_usize;
        let mut fits = |state: &&GroupState| {
            bytes = bytes.saturating_add(state.weight());
            bytes <= GROUP_UPDATE_BYTES
        };
        let states = |hash: &StateHash| self.tree.node(hash).map(|node| &node.state);
        if let Some(shared) = shared {
            let following = self.chain.iter().skip(shared.saturating_add(1)).filter_map(states);
            return following.take_while(&mut fits).map(GroupState::to_signed).collect();
        }
        let newest = self.chain.iter().rev().filter_map(states).take_while(&mut fits);
        let mut newest: Vec<_> = newest.map(GroupState::to_signed).collect();
        newest.reverse();
        newest
    }

    /// Where on the chain the last state is that leads to this one; `None` if it is unknown.
    pub(super) fn shared_with(&self, hash: &StateHash) -> Option<usize> {
        let mut from = *hash;
        loop {
            match (self.chain.iter().position(|state| *state == from), self.tree.node(&from)) {
                (Some(position), _) => break Some(position),
                (None, Some(node)) => from = *node.state.prev_hash(),
                (None, None) => break None,
            }
        }
    }

    /// Whether an account that asks for states (`GroupUpdate.want`, `want_after`) is answered: a member of the current state
    /// whom the directory does not close, or in class 2 a records custodian listed now. Who treats whom is nobody else's
    /// business, also of somebody who was a member.
    pub fn answers(&self, account: AccountId, evidence: &Evidence<'_>) -> bool {
        let clinical = self.current.policy().class == Class::Clinical;
        let custodian = clinical && evidence.decides(self.current.org(), account, OrgRole::RecordsCustodian);
        let member = self.current.member(account).is_some() && !self.closes(account, evidence);
        member || custodian
    }

    /// When a state that is not current stopped being it, or never became it; `None` for the current one and for one
    /// that is unknown.
    pub(super) fn superseded(&self, hash: &StateHash) -> Option<(&GroupState, Timestamp)> {
        let node = self.tree.node(hash).and_then(|node| Some((&node.state, node.superseded?)));
        node.or_else(|| self.earlier.get(hash).map(|earlier| (&earlier.state, earlier.superseded)))
    }
}

impl fmt::Debug for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Roster(epoch {}, {} waiting)", self.current.epoch(), self.waiting.len())
    }
}
