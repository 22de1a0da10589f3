//! Signed statements: `docs/protocol.md` B9 and B19. The only content that a third party can verify.

use super::numbered;
use crate::identity::LocalDevice;
use crate::ids::{ConversationId, MessageId};
use crate::labels::Label;
use crate::limits::CONTENT_BYTES;
use crate::primitives::Ed25519PublicKey;
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
    /// The signature is not the device's over this conversation, message, kind and body.
    #[error("the statement is not signed for this place by this device")]
    Signature,
    /// The kind is none of v1.
    #[error("the statement is of an unknown kind")]
    UnknownKind,
    /// Longer than a content may be.
    #[error("the statement is too long")]
    TooLong,
}

/// A statement whose signature was verified. Whose key it is, certificates and manifest say; they are kept with it.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifiedStatement {
    /// What is stated.
    pub kind: StatementKind,
    /// Its bytes.
    pub body: Vec<u8>,
}

crate::linking::opaque!(VerifiedStatement);

/// `sig = SIGN(DSK, "statement", conversation_id || message_id || u32 kind || body)`, with the certificates and the
/// manifest left for the caller to add.
pub fn sign_statement(
    device: &LocalDevice,
    (conversation, message): (&ConversationId, &MessageId),
    kind: StatementKind,
    body: Vec<u8>,
) -> Result<v1::SignedStatement, StatementError> {
    if body.len() > CONTENT_BYTES {
        return Err(StatementError::TooLong);
    }
    let number = kind.as_u32().to_be_bytes();
    let parts: [&[u8]; 4] = [conversation.as_bytes(), message.as_bytes(), &number, &body];
    let sig = device.dsk().sign(Label::Statement, &parts).to_vec();
    Ok(v1::SignedStatement { body, sig, kind: kind.as_u32(), ..Default::default() })
}

impl VerifiedStatement {
    /// Verifies a statement that stands in `message` of `conversation`, under the signing key that its certificate
    /// gives.
    pub fn verify(
        statement: &v1::SignedStatement,
        (conversation, message): (&ConversationId, &MessageId),
        dsk: &Ed25519PublicKey,
    ) -> Result<Self, StatementError> {
        if statement.body.len() > CONTENT_BYTES {
            return Err(StatementError::TooLong);
        }
        let number = statement.kind.to_be_bytes();
        let parts: [&[u8]; 4] = [conversation.as_bytes(), message.as_bytes(), &number, &statement.body];
        if !dsk.verify(Label::Statement, &parts, &statement.sig) {
            return Err(StatementError::Signature);
        }
        let kind = StatementKind::from_u32(statement.kind).ok_or(StatementError::UnknownKind)?;
        Ok(Self { kind, body: statement.body.clone() })
    }
}
