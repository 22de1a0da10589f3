//! When a state is valid on another: `docs/protocol.md` B13.2. The numbers are those of its rules.

use super::evidence::Evidence;
use super::member::Role;
use super::policy::Class;
use super::state::{GroupState, StateError, UnverifiedState};
use crate::ids::AccountId;
use crate::organization::OrgRole;
use crate::primitives::Ed25519PublicKey;

/// Why a state is refused for good.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StateRejected {
    /// It is none.
    #[error(transparent)]
    State(#[from] StateError),
    /// Of another group.
    #[error("of another group")]
    OtherGroup,
    /// Not the epoch after that of the state which it names.
    #[error("the epoch does not follow")]
    Epoch,
    /// The actor is not the owner, and nothing makes it a custodian.
    #[error("not issued by the owner")]
    NotOwner,
    /// The class falls.
    #[error("the class falls")]
    ClassFell,
    /// `keep_at_least_ms` falls.
    #[error("the retention falls")]
    RetentionFell,
    /// Another practice than before.
    #[error("the practice changes")]
    OrgChanged,
    /// A clinical group without a practice.
    #[error("a clinical group without a practice")]
    NoOrg,
    /// A clinical group without an archive.
    #[error("a clinical group without an archive")]
    NoArchive,
    /// Not signed by the device that it names.
    #[error("the signature does not verify")]
    Signature,
    /// Two hand-overs stop the group, and as many states are here as are kept: only a custodian may add one.
    #[error("the group is stopped and full")]
    Full,
}

/// What a state fails by that a newer manifest or directory may give: it is kept, and judged again then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lack {
    /// No manifest here lists the actor's device, under an identity key to which the listed one leads.
    Manifest,
    /// No directory of the practice is here, or one that is expired and a conversation would start.
    Directory,
    /// The pinned directory does not list the actor as records custodian.
    Custodian,
    /// The pinned directory does not list an archive member as archive.
    Archive,
    /// The pinned directory lists the owner neither as clinical nor as records custodian.
    Owner,
    /// The state on which it stands lacks something itself.
    Parent,
}

/// Whose word a valid state is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    /// Where this device came in.
    Base,
    /// Of the owner of its parent, custodian or not.
    Owner,
    /// Of an account that the directory pinned at its acceptance lists as custodian.
    Custodian,
    /// Of a custodian by an older directory: it was caught up with, and replaces nothing.
    FormerCustodian,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    Rejected(StateRejected),
    Lacking(Lack),
}

/// Rules 1 to 4 for a state that is the newest (rule 5, and one owner, are kept by whatever parses).
pub(super) fn judge(
    parent: &GroupState,
    state: &UnverifiedState,
    evidence: &Evidence<'_>,
) -> Result<Standing, Refusal> {
    let claims = state.claims();
    follows(parent, claims).map_err(Refusal::Rejected)?;
    let actor = claims.actor().account;
    let standing = author(parent, claims).map_err(Refusal::Rejected)?;
    let aik = match standing {
        Standing::Custodian => {
            let directory = evidence.directory_of(parent.org()).ok_or(Refusal::Lacking(Lack::Directory))?;
            let entry = directory.listed(actor, evidence.now).filter(|entry| entry.has(OrgRole::RecordsCustodian));
            entry.ok_or(Refusal::Lacking(Lack::Custodian))?.aik
        }
        _ => parent.member(actor).ok_or(Refusal::Rejected(StateRejected::NotOwner))?.aik,
    };
    signed_by_listed(state, &aik, evidence)?;
    clinical(claims, evidence)?;
    Ok(standing)
}

/// Rules 2, 3 and 5 and the signature, for a state that its successor vouches for: a custodian by any directory that
/// chains to the pinned one, the signature under any key that a manifest ever listed for the device.
pub(super) fn judge_vouched(parent: &GroupState, state: &UnverifiedState, evidence: &Evidence<'_>) -> Option<Standing> {
    let claims = state.claims();
    let actor = claims.actor();
    follows(parent, claims).ok()?;
    let standing = match author(parent, claims).ok()? {
        Standing::Custodian => {
            let directories = evidence.directories_of(parent.org());
            let listed = directories.iter().filter_map(|directory| directory.member(actor.account));
            listed.into_iter().find(|entry| entry.has(OrgRole::RecordsCustodian))?;
            Standing::FormerCustodian
        }
        owner => owner,
    };
    evidence.keys(actor.account)?.ever(actor.device).any(|dsk| state.verifies(dsk)).then_some(standing)
}

/// Whether a state's author is somebody from whom this device, which holds `tip`, takes the word for what came
/// between: a member of the state that is here, or somebody whom the practice lists as clinical or custodian.
/// Otherwise a removed device of the owner could hand the group to anybody, who would vouch for it.
pub(super) fn may_vouch(tip: &GroupState, state: &GroupState, evidence: &Evidence<'_>) -> bool {
    let actor = state.actor().account;
    tip.member(actor).is_some() || (tip.policy().class == Class::Clinical && leads(tip, actor, evidence))
}

/// Whether an account may vouch by its session for an answer that has no room for the state that would: who could
/// become the owner and sign that state. Rule 4 has to hold for the last state of such an answer, as for the newest.
pub(super) fn may_vouch_by_session(tip: &GroupState, from: AccountId, evidence: &Evidence<'_>) -> bool {
    match tip.policy().class {
        Class::Personal => tip.member(from).is_some(),
        Class::Clinical => leads(tip, from, evidence),
    }
}

/// Whether the practice lists an account as clinical or custodian.
fn leads(tip: &GroupState, account: AccountId, evidence: &Evidence<'_>) -> bool {
    let listed = evidence.directory_of(tip.org()).and_then(|directory| directory.listed(account, evidence.now));
    listed.is_some_and(|entry| entry.has(OrgRole::Clinical) || entry.has(OrgRole::RecordsCustodian))
}

/// Rule 3, and the place in the chain: the same group, epoch n+1, `prev_hash`; class and `keep_at_least_ms` do not
/// fall; `org_id` once set does not change.
pub(super) fn follows(parent: &GroupState, state: &GroupState) -> Result<(), StateRejected> {
    if parent.group() != state.group() {
        return Err(StateRejected::OtherGroup);
    }
    if parent.epoch().checked_add(1) != Some(state.epoch()) || parent.hash() != state.prev_hash() {
        return Err(StateRejected::Epoch);
    }
    keeps_promises(parent, state)
}

/// Rule 3 without the place.
pub(super) fn keeps_promises(earlier: &GroupState, state: &GroupState) -> Result<(), StateRejected> {
    if state.policy().class < earlier.policy().class {
        return Err(StateRejected::ClassFell);
    }
    if state.policy().retention.keep_at_least_ms < earlier.policy().retention.keep_at_least_ms {
        return Err(StateRejected::RetentionFell);
    }
    match earlier.org().is_some() && state.org() != earlier.org() {
        true => Err(StateRejected::OrgChanged),
        false => Ok(()),
    }
}

/// Rule 2 by the states alone: the owner in epoch n, or, if epoch n is class 2, somebody who claims to be a custodian.
fn author(parent: &GroupState, state: &GroupState) -> Result<Standing, StateRejected> {
    match parent.owner() == Some(state.actor().account) {
        true => Ok(Standing::Owner),
        false if parent.policy().class == Class::Clinical => Ok(Standing::Custodian),
        false => Err(StateRejected::NotOwner),
    }
}

/// Whether a state that was stored may stand on another with this standing.
pub(super) fn stands_on(parent: &GroupState, state: &GroupState, standing: Standing) -> bool {
    let author_is = match standing {
        Standing::Base => return false,
        Standing::Owner => Standing::Owner,
        Standing::Custodian | Standing::FormerCustodian => Standing::Custodian,
    };
    follows(parent, state).is_ok() && author(parent, state) == Ok(author_is)
}

/// Rule 1: the signature verifies under the DSK of the actor's device in its account's manifest, whose identity key is
/// `aik` or one that the chain leads to from it.
pub(super) fn signed_by_listed(
    state: &UnverifiedState,
    aik: &Ed25519PublicKey,
    evidence: &Evidence<'_>,
) -> Result<(), Refusal> {
    let actor = state.claims().actor();
    let keys = evidence.keys(actor.account).filter(|keys| keys.descends_from(aik));
    let mut listed = keys.into_iter().flat_map(|keys| keys.current(actor.device)).peekable();
    if listed.peek().is_none() {
        return Err(Refusal::Lacking(Lack::Manifest));
    }
    match listed.any(|dsk| state.verifies(dsk)) {
        true => Ok(()),
        false => Err(Refusal::Rejected(StateRejected::Signature)),
    }
}

/// Rule 4: a clinical group has a practice and an archive; every archive member is listed by the practice as archive,
/// the owner as clinical or records custodian.
pub(super) fn clinical(state: &GroupState, evidence: &Evidence<'_>) -> Result<(), Refusal> {
    if state.policy().class != Class::Clinical {
        return Ok(());
    }
    let org = state.org().ok_or(Refusal::Rejected(StateRejected::NoOrg))?;
    let mut archives = state.members().iter().filter(|member| member.role == Role::Archive).peekable();
    if archives.peek().is_none() {
        return Err(Refusal::Rejected(StateRejected::NoArchive));
    }
    let directory = evidence.directory_of(Some(org)).ok_or(Refusal::Lacking(Lack::Directory))?;
    let now = evidence.now;
    if !archives.all(|member| directory.lists(member.account, OrgRole::Archive, now)) {
        return Err(Refusal::Lacking(Lack::Archive));
    }
    let leads = |role| state.owner().is_some_and(|owner| directory.lists(owner, role, now));
    match leads(OrgRole::Clinical) || leads(OrgRole::RecordsCustodian) {
        true => Ok(()),
        false => Err(Refusal::Lacking(Lack::Owner)),
    }
}
