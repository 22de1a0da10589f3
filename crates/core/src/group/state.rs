//! `GroupState`: `docs/protocol.md` B13.1.

use core::fmt;
use std::sync::Arc;

use rand_core::TryCryptoRng;

use super::member::{Member, Role};
use super::policy::{Class, Policy};
use crate::content::collides_with_pair;
use crate::identity::LocalDevice;
use crate::ids::{AccountId, DeviceId, GroupId, OrgId};
use crate::labels::Label;
use crate::limits::{GROUP_EPOCHS, GROUP_MEMBERS, GROUP_TITLE_BYTES, STATE_OVERHEAD_BYTES};
use crate::primitives::{Ed25519PublicKey, Signature, kdf};
use crate::random::{RandomError, draw};
use crate::time::Timestamp;
use crate::wire::{SignedBody, WireError, array, required, v1};

/// Why a state is none, whatever comes before it (rule 5, and one owner).
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StateError {
    /// Not canonical, another version, a field of a wrong length, a key that fails B1.1, no policy.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// None or more than 50 members, or accounts that do not ascend.
    #[error("the list of members breaks a rule")]
    Members,
    /// An unknown role, or an archive in a personal group.
    #[error("a role that cannot be")]
    Role,
    /// No owner, or more than one.
    #[error("not exactly one owner")]
    Owners,
    /// An unknown class.
    #[error("an unknown class")]
    Class,
    /// A personal group with the id of a practice.
    #[error("a personal group of a practice")]
    Org,
    /// A title of more than 256 bytes.
    #[error("the title is too long")]
    Title,
    /// Epoch 0 that names a previous state, or one that its owner did not issue.
    #[error("the first state breaks a rule")]
    First,
    /// The id of a conversation of two of its members.
    #[error("the group has the id of a pair")]
    GroupIdOfPair,
    /// An epoch of 2^32 or more.
    #[error("the epoch is too high")]
    Epoch,
    /// The last epoch, or an issuer that is nobody.
    #[error("no state can follow")]
    Last,
    /// The random source failed.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// Who signed a state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Actor {
    /// The account.
    pub account: AccountId,
    /// Its device.
    pub device: DeviceId,
}

/// What a state says of its group; the rest follows from its place in the chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupDraft {
    /// 1 to 50 in any order, exactly one of them the owner.
    pub members: Vec<Member>,
    /// At most 256 bytes.
    pub title: String,
    /// Class, retention, export.
    pub policy: Policy,
    /// The practice of a clinical group.
    pub org: Option<OrgId>,
}

/// A state that parses, whose signature nobody has looked at.
#[derive(Clone, PartialEq, Eq)]
pub struct UnverifiedState(GroupState);

/// A signed state of a group, with the bytes as received. A copy shares them.
#[derive(Clone, PartialEq, Eq)]
pub struct GroupState {
    body: Arc<[u8]>,
    sig: Signature,
    hash: [u8; 32],
    group: GroupId,
    epoch: u64,
    prev_hash: [u8; 32],
    members: Arc<[Member]>,
    actor: Actor,
    at: Timestamp,
    title: Arc<str>,
    policy: Policy,
    org: Option<OrgId>,
}

impl UnverifiedState {
    /// Every rule that needs neither another state nor a key.
    pub fn parse(signed: &v1::Signed) -> Result<Self, StateError> {
        let message = v1::GroupState::parse(&signed.body)?;
        if message.members.is_empty() || message.members.len() > GROUP_MEMBERS {
            return Err(StateError::Members);
        }
        let members = message.members.iter().map(Member::parse).collect::<Result<Arc<[_]>, _>>()?;
        if !members.is_sorted_by(|one, next| one.account < next.account) {
            return Err(StateError::Members);
        }
        let policy = Policy::parse(required(&message.policy)?).ok_or(StateError::Class)?;
        let org = match message.org_id.as_slice() {
            [] => None,
            id => Some(OrgId::from_bytes(array(id)?)),
        };
        let state = GroupState {
            body: signed.body.as_slice().into(),
            sig: array(&signed.sig)?,
            hash: kdf::sha256(&[&signed.body]),
            group: GroupId::from_bytes(array(&message.group_id)?),
            epoch: message.epoch,
            prev_hash: array(&message.prev_hash)?,
            members,
            actor: Actor {
                account: AccountId::from_bytes(array(&message.actor_account)?),
                device: DeviceId::new(message.actor_device).ok_or(WireError::Field)?,
            },
            at: Timestamp::from_millis(message.at_ms),
            title: message.title.into(),
            policy,
            org,
        };
        state.check_rules()?;
        Ok(Self(state))
    }

    /// `VERIFY(DSK of the actor, "group-state", body)`. Whether `dsk` is that key is the caller's to know.
    pub(super) fn verifies(&self, dsk: &Ed25519PublicKey) -> bool {
        dsk.verify(Label::GroupState, &[&self.0.body], &self.0.sig)
    }

    /// What it says, still unverified.
    pub(super) const fn claims(&self) -> &GroupState {
        &self.0
    }

    /// After a signature verified, or a verified state named its hash.
    pub(super) fn into_verified(self) -> GroupState {
        self.0
    }
}

impl GroupState {
    /// Signs the first state of a new group, with a random id. The device's account is its owner.
    pub fn create(
        device: &LocalDevice,
        draft: GroupDraft,
        now: Timestamp,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Self, StateError> {
        let group = GroupId::from_bytes(*draw(rng)?);
        Self::issue(device, Place { group, epoch: 0, prev_hash: NO_PREVIOUS }, draft, now)
    }

    /// Signs a state that follows this one. Whether it may is judged by [`Roster`](super::Roster).
    pub(crate) fn succeed(&self, device: &LocalDevice, draft: GroupDraft, now: Timestamp) -> Result<Self, StateError> {
        let epoch = self.epoch.checked_add(1).filter(|epoch| *epoch < GROUP_EPOCHS).ok_or(StateError::Last)?;
        Self::issue(device, Place { group: self.group, epoch, prev_hash: self.hash }, draft, now)
    }

    fn issue(device: &LocalDevice, place: Place, draft: GroupDraft, now: Timestamp) -> Result<Self, StateError> {
        let GroupDraft { mut members, title, policy, org } = draft;
        members.sort_by_key(|member| member.account);
        let address = device.public().address;
        let message = v1::GroupState {
            version: 1,
            group_id: place.group.as_bytes().to_vec(),
            epoch: place.epoch,
            prev_hash: place.prev_hash.to_vec(),
            members: members.into_iter().map(Member::to_wire).collect(),
            actor_account: address.account.as_bytes().to_vec(),
            actor_device: address.device.as_u32(),
            at_ms: now.as_millis(),
            title,
            policy: Some(policy.to_wire()),
            org_id: org.map_or_else(Vec::new, |org| org.as_bytes().to_vec()),
            ext: Vec::new(),
        };
        UnverifiedState::parse(&message.sign(device.dsk())).map(UnverifiedState::into_verified)
    }

    fn check_rules(&self) -> Result<(), StateError> {
        let personal = self.policy.class == Class::Personal;
        if self.members.iter().filter(|member| member.role == Role::Owner).count() != 1 {
            return Err(StateError::Owners);
        }
        if personal && self.members.iter().any(|member| member.role == Role::Archive) {
            return Err(StateError::Role);
        }
        if personal && self.org.is_some() {
            return Err(StateError::Org);
        }
        if self.title.len() > GROUP_TITLE_BYTES {
            return Err(StateError::Title);
        }
        if self.epoch >= GROUP_EPOCHS {
            return Err(StateError::Epoch);
        }
        if self.epoch == 0 && (self.prev_hash != NO_PREVIOUS || self.owner() != Some(self.actor.account)) {
            return Err(StateError::First);
        }
        let accounts: Vec<_> = self.members.iter().map(|member| member.account).collect();
        match collides_with_pair(&self.group, &accounts) {
            true => Err(StateError::GroupIdOfPair),
            false => Ok(()),
        }
    }

    /// To look at its signature again.
    pub(super) fn unverified(&self) -> UnverifiedState {
        UnverifiedState(self.clone())
    }

    /// As it travels, byte for byte.
    pub fn to_signed(&self) -> v1::Signed {
        v1::Signed { body: self.body.to_vec(), sig: self.sig.to_vec() }
    }

    /// What it weighs against the limits of B16: its body and 80 bytes.
    pub(super) fn weight(&self) -> usize {
        self.body.len().saturating_add(STATE_OVERHEAD_BYTES)
    }

    /// `state_hash = SHA-256(body)`.
    pub const fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// Of which group.
    pub const fn group(&self) -> GroupId {
        self.group
    }

    /// Its place in the chain, from 0.
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The hash of the one before it.
    pub const fn prev_hash(&self) -> &[u8; 32] {
        &self.prev_hash
    }

    /// Who signed it.
    pub const fn actor(&self) -> Actor {
        self.actor
    }

    /// When, by the actor's clock: informs only.
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// What the group is called.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// As this state says. What a device applies is [`Roster::policy`](super::Roster::policy).
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The practice of a clinical group.
    pub const fn org(&self) -> Option<OrgId> {
        self.org
    }

    /// Ascending by account.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The entry of an account.
    pub fn member(&self, account: AccountId) -> Option<&Member> {
        self.members.iter().find(|member| member.account == account)
    }

    /// The one owner.
    pub fn owner(&self) -> Option<AccountId> {
        self.members.iter().find(|member| member.role == Role::Owner).map(|member| member.account)
    }

    /// As a draft, to be edited.
    pub fn to_draft(&self) -> GroupDraft {
        GroupDraft { members: self.members.to_vec(), title: self.title.to_string(), policy: self.policy, org: self.org }
    }
}

struct Place {
    group: GroupId,
    epoch: u64,
    prev_hash: [u8; 32],
}

impl fmt::Debug for UnverifiedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnverifiedState(epoch {})", self.0.epoch)
    }
}

impl fmt::Debug for GroupState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupState(epoch {})", self.epoch)
    }
}

impl SignedBody for v1::GroupState {
    const LABEL: Label = Label::GroupState;

    fn version(&self) -> Option<u32> {
        Some(self.version)
    }

    fn extensions(&self) -> &[v1::Ext] {
        &self.ext
    }
}

const NO_PREVIOUS: [u8; 32] = [0; 32];
