//! What people compare: safety numbers (`docs/protocol.md` B11) and the six digits of linking (B2) and invitations
//! (B18).

mod code;
mod fingerprint;

#[cfg(test)]
mod tests;

pub use code::{ConfirmationCode, NotSixDigits, TypedCode};
pub use fingerprint::{Comparison, Fingerprint, QrError, SafetyNumber};
