//! Signed statements: `docs/protocol.md` B9 and B19. The only content that a third party can verify.

use super::numbered;
use super::signer::{SignerError, StatementEvidence, judge_signer};
use crate::identity::{DeviceCertificate, LocalDevice};
use crate::ids::{ConversationId, DeviceAddress, MessageId};
use crate::labels::Label;
use crate::limits::CONTENT_BYTES;
use crate::primitives::kdf::sha256;
use crate::time::Timestamp;
use crate::wire::v1;

numbered! {
    /// What is stated.
    StatementKind {
        /// An order.
        Order = 1,
        /// A prescription.
        Prescription = 2,
        /// A consent: the body is a `Consent` (B20).
        Consent = 3,
        /// A form.
        Form = 4,
        /// Something else.
        Other = 5,
    }
}

/// Why a statement is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StatementError {
    /// It states nothing.
    #[error("the statement is empty")]
    Empty,
    /// Longer than a content may be.
    #[error("the statement is too long")]
    TooLong,
    /// The kind is none of v1.
    #[error("the statement is of an unknown kind")]
    UnknownKind,
    /// A certificate or the manifest is missing.
    #[error("the statement does not carry what vouches for its signer")]
    Incomplete,
    /// Certificates, manifest, pin.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The signature is not the device's over this conversation, message, kind and body.
    #[error("the statement is not signed for this place by this device")]
    Signature,
}

/// Where a statement stands, which its signature covers: the ids of the content, or of the export, around it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StatementPlace {
    /// The conversation.
    pub conversation: ConversationId,
    /// The message.
    pub message: MessageId,
}

/// What vouches for the signer and travels with a statement: all under one identity key.
#[derive(Clone, Copy)]
pub struct SignerProof<'a> {
    /// The certificate of the device, valid now.
    pub device_cert: &'a v1::Signed,
    /// The certificate of its issuer.
    pub issuer_cert: &'a v1::Signed,
    /// The account's manifest, which lists the device.
    pub manifest: &'a v1::Signed,
}

/// A statement that its signer made here: certificates, manifest, signature and form were verified.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifiedStatement {
    place: StatementPlace,
    kind: StatementKind,
    body: Vec<u8>,
    digest: [u8; 32],
    certificate: DeviceCertificate,
    received_at: Timestamp,
}

crate::linking::opaque!(VerifiedStatement);

/// `sig = SIGN(DSK, "statement", conversation_id[16] || message_id[16] || u32 kind || body)`.
pub fn sign_statement(
    device: &LocalDevice,
    place: StatementPlace,
    kind: StatementKind,
    body: Vec<u8>,
    proof: SignerProof<'_>,
) -> Result<v1::SignedStatement, StatementError> {
    check_body(&body)?;
    let number = kind.as_u32();
    let sig = device.dsk().sign(Label::Statement, &signed_parts(&place, &number.to_be_bytes(), &body)).to_vec();
    Ok(v1::SignedStatement {
        body,
        sig,
        kind: number,
        device_cert: Some(proof.device_cert.clone()),
        issuer_cert: Some(proof.issuer_cert.clone()),
        manifest: Some(proof.manifest.clone()),
    })
}

impl VerifiedStatement {
    /// The one way to a verified statement. In this order: a body and a kind of v1; certificates, manifest and (for a
    /// recipient) pin of the signer at the server time of the message; the signature.
    pub fn verify(
        statement: &v1::SignedStatement,
        place: StatementPlace,
        evidence: &StatementEvidence<'_>,
    ) -> Result<Self, StatementError> {
        check_body(&statement.body)?;
        let kind = StatementKind::from_u32(statement.kind).ok_or(StatementError::UnknownKind)?;
        let v1::SignedStatement {
            device_cert: Some(device), issuer_cert: Some(issuer), manifest: Some(manifest), ..
        } = statement
        else {
            return Err(StatementError::Incomplete);
        };
        let proof = SignerProof { device_cert: device, issuer_cert: issuer, manifest };
        let certificate = judge_signer(proof, evidence)?;
        let (number, body) = (statement.kind.to_be_bytes(), statement.body.as_slice());
        let parts = signed_parts(&place, &number, body);
        if !certificate.device.dsk.verify(Label::Statement, &parts, &statement.sig) {
            return Err(StatementError::Signature);
        }
        let (digest, received_at) = (sha256(&[body]), evidence.received_at);
        Ok(Self { place, kind, body: body.to_vec(), digest, certificate, received_at })
    }

    /// Where it stands.
    pub const fn place(&self) -> StatementPlace {
        self.place
    }

    /// What is stated.
    pub const fn kind(&self) -> StatementKind {
        self.kind
    }

    /// Its bytes, in a format of the host, or a `Consent`.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// `SHA-256(body)`: names it in audit entries and in the EHR.
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The account and the device that signed.
    pub const fn signer(&self) -> DeviceAddress {
        self.certificate.device.address
    }

    /// The certificate under which it was signed; its validity bounds the time of the statement.
    pub const fn certificate(&self) -> &DeviceCertificate {
        &self.certificate
    }

    /// The server time at which the signer was judged. Any time in the body is the signer's word.
    pub const fn received_at(&self) -> Timestamp {
        self.received_at
    }
}

/// What is stated is there, and fits a content.
const fn check_body(body: &[u8]) -> Result<(), StatementError> {
    match body.len() {
        0 => Err(StatementError::Empty),
        1..=CONTENT_BYTES => Ok(()),
        _ => Err(StatementError::TooLong),
    }
}

/// `conversation_id[16] || message_id[16] || u32 kind || body`.
const fn signed_parts<'a>(place: &'a StatementPlace, kind: &'a [u8; 4], body: &'a [u8]) -> [&'a [u8]; 4] {
    [place.conversation.as_bytes(), place.message.as_bytes(), kind, body]
}
