//! Receiving, as `docs/protocol.md` orders it: B7 for the envelope, B4.5 for a first message, B6 for a later one, B9 for
//! what it says.

use carevow_core::content::{Base, Body, Content, ContentRejected, Repeat, Route, SequenceTracker, Sequenced, repeat};
use carevow_core::envelope::{
    AuthenticatedEnvelope, Envelope, Inner, Judged, LiveEnvelopeKey, Pinned, SealedEnvelope, WhyHeld, envelope_id,
    open_on,
};
use carevow_core::errors::DecryptError;
use carevow_core::handshake::{Grade, Recipient};
use carevow_core::identity::JudgedAt;
use carevow_core::ratchet::{Opened, Session, SessionMessage};
use carevow_core::{DeviceAddress, SessionId, Timestamp};

use super::device::Device;
use super::mailbox::Delivery;

/// A message that opened.
pub struct Received {
    /// Who sent it: proved, not claimed.
    pub from: DeviceAddress,
    /// On which session.
    pub sid: SessionId,
    /// What it says; `None` for an acknowledgement.
    pub content: Option<Content>,
    /// What its number says; `None` for one that is not counted.
    pub sequenced: Option<Sequenced>,
    /// Which prekeys were used, if it began the session.
    pub grade: Option<Grade>,
}

impl Received {
    /// Its text, if it is one.
    pub fn text(&self) -> &str {
        match self.content.as_ref().map(Content::body) {
            Some(Body::Text(text)) => &text.text,
            _ => "",
        }
    }
}

/// Why a message was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// The cryptography says no.
    #[error(transparent)]
    Decrypt(#[from] DecryptError),
    /// It is kept as it came, and judged again later.
    #[error("the message is held: {0:?}")]
    Held(WhyHeld),
    /// A second device list for one place in the account's chain.
    #[error("the sender's account shows two different device lists")]
    Forked,
    /// It opened, and its content breaks a rule.
    #[error(transparent)]
    Content(#[from] ContentRejected),
    /// It opened, and was delivered before under the same id.
    #[error("the message was delivered before")]
    Repeated(Repeat),
}

impl Device {
    /// Takes one envelope. A refused one changes nothing but the list of envelope ids.
    pub fn receive(&mut self, delivery: &Delivery, now: Timestamp) -> Result<Received, Refused> {
        match Envelope::parse(&delivery.bytes)? {
            Envelope::Session(message) => self.bare(&message, now),
            Envelope::Sealed(sealed) => {
                let id = envelope_id(&delivery.bytes);
                match self.envelope_ids.contains(&id) {
                    true => Err(DecryptError::Duplicate.into()),
                    false => self.sealed(&sealed, id, delivery.at, now),
                }
            }
        }
    }

    /// Forgets which envelopes came: what an older copy of its store would do to it.
    pub fn forget_envelopes(&mut self) {
        self.envelope_ids.clear();
    }

    fn bare(&mut self, message: &SessionMessage<'_>, now: Timestamp) -> Result<Received, Refused> {
        let matched = open_on(message, self.sessions.values(), now)?;
        let (opened, next) = matched.session.decrypt_opened(message, matched.header, now)?;
        self.commit(&opened, next, None, now)
    }

    fn sealed(
        &mut self,
        sealed: &SealedEnvelope<'_>,
        id: [u8; 32],
        server: Timestamp,
        now: Timestamp,
    ) -> Result<Received, Refused> {
        let me = Recipient { device: &self.local, previous_aiks: &[] };
        let key = LiveEnvelopeKey::new(&self.prekeys.env, None, now).ok_or(DecryptError::DecryptFailed)?;
        let tagged = sealed.open(me, &[key], &self.trust)?;
        let pinned = self.pins.get(&tagged.sender().address.account).map_or(Pinned::Stranger, Pinned::Contact);
        let judged = tagged.judge(JudgedAt::Received { server, local: now }, &self.trust, pinned);
        // Its tag verified: whatever comes of it, unless it is held, it is not taken a second time.
        if !matches!(judged, Ok(Judged::Held(..))) {
            self.envelope_ids.insert(id);
        }
        match judged? {
            Judged::Delivered(envelope) => self.authenticated(&envelope, now),
            Judged::Held(why, _) => Err(Refused::Held(why)),
            Judged::Forked => Err(Refused::Forked),
        }
    }

    fn authenticated(&mut self, envelope: &AuthenticatedEnvelope, now: Timestamp) -> Result<Received, Refused> {
        if let Inner::Session(_) = envelope.inner {
            let message = envelope.session_message()?;
            let matched = envelope.open_on(&message, self.sessions.values(), now)?;
            let (opened, next) = matched.session.decrypt_opened(&message, matched.header, now)?;
            return self.commit(&opened, next, None, now);
        }
        let init = envelope.init()?;
        let header = init.header();
        let sid = header.sid();
        if let Some(session) = self.sessions.values().find(|session| session.sid() == sid) {
            let (opened, next) = session.decrypt(init.message(), now)?;
            return self.commit(&opened, next, None, now);
        }
        if self.shared_key_sids.contains(&sid) {
            return Err(DecryptError::DecryptFailed.into());
        }
        let me = Recipient { device: &self.local, previous_aiks: &[] };
        let known = self.sessions.get(&envelope.certificate.device.address).map(Session::generation);
        let prekeys = self.prekeys.named(header).ok_or(DecryptError::DecryptFailed)?;
        let accepted = init.accept(me, envelope.initiator(known), prekeys, now)?;
        self.prekeys.delete_used(header);
        if !accepted.grade.uses_one_time_key() {
            self.shared_key_sids.insert(sid);
        }
        self.pins.insert(envelope.certificate.device.address.account, envelope.pin.clone());
        self.commit(&accepted.opened, accepted.session, Some(accepted.grade), now)
    }

    /// The session moves on; then the content is judged.
    fn commit(
        &mut self,
        opened: &Opened,
        session: Session,
        grade: Option<Grade>,
        now: Timestamp,
    ) -> Result<Received, Refused> {
        let (from, sid) = (session.peer().device.address, session.sid());
        self.sessions.insert(from, session);
        if let Opened::Empty = opened {
            return Ok(Received { from, sid, content: None, sequenced: None, grade });
        }
        let content = Content::parse(opened.content())?;
        let (key, digest) = (content.dedupe_key(&from), *content.digest());
        let route = content.route(&self.address().account, &from.account)?;
        let counted = matches!(route, Route::Pair);
        match repeat(self.digests.get(&key), &digest) {
            Repeat::New => {}
            again => return Err(Refused::Repeated(again)),
        }
        self.digests.insert(key, digest);
        let sequenced = content.seq().filter(|_| counted).map(|seq| {
            let tracker = self.sequences.entry(from).or_insert_with(|| SequenceTracker::new(Base::One));
            let (sequenced, next) = tracker.accept(seq, now);
            *tracker = next;
            sequenced
        });
        Ok(Received { from, sid, content: Some(content), sequenced, grade })
    }
}
