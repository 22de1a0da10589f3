//! Records of a practice: `docs/protocol.md` B19 (audit chain, erasure, history, signed statements) and B20 (consent).

mod audit;
mod chain;
mod consent;
mod entry;
mod erasure;
mod export;
mod head;
mod history;
mod history_file;
mod signer;
mod statement;

#[cfg(test)]
mod tests;

pub use audit::{AuditFault, BadEntry, StoredEntry, verify};
pub use chain::{AuditChain, ChainError, ChainPoint};
pub use consent::{
    Channel, Consent, ConsentError, ConsentRecord, ConsentStanding, Party, Recorder, consent_standing, may_send,
};
pub use entry::{AuditEntry, AuditEvent, EntryError, Outcome};
pub use erasure::{Basis, Coverage, ErasureCertificate, ErasureRefused, Hold, KeepReason, Kept, KeptPart, may_erase};
pub use export::StatementExport;
pub use head::{AuditFork, AuditHead, compare_heads};
pub use history::{Granter, HistoryError, HistoryGrant, HistoryReason, OfferedIn};
pub use history_file::{HistoryItem, HistoryItems, HistoryReader, JudgedHistory, PassedOn};
pub use signer::{ExpectedSigner, SignerError, StatementEvidence};
pub use statement::{SignerProof, StatementError, StatementKind, StatementPlace, VerifiedStatement, sign_statement};

/// Why a signed record is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RecordError {
    /// The signature is not the device's.
    #[error("not signed by this device")]
    Signature,
    /// Signed, and not of the form of v1.
    #[error("not of this form")]
    Malformed,
    /// Signed by this device and of another account, device or store.
    #[error("of another account, device or store")]
    OtherOrigin,
}

/// Verifies `signed` under a device's signing key, then parses it (rule R1).
fn open<M: crate::wire::SignedBody>(
    signed: &crate::wire::v1::Signed,
    dsk: &crate::primitives::Ed25519PublicKey,
) -> Result<M, RecordError> {
    match M::verifies(signed, dsk) {
        true => M::parse(&signed.body).map_err(|_| RecordError::Malformed),
        false => Err(RecordError::Signature),
    }
}

/// A time of 0 is absent.
fn time(ms: u64) -> Option<crate::time::Timestamp> {
    (ms != 0).then_some(crate::time::Timestamp::from_millis(ms))
}

/// A number and its name, both ways.
macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $number:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// `None` for a number that v1 does not know.
            pub const fn from_u32(number: u32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The number on the wire.
            pub const fn as_u32(self) -> u32 {
                match self {
                    $(Self::$variant => $number,)*
                }
            }
        }
    };
}
use numbered;
