//! Directories of a practice: `docs/protocol.md` B17.

use core::fmt;
use std::sync::Arc;

use super::key::OrgKey;
use super::member::{OrgMember, OrgRole};
use crate::ids::{AccountId, OrgId};
use crate::labels::Label;
use crate::limits::{ORG_DIRECTORY_BYTES, ORG_DIRECTORY_LIFE_MS, ORG_MEMBERS};
use crate::primitives::{Ed25519PublicKey, PublicKey as _, Signature, kdf};
use crate::time::{Timestamp, Validity};
use crate::wire::{SignedBody, WireError, array, key, optional_key, v1};

/// Why a directory is not one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Longer than 1 MiB, not canonical, another version, a field of a wrong length, a key that fails B1.1.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// More than 5 000 members, accounts or roles that do not ascend, more than 8 former keys.
    #[error("the list of members breaks a rule")]
    Members,
    /// `seq` 0, a first directory that names a previous one, or an issuing key that nobody announced.
    #[error("the place in the chain breaks a rule")]
    Chain,
    /// It expires before it was issued, or more than 90 days after.
    #[error("the lifetime breaks a rule")]
    Lifetime,
    /// Not signed by the key that it names.
    #[error("the signature does not verify")]
    Signature,
}

/// A directory that parses, whose signature nobody has looked at.
pub struct UnverifiedDirectory {
    signed: v1::Signed,
    directory: Directory,
}

impl UnverifiedDirectory {
    /// Every rule of B17 that needs no cryptography. Time and memory follow from the length, at most 1 MiB.
    pub fn parse(signed: &v1::Signed) -> Result<Self, DirectoryError> {
        let message = v1::OrgDirectory::parse(&signed.body)?;
        if message.members.len() > ORG_MEMBERS {
            return Err(DirectoryError::Members);
        }
        let members = message.members.iter().map(OrgMember::parse).collect::<Result<Arc<[_]>, _>>()?;
        if !members.is_sorted_by(|one, next| one.account < next.account) {
            return Err(DirectoryError::Members);
        }
        let prev_hash = array(&message.prev_hash)?;
        if message.seq == 0 || (message.seq == 1 && prev_hash != NO_PREVIOUS) {
            return Err(DirectoryError::Chain);
        }
        let validity = Validity {
            from: Timestamp::from_millis(message.issued_at_ms),
            until: Timestamp::from_millis(message.expires_at_ms),
        };
        if !validity.lasts_at_most(ORG_DIRECTORY_LIFE_MS) {
            return Err(DirectoryError::Lifetime);
        }
        let directory = Directory {
            sig: array(&signed.sig)?,
            hash: kdf::sha256(&[&signed.body]),
            org: OrgId::from_bytes(array(&message.org_id)?),
            org_key: key(&message.org_key)?,
            seq: message.seq,
            prev_hash,
            validity,
            members,
            next_org_key: optional_key(&message.next_org_key)?,
            display_name: message.display_name.into(),
            body: signed.body.as_slice().into(),
        };
        Ok(Self { signed: signed.clone(), directory })
    }

    /// `VERIFY(org_key, "org-directory", body)` under the key that the directory names. Whether that key is the
    /// practice's is judged by the pin.
    pub fn verify(self) -> Result<Directory, DirectoryError> {
        match v1::OrgDirectory::verifies(&self.signed, &self.directory.org_key) {
            true => Ok(self.directory),
            false => Err(DirectoryError::Signature),
        }
    }
}

/// A practice's verified word about its people, with the bytes as received. A copy shares them.
#[derive(Clone, PartialEq, Eq)]
pub struct Directory {
    body: Arc<[u8]>,
    sig: Signature,
    hash: [u8; 32],
    org: OrgId,
    org_key: Ed25519PublicKey,
    seq: u64,
    prev_hash: [u8; 32],
    validity: Validity,
    display_name: Arc<str>,
    members: Arc<[OrgMember]>,
    next_org_key: Option<Ed25519PublicKey>,
}

/// What a new directory says.
#[derive(Clone, PartialEq, Eq)]
pub struct DirectoryDraft {
    /// The practice, as people see it.
    pub display_name: String,
    /// At most 5 000, in any order.
    pub members: Vec<OrgMember>,
    /// The key that will succeed this one, once it is announced.
    pub next_org_key: Option<Ed25519PublicKey>,
}

impl Directory {
    /// Signs what `draft` says as the successor of `previous` (`None`: the first), valid for 90 days from `now`. `key`
    /// is the key of `previous`, or the one that it announced.
    pub fn issue(
        key: &OrgKey,
        previous: Option<&Self>,
        draft: DirectoryDraft,
        now: Timestamp,
    ) -> Result<Self, DirectoryError> {
        let DirectoryDraft { display_name, mut members, next_org_key } = draft;
        members.sort_by_key(|member| member.account);
        let seq = previous.map_or(0, |previous| previous.seq);
        let message = v1::OrgDirectory {
            version: 1,
            org_id: key.org().as_bytes().to_vec(),
            org_key: key.public_key().to_tagged(),
            seq: seq.checked_add(1).ok_or(DirectoryError::Chain)?,
            prev_hash: previous.map_or(NO_PREVIOUS, |previous| previous.hash).to_vec(),
            issued_at_ms: now.as_millis(),
            expires_at_ms: now.plus(ORG_DIRECTORY_LIFE_MS).as_millis(),
            display_name,
            members: members.iter().map(OrgMember::to_wire).collect(),
            next_org_key: next_org_key.map_or_else(Vec::new, |next| next.to_tagged()),
            ext: Vec::new(),
        };
        let issued = UnverifiedDirectory::parse(&message.sign(key.secret()))?.verify()?;
        match previous.is_none_or(|previous| issued.follows(previous).is_some()) {
            true => Ok(issued),
            false => Err(DirectoryError::Chain),
        }
    }

    /// As it travels, byte for byte.
    pub fn to_signed(&self) -> v1::Signed {
        v1::Signed { body: self.body.to_vec(), sig: self.sig.to_vec() }
    }

    /// `SHA-256(body)`: `prev_hash` of the next one.
    pub const fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// Of which practice.
    pub const fn org(&self) -> OrgId {
        self.org
    }

    /// The key that signed it.
    pub const fn org_key(&self) -> &Ed25519PublicKey {
        &self.org_key
    }

    /// Its place in the chain, from 1.
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// The hash of the one before it.
    pub const fn prev_hash(&self) -> &[u8; 32] {
        &self.prev_hash
    }

    /// The practice, as people see it.
    pub fn display_name(&self) -> &str {
        &self.display_name
    }

    /// The announced successor of the key.
    pub const fn next_org_key(&self) -> Option<&Ed25519PublicKey> {
        self.next_org_key.as_ref()
    }

    /// Ascending by account.
    pub fn members(&self) -> &[OrgMember] {
        &self.members
    }

    /// The entry of an account, valid at this time or not.
    pub fn member(&self, account: AccountId) -> Option<&OrgMember> {
        let index = self.members.binary_search_by_key(&account, |member| member.account).ok()?;
        self.members.get(index)
    }

    /// The entry of an account that the practice lists at this time.
    pub fn listed(&self, account: AccountId, at: Timestamp) -> Option<&OrgMember> {
        self.member(account).filter(|member| member.is_valid(at))
    }

    /// "Lists the account as `role`": a member, within its bounds, with this role among its own.
    pub fn lists(&self, account: AccountId, role: OrgRole, at: Timestamp) -> bool {
        self.listed(account, at).is_some_and(|member| member.has(role))
    }

    /// Expired: it still judges conversations that exist (flagged), and starts none.
    pub fn is_expired(&self, at: Timestamp) -> bool {
        self.validity.until <= at
    }

    /// When the practice signs the next one: at half of its life.
    pub const fn renew_at(&self) -> Timestamp {
        self.validity.from.plus(self.validity.until.since(self.validity.from) / 2)
    }

    /// How it continues `previous`: the next `seq`, its hash, and its key or the announced one.
    pub(super) fn follows(&self, previous: &Self) -> Option<Step> {
        let next = Some(self.seq) == previous.seq.checked_add(1)
            && self.prev_hash == previous.hash
            && self.org == previous.org;
        match next {
            true if self.org_key == previous.org_key => Some(Step::SameKey),
            true if Some(self.org_key) == previous.next_org_key => Some(Step::Rotated),
            _ => None,
        }
    }
}

/// How one directory continues another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// Signed by the same key.
    SameKey,
    /// Signed by the key that the one before announced.
    Rotated,
}

impl fmt::Debug for UnverifiedDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnverifiedDirectory(..)")
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Directory(seq {})", self.seq)
    }
}

impl SignedBody for v1::OrgDirectory {
    const LABEL: Label = Label::OrgDirectory;
    const LIMIT: usize = ORG_DIRECTORY_BYTES;

    fn version(&self) -> Option<u32> {
        Some(self.version)
    }

    fn extensions(&self) -> &[v1::Ext] {
        &self.ext
    }
}

const NO_PREVIOUS: [u8; 32] = [0; 32];
