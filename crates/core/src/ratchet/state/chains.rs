//! `ChainState` and `SkippedChain` at rest.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::SKIPPED_KEY_BYTES;
use super::fields::Fields;
use crate::limits::{SKIP_CHAINS, SKIP_STORED};
use crate::ratchet::chain::Chain;
use crate::ratchet::keys::{ChainKey, HeaderKey, MessageKey};
use crate::ratchet::skipped::{SkippedChain, SkippedKey, SkippedKeys};
use crate::wire::FieldWriter;

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
    (keys <= SKIP_STORED && chains.len() <= SKIP_CHAINS.saturating_add(1)).then_some(SkippedKeys { chains })
}

pub(super) fn read_skipped_chain(fields: &Fields<'_>, receiving: Option<&Chain>) -> Option<Arc<SkippedChain>> {
    let header_key = HeaderKey::new(fields.secret(1)?);
    let header_key = match receiving {
        Some(chain) if chain.header_key.is(&header_key) => Arc::clone(&chain.header_key),
        _ => Arc::new(header_key),
    };
    let keys: Vec<_> = fields.repeated(2)?.iter().map(read_skipped_key).collect::<Option<_>>()?;
    let ascending = keys.iter().zip(keys.iter().skip(1)).all(|(one, next)| one.n < next.n);
    (ascending && !keys.is_empty()).then(|| Arc::new(SkippedChain { header_key, keys }))
}

pub(super) fn read_skipped_key(fields: &Fields<'_>) -> Option<SkippedKey> {
    let key = Arc::new(MessageKey(fields.secret(2)?));
    Some(SkippedKey { n: fields.u32(1)?, key, stored_at: fields.time(3)? })
}
