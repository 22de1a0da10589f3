//! Sealing: `docs/protocol.md` B7.2.
//!
//! ```text
//! 0x01 | 0x01 | u8 env_hint | enc[1120] | ct                                   # 1139 + len(pt) bytes
//! body = u32 len || SealedContent || zeros;  pt = tag[32] || body
//! ct   = ctx.Seal(aad = 0x01 || 0x01 || env_hint, pt)
//! ```

use prost::Message as _;
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use super::tag::{TagKey, info};
use super::{TYPE_SEALED, VERSION};
use crate::errors::EncryptError;
use crate::identity::{DevicePublic, LocalDevice};
use crate::labels::Label;
use crate::limits::ENVELOPE_BYTES;
use crate::prekey::PublishedRecord;
use crate::primitives::{XWingPublicKey, setup_sender};
use crate::random::draw;
use crate::ratchet::Outgoing;
use crate::time::Timestamp;
use crate::wire::{lp, v1};

/// `kind` of a SealedContent.
pub(super) const KIND_INIT: u32 = 1;
pub(super) const KIND_SESSION: u32 = 2;
/// The plaintext is padded to a multiple of this.
pub(super) const STEP: usize = 1024;
/// Tag and length before the content.
pub(super) const FRAME_BYTES: usize = 32 + 4;
/// Room for certificates, and for the manifest of up to six devices, so that the length depends on `inner` alone.
const ROOM_INIT: usize = 1656;
const ROOM_SESSION: usize = 544;

/// The sender's side: this device and what vouches for it.
#[derive(Clone, Copy)]
pub struct SealedBy<'a> {
    /// The device.
    pub device: &'a LocalDevice,
    /// Its certificate, valid now.
    pub device_cert: &'a v1::Signed,
    /// The certificate of its issuer.
    pub issuer_cert: &'a v1::Signed,
    /// The account's newest manifest: travels with an INIT.
    pub manifest: &'a v1::Signed,
}

/// The recipient's side.
#[derive(Clone, Copy)]
pub struct SealTo<'a> {
    device: &'a DevicePublic,
    env: &'a PublishedRecord<XWingPublicKey>,
}

/// An envelope key that the recipient would not open with: a newer ENV record is fetched (B3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EnvelopeKeyError {
    /// The record has run out.
    #[error("the envelope key has expired")]
    Expired,
    /// The record is another device's, or of another registration.
    #[error("the envelope key belongs to another device")]
    OtherDevice,
}

impl<'a> SealTo<'a> {
    /// `device`, under the pinned identity key, by its verified ENV record, which must not have run out: its owner
    /// deletes the key some time after, and then the envelope is lost.
    pub fn new(
        device: &'a DevicePublic,
        env: &'a PublishedRecord<XWingPublicKey>,
        now: Timestamp,
    ) -> Result<Self, EnvelopeKeyError> {
        match (env.address == device.address, now < env.not_after) {
            (false, _) => Err(EnvelopeKeyError::OtherDevice),
            (true, false) => Err(EnvelopeKeyError::Expired),
            (true, true) => Ok(Self { device, env }),
        }
    }
}

impl SealedBy<'_> {
    /// Seals a message to one device.
    pub fn seal(
        &self,
        message: &Outgoing,
        to: SealTo<'_>,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Vec<u8>, EncryptError> {
        self.seal_with(message, to, &draw(rng)?)
    }

    /// As [`seal`](Self::seal), with the 64 bytes of X-Wing encapsulation.
    pub(crate) fn seal_with(
        &self,
        message: &Outgoing,
        to: SealTo<'_>,
        encapsulation: &Zeroizing<[u8; 64]>,
    ) -> Result<Vec<u8>, EncryptError> {
        let (kind, manifest, room) = match message {
            Outgoing::Init(_) => (KIND_INIT, Some(self.manifest.clone()), ROOM_INIT),
            Outgoing::Session(_) => (KIND_SESSION, None, ROOM_SESSION),
        };
        let inner = message.as_bytes().to_vec();
        let length = padded_length(inner.len().saturating_add(room));
        let content = v1::SealedContent {
            kind,
            device_cert: Some(self.device_cert.clone()),
            issuer_cert: Some(self.issuer_cert.clone()),
            inner,
            manifest,
        };
        self.seal_content(&content.encode_to_vec(), length, to, encapsulation)
    }

    pub(super) fn seal_content(
        &self,
        content: &[u8],
        at_least: usize,
        to: SealTo<'_>,
        encapsulation: &Zeroizing<[u8; 64]>,
    ) -> Result<Vec<u8>, EncryptError> {
        let length = at_least.max(padded_length(content.len().saturating_add(FRAME_BYTES)));
        let mut body = Vec::with_capacity(length);
        body.extend_from_slice(&lp(content));
        body.extend_from_slice(content);
        body.resize(length.saturating_sub(32), 0);
        self.seal_body(&body, to, encapsulation)
    }

    pub(crate) fn seal_body(
        &self,
        body: &[u8],
        to: SealTo<'_>,
        encapsulation: &Zeroizing<[u8; 64]>,
    ) -> Result<Vec<u8>, EncryptError> {
        let info = info(to.device.address, &to.env.record);
        let (enc, context) = setup_sender(&to.env.key, &info, encapsulation).map_err(|_| EncryptError::Internal)?;
        let dh = self.device.ddk().diffie_hellman(&to.device.ddk).map_err(|_| EncryptError::InvalidInput)?;
        let export = context.export(Label::SealedExport).map_err(|_| EncryptError::Internal)?;
        let hint = to.env.key_id.hint();
        let tag = TagKey { export: &export, dh: &dh, enc: &enc, hint }.tag(body, self.device.public(), to.device);
        let plaintext = [tag.as_slice(), body].concat();
        let header = [TYPE_SEALED, VERSION, hint];
        let sealed = context.seal(&header, &plaintext).map_err(|_| EncryptError::Internal)?;
        let envelope = [header.as_slice(), &enc, &sealed].concat();
        match envelope.len() <= ENVELOPE_BYTES {
            true => Ok(envelope),
            false => Err(EncryptError::InvalidInput),
        }
    }
}

/// The smallest multiple of 1024 that is at least `length`.
fn padded_length(length: usize) -> usize {
    length.checked_next_multiple_of(STEP).unwrap_or(usize::MAX)
}
