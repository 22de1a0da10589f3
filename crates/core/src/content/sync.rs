//! `Sync`, between devices of one account: `docs/protocol.md` B9.

use core::fmt;

use zeroize::Zeroizing;

use super::fields::{exact, message_ids, optional, or_empty};
use super::{BodyKind, Content, ContentRejected, FieldName};
use crate::ids::{AccountId, DeviceId, MessageId, RegNonce};
use crate::primitives::{Ed25519PublicKey, PublicKey as _, Signature};
use crate::time::Timestamp;
use crate::wire::v1;

/// What one device of an account tells the others.
pub enum Sync {
    /// What it sent.
    Sent {
        /// To whom; `None` for a group.
        peer: Option<AccountId>,
        /// What the others got.
        content: Box<Content>,
        /// Its exact bytes.
        bytes: Zeroizing<Vec<u8>>,
    },
    /// For which messages it sent a delivery receipt.
    Receipted(SyncIds),
    /// What was read on it.
    Read(SyncIds),
    /// Its consent to an announced identity key.
    Pop(Box<DevicePop>),
}

/// A device's consent to an announced identity key (B2). Whether it is one is judged by the manifest that uses it.
#[derive(Clone, PartialEq, Eq)]
pub struct DevicePop {
    /// Which device.
    pub device: DeviceId,
    /// Which registration of it.
    pub reg: RegNonce,
    /// The announced key.
    pub aik: Ed25519PublicKey,
    /// Its proof of possession under that key.
    pub pop: Signature,
}

/// Messages, one at least.
#[derive(Clone, PartialEq, Eq)]
pub struct SyncIds {
    /// Which.
    pub messages: Vec<MessageId>,
    /// When.
    pub at: Timestamp,
}

impl Sync {
    /// `None` for a member that v1 does not know.
    pub(super) fn parse(message: v1::Sync) -> Result<Option<Self>, ContentRejected> {
        use v1::sync::S;
        let Some(sync) = message.s else {
            return Ok(None);
        };
        let parsed = match sync {
            S::Sent(sent) => Self::sent(sent)?,
            S::Receipted(ids) => Self::Receipted(SyncIds::parse(&ids)?),
            S::Read(ids) => Self::Read(SyncIds::parse(&ids)?),
            S::Pop(pop) => {
                let pop = DevicePop::parse(&pop).ok_or(ContentRejected::Field(FieldName::DevicePop))?;
                Self::Pop(Box::new(pop))
            }
        };
        Ok(Some(parsed))
    }

    fn sent(sent: v1::SyncSent) -> Result<Self, ContentRejected> {
        let bytes = Zeroizing::new(sent.content);
        let peer = optional(&sent.peer_account_id, FieldName::Peer)?.map(AccountId::from_bytes);
        let content = Content::parse_synced(&bytes)?;
        match (content.kind(), peer.is_none() == content.group().is_some()) {
            // Control belongs to one session; nobody else got it.
            (BodyKind::Control, _) => Err(ContentRejected::NestedSync),
            (_, false) => Err(ContentRejected::Field(FieldName::Peer)),
            (_, true) => Ok(Self::Sent {
                peer,
                content: Box::new(content),
                bytes,
            }),
        }
    }

    pub(super) fn to_wire(&self) -> v1::Sync {
        use v1::sync::S;
        let sync = match self {
            Self::Sent { peer, bytes, .. } => S::Sent(v1::SyncSent {
                peer_account_id: or_empty(peer.as_ref().map(AccountId::as_bytes)),
                content: bytes.to_vec(),
            }),
            Self::Receipted(ids) => S::Receipted(ids.to_wire()),
            Self::Read(ids) => S::Read(ids.to_wire()),
            Self::Pop(pop) => S::Pop(v1::DevicePop {
                device_id: pop.device.as_u32(),
                reg_nonce: pop.reg.as_u32(),
                aik: pop.aik.to_tagged(),
                pop: pop.pop.to_vec(),
            }),
        };
        v1::Sync { s: Some(sync) }
    }
}

impl DevicePop {
    fn parse(pop: &v1::DevicePop) -> Option<Self> {
        Some(Self {
            device: DeviceId::new(pop.device_id)?,
            reg: RegNonce::new(pop.reg_nonce)?,
            aik: Ed25519PublicKey::from_tagged(&pop.aik).ok()?,
            pop: exact(&pop.pop, FieldName::DevicePop).ok()?,
        })
    }
}

impl SyncIds {
    fn parse(ids: &v1::SyncIds) -> Result<Self, ContentRejected> {
        Ok(Self {
            messages: message_ids(&ids.message_ids)?,
            at: Timestamp::from_millis(ids.at_ms),
        })
    }

    fn to_wire(&self) -> v1::SyncIds {
        v1::SyncIds {
            message_ids: self.messages.iter().map(|id| id.as_bytes().to_vec()).collect(),
            at_ms: self.at.as_millis(),
        }
    }
}

impl fmt::Debug for Sync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sync(..)")
    }
}
