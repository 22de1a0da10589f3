//! The client's side of an invitation: `docs/protocol.md` B18.

use rand_core::TryCryptoRng;

use super::exchange::{Nonce, UseError, code, commit_message};
use super::layout::{Invitation, Token};
use crate::ids::SessionId;
use crate::limits::DISPLAY_NAME_BYTES;
use crate::organization::{Directory, TrustedOrgKey};
use crate::prekey::PrekeyBundle;
#[cfg(test)]
use crate::primitives::Ed25519PublicKey;
use crate::random::RandomError;
use crate::safety_number::ConfirmationCode;
use crate::time::Timestamp;
use crate::wire::v1;

/// What was fetched is not what the invitation names; no INIT is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PracticeMismatch {
    /// The directory is another practice's, or signed by another key than the invitation's.
    #[error("the directory is of another practice or key")]
    OtherOrganization,
    /// The directory does not list the account, or lists it with another identity key than its bundles have.
    #[error("the practice does not list this account")]
    NotListed,
    /// The directory has run out: no conversation begins with it (B17).
    #[error("the directory has expired")]
    Expired,
}

impl Invitation {
    /// Step 1: the directory is the one that the invitation names by id and by the hash of its key, has not expired, and
    /// lists the account, at this time, with the identity key of the bundles, of which there is at least one.
    pub fn check(
        self,
        directory: &Directory,
        bundles: &[PrekeyBundle],
        now: Timestamp,
    ) -> Result<CheckedInvitation, PracticeMismatch> {
        let named = TrustedOrgKey::confirmed(self.org, directory.org_key(), &self.org_key_hash);
        let org_key = named.filter(|_| directory.org() == self.org).ok_or(PracticeMismatch::OtherOrganization)?;
        if directory.is_expired(now) {
            return Err(PracticeMismatch::Expired);
        }
        let listed = directory.listed(self.account, now).ok_or(PracticeMismatch::NotListed)?;
        let of_member =
            |bundle: &PrekeyBundle| (bundle.device.address.account, bundle.device.aik) == (listed.account, listed.aik);
        match !bundles.is_empty() && bundles.iter().all(of_member) {
            true => Ok(CheckedInvitation { invitation: self, org_key }),
            false => Err(PracticeMismatch::NotListed),
        }
    }

    /// What [`check`](Self::check) gives for a practice with this key.
    #[cfg(test)]
    pub(crate) fn assumed(self, org_key: &Ed25519PublicKey) -> CheckedInvitation {
        let org_key = TrustedOrgKey::confirmed(self.org, org_key, &self.org_key_hash).unwrap();
        CheckedInvitation { invitation: self, org_key }
    }
}

/// An invitation whose practice is the one that it names.
pub struct CheckedInvitation {
    invitation: Invitation,
    org_key: TrustedOrgKey,
}

/// The name that the client gives itself is longer than 256 bytes, or the random source failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CommitError {
    /// `InvalidInput`.
    #[error("the name is too long")]
    NameTooLong,
    /// The random source failed.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl CheckedInvitation {
    /// The key of the practice, for which the invitation vouches: what its first directory is pinned under.
    pub const fn org_key(&self) -> &TrustedOrgKey {
        &self.org_key
    }

    /// Step 1: what each INIT to a device of the account carries. Give the sids of these INITs to
    /// [`CommittedClient::sent_on`].
    pub fn commit(
        self,
        display_name: &str,
        rng: &mut impl TryCryptoRng,
    ) -> Result<(v1::InvitationUse, CommittedClient), CommitError> {
        if display_name.len() > DISPLAY_NAME_BYTES {
            return Err(CommitError::NameTooLong);
        }
        let nonce = Nonce::generate(rng)?;
        let message = commit_message(&self.invitation.token, display_name, &nonce.commitment());
        let token = self.invitation.token;
        Ok((message, CommittedClient { token, nonce, sids: Vec::new() }))
    }
}

/// A client that has committed to its nonce and waits for the practice's.
pub struct CommittedClient {
    pub(super) token: Token,
    pub(super) nonce: Nonce,
    /// Ascending.
    pub(super) sids: Vec<SessionId>,
}

/// An answer of the practice that was judged, and has not been acted on.
pub struct PracticeNonce {
    nonce: Nonce,
    sid: SessionId,
}

impl CommittedClient {
    /// Notes an INIT that carried the commitment.
    pub fn sent_on(&mut self, sid: SessionId) {
        if let Err(place) = self.sids.binary_search(&sid) {
            self.sids.insert(place, sid);
        }
    }

    /// Step 2: judges `{token, nonce_B}` that came on session `sid`. What is refused changes nothing.
    pub fn judge(&self, sid: SessionId, message: &v1::InvitationUse) -> Result<PracticeNonce, UseError> {
        if !self.sids.contains(&sid) {
            return Err(UseError::OtherSession);
        }
        let nonce = Nonce::parse(message, &self.token)?;
        Ok(PracticeNonce { nonce, sid })
    }

    /// Step 3: what to send on that session. It consumes the commitment: were the nonce revealed on two sessions,
    /// the second practice could choose its own with knowledge of ours.
    pub fn reveal(self, answer: &PracticeNonce) -> (v1::InvitationUse, RevealedClient) {
        let code = code(&answer.sid, &self.token, &self.nonce, &answer.nonce);
        let sid = answer.sid;
        (self.nonce.message(&self.token), RevealedClient { sid, code })
    }
}

/// A client that shows its code. Until the group exists it sends nothing but Control.
pub struct RevealedClient {
    pub(super) sid: SessionId,
    pub(super) code: ConfirmationCode,
}

impl RevealedClient {
    /// What the client reads out over another channel than the one that carried the link.
    pub const fn code(&self) -> &ConfirmationCode {
        &self.code
    }

    /// The session that the code belongs to: if it is closed before the group exists, a new invitation is needed.
    pub const fn session(&self) -> SessionId {
        self.sid
    }
}

crate::linking::opaque!(CheckedInvitation, CommittedClient, PracticeNonce, RevealedClient);
