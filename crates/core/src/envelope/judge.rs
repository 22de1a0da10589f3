//! What comes after the tag: certificate times and the manifest: `docs/protocol.md` B7.2 and B4.5, step 2. From here on
//! an envelope may be held.

use super::open::{TaggedEnvelope, TaggedInner};
use super::trial::{MatchedSession, open_on};
use super::{TYPE_INIT, TYPE_SESSION};
use crate::errors::DecryptError;
use crate::handshake::{Generation, InitMessage, Initiator};
use crate::identity::{
    CertificateTimeError, DeviceCertificate, IdentityEvent, Introduction, IntroductionError, JudgedAt, ManifestPin,
    PinError, Trust, UnverifiedManifest, introduce,
};
use crate::primitives::Ed25519PublicKey;
use crate::ratchet::{Session, SessionMessage};
use crate::time::Timestamp;
use crate::wire::v1;

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
    /// `DecryptFailed`, with the event `ManifestFork`: a second manifest for one place in the account's chain.
    Forked,
}

/// How the sender's account is known here.
#[derive(Clone, Copy, Debug)]
pub enum Pinned<'a> {
    /// Not at all.
    Stranger,
    /// By this pin.
    Contact(&'a ManifestPin),
}

impl<'a> Pinned<'a> {
    const fn pin(self) -> Option<&'a ManifestPin> {
        match self {
            Self::Stranger => None,
            Self::Contact(pin) => Some(pin),
        }
    }
}

impl TaggedEnvelope {
    /// Times and manifest, in this order; an INIT's manifest is judged as one in a message (B2). Nothing is fetched:
    /// that would tell the service who wrote.
    pub fn judge(self, at: JudgedAt, trust: &Trust, pinned: Pinned<'_>) -> Result<Judged, DecryptError> {
        let certificate = match self.certificate.check_times(at) {
            Ok(certificate) => certificate,
            Err(CertificateTimeError::ClockSkew) => return Ok(Judged::Held(WhyHeld::ClockSkew, None)),
            Err(CertificateTimeError::Invalid) => return Err(DecryptError::DecryptFailed),
        };
        let introduced = match (self.inner, pinned) {
            (TaggedInner::Session { .. }, Pinned::Stranger) => return Err(DecryptError::DecryptFailed),
            (TaggedInner::Session { inner }, Pinned::Contact(pin)) => {
                known(&certificate, pin, at).map(|pin| (pin, Vec::new(), Inner::Session(inner)))
            }
            (TaggedInner::Init { .. }, Pinned::Stranger) if !trust.may_meet_strangers(at.local()) => {
                return Ok(Judged::Held(WhyHeld::RevocationsMissing, None));
            }
            (TaggedInner::Init { inner, manifest }, pinned) => {
                introduced(&certificate, &manifest, pinned, at).map(|(pin, events)| (pin, events, Inner::Init(inner)))
            }
        };
        match introduced {
            Ok((pin, events, inner)) => {
                let aiks = pin.keys(at.local()).copied().collect();
                let envelope = AuthenticatedEnvelope { certificate, aiks, pin, events, inner };
                Ok(Judged::Delivered(Box::new(envelope)))
            }
            Err(IntroductionError::Pin(PinError::Held(pin))) => Ok(Judged::Held(WhyHeld::ManifestMissing, Some(pin))),
            Err(IntroductionError::Pin(PinError::IdentityChanged(pin))) => {
                Ok(Judged::Held(WhyHeld::IdentityChanged, Some(pin)))
            }
            Err(IntroductionError::Pin(PinError::Fork)) => Ok(Judged::Forked),
            Err(_) => Err(DecryptError::DecryptFailed),
        }
    }
}

/// An INIT: by its inline manifest, or by the pinned one if that is newer.
fn introduced(
    certificate: &DeviceCertificate,
    manifest: &v1::Signed,
    pinned: Pinned<'_>,
    at: JudgedAt,
) -> Result<(ManifestPin, Vec<IdentityEvent>), IntroductionError> {
    let manifest = UnverifiedManifest::parse(manifest)
        .and_then(UnverifiedManifest::verify)
        .map_err(|_| IntroductionError::OtherIdentity)?;
    let Introduction { pin, events, .. } = introduce(certificate, &manifest, pinned.pin(), at)?;
    Ok((pin, events))
}

/// A session message: by the pinned manifest, which may have expired (existing sessions go on).
fn known(certificate: &DeviceCertificate, pin: &ManifestPin, at: JudgedAt) -> Result<ManifestPin, IntroductionError> {
    let certified = &certificate.device;
    pin.judge_key(&certified.aik, at.local())?;
    match pin.device(certified.address.device).is_some_and(|listed| listed.device.is_same_device(certified)) {
        true => Ok(pin.clone()),
        false => Err(IntroductionError::NotListed),
    }
}

/// An envelope whose sender is proved: certificate, tag and manifest are in order. If only its content fails from here
/// on, that is an authenticated failure (B7.2).
#[non_exhaustive]
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

    /// Opens the header of the session message that it carries, on one of `sessions`: of these only those with exactly
    /// this sender's device are tried (B7.2).
    pub fn open_on<'s>(
        &self,
        message: &SessionMessage<'_>,
        sessions: impl IntoIterator<Item = &'s Session>,
        now: Timestamp,
    ) -> Result<MatchedSession<'s>, DecryptError> {
        open_on(message, sessions.into_iter().filter(|session| self.may_open_on(session)), now)
    }

    /// The session message that it carries, for [`open_on`](Self::open_on). `DecryptFailed` for an INIT, or one that
    /// stands in a message's place.
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
    fn may_open_on(&self, session: &Session) -> bool {
        let (theirs, peer) = (&self.certificate.device, &session.peer().device);
        let same_device = theirs.is_same_device(peer);
        same_device && (theirs.aik == peer.aik || self.aiks.contains(&peer.aik))
    }
}

redacted!(AuthenticatedEnvelope, Inner);
