//! Envelopes on their way to the relay, in order for each device: `docs/protocol.md` B7.2 (sealing), B12.1 and B12.4 rule 3.

use carevow_core::envelope::{SealTo, SealedBy};
use carevow_core::identity::{ManifestPin, UnverifiedManifest};
use carevow_core::prekey::verify_envelope_record;
use carevow_core::ratchet::Outgoing;
use carevow_core::wire::v1;
use carevow_core::{AccountId, DeviceAddress};
use carevow_store::Sealing;
use prost::Message as _;
use rand_core::TryCryptoRng;

use crate::contact::{Contact, Standing};
use crate::error::ClientError;
use crate::pump::{AS_INIT, BARE, SEALED};
use crate::records;
use crate::request::{Addressed, Submission};
use crate::tables::{owed, submissions};
use crate::turn::Turn;
use crate::work::{self, Work};

/// A part, as far as it can leave now.
enum Ready {
    Now(Addressed),
    /// Its device is gone.
    Never,
    /// There is no key to seal it with.
    Later,
}

impl<R: TryCryptoRng> Turn<'_, '_, R> {
    /// The oldest envelopes that wait for an account's devices, and the number of their submission: one at a time for each
    /// account, so that they arrive in order. `None` if there are none that can leave now.
    pub(crate) fn submission(&mut self, account: AccountId) -> Result<Option<(Submission, u64)>, ClientError> {
        self.pump(account)?;
        let now = self.now.wall;
        if !self.own.is_certified(now) {
            self.done(Work::Submit(account))?;
            self.schedule(Work::FetchCertificate, now)?;
            return Ok(None);
        }
        let contact = self.contact(account)?.ok_or(ClientError::CORRUPTED)?;
        if contact.standing == Standing::Blocked || contact.is_held_up() {
            self.done(Work::Submit(account))?;
            return Ok(None);
        }
        let list = submissions(&account);
        let mut passed_over = 0_u64;
        loop {
            let bounds = self.tx.bounds(list)?;
            let next = self.tx.items(list, Sealing::System, bounds.start..bounds.start.saturating_add(1))?;
            let Some(item) = next.into_iter().next() else {
                self.done(Work::Submit(account))?;
                return Ok(None);
            };
            let stored: records::Submission = records::read(&item.value.ok_or(ClientError::CORRUPTED)?)?;
            let (mut envelopes, mut later) = (Vec::new(), Vec::new());
            for part in &stored.parts {
                match self.ready(&contact, part)? {
                    Ready::Now(addressed) => envelopes.push((part.clone(), addressed)),
                    Ready::Never => {}
                    Ready::Later => later.push(part.clone()),
                }
            }
            if envelopes.is_empty() && !later.is_empty() {
                let count = bounds.end.saturating_sub(bounds.start);
                if passed_over >= count {
                    // A bundle brings it back.
                    self.done(Work::Submit(account))?;
                    return Ok(None);
                }
                passed_over = passed_over.saturating_add(1);
                let rest = records::Submission { parts: later, ..stored };
                self.tx.append(list, Sealing::System, &rest.encode_to_vec())?;
                self.tx.trim(list, item.number.saturating_add(1))?;
                continue;
            }
            if envelopes.is_empty() {
                self.tx.trim(list, item.number.saturating_add(1))?;
                continue;
            }
            // What cannot leave yet holds up no other device.
            if !later.is_empty() {
                let rest = records::Submission { parts: later, ..stored.clone() };
                self.tx.append(list, Sealing::System, &rest.encode_to_vec())?;
                let parts = envelopes.iter().map(|(part, _)| part.clone()).collect();
                let ready = records::Submission { parts, ..stored };
                self.tx.replace(list, Sealing::System, item.number, &ready.encode_to_vec())?;
            }
            let listed = contact.pin.iter().flat_map(ManifestPin::devices);
            let devices = listed.map(|listed| listed.device.address).collect();
            let envelopes = envelopes.into_iter().map(|(_, addressed)| addressed).collect();
            return Ok(Some((Submission { account, devices, envelopes }, item.number)));
        }
    }

    /// This device has a certificate again: what waited for it goes on.
    pub(crate) fn resume(&mut self) -> Result<(), ClientError> {
        for contact in self.contacts()? {
            self.pump(contact.account)?;
        }
        Ok(())
    }

    fn ready(&mut self, contact: &Contact, part: &records::Part) -> Result<Ready, ClientError> {
        let to = work::address(&part.device).ok_or(ClientError::CORRUPTED)?;
        let listed = contact.pin.as_ref().and_then(|pin| pin.device(to.device)).map(|listed| listed.device);
        let Some(device) = listed.filter(|device| device.address == to) else { return Ok(Ready::Never) };
        let outgoing = match part.form {
            BARE => return Ok(Ready::Now(Addressed { to, envelope: part.message.clone() })),
            SEALED => Outgoing::Session(part.message.clone()),
            AS_INIT => Outgoing::Init(part.message.clone()),
            _ => return Err(ClientError::CORRUPTED),
        };
        let mut peer = self.peer(to)?;
        let env = peer.env.as_ref().and_then(|env| verify_envelope_record(env, &device, self.now.wall).ok());
        let Some(env) = env else {
            if part.form == SEALED {
                // Nothing can seal it: it travels bare rather than not at all (B7.2).
                return Ok(Ready::Now(Addressed { to, envelope: part.message.clone() }));
            }
            peer.env_wanted = true;
            self.put_peer(&peer)?;
            self.schedule(Work::FetchBundles(contact.account), peer.bundle_after.max(self.now.wall))?;
            return Ok(Ready::Later);
        };
        let certificates = self.own.certificates.as_ref().ok_or(ClientError::Internal)?;
        let manifest = self.own.manifest.to_signed();
        let by = SealedBy {
            device: &self.own.device,
            device_cert: &certificates.device,
            issuer_cert: &certificates.issuer,
            manifest: &manifest,
        };
        let seal_to = SealTo::new(&device, &env, self.now.wall).map_err(|_| ClientError::Internal)?;
        Ok(Ready::Now(Addressed { to, envelope: by.seal(&outgoing, seal_to, self.tx.rng())? }))
    }

    /// The relay says that an account has other devices than envelopes were submitted for (B12.1): by the manifest, and
    /// only if the pin takes it, envelopes for devices that are gone are dropped, and new ones get the contents too.
    pub(crate) fn other_devices(
        &mut self,
        account: AccountId,
        number: u64,
        manifest: &[u8],
    ) -> Result<(), ClientError> {
        let work = Work::Submit(account);
        let manifest = v1::Signed::from_bytes(manifest).map_err(|_| ClientError::InvalidResponse)?;
        let manifest = UnverifiedManifest::parse(&manifest).and_then(UnverifiedManifest::verify);
        let manifest = manifest.map_err(|_| ClientError::InvalidResponse)?;
        let mut contact = self.contact(account)?.ok_or(ClientError::NoContact)?;
        if manifest.account() != account {
            return Err(ClientError::InvalidResponse);
        }
        let before = contact.devices(self.own.address());
        self.judge_unvouched(&mut contact, &manifest)?;
        let devices = contact.devices(self.own.address());
        if devices == before {
            return self.failed(work);
        }
        let list = submissions(&account);
        let bounds = self.tx.bounds(list)?;
        let items = self.tx.items(list, Sealing::System, number..bounds.end)?;
        self.tx.trim(list, bounds.end)?;
        for value in items.into_iter().filter_map(|item| item.value) {
            let submission: records::Submission = records::read(&value)?;
            self.redirect(&submission, &before, &devices, account)?;
        }
        self.done(work)?;
        self.schedule(work, self.now.wall)
    }

    fn redirect(
        &mut self,
        submission: &records::Submission,
        before: &[DeviceAddress],
        devices: &[DeviceAddress],
        account: AccountId,
    ) -> Result<(), ClientError> {
        let listed = |part: &&records::Part| work::address(&part.device).is_some_and(|to| devices.contains(&to));
        let parts: Vec<_> = submission.parts.iter().filter(listed).cloned().collect();
        let pin = self.contact(account)?.and_then(|contact| contact.pin);
        let settled = |device: &&DeviceAddress| pin.as_ref().is_some_and(|pin| pin.may_get_older(**device));
        for device in devices.iter().filter(|device| !before.contains(device)).filter(settled) {
            for named in &submission.messages {
                let (message, conversation) = named.split_at_checked(16).ok_or(ClientError::CORRUPTED)?;
                let item = records::Owed {
                    format: records::FORMAT,
                    message: message.to_vec(),
                    conversation: conversation.to_vec(),
                    ..records::Owed::default()
                };
                self.tx.append(owed(&device.to_bytes()), Sealing::System, &item.encode_to_vec())?;
            }
        }
        if !parts.is_empty() {
            let left = records::Submission { parts, ..submission.clone() };
            self.tx.append(submissions(&account), Sealing::System, &left.encode_to_vec())?;
        }
        Ok(())
    }
}
