//! Issuing states: `docs/protocol.md` B13.3.

use core::fmt;

use super::evidence::Evidence;
use super::member::Role;
use super::roster::{GroupEvent, Roster};
use super::rules::{Lack, StateRejected};
use super::state::{Actor, GroupDraft, GroupState, StateError};
use super::tree::StateHash;
use crate::content::GroupUpdate;
use crate::identity::LocalDevice;
use crate::ids::AccountId;

/// Whether this device has processed everything that waits for it at the relay.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mailbox {
    /// Yes, just now.
    Emptied,
    /// It has not looked.
    Unchecked,
}

/// Why nothing is issued. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum IssueError {
    /// The draft breaks a rule that needs nothing else.
    #[error(transparent)]
    State(#[from] StateError),
    /// Another device of the owner may have issued a state that is not here yet: empty the mailbox first.
    #[error("the mailbox must be emptied first")]
    MailboxUnchecked,
    /// The owner handed over twice; only a custodian may issue a state.
    #[error("the group is stopped")]
    Stopped,
    /// The state would not be valid.
    #[error(transparent)]
    Rejected(#[from] StateRejected),
    /// The state would not be valid by the manifests and the directory that are here.
    #[error("a manifest or directory is missing")]
    Lacking(Lack),
    /// The account named is no member.
    #[error("no member")]
    NotMember,
    /// The owner hands over before it leaves.
    #[error("the owner hands over first")]
    Owner,
    /// An archive does not leave: the owner or a custodian takes it out.
    #[error("an archive does not leave")]
    Archive,
    /// It left in a state after which it was removed, and added again.
    #[error("it was added again after it left")]
    CameBack,
    /// States that waited can be taken now: [`Roster::judge_waiting`] first.
    #[error("states that waited come first")]
    Waiting,
}

/// A state that this device has issued and applied.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Issued {
    /// To be stored.
    pub roster: Roster,
    /// To be sent to all members, those of the state before included.
    pub update: GroupUpdate,
    /// In the order in which they are raised.
    pub events: Vec<GroupEvent>,
}

impl Roster {
    /// The current state as a draft, without those who leave, and with each member's key brought up to date where its
    /// chain leads on from the one that is named.
    pub fn draft(&self, evidence: &Evidence<'_>) -> GroupDraft {
        let mut draft = self.current.to_draft();
        draft.members.retain(|member| !self.leavers.contains(&member.account));
        for member in &mut draft.members {
            if let Some(keys) = evidence.keys(member.account).filter(|keys| keys.descends_from(&member.aik)) {
                member.aik = keys.aik;
            }
        }
        draft
    }

    /// Issues the next state. Only on the newest one, and by another device than the one that issued that only after
    /// its own mailbox was empty, so that honest devices do not compete.
    pub fn update(
        &self,
        device: &LocalDevice,
        draft: GroupDraft,
        mailbox: Mailbox,
        evidence: &Evidence<'_>,
    ) -> Result<Issued, IssueError> {
        let address = device.public().address;
        let actor = Actor { account: address.account, device: address.device };
        if mailbox == Mailbox::Unchecked && self.current.actor() != actor {
            return Err(IssueError::MailboxUnchecked);
        }
        if self.double_hand_over && self.current.owner() == Some(actor.account) {
            return Err(IssueError::Stopped);
        }
        // Else it would compete with a state that its own account, or a custodian, issued before.
        if self.judge_waiting(evidence).roster.current != self.current {
            return Err(IssueError::Waiting);
        }
        let state = self.current.succeed(device, draft, evidence.now)?;
        let applied = self.apply(&[state.to_signed()], actor.account, evidence);
        if applied.roster.current == state {
            let update = GroupUpdate { states: vec![state.to_signed()], ..GroupUpdate::default() };
            return Ok(Issued { roster: applied.roster, update, events: applied.events });
        }
        let refused = applied.refused.iter().find(|(hash, _)| hash == state.hash());
        let lacking = applied.roster.waiting().find(|(hash, _)| *hash == state.hash());
        match (refused, lacking) {
            (Some((_, reason)), _) => Err(IssueError::Rejected(*reason)),
            (None, Some((_, lack))) => Err(IssueError::Lacking(lack)),
            (None, None) => Err(IssueError::State(StateError::Last)),
        }
    }

    /// Issues a state that makes `to`, a member, the owner, and this account a member.
    pub fn hand_over(
        &self,
        device: &LocalDevice,
        to: AccountId,
        mailbox: Mailbox,
        evidence: &Evidence<'_>,
    ) -> Result<Issued, IssueError> {
        self.current.member(to).filter(|_| !self.leavers.contains(&to)).ok_or(IssueError::NotMember)?;
        let mut draft = self.draft(evidence);
        for member in &mut draft.members {
            if member.role == Role::Owner {
                member.role = Role::Member;
            }
            if member.account == to {
                member.role = Role::Owner;
            }
        }
        self.update(device, draft, mailbox, evidence)
    }

    /// What a member sends to all to leave. The owner hands over first, except in a group that is stopped.
    pub fn leave(&self, own: AccountId) -> Result<GroupUpdate, IssueError> {
        self.may_leave(own)?;
        Ok(GroupUpdate { leave: true, ..GroupUpdate::default() })
    }

    fn may_leave(&self, account: AccountId) -> Result<(), IssueError> {
        match self.current.member(account).ok_or(IssueError::NotMember)?.role {
            Role::Owner if !self.double_hand_over => Err(IssueError::Owner),
            Role::Archive => Err(IssueError::Archive),
            _ => Ok(()),
        }
    }

    /// Takes note that `account` leaves, said on its own session in a content that names `state`. It gets nothing more; the
    /// owner drops it from the next state. Of an archive, and of the owner of a group that is not stopped, it is ignored: an
    /// error. So is what was said before the account was added again: a message that was held back does not shut it out.
    pub fn left(&self, account: AccountId, state: &StateHash) -> Result<Self, IssueError> {
        self.may_leave(account)?;
        if self.came_back(account, state) {
            return Err(IssueError::CameBack);
        }
        let mut next = self.clone();
        next.leavers.insert(account);
        Ok(next)
    }

    /// Whether, since `state`, an account was a member, then none, and is one now.
    fn came_back(&self, account: AccountId, state: &StateHash) -> bool {
        let earlier = self.earlier.contains_key(state).then_some(0);
        let Some(since) = self.shared_with(state).or(earlier) else { return false };
        let states = self.chain.iter().skip(since).filter_map(|hash| self.tree.node(hash));
        let mut member = states.map(|node| node.state.member(account).is_some()).skip_while(|member| !member);
        member.any(|member| !member)
    }

    /// Members that have said that they leave: the owner's next state is without them.
    pub fn leavers(&self) -> impl Iterator<Item = AccountId> + '_ {
        self.leavers.iter().copied()
    }

    /// Whether this account must issue the next state: it is the owner, and the device that signed the newest state was
    /// removed from its manifest.
    pub fn must_reissue(&self, own: AccountId, evidence: &Evidence<'_>) -> bool {
        let actor = self.current.actor();
        let listed = evidence.keys(own).is_some_and(|keys| keys.current(actor.device).next().is_some());
        actor.account == own && self.current.owner() == Some(own) && !listed
    }
}

impl GroupState {
    /// As it is sent to those whom it adds.
    pub fn to_update(&self) -> GroupUpdate {
        GroupUpdate { states: vec![self.to_signed()], ..GroupUpdate::default() }
    }
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issued({:?})", self.roster)
    }
}
