//! Audit entries: `docs/protocol.md` B19. They hold ids and times, never content.

use prost::Message as _;

use super::chain::ChainPoint;
use super::{numbered, time};
use crate::ids::{AccountId, ConversationId, DeviceId};
use crate::limits::{AUDIT_NOTE_BYTES, SIGNED_OBJECT_BYTES};
use crate::time::Timestamp;
use crate::wire::{decode_canonical, v1};

numbered! {
    /// What happened.
    AuditEvent {
        /// A content was sent.
        Send = 1,
        /// A content was delivered.
        Deliver = 2,
        /// A content was read.
        Read = 3,
        /// Records left the store.
        Export = 4,
        /// A content was deleted.
        Delete = 5,
        /// A content ran out.
        Expire = 6,
        /// A conversation was erased.
        Erase = 7,
        /// The members of a group changed.
        MemberChange = 8,
        /// An identity key changed.
        KeyChange = 9,
        /// The store was unlocked.
        Unlock = 10,
        /// An unlock failed.
        FailedUnlock = 11,
        /// A policy or a legal hold changed.
        PolicyChange = 12,
        /// Emergency access.
        EmergencyAccess = 13,
        /// A consent was given or withdrawn.
        Consent = 14,
        /// A session was reset.
        SessionReset = 15,
        /// History was granted.
        HistoryGrant = 16,
        /// An invitation was made, used or ended.
        Invitation = 17,
        /// Entries before this one were deleted after the retention floor.
        Prune = 18,
    }
}

numbered! {
    /// How it ended.
    Outcome {
        /// It was done.
        Done = 1,
        /// It was refused.
        Refused = 2,
        /// It failed.
        Failed = 3,
    }
}

/// Why something is no audit entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EntryError {
    /// Not in canonical form, or a field of a wrong length or value.
    #[error("not an audit entry")]
    Malformed,
    /// The host's reason text is longer than 256 bytes.
    #[error("the note is longer than 256 bytes")]
    NoteTooLong,
    /// More subjects than an entry of 64 KiB holds.
    #[error("the entry is longer than 64 KiB")]
    TooLong,
    /// A prune entry without the point pruned to, or that point in another entry.
    #[error("only a prune entry carries a pruned point")]
    PrunePoint,
}

/// One entry without its number, which the chain gives.
#[derive(Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// The device's clock.
    pub at: Timestamp,
    /// The service's time, where it is known.
    pub server_ts: Option<Timestamp>,
    /// Who acted, where it was a device of some account.
    pub actor: Option<(AccountId, DeviceId)>,
    /// The human, an id of the host; empty where none is known.
    pub person: String,
    /// What happened.
    pub event: AuditEvent,
    /// In which conversation.
    pub conversation: Option<ConversationId>,
    /// Whose data it concerns.
    pub patient: Option<AccountId>,
    /// Ids of what it concerns, 16 bytes each.
    pub subjects: Vec<[u8; 16]>,
    /// How it ended.
    pub outcome: Outcome,
    /// A code of the host; 0 for none.
    pub reason: u32,
    /// The host's reason text: never content.
    pub note: String,
    /// Number of the content's body field (B9); 0 for none.
    pub info_type: u32,
    /// Event 18 only: entries up to this point are deleted with it.
    pub pruned: Option<ChainPoint>,
}

crate::linking::opaque!(AuditEntry);

impl AuditEntry {
    /// Canonical bytes of the entry with number `seq`.
    pub(super) fn encode(&self, seq: u64) -> Result<Vec<u8>, EntryError> {
        if self.note.len() > AUDIT_NOTE_BYTES {
            return Err(EntryError::NoteTooLong);
        }
        if self.pruned.is_some() != (self.event == AuditEvent::Prune) {
            return Err(EntryError::PrunePoint);
        }
        let bytes = v1::AuditEntry {
            seq,
            at_ms: self.at.as_millis(),
            server_ts_ms: self.server_ts.map_or(0, Timestamp::as_millis),
            actor_account: self.actor.map_or(Vec::new(), |(account, _)| account.as_bytes().to_vec()),
            actor_device: self.actor.map_or(0, |(_, device)| device.as_u32()),
            person: self.person.clone(),
            event: self.event.as_u32(),
            conversation_id: self.conversation.map_or(Vec::new(), |id| id.as_bytes().to_vec()),
            patient_account: self.patient.map_or(Vec::new(), |id| id.as_bytes().to_vec()),
            subject_ids: self.subjects.iter().map(|id| id.to_vec()).collect(),
            outcome: self.outcome.as_u32(),
            reason: self.reason,
            note: self.note.clone(),
            info_type: self.info_type,
            prune_seq: self.pruned.map_or(0, |point| point.seq),
            prune_h: self.pruned.map_or(Vec::new(), |point| point.h.to_vec()),
        }
        .encode_to_vec();
        match bytes.len() <= SIGNED_OBJECT_BYTES {
            true => Ok(bytes),
            false => Err(EntryError::TooLong),
        }
    }

    /// Parses an entry; gives its number with it.
    pub fn parse(bytes: &[u8]) -> Result<(u64, Self), EntryError> {
        let wire: v1::AuditEntry = decode_canonical(bytes, SIGNED_OBJECT_BYTES).map_err(|_| EntryError::Malformed)?;
        let seq = wire.seq;
        let entry = Self::from_wire(wire).ok_or(EntryError::Malformed)?;
        match entry.note.len() <= AUDIT_NOTE_BYTES {
            true => Ok((seq, entry)),
            false => Err(EntryError::NoteTooLong),
        }
    }

    fn from_wire(wire: v1::AuditEntry) -> Option<Self> {
        let actor = match (wire.actor_account.as_slice(), wire.actor_device) {
            ([], 0) => None,
            (account, device) => Some((AccountId::from_slice(account)?, DeviceId::new(device)?)),
        };
        let event = AuditEvent::from_u32(wire.event)?;
        let pruned = match (event, wire.prune_seq, wire.prune_h.as_slice()) {
            (AuditEvent::Prune, seq @ 1.., h) => Some(ChainPoint { seq, h: h.try_into().ok()? }),
            (AuditEvent::Prune, ..) => return None,
            (_, 0, []) => None,
            _ => return None,
        };
        let subjects = wire.subject_ids.iter().map(|id| id.as_slice().try_into().ok());
        Some(Self {
            at: Timestamp::from_millis(wire.at_ms),
            server_ts: time(wire.server_ts_ms),
            actor,
            person: wire.person,
            event,
            conversation: optional(&wire.conversation_id, ConversationId::from_slice)?,
            patient: optional(&wire.patient_account, AccountId::from_slice)?,
            subjects: subjects.collect::<Option<_>>()?,
            outcome: Outcome::from_u32(wire.outcome)?,
            reason: wire.reason,
            note: wire.note,
            info_type: wire.info_type,
            pruned,
        })
    }
}

/// An id that does not apply is empty: `Some(None)`. Another wrong length: `None`.
pub(super) fn optional<T>(bytes: &[u8], parse: impl Fn(&[u8]) -> Option<T>) -> Option<Option<T>> {
    match bytes {
        [] => Some(None),
        bytes => parse(bytes).map(Some),
    }
}
