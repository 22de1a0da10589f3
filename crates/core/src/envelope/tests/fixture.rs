//! A sender, a recipient and a sealed message.

use zeroize::Zeroizing;

use crate::envelope::{
    AuthenticatedEnvelope, Envelope, Judged, LiveEnvelopeKey, Pinned, SealTo, SealedBy, TaggedEnvelope, WhyHeld,
};
use crate::errors::DecryptError;
use crate::handshake::{Accepted, Generation, InitMessage, Recipient, ResponderPrekeys};
use crate::identity::{JudgedAt, Trust};
use crate::prekey::{PrekeyBundle, PublishedRecord};
use crate::primitives::XWingPublicKey;
use crate::ratchet::{Outgoing, SendOptions, Session};
use crate::testing::{Certificates, Party, Service, at, rng};
use crate::time::Timestamp;

/// Received at its sending time, by a right clock.
pub(super) const NOW: JudgedAt = JudgedAt::Received { server: at(10), local: at(10) };

pub(super) struct World {
    pub(super) alice: Party,
    pub(super) bob: Party,
    pub(super) certificates: Certificates,
    pub(super) bundle: PrekeyBundle,
}

impl World {
    pub(super) fn new() -> Self {
        let (alice, bob) = (Party::new(1), Party::new(2));
        Self { certificates: alice.certificates(at(10)), bundle: bob.verified_bundle(at(10)), alice, bob }
    }

    pub(super) fn trust(&self) -> Trust {
        Service::new().trust()
    }

    pub(super) fn env(&self) -> &PublishedRecord<XWingPublicKey> {
        &self.bundle.env
    }

    pub(super) fn initiated(&self) -> (Outgoing, Session) {
        self.initiated_with(b"hello")
    }

    pub(super) fn initiated_with(&self, content: &[u8]) -> (Outgoing, Session) {
        let device = &self.alice.device;
        let session = Session::initiate(device, self.bundle.clone(), Generation::FIRST, at(10), &mut rng(1)).unwrap();
        session.encrypt(content, SendOptions::CLINICAL, at(10), &mut rng(2)).unwrap()
    }

    /// `message` from Alice to Bob.
    pub(super) fn seal(&self, message: &Outgoing) -> Vec<u8> {
        let manifest = self.alice.manifest.to_signed();
        let by = SealedBy {
            device: &self.alice.device,
            device_cert: &self.certificates.device,
            issuer_cert: &self.certificates.issuer,
            manifest: &manifest,
        };
        by.seal(message, SealTo::new(&self.bundle.device, self.env(), at(10)).unwrap(), &mut rng(3)).unwrap()
    }

    /// `body` from Alice to Bob, tagged as it is.
    pub(super) fn seal_body(&self, body: &[u8]) -> Vec<u8> {
        let manifest = self.alice.manifest.to_signed();
        let by = SealedBy {
            device: &self.alice.device,
            device_cert: &self.certificates.device,
            issuer_cert: &self.certificates.issuer,
            manifest: &manifest,
        };
        let to = SealTo::new(&self.bundle.device, self.env(), at(10)).unwrap();
        by.seal_body(body, to, &Zeroizing::new([9; 64])).unwrap()
    }

    pub(super) fn tagged(&self, envelope: &[u8]) -> Result<TaggedEnvelope, DecryptError> {
        tagged(envelope, &self.bob, &self.trust())
    }

    pub(super) fn judged(&self, envelope: &[u8], at: JudgedAt, pinned: Pinned<'_>) -> Result<Judged, DecryptError> {
        self.tagged(envelope)?.judge(at, &self.trust(), pinned)
    }

    pub(super) fn delivered(&self, envelope: &[u8]) -> Result<AuthenticatedEnvelope, DecryptError> {
        match self.judged(envelope, NOW, Pinned::Stranger)? {
            Judged::Delivered(envelope) => Ok(*envelope),
            Judged::Held(why, _) => panic!("held: {why:?}"),
            Judged::Forked => panic!("forked"),
        }
    }

    pub(super) fn accept(&self, init: &[u8], envelope: &AuthenticatedEnvelope) -> Result<Accepted, DecryptError> {
        let bob = &self.bob;
        let recipient = Recipient { device: &bob.device, previous_aiks: &[] };
        let prekeys = ResponderPrekeys { spk: &bob.spk, opk: Some(&bob.opk), kem: &bob.kem };
        InitMessage::parse(init)?.accept(recipient, envelope.initiator(None), prekeys, at(10))
    }
}

pub(super) fn tagged(envelope: &[u8], by: &Party, trust: &Trust) -> Result<TaggedEnvelope, DecryptError> {
    let Envelope::Sealed(sealed) = Envelope::parse(envelope)? else { panic!("bare") };
    let recipient = Recipient { device: &by.device, previous_aiks: &[] };
    sealed.open(recipient, &[live(by, None, at(10)).unwrap()], trust)
}

pub(super) fn live(party: &Party, replaced: Option<Timestamp>, now: Timestamp) -> Option<LiveEnvelopeKey<'_>> {
    LiveEnvelopeKey::new(&party.env, replaced, now)
}

pub(super) fn held(judged: Judged) -> WhyHeld {
    match judged {
        Judged::Held(why, _) => why,
        Judged::Delivered(_) | Judged::Forked => panic!("not held"),
    }
}
