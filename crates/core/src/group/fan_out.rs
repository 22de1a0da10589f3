//! Who gets what is sent in a group: `docs/protocol.md` B13.3 and B13.5.

use super::evidence::Evidence;
use super::roster::Roster;
use crate::ids::AccountId;

/// The owner handed over twice: nothing is sent until a custodian speaks, or the members leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the owner handed over twice: the group takes no sends")]
pub struct SendsStopped;

/// The members of the current state, sorted by what can be sent to them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FanOut {
    /// To every device of these accounts' pinned manifests.
    pub recipients: Vec<AccountId>,
    /// Nothing of them is pinned: their manifest is fetched first.
    pub unknown: Vec<AccountId>,
    /// Their pinned manifest is under a key that does not descend from the one in the state: nothing is sent to them
    /// until that is cleared up (`IdentityChanged`).
    pub blocked: Vec<AccountId>,
}

impl Roster {
    /// Everybody in the current state but those who leave and those whom the practice's directory closes: to devices
    /// of a manifest under `Member.aik` or under a key to which the chain leads from it.
    pub fn fan_out(&self, evidence: &Evidence<'_>) -> Result<FanOut, SendsStopped> {
        if self.double_hand_over {
            return Err(SendsStopped);
        }
        let mut fan_out = FanOut::default();
        for member in self.current.members() {
            let account = member.account;
            if self.leavers.contains(&account) || self.closes(account, evidence) {
                continue;
            }
            match evidence.keys(account) {
                Some(keys) if keys.descends_from(&member.aik) => fan_out.recipients.push(account),
                Some(_) => fan_out.blocked.push(account),
                None => fan_out.unknown.push(account),
            }
        }
        Ok(fan_out)
    }

    /// Whether the practice of the group has removed an account from its directory, or its bounds are over: it is
    /// closed here like a removed device.
    pub fn closes(&self, account: AccountId, evidence: &Evidence<'_>) -> bool {
        let pin = evidence.pin_of(self.current.org());
        pin.is_some_and(|pin| pin.closes(account, evidence.now))
    }
}
