//! Erasure certificates: `docs/protocol.md` B19. A certificate speaks for one store.

use super::head::AuditHead;
use super::{RecordError, numbered, open};
use crate::identity::LocalDevice;
use crate::ids::{ContentKeyId, ConversationId, StoreId};
use crate::labels::Label;
use crate::primitives::Ed25519PublicKey;
use crate::time::Timestamp;
use crate::wire::{SignedBody, v1};

impl SignedBody for v1::ErasureCertificate {
    const LABEL: Label = Label::Erasure;
}

numbered! {
    /// Why a conversation was erased.
    Basis {
        /// The person asked for it.
        Request = 1,
        /// The retention time ended.
        RetentionEnded = 2,
        /// A court ordered it.
        Court = 3,
        /// Another reason.
        Other = 4,
    }
}

numbered! {
    /// Whether copies of the store that were made before stay closed.
    Coverage {
        /// They do: the old generation of the key that wraps the root is gone; emergency shares were dealt again.
        Covered = 1,
        /// They do not, or not yet.
        NotCovered = 2,
    }
}

numbered! {
    /// What the erasure left.
    KeptPart {
        /// The archive's copy.
        Archive = 1,
        /// Audit entries.
        AuditEntries = 2,
        /// A backup.
        Backup = 3,
        /// Copies of other members.
        OtherMembers = 4,
    }
}

numbered! {
    /// Why something is left.
    KeepReason {
        /// It must be retained.
        Retention = 1,
        /// A legal hold.
        LegalHold = 2,
        /// This store cannot reach it.
        OutOfReach = 3,
    }
}

/// Something that the erasure left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kept {
    /// What.
    pub what: KeptPart,
    /// Why.
    pub reason: KeepReason,
    /// Until when; the epoch where that is not known.
    pub until: Timestamp,
}

/// What was erased, and what was not.
#[derive(Clone, PartialEq, Eq)]
pub struct ErasureCertificate {
    /// The store that it speaks for.
    pub store: StoreId,
    /// What was erased.
    pub conversation: ConversationId,
    /// Why.
    pub basis: Basis,
    /// When.
    pub at: Timestamp,
    /// The content keys that were destroyed.
    pub keys: Vec<ContentKeyId>,
    /// Number of the entry in the store's audit chain.
    pub chain_seq: u64,
    /// What is left.
    pub kept: Vec<Kept>,
    /// Whether earlier copies stay closed.
    pub earlier_copies: Coverage,
    /// Whether emergency shares do: there are none, or they were dealt again.
    pub emergency_shares: Coverage,
}

crate::linking::opaque!(ErasureCertificate);

impl ErasureCertificate {
    /// `Signed{body, SIGN(DSK, "erasure", body)}`.
    pub fn sign(&self, device: &LocalDevice) -> v1::Signed {
        let kept = |kept: &Kept| v1::Kept {
            what: kept.what.as_u32(),
            reason: kept.reason.as_u32(),
            until_ms: kept.until.as_millis(),
        };
        v1::ErasureCertificate {
            store_id: self.store.as_bytes().to_vec(),
            conversation_id: self.conversation.as_bytes().to_vec(),
            basis: self.basis.as_u32(),
            at_ms: self.at.as_millis(),
            key_ids: self.keys.iter().map(|key| key.as_bytes().to_vec()).collect(),
            chain_seq: self.chain_seq,
            kept: self.kept.iter().map(kept).collect(),
            earlier_copies: self.earlier_copies.as_u32(),
            emergency_shares: self.emergency_shares.as_u32(),
        }
        .sign(device.dsk())
    }

    /// Verifies a certificate under a device's signing key. `head` is one of the same device, verified under the same
    /// key: it ties the store to the device, and its chain reaches the entry that the certificate names.
    pub fn verify(signed: &v1::Signed, dsk: &Ed25519PublicKey, head: &AuditHead) -> Result<Self, RecordError> {
        let certificate = Self::from_wire(&open(signed, dsk)?).ok_or(RecordError::Malformed)?;
        match certificate.store == head.store && certificate.chain_seq <= head.point.seq {
            true => Ok(certificate),
            false => Err(RecordError::OtherOrigin),
        }
    }

    fn from_wire(wire: &v1::ErasureCertificate) -> Option<Self> {
        // Erasing destroys a key: a certificate that names none says that nothing happened.
        if wire.key_ids.is_empty() || wire.chain_seq == 0 {
            return None;
        }
        let keys = wire.key_ids.iter().map(|id| ContentKeyId::from_slice(id));
        let kept = wire.kept.iter().map(|kept| {
            Some(Kept {
                what: KeptPart::from_u32(kept.what)?,
                reason: KeepReason::from_u32(kept.reason)?,
                until: Timestamp::from_millis(kept.until_ms),
            })
        });
        Some(Self {
            store: StoreId::from_slice(&wire.store_id)?,
            conversation: ConversationId::from_slice(&wire.conversation_id)?,
            basis: Basis::from_u32(wire.basis)?,
            at: Timestamp::from_millis(wire.at_ms),
            keys: keys.collect::<Option<_>>()?,
            chain_seq: wire.chain_seq,
            kept: kept.collect::<Option<_>>()?,
            earlier_copies: Coverage::from_u32(wire.earlier_copies)?,
            emergency_shares: Coverage::from_u32(wire.emergency_shares)?,
        })
    }
}

/// Whether a legal hold lies on a conversation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hold {
    /// None.
    Free,
    /// Set, and not lifted.
    Held,
}

/// Why an erasure is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ErasureRefused {
    /// Below the retention floor.
    #[error("the conversation must be retained")]
    Retention,
    /// Under legal hold.
    #[error("the conversation is under legal hold")]
    LegalHold,
}

/// Whether a conversation that must be kept until `floor` may be erased now.
pub fn may_erase(floor: Option<Timestamp>, hold: Hold, now: Timestamp) -> Result<(), ErasureRefused> {
    match (hold, floor) {
        (Hold::Held, _) => Err(ErasureRefused::LegalHold),
        (Hold::Free, Some(floor)) if now < floor => Err(ErasureRefused::Retention),
        (Hold::Free, _) => Ok(()),
    }
}
