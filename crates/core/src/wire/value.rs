//! Field values: exact lengths and tagged keys, `docs/protocol.md` B1.2.

use super::WireError;
use crate::primitives::PublicKey;

/// A field of exactly `N` bytes.
pub(crate) fn array<const N: usize>(field: &[u8]) -> Result<[u8; N], WireError> {
    field.try_into().map_err(|_| WireError::Field)
}

/// A field that holds `tag || raw` of a key of type `K`.
pub(crate) fn key<K: PublicKey>(field: &[u8]) -> Result<K, WireError> {
    K::from_tagged(field).map_err(|_| WireError::Field)
}

/// A field that holds a key, or nothing.
pub(crate) fn optional_key<K: PublicKey>(field: &[u8]) -> Result<Option<K>, WireError> {
    match field {
        [] => Ok(None),
        field => key(field).map(Some),
    }
}

/// A message field that must be there.
pub(crate) fn required<M>(field: &Option<M>) -> Result<&M, WireError> {
    field.as_ref().ok_or(WireError::Field)
}
