//! The walk over the wire that comes before the protobuf decoder: `docs/protocol.md` B1.2.
//!
//! A protobuf decoder takes the last of two singular fields, merges two messages, and skips what it does not know.
//! Here each of these is found first, and nesting is bounded.

use super::WireError;
use super::field::{FieldReader, FieldValue};
use super::schema::{Field, Kind, Schema};
use crate::limits::WIRE_DEPTH;

/// How strictly fields are judged.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Signed objects and their containers: an unknown field is an error.
    Canonical,
    /// Content: unknown fields are passed over.
    Lenient,
}

/// Checks `bytes` against `schema` without decoding anything.
pub(super) fn scan(bytes: &[u8], schema: &Schema, mode: Mode) -> Result<(), WireError> {
    walk(bytes, schema, mode, WIRE_DEPTH)
}

fn walk(bytes: &[u8], schema: &Schema, mode: Mode, depth_left: usize) -> Result<(), WireError> {
    let depth_left = depth_left.checked_sub(1).ok_or(WireError::Malformed)?;
    if schema.canonical.is_some_and(|reencodes| !reencodes(bytes)) {
        return Err(WireError::NotCanonical);
    }
    // v1 has no message of more than 64 fields: one bit for each in the order of the schema.
    let mut seen = 0_u64;
    let mut oneof_seen = false;
    let mut reader = FieldReader::new(bytes);
    while let Some((number, value)) = reader.field()? {
        let Some((index, field)) = schema.position(number) else {
            match mode {
                Mode::Canonical => return Err(WireError::NotCanonical),
                Mode::Lenient => continue,
            }
        };
        let bit = 1_u64.checked_shl(index).unwrap_or(0);
        if (!field.repeated && seen & bit != 0) || (field.oneof && oneof_seen) {
            return Err(WireError::Repeated);
        }
        seen |= bit;
        oneof_seen |= field.oneof;
        match (&field.kind, value) {
            (Kind::Varint, FieldValue::Varint(_)) | (Kind::Bytes, FieldValue::Bytes(_)) => {}
            // A decoder takes packed and single elements alike; canonical form is judged by re-encoding.
            (Kind::Packed, FieldValue::Bytes(_) | FieldValue::Varint(_)) => {}
            (Kind::Message(inner), FieldValue::Bytes(inside)) => walk(inside, inner, mode, depth_left)?,
            (Kind::Container(_, limit), FieldValue::Bytes(inside)) if inside.len() > *limit => {
                return Err(WireError::TooLong);
            }
            (Kind::Container(inner, _), FieldValue::Bytes(inside)) => walk(inside, inner, mode, depth_left)?,
            _ => return Err(WireError::Malformed),
        }
    }
    Ok(())
}

impl Schema {
    fn position(&self, number: u32) -> Option<(u32, &'static Field)> {
        let index = self.fields.iter().position(|field| field.number == number)?;
        Some((u32::try_from(index).ok()?, self.fields.get(index)?))
    }
}
