//! Envelopes as they arrive, in the order of `docs/protocol.md` B7.2, B4.5, B6 and B9. A refusal changes nothing but
//! the list of envelope ids.

mod change;
mod content;
mod control;
mod held;
mod init;
mod message;
mod receipt;
mod resend;

use carevow_core::content::ContentRejected;
use carevow_core::envelope::{
    AuthenticatedEnvelope, Envelope, Inner, Judged, LiveEnvelopeKey, Pinned, SealedEnvelope, WhyHeld, envelope_id,
    open_on,
};
use carevow_core::errors::DecryptError;
use carevow_core::handshake::Recipient;
use carevow_core::identity::JudgedAt;
use carevow_core::limits::{ENVELOPE_ID_AGE_MS, ENVELOPE_IDS};
use carevow_core::placement::{
    AcceptedMessage, AuthenticatedFailure, EnvelopeSeen, FailureCause, OpenedOn, SenderStanding, Window, retry_request,
};
use carevow_core::ratchet::{Opened, Session, SessionMessage};
use carevow_core::{DeviceAddress, Timestamp};
use carevow_store::Sealing;
use rand_core::TryCryptoRng;

use crate::contact::{Contact, Standing};
use crate::error::ClientError;
use crate::event::Event;
use crate::tables::{ENVELOPE_LOG, ENVELOPES};
use crate::turn::Turn;
use crate::work::Work;
pub(crate) use change::ChangeOf;
pub(crate) use held::Why;

/// What came of an envelope.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It was taken, and what it brought is durable.
    Accepted,
    /// It was taken before.
    Duplicate,
    /// It is kept, and judged again when what it lacks is here.
    Held,
    /// It cannot be opened. Nothing has changed.
    Failed(DecryptError),
    /// It opened, and what it says breaks a rule.
    Rejected(ContentRejected),
    /// Not now: it stays in the mailbox, and is fetched again.
    NotNow,
}

impl Outcome {
    /// Whether the relay may forget the envelope.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::NotNow)
    }
}

impl<R: TryCryptoRng> Turn<'_, '_, R> {
    /// Takes one envelope that the service received at `received`.
    pub(crate) fn receive(&mut self, received: Timestamp, bytes: &[u8]) -> Result<Outcome, ClientError> {
        if self.own.registering {
            return Ok(Outcome::NotNow);
        }
        match Envelope::parse(bytes) {
            Err(error) => Ok(Outcome::Failed(error)),
            Ok(Envelope::Session(message)) => self.bare(&message, received),
            Ok(Envelope::Sealed(sealed)) => self.sealed_envelope(&sealed, received, bytes),
        }
    }

    fn bare(&mut self, message: &SessionMessage<'_>, received: Timestamp) -> Result<Outcome, ClientError> {
        let now = self.now.wall;
        let opened = open_on(message, self.all_sessions()?, now)
            .and_then(|matched| matched.session.decrypt_opened(message, matched.header, now));
        match opened {
            Ok((opened, next)) => self.opened(&opened, next, received),
            Err(error) => Ok(failed(error)),
        }
    }

    fn sealed_envelope(
        &mut self,
        sealed: &SealedEnvelope<'_>,
        received: Timestamp,
        bytes: &[u8],
    ) -> Result<Outcome, ClientError> {
        let (id, now) = (envelope_id(bytes), self.now.wall);
        if self.tx.get(ENVELOPES, &id, Sealing::System)?.is_some() {
            return Ok(Outcome::Duplicate);
        }
        let keys = self.envelope_keys()?;
        let live: Vec<_> =
            keys.iter().filter_map(|(prekey, replaced)| LiveEnvelopeKey::new(prekey, *replaced, now)).collect();
        let me = Recipient { device: &self.own.device, previous_aiks: &[] };
        let tagged = match sealed.open(me, &live, &self.own.trust) {
            Ok(tagged) => tagged,
            Err(error) => return Ok(Outcome::Failed(error)),
        };
        let account = tagged.sender().address.account;
        let contact = self.contact(account)?;
        let pinned = contact.as_ref().and_then(|contact| contact.pin.as_ref());
        let pinned = pinned.map_or(Pinned::Stranger, Pinned::Contact);
        let judged = tagged.judge(JudgedAt::Received { server: received, local: now }, &self.own.trust, pinned);
        let contact = contact.unwrap_or_else(|| Contact::new(account, Standing::Request));
        let outcome = match judged {
            Err(error) => failed(error),
            Ok(Judged::Held(why, pin)) => {
                let mut contact = contact;
                let news = pin.as_deref() != contact.pin.as_ref();
                if let Some(pin) = pin {
                    contact.pin = Some(*pin);
                    self.put_contact(&contact)?;
                }
                match why {
                    WhyHeld::ClockSkew => self.events.push(Event::ClockSkew),
                    WhyHeld::IdentityChanged if news => self.events.push(Event::IdentityChanged(account)),
                    WhyHeld::IdentityChanged => {}
                    // At a random time: the service must not see who wrote.
                    WhyHeld::ManifestMissing if contact.standing == Standing::Established => {
                        let at = Window::ACKNOWLEDGEMENT.draw(self.tx.rng())?.after(now);
                        self.schedule(Work::FetchManifest(account), at)?;
                    }
                    WhyHeld::ManifestMissing => {}
                    WhyHeld::RevocationsMissing => self.schedule(Work::FetchRevocations, now)?,
                }
                return self.hold(why.into(), received, bytes);
            }
            Ok(Judged::Forked) => {
                self.events.push(Event::ManifestFork(account));
                Outcome::Failed(DecryptError::DecryptFailed)
            }
            Ok(Judged::Delivered(_)) if contact.standing == Standing::Blocked => {
                Outcome::Failed(DecryptError::DecryptFailed)
            }
            Ok(Judged::Delivered(envelope)) => match self.authenticated(&envelope, contact, received, bytes)? {
                Outcome::Held => return Ok(Outcome::Held),
                Outcome::NotNow => return Ok(Outcome::NotNow),
                outcome => outcome,
            },
        };
        // Its tag verified: it is not taken a second time.
        self.remember_envelope(&id)?;
        Ok(outcome)
    }

    fn authenticated(
        &mut self,
        envelope: &AuthenticatedEnvelope,
        contact: Contact,
        received: Timestamp,
        bytes: &[u8],
    ) -> Result<Outcome, ClientError> {
        let now = self.now.wall;
        let opened = match &envelope.inner {
            Inner::Init(_) => return self.init(envelope, contact, received, bytes),
            Inner::Session(_) => {
                let sessions = self.all_sessions()?;
                envelope.session_message().and_then(|message| {
                    let matched = envelope.open_on(&message, sessions, now)?;
                    matched.session.decrypt_opened(&message, matched.header, now)
                })
            }
        };
        match opened {
            Ok((opened, next)) => {
                let next = next.with_certificate_seen(envelope.certificate.validity.until);
                self.opened(&opened, next, received)
            }
            Err(DecryptError::Duplicate) => Ok(Outcome::Duplicate),
            Err(error) => self.unreadable(envelope, &contact, error),
        }
    }

    /// An authentic envelope that could not be read: its sender is asked, at a random time, for what is not
    /// acknowledged (B7.2).
    fn unreadable(
        &mut self,
        envelope: &AuthenticatedEnvelope,
        contact: &Contact,
        error: DecryptError,
    ) -> Result<Outcome, ClientError> {
        let address = envelope.certificate.device.address;
        let mut peer = self.peer(address)?;
        let failure = AuthenticatedFailure {
            cause: FailureCause::Inner,
            envelope: EnvelopeSeen::New,
            sender: match contact.pin.is_some() && contact.standing == Standing::Established {
                true => SenderStanding::Pinned,
                false => SenderStanding::Stranger,
            },
            valid_from: envelope.certificate.validity.from,
            valid_until: envelope.certificate.validity.until,
        };
        let delay = Window::REPLY.draw(self.tx.rng())?;
        if let Some((at, counted)) = retry_request(&failure, &peer.retries, delay, self.now.wall) {
            peer.retries = counted;
            self.put_peer(&peer)?;
            let failed = envelope.init().ok().map(|init| init.header().sid());
            self.ask_again(contact.account, &mut peer, failed, at)?;
        }
        Ok(failed(error))
    }

    /// A message opened: its session moves on, and what it says is judged.
    fn opened(&mut self, opened: &Opened, session: Session, received: Timestamp) -> Result<Outcome, ClientError> {
        let now = self.now.wall;
        let (sid, address) = (session.sid(), session.peer().device.address);
        self.put_session(session);
        let mut contact = self.contact(address.account)?.ok_or(ClientError::CORRUPTED)?;
        let mut peer = self.peer(address)?;
        peer.sessions = peer.sessions.confirmed(&sid, now);
        let on = peer.sessions.opened(&sid, now).ok_or(ClientError::CORRUPTED)?;
        match on {
            OpenedOn::Active => {}
            OpenedOn::Stale => self.events.push(Event::StaleSession(address)),
            OpenedOn::StaleLate => {
                self.events.push(Event::StaleSession(address));
                self.events.push(Event::PossibleClone(address));
            }
        }
        contact.traffic.contents_since_arrival = 0;
        contact.traffic.last_arrival = Some(now);
        self.put_contact(&contact)?;
        self.put_peer(&peer)?;
        // The session goes on, and nothing of what a blocked account says is looked at.
        if contact.standing == Standing::Blocked {
            return Ok(Outcome::Accepted);
        }
        let (accepted, outcome) = match opened {
            Opened::Empty => (AcceptedMessage::Nothing, Outcome::Accepted),
            Opened::Content(_) => self.content(&contact, address, &sid, opened.content(), received)?,
        };
        self.accepted(address, on, accepted)?;
        Ok(outcome)
    }

    /// What is due on the session, now that it brought something (B7.4).
    fn accepted(&mut self, address: DeviceAddress, on: OpenedOn, message: AcceptedMessage) -> Result<(), ClientError> {
        let now = self.now.wall;
        let mut peer = self.peer(address)?;
        let before = peer.tally.due_since();
        peer.tally = match on {
            OpenedOn::Active => peer.tally.accepted(message, now),
            OpenedOn::Stale | OpenedOn::StaleLate => peer.tally.archived_accepted(message, now),
        };
        let due = peer.tally.due_since().filter(|due| before.is_none_or(|before| *due < before));
        self.put_peer(&peer)?;
        let Some(due) = due else { return Ok(()) };
        let window = match address.account == self.own.address().account {
            true => carevow_core::placement::Peer::OwnAccount.window(),
            false => carevow_core::placement::Peer::Contact.window(),
        };
        let at = window.draw(self.tx.rng())?.after(due);
        self.schedule(Work::Acknowledge(address), at)
    }

    /// Ids are kept for 48 h, and 50 000 at most.
    fn remember_envelope(&mut self, id: &[u8; 32]) -> Result<(), ClientError> {
        let now = self.now.wall.as_millis().to_be_bytes();
        self.tx.put(ENVELOPES, id, None, Sealing::System, &now)?;
        self.tx.append(ENVELOPE_LOG, Sealing::System, &[now.as_slice(), id].concat())?;
        let bounds = self.tx.bounds(ENVELOPE_LOG)?;
        // Two go for one that comes, so that a backlog gets shorter, and no turn has much to do.
        let oldest = self.tx.items(ENVELOPE_LOG, Sealing::System, bounds.start..bounds.start.saturating_add(2))?;
        let count = bounds.end.saturating_sub(bounds.start);
        let mut first = bounds.start;
        for (item, left) in oldest.iter().zip((0..=count).rev()) {
            let value = item.value.as_ref().ok_or(ClientError::CORRUPTED)?;
            let (at, id) = value.split_first_chunk::<8>().ok_or(ClientError::CORRUPTED)?;
            let at = Timestamp::from_millis(u64::from_be_bytes(*at));
            let too_many = usize::try_from(left).is_ok_and(|left| left > ENVELOPE_IDS);
            if !too_many && self.now.wall.since(at) < ENVELOPE_ID_AGE_MS {
                break;
            }
            self.tx.delete(ENVELOPES, id, None)?;
            first = item.number.saturating_add(1);
        }
        Ok(self.tx.trim(ENVELOPE_LOG, first)?)
    }
}

const fn failed(error: DecryptError) -> Outcome {
    match error {
        DecryptError::Duplicate => Outcome::Duplicate,
        error => Outcome::Failed(error),
    }
}
