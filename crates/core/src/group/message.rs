//! Whether a message of a group is accepted: `docs/protocol.md` B13.5.

use super::evidence::Evidence;
use super::member::Member;
use super::roster::Roster;
use super::state::GroupState;
use crate::content::BodyKind;
use crate::ids::AccountId;
use crate::limits::STALE_ROSTER_MS;
use crate::organization::AikChange;
use crate::primitives::Ed25519PublicKey;

/// What the decision rests on, of one message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SentIn<'a> {
    /// The account of the session.
    pub sender: AccountId,
    /// The identity key of the session.
    pub aik: &'a Ed25519PublicKey,
    /// `GroupContext.state_hash`, if there is a GroupContext.
    pub state: Option<&'a [u8; 32]>,
    /// Its body.
    pub kind: BodyKind,
}

/// What becomes of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::large_enum_variant, reason = "a verdict is handed out once and not kept")]
pub enum MessageVerdict {
    /// It is shown.
    Accepted,
    /// It is shown, and its sender has not seen the current state: event `StaleRoster`.
    Stale,
    /// Kept unseen until its state is here, which is asked for.
    Unseen,
    /// `IdentityChanged` for this member of this group: the session is under an identity key that does not belong to the
    /// one which the state names. Kept unseen until the current state or the pin changes
    /// ([`UnseenContents::release_of`](super::UnseenContents::release_of)).
    IdentityChanged(AikChange),
}

/// Why a message is refused: event `ContentRejected`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MessageRejected {
    /// A message of a group without GroupContext.
    #[error("no group context")]
    NoContext,
    /// The sender is no member, or was none in the state that it names.
    #[error("the sender is no member")]
    NotMember,
    /// An archive or an observer sends what only members may.
    #[error("the role of the sender does not allow this body")]
    Role,
    /// The practice has removed the sender from its directory, or its bounds are over.
    #[error("the practice does not list the sender any more")]
    Closed,
    /// The state that it names was superseded more than 30 days ago.
    #[error("sent under a state that is too old")]
    TooOld,
    /// The state is not known, and neither is the sender.
    #[error("an unknown sender names an unknown state")]
    Stranger,
}

impl Roster {
    /// Judges a message by the state that it names. A GroupUpdate is judged by the states in it, not here.
    pub fn judge_message(
        &self,
        message: &SentIn<'_>,
        evidence: &Evidence<'_>,
    ) -> Result<MessageVerdict, MessageRejected> {
        let state = message.state.ok_or(MessageRejected::NoContext)?;
        if self.closes(message.sender, evidence) {
            return Err(MessageRejected::Closed);
        }
        if state == self.current.hash() {
            let member = permits(&self.current, message)?;
            let changed = self.changed_key(&[member], message, evidence);
            return Ok(changed.map_or(MessageVerdict::Accepted, MessageVerdict::IdentityChanged));
        }
        let Some((named, since)) = self.superseded(state) else {
            return judge_unknown(message, evidence);
        };
        if evidence.now.since(since) > STALE_ROSTER_MS {
            return Err(MessageRejected::TooOld);
        }
        let members = [permits(named, message)?, permits(&self.current, message)?];
        let changed = self.changed_key(&members, message, evidence);
        Ok(changed.map_or(MessageVerdict::Stale, MessageVerdict::IdentityChanged))
    }

    /// The change that keeps a message from counting as a member's: the key of its session, or the one that a state or the
    /// practice names, is neither the pinned one nor one from which the chain leads to it.
    fn changed_key(&self, members: &[&Member], message: &SentIn<'_>, evidence: &Evidence<'_>) -> Option<AikChange> {
        let foreign = |aik: &Ed25519PublicKey| !evidence.descends(message.sender, aik);
        let change = |new| AikChange {
            account: message.sender,
            pinned: evidence.keys(message.sender).map_or(*message.aik, |keys| keys.aik),
            new,
        };
        let named = members.iter().map(|member| member.aik);
        let other = core::iter::once(*message.aik).chain(named).find(foreign);
        other.or_else(|| evidence.listed_otherwise(self.current.org(), message.sender)).map(change)
    }
}

/// Judges a message that names a state which is not here, also in a group of which nothing is here.
pub fn judge_unknown(message: &SentIn<'_>, evidence: &Evidence<'_>) -> Result<MessageVerdict, MessageRejected> {
    message.state.ok_or(MessageRejected::NoContext)?;
    match evidence.keys(message.sender) {
        Some(_) => Ok(MessageVerdict::Unseen),
        None => Err(MessageRejected::Stranger),
    }
}

fn permits<'a>(state: &'a GroupState, message: &SentIn<'_>) -> Result<&'a Member, MessageRejected> {
    let member = state.member(message.sender).ok_or(MessageRejected::NotMember)?;
    match member.role.voice().permits(message.kind) {
        true => Ok(member),
        false => Err(MessageRejected::Role),
    }
}
