//! Session state at rest, format 1: `docs/protocol.md` B5 and `proto/session.proto`.
//!
//! Written and read field by field, because a protobuf decoder leaves copies of secrets in buffers that nobody wipes.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::chain::Chain;
use super::keys::{ChainKey, HeaderKey, MessageKey, RootKey};
use super::lane::{Answer, LaneCounters, Offer, OwnLane, PeerLane};
use super::session::{Fixed, Role, Session, SessionPeer, Tally};
use super::skipped::{SkippedChain, SkippedKey, SkippedKeys};
use crate::handshake::{Generation, InitHeader};
use crate::identity::DevicePublic;
use crate::ids::{AccountId, DeviceAddress, DeviceId, RegNonce, SessionId};
use crate::limits::{SKIP_CHAINS, SKIP_STORED};
use crate::primitives::{
    Ed25519PublicKey, MlKem768Ciphertext, MlKem768PublicKey, MlKem768Secret, PublicKey as _, Secret, X25519PublicKey,
    X25519Secret,
};
use crate::time::Timestamp;
use crate::wire::{FieldReader, FieldValue, FieldWriter, WireError};

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

/// The fields of one message, in the order in which they came.
struct Fields<'a>(Vec<(u32, FieldValue<'a>)>);

impl<'a> Fields<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, StateError> {
        let mut reader = FieldReader::new(bytes);
        let mut fields = Vec::new();
        while let Some(field) = reader.field()? {
            fields.push(field);
        }
        Ok(Self(fields))
    }

    fn all(&self, number: u32) -> impl Iterator<Item = FieldValue<'a>> {
        self.0.iter().filter(move |(field, _)| *field == number).map(|(_, value)| *value)
    }

    /// A number; 0 if it is not there.
    fn number(&self, number: u32) -> Result<u64, StateError> {
        match self.all(number).next() {
            None => Ok(0),
            Some(FieldValue::Varint(value)) => Ok(value),
            Some(_) => Err(StateError::Corrupted),
        }
    }

    fn u32(&self, number: u32) -> Option<u32> {
        u32::try_from(self.number(number).ok()?).ok()
    }

    fn time(&self, number: u32) -> Option<Timestamp> {
        self.number(number).ok().map(Timestamp::from_millis)
    }

    /// Bytes; none if it is not there.
    fn bytes(&self, number: u32) -> Option<&'a [u8]> {
        match self.all(number).next() {
            None => Some(&[]),
            Some(FieldValue::Bytes(value)) => Some(value),
            Some(_) => None,
        }
    }

    fn message(&self, number: u32) -> Option<Fields<'a>> {
        Self::read(self.bytes(number)?).ok()
    }

    /// A message that may be absent.
    fn optional(&self, number: u32) -> Option<Option<Fields<'a>>> {
        match self.all(number).next() {
            None => Some(None),
            Some(_) => self.message(number).map(Some),
        }
    }

    fn repeated(&self, number: u32) -> Option<Vec<Fields<'a>>> {
        self.all(number)
            .map(|value| match value {
                FieldValue::Bytes(bytes) => Self::read(bytes).ok(),
                _ => None,
            })
            .collect()
    }

    fn secret(&self, number: u32) -> Option<Secret<32>> {
        Secret::from_slice(self.bytes(number)?)
    }

    fn x25519(&self, number: u32) -> Option<X25519PublicKey> {
        X25519PublicKey::from_raw(self.bytes(number)?).ok()
    }

    fn ed25519(&self, number: u32) -> Option<Ed25519PublicKey> {
        Ed25519PublicKey::from_raw(self.bytes(number)?).ok()
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

fn peer_bytes(peer: &SessionPeer) -> Zeroizing<Vec<u8>> {
    let mut out = FieldWriter::with_capacity(160);
    let device = &peer.device;
    out.bytes(1, device.address.account.as_bytes());
    out.number(2, device.address.device.as_u32());
    out.number(3, device.address.reg.as_u32());
    out.bytes(4, device.aik.as_bytes());
    out.bytes(5, device.dsk.as_bytes());
    out.bytes(6, device.ddk.as_bytes());
    out.finish()
}

fn read_peer(fields: &Fields<'_>) -> Option<SessionPeer> {
    let address = DeviceAddress {
        account: AccountId::from_slice(fields.bytes(1)?)?,
        device: DeviceId::new(fields.u32(2)?)?,
        reg: RegNonce::new(fields.u32(3)?)?,
    };
    let device = DevicePublic { address, aik: fields.ed25519(4)?, dsk: fields.ed25519(5)?, ddk: fields.x25519(6)? };
    Some(SessionPeer { device })
}

fn write_chain(out: &mut FieldWriter, field: u32, chain: Option<&Chain>) {
    let Some(chain) = chain else { return };
    let mut inner = FieldWriter::with_capacity(128);
    inner.bytes(1, chain.header_key.as_bytes());
    inner.bytes(2, chain.chain_key.0.as_bytes());
    inner.number(3, chain.n);
    inner.bytes(4, chain.dh_public.as_bytes());
    inner.number(5, chain.mix_epoch);
    out.element(field, &inner.finish());
}

fn read_chain(fields: Option<Fields<'_>>) -> Option<Option<Chain>> {
    let Some(fields) = fields else { return Some(None) };
    Some(Some(Chain {
        header_key: Arc::new(HeaderKey::new(fields.secret(1)?)),
        chain_key: Arc::new(ChainKey(fields.secret(2)?)),
        n: fields.u32(3)?,
        dh_public: fields.x25519(4)?,
        mix_epoch: fields.u32(5)?,
    }))
}

fn skipped_bytes(chain: &SkippedChain) -> Zeroizing<Vec<u8>> {
    let keys = chain.keys.len().saturating_mul(SKIPPED_KEY_BYTES);
    let mut out = FieldWriter::with_capacity(keys.saturating_add(SKIPPED_KEY_BYTES));
    out.bytes(1, chain.header_key.as_bytes());
    for key in &chain.keys {
        let mut inner = FieldWriter::with_capacity(SKIPPED_KEY_BYTES);
        inner.number(1, key.n);
        inner.bytes(2, key.key.0.as_bytes());
        inner.number(3, key.stored_at.as_millis());
        out.element(2, &inner.finish());
    }
    out.finish()
}

/// The current chain's skipped keys share its header key, as they did before.
fn read_skipped(chains: Vec<Fields<'_>>, receiving: Option<&Chain>) -> Option<SkippedKeys> {
    let chains: Vec<_> = chains.iter().map(|fields| read_skipped_chain(fields, receiving)).collect::<Option<_>>()?;
    let keys: usize = chains.iter().map(|chain| chain.keys.len()).sum();
    (keys <= SKIP_STORED && chains.len() <= SKIP_CHAINS.saturating_add(1)).then_some(SkippedKeys { chains })
}

fn read_skipped_chain(fields: &Fields<'_>, receiving: Option<&Chain>) -> Option<Arc<SkippedChain>> {
    let header_key = HeaderKey::new(fields.secret(1)?);
    let header_key = match receiving {
        Some(chain) if chain.header_key.is(&header_key) => Arc::clone(&chain.header_key),
        _ => Arc::new(header_key),
    };
    let keys: Vec<_> = fields.repeated(2)?.iter().map(read_skipped_key).collect::<Option<_>>()?;
    let ascending = keys.iter().zip(keys.iter().skip(1)).all(|(one, next)| one.n < next.n);
    (ascending && !keys.is_empty()).then(|| Arc::new(SkippedChain { header_key, keys }))
}

fn read_skipped_key(fields: &Fields<'_>) -> Option<SkippedKey> {
    let key = Arc::new(MessageKey(fields.secret(2)?));
    Some(SkippedKey { n: fields.u32(1)?, key, stored_at: fields.time(3)? })
}

fn own_lane_bytes(lane: &OwnLane, counters: LaneCounters) -> Zeroizing<Vec<u8>> {
    let mut out = FieldWriter::with_capacity(128);
    match lane {
        OwnLane::Idle { next } => {
            out.number(1, 1_u32);
            out.number(2, *next);
        }
        OwnLane::Offered { epoch, offer } => {
            out.number(1, 2_u32);
            out.number(2, *epoch);
            out.bytes(3, offer.seed());
        }
        OwnLane::Ready { epoch, secret } => {
            out.number(1, 3_u32);
            out.number(2, *epoch);
            out.bytes(4, secret.as_bytes());
        }
    }
    out.number(5, counters.messages);
    out.number(6, counters.mixed_at.as_millis());
    out.number(7, counters.since_ek);
    out.finish()
}

fn read_own_lane(fields: &Fields<'_>) -> Option<(OwnLane, LaneCounters)> {
    let epoch = fields.u32(2)?;
    let lane = match fields.u32(1)? {
        1 => OwnLane::Idle { next: epoch },
        2 => OwnLane::Offered { epoch, offer: Arc::new(Offer::new(MlKem768Secret::from_slice(fields.bytes(3)?)?)) },
        3 => OwnLane::Ready { epoch, secret: Arc::new(fields.secret(4)?) },
        _ => return None,
    };
    let counters =
        LaneCounters { messages: fields.u32(5)?, mixed_at: fields.time(6)?, since_ek: fields.u32(7)?, since_ct: 0 };
    (epoch != 0).then_some((lane, counters))
}

fn peer_lane_bytes(lane: &PeerLane, counters: LaneCounters) -> Zeroizing<Vec<u8>> {
    let mut out = FieldWriter::with_capacity(1280);
    match lane {
        PeerLane::Idle { last } => {
            out.number(1, 1_u32);
            out.number(2, *last);
        }
        PeerLane::Asked { epoch, ek } => {
            out.number(1, 2_u32);
            out.number(2, *epoch);
            out.bytes(3, ek.as_bytes());
        }
        PeerLane::Pending { epoch, answer } => {
            out.number(1, 3_u32);
            out.number(2, *epoch);
            out.bytes(4, &answer.ek_hash);
            out.bytes(5, answer.ct.as_bytes());
            out.bytes(6, answer.secret.as_bytes());
        }
    }
    out.number(7, counters.since_ct);
    out.finish()
}

fn read_peer_lane(fields: &Fields<'_>) -> Option<(PeerLane, u32)> {
    let epoch = fields.u32(2)?;
    let lane = match fields.u32(1)? {
        1 => PeerLane::Idle { last: epoch },
        2 => PeerLane::Asked { epoch, ek: Arc::new(MlKem768PublicKey::from_raw(fields.bytes(3)?).ok()?) },
        3 => {
            let answer = Answer {
                ek_hash: fields.bytes(4)?.try_into().ok()?,
                ct: MlKem768Ciphertext::from_raw(fields.bytes(5)?).ok()?,
                secret: fields.secret(6)?,
            };
            PeerLane::Pending { epoch, answer: Arc::new(answer) }
        }
        _ => return None,
    };
    Some((lane, fields.u32(7)?))
}

fn tally_bytes(tally: Tally) -> Zeroizing<Vec<u8>> {
    let mut out = FieldWriter::with_capacity(32);
    out.number(1, tally.count);
    out.number(2, tally.since.as_millis());
    out.finish()
}

fn read_tally(fields: &Fields<'_>) -> Option<Tally> {
    Some(Tally { count: fields.u32(1)?, since: fields.time(2)? })
}
