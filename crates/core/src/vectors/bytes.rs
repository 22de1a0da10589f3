//! Edits that make a forgery of honest bytes.

use crate::wire::{from_text, to_text};

/// `bytes` with `with` written at `offset`.
pub(super) fn written(bytes: &[u8], offset: usize, with: &[u8]) -> Vec<u8> {
    let mut edited = bytes.to_vec();
    edited[offset..offset + with.len()].copy_from_slice(with);
    edited
}

/// `bytes` with the lowest bit of the byte at `offset` flipped.
pub(super) fn flipped(bytes: &[u8], offset: usize) -> Vec<u8> {
    written(bytes, offset, &[bytes[offset] ^ 1])
}

/// `bytes` without the last one.
pub(super) fn cut(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len() - 1].to_vec()
}

/// `bytes` and a zero byte.
pub(super) fn longer(bytes: &[u8]) -> Vec<u8> {
    [bytes, &[0]].concat()
}

/// The text form `prefix || base64url` with another byte at `offset`.
pub(super) fn edited(prefix: &str, text: &str, offset: usize, byte: u8) -> String {
    let bytes = from_text(prefix, text, 1_024).unwrap();
    to_text(prefix, &written(&bytes, offset, &[byte])).to_string()
}
