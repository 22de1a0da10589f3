//! Keys of messages that were passed over: `docs/protocol.md` B6.2.

use std::sync::Arc;

use super::keys::{HeaderKey, MessageKey};
use crate::limits::{SKIP_AGE_MS, SKIP_CHAINS, SKIP_STORED};
use crate::time::Timestamp;

/// Skipped keys of all chains, the oldest chain first; the current receiving chain, if it has any, is the last.
#[derive(Clone, Default)]
pub(super) struct SkippedKeys {
    pub(super) chains: Vec<Arc<SkippedChain>>,
}

/// Skipped keys of one chain, ascending by number.
pub(super) struct SkippedChain {
    pub(super) header_key: Arc<HeaderKey>,
    pub(super) keys: Vec<SkippedKey>,
}

#[derive(Clone)]
pub(super) struct SkippedKey {
    pub(super) n: u32,
    pub(super) key: Arc<MessageKey>,
    pub(super) stored_at: Timestamp,
}

impl SkippedKeys {
    /// The chain with this header key.
    fn position(&self, header_key: &HeaderKey) -> Option<usize> {
        self.chains.iter().position(|chain| chain.header_key.is(header_key))
    }

    /// The key of message `n` of the chain with this header key.
    pub(super) fn find(&self, header_key: &HeaderKey, n: u32) -> Option<Arc<MessageKey>> {
        let chain = self.chains.get(self.position(header_key)?)?;
        let at = chain.keys.binary_search_by_key(&n, |key| key.n).ok()?;
        chain.keys.get(at).map(|key| Arc::clone(&key.key))
    }

    /// Without the key of message `n`; a chain of which no key is left is gone, its header key with it.
    pub(super) fn without(&self, header_key: &HeaderKey, n: u32) -> Self {
        self.filtered(|chain, key| !(chain.header_key.is(header_key) && key.n == n))
    }

    /// Without the keys that have waited for 14 days.
    pub(super) fn unexpired(&self, now: Timestamp) -> Self {
        let expired = |key: &SkippedKey| now.since(key.stored_at) >= SKIP_AGE_MS;
        match self.chains.iter().any(|chain| chain.keys.iter().any(expired)) {
            true => self.filtered(|_, key| !expired(key)),
            false => self.clone(),
        }
    }

    fn filtered(&self, keep: impl Fn(&SkippedChain, &SkippedKey) -> bool) -> Self {
        let chains = self.chains.iter().filter_map(|chain| {
            if chain.keys.iter().all(|key| keep(chain, key)) {
                return Some(Arc::clone(chain));
            }
            let keys: Vec<_> = chain.keys.iter().filter(|key| keep(chain, key)).cloned().collect();
            (!keys.is_empty()).then(|| Arc::new(SkippedChain { header_key: Arc::clone(&chain.header_key), keys }))
        });
        Self { chains: chains.collect() }
    }

    /// With the keys that a walk along the chain of `header_key` passed over, within the limit of the session: the
    /// oldest chain's lowest numbers go first.
    pub(super) fn with(&self, header_key: &Arc<HeaderKey>, added: Vec<(u32, MessageKey)>, now: Timestamp) -> Self {
        if added.is_empty() {
            return self.clone();
        }
        let mut chains = self.chains.clone();
        let mut keys = match self.position(header_key) {
            Some(at) => chains.remove(at).keys.clone(),
            None => Vec::new(),
        };
        keys.extend(added.into_iter().map(|(n, key)| SkippedKey { n, key: Arc::new(key), stored_at: now }));
        chains.push(Arc::new(SkippedChain { header_key: Arc::clone(header_key), keys }));
        Self { chains }.within_limit()
    }

    fn within_limit(self) -> Self {
        let stored: usize = self.chains.iter().map(|chain| chain.keys.len()).sum();
        let mut excess = stored.saturating_sub(SKIP_STORED);
        if excess == 0 {
            return self;
        }
        let mut chains = Vec::with_capacity(self.chains.len());
        for chain in self.chains {
            let evicted = excess.min(chain.keys.len());
            excess = excess.saturating_sub(evicted);
            match chain.keys.get(evicted..) {
                Some([]) | None => {}
                Some(_) if evicted == 0 => chains.push(chain),
                Some(kept) => {
                    let header_key = Arc::clone(&chain.header_key);
                    chains.push(Arc::new(SkippedChain { header_key, keys: kept.to_vec() }));
                }
            }
        }
        Self { chains }
    }

    /// When a new receiving chain begins, every chain here is an old one: five are kept.
    pub(super) fn with_all_chains_old(mut self) -> Self {
        let excess = self.chains.len().saturating_sub(SKIP_CHAINS);
        self.chains.drain(..excess);
        self
    }
}
