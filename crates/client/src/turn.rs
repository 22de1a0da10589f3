//! One turn of the client: what is read and written in one transaction of the store, and what it will tell the app
//! once that is durable.

use std::collections::BTreeMap;

use carevow_core::ratchet::Session;
use carevow_core::{AccountId, DeviceAddress, SessionId};
use carevow_store::{Now, Sealing, Table, Transaction};
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use crate::alarm;
use crate::contact::Contact;
use crate::error::ClientError;
use crate::event::Event;
use crate::own::Own;
use crate::peer::Peer;
use crate::records::{self, Record};
use crate::tables::{ALARM_LOG, ALL_SESSIONS, SESSIONS};

/// Everything that a step of the protocol needs.
pub(crate) struct Turn<'t, 's, R> {
    pub(crate) tx: &'t mut Transaction<'s, R>,
    pub(crate) now: Now,
    pub(crate) own: Own,
    pub(crate) events: Vec<Event>,
    pub(crate) read: Read,
    sessions: Sessions,
}

/// An event, and its number in the store if it lies there until the app has had it.
pub(crate) struct Told {
    pub(crate) event: Event,
    pub(crate) number: Option<u64>,
}

/// What one turn leaves for the next, if nothing is written between.
pub(crate) struct Known {
    pub(crate) own: Own,
    read: Read,
}

impl Known {
    pub(crate) fn of(own: Own) -> Self {
        Self { own, read: Read::default() }
    }
}

/// Beyond so many accounts or devices none is kept in memory.
const MOST_KEPT: usize = 1_000;

/// Accounts and devices that this turn has read: those that changed are written once, at its end.
#[derive(Default)]
pub(crate) struct Read {
    pub(crate) contacts: BTreeMap<AccountId, Kept<Contact>>,
    pub(crate) peers: BTreeMap<DeviceAddress, Kept<Peer>>,
}

/// A record in memory.
pub(crate) struct Kept<T> {
    pub(crate) value: T,
    changed: bool,
}

impl<T> Kept<T> {
    pub(crate) const fn read(value: T) -> Self {
        Self { value, changed: false }
    }

    pub(crate) const fn changed(value: T) -> Self {
        Self { value, changed: true }
    }
}

/// Sessions that this turn has read: those that changed are written once, at its end.
#[derive(Default)]
struct Sessions {
    /// `None`: it is gone.
    read: BTreeMap<SessionId, Option<Slot>>,
    all: bool,
}

struct Slot {
    session: Session,
    changed: bool,
}

impl<'t, 's, R: TryCryptoRng> Turn<'t, 's, R> {
    /// A turn on the store's account.
    pub(crate) fn begin(tx: &'t mut Transaction<'s, R>, known: Known, now: Now) -> Self {
        let Known { own, read } = known;
        Self { tx, now, own, events: Vec::new(), read, sessions: Sessions::default() }
    }

    /// Writes what is still to be written; what the app is told, and what the next turn need not read again.
    pub(crate) fn finish(self) -> Result<(Vec<Told>, Known), ClientError> {
        let mut this = self;
        let mut read = core::mem::take(&mut this.read);
        for contact in read.contacts.values_mut().filter(|kept| kept.changed) {
            this.write_contact(&contact.value)?;
            contact.changed = false;
        }
        for peer in read.peers.values_mut().filter(|kept| kept.changed) {
            this.write_peer(&peer.value)?;
            peer.changed = false;
        }
        if read.contacts.len().max(read.peers.len()) > MOST_KEPT {
            read = Read::default();
        }
        let Self { tx, sessions, events, mut own, .. } = this;
        for (sid, slot) in sessions.read {
            match slot {
                Some(Slot { session, changed: true }) => {
                    tx.put(SESSIONS, sid.as_bytes(), Some(ALL_SESSIONS), Sealing::System, &session.to_bytes())?;
                }
                Some(_) => {}
                None => {
                    tx.delete(SESSIONS, sid.as_bytes(), Some(ALL_SESSIONS))?;
                }
            }
        }
        own.write(tx)?;
        let mut told = Vec::with_capacity(events.len());
        for event in events {
            let number =
                alarm::kept(&event).map(|record| tx.append(ALARM_LOG, Sealing::System, &record)).transpose()?;
            told.push(Told { event, number });
        }
        Ok((told, Known { own, read }))
    }

    // --- Sessions.

    /// The session with this id.
    pub(crate) fn session(&mut self, sid: &SessionId) -> Result<Option<&Session>, ClientError> {
        if !self.sessions.read.contains_key(sid)
            && !self.sessions.all
            && let Some(bytes) = self.tx.get(SESSIONS, sid.as_bytes(), Sealing::System)?
        {
            self.sessions.read.insert(*sid, Some(Slot { session: load(&bytes)?, changed: false }));
        }
        Ok(self.sessions.read.get(sid).and_then(Option::as_ref).map(|slot| &slot.session))
    }

    /// All sessions, those first on which something came last (B7.1).
    pub(crate) fn all_sessions(&mut self) -> Result<Vec<&Session>, ClientError> {
        if !self.sessions.all {
            for row in self.tx.family(ALL_SESSIONS, Sealing::System)? {
                let sid = SessionId::from_slice(&row.key).ok_or(ClientError::CORRUPTED)?;
                if let std::collections::btree_map::Entry::Vacant(place) = self.sessions.read.entry(sid) {
                    place.insert(Some(Slot { session: load(&row.value)?, changed: false }));
                }
            }
            self.sessions.all = true;
        }
        let mut all: Vec<_> = self.sessions.read.values().flatten().map(|slot| &slot.session).collect();
        all.sort_by_key(|session| core::cmp::Reverse(session.last_progress()));
        Ok(all)
    }

    /// A session, which was read before, and the source of randomness.
    pub(crate) fn session_and_rng(&mut self, sid: &SessionId) -> (Option<&Session>, &mut R) {
        let session = self.sessions.read.get(sid).and_then(Option::as_ref).map(|slot| &slot.session);
        (session, self.tx.rng())
    }

    /// A session in its new state.
    pub(crate) fn put_session(&mut self, session: Session) {
        self.sessions.read.insert(session.sid(), Some(Slot { session, changed: true }));
    }

    /// Erases a session.
    pub(crate) fn drop_session(&mut self, sid: SessionId) {
        self.sessions.read.insert(sid, None);
    }

    // --- Records.

    /// The record under a key.
    pub(crate) fn record<T: Record>(
        &mut self,
        table: Table,
        key: &[u8],
        sealing: Sealing,
    ) -> Result<Option<T>, ClientError> {
        let bytes: Option<Zeroizing<Vec<u8>>> = self.tx.get(table, key, sealing)?;
        bytes.map(|bytes| records::read(&bytes)).transpose()
    }
}

fn load(bytes: &[u8]) -> Result<Session, ClientError> {
    Session::from_bytes(bytes).map_err(|_| ClientError::CORRUPTED)
}
