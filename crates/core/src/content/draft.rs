//! Making a content: `docs/protocol.md` B9. What is made is parsed again before it leaves, so that nothing is sent
//! that a peer would reject, and every rule stands in one place.

use core::fmt;

use prost::Message as _;
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use super::message::wipe_keys;
use super::{Body, Content, ContentRejected, Retention, Sync};
use crate::ids::{AccountId, ConversationId, MessageId};
use crate::random::{RandomError, draw};
use crate::time::Timestamp;
use crate::wire::v1;

/// A content before it has an id.
pub struct Draft {
    /// Which conversation it belongs to.
    pub conversation: ConversationId,
    /// `state_hash` of the newest group state held; `None` outside groups.
    pub group: Option<[u8; 32]>,
    /// By the device's clock.
    pub sent_at: Timestamp,
    /// What is wished about keeping and deleting.
    pub retention: Retention,
    /// From 1 for bodies that the user sees; 0 for the others.
    pub seq: u64,
    /// What it says.
    pub body: Body,
}

impl MessageId {
    /// A fresh one.
    pub fn random(rng: &mut impl TryCryptoRng) -> Result<Self, RandomError> {
        Ok(Self::from_bytes(*draw(rng)?))
    }
}

/// A content that every recipient gets with these very bytes.
pub struct Outgoing {
    bytes: Zeroizing<Vec<u8>>,
    content: Content,
}

/// Why a content was not made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DraftError {
    /// It would be rejected: an error of the caller (`InvalidInput`, B15).
    #[error("the content breaks a rule: {0}")]
    InvalidInput(ContentRejected),
    /// A statement is signed for one message_id: [`Draft::build_under`] that one.
    #[error("a statement is built under the message id that it was signed for")]
    UnplacedStatement,
    /// A content that this version cannot read is not sent on.
    #[error("an unsupported content cannot be sent")]
    Unsupported,
    /// The random source failed.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl Draft {
    /// The content, under a random message_id. What was sent to others and goes to the own devices keeps its id: see
    /// [`Outgoing::for_own_devices`].
    pub fn build(self, rng: &mut impl TryCryptoRng) -> Result<Outgoing, DraftError> {
        match self.body {
            Body::Statement(_) => Err(DraftError::UnplacedStatement),
            _ => self.build_under(MessageId::random(rng)?),
        }
    }

    /// The content under an id of its own that was drawn before ([`MessageId::random`]): for a statement, whose signature
    /// covers it (B9.1). No two contents have one id.
    pub fn build_under(self, id: MessageId) -> Result<Outgoing, DraftError> {
        self.assemble(id)
    }

    fn assemble(self, id: MessageId) -> Result<Outgoing, DraftError> {
        let mut wire = v1::Content {
            message_id: id.as_bytes().to_vec(),
            sent_at_ms: self.sent_at.as_millis(),
            conversation_id: self.conversation.as_bytes().to_vec(),
            group: self.group.map(|state| v1::GroupContext { state_hash: state.to_vec() }),
            required_features: Vec::new(),
            retention: self.retention.to_wire(),
            seq: self.seq,
            body: Some(self.body.to_wire().ok_or(DraftError::Unsupported)?),
        };
        let bytes = Zeroizing::new(wire.encode_to_vec());
        wipe_keys(&mut wire);
        let content = Content::parse(&bytes).map_err(DraftError::InvalidInput)?;
        Ok(Outgoing { bytes, content })
    }
}

impl Outgoing {
    /// The bytes that each session encrypts.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What a recipient will read in them.
    pub const fn content(&self) -> &Content {
        &self.content
    }

    /// `Sync.sent` with these bytes, under the same message_id: for the other devices of the own account. `peer` is the
    /// account that got them; `None` for a group.
    pub fn for_own_devices(&self, peer: Option<AccountId>) -> Result<Self, DraftError> {
        let content = Content::parse(&self.bytes).map_err(DraftError::InvalidInput)?;
        let draft = Draft {
            conversation: self.content.conversation(),
            group: self.content.group().copied(),
            sent_at: self.content.sent_at(),
            retention: Retention::default(),
            seq: 0,
            body: Body::Sync(Sync::Sent { peer, content: Box::new(content), bytes: self.bytes.clone() }),
        };
        draft.assemble(self.content.message_id())
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outgoing({:?})", self.content.kind())
    }
}
