//! History grants: `docs/protocol.md` B19. What is passed on is shown as passed on: nothing in it proves who wrote it.

use std::io;

use super::{RecordError, numbered, open};
use crate::identity::LocalDevice;
use crate::ids::{AccountId, ConversationId};
use crate::labels::Label;
use crate::primitives::Ed25519PublicKey;
use crate::time::Timestamp;
use crate::wire::{SignedBody, v1};

impl SignedBody for v1::HistoryGrant {
    const LABEL: Label = Label::History;
}

numbered! {
    /// Why history is passed on.
    HistoryReason {
        /// To a member that joined later.
        NewMember = 1,
        /// To the account that succeeds one.
        ReplacedAccount = 2,
        /// From one device to another of the same account.
        OwnDevice = 3,
    }
}

/// What the granter is, by the group and the directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Granter {
    /// Owner of the conversation.
    Owner,
    /// In class 2, a member listed as clinical or records custodian.
    ListedMember,
    /// A device of our own account.
    OwnAccount,
    /// Anybody else.
    Other,
}

/// Why history is refused; nothing of it is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HistoryError {
    /// The grant itself.
    #[error(transparent)]
    Grant(#[from] RecordError),
    /// The granter may not pass this on, or not for this reason.
    #[error("the granter may not pass this on")]
    NotEntitled,
    /// It was granted to another account.
    #[error("granted to another account")]
    OtherGrantee,
    /// The grant is of another conversation than the offer.
    #[error("the history of another conversation")]
    OtherConversation,
    /// The attachment is not a history archive (purpose 3).
    #[error("not a history archive")]
    Purpose,
    /// The file is not the one that was granted.
    #[error("the file is not the one granted")]
    FileHash,
    /// The file holds another number of items than was granted.
    #[error("the file holds another number of items")]
    Count,
    /// An item is cut off, longer than its limit, or not of its form.
    #[error("an item is malformed")]
    Item,
    /// The file could not be read to its end; nothing is known of it.
    #[error("the file cannot be read: {0}")]
    Source(io::ErrorKind),
}

/// Where an offer came, and what it describes.
#[derive(Clone, Copy)]
pub struct OfferedIn<'a> {
    /// The conversation of the content that carries the offer. Between own devices that is the pair (own, own), and the
    /// grant names any conversation.
    pub conversation: ConversationId,
    /// The descriptor of its archive.
    pub archive: &'a v1::AttachmentMsg,
}

/// A slice of a conversation that is passed on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HistoryGrant {
    /// Of which conversation.
    pub conversation: ConversationId,
    /// By whom.
    pub from: AccountId,
    /// To whom.
    pub to: AccountId,
    /// From this time on.
    pub start: Timestamp,
    /// To this time.
    pub end: Timestamp,
    /// Why.
    pub reason: HistoryReason,
    /// Number of items.
    pub count: u64,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// When it was granted.
    pub at: Timestamp,
}

crate::linking::opaque!(HistoryGrant);

impl HistoryGrant {
    /// `Signed{HistoryGrant, SIGN(DSK, "history", body)}`.
    pub fn sign(&self, device: &LocalDevice) -> v1::Signed {
        v1::HistoryGrant {
            conversation_id: self.conversation.as_bytes().to_vec(),
            from_account: self.from.as_bytes().to_vec(),
            to_account: self.to.as_bytes().to_vec(),
            from_ms: self.start.as_millis(),
            to_ms: self.end.as_millis(),
            reason: self.reason.as_u32(),
            count: self.count,
            sha256: self.sha256.to_vec(),
            at_ms: self.at.as_millis(),
        }
        .sign(device.dsk())
    }

    /// Verifies the grant of an offer to `me` that came from a device of `from` with this signing key: its granter is one
    /// of those that may pass history of the offer's conversation on, for this reason, the grantee is `me`, and the
    /// archive that the offer describes is the one granted. Errors in this order: the grant itself, its sender, grantee,
    /// conversation, granter and reason, purpose, hash.
    pub fn verify(
        signed: &v1::Signed,
        (from, dsk): (AccountId, &Ed25519PublicKey),
        offer: &OfferedIn<'_>,
        granter: Granter,
        me: AccountId,
    ) -> Result<Self, HistoryError> {
        let wire: v1::HistoryGrant = open(signed, dsk)?;
        let grant = Self::from_wire(&wire).ok_or(RecordError::Malformed)?;
        if grant.from != from {
            return Err(RecordError::OtherOrigin.into());
        }
        if grant.to != me {
            return Err(HistoryError::OtherGrantee);
        }
        let entitled = match (granter, grant.reason) {
            (Granter::OwnAccount, HistoryReason::OwnDevice) => from == me,
            (Granter::Owner | Granter::ListedMember, HistoryReason::NewMember | HistoryReason::ReplacedAccount) => {
                from != me
            }
            _ => false,
        };
        if granter != Granter::OwnAccount && grant.conversation != offer.conversation {
            return Err(HistoryError::OtherConversation);
        }
        match (entitled, offer.archive.purpose == HISTORY_PURPOSE, offer.archive.sha256 == grant.sha256) {
            (true, true, true) => Ok(grant),
            (false, _, _) => Err(HistoryError::NotEntitled),
            (_, false, _) => Err(HistoryError::Purpose),
            (_, _, false) => Err(HistoryError::FileHash),
        }
    }

    fn from_wire(wire: &v1::HistoryGrant) -> Option<Self> {
        Some(Self {
            conversation: ConversationId::from_slice(&wire.conversation_id)?,
            from: AccountId::from_slice(&wire.from_account)?,
            to: AccountId::from_slice(&wire.to_account)?,
            start: Timestamp::from_millis(wire.from_ms),
            end: Timestamp::from_millis(wire.to_ms),
            reason: HistoryReason::from_u32(wire.reason)?,
            count: wire.count,
            sha256: wire.sha256.as_slice().try_into().ok()?,
            at: Timestamp::from_millis(wire.at_ms),
        })
    }
}

const HISTORY_PURPOSE: u32 = 3;
