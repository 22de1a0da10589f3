//! Judging states that were received: `docs/protocol.md` B13.2 and B13.3.

mod catch_up;
mod settle;

use std::collections::{BTreeMap, BTreeSet};

use catch_up::Begins;

use super::{Applied, Earlier, Fork, GroupEvent, Roster};
use crate::group::evidence::{Evidence, Signed};
use crate::group::rules::{Refusal, Standing, StateRejected, judge};
use crate::group::state::{GroupState, UnverifiedState};
use crate::group::tree::{Node, StateHash};
use crate::ids::AccountId;
use crate::limits::{COMPETING_STATES_OF_GROUP, GROUP_TREE_BYTES};
use crate::primitives::kdf::sha256;
use crate::wire::v1;

impl Roster {
    /// Judges the states of a GroupUpdate that came on a session with `from`, together with those that wait. From whom
    /// they came decides whose room they take if they wait, and whether a full answer counts (B13.2), and nothing else.
    /// Manifests and directories that came with them are adopted first and are part of `evidence`.
    ///
    /// Time follows from the number of states: each signature is verified a bounded number of times.
    pub fn apply(&self, states: &[v1::Signed], from: AccountId, evidence: &Evidence<'_>) -> Applied {
        let mut work = Work::new(self, Some(from), evidence);
        work.offer_waiting(self);
        for signed in states {
            match UnverifiedState::parse(signed) {
                Ok(state) => work.receive(state, from),
                Err(error) => work.refused.push((sha256(&[&signed.body]), StateRejected::State(error))),
            }
        }
        work.run();
        work.finish(self)
    }

    /// Judges again what waits, and which custodian's state still counts as one, after a manifest or a directory changed.
    pub fn judge_waiting(&self, evidence: &Evidence<'_>) -> Applied {
        let mut work = Work::new(self, None, evidence);
        work.offer_waiting(self);
        work.run();
        work.finish(self)
    }
}

/// A state that is not in the tree yet.
struct Pending {
    state: UnverifiedState,
    from: BTreeSet<AccountId>,
    /// What the keys here say of its signature, computed once.
    signature: Option<Signed>,
    /// As judged on its parent, once that is known.
    verdict: Option<Result<Standing, Refusal>>,
}

struct Work<'a> {
    roster: Roster,
    /// Who sent the GroupUpdate.
    from: Option<AccountId>,
    evidence: &'a Evidence<'a>,
    /// By epoch, then in the order of arrival.
    pool: BTreeMap<Key, Pending>,
    offered: usize,
    /// Those that came with this GroupUpdate.
    received: BTreeSet<Key>,
    /// Those from which no run leads on: the pool only shrinks, so none ever will.
    dead_ends: BTreeSet<(Key, Begins)>,
    /// Where states of ours say that an earlier one is.
    named: BTreeSet<(u64, StateHash)>,
    /// Whether states were taken from an answer that had no room for what vouches for them.
    cut_off: bool,
    /// Whether the rules of B13.3 have to choose again.
    undecided: bool,
    events: Vec<GroupEvent>,
    refused: Vec<(StateHash, StateRejected)>,
    /// How often they chose.
    #[cfg(test)]
    choices: usize,
    /// How many states were looked at as part of a run.
    #[cfg(test)]
    looked_at: usize,
}

type Key = (u64, usize);

impl<'a> Work<'a> {
    fn new(roster: &Roster, from: Option<AccountId>, evidence: &'a Evidence<'a>) -> Self {
        let named = roster.named();
        let roster = Roster { waiting: Vec::new(), ..roster.clone() };
        Self {
            roster,
            from,
            evidence,
            pool: BTreeMap::new(),
            offered: 0,
            received: BTreeSet::new(),
            dead_ends: BTreeSet::new(),
            named,
            cut_off: false,
            undecided: false,
            events: Vec::new(),
            refused: Vec::new(),
            #[cfg(test)]
            choices: 0,
            #[cfg(test)]
            looked_at: 0,
        }
    }

    /// Takes all that can be taken. The rules of B13.3 choose after that, and again only if more can be taken then.
    fn run(&mut self) {
        let mut competes = self.roster.tree.has_forks();
        self.undecided = competes && self.roster.judge_custodians(self.evidence);
        loop {
            while self.step() {}
            if !core::mem::take(&mut self.undecided) {
                break;
            }
            // Who is a custodian matters from the first state that competes on, and may have changed before it came.
            if !core::mem::replace(&mut competes, true) {
                self.roster.judge_custodians(self.evidence);
            }
            self.choose();
        }
    }

    fn offer_waiting(&mut self, roster: &Roster) {
        for waiting in &roster.waiting {
            self.offer(waiting.state.clone(), waiting.from.clone());
        }
    }

    fn receive(&mut self, state: UnverifiedState, from: AccountId) {
        let key = self.offer(state, BTreeSet::from([from]));
        self.received.extend(key);
    }

    /// Where it is in the pool, unless it is known or of another group.
    fn offer(&mut self, state: UnverifiedState, from: BTreeSet<AccountId>) -> Option<Key> {
        let claims = state.claims();
        if claims.group() != self.roster.group() {
            self.refused.push((*claims.hash(), StateRejected::OtherGroup));
            return None;
        }
        // What messages may name can still follow the current state, after a state was taken without those between.
        if self.roster.tree.node(claims.hash()).is_some() {
            return None;
        }
        if let Some((key, pending)) = self.pool.iter_mut().find(|(_, pending)| pending.state == state) {
            pending.from.extend(from);
            return Some(*key);
        }
        self.offered = self.offered.saturating_add(1);
        let key = (claims.epoch(), self.offered);
        self.pool.insert(key, Pending { state, from, signature: None, verdict: None });
        Some(key)
    }

    /// Takes one state out of the pool, or a run of them; `false` when none can be taken.
    fn step(&mut self) -> bool {
        let keys: Vec<Key> = self.pool.keys().copied().collect();
        for key in keys {
            let Some(pending) = self.pool.get(&key) else { continue };
            let claims = pending.state.claims();
            let earlier = self.roster.earlier.contains_key(claims.hash());
            if !earlier && self.named.contains(&(claims.epoch(), *claims.hash())) {
                if matches!(self.signature(key), Some(Signed::Current | Signed::Older)) {
                    self.remember(key);
                    return true;
                }
                continue;
            }
            let Some(parent) = self.roster.tree.node(claims.prev_hash()).map(|node| node.state.clone()) else {
                continue;
            };
            match self.judged(key, &parent) {
                // Only what a custodian builds on.
                Some(Ok(Standing::Owner)) if self.roster.double_hand_over && self.roster.is_full() => {
                    if !self.catch_up(key, &parent) {
                        self.refuse(key, StateRejected::Full);
                    }
                    return true;
                }
                Some(Ok(standing)) => {
                    self.insert(key, standing);
                    return true;
                }
                Some(Err(Refusal::Rejected(reason))) => {
                    // What fails rule 4 or 1 by itself may still have a successor that vouches for it.
                    if !self.catch_up(key, &parent) {
                        self.refuse(key, reason);
                    }
                    return true;
                }
                Some(Err(Refusal::Lacking(_) | Refusal::Unverified)) if self.catch_up(key, &parent) => return true,
                _ => {}
            }
        }
        false
    }

    /// The verdict on a state on its parent, computed once.
    fn judged(&mut self, key: Key, parent: &GroupState) -> Option<Result<Standing, Refusal>> {
        let signature = self.signature(key)?;
        let pending = self.pool.get_mut(&key)?;
        let verdict = pending.verdict.unwrap_or_else(|| judge(parent, &pending.state, signature, self.evidence));
        pending.verdict = Some(verdict);
        Some(verdict)
    }

    fn signature(&mut self, key: Key) -> Option<Signed> {
        let pending = self.pool.get_mut(&key)?;
        let signature = pending.signature.unwrap_or_else(|| self.evidence.signature(&pending.state));
        pending.signature = Some(signature);
        Some(signature)
    }

    fn refuse(&mut self, key: Key, reason: StateRejected) {
        if let Some(pending) = self.pool.remove(&key) {
            self.refused.push((*pending.state.claims().hash(), reason));
        }
    }

    /// A state that one of ours names by its hash: context for messages, never a place to build on.
    fn remember(&mut self, key: Key) {
        if let Some(pending) = self.pool.remove(&key) {
            let state = pending.state.into_verified();
            let superseded = self.roster.entered();
            self.named.extend(place_before(&state));
            self.roster.earlier.insert(*state.hash(), Earlier { state, superseded, lost: false });
        }
    }

    fn insert(&mut self, key: Key, standing: Standing) {
        let Some(pending) = self.pool.remove(&key) else {
            return;
        };
        let now = self.evidence.now;
        let state = pending.state.into_verified();
        let (hash, parent, account) = (*state.hash(), *state.prev_hash(), state.actor().account);
        if self.roster.tree.node(&hash).is_some() {
            return;
        }
        if matches!(standing, Standing::Custodian | Standing::FormerCustodian) {
            self.events.push(GroupEvent::CustodianState { account, state: hash });
        }
        self.roster.earlier.remove(&hash);
        let extends = parent == *self.roster.current.hash();
        let node = Node { state, standing, since: now, superseded: (!extends).then_some(now) };
        self.roster.tree.insert(node);
        if extends {
            self.extend(hash);
            // A hand-over that follows, or a custodian's state, may decide or stop what competes further down.
            self.undecided |= self.roster.tree.has_forks();
        } else {
            self.events.push(GroupEvent::GroupFork(Fork::Competing(hash)));
            self.undecided = true;
        }
    }

    /// Lets the rules of B13.3 choose the chain.
    fn choose(&mut self) {
        #[cfg(test)]
        {
            self.choices = self.choices.saturating_add(1);
        }
        let base = self.roster.chain.first().copied().unwrap_or(*self.roster.current.hash());
        let selection = self.roster.tree.select(base, &self.roster.chain);
        if selection.double_hand_over() && !self.roster.double_hand_over {
            self.events.push(GroupEvent::GroupFork(Fork::DoubleHandOver));
        }
        self.roster.double_hand_over = selection.double_hand_over();
        if selection.chain != self.roster.chain {
            self.follow(selection.chain);
        }
    }

    /// A state that follows the current one.
    fn extend(&mut self, hash: StateHash) {
        let roster = &mut self.roster;
        if let Some(before) = roster.tree.node_mut(roster.current.hash()) {
            before.superseded = Some(self.evidence.now);
        }
        roster.chain.push(hash);
        self.arrive(&hash);
    }

    /// Makes `chain` the chain.
    fn follow(&mut self, chain: Vec<StateHash>) {
        let roster = &mut self.roster;
        let now = self.evidence.now;
        let Some(tip) = chain.last().copied() else { return };
        let old = core::mem::replace(&mut roster.chain, chain);
        let shared = old.iter().zip(&roster.chain).take_while(|(one, other)| one == other).count();
        for hash in old.iter().skip(shared) {
            if let Some(node) = roster.tree.node(hash) {
                self.events.push(GroupEvent::Replaced { author: node.state.actor().account, state: *hash });
            }
        }
        for hash in old.iter().skip(shared.saturating_sub(1)).chain(roster.chain.iter().skip(shared)) {
            if let Some(node) = roster.tree.node_mut(hash) {
                node.superseded = node.superseded.or(Some(now));
            }
        }
        self.arrive(&tip);
    }

    /// The last state of the chain is the current one.
    fn arrive(&mut self, tip: &StateHash) {
        let roster = &mut self.roster;
        if let Some(node) = roster.tree.node_mut(tip) {
            node.superseded = None;
            roster.current = node.state.clone();
        }
        roster.floor = roster.floor.raised_by(roster.current.policy());
        let current = &roster.current;
        roster.leavers.retain(|leaver| current.member(*leaver).is_some());
        self.events.push(GroupEvent::Advanced { epoch: roster.current.epoch() });
    }
}

/// Epoch and hash of the state on which this one stands.
fn place_before(state: &GroupState) -> Option<(u64, StateHash)> {
    Some((state.epoch().checked_sub(1)?, *state.prev_hash()))
}

impl Roster {
    /// Places before the first state of the tree and before those that are earlier than it, as these name them.
    fn named(&self) -> BTreeSet<(u64, StateHash)> {
        let first = self.chain.first().and_then(|hash| self.tree.node(hash)).map(|node| &node.state);
        first.into_iter().chain(self.earlier.values().map(|earlier| &earlier.state)).filter_map(place_before).collect()
    }

    /// When this device came in.
    fn entered(&self) -> crate::time::Timestamp {
        let first = self.chain.first().and_then(|hash| self.tree.node(hash));
        first.map_or_else(Default::default, |node| node.since)
    }

    /// Whether a group that is stopped takes no more states of owners.
    fn is_full(&self) -> bool {
        self.tree.weight() >= GROUP_TREE_BYTES || self.tree.beside(&self.chain) >= COMPETING_STATES_OF_GROUP
    }
}
