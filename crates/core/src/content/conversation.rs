//! Which conversation a content may belong to, and who may say what in it: `docs/protocol.md` B9 and B13.

use super::{Body, BodyKind, Content, ContentRejected, Sync};
use crate::ids::{AccountId, ConversationId, GroupId};
use crate::labels::Label;
use crate::primitives::kdf::hash;

/// `HASH("conv", min(acc_A,acc_B) || max(acc_A,acc_B))[0..16]`: the conversation of a pair; of an account with itself
/// if both are equal.
pub fn pair_id(one: &AccountId, other: &AccountId) -> ConversationId {
    let (low, high) = (one.min(other), one.max(other));
    let digest = hash(Label::Conv, &[low.as_bytes(), high.as_bytes()]);
    let mut id = [0; 16];
    id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    ConversationId::from_bytes(id)
}

/// Whether a group has the id of a pair of its members: such a group is refused, its messages would be taken for
/// theirs. At most 50 members give 1 275 hashes.
pub fn collides_with_pair(group: &GroupId, members: &[AccountId]) -> bool {
    let pairs = members
        .iter()
        .enumerate()
        .flat_map(|(index, one)| members.iter().skip(index).map(move |other| pair_id(one, other)));
    pairs.into_iter().any(|pair| pair.as_bytes() == group.as_bytes())
}

/// Where a content goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route<'a> {
    /// The conversation of the two accounts.
    Pair,
    /// A group, under the state with this hash. The group decides about both with [`Content::judge_sender`].
    Group {
        /// Which.
        group: GroupId,
        /// `state_hash`.
        state: &'a [u8; 32],
    },
    /// States of a group, here already or not: B13 decides by them, before membership.
    GroupUpdate {
        /// Which.
        group: GroupId,
        /// `state_hash`.
        state: &'a [u8; 32],
    },
    /// `Control`, on the session of the two devices.
    Control,
    /// `Sync`, from another device of the own account.
    Own,
}

/// What the role of a sender lets it say (B13).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Voice {
    /// Roles 1, 2, 5, 6: every body.
    Full,
    /// Roles 3 (archive) and 4 (observer): Receipt, Control and GroupUpdate.
    Silent,
}

impl Voice {
    /// `None` for an unknown role.
    pub const fn of_role(role: u32) -> Option<Self> {
        match role {
            1 | 2 | 5 | 6 => Some(Self::Full),
            3 | 4 => Some(Self::Silent),
            _ => None,
        }
    }

    /// Whether this body may come from such a sender.
    pub const fn permits(self, kind: BodyKind) -> bool {
        match self {
            Self::Full => true,
            Self::Silent => matches!(kind, BodyKind::Receipt | BodyKind::Control | BodyKind::GroupUpdate),
        }
    }
}

/// What the group state that a content names says of its sender.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// `group_id` of that state.
    pub group: GroupId,
    /// `None`: no member in it.
    pub voice: Option<Voice>,
}

impl Content {
    /// Where a content from a session with `sender` goes, on a device of `own`.
    ///
    /// It must be of the two accounts' conversation, or of a group: then, and only then, with GroupContext, and not
    /// under the id of a pair. `Sync` comes from the own account and may be of any conversation; what was sent to one
    /// peer is of the conversation with that peer. `Control` is of the pair.
    pub fn route(&self, own: &AccountId, sender: &AccountId) -> Result<Route<'_>, ContentRejected> {
        let pair = pair_id(own, sender);
        match (self.body(), self.group()) {
            (Body::Sync(_), _) if own != sender => Err(ContentRejected::ForeignSync),
            (Body::Sync(Sync::Sent { peer: Some(peer), .. }), _) if self.conversation() != pair_id(own, peer) => {
                Err(ContentRejected::Conversation)
            }
            (Body::Sync(_), _) => Ok(Route::Own),
            (Body::Control(_), Some(_)) => Err(ContentRejected::GroupContext),
            (Body::GroupUpdate(_), None) => Err(ContentRejected::GroupContext),
            (_, Some(_)) if self.conversation() == pair => Err(ContentRejected::GroupIdOfPair),
            (_, None) if self.conversation() != pair => Err(ContentRejected::Conversation),
            (Body::Control(_), None) => Ok(Route::Control),
            (_, None) => Ok(Route::Pair),
            (body, Some(state)) => {
                let group = GroupId::from_bytes(*self.conversation().as_bytes());
                match body {
                    Body::GroupUpdate(_) => Ok(Route::GroupUpdate { group, state }),
                    _ => Ok(Route::Group { group, state }),
                }
            }
        }
    }

    /// Judges a content of a group by the state that it names: the state must be of that group, the sender a member in
    /// it, and the body one that its role allows.
    pub fn judge_sender(&self, standing: &Standing) -> Result<(), ContentRejected> {
        if self.conversation().as_bytes() != standing.group.as_bytes() {
            return Err(ContentRejected::Conversation);
        }
        let voice = standing.voice.ok_or(ContentRejected::NotMember)?;
        match voice.permits(self.kind()) {
            true => Ok(()),
            false => Err(ContentRejected::Role),
        }
    }
}
