//! Accounts, devices, manifests, certificates, revocation: `docs/protocol.md` B2.
//!
//! A certificate is the word of the service that an account has this identity key; a manifest is the word of the
//! account about its devices; the pin is what this device has seen of both, and notices when they change.

mod account;
mod certificate;
mod changes;
mod device;
mod introduction;
mod issuing;
mod manifest;
mod pin;
mod revocation;
mod trust;

#[cfg(test)]
mod tests;

pub use account::AccountKey;
pub use certificate::{
    Assurance, CertificateError, CertificateTimeError, DeviceCertificate, JudgedAt, SignedCertificate,
    UnverifiedCertificates,
};
pub use changes::{DeviceChanges, IdentityEvent, KeyRotation};
pub use device::{DeviceKind, DevicePublic, LocalDevice};
pub use introduction::{Introduction, IntroductionError, introduce};
pub use issuing::{DeviceTerms, IssuerKey, IssuerTerms, Revocations, RootKey};
pub use manifest::{ListedDevice, Manifest, ManifestDraft, ManifestError, UnverifiedManifest};
pub use pin::{Adoption, CorruptPin, Fetched, FormerKeys, ManifestPin, MissingManifests, PinError, Source};
pub use revocation::{RevocationError, RevocationList};
pub use trust::{Trust, TrustRoots, TrustRootsError};
