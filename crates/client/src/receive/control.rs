//! From device to device: `docs/protocol.md` B9 (Control), B7.1 (SenderInfo), B12.4 and B12.6.

use carevow_core::content::{Control, SenderInfo};
use carevow_core::identity::{JudgedAt, PinError, Source, UnverifiedCertificates, UnverifiedManifest};
use carevow_core::placement::ResendTrigger;
use carevow_core::prekey::verify_envelope_record;
use carevow_core::{AccountId, DeviceAddress, SessionId, Timestamp};
use rand_core::TryCryptoRng;

use crate::contact::Contact;
use crate::error::ClientError;
use crate::event::Event;
use crate::peer::{Peer, Retry};
use crate::turn::Turn;
use crate::work::Work;

impl<R: TryCryptoRng> Turn<'_, '_, R> {
    pub(super) fn take_control(
        &mut self,
        from: DeviceAddress,
        sid: &SessionId,
        control: Control,
        received: Timestamp,
    ) -> Result<(), ClientError> {
        match control {
            Control::Retry(failed) => self.take_retry(from, failed),
            Control::Refresh(announced) => {
                let mut peer = self.peer(from)?;
                peer.announced = Some((announced, self.now.wall));
                self.put_peer(&peer)
            }
            Control::SenderInfo(info) => self.take_sender_info(from, sid, &info, received),
            // Invitations, tokens, audit heads and emergencies belong to what this version does not have.
            Control::Invitation(_) | Control::DeliveryToken(_) | Control::AuditHead(_) | Control::Emergency(_) => {
                Ok(())
            }
        }
    }

    /// `failed` is closed if it is our own unconfirmed INIT; what is not acknowledged is sent again (B12.6).
    fn take_retry(&mut self, from: DeviceAddress, failed: Option<SessionId>) -> Result<(), ClientError> {
        if let Some(failed) = failed {
            let mut peer = self.peer(from)?;
            let left = peer.sessions.failed(&failed);
            if left != peer.sessions {
                peer.sessions = left;
                self.put_peer(&peer)?;
                self.drop_session(failed);
            }
        }
        let contact = self.contact(from.account)?.ok_or(ClientError::CORRUPTED)?;
        self.resend(&contact, from, ResendTrigger::RetryRequest)
    }

    /// What the sender says of itself, each part judged as in a bundle; a part that fails is left out.
    fn take_sender_info(
        &mut self,
        from: DeviceAddress,
        sid: &SessionId,
        info: &SenderInfo,
        received: Timestamp,
    ) -> Result<(), ClientError> {
        let now = self.now.wall;
        let at = JudgedAt::Received { server: received, local: now };
        let certificate = UnverifiedCertificates::parse(&info.device_cert, &info.issuer_cert)
            .and_then(|parsed| parsed.verify_signatures(&self.own.trust))
            .ok()
            .and_then(|signed| signed.check_times(at).ok());
        let Some(session) = self.session(sid)? else { return Ok(()) };
        let device = session.peer().device;
        let Some(certificate) = certificate.filter(|certificate| certificate.device.is_same_device(&device)) else {
            return Ok(());
        };
        let seen = session.with_certificate_seen(certificate.validity.until);
        self.put_session(seen);
        let mut contact = self.contact(from.account)?.ok_or(ClientError::CORRUPTED)?;
        let manifest = info.manifest.as_ref();
        let manifest = manifest.and_then(|signed| UnverifiedManifest::parse(signed).ok()?.verify().ok());
        // As with an INIT: only a manifest that the certificate vouches for says something about the account (B3.3).
        let vouched = |manifest: &carevow_core::identity::Manifest| {
            manifest.account() == from.account && *manifest.aik() == certificate.device.aik
        };
        if let Some(manifest) = manifest.filter(vouched) {
            self.judge_manifest(&mut contact, &manifest, Source::Message)?;
        }
        let listed = contact.pin.as_ref().and_then(|pin| pin.device(from.device)).map(|listed| listed.device);
        let device = listed.filter(|device| device.address == from);
        if let (Some(env), Some(device)) = (&info.env, device)
            && verify_envelope_record(env, &device, now).is_ok()
        {
            let mut peer = self.peer(from)?;
            peer.env = Some(env.clone());
            self.put_peer(&peer)?;
        }
        Ok(())
    }

    /// A manifest that the service gave without a certificate: one under a key that the pin does not expect says nothing.
    pub(crate) fn judge_unvouched(
        &mut self,
        contact: &mut Contact,
        manifest: &carevow_core::identity::Manifest,
    ) -> Result<(), ClientError> {
        let key = contact.pin.as_ref().map(|pin| pin.judge_key(manifest.aik(), self.now.wall));
        match key {
            Some(Ok(()) | Err(PinError::Held(_))) => self.judge_manifest(contact, manifest, Source::Directory),
            _ => Ok(()),
        }
    }

    /// A manifest of an account that is pinned, judged by the pin, and what follows from that.
    pub(crate) fn judge_manifest(
        &mut self,
        contact: &mut Contact,
        manifest: &carevow_core::identity::Manifest,
        source: Source,
    ) -> Result<(), ClientError> {
        let Some(pin) = contact.pin.as_ref() else { return Ok(()) };
        match pin.judge(manifest, source, self.now.wall) {
            Ok(adoption) => {
                let changed = contact.pin.as_ref() != Some(&adoption.pin);
                self.adopt(contact, adoption.pin, adoption.events)?;
                match changed {
                    true => self.schedule(Work::RetryHeld, self.now.wall),
                    false => Ok(()),
                }
            }
            Err(PinError::Held(pin)) => {
                contact.pin = Some(*pin);
                self.put_contact(contact)
            }
            Err(PinError::IdentityChanged(pin)) => {
                contact.pin = Some(*pin);
                self.events.push(Event::IdentityChanged(contact.account));
                self.put_contact(contact)
            }
            Err(PinError::Fork) => {
                self.events.push(Event::ManifestFork(contact.account));
                Ok(())
            }
            Err(PinError::OtherAccount | PinError::Rollback) => Ok(()),
        }
    }

    /// A RetryRequest: the first content of a new session (B12.6), at a random time.
    pub(super) fn ask_again(
        &mut self,
        account: AccountId,
        peer: &mut Peer,
        failed: Option<SessionId>,
        at: Timestamp,
    ) -> Result<(), ClientError> {
        peer.retry = Some(Retry { failed });
        peer.bundle_after = peer.bundle_after.max(at);
        self.put_peer(peer)?;
        self.schedule(Work::FetchBundles(account), at)
    }
}
