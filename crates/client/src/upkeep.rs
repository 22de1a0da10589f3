//! What a device looks after by itself: `docs/protocol.md` B2.2 (manifest), B2.7 (certificate), B3.2 (prekeys), B12.5
//! (outbox).

use carevow_core::identity::ManifestPin;
use carevow_core::limits::OUTBOX_AGE_MS;
use carevow_core::prekey::Rotation;
use carevow_core::time::{DAY_MS, HOUR_MS};
use carevow_core::{ConversationId, DeviceAddress, MessageId, Timestamp};
use carevow_store::Sealing;
use rand_core::TryCryptoRng;

use crate::contact::{Contact, Standing};
use crate::error::ClientError;
use crate::event::Event;
use crate::own::Own;
use crate::records;
use crate::tables::{OUTBOX, unacknowledged};
use crate::turn::Turn;
use crate::work::Work;

/// How often.
pub(crate) const EVERY_MS: u64 = HOUR_MS;
/// How often prekeys are: there are more than a hundred, and they live for weeks.
pub(crate) const PREKEYS_EVERY_MS: u64 = 12 * HOUR_MS;
/// A certificate with less than this left is replaced.
const CERTIFICATE_LEFT_MS: u64 = 6 * HOUR_MS;
/// A manifest with less than this left, half of its life, is issued anew, with what it says (B2.2).
const MANIFEST_LEFT_MS: u64 = 15 * DAY_MS;

impl Own {
    /// Whether messages can be sealed now.
    pub(crate) fn is_certified(&self, now: Timestamp) -> bool {
        self.certificates.as_ref().is_some_and(|certificates| now < certificates.until)
    }
}

impl<R: TryCryptoRng> Turn<'_, '_, R> {
    /// What a new device does first.
    pub(crate) fn settle_in(&mut self) -> Result<(), ClientError> {
        let now = self.now.wall;
        let mut contact = Contact::new(self.own.address().account, Standing::Established);
        contact.pin = Some(ManifestPin::first(self.own.manifest.clone()));
        self.put_contact(&contact)?;
        self.make_prekeys()?;
        if self.own.key.is_some() {
            self.schedule(Work::PublishManifest, now)?;
        }
        for work in [Work::PublishPrekeys, Work::FetchCertificate, Work::FetchRevocations] {
            self.schedule(work, now)?;
        }
        self.schedule(Work::Upkeep, now.plus(EVERY_MS))?;
        self.schedule(Work::KeepPrekeys, now.plus(PREKEYS_EVERY_MS))
    }

    /// Everything that time asks for.
    pub(crate) fn upkeep(&mut self) -> Result<(), ClientError> {
        let now = self.now.wall;
        self.done(Work::Upkeep)?;
        self.schedule(Work::Upkeep, now.plus(EVERY_MS))?;
        if self.own.registering {
            return Ok(());
        }
        if !self.own.is_certified(now.plus(CERTIFICATE_LEFT_MS)) {
            self.schedule(Work::FetchCertificate, now)?;
        }
        let fresh = self.own.trust.revocations.as_ref().is_some_and(|list| list.next_update() > now);
        if !fresh {
            self.schedule(Work::FetchRevocations, now)?;
        }
        if self.own.seen.rotation() == Rotation::SeenSetFull {
            self.schedule(Work::KeepPrekeys, now)?;
        }
        self.renew_manifest()?;
        self.retry_held()?;
        self.expire_outbox()
    }

    /// Prekeys and sessions, twice a day.
    pub(crate) fn look_after_prekeys(&mut self) -> Result<(), ClientError> {
        let now = self.now.wall;
        self.done(Work::KeepPrekeys)?;
        self.schedule(Work::KeepPrekeys, now.plus(PREKEYS_EVERY_MS))?;
        if self.own.registering {
            return Ok(());
        }
        self.expire_sessions()?;
        self.schedule(Work::CountPrekeys, now)?;
        match self.keep_prekeys()? {
            true => self.schedule(Work::PublishPrekeys, now),
            false => Ok(()),
        }
    }

    /// The primary issues the manifest anew; another device asks for what it issued.
    fn renew_manifest(&mut self) -> Result<(), ClientError> {
        let now = self.now.wall;
        if !self.own.manifest.is_expired(now.plus(MANIFEST_LEFT_MS)) {
            return Ok(());
        }
        match self.own.key.is_some() {
            true => self.issue_manifest(self.own.manifest.devices().to_vec()),
            false => self.schedule(Work::FetchManifest(self.own.address().account), now),
        }
    }

    /// What no account acknowledged within 30 d leaves the outbox.
    fn expire_outbox(&mut self) -> Result<(), ClientError> {
        let (now, own) = (self.now.wall, self.own.address().account);
        for contact in self.contacts()? {
            let conversation = carevow_core::content::pair_id(&own, &contact.account);
            for (message, outbox) in self.waiting_for(contact.account, conversation)? {
                if now.since(Timestamp::from_millis(outbox.sent_at_ms)) >= OUTBOX_AGE_MS {
                    self.tx.delete(OUTBOX, message.as_bytes(), Some(unacknowledged(&contact.account)))?;
                    self.events.push(Event::DeliveryUnconfirmed { conversation, message });
                }
            }
        }
        Ok(())
    }

    fn waiting_for(
        &mut self,
        account: carevow_core::AccountId,
        conversation: ConversationId,
    ) -> Result<Vec<(MessageId, records::Outbox)>, ClientError> {
        let rows = self.tx.family(unacknowledged(&account), Sealing::Conversation(conversation))?;
        let read = |row: &carevow_store::Row| {
            let message = MessageId::from_slice(&row.key).ok_or(ClientError::CORRUPTED)?;
            Ok((message, records::read(&row.value)?))
        };
        rows.iter().map(read).collect()
    }

    /// An acknowledgement, if one is still due (B7.4).
    pub(crate) fn acknowledge(&mut self, device: DeviceAddress) -> Result<(), ClientError> {
        let peer = self.peer(device)?;
        let Some(contact) = self.contact(device.account)? else { return Ok(()) };
        if let Some(later) = peer.tally.due_since().filter(|due| *due > self.now.wall) {
            return self.schedule(Work::Acknowledge(device), later);
        }
        let due = peer.tally.due_since().is_some();
        let listed = contact.devices(self.own.address()).contains(&device);
        let established = contact.standing == Standing::Established;
        if due && listed && established && peer.sessions.active().is_some() {
            self.owe_device(device, &[], 0)?;
            self.pump(device.account)?;
        }
        Ok(())
    }
}
