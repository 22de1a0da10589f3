//! Statements for a third party: `docs/protocol.md` B9 (`StatementExport`).

use prost::Message as _;

use super::signer::{ExpectedSigner, StatementEvidence};
use super::statement::{StatementError, StatementPlace, VerifiedStatement};
use crate::identity::Trust;
use crate::ids::{ConversationId, MessageId};
use crate::limits::STATEMENT_EXPORT_BYTES;
use crate::time::Timestamp;
use crate::wire::{WireError, decode_canonical, required, v1};

/// A statement with the place that its signature covers: what a third party is given to verify.
#[derive(Clone, PartialEq)]
pub struct StatementExport {
    place: StatementPlace,
    statement: v1::SignedStatement,
}

crate::linking::opaque!(StatementExport);

impl StatementExport {
    /// A statement of a content, with its certificates and manifest as received. An error only for a statement that
    /// did not come in a content: [`from_bytes`](Self::from_bytes) would refuse the export.
    pub fn new(place: StatementPlace, statement: v1::SignedStatement) -> Result<Self, WireError> {
        Self::from_bytes(&Self { place, statement }.to_bytes())
    }

    /// Reads an export strictly: canonical, at most 327 680 bytes, ids of 16 bytes, a statement. Nothing is verified.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let wire: v1::StatementExport = decode_canonical(bytes, STATEMENT_EXPORT_BYTES)?;
        let place = StatementPlace {
            conversation: ConversationId::from_slice(&wire.conversation_id).ok_or(WireError::Field)?,
            message: MessageId::from_slice(&wire.message_id).ok_or(WireError::Field)?,
        };
        required(&wire.statement).map(|statement| Self { place, statement: statement.clone() })
    }

    /// The file: what [`from_bytes`](Self::from_bytes) read, byte for byte.
    pub fn to_bytes(&self) -> Vec<u8> {
        v1::StatementExport {
            conversation_id: self.place.conversation.as_bytes().to_vec(),
            message_id: self.place.message.as_bytes().to_vec(),
            statement: Some(self.statement.clone()),
        }
        .encode_to_vec()
    }

    /// Where the statement stood, by the word of who exported it until it is verified.
    pub const fn place(&self) -> StatementPlace {
        self.place
    }

    /// What a third party can verify: that the device which `trust` certified, and whose account lists it, signed this
    /// body for this place, under a certificate that was valid at `claimed`. Not verified, because nothing in an export
    /// shows it: when the message was received (the certificate's 24 h bound it), and that the account is who it is
    /// taken for (B11).
    pub fn verify(&self, trust: &Trust, claimed: Timestamp) -> Result<VerifiedStatement, StatementError> {
        let evidence = StatementEvidence { trust, received_at: claimed, signer: ExpectedSigner::Certified };
        VerifiedStatement::verify(&self.statement, self.place, &evidence)
    }
}
