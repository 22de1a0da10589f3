//! The encrypted header: `docs/protocol.md` B6.3.
//!
//! ```text
//! hdr (48): u8 0x01 | u8 0x00 | u16 0x0000 | dh_pub raw[32] | u32 pn | u32 n | u32 mix_epoch
//! ```

use super::chain::Direction;
use super::keys::HeaderKey;
use crate::errors::DecryptError;
use crate::ids::SessionId;
use crate::labels::Label;
use crate::limits::CHAIN_MESSAGES;
use crate::primitives::{PublicKey as _, X25519PublicKey};
use crate::wire::{Layout, joined};

/// `hdr_ct`: 48 bytes and the tag.
pub const HEADER_BYTES: usize = 64;
const VERSION: u8 = 0x01;

/// What a header says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) dh_public: X25519PublicKey,
    /// Length of the sender's chain before this one.
    pub(super) pn: u32,
    /// Number of the message in its chain.
    pub(super) n: u32,
    /// Epoch of the sender's lane that was mixed when the chain began; 0: none.
    pub(super) mix_epoch: u32,
}

impl Header {
    pub(super) fn to_bytes(self) -> [u8; 48] {
        let (pn, n, mix_epoch) = (self.pn.to_be_bytes(), self.n.to_be_bytes(), self.mix_epoch.to_be_bytes());
        joined(&[&[VERSION, 0, 0, 0], self.dh_public.as_bytes(), &pn, &n, &mix_epoch])
    }

    /// A header that opened and breaks a rule is `DecryptFailed`: no other key is tried.
    fn parse(bytes: &[u8; 48]) -> Result<Self, DecryptError> {
        let mut layout = Layout::new(bytes);
        let mut read = || {
            let reserved = layout.array::<4>()? == &[VERSION, 0, 0, 0];
            let dh_public = X25519PublicKey::from_raw(layout.bytes(32)?).ok()?;
            let header = Self { dh_public, pn: layout.u32()?, n: layout.u32()?, mix_epoch: layout.u32()? };
            (reserved && header.n < CHAIN_MESSAGES).then_some(header)
        };
        read().ok_or(DecryptError::DecryptFailed)
    }
}

/// `hdr_ct = AES-256-GCM(key = HK, nonce = hdr_nonce, aad = lbl("hdr") || sid || u8 dir, pt = hdr)`.
pub(super) fn seal(
    key: &HeaderKey,
    nonce: &[u8; 12],
    sid: &SessionId,
    direction: Direction,
    header: &[u8; 48],
) -> Option<[u8; HEADER_BYTES]> {
    key.aead().seal_fixed(nonce, &aad(sid, direction), header).ok()
}

/// `None`: the key does not open it. An error: it does, and the header breaks a rule.
pub(super) fn open(
    key: &HeaderKey,
    nonce: &[u8; 12],
    sid: &SessionId,
    direction: Direction,
    sealed: &[u8; HEADER_BYTES],
) -> Option<Result<Header, DecryptError>> {
    let bytes = key.aead().open_fixed::<48>(nonce, &aad(sid, direction), sealed).ok()?;
    Some(Header::parse(&bytes))
}

/// `lbl("hdr") || sid || u8 dir`, 48 bytes.
fn aad(sid: &SessionId, direction: Direction) -> [u8; 48] {
    joined(&[Label::Hdr.framed(), sid.as_bytes(), &[direction.as_u8()]])
}
