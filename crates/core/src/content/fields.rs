//! Lengths of fields: `docs/protocol.md` B1.2.

use super::{ContentRejected, FieldName};
use crate::ids::MessageId;
use crate::wire::v1;

/// Exactly `N` bytes.
pub(super) fn exact<const N: usize>(bytes: &[u8], name: FieldName) -> Result<[u8; N], ContentRejected> {
    bytes.try_into().map_err(|_| ContentRejected::Field(name))
}

/// Exactly `N` bytes, or none.
pub(super) fn optional<const N: usize>(bytes: &[u8], name: FieldName) -> Result<Option<[u8; N]>, ContentRejected> {
    match bytes.is_empty() {
        true => Ok(None),
        false => exact(bytes, name).map(Some),
    }
}

/// The bytes, or none.
pub(super) fn or_empty<const N: usize>(bytes: Option<&[u8; N]>) -> Vec<u8> {
    bytes.map_or_else(Vec::new, |bytes| bytes.to_vec())
}

/// Ids of messages, one at least.
pub(super) fn message_ids(ids: &[Vec<u8>]) -> Result<Vec<MessageId>, ContentRejected> {
    if ids.is_empty() {
        return Err(ContentRejected::Field(FieldName::MessageIds));
    }
    ids.iter()
        .map(|id| exact(id, FieldName::MessageIds).map(MessageId::from_bytes))
        .collect()
}

/// Body not empty, signature 64 bytes. Who signed it is judged where it is used.
pub(super) fn whole(signed: &v1::Signed) -> Result<(), ContentRejected> {
    match !signed.body.is_empty() && signed.sig.len() == 64 {
        true => Ok(()),
        false => Err(ContentRejected::Field(FieldName::Signed)),
    }
}

/// A signed object that must be there.
pub(super) fn needed(signed: Option<v1::Signed>) -> Result<v1::Signed, ContentRejected> {
    let signed = signed.ok_or(ContentRejected::Field(FieldName::Missing))?;
    whole(&signed).map(|()| signed)
}
