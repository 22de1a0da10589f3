//! Contents whose group state is not here yet: `docs/protocol.md` B13.5. The contents themselves stay with the caller.

use std::collections::BTreeMap;

use prost::Message as _;

use crate::at_rest::{AtRest, AtRestError, COMPLETE, FORMAT, unchanged};
use crate::ids::{AccountId, DeviceId, GroupId, MessageId};
use crate::limits::{
    CONTENT_BYTES, STATE_MISSING_MS, UNSEEN_AGE_MS, UNSEEN_BYTES, UNSEEN_BYTES_OF_ACCOUNT, UNSEEN_CONTENTS,
    UNSEEN_OF_ACCOUNT,
};
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
    /// Length of the content, at most 262 144.
    pub bytes: u32,
}

/// Too much of this account waits already: event `ContentRejected`, and nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("too many contents of this account wait for a state")]
pub struct UnseenFull;

/// A content that was stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnseenStored {
    /// To be stored.
    pub contents: UnseenContents,
    /// What went for it, of accounts that have more: event `ContentRejected` for each, and their contents are deleted.
    pub rejected: Vec<Unseen>,
}

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
    /// One more. At most 100 contents and 4 MiB wait of one account, and 1 000 and 32 MiB of all: beyond that the newest
    /// of the account that has most goes. If that is this content, nothing else goes.
    pub fn store(&self, content: Unseen) -> Result<UnseenStored, UnseenFull> {
        let mut next = self.clone();
        next.waiting.push((content, Raised::No));
        let mut held = next.held();
        if !held.get(&content.sender).is_some_and(Held::is_bounded) {
            return Err(UnseenFull);
        }
        let mut rejected = Vec::new();
        while let Some(most) = with_most(&held) {
            if most == content.sender {
                return Err(UnseenFull);
            }
            let newest = next.waiting.iter().rposition(|(waiting, _)| waiting.sender == most);
            let (gone, _) = newest.map(|at| next.waiting.remove(at)).ok_or(UnseenFull)?;
            held.entry(most).or_default().give_up(&gone);
            rejected.push(gone);
        }
        Ok(UnseenStored { contents: next, rejected })
    }

    fn held(&self) -> BTreeMap<AccountId, Held> {
        let mut held = BTreeMap::<_, Held>::new();
        self.waiting.iter().for_each(|(content, _)| held.entry(content.sender).or_default().take(content));
        held
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
        let bounded = |contents: &Self| {
            let held = contents.held();
            held.values().all(Held::is_bounded) && with_most(&held).is_none()
        };
        unchanged(waiting.map(|waiting| Self { waiting }).filter(bounded), bytes, Self::to_bytes)
    }
}

/// What is held of an account.
#[derive(Default)]
struct Held {
    contents: usize,
    bytes: usize,
}

impl Held {
    fn take(&mut self, content: &Unseen) {
        self.contents = self.contents.saturating_add(1);
        self.bytes = self.bytes.saturating_add(content.length());
    }

    fn give_up(&mut self, content: &Unseen) {
        self.contents = self.contents.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(content.length());
    }

    fn is_bounded(&self) -> bool {
        self.contents <= UNSEEN_OF_ACCOUNT && self.bytes <= UNSEEN_BYTES_OF_ACCOUNT
    }
}

/// The account that has to give something up: of the one that has most, if all together have too much.
fn with_most(held: &BTreeMap<AccountId, Held>) -> Option<AccountId> {
    let sum = |of: fn(&Held) -> usize| held.values().map(of).fold(0_usize, usize::saturating_add);
    let most = |of: fn(&Held) -> usize| held.iter().max_by_key(|(account, held)| (of(held), **account));
    let most = match (sum(|held| held.bytes) > UNSEEN_BYTES, sum(|held| held.contents) > UNSEEN_CONTENTS) {
        (true, _) => most(|held| held.bytes),
        (false, true) => most(|held| held.contents),
        (false, false) => None,
    };
    most.map(|(account, _)| *account)
}

impl Unseen {
    fn length(&self) -> usize {
        usize::try_from(self.bytes).unwrap_or(usize::MAX)
    }

    fn to_wire(self, raised: Raised) -> v1::UnseenContent {
        v1::UnseenContent {
            account_id: self.sender.as_bytes().to_vec(),
            device_id: self.device.as_u32(),
            message_id: self.message.as_bytes().to_vec(),
            group_id: self.group.as_bytes().to_vec(),
            state_hash: self.state.to_vec(),
            since_ms: self.since.as_millis(),
            missing: raised == Raised::Yes,
            bytes: self.bytes,
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
            bytes: stored.bytes,
        };
        (content.length() <= CONTENT_BYTES).then_some(())?;
        Some((content, if stored.missing { Raised::Yes } else { Raised::No }))
    }
}

impl AtRest for v1::UnseenState {
    // 110 bytes for each content, and the longest numbers.
    const LIMIT: usize = UNSEEN_CONTENTS * 160;

    fn complete(&self) -> u32 {
        self.complete
    }
}
