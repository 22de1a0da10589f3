//! Who tells a member about a state that it has not seen: `docs/protocol.md` B13.5.

use std::collections::BTreeMap;

use prost::Message as _;

use crate::at_rest::{AtRest, AtRestError, COMPLETE, FORMAT, ascending, unchanged};
use crate::ids::{AccountId, DeviceId};
use crate::limits::{SECOND_STALE_MS, STALE_DEVICES};
use crate::placement::Delay;
use crate::time::Timestamp;
use crate::wire::v1;

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
    /// the first. At most 800 devices are remembered for an epoch; a further one is left to others.
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
        // More devices than a group can have at one time: somebody keeps making new ones, and has got answers enough.
        if next.seen.len() >= STALE_DEVICES && !next.seen.contains_key(&sender) {
            return (next, StaleVerdict::Leave);
        }
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

    /// For the store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let device = |(sender, seen): (&StaleSender, &Seen)| v1::StaleDevice {
            account_id: sender.account.as_bytes().to_vec(),
            device_id: sender.device.as_u32(),
            answered: *seen == Seen::Answered,
            first_ms: match seen {
                Seen::First(first) => first.as_millis(),
                Seen::Answered => 0,
            },
        };
        let devices = self.seen.iter().map(device).collect();
        v1::StaleState { format: FORMAT, epoch: self.epoch, devices, complete: COMPLETE }.encode_to_vec()
    }

    /// From the store, whole or not at all.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AtRestError> {
        let stored = v1::StaleState::read(bytes)?;
        let seen = stored.devices.iter().map(load).collect::<Option<Vec<_>>>();
        let ordered =
            |seen: &[(StaleSender, Seen)]| ascending(&seen.iter().map(|(sender, _)| *sender).collect::<Vec<_>>());
        let seen = seen.filter(|seen| seen.len() <= STALE_DEVICES && ordered(seen));
        let loaded = seen.map(|seen| Self { epoch: stored.epoch, seen: seen.into_iter().collect() });
        unchanged(loaded, bytes, Self::to_bytes)
    }
}

fn load(stored: &v1::StaleDevice) -> Option<(StaleSender, Seen)> {
    let account = AccountId::from_slice(&stored.account_id)?;
    let sender = StaleSender { account, device: DeviceId::new(stored.device_id)? };
    let seen = match stored.answered {
        true => Seen::Answered,
        false => Seen::First(Timestamp::from_millis(stored.first_ms)),
    };
    Some((sender, seen))
}

impl AtRest for v1::StaleState {
    const LIMIT: usize = STALE_DEVICES * 64;

    fn complete(&self) -> u32 {
        self.complete
    }
}
