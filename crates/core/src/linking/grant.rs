//! What both sides of a linking compute alike: `docs/protocol.md` B2.

use crate::ids::DeviceId;
use crate::labels::Label;
use crate::primitives::aead::AeadKey;
use crate::primitives::kdf::hash;
use crate::primitives::{PublicKey as _, Secret, XWingPublicKey};
use crate::safety_number::ConfirmationCode;
use crate::wire::{lp, v1};

/// Where the two devices leave their messages at the relay.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BoxId([u8; 16]);

impl BoxId {
    /// `HASH("link-box", secret)[0..16]`.
    pub(super) fn of(secret: &Secret<16>) -> Self {
        let digest = hash(Label::LinkBox, &[secret.as_bytes()]);
        Self(digest.first_chunk().copied().unwrap_or_default())
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

super::opaque!(BoxId);

/// A grant as the new device opened it. Its manifest is not verified yet: that is the next thing to do, and only the
/// account and the key that it names are to be answered.
#[derive(Clone)]
#[non_exhaustive]
pub struct LinkGrant {
    /// The device id that the primary chose.
    pub device: DeviceId,
    /// The account's newest manifest, as received.
    pub manifest: v1::Signed,
    pub(super) enc: Box<[u8]>,
    pub(super) bytes: Box<[u8]>,
}

super::opaque!(LinkGrant);

/// `HASH("link-key", E)`, E = tag||raw.
pub(super) fn key_hash(e: &XWingPublicKey) -> [u8; 32] {
    hash(Label::LinkKey, &[&e.to_tagged()])
}

/// `info = lbl("link") || secret`.
pub(super) fn info(secret: &Secret<16>) -> Vec<u8> {
    [Label::Link.framed(), secret.as_bytes()].concat()
}

/// `code = u32(HASH("link-code", E || enc || LP(grant) || LP(DeviceEntry))[0..4]) mod 10^6`, six digits.
pub(super) fn code(e: &XWingPublicKey, enc: &[u8], grant: &[u8], entry: &[u8]) -> ConfirmationCode {
    let parts: [&[u8]; 6] = [&e.to_tagged(), enc, &lp(grant), grant, &lp(entry), entry];
    ConfirmationCode::of(&hash(Label::LinkCode, &parts))
}

/// K, ready to seal or open the one reply.
pub(super) fn reply_key(k: &[u8; 32]) -> AeadKey {
    AeadKey::new(k)
}

/// K seals one reply and never another: nonce 0^12.
pub(super) const REPLY_NONCE: [u8; 12] = [0; 12];
