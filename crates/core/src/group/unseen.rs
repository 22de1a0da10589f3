//! Contents whose group state is not here yet: `docs/protocol.md` B13.5. The contents themselves stay with the caller.

use std::collections::BTreeMap;

use prost::Message as _;

use crate::at_rest::{AtRest, AtRestError, COMPLETE, FORMAT, unchanged};
use crate::ids::{AccountId, DeviceId, GroupId, MessageId};
use crate::limits::{STATE_MISSING_MS, UNSEEN_AGE_MS, UNSEEN_CONTENTS};
use crate::time::Timestamp;
use crate::wire::v1;

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

    /// The current state of a group, or the pin of an account, has changed: what that account sent in the group, to be
    /// judged again, in the order in which it came. What must still wait is stored again.
    pub fn release_of(&self, group: GroupId, sender: AccountId) -> (Self, Vec<Unseen>) {
        let (released, waiting): (Vec<_>, Vec<_>) =
            self.waiting.iter().copied().partition(|(content, _)| content.group == group && content.sender == sender);
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

    /// For the store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let waiting = self.waiting.iter().map(|(content, raised)| content.to_wire(*raised)).collect();
        v1::UnseenState { format: FORMAT, waiting, complete: COMPLETE }.encode_to_vec()
    }

    /// From the store, whole or not at all.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AtRestError> {
        let stored = v1::UnseenState::read(bytes)?;
        let waiting = stored.waiting.iter().map(Unseen::from_wire).collect::<Option<Vec<_>>>();
        let mut of_sender = BTreeMap::<_, usize>::new();
        for (content, _) in waiting.iter().flatten() {
            let count = of_sender.entry(content.sender).or_default();
            *count = count.saturating_add(1);
        }
        let bounded = of_sender.values().all(|count| *count <= UNSEEN_CONTENTS);
        unchanged(waiting.filter(|_| bounded).map(|waiting| Self { waiting }), bytes, Self::to_bytes)
    }
}

impl Unseen {
    fn to_wire(self, raised: Raised) -> v1::UnseenContent {
        v1::UnseenContent {
            account_id: self.sender.as_bytes().to_vec(),
            device_id: self.device.as_u32(),
            message_id: self.message.as_bytes().to_vec(),
            group_id: self.group.as_bytes().to_vec(),
            state_hash: self.state.to_vec(),
            since_ms: self.since.as_millis(),
            missing: raised == Raised::Yes,
        }
    }

    fn from_wire(stored: &v1::UnseenContent) -> Option<(Self, Raised)> {
        let content = Self {
            sender: AccountId::from_slice(&stored.account_id)?,
            device: DeviceId::new(stored.device_id)?,
            message: MessageId::from_slice(&stored.message_id)?,
            group: GroupId::from_slice(&stored.group_id)?,
            state: stored.state_hash.as_slice().try_into().ok()?,
            since: Timestamp::from_millis(stored.since_ms),
        };
        Some((content, if stored.missing { Raised::Yes } else { Raised::No }))
    }
}

impl AtRest for v1::UnseenState {
    // Bounded for each account; how many accounts there are is the store's affair.
    const LIMIT: usize = usize::MAX;

    fn complete(&self) -> u32 {
        self.complete
    }
}
