//! Session state at rest, format 1: `docs/protocol.md` B5 and `proto/session.proto`.
//!
//! Written and read field by field, because a protobuf decoder leaves copies of secrets in buffers that nobody wipes.

mod chains;
mod lanes;
mod peer;

use std::sync::Arc;

use zeroize::Zeroizing;

use self::chains::{read_chain, read_skipped, skipped_bytes, write_chain};
use self::lanes::{own_lane_bytes, peer_lane_bytes, read_own_lane, read_peer_lane};
use self::peer::{peer_bytes, read_peer};
use super::keys::{HeaderKey, RootKey};
use super::lane::LaneCounters;
use super::session::{Fixed, Role, Session, Tally};
use crate::handshake::{Generation, InitHeader};
use crate::ids::SessionId;
use crate::primitives::{PublicKey as _, X25519PublicKey, X25519Secret};
use crate::time::Timestamp;
use crate::wire::{FieldWriter, Fields, WireError};

const FORMAT: u32 = 1;
/// Everything but skipped keys: the widest state has an InitHeader, an offer's key and an answer.
const BASE_BYTES: usize = 6 * 1024;
const SKIPPED_KEY_BYTES: usize = 64;

/// Why a stored state was not loaded. It is never partly loaded, and never taken for absent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StateError {
    /// Damaged, cut off, or not a session state.
    #[error("the stored session is damaged")]
    Corrupted,
    /// Written by a newer version of the library.
    #[error("the stored session has an unknown format")]
    UnknownFormat,
}

impl From<WireError> for StateError {
    fn from(_: WireError) -> Self {
        Self::Corrupted
    }
}

impl Session {
    /// The state as the encrypted store keeps it.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let skipped: usize = self.skipped.chains.iter().map(|chain| chain.keys.len()).sum();
        let mut out = FieldWriter::with_capacity(BASE_BYTES.saturating_add(skipped.saturating_mul(SKIPPED_KEY_BYTES)));
        out.number(1, FORMAT);
        out.bytes(2, self.fixed.sid.as_bytes());
        out.number(3, role_number(self.fixed.role));
        out.number(4, self.fixed.generation.as_u32());
        out.element(5, &peer_bytes(&self.fixed.peer));
        out.bytes(6, self.root.0.as_bytes());
        out.bytes(7, self.dh_private.as_ref().map_or(&[][..], |secret| secret.seed()));
        out.bytes(8, self.dh_remote.as_ref().map_or(&[][..], |public| public.as_bytes()));
        write_chain(&mut out, 9, self.sending.as_ref());
        out.bytes(10, self.next_send_header.as_bytes());
        out.number(11, self.previous_count);
        write_chain(&mut out, 12, self.receiving.as_ref());
        out.bytes(13, self.next_receive_header.as_bytes());
        out.number(14, u32::from(self.need_send_step));
        self.skipped.chains.iter().for_each(|chain| out.element(15, &skipped_bytes(chain)));
        out.element(16, &own_lane_bytes(&self.own_lane, self.lane_counters));
        out.element(17, &peer_lane_bytes(&self.peer_lane, self.lane_counters));
        out.bytes(18, self.init_header.as_ref().map_or(&[][..], |header| header.as_bytes()));
        out.number(19, self.confirmed_at.map_or(0, Timestamp::as_millis));
        out.element(20, &tally_bytes(self.unanswered));
        out.element(21, &tally_bytes(self.unacknowledged));
        out.number(22, self.certificate_seen_until.as_millis());
        out.number(23, self.sender_info_sent_at.as_millis());
        out.number(24, self.fixed.created.as_millis());
        out.number(25, self.last_progress.as_millis());
        out.number(26, self.state_seq);
        out.finish()
    }

    /// Loads a state, whole or not at all: what was read must be written again as the same bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let fields = Fields::read(bytes)?;
        if fields.number(1)? != u64::from(FORMAT) {
            return Err(StateError::UnknownFormat);
        }
        let session = read_session(&fields).ok_or(StateError::Corrupted)?;
        match session.to_bytes().as_slice() == bytes {
            true => Ok(session),
            false => Err(StateError::Corrupted),
        }
    }
}

fn read_session(fields: &Fields<'_>) -> Option<Session> {
    let role = match fields.u32(3)? {
        1 => Role::Initiator,
        2 => Role::Responder,
        _ => return None,
    };
    let fixed = Fixed {
        sid: SessionId::from_slice(fields.bytes(2)?)?,
        role,
        generation: Generation::new(fields.u32(4)?)?,
        peer: read_peer(&fields.message(5)?)?,
        created: fields.time(24)?,
    };
    let receiving = read_chain(fields.optional(12)?)?;
    let (own_lane, counters) = read_own_lane(&fields.message(16)?)?;
    let (peer_lane, since_ct) = read_peer_lane(&fields.message(17)?)?;
    Some(Session {
        fixed: Arc::new(fixed),
        root: Arc::new(RootKey(fields.secret(6)?)),
        dh_private: some_unless_empty(fields.bytes(7)?, X25519Secret::from_slice)?.map(Arc::new),
        dh_remote: some_unless_empty(fields.bytes(8)?, |raw| X25519PublicKey::from_raw(raw).ok())?,
        sending: read_chain(fields.optional(9)?)?,
        next_send_header: Arc::new(HeaderKey::new(fields.secret(10)?)),
        previous_count: fields.u32(11)?,
        skipped: read_skipped(fields.repeated(15)?, receiving.as_ref())?,
        receiving,
        next_receive_header: Arc::new(HeaderKey::new(fields.secret(13)?)),
        need_send_step: fields.u32(14)? == 1,
        own_lane,
        peer_lane,
        lane_counters: LaneCounters { since_ct, ..counters },
        init_header: some_unless_empty(fields.bytes(18)?, |raw| InitHeader::parse(raw).ok())?,
        confirmed_at: Some(fields.time(19)?).filter(|time| time.as_millis() != 0),
        unanswered: read_tally(&fields.message(20)?)?,
        unacknowledged: read_tally(&fields.message(21)?)?,
        certificate_seen_until: fields.time(22)?,
        sender_info_sent_at: fields.time(23)?,
        last_progress: fields.time(25)?,
        // The last field is never 0, so that a state that was cut off between two fields is not taken for whole.
        state_seq: fields.number(26).ok().filter(|seq| *seq != 0)?,
    })
}

/// `None`: not readable; `Some(None)`: empty, so absent.
fn some_unless_empty<T>(raw: &[u8], read: impl FnOnce(&[u8]) -> Option<T>) -> Option<Option<T>> {
    match raw {
        [] => Some(None),
        raw => read(raw).map(Some),
    }
}

const fn role_number(role: Role) -> u32 {
    match role {
        Role::Initiator => 1,
        Role::Responder => 2,
    }
}

fn tally_bytes(tally: Tally) -> Zeroizing<Vec<u8>> {
    let mut out = FieldWriter::with_capacity(32);
    out.number(1, tally.count);
    out.number(2, tally.since.as_millis());
    out.finish()
}

fn read_tally(fields: &Fields<'_>) -> Option<Tally> {
    let tally = Tally { count: fields.u32(1)?, since: fields.time(2)? };
    // Nothing was counted, so nothing began.
    (tally.count != 0 || tally.since == Timestamp::default()).then_some(tally)
}
