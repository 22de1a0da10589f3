//! A device of another account, or another one of this: `docs/protocol.md` B12.2.

use carevow_core::limits::{COLD_SESSIONS_PER_DAY, RETRY_REQUESTS_PER_DAY};
use carevow_core::placement::{AcknowledgementTally, DailyCount, DeviceSessions};
use carevow_core::wire::v1;
use carevow_core::{DeviceAddress, SessionId, Timestamp};
use carevow_store::{Family, Sealing};
use prost::Message as _;
use rand_core::TryCryptoRng;

use crate::error::ClientError;
use crate::records::{self, FORMAT};
use crate::tables::{CONTACTS, PEERS};
use crate::turn::{Kept, Turn};

/// One registration of one device.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) address: DeviceAddress,
    pub(crate) sessions: DeviceSessions,
    /// The record of its key for envelopes; verified each time that it is used.
    pub(crate) env: Option<v1::SignedRecord>,
    /// A message waits to be sealed, and the record is missing or has run out.
    pub(crate) env_wanted: bool,
    /// What is due on the active session.
    pub(crate) tally: AcknowledgementTally,
    /// The session is to be refreshed as soon as there is a bundle.
    pub(crate) refresh: bool,
    /// The session that it announced, and when.
    pub(crate) announced: Option<(SessionId, Timestamp)>,
    pub(crate) retries: DailyCount,
    pub(crate) cold: DailyCount,
    /// There was no bundle: the next one is asked for then.
    pub(crate) bundle_after: Timestamp,
    /// A session that it began: a reset, unless it is announced by then.
    pub(crate) undecided: Option<(SessionId, Timestamp)>,
    /// It is to be asked, as the first thing on a new session, for what is not acknowledged.
    pub(crate) retry: Option<Retry>,
}

/// A RetryRequest that waits for a session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retry {
    /// The session of the INIT that failed, if it was one.
    pub(crate) failed: Option<SessionId>,
}

impl Peer {
    fn new(address: DeviceAddress) -> Self {
        Self {
            address,
            sessions: DeviceSessions::default(),
            env: None,
            env_wanted: false,
            tally: AcknowledgementTally::NEW,
            refresh: false,
            announced: None,
            retries: DailyCount::default(),
            cold: DailyCount::default(),
            bundle_after: Timestamp::default(),
            undecided: None,
            retry: None,
        }
    }

    /// Whether a bundle is needed even if nothing is owed to it.
    pub(crate) const fn wants_bundle(&self) -> bool {
        self.refresh || self.env_wanted || self.retry.is_some()
    }

    /// Every session with it.
    pub(crate) fn all_sids(&self) -> impl Iterator<Item = SessionId> {
        let archived = self.sessions.archived().map(|archived| archived.session.sid);
        self.sessions.active().map(|active| active.sid).into_iter().chain(archived)
    }

    fn load(address: DeviceAddress, bytes: &[u8]) -> Result<Self, ClientError> {
        let stored: records::Peer = records::read(bytes)?;
        let corrupted = |_| ClientError::CORRUPTED;
        let env = match stored.env.as_slice() {
            [] => None,
            env => Some(v1::SignedRecord::from_bytes(env).map_err(|_| ClientError::CORRUPTED)?),
        };
        let dated = |sid: &[u8], at| match sid {
            [] => Ok::<_, ClientError>(None),
            sid => {
                let sid = SessionId::from_slice(sid).ok_or(ClientError::CORRUPTED)?;
                Ok(Some((sid, Timestamp::from_millis(at))))
            }
        };
        Ok(Self {
            address,
            sessions: DeviceSessions::from_bytes(&stored.sessions).map_err(corrupted)?,
            env,
            env_wanted: stored.env_wanted,
            tally: AcknowledgementTally::from_bytes(&stored.tally).map_err(corrupted)?,
            refresh: stored.refresh,
            announced: dated(&stored.announced, stored.announced_at_ms)?,
            retries: DailyCount::from_bytes(&stored.retries, RETRY_REQUESTS_PER_DAY).map_err(corrupted)?,
            cold: DailyCount::from_bytes(&stored.cold, COLD_SESSIONS_PER_DAY).map_err(corrupted)?,
            bundle_after: Timestamp::from_millis(stored.bundle_after_ms),
            undecided: dated(&stored.undecided, stored.undecided_until_ms)?,
            retry: match (stored.retry, stored.retry_sid.as_slice()) {
                (false, []) => None,
                (true, []) => Some(Retry { failed: None }),
                (true, sid) => Some(Retry { failed: Some(SessionId::from_slice(sid).ok_or(ClientError::CORRUPTED)?) }),
                (false, _) => return Err(ClientError::CORRUPTED),
            },
        })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let sid =
            |dated: Option<(SessionId, Timestamp)>| dated.map_or_else(Vec::new, |(sid, _)| sid.as_bytes().to_vec());
        let time = |dated: Option<(SessionId, Timestamp)>| dated.map_or(0, |(_, at)| at.as_millis());
        records::Peer {
            format: FORMAT,
            sessions: self.sessions.to_bytes(),
            env: self.env.as_ref().map_or_else(Vec::new, v1::SignedRecord::encode_to_vec),
            env_wanted: self.env_wanted,
            tally: self.tally.to_bytes(),
            refresh: self.refresh,
            announced: sid(self.announced),
            announced_at_ms: time(self.announced),
            retries: self.retries.to_bytes(),
            cold: self.cold.to_bytes(),
            bundle_after_ms: self.bundle_after.as_millis(),
            undecided: sid(self.undecided),
            undecided_until_ms: time(self.undecided),
            retry: self.retry.is_some(),
            retry_sid: self.retry.and_then(|retry| retry.failed).map_or_else(Vec::new, |sid| sid.as_bytes().to_vec()),
        }
        .encode_to_vec()
    }
}

impl<R: TryCryptoRng> Turn<'_, '_, R> {
    /// What is known of a device: nothing, if it was never met.
    pub(crate) fn peer(&mut self, address: DeviceAddress) -> Result<Peer, ClientError> {
        if let Some(known) = self.read.peers.get(&address) {
            return Ok(known.value.clone());
        }
        let Some(bytes) = self.tx.get(PEERS, &address.to_bytes(), Sealing::System)? else {
            return Ok(Peer::new(address));
        };
        let peer = Peer::load(address, &bytes)?;
        self.read.peers.insert(address, Kept::read(peer.clone()));
        Ok(peer)
    }

    pub(crate) fn put_peer(&mut self, peer: &Peer) -> Result<(), ClientError> {
        let known = self.read.peers.insert(peer.address, Kept::changed(peer.clone()));
        // A family must be complete before it is read: a new one is written at once.
        if known.is_none() {
            self.write_peer(peer)?;
        }
        Ok(())
    }

    pub(crate) fn write_peer(&mut self, peer: &Peer) -> Result<(), ClientError> {
        let family = Family { rows: PEERS, of: CONTACTS, key: peer.address.account.as_bytes() };
        Ok(self.tx.put(PEERS, &peer.address.to_bytes(), Some(family), Sealing::System, &peer.to_bytes())?)
    }
}
