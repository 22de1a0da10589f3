//! Session state: `docs/protocol.md` B5.

use core::fmt;
use std::sync::Arc;

use super::chain::{Chain, Direction};
use super::keys::{HeaderKey, RootKey};
use super::lane::{LaneCounters, LaneEpochs, OwnLane, PeerLane};
use super::skipped::SkippedKeys;
use crate::handshake::{Generation, InitHeader, InitialKeys};
use crate::identity::DevicePublic;
use crate::ids::SessionId;
use crate::primitives::{X25519PublicKey, X25519Secret};
use crate::time::Timestamp;

/// Which half of a session this is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// We made the InitHeader.
    Initiator,
    /// We accepted it.
    Responder,
}

/// The device at the other end, with exactly the keys of the handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionPeer {
    /// Address and keys.
    pub device: DevicePublic,
}

/// How many, and since when.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// How many.
    pub count: u32,
    /// When the first of them was.
    pub since: Timestamp,
}

impl Tally {
    pub(super) fn and_one(self, now: Timestamp) -> Self {
        let since = if self.count == 0 { now } else { self.since };
        Self { count: self.count.saturating_add(1), since }
    }
}

/// One session with one registration of one device: a value that never changes (see [`super`]).
pub struct Session {
    pub(super) fixed: Arc<Fixed>,
    /// `RK`.
    pub(super) root: Arc<RootKey>,
    /// `dh_priv`: held from a send until the answer to it arrives.
    pub(super) dh_private: Option<Arc<X25519Secret>>,
    /// `DHr`.
    pub(super) dh_remote: Option<X25519PublicKey>,
    pub(super) sending: Option<Chain>,
    /// `NHKs`.
    pub(super) next_send_header: Arc<HeaderKey>,
    /// `pn`.
    pub(super) previous_count: u32,
    pub(super) receiving: Option<Chain>,
    /// `NHKr`.
    pub(super) next_receive_header: Arc<HeaderKey>,
    pub(super) need_send_step: bool,
    pub(super) skipped: SkippedKeys,
    pub(super) own_lane: OwnLane,
    pub(super) peer_lane: PeerLane,
    pub(super) lane_counters: LaneCounters,
    /// Until the session is confirmed.
    pub(super) init_header: Option<InitHeader>,
    pub(super) confirmed_at: Option<Timestamp>,
    pub(super) unanswered: Tally,
    pub(super) unacknowledged: Tally,
    pub(super) certificate_seen_until: Timestamp,
    pub(super) sender_info_sent_at: Timestamp,
    pub(super) last_progress: Timestamp,
    pub(super) state_seq: u64,
}

/// What stays the same as long as a session lives.
pub(super) struct Fixed {
    pub(super) sid: SessionId,
    pub(super) role: Role,
    pub(super) generation: Generation,
    pub(super) peer: SessionPeer,
    pub(super) created: Timestamp,
}

impl Session {
    /// `RK=RK0, NHKs=HKa, NHKr=NHKb, DHr=SPK_B, need_send_step=true`.
    pub(crate) fn as_initiator(
        sid: SessionId,
        peer: SessionPeer,
        header: InitHeader,
        keys: InitialKeys,
        spk: X25519PublicKey,
        now: Timestamp,
    ) -> Self {
        let fixed = Fixed { sid, role: Role::Initiator, generation: header.generation(), peer, created: now };
        let fresh = Self::fresh(fixed, keys);
        Self { dh_remote: Some(spk), need_send_step: true, init_header: Some(header), ..fresh }
    }

    /// `RK=RK0, NHKs=NHKb, NHKr=HKa, dh_priv=SPK_B private, need_send_step=false`; confirmed from the start.
    pub(crate) fn as_responder(
        sid: SessionId,
        peer: SessionPeer,
        generation: Generation,
        keys: InitialKeys,
        spk: Arc<X25519Secret>,
        now: Timestamp,
    ) -> Self {
        let fresh = Self::fresh(Fixed { sid, role: Role::Responder, generation, peer, created: now }, keys);
        Self { dh_private: Some(spk), confirmed_at: Some(now), ..fresh }
    }

    fn fresh(fixed: Fixed, keys: InitialKeys) -> Self {
        let InitialKeys { root, initiator_header, responder_header } = keys;
        let (send, receive) = match fixed.role {
            Role::Initiator => (initiator_header, responder_header),
            Role::Responder => (responder_header, initiator_header),
        };
        let created = fixed.created;
        Self {
            fixed: Arc::new(fixed),
            root: Arc::new(RootKey(root)),
            dh_private: None,
            dh_remote: None,
            sending: None,
            next_send_header: Arc::new(HeaderKey::new(send)),
            previous_count: 0,
            receiving: None,
            next_receive_header: Arc::new(HeaderKey::new(receive)),
            need_send_step: false,
            skipped: SkippedKeys::default(),
            own_lane: OwnLane::Idle { next: 1 },
            peer_lane: PeerLane::Idle { last: 0 },
            lane_counters: LaneCounters { mixed_at: created, ..LaneCounters::default() },
            init_header: None,
            confirmed_at: None,
            unanswered: Tally::default(),
            unacknowledged: Tally::default(),
            certificate_seen_until: Timestamp::default(),
            sender_info_sent_at: Timestamp::default(),
            last_progress: created,
            state_seq: 1,
        }
    }

    /// The state after this one, before anything has changed but its number: shares every secret.
    pub(super) fn successor(&self) -> Self {
        Self {
            fixed: Arc::clone(&self.fixed),
            root: Arc::clone(&self.root),
            dh_private: self.dh_private.clone(),
            dh_remote: self.dh_remote,
            sending: self.sending.clone(),
            next_send_header: Arc::clone(&self.next_send_header),
            previous_count: self.previous_count,
            receiving: self.receiving.clone(),
            next_receive_header: Arc::clone(&self.next_receive_header),
            need_send_step: self.need_send_step,
            skipped: self.skipped.clone(),
            own_lane: self.own_lane.clone(),
            peer_lane: self.peer_lane.clone(),
            lane_counters: self.lane_counters,
            init_header: self.init_header.clone(),
            confirmed_at: self.confirmed_at,
            unanswered: self.unanswered,
            unacknowledged: self.unacknowledged,
            certificate_seen_until: self.certificate_seen_until,
            sender_info_sent_at: self.sender_info_sent_at,
            last_progress: self.last_progress,
            state_seq: self.state_seq.saturating_add(1),
        }
    }

    pub(super) fn direction_out(&self) -> Direction {
        match self.fixed.role {
            Role::Initiator => Direction::FromInitiator,
            Role::Responder => Direction::FromResponder,
        }
    }

    pub(super) fn direction_in(&self) -> Direction {
        match self.fixed.role {
            Role::Initiator => Direction::FromResponder,
            Role::Responder => Direction::FromInitiator,
        }
    }

    /// The session's id.
    pub fn sid(&self) -> SessionId {
        self.fixed.sid
    }

    /// Which half this is.
    pub fn role(&self) -> Role {
        self.fixed.role
    }

    /// Its place among the sessions with this device (B12).
    pub fn generation(&self) -> Generation {
        self.fixed.generation
    }

    /// The device at the other end.
    pub fn peer(&self) -> &SessionPeer {
        &self.fixed.peer
    }

    /// When it was made.
    pub fn created(&self) -> Timestamp {
        self.fixed.created
    }

    /// When the first message of the other side opened; a responder's session is confirmed from the start.
    pub const fn confirmed_at(&self) -> Option<Timestamp> {
        self.confirmed_at
    }

    /// The ratchet key of the sending chain: names the chain for the model of the tests.
    #[cfg(test)]
    pub(crate) fn sending_key(&self) -> Option<X25519PublicKey> {
        self.sending.as_ref().map(|chain| chain.dh_public)
    }

    /// Messages sent in the sending chain: at 2^24 it is full (B6.2).
    pub fn sent_in_chain(&self) -> u32 {
        self.sending.as_ref().map_or(0, |chain| chain.n)
    }

    /// Whether anything was ever sent on it.
    pub const fn has_sent(&self) -> bool {
        self.sending.is_some()
    }

    /// Which lane epochs its root key holds (B6.5).
    pub fn lane_epochs(&self) -> LaneEpochs {
        LaneEpochs { own: self.own_lane.mixed_epoch(), peer: self.peer_lane.mixed_epoch() }
    }

    /// Messages sent since anything arrived: 1 000 or 7 days of them demand a refresh (B6.2).
    pub const fn unanswered(&self) -> Tally {
        self.unanswered
    }

    /// Messages with content that were accepted since anything was sent (B7.4).
    pub const fn unacknowledged(&self) -> Tally {
        self.unacknowledged
    }

    /// When a message last opened; the beginning before that.
    pub const fn last_progress(&self) -> Timestamp {
        self.last_progress
    }

    /// Number of this state, from 1: the store compares and swaps on it.
    pub const fn state_seq(&self) -> u64 {
        self.state_seq
    }

    /// Until when the last certificate that the peer showed on this session is valid.
    pub const fn certificate_seen_until(&self) -> Timestamp {
        self.certificate_seen_until
    }

    /// When `SenderInfo` was last sent on it (B7.1); the epoch if never.
    pub const fn sender_info_sent_at(&self) -> Timestamp {
        self.sender_info_sent_at
    }

    /// The state after the peer showed a certificate that is valid until `until`.
    pub fn with_certificate_seen(&self, until: Timestamp) -> Self {
        Self { certificate_seen_until: self.certificate_seen_until.max(until), ..self.successor() }
    }

    /// The state after `SenderInfo` was sent.
    pub fn with_sender_info_sent(&self, now: Timestamp) -> Self {
        Self { sender_info_sent_at: now, ..self.successor() }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session(..)")
    }
}
