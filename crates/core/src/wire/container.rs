//! Containers of signed objects that stand alone, as the relay gives them: `docs/protocol.md` B1.2.
//!
//! Inside another message the scanner applies the same limits; which one belongs to a place, the schema says.

use super::{WireError, decode_canonical, v1};
use crate::limits::{DIRECTORY_CONTAINER_BYTES, SIGNED_CONTAINER_BYTES};

impl v1::Signed {
    /// Reads the container of a manifest, certificate, list or group state: canonical, at most 65 792 bytes. Nothing is
    /// verified.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        decode_canonical(bytes, SIGNED_CONTAINER_BYTES)
    }

    /// Reads the container of an organization's directory: canonical, at most 1 048 832 bytes. Nothing is verified.
    pub fn directory_from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        decode_canonical(bytes, DIRECTORY_CONTAINER_BYTES)
    }
}

impl v1::SignedRecord {
    /// Reads the container of a prekey record: canonical, at most 65 792 bytes. Nothing is verified.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        decode_canonical(bytes, SIGNED_CONTAINER_BYTES)
    }
}
