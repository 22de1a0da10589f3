//! When a state is valid on another: `docs/protocol.md` B13.2. The numbers are those of its rules.

use super::evidence::{Currency, Evidence, Signed};
use super::member::Role;
use super::policy::{Class, PolicyFloor};
use super::state::{GroupState, StateError, UnverifiedState};
use crate::ids::AccountId;
use crate::organization::{DirectoryPin, OrgRole};
use crate::primitives::Ed25519PublicKey;
use crate::time::Timestamp;

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
    /// The pinned manifest of the actor does not list the device that signed, is under an identity key to which the
    /// listed one does not lead, or expired more than 7 d ago.
    Manifest,
    /// No directory of the practice is here, or one that expired more than 7 d ago, or one that is expired and a
    /// conversation would start.
    Directory,
    /// The pinned directory does not list the actor as records custodian.
    Custodian,
    /// The pinned directory does not list an archive member as archive, or lists it under another identity.
    Archive,
    /// The pinned directory lists the owner, of this state or of the one before it if that owner signed, neither as
    /// clinical nor as records custodian, or lists it under another identity.
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
    /// Of an account that the pinned directory lists as custodian, as it was when it judged last.
    Custodian,
    /// Of a custodian by an older directory, or by a device that is gone: it replaces nothing.
    FormerCustodian,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    Rejected(StateRejected),
    Lacking(Lack),
    /// Nobody here can tell who signed it: it is neither kept nor refused, and asked for again.
    Unverified,
}

/// The strict rules, 1 to 6, by what is known now (rule 5, and one owner, are kept by whatever parses).
pub(super) fn judge(
    parent: &GroupState,
    state: &UnverifiedState,
    signature: Signed,
    evidence: &Evidence<'_>,
) -> Result<Standing, Refusal> {
    let claims = state.claims();
    let actor = claims.actor().account;
    follows(parent, claims).map_err(Refusal::Rejected)?;
    let standing = author(parent, claims).map_err(Refusal::Rejected)?;
    has_archive(claims).map_err(Refusal::Rejected)?;
    verified(signature)?;
    let aik = match (standing, parent.policy().class) {
        (Standing::Owner, Class::Personal) => owner_aik(parent)?,
        (Standing::Owner, Class::Clinical) => {
            leads(parent, actor, evidence)?;
            owner_aik(parent)?
        }
        _ => custodian_aik(directory_now(parent, evidence)?, actor, evidence.now)?,
    };
    signed_by_listed(claims, signature, &aik, evidence)?;
    clinical(claims, evidence)?;
    Ok(standing)
}

/// The relaxed rules, for a state of a run that its last state vouches for: rules 2, 3 and 5, a custodian by any
/// directory that chains to the pinned one; the signature under any key that a manifest lists for the device; and the
/// identity key descends from the listed one.
pub(super) fn judge_vouched(
    parent: &GroupState,
    state: &GroupState,
    signature: Signed,
    evidence: &Evidence<'_>,
) -> Option<Standing> {
    follows(parent, state).ok()?;
    let actor = state.actor().account;
    let standing = match author(parent, state).ok()? {
        Standing::Custodian => {
            let directories = evidence.directories_of(parent.org());
            let mut listed = directories.iter().filter_map(|directory| directory.member(actor));
            listed.find(|entry| entry.has(OrgRole::RecordsCustodian) && evidence.descends(actor, &entry.aik))?;
            Standing::FormerCustodian
        }
        owner => {
            evidence.descends(actor, &owner_aik(parent).ok()?).then_some(())?;
            owner
        }
    };
    matches!(signature, Signed::Current | Signed::Older).then_some(standing)
}

/// Whether this device, which holds `tip`, takes an account's word for a run of states that it cannot judge: the owner of
/// `tip`, whom in class 2 the practice lists now as clinical or records custodian, or, in class 2, a records custodian
/// listed now. The run itself gives nobody this authority.
pub(super) fn may_vouch(tip: &GroupState, account: AccountId, evidence: &Evidence<'_>) -> bool {
    let owns = tip.owner() == Some(account) && owner_aik(tip).is_ok_and(|aik| evidence.descends(account, &aik));
    let recent = evidence.keys(account).is_some_and(|keys| keys.currency == Currency::Recent);
    match tip.policy().class {
        Class::Personal => owns && recent,
        Class::Clinical => {
            let decides = |role| evidence.decides(tip.org(), account, role);
            decides(OrgRole::RecordsCustodian) || (owns && decides(OrgRole::Clinical))
        }
    }
}

const fn verified(signature: Signed) -> Result<(), Refusal> {
    match signature {
        Signed::Current | Signed::Older => Ok(()),
        Signed::Wrong => Err(Refusal::Rejected(StateRejected::Signature)),
        Signed::Unknown => Err(Refusal::Unverified),
    }
}

fn owner_aik(state: &GroupState) -> Result<Ed25519PublicKey, Refusal> {
    let owner = state.members().iter().find(|member| member.role == Role::Owner);
    owner.map(|owner| owner.aik).ok_or(Refusal::Rejected(StateRejected::NotOwner))
}

/// The pinned directory of the practice of `state`, while it decides (rule 6).
fn directory_now<'a>(state: &GroupState, evidence: &Evidence<'a>) -> Result<&'a DirectoryPin, Refusal> {
    let pin = evidence.pin_of(state.org()).filter(|pin| !evidence.is_lapsed(pin));
    pin.ok_or(Refusal::Lacking(Lack::Directory))
}

fn custodian_aik(pin: &DirectoryPin, account: AccountId, now: Timestamp) -> Result<Ed25519PublicKey, Refusal> {
    let listed = pin.listed_as(account, OrgRole::RecordsCustodian, now);
    listed.map(|entry| entry.aik).ok_or(Refusal::Lacking(Lack::Custodian))
}

/// Clinical or records custodian, as whom the practice of `state` means: who may own a clinical group.
fn leads(state: &GroupState, account: AccountId, evidence: &Evidence<'_>) -> Result<(), Refusal> {
    let directory = directory_now(state, evidence)?;
    let may = [OrgRole::Clinical, OrgRole::RecordsCustodian];
    let listed = may.iter().any(|role| directory.lists(account, *role, evidence.now));
    match listed && evidence.listed_otherwise(state.org(), account).is_none() {
        true => Ok(()),
        false => Err(Refusal::Lacking(Lack::Owner)),
    }
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
fn keeps_promises(earlier: &GroupState, state: &GroupState) -> Result<(), StateRejected> {
    keeps_floor(PolicyFloor::of(earlier.policy()), state)?;
    match earlier.org().is_some() && state.org() != earlier.org() {
        true => Err(StateRejected::OrgChanged),
        false => Ok(()),
    }
}

/// Class and `keep_at_least_ms` do not fall below what was promised.
fn keeps_floor(floor: PolicyFloor, state: &GroupState) -> Result<(), StateRejected> {
    if state.policy().class < floor.class {
        return Err(StateRejected::ClassFell);
    }
    match state.policy().retention.keep_at_least_ms < floor.keep_at_least_ms {
        true => Err(StateRejected::RetentionFell),
        false => Ok(()),
    }
}

/// Rule 3 for a state that is taken without those between, against the state held and the floor.
pub(super) fn keeps_all_promises(
    held: &GroupState,
    floor: PolicyFloor,
    state: &GroupState,
) -> Result<(), StateRejected> {
    keeps_promises(held, state)?;
    keeps_floor(floor, state)
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

/// Rules 1 and 6: a key of the pinned manifest verified it, the identity key of that manifest is `aik` or one that the
/// chain leads to from it, and the manifest has not expired more than 7 d ago.
fn signed_by_listed(
    state: &GroupState,
    signature: Signed,
    aik: &Ed25519PublicKey,
    evidence: &Evidence<'_>,
) -> Result<(), Refusal> {
    let keys = evidence.keys(state.actor().account).filter(|keys| keys.descends_from(aik));
    let recent = keys.is_some_and(|keys| keys.currency == Currency::Recent);
    match recent && signature == Signed::Current {
        true => Ok(()),
        false => Err(Refusal::Lacking(Lack::Manifest)),
    }
}

/// The same rules for a state that nothing here comes before: the actor is its owner, or a records custodian listed now.
pub(super) fn judge_first(state: &UnverifiedState, evidence: &Evidence<'_>) -> Result<(), Refusal> {
    let claims = state.claims();
    let actor = claims.actor().account;
    has_archive(claims).map_err(Refusal::Rejected)?;
    let signature = evidence.signature(state);
    verified(signature)?;
    let aik = match (claims.owner() == Some(actor), claims.policy().class) {
        (true, _) => owner_aik(claims)?,
        (false, Class::Personal) => return Err(Refusal::Rejected(StateRejected::NotOwner)),
        (false, Class::Clinical) => custodian_aik(directory_now(claims, evidence)?, actor, evidence.now)?,
    };
    signed_by_listed(claims, signature, &aik, evidence)?;
    clinical(claims, evidence)
}

/// Rule 4 as far as the state tells: a clinical group has a practice and an archive.
fn has_archive(state: &GroupState) -> Result<(), StateRejected> {
    if state.policy().class != Class::Clinical {
        return Ok(());
    }
    state.org().ok_or(StateRejected::NoOrg)?;
    match state.members().iter().any(|member| member.role == Role::Archive) {
        true => Ok(()),
        false => Err(StateRejected::NoArchive),
    }
}

/// Rule 4: every archive member of a clinical group is listed by the practice as archive, the owner as clinical or records
/// custodian, and what is pinned of each is whom the practice means.
pub(super) fn clinical(state: &GroupState, evidence: &Evidence<'_>) -> Result<(), Refusal> {
    if state.policy().class != Class::Clinical {
        return Ok(());
    }
    has_archive(state).map_err(Refusal::Rejected)?;
    let (directory, now) = (directory_now(state, evidence)?, evidence.now);
    let mut archives = state.members().iter().filter(|member| member.role == Role::Archive);
    let listed = |account| {
        directory.lists(account, OrgRole::Archive, now) && evidence.listed_otherwise(state.org(), account).is_none()
    };
    if !archives.all(|member| listed(member.account)) {
        return Err(Refusal::Lacking(Lack::Archive));
    }
    state.owner().map_or(Err(Refusal::Lacking(Lack::Owner)), |owner| leads(state, owner, evidence))
}
