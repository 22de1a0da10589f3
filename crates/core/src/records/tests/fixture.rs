//! Statements of people whom the service certified at `at(0)`.

use super::super::*;
use crate::identity::{ManifestPin, Trust};
use crate::ids::{ConversationId, MessageId};
use crate::testing::{Party, Service, at};
use crate::time::Timestamp;
use crate::wire::v1;

pub(super) const PLACE: StatementPlace =
    StatementPlace { conversation: ConversationId::from_bytes([5; 16]), message: MessageId::from_bytes([6; 16]) };

/// A statement at [`PLACE`], with the certificates of `at(0)`.
pub(super) fn sign(signer: &Party, kind: StatementKind, body: Vec<u8>) -> v1::SignedStatement {
    let (certificates, manifest) = (signer.certificates(at(0)), signer.manifest.to_signed());
    let proof =
        SignerProof { device_cert: &certificates.device, issuer_cert: &certificates.issuer, manifest: &manifest };
    sign_statement(&signer.device, PLACE, kind, body, proof).unwrap()
}

/// What the recipient of a content from `sender` has.
pub(super) fn evidence<'a>(
    sender: &'a Party,
    pin: &'a ManifestPin,
    trust: &'a Trust,
    received_at: Timestamp,
) -> StatementEvidence<'a> {
    StatementEvidence { trust, received_at, signer: ExpectedSigner::Sender { device: sender.public(), pin } }
}

/// A statement as its recipient verified it.
pub(super) fn verified(
    signer: &Party,
    kind: StatementKind,
    body: Vec<u8>,
    received_at: Timestamp,
) -> VerifiedStatement {
    let (trust, pin) = (Service::new().trust(), signer.pin());
    VerifiedStatement::verify(&sign(signer, kind, body), PLACE, &evidence(signer, &pin, &trust, received_at)).unwrap()
}
