//! Bundles: `docs/protocol.md` B3.

use core::fmt;

use super::published::{PublishedRecord, RecordFault, UnverifiedRecord};
use crate::identity::{
    CertificateError, CertificateTimeError, DeviceCertificate, DeviceKind, DevicePublic, IdentityEvent, Introduction,
    IntroductionError, JudgedAt, Manifest, ManifestError, ManifestPin, PinError, Trust, UnverifiedCertificates,
    UnverifiedManifest, introduce,
};
use crate::ids::{AccountId, DeviceId};
use crate::labels::Label;
use crate::limits::SIGNED_OBJECT_BYTES;
use crate::prekey::{RecordError, RecordType};
use crate::primitives::{MlKem1024PublicKey, X25519PublicKey, XWingPublicKey, kdf};
use crate::suite::Suite;
use crate::time::Timestamp;
use crate::wire::{WireError, decode_canonical, lp, required, v1};

/// Why a bundle is refused. Nothing is adopted from a bundle that is.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BundleError {
    /// `BundleRejected`.
    #[error("the bundle was rejected")]
    Rejected(#[from] BundleFault),
    /// Another version or suite than v1 knows.
    #[error("unsupported version or suite")]
    UnsupportedVersion,
    /// `UntrustedIdentity`: event `IdentityChanged`. The pin is stored; sending is blocked until the app acknowledges.
    #[error("another identity key than the pinned one")]
    UntrustedIdentity(Box<ManifestPin>),
    /// A manifest older than the pinned one.
    #[error("an older manifest than the pinned one")]
    Rollback,
    /// A weaker suite than one seen before.
    #[error("a weaker suite than before")]
    DowngradeRejected,
}

/// What is wrong with a bundle: for tests and a local counter, never shown.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BundleFault {
    /// Not canonical, or a part is missing: there is no bundle without a KEM record.
    #[error("not a bundle")]
    Wire(WireError),
    /// The manifest breaks a rule.
    #[error("manifest: {0}")]
    Manifest(ManifestError),
    /// A certificate breaks a rule.
    #[error("certificate: {0}")]
    Certificate(CertificateError),
    /// The certificate is not valid now.
    #[error("certificate: {0}")]
    CertificateTime(CertificateTimeError),
    /// An account that is not pinned, and no usable revocation list.
    #[error("no usable revocation list")]
    NoRevocationList,
    /// Another account or device than was asked for.
    #[error("not the device that was asked for")]
    OtherDevice,
    /// The certificate names another account or identity key than the manifest's.
    #[error("certificate and manifest do not belong together")]
    OtherIdentity,
    /// Event `ManifestFork`.
    #[error("the manifest does not fit the pinned one")]
    ManifestFork,
    /// Manifests between the pinned one and this one are fetched first. The pin is stored.
    #[error("the manifests before this one are missing")]
    ManifestsMissing(Box<ManifestPin>),
    /// The manifest has run out.
    #[error("the manifest has expired")]
    ManifestExpired,
    /// The manifest does not list the device, or with other keys or another registration than the certificate.
    #[error("the manifest does not list the device as certified")]
    NotListed,
    /// The device's Diffie-Hellman key has a small order.
    #[error("a device key of small order")]
    LowOrder,
    /// A record breaks a rule.
    #[error("record: {0}")]
    Record(RecordFault),
}

/// Whom a bundle was fetched for.
#[derive(Clone, Copy)]
pub struct BundleTarget<'a> {
    /// The account asked for.
    pub account: AccountId,
    /// The device asked for.
    pub device: DeviceId,
    /// What is pinned of it.
    pub pin: Option<&'a ManifestPin>,
}

/// A bundle that parses; nobody has looked at signatures, times and who it is.
pub struct UnverifiedBundle {
    device: DeviceId,
    manifest: UnverifiedManifest,
    certificates: UnverifiedCertificates,
    spk: UnverifiedRecord,
    opk: Option<UnverifiedRecord>,
    kem: UnverifiedRecord,
    env: UnverifiedRecord,
    suite: Suite,
}

impl UnverifiedBundle {
    /// Step (1): sizes, decoding, re-encoding. `spk`, `kem` and `env` are mandatory: there is no classical mode.
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        let bundle: v1::PrekeyBundle = decode_canonical(bytes, SIGNED_OBJECT_BYTES).map_err(BundleError::from)?;
        let device_cert = required(&bundle.device_cert)?;
        let issuer_cert = required(&bundle.issuer_cert)?;
        let record =
            |field| -> Result<UnverifiedRecord, BundleError> { Ok(UnverifiedRecord::parse(required(field)?)?) };
        let (spk, kem, env) = (record(&bundle.spk)?, record(&bundle.kem)?, record(&bundle.env)?);
        let opk = bundle.opk.as_ref().map(UnverifiedRecord::parse).transpose()?;
        let suite = spk.suite();
        if [Some(&kem), Some(&env), opk.as_ref()].into_iter().flatten().any(|record| record.suite() != suite) {
            return Err(RecordFault::Suite.into());
        }
        Ok(Self {
            device: DeviceId::new(bundle.device_id).ok_or(WireError::Field)?,
            manifest: UnverifiedManifest::parse(required(&bundle.manifest)?)?,
            certificates: UnverifiedCertificates::parse(device_cert, issuer_cert)?,
            spk,
            opk,
            kem,
            env,
            suite,
        })
    }

    /// Steps (2) to (5), in this order.
    pub fn verify(
        self,
        trust: &Trust,
        target: &BundleTarget<'_>,
        now: Timestamp,
    ) -> Result<VerifiedBundle, BundleError> {
        let at = JudgedAt::Local(now);
        // (2) issuer -> root, device certificate -> issuer, time, revocation
        let certificate =
            self.certificates.verify_signatures(trust)?.check_times(at).map_err(BundleFault::CertificateTime)?;
        if target.pin.is_none() && !trust.may_meet_strangers(now) {
            return Err(BundleFault::NoRevocationList.into());
        }
        // (3) manifest, pin, device entry
        let manifest = self.manifest.verify()?;
        let certified = certificate.device.address;
        if (certified.account, certified.device) != (target.account, target.device) || self.device != target.device {
            return Err(BundleFault::OtherDevice.into());
        }
        let Introduction { listed, pin, events } = introduce(&certificate, &manifest, target.pin, at)?;
        let device = listed.device;
        if device.ddk.is_low_order() {
            return Err(BundleFault::LowOrder.into());
        }
        // (4) every record
        let bundle = PrekeyBundle {
            device,
            kind: listed.kind,
            suite: self.suite,
            spk: self.spk.verify(&[RecordType::Signed], &device, now)?,
            opk: match self.opk {
                Some(opk) => Some(opk.verify(&[RecordType::OneTime], &device, now)?),
                None => None,
            },
            kem: self.kem.verify(&[RecordType::OneTimeKem, RecordType::LastResortKem], &device, now)?,
            env: self.env.verify(&[RecordType::Envelope], &device, now)?,
            manifest,
            certificate,
        };
        // (5) suite not below the pin
        if !pin.accepts_suite(bundle.suite) {
            return Err(BundleError::DowngradeRejected);
        }
        Ok(VerifiedBundle { pin: pin.raised_to(bundle.suite), bundle, events })
    }
}

/// What a good bundle leads to: all of it is stored in the transaction that stores the session.
#[derive(PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct VerifiedBundle {
    /// To make a session from.
    pub bundle: PrekeyBundle,
    /// The next pin of the account.
    pub pin: ManifestPin,
    /// What the manifest brought, raised before anything is encrypted.
    pub events: Vec<IdentityEvent>,
}

/// A bundle that passed all five steps. It makes one session, so it is not copied.
#[derive(PartialEq, Eq)]
#[cfg_attr(test, derive(Clone))]
#[non_exhaustive]
pub struct PrekeyBundle {
    /// The device, under the identity key of the manifest.
    pub device: DevicePublic,
    /// What the device is for.
    pub kind: DeviceKind,
    /// The suite of all its records.
    pub suite: Suite,
    /// The manifest that lists it.
    pub manifest: Manifest,
    /// The service's word for it.
    pub certificate: DeviceCertificate,
    /// Signed prekey.
    pub spk: PublishedRecord<X25519PublicKey>,
    /// One-time prekey, if the directory had one left.
    pub opk: Option<PublishedRecord<X25519PublicKey>>,
    /// One-time or last-resort KEM key.
    pub kem: PublishedRecord<MlKem1024PublicKey>,
    /// The key for envelopes.
    pub env: PublishedRecord<XWingPublicKey>,
}

impl PrekeyBundle {
    /// Whether the KEM key is one that others get too (0x24).
    pub fn kem_is_last_resort(&self) -> bool {
        self.kem.record_type == RecordType::LastResortKem
    }

    /// `bundle_hash` of an InitHeader to this device.
    pub fn hash(&self) -> [u8; 32] {
        let opk = self.opk.as_ref().map(|opk| &*opk.record);
        bundle_hash(&self.device, &self.spk.record, opk, &self.kem.record)
    }
}

impl fmt::Debug for PrekeyBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrekeyBundle(..)")
    }
}

/// `HASH("bundle", AIK_B[33] || DSK_B[33] || DDK_B[33] || LP(SPK record) || LP(OPK record or empty) ||
/// LP(KEM record))`, records without signatures. The responder computes it from the bytes that it published, for each
/// identity key that counts as its own.
pub fn bundle_hash(device: &DevicePublic, spk: &[u8], opk: Option<&[u8]>, kem: &[u8]) -> [u8; 32] {
    let opk = opk.unwrap_or_default();
    kdf::hash(
        Label::Bundle,
        &[
            &device.aik.tagged(),
            &device.dsk.tagged(),
            &device.ddk.tagged(),
            &lp(spk),
            spk,
            &lp(opk),
            opk,
            &lp(kem),
            kem,
        ],
    )
}

/// An ENV record that came without a bundle (`SenderInfo`, B9; fetch device, B21), checked as in a bundle. `device` is
/// as the manifest lists it.
pub fn verify_envelope_record(
    signed: &v1::SignedRecord,
    device: &DevicePublic,
    now: Timestamp,
) -> Result<PublishedRecord<XWingPublicKey>, BundleError> {
    let record = UnverifiedRecord::parse(signed)?;
    Ok(record.verify(&[RecordType::Envelope], device, now)?)
}

impl From<WireError> for BundleError {
    fn from(error: WireError) -> Self {
        match error {
            WireError::UnsupportedVersion => Self::UnsupportedVersion,
            other => BundleFault::Wire(other).into(),
        }
    }
}

impl From<ManifestError> for BundleError {
    fn from(error: ManifestError) -> Self {
        match error {
            ManifestError::Wire(WireError::UnsupportedVersion) => Self::UnsupportedVersion,
            other => BundleFault::Manifest(other).into(),
        }
    }
}

impl From<CertificateError> for BundleError {
    fn from(error: CertificateError) -> Self {
        match error {
            CertificateError::Wire(WireError::UnsupportedVersion) => Self::UnsupportedVersion,
            other => BundleFault::Certificate(other).into(),
        }
    }
}

impl From<IntroductionError> for BundleError {
    fn from(error: IntroductionError) -> Self {
        match error {
            IntroductionError::Pin(PinError::Rollback) => Self::Rollback,
            IntroductionError::Pin(PinError::IdentityChanged(pin)) => Self::UntrustedIdentity(pin),
            IntroductionError::Pin(PinError::Held(pin)) => BundleFault::ManifestsMissing(pin).into(),
            IntroductionError::Pin(PinError::Fork) => BundleFault::ManifestFork.into(),
            IntroductionError::Pin(PinError::OtherAccount) | IntroductionError::OtherIdentity => {
                BundleFault::OtherIdentity.into()
            }
            IntroductionError::Expired => BundleFault::ManifestExpired.into(),
            IntroductionError::NotListed => BundleFault::NotListed.into(),
        }
    }
}

impl From<RecordError> for BundleError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::UnsupportedVersion => Self::UnsupportedVersion,
            other => BundleFault::Record(RecordFault::Form(other)).into(),
        }
    }
}

impl From<RecordFault> for BundleError {
    fn from(fault: RecordFault) -> Self {
        BundleFault::Record(fault).into()
    }
}
