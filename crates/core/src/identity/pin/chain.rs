//! The newest manifest of an account, and the identity keys that led to it: `docs/protocol.md` B2.4.

use crate::identity::manifest::Manifest;
use crate::limits::{AIK_LINEAGE, PREDECESSOR_AGE_MS};
use crate::primitives::{Ed25519PublicKey, kdf};
use crate::time::Timestamp;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Chain {
    pub(super) current: Manifest,
    /// Those that may still count as the current key, newest first, at most 64.
    pub(super) predecessors: Vec<Predecessor>,
    /// Of the keys that the chain led away from; never the current one.
    pub(super) lineage: FormerKeys,
}

/// `SHA-256(aik[33])` of the identity keys that the chain of an account led away from, however long ago: newest first,
/// at most 64, each once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FormerKeys(Vec<[u8; 32]>);

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Predecessor {
    pub(super) aik: Ed25519PublicKey,
    pub(super) left_at: Timestamp,
}

impl Chain {
    pub(super) fn starting(manifest: Manifest) -> Self {
        Self { current: manifest, predecessors: Vec::new(), lineage: FormerKeys::default() }
    }

    /// This chain with one more manifest at its end.
    pub(super) fn extended(&self, manifest: &Manifest, now: Timestamp) -> Self {
        let counting = self.predecessors.iter().filter(|key| key.counts(now)).cloned();
        if manifest.aik() == self.current.aik() {
            let predecessors = counting.collect();
            return Self { current: manifest.clone(), predecessors, lineage: self.lineage.clone() };
        }
        let left = *self.current.aik();
        let predecessors = [Predecessor { aik: left, left_at: now }].into_iter().chain(counting).take(AIK_LINEAGE);
        let lineage = self.lineage.left(&left, manifest.aik());
        Self { current: manifest.clone(), predecessors: predecessors.collect(), lineage }
    }

    pub(super) fn predecessors(&self, now: Timestamp) -> impl Iterator<Item = &Ed25519PublicKey> {
        self.predecessors.iter().filter(move |key| key.counts(now)).map(|key| &key.aik)
    }

    /// Whether `aik` is the current key, or one that the chain led away from, however long ago.
    pub(super) fn descends_from(&self, aik: &Ed25519PublicKey) -> bool {
        self.current.aik() == aik || self.lineage.contains(aik)
    }

    /// What must hold between the parts of a stored one.
    pub(super) fn is_consistent(&self) -> bool {
        self.predecessors.len() <= AIK_LINEAGE
            && !self.lineage.contains(self.current.aik())
            && self.lineage.is_consistent()
    }
}

impl FormerKeys {
    pub(super) const fn from_digests(digests: Vec<[u8; 32]>) -> Self {
        Self(digests)
    }

    pub(super) fn digests(&self) -> &[[u8; 32]] {
        &self.0
    }

    /// Whether `aik` is one of them.
    pub fn contains(&self, aik: &Ed25519PublicKey) -> bool {
        self.0.contains(&digest(aik))
    }

    /// These and `left`, which the chain led away from to `next`.
    fn left(&self, left: &Ed25519PublicKey, next: &Ed25519PublicKey) -> Self {
        let (newest, again) = (digest(left), digest(next));
        let older = self.0.iter().copied().filter(|former| *former != newest && *former != again);
        Self([newest].into_iter().chain(older).take(AIK_LINEAGE).collect())
    }

    fn is_consistent(&self) -> bool {
        let once = |(place, hash): (usize, &[u8; 32])| !self.0.iter().take(place).any(|other| other == hash);
        self.0.len() <= AIK_LINEAGE && self.0.iter().enumerate().all(once)
    }
}

/// Newest first.
impl FromIterator<Ed25519PublicKey> for FormerKeys {
    fn from_iter<I: IntoIterator<Item = Ed25519PublicKey>>(keys: I) -> Self {
        Self(keys.into_iter().take(AIK_LINEAGE).map(|key| digest(&key)).collect())
    }
}

impl Predecessor {
    fn counts(&self, now: Timestamp) -> bool {
        now.since(self.left_at) <= PREDECESSOR_AGE_MS
    }
}

/// `SHA-256(aik[33])`.
fn digest(aik: &Ed25519PublicKey) -> [u8; 32] {
    kdf::sha256(&[&aik.tagged()])
}
