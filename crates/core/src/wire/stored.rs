//! The fields of a state at rest (`docs/protocol.md` B5, B18), borrowed from its bytes: no secret is copied before it
//! stands where it belongs.

use super::{FieldReader, FieldValue, WireError};
use crate::primitives::{Ed25519PublicKey, PublicKey as _, Secret, X25519PublicKey};
use crate::time::Timestamp;

/// The fields of one message, in the order in which they came.
pub(crate) struct Fields<'a>(Vec<(u32, FieldValue<'a>)>);

impl<'a> Fields<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, WireError> {
        let mut reader = FieldReader::new(bytes);
        let mut fields = Vec::new();
        while let Some(field) = reader.field()? {
            fields.push(field);
        }
        Ok(Self(fields))
    }

    pub(crate) fn all(&self, number: u32) -> impl Iterator<Item = FieldValue<'a>> {
        self.0.iter().filter(move |(field, _)| *field == number).map(|(_, value)| *value)
    }

    /// A number; 0 if it is not there.
    pub(crate) fn number(&self, number: u32) -> Result<u64, WireError> {
        match self.all(number).next() {
            None => Ok(0),
            Some(FieldValue::Varint(value)) => Ok(value),
            Some(_) => Err(WireError::Malformed),
        }
    }

    pub(crate) fn u32(&self, number: u32) -> Option<u32> {
        u32::try_from(self.number(number).ok()?).ok()
    }

    pub(crate) fn time(&self, number: u32) -> Option<Timestamp> {
        self.number(number).ok().map(Timestamp::from_millis)
    }

    /// Bytes; none if it is not there.
    pub(crate) fn bytes(&self, number: u32) -> Option<&'a [u8]> {
        match self.all(number).next() {
            None => Some(&[]),
            Some(FieldValue::Bytes(value)) => Some(value),
            Some(_) => None,
        }
    }

    pub(crate) fn message(&self, number: u32) -> Option<Fields<'a>> {
        Self::read(self.bytes(number)?).ok()
    }

    /// A message that may be absent.
    pub(crate) fn optional(&self, number: u32) -> Option<Option<Fields<'a>>> {
        match self.all(number).next() {
            None => Some(None),
            Some(_) => self.message(number).map(Some),
        }
    }

    pub(crate) fn repeated(&self, number: u32) -> Option<Vec<Fields<'a>>> {
        self.all(number)
            .map(|value| match value {
                FieldValue::Bytes(bytes) => Self::read(bytes).ok(),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn secret<const N: usize>(&self, number: u32) -> Option<Secret<N>> {
        Secret::from_slice(self.bytes(number)?)
    }

    pub(crate) fn x25519(&self, number: u32) -> Option<X25519PublicKey> {
        X25519PublicKey::from_raw(self.bytes(number)?).ok()
    }

    pub(crate) fn ed25519(&self, number: u32) -> Option<Ed25519PublicKey> {
        Ed25519PublicKey::from_raw(self.bytes(number)?).ok()
    }
}
