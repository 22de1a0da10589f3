//! `ChainState` and `SkippedChain` at rest.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::SKIPPED_KEY_BYTES;
use crate::limits::{CHAIN_MESSAGES, SKIP_CHAINS, SKIP_STORED};
use crate::ratchet::chain::Chain;
use crate::ratchet::keys::{ChainKey, HeaderKey, MessageKey};
use crate::ratchet::skipped::{SkippedChain, SkippedKey, SkippedKeys};
use crate::wire::{FieldWriter, Fields};

pub(super) fn write_chain(out: &mut FieldWriter, field: u32, chain: Option<&Chain>) {
    let Some(chain) = chain else { return };
    let mut inner = FieldWriter::with_capacity(128);
    inner.bytes(1, chain.header_key.as_bytes());
    inner.bytes(2, chain.chain_key.0.as_bytes());
    inner.number(3, chain.n);
    inner.bytes(4, chain.dh_public.as_bytes());
    inner.number(5, chain.mix_epoch);
    out.element(field, &inner.finish());
}

pub(super) fn read_chain(fields: Option<Fields<'_>>) -> Option<Option<Chain>> {
    let Some(fields) = fields else { return Some(None) };
    Some(Some(Chain {
        header_key: Arc::new(HeaderKey::new(fields.secret(1)?)),
        chain_key: Arc::new(ChainKey(fields.secret(2)?)),
        n: fields.u32(3)?,
        dh_public: fields.x25519(4)?,
        mix_epoch: fields.u32(5)?,
    }))
}

pub(super) fn skipped_bytes(chain: &SkippedChain) -> Zeroizing<Vec<u8>> {
    let keys = chain.keys.len().saturating_mul(SKIPPED_KEY_BYTES);
    let mut out = FieldWriter::with_capacity(keys.saturating_add(SKIPPED_KEY_BYTES));
    out.bytes(1, chain.header_key.as_bytes());
    for key in &chain.keys {
        let mut inner = FieldWriter::with_capacity(SKIPPED_KEY_BYTES);
        inner.number(1, key.n);
        inner.bytes(2, key.key.0.as_bytes());
        inner.number(3, key.stored_at.as_millis());
        out.element(2, &inner.finish());
    }
    out.finish()
}

/// The current chain's skipped keys share its header key, as they did before.
pub(super) fn read_skipped(chains: Vec<Fields<'_>>, receiving: Option<&Chain>) -> Option<SkippedKeys> {
    let chains: Vec<_> = chains.iter().map(|fields| read_skipped_chain(fields, receiving)).collect::<Option<_>>()?;
    let keys: usize = chains.iter().map(|chain| chain.keys.len()).sum();
    let is_current = |header_key: &HeaderKey| receiving.is_some_and(|chain| chain.header_key.is(header_key));
    let older = chains.iter().filter(|chain| !is_current(&chain.header_key)).count();
    let one_current = chains.len().saturating_sub(older) <= 1;
    (keys <= SKIP_STORED && older <= SKIP_CHAINS && one_current).then_some(SkippedKeys { chains })
}

pub(super) fn read_skipped_chain(fields: &Fields<'_>, receiving: Option<&Chain>) -> Option<Arc<SkippedChain>> {
    let header_key = HeaderKey::new(fields.secret(1)?);
    // A key beyond what the chain has reached would be met again by a walk, and the state after it could not be read.
    let (header_key, end) = match receiving {
        Some(chain) if chain.header_key.is(&header_key) => (Arc::clone(&chain.header_key), chain.n),
        _ => (Arc::new(header_key), CHAIN_MESSAGES),
    };
    let keys: Vec<_> = fields.repeated(2)?.iter().map(read_skipped_key).collect::<Option<_>>()?;
    let ascending = keys.iter().zip(keys.iter().skip(1)).all(|(one, next)| one.n < next.n);
    let passed = keys.last().is_some_and(|last| last.n < end);
    (ascending && passed).then(|| Arc::new(SkippedChain { header_key, keys }))
}

pub(super) fn read_skipped_key(fields: &Fields<'_>) -> Option<SkippedKey> {
    let key = Arc::new(MessageKey(fields.secret(2)?));
    Some(SkippedKey { n: fields.u32(1)?, key, stored_at: fields.time(3)? })
}
