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
    /// `SHA-256(aik[33])` of the keys that the chain led away from, newest first, at most 64, each once; never the
    /// current one.
    pub(super) lineage: Vec<[u8; 32]>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Predecessor {
    pub(super) aik: Ed25519PublicKey,
    pub(super) left_at: Timestamp,
}

impl Chain {
    pub(super) fn starting(manifest: Manifest) -> Self {
        Self { current: manifest, predecessors: Vec::new(), lineage: Vec::new() }
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
        let (newest, again) = (digest(&left), digest(manifest.aik()));
        let older = self.lineage.iter().copied().filter(|former| *former != newest && *former != again);
        let lineage = [newest].into_iter().chain(older).take(AIK_LINEAGE).collect();
        Self { current: manifest.clone(), predecessors: predecessors.collect(), lineage }
    }

    pub(super) fn predecessors(&self, now: Timestamp) -> impl Iterator<Item = &Ed25519PublicKey> {
        self.predecessors.iter().filter(move |key| key.counts(now)).map(|key| &key.aik)
    }

    /// Whether `aik` is the current key, or one that the chain led away from, however long ago.
    pub(super) fn descends_from(&self, aik: &Ed25519PublicKey) -> bool {
        self.current.aik() == aik || self.lineage.contains(&digest(aik))
    }

    /// What must hold between the parts of a stored one.
    pub(super) fn is_consistent(&self) -> bool {
        let current = digest(self.current.aik());
        let once = |(place, hash): (usize, &[u8; 32])| !self.lineage.iter().take(place).any(|other| other == hash);
        self.predecessors.len() <= AIK_LINEAGE
            && self.lineage.len() <= AIK_LINEAGE
            && !self.lineage.contains(&current)
            && self.lineage.iter().enumerate().all(once)
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
