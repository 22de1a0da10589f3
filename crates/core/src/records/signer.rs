//! Who signed a statement: `docs/protocol.md` B9, over the certificates and manifests of B2.

use super::statement::SignerProof;
use crate::identity::{
    CertificateError, DeviceCertificate, DevicePublic, JudgedAt, Manifest, ManifestError, ManifestPin, Trust,
    UnverifiedCertificates, UnverifiedManifest,
};
use crate::time::Timestamp;

/// Why a statement's signer is not taken for one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SignerError {
    /// A certificate does not parse, is not signed by who must, or was revoked.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A certificate that was not valid when the message was received.
    #[error("the certificate was not valid at this time")]
    Time,
    /// The manifest does not parse, or is not signed by who must.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The manifest is of another account or identity key than the certificate, or does not list the device with that
    /// registration and those keys.
    #[error("the manifest does not list the device as certified")]
    NotListed,
    /// The certificate names another device than the one on whose session the content came.
    #[error("signed by another device than the sender")]
    OtherDevice,
    /// The certificate names an identity key that the pin does not accept.
    #[error("signed under another identity key than the pinned one")]
    OtherIdentity,
}

/// Who must have signed.
#[derive(Clone, Copy)]
pub enum ExpectedSigner<'a> {
    /// For a recipient: the device on whose session the content came (for `Sync.sent`, the own device that tells of
    /// it), of an account with this pin.
    Sender {
        /// The peer of the session.
        device: &'a DevicePublic,
        /// What is pinned of its account.
        pin: &'a ManifestPin,
    },
    /// For a third party: whoever the certificate names.
    Certified,
}

/// By what the signer of a statement is judged.
#[derive(Clone, Copy)]
pub struct StatementEvidence<'a> {
    /// The roots, and the revocation list: a recipient's pinned one; a third party's, that of the time in question.
    pub trust: &'a Trust,
    /// The server's receive time of the message; for a third party, the time that it is told. A certificate lasts 24 h
    /// at most, so a wrong one by more than that does not verify.
    pub received_at: Timestamp,
    /// Who must have signed.
    pub signer: ExpectedSigner<'a>,
}

/// Certificates at the server time, manifest, and for a recipient session and pin.
pub(super) fn judge_signer(
    proof: SignerProof<'_>,
    evidence: &StatementEvidence<'_>,
) -> Result<DeviceCertificate, SignerError> {
    let signed =
        UnverifiedCertificates::parse(proof.device_cert, proof.issuer_cert)?.verify_signatures(evidence.trust)?;
    // At the server time and at no other: `Local` is the case of one clock.
    let certificate = signed.check_times(JudgedAt::Local(evidence.received_at)).map_err(|_| SignerError::Time)?;
    let manifest = UnverifiedManifest::parse(proof.manifest)?.verify()?;
    if !lists(&manifest, &certificate.device) {
        return Err(SignerError::NotListed);
    }
    let ExpectedSigner::Sender { device, pin } = evidence.signer else {
        return Ok(certificate);
    };
    if !certificate.device.is_same_device(device) {
        return Err(SignerError::OtherDevice);
    }
    let pinned = pin.account() == device.address.account;
    match pinned && pin.accepts_key(&certificate.device.aik, evidence.received_at) {
        true => Ok(certificate),
        false => Err(SignerError::OtherIdentity),
    }
}

/// Whether the manifest lists the device under the certificate's identity key: a third party has no chain of manifests
/// that would lead from one key to another.
fn lists(manifest: &Manifest, certified: &DevicePublic) -> bool {
    let same_account = manifest.account() == certified.address.account;
    same_account && manifest.device(certified.address.device).is_some_and(|listed| listed.device == *certified)
}
