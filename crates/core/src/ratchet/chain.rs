//! Sending and receiving chains: `docs/protocol.md` B5, B6.1 and B6.2.

use std::sync::Arc;

use super::keys::{ChainKey, HeaderKey, MessageKey};
use crate::limits::SKIP_STORED_PER_JUMP;
use crate::primitives::X25519PublicKey;

/// Whose chain it is: 0x00 if its sender is the initiator, 0x01 if the responder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Direction {
    FromInitiator,
    FromResponder,
}

impl Direction {
    pub(super) const fn as_u8(self) -> u8 {
        match self {
            Self::FromInitiator => 0x00,
            Self::FromResponder => 0x01,
        }
    }
}

/// One chain, either way: consecutive states share what did not change.
#[derive(Clone)]
pub(super) struct Chain {
    pub(super) header_key: Arc<HeaderKey>,
    pub(super) chain_key: Arc<ChainKey>,
    /// Number of the next message.
    pub(super) n: u32,
    /// The sender's ratchet key.
    pub(super) dh_public: X25519PublicKey,
    /// Epoch of the sender's lane that was mixed when the chain began; 0: none.
    pub(super) mix_epoch: u32,
}

/// What walking along a chain gives.
pub(super) struct Walk {
    /// The chain after the walk.
    pub(super) chain: Chain,
    /// Keys of the messages that were passed over, ascending, the newest 1 000 only.
    pub(super) skipped: Vec<(u32, MessageKey)>,
}

impl Chain {
    /// Walks to message number `to`; the caller has checked that it is ahead and near enough.
    pub(super) fn walk(&self, to: u32) -> Walk {
        let mut walk = Walk { chain: self.clone(), skipped: Vec::new() };
        let first_stored = to.saturating_sub(SKIP_STORED_PER_JUMP);
        while walk.chain.n < to {
            let n = walk.chain.n;
            if n >= first_stored {
                let (key, chain) = walk.chain.step();
                walk.skipped.push((n, key));
                walk.chain = chain;
            } else {
                walk.chain = walk.chain.with(walk.chain.chain_key.next());
            }
        }
        walk
    }

    /// The key of the next message, and the chain past it.
    pub(super) fn step(&self) -> (MessageKey, Self) {
        let (key, next) = self.chain_key.step();
        (key, self.with(next))
    }

    /// Past the next message.
    fn with(&self, next: ChainKey) -> Self {
        // A chain ends at 2^24 (B6.2), checked by whoever sends or receives.
        Self { chain_key: Arc::new(next), n: self.n.saturating_add(1), ..self.clone() }
    }
}
