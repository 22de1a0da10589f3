//! Service certificates of devices: `docs/protocol.md` B2.
//!
//! Three steps, because an envelope needs them apart (B7.2): signatures and revocation come before the tag, times
//! after it, since only an envelope whose tag verified may be held for a wrong clock.

use super::device::DevicePublic;
use super::trust::Trust;
use crate::ids::{AccountId, DeviceAddress, DeviceId, OrgId, RegNonce, Serial};
use crate::labels::Label;
use crate::limits::{ISSUER_LIFE_MS, LEAF_LIFE_MS, SERVER_TIME_AHEAD_MS, SERVER_TIME_BACK_MS};
use crate::primitives::Ed25519PublicKey;
use crate::time::{Timestamp, Validity};
use crate::wire::{SignedBody, WireError, array, key, v1};

/// Why a certificate is not valid, its times apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CertificateError {
    /// Not canonical, another version, a field of a wrong length, a key that fails B1.1.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// No root signed the issuer.
    #[error("the issuer is not signed by a trust root")]
    Issuer,
    /// The issuer did not sign the device, or is another one than the device's certificate names.
    #[error("the certificate is not signed by its issuer")]
    Signature,
    /// Longer than the issuer allows, than 24 h, or (issuer) than a year.
    #[error("the lifetime breaks a rule")]
    Lifetime,
    /// The issuer, this certificate or this registration of the device was revoked.
    #[error("revoked")]
    Revoked,
}

/// Why a certificate is not valid now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CertificateTimeError {
    /// Expired or not yet valid.
    #[error("not valid at this time")]
    Invalid,
    /// Valid at the server time only: held, event `ClockSkew`.
    #[error("the local clock is wrong")]
    ClockSkew,
}

/// How far the service has looked at who is behind the account. It informs only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Assurance {
    /// 0, and any number that v1 does not know.
    None,
    /// 1: vouched for by an organization.
    Vouched,
    /// 2: identity proofed.
    Proofed,
}

impl Assurance {
    const fn from_u32(number: u32) -> Self {
        match number {
            1 => Self::Vouched,
            2 => Self::Proofed,
            _ => Self::None,
        }
    }

    /// The number on the wire.
    pub const fn as_u32(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Vouched => 1,
            Self::Proofed => 2,
        }
    }
}

/// The clock by which a certificate is judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JudgedAt {
    /// A bundle: the local clock.
    Local(Timestamp),
    /// An envelope.
    Received {
        /// The receive timestamp that the server gave with it.
        server: Timestamp,
        /// The local clock when it reached the device; of one that was held for `ClockSkew`: now.
        local: Timestamp,
    },
}

impl JudgedAt {
    /// `t`: the local clock in a bundle, else the server time clamped to `[local - 30 d, local + 5 min]`.
    pub fn clamped(self) -> Timestamp {
        match self {
            Self::Local(now) => now,
            Self::Received { server, local } => {
                server.max(local.minus(SERVER_TIME_BACK_MS)).min(local.plus(SERVER_TIME_AHEAD_MS))
            }
        }
    }

    /// The local clock.
    pub const fn local(self) -> Timestamp {
        match self {
            Self::Local(now) => now,
            Self::Received { local, .. } => local,
        }
    }

    const fn unclamped(self) -> Timestamp {
        match self {
            Self::Local(now) => now,
            Self::Received { server, .. } => server,
        }
    }
}

/// The certificates of a device and of its issuer as they came.
pub struct UnverifiedCertificates {
    device_signed: v1::Signed,
    issuer_signed: v1::Signed,
    issuer: Issuer,
    issuer_id: u32,
    certificate: DeviceCertificate,
}

/// What is needed of the issuer's certificate.
#[derive(Clone, Copy)]
struct Issuer {
    id: u32,
    key: Ed25519PublicKey,
    validity: Validity,
    max_leaf_ms: u64,
}

impl UnverifiedCertificates {
    /// Parses both, without cryptography.
    pub fn parse(device: &v1::Signed, issuer: &v1::Signed) -> Result<Self, CertificateError> {
        let leaf = v1::DeviceCert::parse(&device.body)?;
        let address = DeviceAddress {
            account: AccountId::from_bytes(array(&leaf.account_id)?),
            device: DeviceId::new(leaf.device_id).ok_or(WireError::Field)?,
            reg: RegNonce::new(leaf.reg_nonce).ok_or(WireError::Field)?,
        };
        let (aik, dsk, ddk) = (key(&leaf.aik)?, key(&leaf.dsk)?, key(&leaf.ddk)?);
        let org = match leaf.org_id.as_slice() {
            [] => None,
            id => Some(OrgId::from_bytes(array(id)?)),
        };
        Ok(Self {
            device_signed: device.clone(),
            issuer_signed: issuer.clone(),
            issuer: Issuer::parse(issuer)?,
            issuer_id: leaf.issuer_id,
            certificate: DeviceCertificate {
                device: DevicePublic { address, aik, dsk, ddk },
                serial: Serial::from_bytes(array(&leaf.serial)?),
                validity: validity(leaf.not_before_ms, leaf.not_after_ms),
                org,
                assurance: Assurance::from_u32(leaf.assurance),
            },
        })
    }

    /// Root over issuer, issuer over device, lifetimes, revocation. Times are judged afterwards.
    pub fn verify_signatures(self, trust: &Trust) -> Result<SignedCertificate, CertificateError> {
        let Self { issuer, certificate, .. } = self;
        if !trust.roots.verify::<v1::IssuerCert>(&self.issuer_signed) {
            return Err(CertificateError::Issuer);
        }
        if issuer.id != self.issuer_id || !v1::DeviceCert::verifies(&self.device_signed, &issuer.key) {
            return Err(CertificateError::Signature);
        }
        let leaf_ms = issuer.max_leaf_ms.min(LEAF_LIFE_MS);
        if !issuer.validity.lasts_at_most(ISSUER_LIFE_MS) || !certificate.validity.lasts_at_most(leaf_ms) {
            return Err(CertificateError::Lifetime);
        }
        let revoked = trust.revocations.as_ref().is_some_and(|list| {
            list.revokes_issuer(issuer.id)
                || list.revokes_serial(certificate.serial)
                || list.revokes_device(certificate.device.address)
        });
        match revoked {
            true => Err(CertificateError::Revoked),
            false => Ok(SignedCertificate { issuer_validity: issuer.validity, certificate }),
        }
    }
}

impl Issuer {
    fn parse(signed: &v1::Signed) -> Result<Self, WireError> {
        let message = v1::IssuerCert::parse(&signed.body)?;
        Ok(Self {
            id: message.issuer_id,
            key: key(&message.key)?,
            validity: validity(message.not_before_ms, message.not_after_ms),
            max_leaf_ms: u64::from(message.max_leaf_ms),
        })
    }
}

const fn validity(not_before_ms: u64, not_after_ms: u64) -> Validity {
    Validity { from: Timestamp::from_millis(not_before_ms), until: Timestamp::from_millis(not_after_ms) }
}

/// A certificate that the service signed and has not revoked; whether it is valid now is not judged yet.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedCertificate {
    issuer_validity: Validity,
    certificate: DeviceCertificate,
}

impl SignedCertificate {
    /// Whom it names: for the tag of an envelope, which is judged before the times.
    pub const fn device(&self) -> &DevicePublic {
        &self.certificate.device
    }

    /// Valid iff `not_before <= t < not_after`, for issuer and device, at the clamped time and at the server time.
    pub fn check_times(&self, at: JudgedAt) -> Result<DeviceCertificate, CertificateTimeError> {
        match (self.is_valid(at.clamped()), self.is_valid(at.unclamped())) {
            (true, true) => Ok(self.certificate.clone()),
            (false, true) => Err(CertificateTimeError::ClockSkew),
            (_, false) => Err(CertificateTimeError::Invalid),
        }
    }

    fn is_valid(&self, at: Timestamp) -> bool {
        self.issuer_validity.contains(at) && self.certificate.validity.contains(at)
    }
}

/// "Our service says that this account has this identity key, and this device": valid when it was judged.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeviceCertificate {
    /// Whom it names.
    pub device: DevicePublic,
    /// By what it is revoked.
    pub serial: Serial,
    /// From when until when it is valid.
    pub validity: Validity,
    /// The practice that the service knows the account to belong to. Informs only: membership is B17.
    pub org: Option<OrgId>,
    /// How far the service has looked. Informs only.
    pub assurance: Assurance,
}

crate::linking::opaque!(UnverifiedCertificates, SignedCertificate, DeviceCertificate);

impl SignedBody for v1::IssuerCert {
    const LABEL: Label = Label::IssuerCert;

    fn version(&self) -> Option<u32> {
        Some(self.version)
    }

    fn extensions(&self) -> &[v1::Ext] {
        &self.ext
    }
}

impl SignedBody for v1::DeviceCert {
    const LABEL: Label = Label::DeviceCert;

    fn version(&self) -> Option<u32> {
        Some(self.version)
    }

    fn extensions(&self) -> &[v1::Ext] {
        &self.ext
    }
}
