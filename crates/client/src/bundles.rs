//! New sessions, from bundles that were fetched: `docs/protocol.md` B3.3, B4.4, B12.4.

use carevow_core::content::Control;
use carevow_core::handshake::Generation;
use carevow_core::identity::UnverifiedManifest;
use carevow_core::limits::SIGNED_OBJECT_BYTES;
use carevow_core::placement::{AcknowledgementTally, EnvelopeForm, Origin, SessionSummary};
use carevow_core::prekey::{
    BundleError, BundleFault, BundleTarget, PrekeyBundle, UnverifiedBundle, verify_envelope_record,
};
use carevow_core::ratchet::Session;
use carevow_core::time::{DAY_MS, HOUR_MS};
use carevow_core::wire::v1;
use carevow_core::{AccountId, DeviceId, Timestamp};
use carevow_store::Sealing;
use prost::Message as _;
use rand_core::TryCryptoRng;

use crate::contact::{Contact, Standing};
use crate::error::ClientError;
use crate::event::Event;
use crate::peer::Peer;
use crate::records::{self, FORMAT};
use crate::tables::{owed, submissions};
use crate::turn::Turn;
use crate::work::Work;

/// How many devices one account can have (B2.2).
const DEVICES: usize = 16;

/// Why a bundle made no session.
enum Unused {
    /// It breaks a rule, or is of a device that was not asked for.
    Rejected,
    /// Nothing more can be sent to the account until the app acknowledges its identity key.
    Blocked,
}

impl<R: TryCryptoRng> Turn<'_, '_, R> {
    /// The devices of an account that need a bundle: a session is missing, or to be refreshed, or the key for envelopes
    /// has run out.
    pub(crate) fn wanted_bundles(&mut self, account: AccountId) -> Result<Vec<DeviceId>, ClientError> {
        let Some(contact) = self.contact(account)? else { return Ok(Vec::new()) };
        if contact.standing == Standing::Blocked || contact.is_held_up() {
            return Ok(Vec::new());
        }
        if contact.pin.is_none() {
            return Ok(contact.candidates);
        }
        let mut wanted = Vec::new();
        for address in contact.devices(self.own.address()) {
            let peer = self.peer(address)?;
            if peer.bundle_after > self.now.wall {
                continue;
            }
            let waits = !self.tx.bounds(owed(&address.to_bytes()))?.is_empty();
            let listed = contact.pin.as_ref().and_then(|pin| pin.device(address.device)).map(|listed| listed.device);
            let sealable = match (&peer.env, listed) {
                (Some(env), Some(device)) => verify_envelope_record(env, &device, self.now.wall).is_ok(),
                _ => false,
            };
            let unconfirmed = peer.sessions.active().is_none_or(SessionSummary::is_unconfirmed_init);
            let missing = peer.sessions.active().is_none() || (unconfirmed && !sealable);
            if peer.wants_bundle() || (waits && missing) {
                wanted.push(address.device);
            }
        }
        Ok(wanted)
    }

    /// When the first bundle is wanted that is not wanted yet.
    pub(crate) fn bundles_wanted_later(&mut self, account: AccountId) -> Result<Option<Timestamp>, ClientError> {
        let Some(contact) = self.contact(account)? else { return Ok(None) };
        let mut first = None;
        for address in contact.devices(self.own.address()) {
            let peer = self.peer(address)?;
            let waits = !self.tx.bounds(owed(&address.to_bytes()))?.is_empty();
            if peer.bundle_after > self.now.wall && (peer.wants_bundle() || waits) {
                first = first.into_iter().chain([peer.bundle_after]).min();
            }
        }
        Ok(first)
    }

    /// Makes sessions from bundles, and encrypts what waited for them. A device that was asked for and gave none is asked
    /// again a day later.
    pub(crate) fn take_bundles(
        &mut self,
        account: AccountId,
        asked: &[DeviceId],
        bundles: &[Vec<u8>],
    ) -> Result<(), ClientError> {
        let mut used = Vec::new();
        for bytes in bundles.iter().take(DEVICES) {
            let Some(named) = named_device(bytes).filter(|device| asked.contains(device) && !used.contains(device))
            else {
                continue;
            };
            match self.take_bundle(account, named, bytes)? {
                Ok(()) => used.push(named),
                Err(Unused::Rejected) => {}
                Err(Unused::Blocked) => return self.done(Work::FetchBundles(account)),
            }
        }
        let Some(contact) = self.contact(account)? else { return Ok(()) };
        if contact.pin.is_none() {
            // Nothing vouched for the account: it is looked up anew, after a while.
            self.put_contact(&Contact { candidates: Vec::new(), ..contact })?;
            self.done(Work::FetchBundles(account))?;
            return self.failed(Work::FetchManifest(account));
        }
        for address in contact.devices(self.own.address()) {
            if asked.contains(&address.device) && !used.contains(&address.device) {
                let mut peer = self.peer(address)?;
                peer.bundle_after = self.now.wall.plus(if used.is_empty() { HOUR_MS } else { DAY_MS });
                self.put_peer(&peer)?;
                self.events.push(Event::PeerStale(address));
            }
        }
        self.done(Work::FetchBundles(account))?;
        self.pump(account)
    }

    fn take_bundle(
        &mut self,
        account: AccountId,
        device: DeviceId,
        bytes: &[u8],
    ) -> Result<Result<(), Unused>, ClientError> {
        let now = self.now.wall;
        let mut contact = self.contact(account)?.ok_or(ClientError::NoContact)?;
        if contact.standing == Standing::Blocked || contact.is_held_up() {
            return Ok(Err(Unused::Blocked));
        }
        let target = BundleTarget { account, device, pin: contact.pin.as_ref() };
        let verified = UnverifiedBundle::parse(bytes).and_then(|bundle| bundle.verify(&self.own.trust, &target, now));
        let verified = match verified {
            Ok(verified) => verified,
            Err(BundleError::UntrustedIdentity(pin)) => {
                contact.pin = Some(*pin);
                self.put_contact(&contact)?;
                self.events.push(Event::IdentityChanged(account));
                return Ok(Err(Unused::Blocked));
            }
            Err(BundleError::Rejected(BundleFault::ManifestsMissing(pin))) => {
                contact.pin = Some(*pin);
                self.put_contact(&contact)?;
                return Ok(Err(Unused::Rejected));
            }
            Err(BundleError::Rejected(BundleFault::ManifestFork)) => {
                self.events.push(Event::ManifestFork(account));
                return Ok(Err(Unused::Rejected));
            }
            Err(_) => return Ok(Err(Unused::Rejected)),
        };
        let first = contact.pin.is_none();
        self.adopt(&mut contact, verified.pin, verified.events)?;
        if first {
            self.distribute(&contact)?;
        }
        let mut peer = self.peer(verified.bundle.device.address)?;
        peer.env = envelope_record(bytes);
        peer.env_wanted = false;
        // A session begins with something to say: the one-time keys of others are not used up for nothing.
        let waits = !self.tx.bounds(owed(&peer.address.to_bytes()))?.is_empty();
        let missing = waits && peer.sessions.active().is_none();
        if missing || peer.refresh || peer.retry.is_some() {
            self.begin_session(&contact, &mut peer, verified.bundle)?;
        }
        self.put_peer(&peer)?;
        Ok(Ok(()))
    }

    /// A session from a bundle. The one before it says that it comes; the first message on it goes out at once.
    fn begin_session(&mut self, contact: &Contact, peer: &mut Peer, bundle: PrekeyBundle) -> Result<(), ClientError> {
        let now = self.now.wall;
        let generation = peer.sessions.next_generation().and_then(Generation::new).ok_or(ClientError::Internal)?;
        let session = Session::initiate(&self.own.device, bundle, generation, now, self.tx.rng())?;
        let sid = session.sid();
        let (mut parts, to) = (Vec::new(), peer.address);
        // Only a refresh is announced: that this device could not read something is no secret (B12.3).
        if let Some(old) = peer.sessions.active().copied().filter(|_| peer.retry.is_none()) {
            let announced = self.control(contact.account, Control::Refresh(sid))?;
            parts.push(self.one(&old.sid, to, EnvelopeForm::Sealed, announced.bytes(), 0)?);
        }
        let origin = Origin::Ours { confirmed_at: None };
        let placement =
            peer.sessions.place(SessionSummary { sid, generation: generation.as_u32(), origin, created_at: now }, now);
        peer.sessions = placement.next;
        placement.dropped.iter().for_each(|dropped| self.drop_session(*dropped));
        self.put_session(session);
        peer.tally = AcknowledgementTally::SENT;
        peer.refresh = false;
        let asks = peer.retry.take();
        let waits = !self.tx.bounds(owed(&peer.address.to_bytes()))?.is_empty();
        match asks {
            Some(retry) => {
                let content = self.control(contact.account, Control::Retry(retry.failed))?;
                parts.push(self.one(&sid, to, EnvelopeForm::Sealed, content.bytes(), 0)?);
            }
            // Nothing else will carry the INIT there.
            None if !waits => parts.push(self.one(&sid, to, EnvelopeForm::Sealed, &[], 0)?),
            None => {}
        }
        if parts.is_empty() {
            return Ok(());
        }
        let submission = records::Submission { format: FORMAT, parts, messages: Vec::new() };
        self.tx.append(submissions(&contact.account), Sealing::System, &submission.encode_to_vec())?;
        self.schedule(Work::Submit(contact.account), now)
    }

    /// The manifest of an account that nothing is known of yet: it says which bundles to ask for, and no more than that
    /// until one of them vouches for it. One of a pinned account is judged by the pin.
    pub(crate) fn take_manifest(&mut self, account: AccountId, bytes: &[u8]) -> Result<(), ClientError> {
        let manifest = v1::Signed::from_bytes(bytes).ok();
        let manifest = manifest.and_then(|signed| UnverifiedManifest::parse(&signed).ok()?.verify().ok());
        let Some(manifest) = manifest.filter(|manifest| manifest.account() == account) else {
            return self.failed(Work::FetchManifest(account));
        };
        let Some(mut contact) = self.contact(account)? else { return self.done(Work::FetchManifest(account)) };
        self.done(Work::FetchManifest(account))?;
        if contact.pin.is_some() {
            return self.judge_unvouched(&mut contact, &manifest);
        }
        contact.candidates = manifest.devices().iter().map(|listed| listed.device.address.device).collect();
        self.put_contact(&contact)?;
        self.schedule(Work::FetchBundles(account), self.now.wall)
    }
}

/// Whose bundle it says it is.
fn named_device(bytes: &[u8]) -> Option<DeviceId> {
    let bundle = v1::PrekeyBundle::decode(bytes.get(..).filter(|bytes| bytes.len() <= SIGNED_OBJECT_BYTES)?).ok()?;
    DeviceId::new(bundle.device_id)
}

/// The signed record of a bundle that was verified.
fn envelope_record(bytes: &[u8]) -> Option<v1::SignedRecord> {
    v1::PrekeyBundle::decode(bytes).ok()?.env
}
