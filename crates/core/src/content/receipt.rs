//! Receipts: `docs/protocol.md` B9 and B7.4.

use super::fields::{exact, message_ids};
use super::{ContentRejected, FieldName};
use crate::ids::MessageId;
use crate::time::Timestamp;
use crate::wire::v1;

/// What became of messages.
#[derive(Clone, PartialEq, Eq)]
pub enum Receipt {
    /// Type 1: each with the SHA-256 of the content bytes received, by which copies are compared.
    Delivered {
        /// One at least.
        messages: Vec<(MessageId, [u8; 32])>,
        /// When, by the clock of the device that answers.
        at: Timestamp,
    },
    /// Type 2.
    Read {
        /// One at least.
        messages: Vec<MessageId>,
        /// When, by the clock of the device that answers.
        at: Timestamp,
    },
}

impl Receipt {
    pub(super) fn parse(message: &v1::Receipt) -> Result<Self, ContentRejected> {
        let ids = message_ids(&message.message_ids)?;
        let at = Timestamp::from_millis(message.at_ms);
        match message.r#type {
            1 if message.digests.len() == ids.len() => {
                let digests = message.digests.iter().map(|digest| exact(digest, FieldName::Digests));
                let pairs = ids.into_iter().zip(digests);
                let messages = pairs
                    .map(|(id, digest)| Ok((id, digest?)))
                    .collect::<Result<_, ContentRejected>>()?;
                Ok(Self::Delivered { messages, at })
            }
            2 if message.digests.is_empty() => Ok(Self::Read { messages: ids, at }),
            1 | 2 => Err(ContentRejected::Field(FieldName::Digests)),
            _ => Err(ContentRejected::Field(FieldName::ReceiptType)),
        }
    }

    pub(super) fn to_wire(&self) -> v1::Receipt {
        match self {
            Self::Delivered { messages, at } => v1::Receipt {
                r#type: 1,
                message_ids: messages.iter().map(|(id, _)| id.as_bytes().to_vec()).collect(),
                digests: messages.iter().map(|(_, digest)| digest.to_vec()).collect(),
                at_ms: at.as_millis(),
            },
            Self::Read { messages, at } => v1::Receipt {
                r#type: 2,
                message_ids: messages.iter().map(|id| id.as_bytes().to_vec()).collect(),
                digests: Vec::new(),
                at_ms: at.as_millis(),
            },
        }
    }
}
