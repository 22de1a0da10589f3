//! How a device comes into a group: `docs/protocol.md` B13.4.

use std::collections::BTreeSet;

use super::evidence::Evidence;
use super::policy::Class;
use super::roster::{Earlier, Fork, GroupEvent, Roster};
use super::rules::{Lack, Refusal, StateRejected, judge_first, keeps_all_promises, may_vouch};
use super::state::{GroupState, UnverifiedState};
use crate::ids::AccountId;
use crate::limits::REJOIN_AFTER_MS;
use crate::organization::OrgRole;
use crate::time::Timestamp;
use crate::wire::v1;

/// Why a state brings nobody into a group. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum JoinError {
    /// It breaks a rule.
    #[error(transparent)]
    Rejected(#[from] StateRejected),
    /// A manifest or directory is missing: it is kept, and judged again when that is here.
    #[error("a manifest or directory is missing")]
    Lacking(Lack),
    /// It does not list the own account.
    #[error("the own account is no member")]
    NotMember,
    /// It came from a session with neither its actor nor its owner.
    #[error("neither from its actor nor from its owner")]
    Sender,
    /// It is not newer than the one that is here.
    #[error("not newer than the state that is here")]
    NotNewer,
    /// This device is in the group, and needs every state in between.
    #[error("the states between are needed")]
    Between,
    /// Neither the owner of the newest state here nor a records custodian listed now issued it.
    #[error("issued by nobody who may")]
    Issuer,
}

/// Why a device that has a roster takes a state without those between.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rejoining {
    /// It was removed, and is added again.
    Absent,
    /// It asked for the states between at this time, and nobody answered. Clinical groups only.
    Unanswered(Timestamp),
    /// The person at the device was shown `GroupFork` with both states, or that nothing which was answered connects them,
    /// and took this one; of an archive the practice did. Both classes, at any time, whatever the epoch.
    Confirmed,
}

/// A roster that begins with the state that brought this device in.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Joined {
    /// To be stored.
    pub roster: Roster,
    /// In the order in which they are raised.
    pub events: Vec<GroupEvent>,
}

impl Roster {
    /// Takes a first state of a group, from a session with `from`: its actor or its owner. A state of a clinical group
    /// needs a directory that is not expired.
    pub fn join(
        state: &v1::Signed,
        own: AccountId,
        from: AccountId,
        evidence: &Evidence<'_>,
    ) -> Result<Joined, JoinError> {
        let state = first(state, own, from, evidence)?;
        if evidence.pin_of(state.org()).is_some_and(|pin| pin.current().is_expired(evidence.now)) {
            // An expired directory judges conversations that exist, and starts none.
            return Err(JoinError::Lacking(Lack::Directory));
        }
        let roster = Self::starting(state, evidence.now);
        let events = roster.changed_keys(evidence).map(GroupEvent::MemberKeyChanged).collect();
        Ok(Joined { roster, events })
    }

    /// Takes a state as if joining, in a group that is known here. What was known stays as context for messages, and
    /// the floor of class and retention stays in force.
    pub fn rejoin(
        &self,
        state: &v1::Signed,
        own: AccountId,
        from: AccountId,
        why: Rejoining,
        evidence: &Evidence<'_>,
    ) -> Result<Joined, JoinError> {
        let state = first(state, own, from, evidence)?;
        if state.group() != self.group() {
            return Err(JoinError::Rejected(StateRejected::OtherGroup));
        }
        if why != Rejoining::Confirmed && state.epoch() <= self.current.epoch() {
            return Err(JoinError::NotNewer);
        }
        keeps_all_promises(&self.current, self.floor, &state)?;
        let absent = self.current.member(own).is_none();
        match why {
            Rejoining::Confirmed => {}
            Rejoining::Absent if absent => self.by_known(&state, evidence)?,
            Rejoining::Unanswered(since) if self.may_rejoin(since, evidence.now) => self.by_known(&state, evidence)?,
            Rejoining::Absent | Rejoining::Unanswered(_) => return Err(JoinError::Between),
        }
        let mut roster = Self::starting(state, evidence.now);
        roster.floor = self.floor.raised_by(roster.current.policy());
        roster.earlier = self.earlier.clone();
        let (known, chain) = (self.tree.nodes(), BTreeSet::from_iter(&self.chain));
        roster.earlier.extend(known.map(|node| {
            let (state, hash) = (node.state.clone(), *node.state.hash());
            let superseded = node.superseded.unwrap_or(evidence.now);
            (hash, Earlier { state, superseded, lost: !chain.contains(&hash) })
        }));
        // It may have been known as one that lost.
        roster.earlier.remove(roster.current.hash());
        roster.bound_earlier();
        let rejoined = GroupEvent::GroupFork(Fork::Rejoined(*roster.current.hash()));
        let fork = (why != Rejoining::Absent).then_some(rejoined);
        let keys = roster.changed_keys(evidence).map(GroupEvent::MemberKeyChanged);
        let events = fork.into_iter().chain(keys).collect();
        Ok(Joined { roster, events })
    }

    /// Whether a member of a clinical group that asked at `since` has waited long enough.
    pub fn may_rejoin(&self, since: Timestamp, now: Timestamp) -> bool {
        self.policy().class == Class::Clinical && now.since(since) >= REJOIN_AFTER_MS
    }

    /// Whether a state is of the owner of the state held, under the identity key that this one names, or, in class 2, of
    /// a records custodian listed now. In a group that two hand-overs stop the owner held is one of two: there a custodian.
    fn by_known(&self, state: &GroupState, evidence: &Evidence<'_>) -> Result<(), JoinError> {
        let actor = state.actor().account;
        let known = match self.double_hand_over {
            true => evidence.decides(self.current.org(), actor, OrgRole::RecordsCustodian),
            false => may_vouch(&self.current, actor, evidence),
        };
        known.then_some(()).ok_or(JoinError::Issuer)
    }
}

/// A state as the first one that a device sees of its group, from a session with its actor or its owner: all rules, and
/// the actor is its owner or, in class 2, a records custodian listed now.
fn first(
    signed: &v1::Signed,
    own: AccountId,
    from: AccountId,
    evidence: &Evidence<'_>,
) -> Result<GroupState, JoinError> {
    let state = UnverifiedState::parse(signed).map_err(StateRejected::State)?;
    let claims = state.claims();
    if claims.member(own).is_none() {
        return Err(JoinError::NotMember);
    }
    if from != claims.actor().account && Some(from) != claims.owner() {
        return Err(JoinError::Sender);
    }
    judge_first(&state, evidence)?;
    Ok(state.into_verified())
}

impl From<Refusal> for JoinError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Rejected(reason) => Self::Rejected(reason),
            Refusal::Lacking(lack) => Self::Lacking(lack),
            Refusal::Unverified => Self::Lacking(Lack::Manifest),
        }
    }
}
