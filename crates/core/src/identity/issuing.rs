//! The service's side of certificates and revocation: `docs/protocol.md` B2.

use core::fmt;

use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use super::certificate::Assurance;
use super::device::DevicePublic;
use crate::ids::{DeviceAddress, OrgId, Serial};
use crate::primitives::{Ed25519PublicKey, Ed25519Secret, PublicKey as _};
use crate::random::{RandomError, draw};
use crate::time::{Timestamp, Validity};
use crate::wire::{SignedBody as _, v1};

macro_rules! signing_key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name(Ed25519Secret);

        impl $name {
            /// A fresh key.
            pub fn generate(rng: &mut impl TryCryptoRng) -> Result<Self, RandomError> {
                Ok(Self::from_seed(&draw(rng)?))
            }

            /// The key with this seed.
            pub fn from_seed(seed: &Zeroizing<[u8; 32]>) -> Self {
                Self(Ed25519Secret::from_seed(seed))
            }

            /// The public key.
            pub fn public_key(&self) -> Ed25519PublicKey {
                self.0.public_key()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

signing_key!(/// A trust root: kept offline, signs issuers and revocation lists.
    RootKey);
signing_key!(/// An issuer: signs the certificates of devices for at most a year.
    IssuerKey);

/// What a root says of an issuer.
#[derive(Clone, Copy)]
pub struct IssuerTerms {
    /// Its number, by which it is revoked.
    pub issuer_id: u32,
    /// At most 366 days.
    pub validity: Validity,
    /// The longest life of a certificate that it signs, milliseconds; above 24 h counts as 24 h.
    pub max_leaf_ms: u32,
}

/// What an issuer says of a device, besides its keys.
#[derive(Clone, Copy)]
pub struct DeviceTerms {
    /// The issuer's own number.
    pub issuer_id: u32,
    /// Random, by which the certificate is revoked.
    pub serial: Serial,
    /// At most what the issuer's terms allow.
    pub validity: Validity,
    /// The practice that the account belongs to.
    pub org: Option<OrgId>,
    /// How far the service has looked.
    pub assurance: Assurance,
}

/// What has been revoked.
#[derive(Clone, Default)]
pub struct Revocations {
    /// One more than the list before.
    pub seq: u64,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When the next is due.
    pub next_update: Timestamp,
    /// Issuers, by number.
    pub issuers: Vec<u32>,
    /// Certificates; one may be dropped when it has expired.
    pub serials: Vec<Serial>,
    /// Registrations of devices; one may be dropped when the manifest no longer lists it.
    pub devices: Vec<DeviceAddress>,
}

impl RootKey {
    /// `Signed{IssuerCert, SIGN(root, "issuer-cert", body)}`.
    pub fn certify(&self, issuer: &Ed25519PublicKey, terms: &IssuerTerms) -> v1::Signed {
        v1::IssuerCert {
            version: 1,
            issuer_id: terms.issuer_id,
            key: issuer.to_tagged(),
            not_before_ms: terms.validity.from.as_millis(),
            not_after_ms: terms.validity.until.as_millis(),
            max_leaf_ms: terms.max_leaf_ms,
            ext: Vec::new(),
        }
        .sign(&self.0)
    }

    /// `Signed{RevocationList, SIGN(root, "revocation", body)}`.
    pub fn revoke(&self, revocations: &Revocations) -> v1::Signed {
        v1::RevocationList {
            version: 1,
            seq: revocations.seq,
            issued_at_ms: revocations.issued_at.as_millis(),
            next_update_ms: revocations.next_update.as_millis(),
            issuer_ids: revocations.issuers.clone(),
            serials: revocations.serials.iter().map(|serial| serial.as_bytes().to_vec()).collect(),
            devices: revocations.devices.iter().map(revoked).collect(),
            ext: Vec::new(),
        }
        .sign(&self.0)
    }
}

impl IssuerKey {
    /// `Signed{DeviceCert, SIGN(issuer, "device-cert", body)}`. For a device that is new on an account only after the
    /// account's holder was authenticated by a factor that is independent of the AIK.
    pub fn certify(&self, device: &DevicePublic, terms: &DeviceTerms) -> v1::Signed {
        v1::DeviceCert {
            version: 1,
            issuer_id: terms.issuer_id,
            serial: terms.serial.as_bytes().to_vec(),
            account_id: device.address.account.as_bytes().to_vec(),
            aik: device.aik.to_tagged(),
            device_id: device.address.device.as_u32(),
            reg_nonce: device.address.reg.as_u32(),
            dsk: device.dsk.to_tagged(),
            ddk: device.ddk.to_tagged(),
            not_before_ms: terms.validity.from.as_millis(),
            not_after_ms: terms.validity.until.as_millis(),
            org_id: terms.org.map_or_else(Vec::new, |org| org.as_bytes().to_vec()),
            assurance: terms.assurance.as_u32(),
            ext: Vec::new(),
        }
        .sign(&self.0)
    }
}

fn revoked(address: &DeviceAddress) -> v1::RevokedDevice {
    v1::RevokedDevice {
        account_id: address.account.as_bytes().to_vec(),
        device_id: address.device.as_u32(),
        reg_nonce: address.reg.as_u32(),
    }
}
