//! How a device comes into a group: `docs/protocol.md` B13.4.

use super::evidence::Evidence;
use super::policy::Class;
use super::roster::{Fork, GroupEvent, Roster};
use super::rules::{Lack, Refusal, StateRejected, clinical, keeps_promises, signed_by_listed};
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
    /// Neither the owner of the newest state here nor a listed records custodian issued it; in a personal group: nobody
    /// who is a member of the newest state here.
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
    /// The same in a personal group, and the person was shown who says what, and agreed.
    Acknowledged(Timestamp),
}

/// A roster that begins with the state that brought this device in.
#[derive(Clone, PartialEq, Eq, Debug)]
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
        let state = judge_first(state, own, from, evidence)?;
        if evidence.directory_of(state.org()).is_some_and(|directory| directory.is_expired(evidence.now)) {
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
        let state = judge_first(state, own, from, evidence)?;
        if state.group() != self.group() {
            return Err(JoinError::Rejected(StateRejected::OtherGroup));
        }
        if state.epoch() <= self.current.epoch() {
            return Err(JoinError::NotNewer);
        }
        keeps_promises(&self.current, &state)?;
        let absent = self.current.member(own).is_none();
        match why {
            Rejoining::Absent if absent => {}
            Rejoining::Unanswered(since) if self.may_rejoin(since, evidence.now) => {
                let actor = state.actor().account;
                let custodian = evidence
                    .directory_of(self.current.org())
                    .is_some_and(|directory| directory.lists(actor, OrgRole::RecordsCustodian, evidence.now));
                if self.current.owner() != Some(actor) && !custodian {
                    return Err(JoinError::Issuer);
                }
            }
            Rejoining::Acknowledged(since) if self.may_acknowledge(since, evidence.now) => {
                self.current.member(state.actor().account).ok_or(JoinError::Issuer)?;
            }
            Rejoining::Absent | Rejoining::Unanswered(_) | Rejoining::Acknowledged(_) => {
                return Err(JoinError::Between);
            }
        }
        let mut roster = Self::starting(state, evidence.now);
        roster.floor = self.floor.raised_by(roster.current.policy());
        roster.earlier = self.earlier.clone();
        let known = self.tree.nodes();
        roster.earlier.extend(known.map(|node| {
            let since = node.superseded.unwrap_or(evidence.now);
            (*node.state.hash(), (node.state.clone(), since))
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

    /// Whether a member of a personal group that asked at `since` has waited long enough for its person to be asked.
    pub fn may_acknowledge(&self, since: Timestamp, now: Timestamp) -> bool {
        self.policy().class == Class::Personal && now.since(since) >= REJOIN_AFTER_MS
    }
}

/// A state as the first one that a device sees of its group: rules 1, 4 and 5. Of rule 2 what can be said without the
/// state before: at epoch 0 the actor is the owner; later a member, or a custodian of the practice.
fn judge_first(
    signed: &v1::Signed,
    own: AccountId,
    from: AccountId,
    evidence: &Evidence<'_>,
) -> Result<GroupState, JoinError> {
    let state = UnverifiedState::parse(signed).map_err(StateRejected::State)?;
    let claims = state.claims();
    let actor = claims.actor().account;
    if claims.member(own).is_none() {
        return Err(JoinError::NotMember);
    }
    if from != actor && Some(from) != claims.owner() {
        return Err(JoinError::Sender);
    }
    let listed = evidence.directory_of(claims.org()).and_then(|directory| directory.listed(actor, evidence.now));
    let custodian = listed.filter(|entry| entry.has(OrgRole::RecordsCustodian)).map(|entry| entry.aik);
    let aik = claims.member(actor).map(|member| member.aik).or(custodian).ok_or(StateRejected::NotOwner)?;
    signed_by_listed(&state, &aik, evidence)?;
    clinical(claims, evidence)?;
    Ok(state.into_verified())
}

impl From<Refusal> for JoinError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Rejected(reason) => Self::Rejected(reason),
            Refusal::Lacking(lack) => Self::Lacking(lack),
        }
    }
}
