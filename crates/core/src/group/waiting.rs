//! States that wait for a manifest or a directory: `docs/protocol.md` B13.2. Each member has a share of the room, so that
//! what others sent is not pushed out by anybody.

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::Evidence;
use super::member::Role;
use super::rules::Lack;
use super::state::{GroupState, UnverifiedState};
use crate::ids::AccountId;
use crate::limits::{WAITING_BYTES, WAITING_STATES, WAITING_STATES_OF_OTHERS};
use crate::organization::OrgRole;

/// A state that waits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Waiting {
    pub(super) state: UnverifiedState,
    pub(super) lack: Lack,
    /// Who sent it, as far as that counts: one account for each share that holds it.
    pub(super) from: BTreeSet<AccountId>,
}

/// Whose room a state takes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Share {
    /// Of the owner of the current state.
    Owner,
    /// Of another member of it.
    Member(AccountId),
    /// Of all records custodians together who are no members.
    Custodians,
    /// Of everybody else together.
    Others,
}

/// What a share holds.
#[derive(Default)]
struct Room {
    states: usize,
    bytes: usize,
    full: bool,
}

impl Room {
    /// Takes one more, unless it or one before it did not fit. One state always fits.
    fn take(&mut self, weight: usize, places: usize) -> bool {
        let (states, bytes) = (self.states.saturating_add(1), self.bytes.saturating_add(weight));
        self.full |= states > places || (states > 1 && bytes > WAITING_BYTES);
        if !self.full {
            (self.states, self.bytes) = (states, bytes);
        }
        !self.full
    }
}

impl Share {
    const fn places(self) -> usize {
        match self {
            Self::Owner | Self::Custodians => WAITING_STATES,
            Self::Member(_) | Self::Others => WAITING_STATES_OF_OTHERS,
        }
    }
}

fn share(account: AccountId, current: &GroupState, evidence: &Evidence<'_>) -> Share {
    let custodian = || {
        let pin = evidence.pin_of(current.org());
        pin.is_some_and(|pin| pin.lists(account, OrgRole::RecordsCustodian, evidence.now))
    };
    match current.member(account) {
        Some(member) if member.role == Role::Owner => Share::Owner,
        Some(_) => Share::Member(account),
        None if custodian() => Share::Custodians,
        None => Share::Others,
    }
}

/// What of these, oldest first, has room: of each share the newest. A state that several sent stays for as long as one
/// of their shares holds it.
pub(super) fn with_room(mut waiting: Vec<Waiting>, current: &GroupState, evidence: &Evidence<'_>) -> Vec<Waiting> {
    let mut rooms = BTreeMap::<Share, Room>::new();
    for waiting in waiting.iter_mut().rev() {
        let weight = waiting.state.claims().weight();
        let mut senders = BTreeMap::new();
        for account in &waiting.from {
            senders.entry(share(*account, current, evidence)).or_insert(*account);
        }
        senders.retain(|share, _| rooms.entry(*share).or_default().take(weight, share.places()));
        waiting.from = senders.into_values().collect();
    }
    waiting.retain(|waiting| !waiting.from.is_empty());
    waiting
}
