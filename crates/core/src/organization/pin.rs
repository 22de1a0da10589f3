//! What is known of a practice, and how a directory is judged by it: `docs/protocol.md` B17, with the rules of B2.3.

mod gap;
mod stored;

use gap::Gap;
pub use gap::MissingDirectories;

use super::directory::{Directory, Step};
use super::key::TrustedOrgKey;
use super::member::{OrgMember, OrgRole};
use crate::identity::Source;
use crate::ids::{AccountId, OrgId};
use crate::limits::{FORMER_ORG_KEYS, OPEN_GAPS, ORG_MEMBERS};
use crate::primitives::Ed25519PublicKey;
use crate::time::Timestamp;

/// Why a directory is not taken. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DirectoryPinError {
    /// The directory is of another practice.
    #[error("a directory of another practice")]
    OtherOrg,
    /// Signed by a key that is neither pinned nor announced.
    #[error("a key that the practice did not announce")]
    OtherKey,
    /// Two directories for one place in the chain.
    #[error("two directories for one place in the chain")]
    Fork,
    /// The service gave an older directory than the pinned one.
    #[error("an older directory than the pinned one")]
    Rollback,
    /// Taken only with every directory between: under the announced key, or after a jump that lost.
    #[error("directories between are missing")]
    Missing,
}

/// Something that a practice's directory did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DirectoryEvent {
    /// The chain led to the announced key; nothing blocks.
    OrgKeyRotated,
    /// Directories between the two are missing: they are fetched at a random time.
    GapOpened {
        /// The last one that is settled.
        after_seq: u64,
        /// The one that was adopted.
        before_seq: u64,
    },
    /// What was adopted with a gap lost against what chains from the old pin.
    Fork,
    /// Accounts that are listed no more: closed in the conversations of this practice.
    Departed(Vec<AccountId>),
}

/// The next pin, and what has happened.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct DirectoryAdoption {
    /// To be stored.
    pub pin: DirectoryPin,
    /// In the order in which they are raised.
    pub events: Vec<DirectoryEvent>,
}

/// A practice's chain of directories as far as it was seen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DirectoryPin {
    current: Directory,
    gap: Option<Gap>,
    /// Hashes of directories that lost by the gap rule, newest first, at most 16.
    lost: Vec<[u8; 32]>,
    /// The newest of them, as long as what it took away stays away.
    loser: Option<Directory>,
    /// Keys that the chain led away from, newest first, at most 16, each once; never the current one.
    former_keys: Vec<Ed25519PublicKey>,
    /// Accounts that were listed once and are not now, the latest first, at most 5 000.
    departed: Vec<AccountId>,
}

impl DirectoryPin {
    /// The first directory of a practice, under a key that is known otherwise than from the service.
    pub fn first(directory: Directory, trusted: &TrustedOrgKey) -> Result<Self, DirectoryPinError> {
        if directory.org() != trusted.org() {
            return Err(DirectoryPinError::OtherOrg);
        }
        if directory.org_key() != trusted.key() {
            return Err(DirectoryPinError::OtherKey);
        }
        Ok(Self {
            current: directory,
            gap: None,
            lost: Vec::new(),
            loser: None,
            former_keys: Vec::new(),
            departed: Vec::new(),
        })
    }

    /// Judges a verified directory of this practice as B2.3 judges a manifest. The pinned bytes, and an older directory
    /// in a message, change nothing.
    pub fn judge(
        &self,
        directory: &Directory,
        source: Source,
        now: Timestamp,
    ) -> Result<DirectoryAdoption, DirectoryPinError> {
        let current = &self.current;
        if directory.org() != current.org() {
            return Err(DirectoryPinError::OtherOrg);
        }
        if directory.hash() == current.hash() {
            return Ok(self.unchanged());
        }
        if let Some(step) = directory.follows(current) {
            return Ok(self.adopt(directory, Some(step), self.gap.clone()));
        }
        if self.lost.contains(directory.hash()) || self.lost.contains(directory.prev_hash()) {
            return Err(DirectoryPinError::Missing);
        }
        let announced = current.next_org_key() == Some(directory.org_key());
        let former = self.former_keys.contains(directory.org_key());
        if !announced && !former && directory.org_key() != current.org_key() {
            return Err(DirectoryPinError::OtherKey);
        }
        match directory.seq().checked_sub(current.seq()) {
            None if source == Source::Directory => Err(DirectoryPinError::Rollback),
            None => Ok(self.unchanged()),
            Some(0 | 1) => Err(DirectoryPinError::Fork),
            // A key that the chain led away from signs nothing new.
            Some(_) if former => Err(DirectoryPinError::Fork),
            Some(_) if announced || !self.lost.is_empty() => Err(DirectoryPinError::Missing),
            Some(_) => self.jump(directory, now),
        }
    }

    /// The newest directory adopted. Who of it counts is said by [`listed`](Self::listed) and [`lists`](Self::lists).
    pub const fn current(&self) -> &Directory {
        &self.current
    }

    /// Of which practice.
    pub const fn org(&self) -> OrgId {
        self.current.org()
    }

    /// The entry of an account that the practice lists now; after a lost jump only if the losing directory lists it too,
    /// with the same identity key (B2.3 gap rule 3).
    pub fn listed(&self, account: AccountId, now: Timestamp) -> Option<&OrgMember> {
        let member = self.current.listed(account, now)?;
        let left = |loser: &Directory| loser.listed(account, now).is_some_and(|there| there.aik == member.aik);
        self.loser.as_ref().is_none_or(left).then_some(member)
    }

    /// "Lists the account as `role`"; after a lost jump only if the losing directory does too.
    pub fn lists(&self, account: AccountId, role: OrgRole, now: Timestamp) -> bool {
        self.listed_as(account, role, now).is_some()
    }

    /// What the directory says of an account that it [`lists`](Self::lists) as `role`.
    pub fn listed_as(&self, account: AccountId, role: OrgRole, now: Timestamp) -> Option<&OrgMember> {
        let left = |loser: &Directory| loser.lists(account, role, now);
        self.listed(account, now).filter(|member| member.has(role) && self.loser.as_ref().is_none_or(left))
    }

    /// Whether an account is closed in the conversations of this practice: removed from its directory, outside its
    /// bounds, or taken away by a directory that lost. Somebody whom the practice never listed, like a patient, is not.
    pub fn closes(&self, account: AccountId, now: Timestamp) -> bool {
        match self.current.member(account) {
            Some(_) => self.listed(account, now).is_none(),
            None => self.departed.contains(&account),
        }
    }

    /// Those of `older` from which the chain leads to the pinned one, newest first: each is the one that the next
    /// names in `prev_hash`, so that whoever signed the pinned one vouches for it.
    pub fn chained<'a>(&self, older: &'a [Directory]) -> Vec<&'a Directory> {
        let mut wanted = *self.current.prev_hash();
        let mut chained = Vec::new();
        // Each step finds another one: a hash names one body.
        while let Some(found) = older.iter().find(|directory| *directory.hash() == wanted) {
            wanted = *found.prev_hash();
            chained.push(found);
        }
        chained
    }

    /// The directory that lost and whose word still binds when `next` is adopted: until a higher `seq`, the losing one
    /// itself, or a rotation away from its key.
    pub(super) fn binding(&self, next: &Directory) -> Option<&Directory> {
        let current = self.current.org_key();
        self.loser.as_ref().filter(|loser| {
            let left_its_key = current == loser.org_key() && next.org_key() != current;
            next.seq() <= loser.seq() && next.hash() != loser.hash() && !left_its_key
        })
    }

    fn unchanged(&self) -> DirectoryAdoption {
        DirectoryAdoption { pin: self.clone(), events: Vec::new() }
    }

    fn adopt(&self, directory: &Directory, step: Option<Step>, gap: Option<Gap>) -> DirectoryAdoption {
        let old = &self.current;
        let opened = step.is_none().then(|| DirectoryEvent::GapOpened {
            after_seq: gap.as_ref().map_or(old.seq(), |gap| gap.settled().seq()),
            before_seq: directory.seq(),
        });
        let rotated = (step == Some(Step::Rotated)).then_some(DirectoryEvent::OrgKeyRotated);
        let mut pin = Self { gap, loser: self.binding(directory).cloned(), ..self.clone() };
        let departed = pin.take(directory);
        let events = [rotated, opened, departed].into_iter().flatten().collect();
        DirectoryAdoption { pin, events }
    }

    /// Makes `directory` the current one. Says who is not listed any more.
    fn take(&mut self, directory: &Directory) -> Option<DirectoryEvent> {
        let old = core::mem::replace(&mut self.current, directory.clone());
        if old.org_key() != directory.org_key() {
            self.former_keys.retain(|key| key != old.org_key() && key != directory.org_key());
            self.former_keys.insert(0, *old.org_key());
            self.former_keys.truncate(FORMER_ORG_KEYS);
        }
        self.lost.retain(|hash| hash != directory.hash());
        let absent = |account: &AccountId| directory.member(*account).is_none();
        let gone: Vec<_> = old.members().iter().map(|member| member.account).filter(absent).collect();
        self.departed.retain(|account| absent(account) && !gone.contains(account));
        self.departed.splice(0..0, gone.iter().copied());
        self.departed.truncate(ORG_MEMBERS);
        (!gone.is_empty()).then_some(DirectoryEvent::Departed(gone))
    }

    /// A larger gap under the pinned key: adopted, and what lies between must be seen.
    fn jump(&self, directory: &Directory, now: Timestamp) -> Result<DirectoryAdoption, DirectoryPinError> {
        let gap = match &self.gap {
            None => Gap::open(self.current.clone(), now),
            Some(gap) if gap.jumps() < OPEN_GAPS => gap.widened(&self.current),
            Some(_) => return Err(DirectoryPinError::Fork),
        };
        Ok(self.adopt(directory, None, Some(gap)))
    }
}
