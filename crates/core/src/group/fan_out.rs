//! Who gets what is sent in a group: `docs/protocol.md` B13.3 and B13.5.

use super::evidence::{AccountKeys, Evidence};
use super::member::{Member, Role};
use super::policy::Class;
use super::roster::Roster;
use crate::content::BodyKind;
use crate::ids::AccountId;

/// Why nothing is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FanOutError {
    /// The owner handed over twice: nothing is sent until a custodian speaks, or the members leave.
    #[error("the owner handed over twice: the group takes no sends")]
    Stopped,
    /// The own account is no member, or leaves.
    #[error("the own account is no member")]
    NotMember,
    /// The role of the own account does not allow this body.
    #[error("the own role does not allow this body")]
    Role,
    /// The practice closes the own account.
    #[error("the practice does not list the own account any more")]
    Closed,
    /// A clinical group of which no archive device would get it.
    #[error("no archive would get it")]
    NoArchive,
}

/// The members of the current state, sorted by what can be sent to them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FanOut {
    /// To every device of these accounts' pinned manifests.
    pub recipients: Vec<AccountId>,
    /// Nothing of them is pinned: their manifest is fetched first.
    pub unknown: Vec<AccountId>,
    /// Their pinned manifest is under a key that does not descend from the one in the state, or from the one under which the
    /// practice lists them: nothing is sent to them until that is cleared up (`IdentityChanged`).
    pub blocked: Vec<AccountId>,
}

impl Roster {
    /// Everybody in the current state but those who leave and those whom the practice's directory closes: to devices
    /// of a manifest under `Member.aik` or under a key to which the chain leads from it. The account `own` sends, and may
    /// send a body of this kind; in class 2 an archive is among those who get it, or is fetched first.
    pub fn fan_out(&self, own: AccountId, kind: BodyKind, evidence: &Evidence<'_>) -> Result<FanOut, FanOutError> {
        if self.double_hand_over {
            return Err(FanOutError::Stopped);
        }
        let member = self.current.member(own).filter(|_| !self.leavers.contains(&own)).ok_or(FanOutError::NotMember)?;
        if !member.role.voice().permits(kind) {
            return Err(FanOutError::Role);
        }
        if self.closes(own, evidence) {
            return Err(FanOutError::Closed);
        }
        let fan_out = self.sorted(evidence);
        match self.policy().class == Class::Clinical && !self.reaches_archive(&fan_out, evidence) {
            true => Err(FanOutError::NoArchive),
            false => Ok(fan_out),
        }
    }

    pub(super) fn sorted(&self, evidence: &Evidence<'_>) -> FanOut {
        let mut fan_out = FanOut::default();
        for member in self.current.members() {
            let account = member.account;
            if self.leavers.contains(&account) || self.closes(account, evidence) {
                continue;
            }
            match evidence.keys(account) {
                None => fan_out.unknown.push(account),
                Some(_) if evidence.changed_key(self.current.org(), member).is_some() => fan_out.blocked.push(account),
                Some(_) => fan_out.recipients.push(account),
            }
        }
        fan_out
    }

    fn reaches_archive(&self, fan_out: &FanOut, evidence: &Evidence<'_>) -> bool {
        let has_device = |account: &AccountId| evidence.keys(*account).is_some_and(AccountKeys::has_device);
        let mut got = fan_out.recipients.iter().filter(|account| has_device(account)).chain(&fan_out.unknown);
        got.any(|account| self.current.member(*account).is_some_and(|member| member.role == Role::Archive))
    }

    /// Whether the practice of the group has removed an account from its directory, or its bounds are over: it is
    /// closed here like a removed device. Patients and their proxies never are, whatever they once were there.
    pub fn closes(&self, account: AccountId, evidence: &Evidence<'_>) -> bool {
        let patient = |member: &Member| matches!(member.role, Role::Patient | Role::Proxy);
        let pin = evidence.pin_of(self.current.org()).filter(|_| !self.current.member(account).is_some_and(patient));
        pin.is_some_and(|pin| pin.closes(account, evidence.now))
    }
}
