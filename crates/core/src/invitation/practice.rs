//! The practice's side of an invitation: `docs/protocol.md` B18.

use rand_core::TryCryptoRng;

use super::exchange::{Nonce, UseError, code, parse_commit};
use super::layout::{Invitation, Token};
use crate::ids::{AccountId, OrgId, SessionId};
use crate::limits::{INVITATION_LIFE_MS, SUCCESSION_WAIT_MS};
use crate::linking::RelayUrl;
use crate::organization::org_key_fingerprint;
use crate::primitives::Ed25519PublicKey;
use crate::random::{RandomError, draw};
use crate::safety_number::{ConfirmationCode, TypedCode};
use crate::time::Timestamp;
use crate::wire::v1;

/// An invitation that this device made and nobody has used.
pub struct IssuedInvitation {
    pub(super) invitation: Invitation,
    pub(super) succeeds: Option<AccountId>,
}

/// The first message of an invitation's client that was judged, and has not been acted on.
pub struct FirstUse {
    account: AccountId,
    sid: SessionId,
    commit: [u8; 32],
}

impl IssuedInvitation {
    /// Draws a token; it lasts `life_ms`, at most 14 days. `succeeds` names the account of a client who lost a phone.
    pub fn issue(
        (org, org_key): (OrgId, &Ed25519PublicKey),
        account: AccountId,
        succeeds: Option<AccountId>,
        relay: &RelayUrl,
        expires: Timestamp,
        now: Timestamp,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Self, RandomError> {
        let invitation = Invitation {
            org,
            org_key_hash: org_key_fingerprint(org_key),
            account,
            expires: expires.min(now.plus(INVITATION_LIFE_MS)),
            relay: relay.clone(),
            token: Token::new(&draw(rng)?),
        };
        Ok(Self { invitation, succeeds })
    }

    /// What link and QR code carry.
    pub const fn invitation(&self) -> &Invitation {
        &self.invitation
    }

    /// Judges the first content of an INIT: `{token, display_name, commit}` from `account` on session `sid`.
    pub fn judge(
        &self,
        account: AccountId,
        sid: SessionId,
        message: &v1::InvitationUse,
        now: Timestamp,
    ) -> Result<FirstUse, UseError> {
        if !self.invitation.token.is(&message.token) {
            return Err(UseError::UnknownToken);
        }
        if now >= self.invitation.expires {
            return Err(UseError::Expired);
        }
        let commit = parse_commit(message)?;
        Ok(FirstUse { account, sid, commit })
    }

    /// Accepts it, once: in the transaction that stores the session. Gives the answer `{token, nonce_B}`.
    pub fn accept(
        self,
        first: &FirstUse,
        rng: &mut impl TryCryptoRng,
    ) -> Result<(v1::InvitationUse, AnsweredPractice), (Self, RandomError)> {
        let nonce = match Nonce::generate(rng) {
            Ok(nonce) => nonce,
            Err(error) => return Err((self, error)),
        };
        let used = UsedToken { token: self.invitation.token.copy(), account: first.account };
        let answer = nonce.message(&used.token);
        let next = AnsweredPractice { used, sid: first.sid, commit: first.commit, nonce, succeeds: self.succeeds };
        Ok((answer, next))
    }
}

/// A token that an account has used. It outlives the invitation, so that a second account is noticed.
pub struct UsedToken {
    pub(super) token: Token,
    pub(super) account: AccountId,
}

/// What a further message with a token says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum TokenUse {
    /// Of another invitation.
    Unknown,
    /// The account that used it shows it again: nothing follows. (Beginning again takes a new invitation.)
    SameAccount,
    /// A second account shows it: event `InvitationReused`, nothing is answered.
    InvitationReused,
}

impl UsedToken {
    /// Judges a further first message.
    pub fn shown_again(&self, account: AccountId, message: &v1::InvitationUse) -> TokenUse {
        match (self.token.is(&message.token), account == self.account) {
            (false, _) => TokenUse::Unknown,
            (true, true) => TokenUse::SameAccount,
            (true, false) => TokenUse::InvitationReused,
        }
    }
}

/// A practice that has answered with its nonce and waits for the client's.
pub struct AnsweredPractice {
    pub(super) used: UsedToken,
    pub(super) sid: SessionId,
    pub(super) commit: [u8; 32],
    pub(super) nonce: Nonce,
    pub(super) succeeds: Option<AccountId>,
}

impl AnsweredPractice {
    /// The token, to recognise its reuse.
    pub const fn used(&self) -> &UsedToken {
        &self.used
    }

    /// Step 3: takes `{token, nonce_A}` that came on session `sid`: the one that carried the commitment, which the nonce
    /// must match. From then on the code can be entered, once. Another nonce ends the invitation: who committed to one
    /// and shows another tries for a code. What belongs to another session or invitation changes nothing.
    pub fn take(
        self,
        sid: SessionId,
        message: &v1::InvitationUse,
    ) -> Result<UnverifiedClient, (UseError, Box<AfterRefusal>)> {
        match self.judge(sid, message) {
            Ok(nonce) => Ok(self.finish(&nonce)),
            Err(error @ UseError::CommitMismatch) => Err((error, Box::new(AfterRefusal::Ended(self.used)))),
            Err(error) => Err((error, Box::new(AfterRefusal::Waiting(self)))),
        }
    }

    pub(crate) fn judge(&self, sid: SessionId, message: &v1::InvitationUse) -> Result<Nonce, UseError> {
        if sid != self.sid {
            return Err(UseError::OtherSession);
        }
        let nonce = Nonce::parse(message, &self.used.token)?;
        match nonce.opens(&self.commit) {
            true => Ok(nonce),
            false => Err(UseError::CommitMismatch),
        }
    }

    fn finish(self, nonce: &Nonce) -> UnverifiedClient {
        let code = code(&self.sid, &self.used.token, nonce, &self.nonce);
        UnverifiedClient { used: self.used, code, succeeds: self.succeeds }
    }
}

/// What is left of an exchange after a message was refused.
pub enum AfterRefusal {
    /// It goes on as before.
    Waiting(AnsweredPractice),
    /// The invitation is dead; its token is still recognised.
    Ended(UsedToken),
}

/// A client whose code has not been confirmed: its conversation is marked, and takes what [`accepted_unverified`]
/// lets pass.
pub struct UnverifiedClient {
    pub(super) used: UsedToken,
    pub(super) code: ConfirmationCode,
    pub(super) succeeds: Option<AccountId>,
}

/// Where the client read the code out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WhereConfirmed {
    /// Face to face.
    InTheRoom,
    /// By telephone, or over another channel than the one that carried the link.
    Elsewhere,
}

/// From when on the old account's history may be granted to the new one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HistoryFrom {
    /// At once.
    Now,
    /// From this time on, and not if the old account objects before.
    NotBefore(Timestamp),
}

/// The code was another one: this invitation has ended, a new one is needed.
#[derive(Debug, thiserror::Error)]
#[error("wrong code; the invitation has ended")]
pub struct WrongCode {
    /// The token stays known, so that its reuse is noticed.
    pub used: UsedToken,
}

/// A client whose code the practitioner has confirmed.
#[non_exhaustive]
pub struct VerifiedClient {
    /// The token, to recognise its reuse.
    pub used: UsedToken,
    /// Whose client it is.
    pub account: AccountId,
    /// The account that it succeeds, and when that one's history may be granted to it.
    pub succeeds: Option<(AccountId, HistoryFrom)>,
}

impl UnverifiedClient {
    /// The token, to recognise its reuse.
    pub const fn used(&self) -> &UsedToken {
        &self.used
    }

    /// What the practice shows.
    pub const fn code(&self) -> &ConfirmationCode {
        &self.code
    }

    /// One try: a wrong code ends the invitation.
    pub fn confirm(
        self,
        typed: &TypedCode,
        place: WhereConfirmed,
        now: Timestamp,
    ) -> Result<VerifiedClient, WrongCode> {
        if !self.code.matches(typed) {
            return Err(WrongCode { used: self.used });
        }
        let history = match place {
            WhereConfirmed::InTheRoom => HistoryFrom::Now,
            WhereConfirmed::Elsewhere => HistoryFrom::NotBefore(now.plus(SUCCESSION_WAIT_MS)),
        };
        Ok(VerifiedClient {
            account: self.used.account,
            succeeds: self.succeeds.map(|old| (old, history)),
            used: self.used,
        })
    }
}

/// Whether the practice's client takes such a content in a conversation that is unverified: no attachment,
/// ClinicalRef, SignedStatement or history.
pub const fn accepted_unverified(body: &v1::content::Body) -> bool {
    use v1::content::Body;
    !matches!(body, Body::Attachment(_) | Body::Fhir(_) | Body::Statement(_) | Body::History(_))
}

crate::linking::opaque!(
    IssuedInvitation,
    FirstUse,
    UsedToken,
    AnsweredPractice,
    AfterRefusal,
    UnverifiedClient,
    VerifiedClient
);
