//! State that a device keeps as version-tagged protobuf: the rules of `docs/protocol.md` B5 for what holds no secret
//! (B12.8, B13.8, B17). The store encrypts and authenticates it all the same.

use prost::Message;

use crate::wire::{Described, FieldReader, FieldValue, WireError, decode_canonical};

/// The one format of v1.
pub(crate) const FORMAT: u32 = 1;
/// The last field of every state, so that one that was cut off between two fields is not taken for whole.
pub(crate) const COMPLETE: u32 = 1;

/// Why a stored state was not loaded: error `Storage`. It is never partly loaded, and never taken for absent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AtRestError {
    /// Damaged, cut off, beyond a limit, or not a state of this kind.
    #[error("the stored state is damaged")]
    Corrupted,
    /// Written by a newer version of the library.
    #[error("the stored state has an unknown format")]
    UnknownFormat,
}

/// A message that is a state at rest: `format` is its field 1, `complete` its last one.
pub(crate) trait AtRest: Message + Default + Described {
    /// Bytes, before decoding: more than the limits of what is in it allow.
    const LIMIT: usize;

    /// 1 in a state that is whole.
    fn complete(&self) -> u32;

    /// What was stored, in the one canonical encoding. What the fields mean is judged by the caller, who writes them
    /// again and compares.
    fn read(bytes: &[u8]) -> Result<Self, AtRestError> {
        match FieldReader::new(bytes).field() {
            Ok(Some((1, FieldValue::Varint(format)))) if format == u64::from(FORMAT) => {}
            Ok(Some((1, FieldValue::Varint(_)))) => return Err(AtRestError::UnknownFormat),
            _ => return Err(AtRestError::Corrupted),
        }
        let message: Self = decode_canonical(bytes, Self::LIMIT)?;
        match message.complete() == COMPLETE {
            true => Ok(message),
            false => Err(AtRestError::Corrupted),
        }
    }
}

impl From<WireError> for AtRestError {
    fn from(_: WireError) -> Self {
        Self::Corrupted
    }
}

/// Only what would be written again as the same bytes was loaded.
pub(crate) fn unchanged<T>(
    loaded: Option<T>,
    bytes: &[u8],
    write: impl FnOnce(&T) -> Vec<u8>,
) -> Result<T, AtRestError> {
    loaded.filter(|loaded| write(loaded) == bytes).ok_or(AtRestError::Corrupted)
}

/// Whether each comes before the next.
pub(crate) fn ascending<T: Ord>(items: &[T]) -> bool {
    items.is_sorted_by(|one, next| one < next)
}
