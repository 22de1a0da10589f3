//! Receiving: `docs/protocol.md` B6.1 to B6.5.

use core::fmt;
use std::sync::Arc;

use super::body::{Opened, ReceivedBody};
use super::chain::Chain;
use super::header::{self, Header};
use super::keys::{HeaderKey, MessageKey, root_step};
use super::lane::LaneContext;
use super::message::{BodyKeys, SessionMessage};
use super::session::{Session, Tally};
use crate::errors::DecryptError;
use crate::limits::{CHAIN_MESSAGES, SKIP_JUMP};
use crate::time::Timestamp;

/// A header that one of a session's keys opened: the message is for this session and no other.
pub struct OpenedHeader {
    source: Source,
    header: Result<Header, DecryptError>,
}

impl fmt::Debug for OpenedHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenedHeader(..)")
    }
}

/// Which key opened it.
enum Source {
    /// `HKr`.
    Current,
    /// `NHKr`: the peer began a new chain.
    Next,
    /// The header key of an older chain.
    Skipped(Arc<HeaderKey>),
}

/// The key of one message, and the session without it.
struct Advanced {
    key: Arc<MessageKey>,
    next: Session,
}

impl Session {
    /// Opens the header with, in order, `HKr`, `NHKr`, and each skipped header key other than `HKr`; `None` if none
    /// does: the message is not of this session.
    pub fn open_header(&self, message: &SessionMessage<'_>, now: Timestamp) -> Option<OpenedHeader> {
        let open = |key: &HeaderKey| {
            header::open(key, message.header_nonce, &self.fixed.sid, self.direction_in(), message.header)
        };
        let current = self.receiving.as_ref().map(|chain| &chain.header_key);
        if let Some(header) = current.and_then(|key| open(key)) {
            return Some(OpenedHeader { source: Source::Current, header });
        }
        if let Some(header) = open(&self.next_receive_header) {
            return Some(OpenedHeader { source: Source::Next, header });
        }
        let skipped = self.skipped.unexpired(now);
        skipped.chains.iter().map(|chain| &chain.header_key).find_map(|key| {
            let is_current = current.is_some_and(|current| current.is(key));
            let header = if is_current { None } else { open(key) }?;
            Some(OpenedHeader { source: Source::Skipped(Arc::clone(key)), header })
        })
    }

    /// Opens one message. On success the caller commits the next state together with what it made of [`Opened`]; on
    /// failure nothing has changed, because nothing could.
    pub fn decrypt(&self, message: &SessionMessage<'_>, now: Timestamp) -> Result<(Opened, Self), DecryptError> {
        let opened = self.open_header(message, now).ok_or(DecryptError::NoSession)?;
        self.decrypt_opened(message, opened, now)
    }

    /// As [`decrypt`](Self::decrypt), for a header that is open already.
    pub fn decrypt_opened(
        &self,
        message: &SessionMessage<'_>,
        opened: OpenedHeader,
        now: Timestamp,
    ) -> Result<(Opened, Self), DecryptError> {
        let Advanced { key, mut next } = self.advanced(opened, now)?;
        let keys = BodyKeys::derive(&key, &self.fixed.sid, self.direction_in(), message.header_nonce, message.header);
        let body = ReceivedBody::parse(keys.open(message.com, message.body)?)?;
        if let Some((epoch, ek)) = body.ek {
            next.peer_lane = next.peer_lane.offered(epoch, ek)?;
        }
        if let Some((epoch, ct)) = &body.ct {
            let context = LaneContext { sid: &self.fixed.sid, owner: self.direction_out() };
            next.own_lane = next.own_lane.answered(*epoch, ct, context)?;
        }
        let next = next.received(&body.opened, now);
        Ok((body.opened, next))
    }

    fn advanced(&self, opened: OpenedHeader, now: Timestamp) -> Result<Advanced, DecryptError> {
        let header = opened.header?;
        let mut next = self.successor();
        next.skipped = self.skipped.unexpired(now);
        match opened.source {
            Source::Skipped(header_key) => next.take_skipped(&header_key, header.n),
            Source::Current => next.on_current_chain(header, now),
            Source::Next => next.on_next_chain(header, now),
        }
    }

    fn take_skipped(mut self, header_key: &HeaderKey, n: u32) -> Result<Advanced, DecryptError> {
        let key = self.skipped.find(header_key, n).ok_or(DecryptError::Duplicate)?;
        self.skipped = self.skipped.without(header_key, n);
        Ok(Advanced { key, next: self })
    }

    /// `hdr.dh` and `mix_epoch` must equal the chain's; a number behind us was skipped or is a duplicate.
    fn on_current_chain(mut self, header: Header, now: Timestamp) -> Result<Advanced, DecryptError> {
        let chain = self.receiving.take().ok_or(DecryptError::DecryptFailed)?;
        if header.dh_public != chain.dh_public || header.mix_epoch != chain.mix_epoch {
            return Err(DecryptError::DecryptFailed);
        }
        if header.n < chain.n {
            let header_key = Arc::clone(&chain.header_key);
            self.receiving = Some(chain);
            return self.take_skipped(&header_key, header.n);
        }
        self.along(&chain, header.n, now)
    }

    /// Skips the current chain to `pn`, steps the root key, and walks along the new chain; `dh_priv` is erased.
    fn on_next_chain(mut self, header: Header, now: Timestamp) -> Result<Advanced, DecryptError> {
        let dh_private = self.dh_private.take().ok_or(DecryptError::DecryptFailed)?;
        if self.dh_remote == Some(header.dh_public) || dh_private.public_key() == header.dh_public {
            return Err(DecryptError::DecryptFailed);
        }
        let dh = dh_private.diffie_hellman(&header.dh_public).map_err(|_| DecryptError::DecryptFailed)?;
        let (secret, peer_lane) = self.peer_lane.mixed(header.mix_epoch)?;
        let lane = secret.map(|secret| (secret, header.mix_epoch));
        let step = root_step(&self.root, &dh, lane, &self.fixed.sid, self.direction_in());
        if let Some(old) = self.receiving.take().filter(|old| old.n < header.pn) {
            // A gap that wide is an attack or a lost day, and no chain is that long: the rest of the old one is given up,
            // the new one works.
            if header.pn.saturating_sub(old.n) <= SKIP_JUMP && header.pn <= CHAIN_MESSAGES {
                self.skipped = self.skipped.with(&old.header_key, old.walk(header.pn).skipped, now);
            }
        }
        self.skipped = self.skipped.with_all_chains_old();
        let chain = Chain {
            header_key: Arc::clone(&self.next_receive_header),
            chain_key: Arc::new(step.chain),
            n: 0,
            dh_public: header.dh_public,
            mix_epoch: header.mix_epoch,
        };
        self.root = Arc::new(step.root);
        self.next_receive_header = Arc::new(step.next_header);
        self.dh_remote = Some(header.dh_public);
        self.peer_lane = peer_lane;
        self.need_send_step = true;
        self.along(&chain, header.n, now)
    }

    /// Walks to message `n`, keeps what it passes over, and takes the key of `n`.
    fn along(mut self, chain: &Chain, n: u32, now: Timestamp) -> Result<Advanced, DecryptError> {
        if n.checked_sub(chain.n).is_none_or(|jump| jump > SKIP_JUMP) {
            return Err(DecryptError::DecryptFailed);
        }
        let walk = chain.walk(n);
        self.skipped = self.skipped.with(&chain.header_key, walk.skipped, now);
        let (key, chain) = walk.chain.step();
        self.receiving = Some(chain);
        Ok(Advanced { key: Arc::new(key), next: self })
    }

    /// What a message that opened means for the counters; the first one on an initiator's session confirms it.
    fn received(mut self, opened: &Opened, now: Timestamp) -> Self {
        self.confirmed_at = self.confirmed_at.or(Some(now));
        self.init_header = None;
        self.unanswered = Tally::default();
        if let Opened::Content(_) = opened {
            self.unacknowledged = self.unacknowledged.and_one(now);
        }
        self.lane_counters.messages = self.lane_counters.messages.saturating_add(1);
        self.last_progress = now;
        self
    }
}
