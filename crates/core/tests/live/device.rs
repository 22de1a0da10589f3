//! A device in Rust: what a client does with the core, as far as one peer needs it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use carevow_core::envelope::{
    AuthenticatedEnvelope, Envelope, Inner, Judged, LiveEnvelopeKey, Pinned, SealTo, SealedBy, SealedEnvelope,
    envelope_id, open_on,
};
use carevow_core::errors::DecryptError;
use carevow_core::handshake::{Generation, InitMessage, Recipient, ResponderPrekeys};
use carevow_core::identity::{JudgedAt, ManifestPin};
use carevow_core::ids::SessionId;
use carevow_core::placement::{SeenSet, ServedBy};
use carevow_core::prekey::{BundleTarget, PublishedRecord, UnverifiedBundle, verify_envelope_record};
use carevow_core::primitives::XWingPublicKey;
use carevow_core::ratchet::{Opened, Outgoing, SendOptions, Session, SessionMessage};
use carevow_core::time::Timestamp;
use carevow_core::wire::v1;
use rand_core::TryCryptoRng;

use crate::end::{Delivered, Form};
use crate::person::{Offer, Person};

pub struct Device {
    pub person: Rc<Person>,
    pub peer: Rc<Person>,
    pub sessions: BTreeMap<SessionId, Session>,
    pub env: Option<PublishedRecord<XWingPublicKey>>,
    pin: Option<ManifestPin>,
    seen: SeenSet,
    envelopes: BTreeSet<[u8; 32]>,
    /// The one-time keys were used.
    spent: bool,
}

impl Device {
    pub fn new(person: &Rc<Person>, peer: &Rc<Person>) -> Self {
        Self {
            person: Rc::clone(person),
            peer: Rc::clone(peer),
            sessions: BTreeMap::new(),
            env: None,
            pin: None,
            seen: SeenSet::default(),
            envelopes: BTreeSet::new(),
            spent: false,
        }
    }

    /// The highest generation; of two with one the smaller sid (B12.2).
    pub fn active(&self) -> &Session {
        self.sessions.values().max_by_key(|session| (session.generation(), Reverse(session.sid()))).unwrap()
    }

    fn highest(&self) -> Option<Generation> {
        self.sessions.values().map(Session::generation).max()
    }

    pub fn connect(&mut self, bundle: &[u8], now: Timestamp, rng: &mut impl TryCryptoRng) -> Generation {
        let peer = self.peer.public().address;
        let target = BundleTarget { account: peer.account, device: peer.device, pin: self.pin.as_ref() };
        let verified = UnverifiedBundle::parse(bundle).unwrap().verify(&self.person.trust, &target, now).unwrap();
        let generation = Generation::after(self.highest()).unwrap();
        self.env = Some(verified.bundle.env.clone());
        let session = Session::initiate(&self.person.device, verified.bundle, generation, now, rng).unwrap();
        self.pin = Some(verified.pin);
        self.sessions.insert(session.sid(), session);
        generation
    }

    pub fn learn_env(&mut self, record: &v1::SignedRecord, now: Timestamp) {
        self.env = Some(verify_envelope_record(record, &self.active().peer().device, now).unwrap());
    }

    pub fn encrypt(
        &mut self,
        content: &[u8],
        options: SendOptions,
        now: Timestamp,
        rng: &mut impl TryCryptoRng,
    ) -> Outgoing {
        let (outgoing, next) = self.active().encrypt(content, options, now, rng).unwrap();
        self.sessions.insert(next.sid(), next);
        outgoing
    }

    pub fn seal(&self, message: &Outgoing, now: Timestamp, rng: &mut impl TryCryptoRng) -> Vec<u8> {
        let person = &self.person;
        let manifest = person.manifest.to_signed();
        let by = SealedBy {
            device: &person.device,
            device_cert: &person.device_cert,
            issuer_cert: &person.issuer_cert,
            manifest: &manifest,
        };
        let to = SealTo::new(&self.active().peer().device, self.env.as_ref().unwrap(), now).unwrap();
        by.seal(message, to, rng).unwrap()
    }

    pub fn open(&mut self, envelope: &[u8], now: Timestamp) -> Result<Delivered, DecryptError> {
        match Envelope::parse(envelope)? {
            Envelope::Session(message) => {
                let mut by_use: Vec<_> = self.sessions.values().collect();
                by_use.sort_by_key(|session| Reverse(session.last_progress()));
                let found = open_on(&message, by_use, now)?;
                let (opened, next) = found.session.decrypt_opened(&message, found.header, now)?;
                self.sessions.insert(next.sid(), next);
                Ok(Delivered { content: opened.content().to_vec(), form: Form::Session })
            }
            Envelope::Sealed(sealed) => self.open_sealed(&sealed, envelope_id(envelope), now),
        }
    }

    fn open_sealed(
        &mut self,
        sealed: &SealedEnvelope<'_>,
        id: [u8; 32],
        now: Timestamp,
    ) -> Result<Delivered, DecryptError> {
        if self.envelopes.contains(&id) {
            return Err(DecryptError::Duplicate);
        }
        let (person, me) = (Rc::clone(&self.person), Rc::clone(&self.person));
        let me = Recipient { device: &me.device, previous_aiks: &[] };
        let tagged = sealed.open(me, &[LiveEnvelopeKey::new(&person.env, None, now).unwrap()], &person.trust)?;
        self.envelopes.insert(id);
        let pinned = self.pin.as_ref().map_or(Pinned::Stranger, Pinned::Contact);
        let judged = tagged.judge(JudgedAt::Received { server: now, local: now }, &person.trust, pinned)?;
        let Judged::Delivered(envelope) = judged else { panic!("held or forked") };
        let (opened, next, form) = match &envelope.inner {
            Inner::Init(_) => self.open_init(&envelope, me, now)?,
            Inner::Session(_) => self.open_session(&envelope, now)?,
        };
        let next = next.with_certificate_seen(envelope.certificate.validity.until);
        self.pin = Some(envelope.pin);
        self.sessions.insert(next.sid(), next);
        Ok(Delivered { content: opened.content().to_vec(), form })
    }

    /// B4.5 from step 3 on.
    fn open_init(
        &mut self,
        envelope: &AuthenticatedEnvelope,
        me: Recipient<'_>,
        now: Timestamp,
    ) -> Result<(Opened, Session, Form), DecryptError> {
        let init = envelope.init()?;
        let sid = init.header().sid();
        if let Some(session) = self.sessions.get(&sid) {
            let (opened, next) = session.decrypt(init.message(), now).map_err(sealed_error)?;
            return Ok((opened, next, Form::Init));
        }
        self.seen.check(&sid).map_err(|_| DecryptError::DecryptFailed)?;
        let prekeys = self.prekeys(&init)?;
        let accepted = init.accept(me, envelope.initiator(self.highest()), prekeys, now)?;
        match accepted.grade.uses_one_time_key() {
            true => self.spent = true,
            false => {
                let served_by = ServedBy { signed: self.person.spk.key_id(), last_resort: self.person.kem.key_id() };
                self.seen.insert(sid, served_by).map_err(|_| DecryptError::DecryptFailed)?;
            }
        }
        Ok((accepted.opened, accepted.session, Form::Init))
    }

    fn prekeys(&self, init: &InitMessage<'_>) -> Result<ResponderPrekeys<'_>, DecryptError> {
        let Person { spk, opk, kem, offer, .. } = &*self.person;
        if *offer == Offer::OneTime && self.spent {
            return Err(DecryptError::DecryptFailed);
        }
        Ok(ResponderPrekeys { spk, opk: init.header().opk_id().map(|_| opk), kem })
    }

    /// Active first, then archived.
    fn open_session(
        &self,
        envelope: &AuthenticatedEnvelope,
        now: Timestamp,
    ) -> Result<(Opened, Session, Form), DecryptError> {
        let message: SessionMessage<'_> = envelope.session_message()?;
        let mut in_order: Vec<_> = self.sessions.values().collect();
        in_order.sort_by_key(|session| Reverse(session.generation()));
        let found = envelope.open_on(&message, in_order, now).map_err(sealed_error)?;
        let (opened, next) = found.session.decrypt_opened(&message, found.header, now)?;
        Ok((opened, next, Form::SealedSession))
    }
}

/// Inside a SEALED envelope a header that opens nothing is `DecryptFailed` (B4.5, B7.2).
fn sealed_error(error: DecryptError) -> DecryptError {
    match error {
        DecryptError::NoSession => DecryptError::DecryptFailed,
        other => other,
    }
}
