//! A device whose store is older than it was: its sessions may have been used since, so it starts afresh under a new
//! registration: `docs/protocol.md` B2.1, B12.5 rule 3 and B12.7.

use carevow_core::content::pair_id;
use carevow_core::identity::{ListedDevice, LocalDevice, Manifest, ManifestDraft, Source, UnverifiedManifest};
use carevow_core::placement::{AcknowledgementTally, SeenSet};
use carevow_core::random::draw;
use carevow_core::wire::v1;
use carevow_core::{AccountId, ConversationId, DeviceAddress, MessageId, RegNonce};
use carevow_store::{Family, List, Sealing};
use rand_core::TryCryptoRng;

use crate::contact::Contact;
use crate::error::ClientError;
use crate::event::Event;
use crate::prekeys::PrekeyNumbers;
use crate::tables::{CONTACTS, COUNTERS, OUTBOX, PEERS, owed, owed_to_account, receipts, submissions, unacknowledged};
use crate::turn::Turn;
use crate::work::{self, Work};

impl<R: TryCryptoRng> Turn<'_, '_, R> {
    /// Wipes everything that was made under this registration and may have been used since: sessions, prekeys, what was
    /// to be sent. Nothing is sent or received until the account lists the device anew.
    pub(crate) fn lose_registration(&mut self) -> Result<(), ClientError> {
        let now = self.now.wall;
        self.own.registering = true;
        self.own.certificates = None;
        self.own.seen = SeenSet::default();
        let sids: Vec<_> = self.all_sessions()?.iter().map(|session| session.sid()).collect();
        sids.into_iter().for_each(|sid| self.drop_session(sid));
        self.delete_all_prekeys()?;
        let mine = self.own.address();
        for contact in self.contacts()? {
            self.forget_traffic(&contact, pair_id(&mine.account, &contact.account))?;
        }
        for (_, work) in self.work()? {
            self.done(work)?;
        }
        self.schedule(Work::FetchManifest(mine.account), now)?;
        self.schedule(Work::FetchRevocations, now)?;
        self.schedule(Work::Upkeep, now.plus(crate::upkeep::EVERY_MS))?;
        self.schedule(Work::KeepPrekeys, now.plus(crate::upkeep::PREKEYS_EVERY_MS))
    }

    fn forget_traffic(&mut self, contact: &Contact, conversation: ConversationId) -> Result<(), ClientError> {
        let known =
            self.tx.family(Family { rows: PEERS, of: CONTACTS, key: contact.account.as_bytes() }, Sealing::System)?;
        let mut devices = contact.devices(self.own.address());
        for row in known {
            let address = work::address(&row.key).ok_or(ClientError::CORRUPTED)?;
            let mut peer = self.peer(address)?;
            peer.sessions = peer.sessions.all_closed();
            peer.tally = AcknowledgementTally::NEW;
            (peer.refresh, peer.retry, peer.announced, peer.undecided) = (false, None, None, None);
            self.put_peer(&peer)?;
            devices.push(address);
        }
        for device in devices {
            let key = device.to_bytes();
            self.empty(owed(&key))?;
            self.empty(receipts(&key))?;
        }
        self.empty(owed_to_account(&contact.account))?;
        self.empty(submissions(&contact.account))?;
        // Numbers start anew, so nothing goes out again under an old one: the user may send it as something new.
        for row in self.tx.family(unacknowledged(&contact.account), Sealing::Conversation(conversation))? {
            let message = MessageId::from_slice(&row.key).ok_or(ClientError::CORRUPTED)?;
            self.tx.delete(OUTBOX, &row.key, Some(unacknowledged(&contact.account)))?;
            self.events.push(Event::DeliveryUnconfirmed { conversation, message });
        }
        Ok(self.tx.put(COUNTERS, conversation.as_bytes(), None, Sealing::System, &[0; 8])?)
    }

    fn empty(&mut self, list: List<'_>) -> Result<(), ClientError> {
        let bounds = self.tx.bounds(list)?;
        match bounds.is_empty() {
            true => Ok(()),
            false => Ok(self.tx.trim(list, bounds.end)?),
        }
    }

    /// The account lists this device with new keys, on top of the newest manifest that the directory has. A device that is
    /// not the primary links again instead.
    pub(crate) fn register_again(&mut self, newest: Option<&[u8]>) -> Result<(), ClientError> {
        let (now, old) = (self.now.wall, self.own.address());
        self.done(Work::FetchManifest(old.account))?;
        let mut contact = self.contact(old.account)?.ok_or(ClientError::CORRUPTED)?;
        if let Some(manifest) = newest.and_then(verified).filter(|manifest| manifest.account() == old.account) {
            self.judge_manifest(&mut contact, &manifest, Source::Directory)?;
        }
        let Some(key) = self.own.key.as_ref() else { return Ok(()) };
        let current = contact.pin.as_ref().ok_or(ClientError::CORRUPTED)?.current().clone();
        let kind = current.device(old.device).ok_or(ClientError::Internal)?.kind;
        let reg = loop {
            match new_registration(self.tx.rng())? {
                same if same == old.reg => {}
                reg => break reg,
            }
        };
        let (dsk, ddk) = (draw(self.tx.rng())?, draw(self.tx.rng())?);
        let device = LocalDevice::from_seeds(DeviceAddress { reg, ..old }, key.public_key(), &dsk, &ddk);
        let others = current.devices().iter().filter(|listed| listed.device.address.device != old.device).cloned();
        let listed = ListedDevice::of(&device, kind, now, &key.public_key());
        let draft = ManifestDraft { devices: others.chain([listed]).collect(), next_aik: current.next_aik().copied() };
        let next = Manifest::issue(key, Some(&current), draft, now).map_err(|_| ClientError::Internal)?;
        self.own.replace(self.tx, device, next.clone(), &dsk, &ddk)?;
        self.judge_manifest(&mut contact, &next, Source::Message)?;
        self.own.numbers = PrekeyNumbers::random(self.tx.rng())?;
        self.own.registering = false;
        self.make_prekeys()?;
        for work in [Work::PublishManifest, Work::PublishPrekeys, Work::FetchCertificate] {
            self.schedule(work, now)?;
        }
        self.events.push(Event::Registered(self.own.address()));
        self.tell_contacts()?;
        self.pump_all(old.account)
    }

    /// What the user sent while nothing could leave.
    fn pump_all(&mut self, own: AccountId) -> Result<(), ClientError> {
        for contact in self.contacts()?.into_iter().filter(|contact| contact.account != own) {
            self.pump(contact.account)?;
        }
        Ok(())
    }
}

fn verified(bytes: &[u8]) -> Option<Manifest> {
    let signed = v1::Signed::from_bytes(bytes).ok()?;
    UnverifiedManifest::parse(&signed).ok()?.verify().ok()
}

/// Random, and not 0.
pub(crate) fn new_registration(rng: &mut impl TryCryptoRng) -> Result<RegNonce, ClientError> {
    loop {
        if let Some(reg) = RegNonce::new(u32::from_be_bytes(*draw(rng)?)) {
            return Ok(reg);
        }
    }
}
