//! What both sides of the exchange compute alike: `docs/protocol.md` B18.

use rand_core::TryCryptoRng;
use subtle::ConstantTimeEq as _;

use super::layout::Token;
use crate::ids::SessionId;
use crate::labels::Label;
use crate::limits::DISPLAY_NAME_BYTES;
use crate::primitives::Secret;
use crate::primitives::kdf::hash;
use crate::random::{RandomError, draw};
use crate::safety_number::ConfirmationCode;
use crate::wire::v1;

/// Why a `Control.invitation` is refused; nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UseError {
    /// Not of the form of this step.
    #[error("not of the form of this step")]
    Malformed,
    /// Of another invitation: at the practice, what came with it is an ordinary contact request.
    #[error("the token is another one")]
    UnknownToken,
    /// The invitation has run out.
    #[error("the invitation has run out")]
    Expired,
    /// It came on another session than the one that carried the commitment.
    #[error("on another session")]
    OtherSession,
    /// The revealed nonce is not the one committed to.
    #[error("the nonce does not match the commitment")]
    CommitMismatch,
}

/// 16 random bytes of one side.
pub struct Nonce(Secret<16>);

crate::linking::opaque!(Nonce);

impl Nonce {
    pub(super) fn generate(rng: &mut impl TryCryptoRng) -> Result<Self, RandomError> {
        Ok(Self(Secret::new(&draw(rng)?)))
    }

    pub(super) const fn of(secret: Secret<16>) -> Self {
        Self(secret)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// `commit = HASH("invite-commit", nonce_A[16])`.
    pub(super) fn commitment(&self) -> [u8; 32] {
        hash(Label::InviteCommit, &[self.0.as_bytes()])
    }

    /// Whether `commit` is this nonce's commitment.
    pub(super) fn opens(&self, commit: &[u8; 32]) -> bool {
        self.commitment().ct_eq(commit).into()
    }

    /// Step 2 or 3: `{token, nonce}`.
    pub(super) fn message(&self, token: &Token) -> v1::InvitationUse {
        v1::InvitationUse { token: token.as_bytes().to_vec(), nonce: self.0.as_bytes().to_vec(), ..Default::default() }
    }

    /// Reads step 2 or 3: a token that is `token`, a nonce, and nothing else.
    pub(super) fn parse(message: &v1::InvitationUse, token: &Token) -> Result<Self, UseError> {
        if !token.is(&message.token) {
            return Err(UseError::UnknownToken);
        }
        match message.commit.is_empty() && message.display_name.is_empty() {
            true => Secret::from_slice(&message.nonce).map(Self).ok_or(UseError::Malformed),
            false => Err(UseError::Malformed),
        }
    }
}

/// Step 1: `{token, display_name, commit}`.
pub(super) fn commit_message(token: &Token, display_name: &str, commit: &[u8; 32]) -> v1::InvitationUse {
    v1::InvitationUse {
        token: token.as_bytes().to_vec(),
        display_name: display_name.to_owned(),
        commit: commit.to_vec(),
        nonce: Vec::new(),
    }
}

/// Reads the commitment of step 1, of a message whose token was compared.
pub(super) fn parse_commit(message: &v1::InvitationUse) -> Result<[u8; 32], UseError> {
    let short = message.display_name.len() <= DISPLAY_NAME_BYTES;
    match message.nonce.is_empty() && short {
        true => message.commit.as_slice().try_into().map_err(|_| UseError::Malformed),
        false => Err(UseError::Malformed),
    }
}

/// `code = u32(HASH("invite-code", sid || token || nonce_A || nonce_B)[0..4]) mod 10^6`, six digits.
pub(super) fn code(sid: &SessionId, token: &Token, nonce_a: &Nonce, nonce_b: &Nonce) -> ConfirmationCode {
    let parts: [&[u8]; 4] = [sid.as_bytes(), token.as_bytes(), nonce_a.0.as_bytes(), nonce_b.0.as_bytes()];
    ConfirmationCode::of(&hash(Label::InviteCode, &parts))
}
