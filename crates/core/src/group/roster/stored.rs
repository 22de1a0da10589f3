//! A roster at rest, format 1: `docs/protocol.md` B13.8. Signatures are not verified again, because the manifests under
//! which they were good may be gone; that states stand on one another, and that the rules choose the current one, is.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message as _;

use super::{Earlier, Roster};
use crate::at_rest::{AtRest, AtRestError, COMPLETE, FORMAT, ascending, unchanged};
use crate::group::policy::{Class, PolicyFloor};
use crate::group::rules::{Lack, Standing, stands_on};
use crate::group::state::{GroupState, UnverifiedState};
use crate::group::tree::{Node, StateHash, Tree};
use crate::group::waiting::Waiting;
use crate::ids::AccountId;
use crate::limits::{
    COMPETING_STATES, COMPETING_STATES_OF_GROUP, EARLIER_STATES, EARLIER_STATES_BYTES, GROUP_TREE_BYTES,
    ROSTER_STATE_BYTES, STOPPED_EXTRA_BYTES, WAITING_BYTES, WAITING_STATES,
};
use crate::time::Timestamp;
use crate::wire::{required, v1};

impl Roster {
    /// For the store, which compares and swaps the whole.
    pub fn to_bytes(&self) -> Vec<u8> {
        let node = |node: &Node| v1::RosterNode {
            state: Some(node.state.to_signed()),
            standing: standing_number(node.standing),
            since_ms: node.since.as_millis(),
            superseded_ms: node.superseded.map_or(0, Timestamp::as_millis),
        };
        let earlier = |earlier: &Earlier| v1::EarlierState {
            state: Some(earlier.state.to_signed()),
            superseded_ms: earlier.superseded.as_millis(),
            lost: earlier.lost,
        };
        v1::RosterState {
            format: FORMAT,
            nodes: self.tree.by_epoch().map(node).collect(),
            current: self.current.hash().to_vec(),
            earlier: self.earlier.values().map(earlier).collect(),
            waiting: self.waiting.iter().map(waiting_to_wire).collect(),
            floor_class: self.floor.class.as_u32(),
            floor_keep_at_least_ms: self.floor.keep_at_least_ms,
            leavers: self.leavers.iter().map(|account| account.as_bytes().to_vec()).collect(),
            double_hand_over: self.double_hand_over,
            complete: COMPLETE,
        }
        .encode_to_vec()
    }

    /// Loads a roster, whole or not at all.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AtRestError> {
        let stored = v1::RosterState::read(bytes)?;
        unchanged(load(&stored).filter(is_consistent), bytes, Self::to_bytes)
    }
}

fn load(stored: &v1::RosterState) -> Option<Roster> {
    let mut tree = load_tree(&stored.nodes)?;
    let current = stored.current.as_slice().try_into().ok()?;
    tree.node_mut(&current)?.superseded = None;
    let earlier: Vec<_> = stored.earlier.iter().map(load_earlier).collect::<Option<_>>()?;
    let leavers: Vec<_> = stored.leavers.iter().map(|id| AccountId::from_slice(id)).collect::<Option<_>>()?;
    let waiting: Vec<_> = stored.waiting.iter().map(load_waiting).collect::<Option<_>>()?;
    let ordered =
        ascending(&leavers) && ascending(&earlier.iter().map(|earlier| *earlier.state.hash()).collect::<Vec<_>>());
    ordered.then_some(())?;
    Some(Roster {
        chain: tree.path_to(&current)?,
        current: tree.node(&current)?.state.clone(),
        tree,
        earlier: earlier.into_iter().map(|earlier| (*earlier.state.hash(), earlier)).collect(),
        waiting,
        floor: PolicyFloor {
            class: Class::from_u32(stored.floor_class)?,
            keep_at_least_ms: stored.floor_keep_at_least_ms,
        },
        leavers: leavers.into_iter().collect(),
        double_hand_over: stored.double_hand_over,
    })
}

/// Each state on one that is there already; the first on none.
fn load_tree(stored: &[v1::RosterNode]) -> Option<Tree> {
    let mut tree = Tree::default();
    let mut before: Option<(u64, StateHash)> = None;
    for stored in stored {
        let state = UnverifiedState::parse(required(&stored.state).ok()?).ok()?.into_verified();
        let place = (state.epoch(), *state.hash());
        let standing = standing_of(stored.standing)?;
        let stands = match before {
            None => standing == Standing::Base,
            Some(before) => before < place && stands_on(&tree.node(state.prev_hash())?.state, &state, standing),
        };
        stands.then_some(())?;
        before = Some(place);
        let (since, superseded) = (stored.since_ms, Some(Timestamp::from_millis(stored.superseded_ms)));
        tree.insert(Node { state, standing, since: Timestamp::from_millis(since), superseded });
    }
    Some(tree)
}

fn load_earlier(stored: &v1::EarlierState) -> Option<Earlier> {
    let state = UnverifiedState::parse(stored.state.as_ref()?).ok()?.into_verified();
    Some(Earlier { state, superseded: Timestamp::from_millis(stored.superseded_ms), lost: stored.lost })
}

fn waiting_to_wire(waiting: &Waiting) -> v1::WaitingState {
    v1::WaitingState {
        state: Some(waiting.state.claims().to_signed()),
        lack: lack_number(waiting.lack),
        from: waiting.from.iter().map(|account| account.as_bytes().to_vec()).collect(),
    }
}

fn load_waiting(stored: &v1::WaitingState) -> Option<Waiting> {
    let state = UnverifiedState::parse(stored.state.as_ref()?).ok()?;
    let from: Vec<_> = stored.from.iter().map(|id| AccountId::from_slice(id)).collect::<Option<_>>()?;
    let some = ascending(&from) && !from.is_empty();
    some.then_some(Waiting { state, lack: lack_of(stored.lack)?, from: from.into_iter().collect() })
}

/// What must hold between the parts.
fn is_consistent(roster: &Roster) -> bool {
    let states =
        || roster.tree.nodes().map(|node| &node.state).chain(roster.earlier.values().map(|earlier| &earlier.state));
    let of_group = |state: &GroupState| state.group() == roster.group();
    let chain = || roster.chain.iter().filter_map(|hash| roster.tree.node(hash)).map(|node| node.state.policy());
    states().all(of_group)
        && chain().all(|policy| roster.floor.raised_by(policy) == roster.floor)
        && roster.earlier.keys().all(|hash| roster.tree.node(hash).is_none())
        && roster.leavers.iter().all(|leaver| roster.current.member(*leaver).is_some())
        && roster.waiting.iter().all(|waiting| {
            let state = waiting.state.claims();
            of_group(state) && roster.tree.node(state.hash()).is_none()
        })
        && is_chosen(roster)
        && is_bounded(roster)
}

/// The rules of B13.3 choose the chain that is there.
fn is_chosen(roster: &Roster) -> bool {
    let selection = roster.chain.first().map(|base| roster.tree.select(*base, &roster.chain));
    selection.is_some_and(|selection| {
        selection.chain == roster.chain && selection.double_hand_over() == roster.double_hand_over
    })
}

fn is_bounded(roster: &Roster) -> bool {
    let mut waiting = BTreeSet::new();
    let mut of_sender = BTreeMap::<_, Vec<usize>>::new();
    for one in &roster.waiting {
        let state = one.state.claims();
        waiting.insert((*state.hash(), state.to_signed().sig));
        one.from.iter().for_each(|account| of_sender.entry(*account).or_default().push(state.weight()));
    }
    let room = |weights: &Vec<usize>| {
        let bytes = weights.iter().fold(0_usize, |sum, weight| sum.saturating_add(*weight));
        weights.len() <= WAITING_STATES && (weights.len() == 1 || bytes <= WAITING_BYTES)
    };
    let earlier = roster.earlier.values().fold(0_usize, |sum, one| sum.saturating_add(one.state.weight()));
    // A GroupUpdate that stopped the group came on top of what was kept, and so did what waited until then.
    let slack = if roster.double_hand_over { STOPPED_EXTRA_BYTES } else { 0 };
    let weight = roster.tree.weight();
    waiting.len() == roster.waiting.len()
        && of_sender.values().all(room)
        && earlier <= EARLIER_STATES_BYTES
        && roster.earlier.len() <= EARLIER_STATES
        && roster.tree.beside(&roster.chain) <= COMPETING_STATES_OF_GROUP
        && (weight <= GROUP_TREE_BYTES.saturating_add(slack) || roster.chain.len() == 1)
        && roster
            .tree
            .nodes()
            .all(|node| roster.tree.children(node.state.hash()).len() <= COMPETING_STATES.saturating_add(1))
}

impl AtRest for v1::RosterState {
    const LIMIT: usize = ROSTER_STATE_BYTES;

    fn complete(&self) -> u32 {
        self.complete
    }
}

const fn standing_number(standing: Standing) -> u32 {
    match standing {
        Standing::Base => 1,
        Standing::Owner => 2,
        Standing::Custodian => 3,
        Standing::FormerCustodian => 4,
    }
}

const fn standing_of(number: u32) -> Option<Standing> {
    match number {
        1 => Some(Standing::Base),
        2 => Some(Standing::Owner),
        3 => Some(Standing::Custodian),
        4 => Some(Standing::FormerCustodian),
        _ => None,
    }
}

const fn lack_number(lack: Lack) -> u32 {
    match lack {
        Lack::Manifest => 1,
        Lack::Directory => 2,
        Lack::Custodian => 3,
        Lack::Archive => 4,
        Lack::Owner => 5,
        Lack::Parent => 6,
    }
}

const fn lack_of(number: u32) -> Option<Lack> {
    match number {
        1 => Some(Lack::Manifest),
        2 => Some(Lack::Directory),
        3 => Some(Lack::Custodian),
        4 => Some(Lack::Archive),
        5 => Some(Lack::Owner),
        6 => Some(Lack::Parent),
        _ => None,
    }
}
