//! Identity keys that are neither pinned nor explained: `docs/protocol.md` B2.4 rules 4 and 5.
//!
//! Whoever has the keys of an issuer can show any number of them, in any order. Nothing here is displaced by that except
//! what only an alarm stands for.

use crate::limits::{UNACKNOWLEDGED_KEYS, UNEXPLAINED_KEY_MS, UNEXPLAINED_KEYS};
use crate::primitives::Ed25519PublicKey;
use crate::time::Timestamp;

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct OtherKeys {
    /// Keys that an announcement or a gap may explain, oldest first, at most 4, each once.
    pub(super) waiting: Vec<Waiting>,
    /// Keys that block sending, newest first, at most 4, each once.
    pub(super) unacknowledged: Vec<Ed25519PublicKey>,
    /// The key that the app goes on with.
    pub(super) acknowledged: Option<Ed25519PublicKey>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Waiting {
    pub(super) aik: Ed25519PublicKey,
    pub(super) since: Timestamp,
}

impl OtherKeys {
    /// With `aik` among those that wait, for 72 h from the first time it was seen. `None` when rule 5 applies: the time
    /// is over, the app has been told of it, or four others wait. No key ever loses its place to another one.
    pub(super) fn held(&self, aik: &Ed25519PublicKey, now: Timestamp) -> Option<Self> {
        if self.unacknowledged.contains(aik) {
            return None;
        }
        match self.waiting.iter().find(|waiting| waiting.aik == *aik) {
            Some(waiting) => (now.since(waiting.since) < UNEXPLAINED_KEY_MS).then(|| self.clone()),
            None => (self.waiting.len() < UNEXPLAINED_KEYS).then(|| {
                let first_seen = Waiting { aik: *aik, since: now };
                Self { waiting: self.waiting.iter().cloned().chain([first_seen]).collect(), ..self.clone() }
            }),
        }
    }

    /// With `aik` among those that block. A fifth one displaces the oldest, which is announced again when it is seen
    /// again; never the acknowledged one.
    pub(super) fn blocked_by(&self, aik: &Ed25519PublicKey) -> Self {
        let mut next = self.clone();
        if !next.unacknowledged.contains(aik) {
            next.unacknowledged.insert(0, *aik);
            next.unacknowledged.truncate(UNACKNOWLEDGED_KEYS);
        }
        next
    }

    /// `None` unless `aik` is one that blocks.
    pub(super) fn acknowledge(&self, aik: &Ed25519PublicKey) -> Option<Self> {
        self.unacknowledged.contains(aik).then(|| Self { acknowledged: Some(*aik), ..self.without(aik) })
    }

    /// After a manifest under `aik` was adopted; keys stay among those that wait only if they may still be explained.
    pub(super) fn after(&self, aik: &Ed25519PublicKey, may_be_explained: impl Fn(&Ed25519PublicKey) -> bool) -> Self {
        let mut next = self.without(aik);
        next.waiting.retain(|waiting| waiting.aik != *aik && may_be_explained(&waiting.aik));
        next
    }

    fn without(&self, aik: &Ed25519PublicKey) -> Self {
        let mut next = self.clone();
        next.unacknowledged.retain(|key| key != aik);
        next.acknowledged = next.acknowledged.filter(|key| key != aik);
        next
    }

    /// What must hold between the parts of a stored one.
    pub(super) fn is_consistent(&self) -> bool {
        let once = |(place, key): (usize, &Ed25519PublicKey), keys: &[Ed25519PublicKey]| {
            !keys.iter().take(place).any(|other| other == key)
        };
        let waiting: Vec<_> = self.waiting.iter().map(|waiting| waiting.aik).collect();
        self.waiting.len() <= UNEXPLAINED_KEYS
            && self.unacknowledged.len() <= UNACKNOWLEDGED_KEYS
            && waiting.iter().enumerate().all(|key| once(key, &waiting))
            && self.unacknowledged.iter().enumerate().all(|key| once(key, &self.unacknowledged))
            && self.acknowledged.is_none_or(|key| !self.unacknowledged.contains(&key))
    }
}
