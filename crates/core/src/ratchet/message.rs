//! `SessionMessage`, message keys and their commitment: `docs/protocol.md` B6.3 and B6.4.
//!
//! ```text
//! u8 0x03 | u8 0x01 | hdr_nonce[12] | hdr_ct[64] | com[32] | body_ct[len+16]
//! ```

use core::fmt;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::chain::Direction;
use super::header::HEADER_BYTES;
use super::keys::MessageKey;
use crate::errors::DecryptError;
use crate::ids::SessionId;
use crate::labels::Label;
use crate::limits::BODY_BYTES;
use crate::primitives::aead::{AeadKey, TAG_BYTES};
use crate::primitives::{SecretBytes, kdf};
use crate::wire::{Layout, joined};

/// A message is this much longer than its padded body.
pub const MESSAGE_OVERHEAD: usize = 126;
const TYPE: u8 = 0x03;
const VERSION: u8 = 0x01;

/// A message as it arrived: its parts are found, nothing is opened.
#[derive(Clone, Copy)]
pub struct SessionMessage<'a> {
    pub(super) header_nonce: &'a [u8; 12],
    pub(super) header: &'a [u8; HEADER_BYTES],
    pub(super) com: &'a [u8; 32],
    pub(super) body: &'a [u8],
}

impl<'a> SessionMessage<'a> {
    /// Finds the parts of a message. Another type or version is `UnsupportedVersion`, before any cryptography; what is
    /// too short or too long is `DecryptFailed`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecryptError> {
        let mut layout = Layout::new(bytes);
        match (layout.u8(), layout.u8()) {
            (Some(TYPE), Some(VERSION)) => {}
            (Some(TYPE), None) | (None, _) => return Err(DecryptError::DecryptFailed),
            _ => return Err(DecryptError::UnsupportedVersion),
        }
        let mut parts = || {
            let (header_nonce, header, com) = (layout.array()?, layout.array()?, layout.array()?);
            let body = layout.rest();
            (TAG_BYTES..=BODY_BYTES.saturating_add(TAG_BYTES)).contains(&body.len()).then_some(())?;
            Some(Self { header_nonce, header, com, body })
        };
        parts().ok_or(DecryptError::DecryptFailed)
    }
}

impl fmt::Debug for SessionMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionMessage(..)")
    }
}

/// `kenc`, `iv`, `kcom` and `AD` of one message.
pub(super) struct BodyKeys {
    okm: Zeroizing<[u8; 76]>,
    ad: [u8; 111],
}

impl BodyKeys {
    /// ```text
    /// okm = KDF( salt = SHA-256(hdr_nonce || hdr_ct), ikm = mk, "msg", ctx = sid || u8 dir, 76 )
    /// AD  = u8 0x03 || u8 0x01 || sid || u8 dir || hdr_nonce || hdr_ct
    /// ```
    pub(super) fn derive(
        mk: &MessageKey,
        sid: &SessionId,
        direction: Direction,
        nonce: &[u8; 12],
        header: &[u8; HEADER_BYTES],
    ) -> Self {
        let salt = kdf::sha256(&[nonce, header]);
        let okm = kdf::kdf::<76>(&salt, &[mk.0.as_bytes()], Label::Msg, &[sid.as_bytes(), &[direction.as_u8()]]);
        let ad = joined(&[&[TYPE, VERSION], sid.as_bytes(), &[direction.as_u8()], nonce, header]);
        Self { okm, ad }
    }

    /// `kenc = okm[0..32]`, `iv = okm[32..44]`, `kcom = okm[44..76]`.
    fn split(&self) -> Option<(&[u8; 32], &[u8; 12], &[u8; 32])> {
        let mut layout = Layout::new(self.okm.as_slice());
        Some((layout.array()?, layout.array()?, layout.array()?))
    }

    /// `com = MAC(kcom, "com", AD)` and `AD || com`.
    fn commitment(&self, kcom: &[u8; 32]) -> ([u8; 32], [u8; 143]) {
        let com = kdf::mac(kcom, Label::Com, &[&self.ad]);
        (com, joined(&[&self.ad, &com]))
    }

    /// Appends `com || body_ct` with `body_ct = AES-256-GCM(kenc, iv, aad = AD || com, pt = body)`; `body` writes the
    /// plaintext to the end of the buffer, where it is encrypted in place.
    pub(super) fn seal(&self, message: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) -> Option<()> {
        let (kenc, iv, kcom) = self.split()?;
        let (com, aad) = self.commitment(kcom);
        message.extend_from_slice(&com);
        let start = message.len();
        body(message);
        AeadKey::new(kenc).seal_tail(iv, &aad, message, start).ok()
    }

    /// The commitment first, then the body; one error for both.
    pub(super) fn open(&self, com: &[u8; 32], body: &[u8]) -> Result<SecretBytes, DecryptError> {
        let (kenc, iv, kcom) = self.split().ok_or(DecryptError::DecryptFailed)?;
        let (expected, aad) = self.commitment(kcom);
        if !bool::from(expected.ct_eq(com)) {
            return Err(DecryptError::DecryptFailed);
        }
        AeadKey::new(kenc).open(iv, &aad, body).map_err(|_| DecryptError::DecryptFailed)
    }
}

/// The bytes before `com`.
pub(super) fn start(nonce: &[u8; 12], header: &[u8; HEADER_BYTES], padded_body: usize) -> Vec<u8> {
    let mut message = Vec::with_capacity(padded_body.saturating_add(MESSAGE_OVERHEAD));
    message.extend_from_slice(&[TYPE, VERSION]);
    message.extend_from_slice(nonce);
    message.extend_from_slice(header);
    message
}

#[cfg(test)]
impl BodyKeys {
    /// `kenc`, `iv` and the associated data of GCM: for the forger of T59, who knows the key.
    pub(super) fn gcm_inputs(&self, com: &[u8; 32]) -> ([u8; 32], [u8; 12], Vec<u8>) {
        let (kenc, iv, _) = self.split().unwrap();
        (*kenc, *iv, [self.ad.as_slice(), com].concat())
    }

    /// Whether GCM alone, without the check of the commitment, accepts the text.
    pub(super) fn gcm_opens(&self, com: &[u8; 32], body: &[u8]) -> bool {
        let (kenc, iv, aad) = self.gcm_inputs(com);
        AeadKey::new(&kenc).open(&iv, &aad, body).is_ok()
    }
}
