//! Who tells a member about a state that it has not seen: `docs/protocol.md` B13.5.

use std::collections::BTreeMap;

use crate::ids::{AccountId, DeviceId};
use crate::limits::SECOND_STALE_MS;
use crate::placement::Delay;
use crate::time::Timestamp;

/// The device that sent a message under an older state.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct StaleSender {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub device: DeviceId,
}

/// Whether this device answers with a GroupUpdate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StaleVerdict {
    /// At this time.
    AnswerAt(Timestamp),
    /// Somebody else does, or it was answered.
    Leave,
}

/// Answers of one group, for its current epoch.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StaleAnswers {
    epoch: u64,
    seen: BTreeMap<StaleSender, Seen>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Seen {
    First(Timestamp),
    Answered,
}

impl StaleAnswers {
    /// A `StaleRoster` at `now`, with a delay drawn from [`Window::REPLY`](crate::placement::Window::REPLY). The owner's
    /// device answers once for each device and epoch; another member does if it sees a second stale message 1 h after
    /// the first.
    pub fn stale(
        &self,
        sender: StaleSender,
        current: &super::GroupState,
        own: AccountId,
        delay: Delay,
        now: Timestamp,
    ) -> (Self, StaleVerdict) {
        let mut next = match self.epoch == current.epoch() {
            true => self.clone(),
            // What was answered about an older epoch says nothing about this one.
            false => Self { epoch: current.epoch(), seen: BTreeMap::new() },
        };
        let owner = current.owner() == Some(own);
        let answer = match next.seen.get(&sender) {
            Some(Seen::Answered) => false,
            Some(Seen::First(first)) => owner || now.since(*first) >= SECOND_STALE_MS,
            None => owner,
        };
        if answer {
            next.seen.insert(sender, Seen::Answered);
            return (next, StaleVerdict::AnswerAt(delay.after(now)));
        }
        next.seen.entry(sender).or_insert(Seen::First(now));
        (next, StaleVerdict::Leave)
    }
}
