//! One of the two devices: its sessions, placed as B12 says, and what it has been delivered.

use std::collections::{BTreeMap, BTreeSet};

use crate::errors::DecryptError;
use crate::handshake::{Generation, InitMessage, Initiator, Recipient, ResponderPrekeys};
use crate::ids::SessionId;
use crate::placement::{
    Answer, Arrival, Conversation, DeviceSessions, Origin, SessionSummary, Visibility, answer_to_low, visibility,
};
use crate::prekey::{KeyId, OneTimePrekey, PrekeyBundle, PublishedRecord, RecordType};
use crate::primitives::X25519PublicKey;
use crate::ratchet::{Outgoing, SendOptions, Session};
use crate::testing::{Party, at};
use crate::time::Timestamp;
use rand_chacha::ChaCha20Rng;

/// What identifies the chain of a message: the sender's ratchet key.
pub(super) type ChainId = X25519PublicKey;

/// A message on its way.
#[derive(Clone)]
pub(super) struct Flight {
    pub(super) id: u64,
    pub(super) bytes: Outgoing,
    pub(super) sid: SessionId,
    pub(super) chain: ChainId,
}

/// What came of a delivery.
pub(super) enum Outcome {
    Delivered { id: u64, visibility: Option<Visibility>, answer: Option<Answer> },
    Refused(DecryptError),
}

pub(super) struct Endpoint {
    pub(super) party: Party,
    pub(super) sessions: BTreeMap<SessionId, Session>,
    pub(super) placed: DeviceSessions,
    pub(super) delivered: BTreeSet<u64>,
    /// Chains of each session in the order in which the peer began them, as far as they were seen here.
    pub(super) chains: BTreeMap<SessionId, Vec<ChainId>>,
    one_time: BTreeMap<KeyId, OneTimePrekey>,
    next_one_time: KeyId,
}

/// A copy of everything that a device stores.
pub(super) struct Snapshot {
    sessions: BTreeMap<SessionId, Vec<u8>>,
    placed: DeviceSessions,
    delivered: BTreeSet<u64>,
    chains: BTreeMap<SessionId, Vec<ChainId>>,
}

impl Endpoint {
    pub(super) fn new(byte: u8) -> Self {
        Self {
            party: Party::new(byte),
            sessions: BTreeMap::new(),
            placed: DeviceSessions::default(),
            delivered: BTreeSet::new(),
            chains: BTreeMap::new(),
            one_time: BTreeMap::new(),
            next_one_time: KeyId(1),
        }
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot {
            sessions: self.sessions.iter().map(|(sid, session)| (*sid, session.to_bytes().to_vec())).collect(),
            placed: self.placed.clone(),
            delivered: self.delivered.clone(),
            chains: self.chains.clone(),
        }
    }

    /// The store is an older copy, and nobody noticed. (Prekeys are not part of it: a used one-time key stays gone.)
    pub(super) fn restore(&mut self, snapshot: &Snapshot) {
        let load = |(sid, bytes): (&SessionId, &Vec<u8>)| (*sid, Session::from_bytes(bytes).unwrap());
        self.sessions = snapshot.sessions.iter().map(load).collect();
        self.placed = snapshot.placed.clone();
        self.delivered = snapshot.delivered.clone();
        self.chains = snapshot.chains.clone();
    }

    /// B12: a device that notices a rollback wipes its sessions.
    pub(super) fn wipe(&mut self) {
        self.sessions.clear();
        self.placed = self.placed.all_closed();
    }

    /// What the directory would serve: a one-time X25519 key each time, the last-resort KEM key.
    fn bundle(&mut self, now: Timestamp, rng: &mut ChaCha20Rng) -> PrekeyBundle {
        let key_id = self.next_one_time;
        self.next_one_time = key_id.next();
        let prekey = OneTimePrekey::generate(&self.party.device, key_id, now, rng).unwrap();
        let opk = PublishedRecord {
            record_type: RecordType::OneTime,
            key_id,
            not_after: now.plus(1),
            key: prekey.secret().public_key(),
            record: prekey.record().into(),
            address: self.party.public().address,
        };
        self.one_time.insert(key_id, prekey);
        PrekeyBundle { opk: Some(opk), ..self.party.verified_exhausted_bundle(at(0)) }
    }

    /// A new session towards `peer`, of a higher generation than all before.
    pub(super) fn initiate(&mut self, peer: &mut Self, now: Timestamp, rng: &mut ChaCha20Rng) {
        let generation = self.placed.next_generation().and_then(Generation::new).unwrap();
        let bundle = peer.bundle(now, rng);
        let session = Session::initiate(&self.party.device, bundle, generation, now, rng).unwrap();
        self.place(session, Origin::Ours { confirmed_at: None }, now);
    }

    fn place(&mut self, session: Session, origin: Origin, now: Timestamp) -> crate::placement::Placement {
        let summary =
            SessionSummary { sid: session.sid(), generation: session.generation().as_u32(), origin, created_at: now };
        let placement = self.placed.place(summary, now);
        self.placed = placement.next.clone();
        self.sessions.insert(session.sid(), session);
        placement.dropped.iter().for_each(|sid| drop(self.sessions.remove(sid)));
        placement
    }

    /// Sends `id` on the active session; makes one first if there is none.
    pub(super) fn send(&mut self, peer: &mut Self, id: u64, now: Timestamp, rng: &mut ChaCha20Rng) -> Flight {
        if self.placed.active().is_none() {
            self.initiate(peer, now, rng);
        }
        let sid = self.placed.active().unwrap().sid;
        let session = &self.sessions[&sid];
        let (bytes, next) = session.encrypt(&id.to_be_bytes(), SendOptions::COMPACT, now, rng).unwrap();
        let chain = next.sending_key().unwrap();
        self.sessions.insert(sid, next);
        Flight { id, bytes, sid, chain }
    }

    /// Takes a delivery. A refused one must leave every state as it was.
    pub(super) fn receive(&mut self, from: &Party, flight: &Flight, now: Timestamp) -> Outcome {
        match self.opened(from, flight, now) {
            Ok((id, visibility, answer)) => {
                let seen = self.chains.entry(flight.sid).or_default();
                if !seen.contains(&flight.chain) {
                    seen.push(flight.chain);
                }
                Outcome::Delivered { id, visibility, answer }
            }
            Err(error) => Outcome::Refused(error),
        }
    }

    fn opened(
        &mut self,
        from: &Party,
        flight: &Flight,
        now: Timestamp,
    ) -> Result<(u64, Option<Visibility>, Option<Answer>), DecryptError> {
        let init = match &flight.bytes {
            Outgoing::Init(bytes) => Some(InitMessage::parse(bytes)?),
            Outgoing::Session(_) => None,
        };
        if let Some(init) = init.as_ref().filter(|init| !self.sessions.contains_key(&init.header().sid())) {
            return self.accepted(from, init, now);
        }
        let message = match (&init, &flight.bytes) {
            (Some(init), _) => *init.message(),
            (None, bytes) => crate::ratchet::SessionMessage::parse(bytes.as_bytes())?,
        };
        let matched = crate::envelope::open_on(&message, self.sessions.values(), now)?;
        let (sid, before) = (matched.session.sid(), matched.session);
        let (opened, next) = before.decrypt_opened(&message, matched.header, now)?;
        let id = u64::from_be_bytes(opened.content().try_into().unwrap());
        self.placed = self.placed.confirmed(&sid, now);
        self.sessions.insert(sid, next);
        Ok((id, None, None))
    }

    fn accepted(
        &mut self,
        from: &Party,
        init: &InitMessage<'_>,
        now: Timestamp,
    ) -> Result<(u64, Option<Visibility>, Option<Answer>), DecryptError> {
        let header = init.header();
        let opk = self.one_time.get(&header.opk_id().unwrap()).ok_or(DecryptError::DecryptFailed)?;
        let prekeys = ResponderPrekeys { spk: &self.party.spk, opk: Some(opk), kem: &self.party.last_resort };
        let highest = self.placed.next_generation().and_then(|next| Generation::new(next - 1));
        let initiator = Initiator { device: from.public(), other_aiks: &[], highest_generation: highest };
        let recipient = Recipient { device: &self.party.device, previous_aiks: &[] };
        let accepted = init.accept(recipient, initiator, prekeys, now)?;
        let id = u64::from_be_bytes(accepted.opened.content().try_into().unwrap());
        self.one_time.remove(&header.opk_id().unwrap());
        let before = self.placed.clone();
        let session = SessionSummary {
            sid: accepted.session.sid(),
            generation: accepted.session.generation().as_u32(),
            origin: Origin::Theirs,
            created_at: now,
        };
        let placement = self.place(accepted.session, Origin::Theirs, now);
        let arrival = Arrival { session, position: placement.position, at: now };
        // No notice is ever sent here; ten minutes later it is clear whether one came.
        let seen = visibility(&before, &arrival, None, now.plus(11 * crate::time::MINUTE_MS));
        let answer = answer_to_low(&self.placed, placement.position, seen, Conversation::Established);
        Ok((id, Some(seen), answer))
    }

    /// Every state as bytes: to see that a refusal changed nothing.
    pub(super) fn state(&self) -> Vec<Vec<u8>> {
        self.sessions.values().map(|session| session.to_bytes().to_vec()).collect()
    }
}
