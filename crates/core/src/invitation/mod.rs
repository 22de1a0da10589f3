//! Invitations: `docs/protocol.md` B18. The practice invites, the client writes first.
//!
//! One type for each state of each side; a step consumes the state, so that a token, a nonce and a code are used once.
//!
//! | step | client | practice |
//! |---|---|---|
//! | | [`Invitation`] parsed, [`Invitation::check`]: [`CheckedInvitation`] | [`IssuedInvitation`] shows the text |
//! | 1 | [`CheckedInvitation::commit`]: [`CommittedClient`] | [`IssuedInvitation::judge`] |
//! | 2 | [`CommittedClient::judge`] | [`IssuedInvitation::accept`]: [`AnsweredPractice`] |
//! | 3 | [`CommittedClient::reveal`]: [`RevealedClient`] shows the code | [`AnsweredPractice::take`]: [`UnverifiedClient`] |
//! | | reads the code out | [`UnverifiedClient::confirm`]: [`VerifiedClient`] |
//!
//! The steps lie up to 14 days apart: [`PracticeState`] and [`ClientState`] are what the encrypted store keeps between
//! them, one record for each invitation, from its beginning on.
//!
//! A link proves nothing about who opened it: until the code is confirmed the conversation is unverified.

mod client;
mod exchange;
mod layout;
mod practice;
mod state;

#[cfg(test)]
mod tests;

pub use client::{CheckedInvitation, CommitError, CommittedClient, PracticeMismatch, PracticeNonce, RevealedClient};
pub use exchange::{Nonce, UseError};
pub use layout::{Invitation, InvitationError, Token};
pub use practice::{
    AfterRefusal, AnsweredPractice, FirstUse, HistoryFrom, IssuedInvitation, TokenUse, UnverifiedClient, UsedToken,
    VerifiedClient, WhereConfirmed, WrongCode, accepted_unverified,
};
pub use state::{ClientState, InvitationStateError, PracticeState};
