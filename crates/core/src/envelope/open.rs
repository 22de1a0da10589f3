//! Opening, in the order of `docs/protocol.md` B7.2; one type for each point that was reached.
//!
//! [`SealedEnvelope`] → (HPKE, form, signatures, tag, not self) → [`TaggedEnvelope`] → (times, manifest, in
//! [`judge`](super::judge)) → [`AuthenticatedEnvelope`](super::AuthenticatedEnvelope). Up to the tag nothing is known of
//! the sender: every failure is `DecryptFailed` and leaves no trace.

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::seal::{FRAME_BYTES, KIND_INIT, KIND_SESSION, STEP};
use super::tag::{TagKey, info};
use super::{TYPE_SEALED, VERSION};
use crate::errors::DecryptError;
use crate::handshake::Recipient;
use crate::identity::{DevicePublic, SignedCertificate, Trust, UnverifiedCertificates};
use crate::labels::Label;
use crate::limits::{ENVELOPE_BYTES, PREKEY_KEEP_MS};
use crate::prekey::EnvelopePrekey;
use crate::primitives::setup_receiver;
use crate::time::Timestamp;
use crate::wire::{Layout, decode_canonical, v1};

/// A SEALED envelope: its parts are found, nothing is opened.
pub struct SealedEnvelope<'a> {
    hint: u8,
    enc: &'a [u8; 1120],
    ct: &'a [u8],
}

/// An ENV key of this device that still opens: the newest, or one that was replaced less than 30 days ago.
#[derive(Clone, Copy, Debug)]
pub struct LiveEnvelopeKey<'a> {
    prekey: &'a EnvelopePrekey,
}

impl<'a> LiveEnvelopeKey<'a> {
    /// `None` from 30 days after the directory confirmed its replacement.
    pub fn new(prekey: &'a EnvelopePrekey, replaced_at: Option<Timestamp>, now: Timestamp) -> Option<Self> {
        replaced_at.is_none_or(|replaced| now < replaced.plus(PREKEY_KEEP_MS)).then_some(Self { prekey })
    }
}

impl<'a> SealedEnvelope<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, DecryptError> {
        let mut layout = Layout::new(bytes);
        match (layout.u8(), layout.u8()) {
            (Some(TYPE_SEALED), Some(VERSION)) => {}
            (Some(TYPE_SEALED), None) => return Err(DecryptError::DecryptFailed),
            _ => return Err(DecryptError::UnsupportedVersion),
        }
        let mut parts = || Some(Self { hint: layout.u8()?, enc: layout.array()?, ct: layout.rest() });
        parts().ok_or(DecryptError::DecryptFailed)
    }

    /// Everything up to the tag, and that the sender is not this device. `keys`: the live ENV keys, newest first; the
    /// ones that the hint names are tried first.
    pub fn open(
        &self,
        me: Recipient<'_>,
        keys: &[LiveEnvelopeKey<'_>],
        trust: &Trust,
    ) -> Result<TaggedEnvelope, DecryptError> {
        self.opened(me, keys, trust).ok_or(DecryptError::DecryptFailed)
    }

    fn opened(&self, me: Recipient<'_>, keys: &[LiveEnvelopeKey<'_>], trust: &Trust) -> Option<TaggedEnvelope> {
        let named = |key: &&LiveEnvelopeKey<'_>| key.prekey.key_id().hint() == self.hint;
        let in_order = keys.iter().filter(named).chain(keys.iter().filter(|key| !named(key)));
        let Opened { export, plaintext } = in_order.into_iter().find_map(|key| self.decrypt(me, key.prekey))?;
        let (tag, body) = plaintext.split_first_chunk::<32>()?;
        let content = content(&plaintext, body)?;
        let certificate = UnverifiedCertificates::parse(content.device_cert.as_ref()?, content.issuer_cert.as_ref()?)
            .ok()?
            .verify_signatures(trust)
            .ok()?;
        let sender = *certificate.device();
        let dh = me.device.ddk().diffie_hellman(&sender.ddk).ok()?;
        let key = TagKey { export: &export, dh: &dh, enc: self.enc, hint: self.hint };
        let mine = me.device.public();
        let aiks = core::iter::once(&mine.aik).chain(me.previous_aiks);
        let verified = aiks.fold(subtle::Choice::from(0), |found, aik| {
            let to = DevicePublic { aik: *aik, ..*mine };
            found | key.tag(body, &sender, &to).ct_eq(tag)
        });
        let from_self = (sender.address.account, sender.address.device) == (mine.address.account, mine.address.device);
        if !bool::from(verified) || from_self {
            return None;
        }
        let inner = match (content.kind, content.manifest) {
            (KIND_INIT, Some(manifest)) => TaggedInner::Init { inner: content.inner, manifest },
            (KIND_SESSION, None) => TaggedInner::Session { inner: content.inner },
            _ => return None,
        };
        Some(TaggedEnvelope { certificate, inner })
    }

    fn decrypt(&self, me: Recipient<'_>, key: &EnvelopePrekey) -> Option<Opened> {
        let info = info(me.device.public().address, key.record());
        let mut context = setup_receiver(key.secret(), self.enc, &info).ok()?;
        let export = context.export(Label::SealedExport).ok()?;
        let plaintext = context.open(&[TYPE_SEALED, VERSION, self.hint], self.ct).ok()?;
        Some(Opened { export, plaintext })
    }
}

struct Opened {
    export: Zeroizing<[u8; 32]>,
    plaintext: Zeroizing<Vec<u8>>,
}

/// A multiple of 1024, the length within it, zeros behind it, and strict content.
fn content(plaintext: &[u8], body: &[u8]) -> Option<v1::SealedContent> {
    if !plaintext.len().is_multiple_of(STEP) || plaintext.len() < FRAME_BYTES {
        return None;
    }
    let mut layout = Layout::new(body);
    let content = layout.lp()?;
    let padding = layout.rest().iter().fold(0, |all, byte| all | byte);
    if padding != 0 {
        return None;
    }
    decode_canonical(content, ENVELOPE_BYTES).ok()
}

/// An envelope whose tag verified: its sender has DDK_A, and made it for this device.
pub struct TaggedEnvelope {
    pub(super) certificate: SignedCertificate,
    pub(super) inner: TaggedInner,
}

pub(super) enum TaggedInner {
    Init { inner: Vec<u8>, manifest: v1::Signed },
    Session { inner: Vec<u8> },
}

impl TaggedEnvelope {
    /// Who sent it, if the certificate turns out to be valid: for looking up the pin.
    pub const fn sender(&self) -> &DevicePublic {
        self.certificate.device()
    }
}

redacted!(SealedEnvelope<'_>, TaggedEnvelope);
