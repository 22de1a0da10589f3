//! Accounts as this device knows them: `docs/protocol.md` B2.3 (pin), B7.2 (traffic), B16 (rates).

use carevow_core::identity::{IdentityEvent, ManifestPin, MissingManifests};
use carevow_core::placement::{AccountTraffic, Conversation, HourlyRate, ResendTrigger};
use carevow_core::{AccountId, DeviceAddress, DeviceId, SessionId};
use carevow_store::{Family, Sealing};
use prost::Message as _;
use rand_core::TryCryptoRng;

use crate::error::ClientError;
use crate::event::Event;
use crate::records::{self, FORMAT};
use crate::tables::{ALL_CONTACTS, CONTACTS, PEERS, owed};
use crate::turn::{Kept, Turn};
use crate::work::{self, Work};

/// What an account is to the user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It wrote, and the user has not answered: nothing automatic is sent.
    Request,
    /// A contact.
    Established,
    /// Blocked: nothing is sent, and what it sends is not shown.
    Blocked,
}

impl Standing {
    const fn as_u32(self) -> u32 {
        match self {
            Self::Request => 1,
            Self::Established => 2,
            Self::Blocked => 3,
        }
    }

    const fn from_u32(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Request),
            2 => Some(Self::Established),
            3 => Some(Self::Blocked),
            _ => None,
        }
    }

    pub(crate) const fn conversation(self) -> Conversation {
        match self {
            Self::Established => Conversation::Established,
            Self::Request | Self::Blocked => Conversation::ContactRequest,
        }
    }
}

/// An account.
#[derive(Clone)]
pub(crate) struct Contact {
    pub(crate) account: AccountId,
    /// `None` before anything of it was verified.
    pub(crate) pin: Option<ManifestPin>,
    pub(crate) standing: Standing,
    pub(crate) traffic: AccountTraffic,
    pub(crate) new_sids: HourlyRate,
    /// Devices of a manifest that nothing vouches for yet.
    pub(crate) candidates: Vec<DeviceId>,
}

impl Contact {
    pub(crate) fn new(account: AccountId, standing: Standing) -> Self {
        Self {
            account,
            pin: None,
            standing,
            traffic: AccountTraffic { contents_since_arrival: 0, last_arrival: None },
            new_sids: HourlyRate::default(),
            candidates: Vec::new(),
        }
    }

    /// The devices that messages go to, but `this`.
    pub(crate) fn devices(&self, this: DeviceAddress) -> Vec<DeviceAddress> {
        let devices = self.pin.iter().flat_map(ManifestPin::devices).map(|listed| listed.device.address);
        devices.filter(|address| *address != this).collect()
    }

    /// Whether an identity key blocks sending until the app acknowledges it.
    pub(crate) fn is_held_up(&self) -> bool {
        self.pin.as_ref().is_some_and(|pin| pin.blocked_by().is_some())
    }

    fn load(account: AccountId, bytes: &[u8]) -> Result<Self, ClientError> {
        let stored: records::Contact = records::read(bytes)?;
        let pin = match stored.pin.as_slice() {
            [] => None,
            pin => Some(ManifestPin::from_bytes(pin).map_err(|_| ClientError::CORRUPTED)?),
        };
        let candidates = stored.candidates.iter().map(|id| DeviceId::new(*id)).collect::<Option<_>>();
        Ok(Self {
            account,
            pin,
            standing: Standing::from_u32(stored.standing).ok_or(ClientError::CORRUPTED)?,
            traffic: AccountTraffic::from_bytes(&stored.traffic).map_err(|_| ClientError::CORRUPTED)?,
            new_sids: HourlyRate::from_bytes(&stored.new_sids).map_err(|_| ClientError::CORRUPTED)?,
            candidates: candidates.ok_or(ClientError::CORRUPTED)?,
        })
    }

    fn to_bytes(&self) -> Vec<u8> {
        records::Contact {
            format: FORMAT,
            pin: self.pin.as_ref().map_or_else(Vec::new, ManifestPin::to_bytes),
            standing: self.standing.as_u32(),
            traffic: self.traffic.to_bytes(),
            new_sids: self.new_sids.to_bytes(),
            candidates: self.candidates.iter().map(|id| id.as_u32()).collect(),
        }
        .encode_to_vec()
    }
}

impl<R: TryCryptoRng> Turn<'_, '_, R> {
    /// What is known of an account.
    pub(crate) fn contact(&mut self, account: AccountId) -> Result<Option<Contact>, ClientError> {
        if let Some(known) = self.read.contacts.get(&account) {
            return Ok(Some(known.value.clone()));
        }
        let Some(bytes) = self.tx.get(CONTACTS, account.as_bytes(), Sealing::System)? else { return Ok(None) };
        let contact = Contact::load(account, &bytes)?;
        self.read.contacts.insert(account, Kept::read(contact.clone()));
        Ok(Some(contact))
    }

    pub(crate) fn put_contact(&mut self, contact: &Contact) -> Result<(), ClientError> {
        let known = self.read.contacts.insert(contact.account, Kept::changed(contact.clone()));
        // A family must be complete before it is read: a new one is written at once.
        if known.is_none() {
            self.write_contact(contact)?;
        }
        Ok(())
    }

    pub(crate) fn write_contact(&mut self, contact: &Contact) -> Result<(), ClientError> {
        let key = contact.account.as_bytes();
        Ok(self.tx.put(CONTACTS, key, Some(ALL_CONTACTS), Sealing::System, &contact.to_bytes())?)
    }

    /// All accounts, this device's own among them.
    pub(crate) fn contacts(&mut self) -> Result<Vec<Contact>, ClientError> {
        let rows = self.tx.family(ALL_CONTACTS, Sealing::System)?;
        let account = |row: &carevow_store::Row| AccountId::from_slice(&row.key).ok_or(ClientError::CORRUPTED);
        let mut contacts = Vec::with_capacity(rows.len());
        for row in &rows {
            let account = account(row)?;
            contacts.push(match self.read.contacts.get(&account) {
                Some(known) => known.value.clone(),
                None => Contact::load(account, &row.value)?,
            });
        }
        Ok(contacts)
    }

    /// Takes the next pin of an account, and does at once what its changes ask for: sessions with devices that are gone
    /// are closed, and nothing is owed to them any more.
    pub(crate) fn adopt(
        &mut self,
        contact: &mut Contact,
        pin: ManifestPin,
        events: Vec<IdentityEvent>,
    ) -> Result<(), ClientError> {
        contact.pin = Some(pin);
        contact.candidates.clear();
        self.put_contact(contact)?;
        if contact.account == self.own.address().account
            && let Some(newest) = contact.pin.as_ref().map(ManifestPin::current)
            && newest.hash() != self.own.manifest.hash()
        {
            self.own_account_changed(newest.clone())?;
        }
        for event in events {
            let gone = match &event {
                IdentityEvent::DeviceListChanged(changes) => changes.closed.as_slice(),
                IdentityEvent::ManifestFork { stopped } => stopped.as_slice(),
                IdentityEvent::IdentityRotated(_) | IdentityEvent::GapOpened { .. } => &[],
            };
            for address in gone {
                self.close_device(*address)?;
            }
            if matches!(event, IdentityEvent::GapOpened { .. }) {
                let at = MissingManifests::fetch_at(self.now.wall, self.tx.rng())?;
                self.schedule(Work::FillGap(contact.account), at)?;
            }
            let added = match &event {
                IdentityEvent::DeviceListChanged(changes) => changes.added.clone(),
                _ => Vec::new(),
            };
            self.events.push(Event::Identity { account: contact.account, event });
            // A device that was addressed and is registered anew has lost what it had not acknowledged (B12.5).
            let mine = self.own.address();
            for address in added.into_iter().filter(|address| *address != mine) {
                self.resend(contact, address, ResendTrigger::NewRegistration)?;
            }
        }
        Ok(())
    }

    /// Closes the sessions with devices that the service has revoked (B7.1 rule 4).
    pub(crate) fn close_revoked(&mut self) -> Result<(), ClientError> {
        for contact in self.contacts()? {
            for device in contact.devices(self.own.address()) {
                let list = self.own.trust.revocations.as_ref();
                if list.is_some_and(|list| list.revokes_device(device)) {
                    self.close_device(device)?;
                }
            }
        }
        Ok(())
    }

    /// Erases the sessions whose time is over (B12.2).
    pub(crate) fn expire_sessions(&mut self) -> Result<(), ClientError> {
        for contact in self.contacts()? {
            let family = Family { rows: PEERS, of: CONTACTS, key: contact.account.as_bytes() };
            for row in self.tx.family(family, Sealing::System)? {
                let mut peer = self.peer(work::address(&row.key).ok_or(ClientError::CORRUPTED)?)?;
                let before: Vec<SessionId> = peer.all_sids().collect();
                peer.sessions = peer.sessions.expired(self.now.wall);
                let left: Vec<SessionId> = peer.all_sids().collect();
                let over: Vec<_> = before.into_iter().filter(|sid| !left.contains(sid)).collect();
                if !over.is_empty() {
                    over.into_iter().for_each(|sid| self.drop_session(sid));
                    self.put_peer(&peer)?;
                }
            }
        }
        Ok(())
    }

    fn close_device(&mut self, address: DeviceAddress) -> Result<(), ClientError> {
        let mut peer = self.peer(address)?;
        let sids: Vec<SessionId> = peer.all_sids().collect();
        sids.into_iter().for_each(|sid| self.drop_session(sid));
        peer.sessions = peer.sessions.all_closed();
        self.put_peer(&peer)?;
        let key = address.to_bytes();
        let bounds = self.tx.bounds(owed(&key))?;
        Ok(self.tx.trim(owed(&key), bounds.end)?)
    }
}
