//! `Content`: `docs/protocol.md` B9.

use core::fmt;
use core::mem;

use zeroize::{Zeroize as _, Zeroizing};

use super::fields::exact;
use super::{Body, BodyKind, ContentRejected, Control, DedupeKey, FieldName, Opaque, Retention};
use crate::ids::{ConversationId, DeviceAddress, MessageId};
use crate::limits::{CONTENT_BYTES, SENDER_INFO_BODY_BYTES, SENT_AT_TOLERANCE_MS};
use crate::primitives::kdf::sha256;
use crate::time::Timestamp;
use crate::wire::{decode_content, v1};

/// A content that keeps the rules of B9, as far as its bytes alone can.
pub struct Content {
    message_id: MessageId,
    sent_at: Timestamp,
    conversation: ConversationId,
    group: Option<[u8; 32]>,
    retention: Retention,
    seq: u64,
    body: Body,
    digest: [u8; 32],
}

/// Whether a content's time agrees with the server's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SentAt {
    /// At most 24 h apart.
    Plausible,
    /// Flagged where it is shown; the message keeps its place.
    Doubtful,
}

/// What may stand inside a content.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Message,
    /// In `Sync.sent`.
    Synced,
}

impl Content {
    /// Parses the content of a session message. Time and memory follow from the length, at most 256 KiB.
    pub fn parse(bytes: &[u8]) -> Result<Self, ContentRejected> {
        Self::parse_at(bytes, Place::Message)
    }

    /// Parses what stands in `Sync.sent`: no further one can, so nothing recurses.
    pub(super) fn parse_synced(bytes: &[u8]) -> Result<Self, ContentRejected> {
        Self::parse_at(bytes, Place::Synced)
    }

    fn parse_at(bytes: &[u8], place: Place) -> Result<Self, ContentRejected> {
        let mut wire: v1::Content = decode_content(bytes, CONTENT_BYTES)?;
        let parsed = match (&wire.body, place) {
            (Some(v1::content::Body::Sync(_)), Place::Synced) => return Err(ContentRejected::NestedSync),
            // v1 defines no feature: what requires one may mean something else than it seems to.
            _ if !wire.required_features.is_empty() => None,
            _ => wire.body.take().map(Body::parse).transpose()?.flatten(),
        };
        wipe_keys(&mut wire);
        let body = parsed.unwrap_or_else(|| {
            Body::Unsupported(Opaque {
                bytes: Zeroizing::new(bytes.to_vec()),
                required_features: mem::take(&mut wire.required_features),
            })
        });
        let content = Self {
            message_id: MessageId::from_bytes(exact(&wire.message_id, FieldName::MessageId)?),
            sent_at: Timestamp::from_millis(wire.sent_at_ms),
            conversation: ConversationId::from_bytes(exact(&wire.conversation_id, FieldName::ConversationId)?),
            group: wire.group.map(|group| exact(&group.state_hash, FieldName::StateHash)).transpose()?,
            retention: wire.retention.as_ref().map(Retention::from_wire).unwrap_or_default(),
            seq: wire.seq,
            body,
            digest: sha256(&[bytes]),
        };
        content.check_sequence()?;
        content.check_synced()?;
        Ok(content)
    }

    /// `seq` counts user-visible contents from 1; other bodies have 0.
    fn check_sequence(&self) -> Result<(), ContentRejected> {
        match (self.kind(), self.kind().is_user_visible() == (self.seq != 0)) {
            (BodyKind::Unsupported, _) | (_, true) => Ok(()),
            (_, false) => Err(ContentRejected::Sequence),
        }
    }

    /// Own devices get a content under the message_id and in the conversation that the others got it.
    fn check_synced(&self) -> Result<(), ContentRejected> {
        let fits = |inner: &Self| {
            (inner.message_id, inner.conversation, inner.group) == (self.message_id, self.conversation, self.group)
        };
        match self.body.synced().is_none_or(fits) {
            true => Ok(()),
            false => Err(ContentRejected::SyncMismatch),
        }
    }

    /// The same on every copy.
    pub const fn message_id(&self) -> MessageId {
        self.message_id
    }

    /// By the sender's clock.
    pub const fn sent_at(&self) -> Timestamp {
        self.sent_at
    }

    /// Which conversation it says it belongs to: see [`route`](Self::route).
    pub const fn conversation(&self) -> ConversationId {
        self.conversation
    }

    /// `state_hash` of the group state under which it was sent; `None` outside groups.
    pub const fn group(&self) -> Option<&[u8; 32]> {
        self.group.as_ref()
    }

    /// What the sender wishes about keeping and deleting.
    pub const fn retention(&self) -> Retention {
        self.retention
    }

    /// Number among the user-visible contents of the sending device and registration in this conversation; `None` for
    /// one that is not counted.
    pub const fn seq(&self) -> Option<core::num::NonZeroU64> {
        core::num::NonZeroU64::new(self.seq)
    }

    /// What it says.
    pub const fn body(&self) -> &Body {
        &self.body
    }

    /// What it says, by value.
    pub fn into_body(self) -> Body {
        self.body
    }

    /// Which body it has.
    pub const fn kind(&self) -> BodyKind {
        self.body.kind()
    }

    /// Whether it is shown, and receipted. Of an unsupported one its `seq` tells: the sender counted it.
    pub const fn is_user_visible(&self) -> bool {
        match self.kind() {
            BodyKind::Unsupported => self.seq != 0,
            kind => kind.is_user_visible(),
        }
    }

    /// `digest = SHA-256(content bytes)`: what a delivery receipt says was received.
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// What it is remembered by, for as long as the message is stored and 90 days at least.
    pub const fn dedupe_key(&self, sender: &DeviceAddress) -> DedupeKey {
        DedupeKey::new(sender, self.message_id)
    }

    /// Bytes that the padded body of the session message must at least have (B8): a SenderInfo would else tell the
    /// number of the sender's devices.
    pub const fn minimum_body(&self) -> usize {
        match self.body {
            Body::Control(Control::SenderInfo(_)) => SENDER_INFO_BODY_BYTES,
            _ => 0,
        }
    }

    /// `|sent_at − server_ts| > 24 h` ⇒ flagged.
    pub const fn judge_sent_at(&self, server: Timestamp) -> SentAt {
        let apart = self.sent_at.apart(server);
        match apart > SENT_AT_TOLERANCE_MS {
            true => SentAt::Doubtful,
            false => SentAt::Plausible,
        }
    }
}

/// Wipes the keys of attachments in a generated message; a parsed one has taken its own.
pub(super) fn wipe_keys(wire: &mut v1::Content) {
    match &mut wire.body {
        Some(v1::content::Body::Attachment(attachment)) => attachment.key.zeroize(),
        Some(v1::content::Body::History(offer)) => {
            if let Some(archive) = &mut offer.archive {
                archive.key.zeroize();
            }
        }
        Some(v1::content::Body::Sync(v1::Sync { s: Some(v1::sync::S::Sent(sent)) })) => sent.content.zeroize(),
        _ => {}
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({:?})", self.kind())
    }
}
