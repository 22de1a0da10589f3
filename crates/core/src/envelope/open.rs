//! Opening, in the order of `docs/protocol.md` B7.2; one type for each point that was reached.
//!
//! [`SealedEnvelope`] → (HPKE, form, signatures, tag, not self) → [`TaggedEnvelope`] → (times, manifest) →
//! [`AuthenticatedEnvelope`]. Before the tag nothing is known of the sender: every failure is `DecryptFailed` and
//! leaves no trace. After it an envelope may be held.

use core::fmt;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::seal::{FRAME_BYTES, KIND_INIT, KIND_SESSION, STEP};
use super::tag::{TagKey, info};
use super::{TYPE_INIT, TYPE_SEALED, TYPE_SESSION, VERSION};
use crate::errors::DecryptError;
use crate::handshake::{Generation, InitMessage, Initiator, Recipient};
use crate::identity::{
    CertificateTimeError, DeviceCertificate, DevicePublic, IdentityEvent, JudgedAt, Manifest, ManifestPin, PinError,
    SignedCertificate, Source, Trust, UnverifiedCertificates, UnverifiedManifest,
};
use crate::labels::Label;
use crate::limits::{ENVELOPE_BYTES, PREKEY_KEEP_MS};
use crate::prekey::EnvelopePrekey;
use crate::primitives::{Ed25519PublicKey, setup_receiver};
use crate::ratchet::{Session, SessionMessage};
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
    certificate: SignedCertificate,
    inner: TaggedInner,
}

enum TaggedInner {
    Init { inner: Vec<u8>, manifest: v1::Signed },
    Session { inner: Vec<u8> },
}

/// Why an envelope is stored as it came and judged again later (B2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WhyHeld {
    /// Event `ClockSkew`: the certificate is valid at the server time only.
    ClockSkew,
    /// Event `IdentityChanged`: the app has not acknowledged the key.
    IdentityChanged,
    /// A manifest that would explain the key, or the chain, is not here.
    ManifestMissing,
    /// No usable revocation list, and the account is not pinned.
    RevocationsMissing,
}

/// What came of an envelope whose tag verified.
#[derive(Debug)]
pub enum Judged {
    /// To be given to its session.
    Delivered(Box<AuthenticatedEnvelope>),
    /// To be held, and the next pin of the sender's account to be stored, if there is one.
    Held(WhyHeld, Option<Box<ManifestPin>>),
}

/// How the sender's account is known here.
#[derive(Clone, Copy, Debug)]
pub enum Pinned<'a> {
    /// Not at all.
    Stranger,
    /// By this pin.
    Contact(&'a ManifestPin),
}

impl TaggedEnvelope {
    /// Who sent it, if the certificate turns out to be valid: for looking up the pin.
    pub const fn sender(&self) -> &DevicePublic {
        self.certificate.device()
    }

    /// Times and manifest, in this order; an INIT's manifest is judged as one in a message (B2).
    pub fn judge(
        self,
        at: JudgedAt,
        trust: &Trust,
        pinned: Pinned<'_>,
        now: Timestamp,
    ) -> Result<Judged, DecryptError> {
        let certificate = match self.certificate.check_times(at) {
            Ok(certificate) => certificate,
            Err(CertificateTimeError::ClockSkew) => return Ok(Judged::Held(WhyHeld::ClockSkew, None)),
            Err(CertificateTimeError::Invalid) => return Err(DecryptError::DecryptFailed),
        };
        let known = match (self.inner, pinned) {
            (TaggedInner::Session { .. }, Pinned::Stranger) => return Err(DecryptError::DecryptFailed),
            (TaggedInner::Session { inner }, Pinned::Contact(pin)) => {
                pin.judge_key(&certificate.device.aik, now).map(|()| Known::unchanged(pin, Inner::Session(inner)))
            }
            (TaggedInner::Init { inner, manifest }, pinned) => {
                let manifest = UnverifiedManifest::parse(&manifest)
                    .and_then(UnverifiedManifest::verify)
                    .map_err(|_| DecryptError::DecryptFailed)?;
                if manifest.account() != certificate.device.address.account {
                    return Err(DecryptError::DecryptFailed);
                }
                match pinned {
                    Pinned::Stranger if !trust.may_meet_strangers(now) => {
                        return Ok(Judged::Held(WhyHeld::RevocationsMissing, None));
                    }
                    Pinned::Stranger => Ok(Known::first(manifest, Inner::Init(inner))),
                    Pinned::Contact(pin) => Known::after(pin, &manifest, &certificate, Inner::Init(inner), now),
                }
            }
        };
        match known {
            Ok(known) => known.deliver(certificate, at, now),
            Err(PinError::Held(pin)) => Ok(Judged::Held(WhyHeld::ManifestMissing, Some(pin))),
            Err(PinError::IdentityChanged(pin)) => Ok(Judged::Held(WhyHeld::IdentityChanged, Some(pin))),
            Err(PinError::Fork | PinError::Rollback | PinError::OtherAccount) => Err(DecryptError::DecryptFailed),
        }
    }
}

/// What the manifests say, before the device is looked up in them.
struct Known {
    pin: ManifestPin,
    events: Vec<IdentityEvent>,
    inner: Inner,
}

impl Known {
    fn unchanged(pin: &ManifestPin, inner: Inner) -> Self {
        Self { pin: pin.clone(), events: Vec::new(), inner }
    }

    fn first(manifest: Manifest, inner: Inner) -> Self {
        Self { pin: ManifestPin::first(manifest), events: Vec::new(), inner }
    }

    fn after(
        pin: &ManifestPin,
        manifest: &Manifest,
        certificate: &DeviceCertificate,
        inner: Inner,
        now: Timestamp,
    ) -> Result<Self, PinError> {
        let adoption = pin.judge(manifest, Source::Message, now)?;
        adoption.pin.judge_key(&certificate.device.aik, now)?;
        Ok(Self { pin: adoption.pin, events: adoption.events, inner })
    }

    /// The device is listed with the certificate's registration and keys, under a key that counts as the account's;
    /// for an INIT the manifest is not expired at `t`.
    fn deliver(self, certificate: DeviceCertificate, at: JudgedAt, now: Timestamp) -> Result<Judged, DecryptError> {
        let device = &certificate.device;
        let manifest = self.pin.current();
        let keys = |device: &DevicePublic| (device.address, device.dsk, device.ddk);
        let listed = manifest.device(device.address.device).is_some_and(|listed| keys(&listed.device) == keys(device));
        let expired = match self.inner {
            Inner::Init(_) => manifest.is_expired(at.clamped()),
            Inner::Session(_) => false,
        };
        if !listed || expired || !self.pin.accepts_key(&device.aik, now) {
            return Err(DecryptError::DecryptFailed);
        }
        let aiks = self.pin.keys(now).copied().collect();
        let Self { pin, events, inner } = self;
        Ok(Judged::Delivered(Box::new(AuthenticatedEnvelope { certificate, aiks, pin, events, inner })))
    }
}

/// An envelope whose sender is proved: certificate, tag and manifest are in order. If only its content fails from here
/// on, that is an authenticated failure (B7.2).
pub struct AuthenticatedEnvelope {
    /// The sender's certificate.
    pub certificate: DeviceCertificate,
    /// Identity keys that count as the account's current one.
    aiks: Vec<Ed25519PublicKey>,
    /// The next pin of the sender's account, to be stored with what comes of the envelope.
    pub pin: ManifestPin,
    /// What its manifest brought.
    pub events: Vec<IdentityEvent>,
    /// What it carries.
    pub inner: Inner,
}

/// What an envelope carries.
pub enum Inner {
    /// kind 1: `InitHeader || SessionMessage` (B4.5).
    Init(Vec<u8>),
    /// kind 2: a SessionMessage, for the sessions with exactly this device.
    Session(Vec<u8>),
}

impl AuthenticatedEnvelope {
    /// The INIT that it carries. `DecryptFailed` for a session message, or one that stands in an INIT's place.
    pub fn init(&self) -> Result<InitMessage<'_>, DecryptError> {
        match &self.inner {
            Inner::Init(inner) if inner.first() != Some(&TYPE_SESSION) => InitMessage::parse(inner),
            _ => Err(DecryptError::DecryptFailed),
        }
    }

    /// The session message that it carries. `DecryptFailed` for an INIT, or one that stands in a message's place.
    pub fn session_message(&self) -> Result<SessionMessage<'_>, DecryptError> {
        match &self.inner {
            Inner::Session(inner) if inner.first() != Some(&TYPE_INIT) => SessionMessage::parse(inner),
            _ => Err(DecryptError::DecryptFailed),
        }
    }

    /// The initiator of the INIT that it carries, for [`InitMessage::accept`](crate::handshake::InitMessage::accept).
    pub fn initiator(&self, highest_generation: Option<Generation>) -> Initiator<'_> {
        Initiator { device: &self.certificate.device, other_aiks: &self.aiks, highest_generation }
    }

    /// Whether `session` is one that its content may be opened on: with the same registration of the same device, with
    /// exactly its keys, under an identity key that counts as the certificate's.
    pub fn may_open_on(&self, session: &Session) -> bool {
        let (theirs, peer) = (&self.certificate.device, &session.peer().device);
        let same_device = (theirs.address, theirs.dsk, theirs.ddk) == (peer.address, peer.dsk, peer.ddk);
        same_device && (theirs.aik == peer.aik || self.aiks.contains(&peer.aik))
    }
}

macro_rules! redacted {
    ($($name:ty),*) => {
        $(impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        })*
    };
}

redacted!(SealedEnvelope<'_>, TaggedEnvelope, AuthenticatedEnvelope, Inner);
