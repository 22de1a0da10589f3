//! One device: what it holds, how it begins conversations and sends. A client keeps all of this in an encrypted store;
//! the demo keeps it in memory.

use std::collections::{BTreeMap, BTreeSet};

use carevow_core::content::{self, Body, Draft, Retention, SequenceTracker, pair_id};
use carevow_core::envelope::{SealTo, SealedBy};
use carevow_core::handshake::Generation;
use carevow_core::identity::{DevicePublic, LocalDevice, Manifest, ManifestPin, Trust};
use carevow_core::prekey::{BundleError, BundleTarget, PrekeyBundle, PublishedRecord, UnverifiedBundle};
use carevow_core::primitives::{Ed25519PublicKey, XWingPublicKey};
use carevow_core::ratchet::{Outgoing, SendOptions, Session};
use carevow_core::{AccountId, DeviceAddress, SessionId, Timestamp};

use super::error::DemoError;
use super::prekeys::Prekeys;
use super::random::Source;
use super::service::Certificates;

pub use super::receive::{Received, Refused};

/// A device of the demo.
pub struct Device {
    /// Its keys.
    pub local: LocalDevice,
    /// The newest device list of its account.
    pub manifest: Manifest,
    /// What vouches for it.
    pub certificates: Certificates,
    /// What it is configured to trust.
    pub trust: Trust,
    pub(super) prekeys: Prekeys,
    pub(super) sessions: BTreeMap<DeviceAddress, Session>,
    pub(super) pins: BTreeMap<AccountId, ManifestPin>,
    pub(super) envelope_ids: BTreeSet<[u8; 32]>,
    pub(super) shared_key_sids: BTreeSet<SessionId>,
    pub(super) digests: BTreeMap<content::DedupeKey, [u8; 32]>,
    pub(super) sequences: BTreeMap<DeviceAddress, SequenceTracker>,
    envelope_keys: BTreeMap<DeviceAddress, (DevicePublic, PublishedRecord<XWingPublicKey>)>,
    sent: u64,
}

impl Device {
    /// A device that has met nobody.
    pub fn new(
        local: LocalDevice,
        manifest: Manifest,
        prekeys: Prekeys,
        certificates: Certificates,
        trust: Trust,
    ) -> Self {
        let pins = BTreeMap::from([(manifest.account(), ManifestPin::first(manifest.clone()))]);
        Self {
            local,
            manifest,
            certificates,
            trust,
            prekeys,
            pins,
            sessions: BTreeMap::new(),
            envelope_ids: BTreeSet::new(),
            shared_key_sids: BTreeSet::new(),
            digests: BTreeMap::new(),
            sequences: BTreeMap::new(),
            envelope_keys: BTreeMap::new(),
            sent: 0,
        }
    }

    /// Where its mailbox is.
    pub fn address(&self) -> DeviceAddress {
        self.local.public().address
    }

    /// Its account and the identity key of that.
    pub fn own_identity(&self) -> (AccountId, Ed25519PublicKey) {
        (self.address().account, self.local.public().aik)
    }

    /// An account and the identity key that it is pinned under.
    pub fn pinned_identity(&self, of: AccountId) -> Option<(AccountId, Ed25519PublicKey)> {
        self.pins.get(&of).map(|pin| (of, *pin.current().aik()))
    }

    /// Its session with another device, if there is one.
    pub fn session(&self, with: DeviceAddress) -> Option<&Session> {
        self.sessions.get(&with)
    }

    /// Verifies a bundle by what is pinned of the account. Nothing changes.
    pub fn verify(&self, of: DeviceAddress, bundle: &[u8], now: Timestamp) -> Result<Verified, BundleError> {
        let target = BundleTarget { account: of.account, device: of.device, pin: self.pins.get(&of.account) };
        let verified = UnverifiedBundle::parse(bundle)?.verify(&self.trust, &target, now)?;
        Ok(Verified { bundle: verified.bundle, pin: verified.pin })
    }

    /// Makes a session with the device of a bundle.
    pub fn begin(&mut self, verified: Verified, now: Timestamp, rng: &mut Source) -> Result<(), DemoError> {
        let Verified { bundle, pin } = verified;
        let (device, env) = (bundle.device, bundle.env.clone());
        let session = Session::initiate(&self.local, bundle, Generation::FIRST, now, rng)?;
        let address = device.address;
        self.pins.insert(address.account, pin);
        self.envelope_keys.insert(address, (device, env));
        self.sessions.insert(address, session);
        Ok(())
    }

    /// A content for the conversation with `partner`, the same bytes for each of its devices.
    pub fn write(
        &mut self,
        partner: AccountId,
        body: Body,
        now: Timestamp,
        rng: &mut Source,
    ) -> Result<content::Outgoing, DemoError> {
        let seq = if body.kind().is_user_visible() { self.sent.saturating_add(1) } else { 0 };
        let draft = Draft {
            conversation: pair_id(&self.address().account, &partner),
            group: None,
            sent_at: now,
            retention: Retention::default(),
            seq,
            body,
        };
        let written = draft.build(rng)?;
        self.sent = self.sent.max(seq);
        Ok(written)
    }

    /// The envelope that carries a message to one device: sealed until that device has answered, bare afterwards.
    pub fn encrypt(
        &mut self,
        to: DeviceAddress,
        message: Message<'_>,
        now: Timestamp,
        rng: &mut Source,
    ) -> Result<Vec<u8>, DemoError> {
        let session = self.sessions.get(&to).ok_or_else(|| no_session("sending"))?;
        let (bytes, minimum_body) = match message {
            Message::Content(content) => (content.bytes(), content.content().minimum_body()),
            Message::Acknowledgement => (&[][..], 0),
        };
        let options = SendOptions { minimum_body, ..SendOptions::CLINICAL };
        let (outgoing, next) = session.encrypt(bytes, options, now, rng)?;
        self.sessions.insert(to, next);
        match outgoing {
            Outgoing::Init(_) => self.seal(&outgoing, to, now, rng),
            Outgoing::Session(bytes) => Ok(bytes),
        }
    }

    fn seal(
        &self,
        message: &Outgoing,
        to: DeviceAddress,
        now: Timestamp,
        rng: &mut Source,
    ) -> Result<Vec<u8>, DemoError> {
        let (device, env) = self.envelope_keys.get(&to).ok_or_else(|| no_session("sealing"))?;
        let manifest = self.manifest.to_signed();
        let by = SealedBy {
            device: &self.local,
            device_cert: &self.certificates.device,
            issuer_cert: &self.certificates.issuer,
            manifest: &manifest,
        };
        Ok(by.seal(message, SealTo::new(device, env, now)?, rng)?)
    }

    /// Numbers of messages of `sender` that have not come, though later ones have.
    pub fn missing(&self, sender: DeviceAddress) -> Vec<u64> {
        let gaps = self.sequences.get(&sender).map_or(&[][..], |tracker| tracker.parts().2);
        gaps.iter().flat_map(|gap| gap.from..=gap.to).collect()
    }

    /// Everything that a refused message must not change: only ever compared, never shown.
    pub fn state(&self) -> Vec<Vec<u8>> {
        let sessions = self.sessions.values().map(|session| session.to_bytes().to_vec());
        sessions.chain(self.digests.keys().map(|key| key.to_bytes().to_vec())).collect()
    }
}

/// What is sent on a session.
#[derive(Clone, Copy)]
pub enum Message<'a> {
    /// Something for a person or an app.
    Content(&'a content::Outgoing),
    /// Nothing but the sign that this device has the key (B7.4).
    Acknowledgement,
}

/// A bundle that passed, and the pin that it leads to.
pub struct Verified {
    /// To make a session from.
    pub bundle: PrekeyBundle,
    pin: ManifestPin,
}

fn no_session(step: &'static str) -> DemoError {
    DemoError::Protocol { step, reason: "there is no session with this device".to_owned() }
}
