//! Contents whose group state is not here yet: `docs/protocol.md` B13.5. The contents themselves stay with the caller.

use crate::ids::{AccountId, DeviceId, GroupId, MessageId};
use crate::limits::{STATE_MISSING_MS, UNSEEN_AGE_MS, UNSEEN_CONTENTS};
use crate::time::Timestamp;

/// A decrypted content that waits, and what for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unseen {
    /// Whose.
    pub sender: AccountId,
    /// Of which device.
    pub device: DeviceId,
    /// Which.
    pub message: MessageId,
    /// In which group.
    pub group: GroupId,
    /// The state that it names.
    pub state: [u8; 32],
    /// When it came.
    pub since: Timestamp,
}

/// 100 contents of this account wait already: event `ContentRejected`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("too many contents of this account wait for a state")]
pub struct UnseenFull;

/// What time has done to contents that wait.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct UnseenDue {
    /// Event `StateMissing`, once for each.
    pub missing: Vec<Unseen>,
    /// Dropped, with their contents.
    pub dropped: Vec<Unseen>,
}

/// All contents of a device that wait for a state.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct UnseenContents {
    /// Each with whether `StateMissing` was raised for it.
    waiting: Vec<(Unseen, Raised)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Raised {
    No,
    Yes,
}

impl UnseenContents {
    /// One more. At most 100 wait for one account.
    pub fn store(&self, content: Unseen) -> Result<Self, UnseenFull> {
        let of_sender = self.waiting.iter().filter(|(waiting, _)| waiting.sender == content.sender).count();
        if of_sender >= UNSEEN_CONTENTS {
            return Err(UnseenFull);
        }
        let mut next = self.clone();
        next.waiting.push((content, Raised::No));
        Ok(next)
    }

    /// A state has arrived: those that waited for it, to be judged now, in the order in which they came.
    pub fn release(&self, group: GroupId, state: &[u8; 32]) -> (Self, Vec<Unseen>) {
        let (released, waiting): (Vec<_>, Vec<_>) =
            self.waiting.iter().copied().partition(|(content, _)| content.group == group && content.state == *state);
        (Self { waiting }, released.into_iter().map(|(content, _)| content).collect())
    }

    /// `StateMissing` 24 h after a content came, once; dropped after 14 d.
    pub fn due(&self, now: Timestamp) -> (Self, UnseenDue) {
        let mut due = UnseenDue::default();
        let mut waiting = Vec::with_capacity(self.waiting.len());
        for (content, raised) in self.waiting.iter().copied() {
            let age = now.since(content.since);
            let missing = age >= STATE_MISSING_MS;
            if missing && raised == Raised::No {
                due.missing.push(content);
            }
            match age >= UNSEEN_AGE_MS {
                true => due.dropped.push(content),
                false if missing => waiting.push((content, Raised::Yes)),
                false => waiting.push((content, raised)),
            }
        }
        (Self { waiting }, due)
    }

    /// Those that wait, in the order in which they came.
    pub fn waiting(&self) -> impl Iterator<Item = &Unseen> {
        self.waiting.iter().map(|(content, _)| content)
    }
}
