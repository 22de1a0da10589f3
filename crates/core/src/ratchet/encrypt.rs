//! Sending: `docs/protocol.md` B6.1 to B6.5.

use core::fmt;
use std::sync::Arc;

use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use super::body::Body;
use super::chain::Chain;
use super::header::{self, Header};
use super::keys::root_step;
use super::lane::{LaneContext, Offer, OwnLane, PeerLane};
use super::message::{self, BodyKeys};
use super::policy::{Attach, Plan, Position, Situation};
use super::session::{Role, Session, Tally};
use crate::envelope::padding::PaddingProfile;
use crate::errors::EncryptError;
use crate::limits::{BODY_BYTES, CHAIN_MESSAGES, CONTENT_BYTES};
use crate::primitives::{MlKem768Secret, X25519Secret};
use crate::random::{RandomError, draw};
use crate::time::Timestamp;

/// How a message is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SendOptions {
    /// The conversation's padding profile (B8).
    pub profile: PaddingProfile,
    /// The body is padded to at least this many bytes: 3 072 where it carries SenderInfo, else 0.
    pub minimum_body: usize,
    /// Whether the app wants to heal now, whatever it costs in size.
    pub offer: LaneOffer,
}

impl SendOptions {
    /// Clinical padding, lanes by policy.
    pub const CLINICAL: Self = Self { profile: PaddingProfile::Clinical, minimum_body: 0, offer: LaneOffer::ByPolicy };
    /// Compact padding, lanes by policy.
    pub const COMPACT: Self = Self { profile: PaddingProfile::Compact, minimum_body: 0, offer: LaneOffer::ByPolicy };
}

/// When a lane is offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LaneOffer {
    /// When it is free or due (B6.5).
    ByPolicy,
    /// With this message.
    Now,
}

/// A message ready to leave, after the state that made it is durable.
#[derive(Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// `InitHeader || SessionMessage`: names its sender, so it travels in a SEALED envelope only.
    Init(Vec<u8>),
    /// A SessionMessage: travels as it is, or SEALED (B7.2).
    Session(Vec<u8>),
}

impl Outgoing {
    /// The bytes of either.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Init(bytes) | Self::Session(bytes) => bytes,
        }
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Init(_) => "Outgoing::Init(..)",
            Self::Session(_) => "Outgoing::Session(..)",
        })
    }
}

/// Every random byte of one message, drawn before anything is made.
struct Randomness {
    header_nonce: Zeroizing<[u8; 12]>,
    dh: Option<Zeroizing<[u8; 32]>>,
    offer: Option<Zeroizing<[u8; 64]>>,
    answer: Option<Zeroizing<[u8; 32]>>,
}

impl Session {
    /// Encrypts one message: empty content is a session acknowledgement (B7.4). The caller commits the next state
    /// before the message leaves, and encrypts on the active session of a device alone
    /// ([`DeviceSessions::active`](crate::placement::DeviceSessions::active)): others only receive (B12).
    pub fn encrypt(
        &self,
        content: &[u8],
        options: SendOptions,
        now: Timestamp,
        rng: &mut impl TryCryptoRng,
    ) -> Result<(Outgoing, Self), EncryptError> {
        if content.len() > CONTENT_BYTES || options.minimum_body > BODY_BYTES {
            return Err(EncryptError::InvalidInput);
        }
        let plan = self.plan(content, options, now);
        let randomness = self.draw(plan, rng)?;
        self.stepped(&randomness, now)?.sent(content, plan, &randomness, now)
    }

    /// The state whose sending chain is ready and from which nothing was sent yet: what an adversary starts from. A send
    /// step takes `dh` as its ratchet key, if there is one: an honest peer draws a new one.
    #[cfg(test)]
    pub(super) fn ready_to_send(&self, dh: Option<&X25519Secret>, rng: &mut impl TryCryptoRng) -> Self {
        let now = self.last_progress();
        let plan = self.plan(&[], SendOptions::COMPACT, now);
        let mut randomness = self.draw(plan, rng).unwrap();
        if let (Some(seed), Some(dh)) = (&mut randomness.dh, dh) {
            **seed = *dh.seed();
        }
        self.stepped(&randomness, now).unwrap()
    }

    /// The initiator's first message offers a lane whatever it costs (B4.4).
    fn plan(&self, content: &[u8], options: SendOptions, now: Timestamp) -> Plan {
        let first_of_session = self.sending.is_none() && self.fixed.role == Role::Initiator;
        let offer = if first_of_session { LaneOffer::Now } else { options.offer };
        let (_, own) = if self.need_send_step { self.own_lane.take_ready() } else { (None, self.own_lane.clone()) };
        let mut counters = self.lane_counters;
        if self.need_send_step && matches!(self.own_lane, OwnLane::Ready { .. }) {
            (counters.messages, counters.mixed_at) = (0, now);
        }
        Situation {
            content_len: content.len(),
            options: SendOptions { offer, ..options },
            position: if self.need_send_step { Position::FirstOfChain } else { Position::Later },
            own: &own,
            peer: &self.peer_lane,
            counters,
            now,
        }
        .plan()
    }

    fn draw(&self, plan: Plan, rng: &mut impl TryCryptoRng) -> Result<Randomness, RandomError> {
        let offers = plan.ek == Attach::Yes && !matches!(self.own_lane, OwnLane::Offered { .. });
        let answers = matches!(self.peer_lane, PeerLane::Asked { .. });
        Ok(Randomness {
            header_nonce: draw(rng)?,
            dh: self.need_send_step.then(|| draw(rng)).transpose()?,
            offer: offers.then(|| draw(rng)).transpose()?,
            answer: answers.then(|| draw(rng)).transpose()?,
        })
    }

    /// If a send step is needed:
    ///
    /// ```text
    /// pn = send.n or 0; HKs=NHKs; (dh_priv,dh_pub)=new; (k,e)=own_lane.take_ready() or none;
    /// RK,CKs,NHKs=RootStep(RK,DH(dh_priv,DHr),k,e,mydir); send.n=0; mix=e
    /// ```
    fn stepped(&self, randomness: &Randomness, now: Timestamp) -> Result<Self, EncryptError> {
        let mut next = self.successor();
        if let Some(seed) = &randomness.dh {
            let dh_private = X25519Secret::from_seed(seed);
            let remote = self.dh_remote.as_ref().ok_or(EncryptError::Internal)?;
            let dh = dh_private.diffie_hellman(remote).map_err(|_| EncryptError::Internal)?;
            let (ready, own_lane) = self.own_lane.take_ready();
            let lane = ready.as_ref().map(|(secret, epoch)| (&**secret, *epoch));
            let step = root_step(&self.root, &dh, lane, &self.fixed.sid, self.direction_out());
            if ready.is_some() {
                (next.lane_counters.messages, next.lane_counters.mixed_at) = (0, now);
            }
            next.previous_count = self.sending.as_ref().map_or(0, |chain| chain.n);
            next.sending = Some(Chain {
                header_key: Arc::clone(&self.next_send_header),
                chain_key: Arc::new(step.chain),
                n: 0,
                dh_public: dh_private.public_key(),
                mix_epoch: lane.map_or(0, |(_, epoch)| epoch),
            });
            next.root = Arc::new(step.root);
            next.next_send_header = Arc::new(step.next_header);
            next.dh_private = Some(Arc::new(dh_private));
            next.own_lane = own_lane;
            next.need_send_step = false;
        }
        if let (PeerLane::Asked { epoch, ek }, Some(m)) = (&self.peer_lane, &randomness.answer) {
            let context = LaneContext { sid: &self.fixed.sid, owner: self.direction_in() };
            next.peer_lane = PeerLane::answer(*epoch, ek, m, context).ok_or(EncryptError::Internal)?;
        }
        if let (OwnLane::Idle { next: epoch }, Some(seed)) = (&next.own_lane, &randomness.offer) {
            let offer = Arc::new(Offer::new(MlKem768Secret::from_seed(seed)));
            next.own_lane = OwnLane::Offered { epoch: *epoch, offer };
        }
        Ok(next)
    }

    /// Writes the message of a state whose chain and lanes are ready, and moves the chain on.
    fn sent(
        mut self,
        content: &[u8],
        plan: Plan,
        randomness: &Randomness,
        now: Timestamp,
    ) -> Result<(Outgoing, Self), EncryptError> {
        let chain = self.sending.as_ref().ok_or(EncryptError::Internal)?;
        if chain.n >= CHAIN_MESSAGES {
            return Err(EncryptError::LimitExceeded);
        }
        let body = Body {
            ek: match (&self.own_lane, plan.ek) {
                (OwnLane::Offered { epoch, offer }, Attach::Yes) => Some((*epoch, offer.public().as_bytes())),
                _ => None,
            },
            ct: match (&self.peer_lane, plan.ct) {
                (PeerLane::Pending { epoch, answer }, Attach::Yes) => Some((*epoch, answer.ct.as_bytes())),
                _ => None,
            },
            content,
        };
        let (dh_public, mix_epoch) = (chain.dh_public, chain.mix_epoch);
        let header = Header { dh_public, pn: self.previous_count, n: chain.n, mix_epoch };
        let (sid, direction, nonce) = (&self.fixed.sid, self.direction_out(), &randomness.header_nonce);
        let header =
            header::seal(&chain.header_key, nonce, sid, direction, &header.to_bytes()).ok_or(EncryptError::Internal)?;
        let (key, advanced) = chain.step();
        let keys = BodyKeys::derive(&key, sid, direction, nonce, &header);
        let mut bytes = message::start(nonce, &header, plan.padded);
        keys.seal(&mut bytes, |out| body.write(out, plan.padded)).ok_or(EncryptError::Internal)?;
        let (with_ek, with_ct) = (body.ek.is_some(), body.ct.is_some());
        self.sending = Some(advanced);
        let counters = &mut self.lane_counters;
        counters.messages = counters.messages.saturating_add(1);
        counters.since_ek = if with_ek { 0 } else { counters.since_ek.saturating_add(1) };
        counters.since_ct = if with_ct { 0 } else { counters.since_ct.saturating_add(1) };
        self.unanswered = self.unanswered.and_one(now);
        self.unacknowledged = Tally::default();
        let outgoing = match &self.init_header {
            Some(header) => Outgoing::Init([header.as_bytes().as_slice(), &bytes].concat()),
            None => Outgoing::Session(bytes),
        };
        Ok((outgoing, self))
    }
}
