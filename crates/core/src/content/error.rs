//! Why content is refused: `docs/protocol.md` B9, "Content failure". The reason stays on the device.

use crate::attachment::AttachmentError;
use crate::wire::WireError;

/// A content that is dropped after the ratchet has committed: no receipt, no RetryRequest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ContentRejected {
    /// Not a content by the rules of the wire (B1.2).
    #[error("not a content: {0}")]
    Wire(#[from] WireError),
    /// A field of a wrong length or value.
    #[error("{0:?} has a wrong length or value")]
    Field(FieldName),
    /// The descriptor of an attachment.
    #[error("attachment: {0}")]
    Attachment(#[from] AttachmentError),
    /// A user-visible body with `seq` 0, or another one with a number.
    #[error("seq does not fit the body")]
    Sequence,
    /// Neither the conversation of the two accounts nor one that this content may be about.
    #[error("the conversation is another one")]
    Conversation,
    /// A GroupContext where there is no group, or none where there is one.
    #[error("GroupContext and conversation do not go together")]
    GroupContext,
    /// A group whose id is that of a pair.
    #[error("the group has the id of a pair")]
    GroupIdOfPair,
    /// `Sync` from another account.
    #[error("Sync from another account")]
    ForeignSync,
    /// `Sync.sent` with a content that no other account can have got.
    #[error("Sync inside Sync")]
    NestedSync,
    /// `Sync.sent` whose message, conversation or peer differs from the content in it.
    #[error("Sync does not fit the content in it")]
    SyncMismatch,
    /// The sender is no member in the state that the content names.
    #[error("the sender is no member")]
    NotMember,
    /// The role of the sender does not allow this body (archive, observer).
    #[error("the sender's role does not allow this")]
    Role,
    /// An edit or deletion of somebody else's message.
    #[error("not the author's change")]
    NotAuthor,
    /// An edit or deletion of a message of another conversation.
    #[error("a change from another conversation")]
    ForeignTarget,
    /// An edit of what is no text.
    #[error("only a text can be edited")]
    NotEditable,
}

/// A field, or a group of fields that must fit together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FieldName {
    /// 16 bytes.
    MessageId,
    /// 16 bytes.
    ConversationId,
    /// `GroupContext.state_hash`, 32 bytes.
    StateHash,
    /// Empty or 16 bytes.
    ReplyTo,
    /// `target`, 16 bytes.
    Target,
    /// `Edit.text` is missing.
    EditText,
    /// `ClinicalRef.inline`, at most 64 KiB.
    Inline,
    /// `Receipt.type`, 1 or 2.
    ReceiptType,
    /// At least one, each 16 bytes.
    MessageIds,
    /// One of 32 bytes for each id in a receipt of type 1, none in one of type 2.
    Digests,
    /// A signature of 64 bytes, a signed body that is there.
    Signed,
    /// `SignedStatement.kind`, 1 to 5.
    StatementKind,
    /// Both certificates of a SenderInfo or a statement, the manifest of a statement, the grant and archive of an
    /// offer.
    Missing,
    /// `failed_sid` (empty or 32 bytes), `new_sid` (32 bytes).
    SessionId,
    /// Token, 16 bytes; then either commit (32) or nonce (16).
    Invitation,
    /// 16 bytes.
    DeliveryToken,
    /// `peer_account_id`: 16 bytes, empty for a group.
    Peer,
    /// Device, registration, key or proof of `Sync.pop`.
    DevicePop,
    /// `want`, `want_after`: empty or 32 bytes.
    Want,
}
