//! Edits, deletions and reactions: `docs/protocol.md` B9.

use super::{Body, BodyKind, Content, ContentRejected, Keeper};
use crate::ids::{AccountId, ConversationId};

/// A stored message with the message_id that a change names. There may be several: message_ids of different senders
/// may be equal, by malice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Original {
    /// Who sent it.
    pub author: AccountId,
    /// Where.
    pub conversation: ConversationId,
    /// What it is.
    pub kind: BodyKind,
}

/// What to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// Show the new text in place of the old one.
    Replace,
    /// Delete, as soon as [`Fate`](super::Fate) allows; until then it is shown as taken back.
    Remove,
    /// Keep the old version and put the change beside it: the archive's copy.
    Append,
    /// The original is not here: keep the change until it comes, judge it then, and send no receipt before.
    Await,
}

/// What a reaction is to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReactionTo {
    /// A message of this conversation.
    Known,
    /// Nothing here: no receipt is sent.
    Unknown,
}

impl Content {
    /// Judges an edit or a deletion by `sender` against what is stored under the id that it names. Only the author
    /// changes a message, in its own conversation; only a text becomes another text (a signed order, say, does not). The
    /// archive keeps every version. `None` for other bodies.
    pub fn change(
        &self,
        sender: &AccountId,
        originals: &[Original],
        keeper: Keeper,
    ) -> Option<Result<Change, ContentRejected>> {
        match self.body() {
            Body::Edit(_) | Body::Delete(_) => Some(self.judge_change(sender, originals, keeper)),
            _ => None,
        }
    }

    fn judge_change(
        &self,
        sender: &AccountId,
        originals: &[Original],
        keeper: Keeper,
    ) -> Result<Change, ContentRejected> {
        if originals.is_empty() {
            return Ok(Change::Await);
        }
        let own = originals.iter().filter(|original| original.author == *sender);
        let original = own
            .clone()
            .find(|original| original.conversation == self.conversation());
        let Some(original) = original else {
            return Err(match own.count() {
                0 => ContentRejected::NotAuthor,
                _ => ContentRejected::ForeignTarget,
            });
        };
        match (self.kind(), original.kind, keeper) {
            (BodyKind::Edit, BodyKind::Text, Keeper::Archive) => Ok(Change::Append),
            (BodyKind::Edit, BodyKind::Text, _) => Ok(Change::Replace),
            (BodyKind::Edit, _, _) => Err(ContentRejected::NotEditable),
            (_, _, Keeper::Archive) => Ok(Change::Append),
            (_, _, _) => Ok(Change::Remove),
        }
    }

    /// What a reaction is to; `None` for other bodies. Anybody in the conversation may react.
    pub fn reaction_to(&self, originals: &[Original]) -> Option<ReactionTo> {
        let here = |original: &Original| original.conversation == self.conversation();
        match (self.body(), originals.iter().any(here)) {
            (Body::Reaction(_), true) => Some(ReactionTo::Known),
            (Body::Reaction(_), false) => Some(ReactionTo::Unknown),
            _ => None,
        }
    }
}
