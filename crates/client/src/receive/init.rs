//! A first message: `docs/protocol.md` B4.5, and where its session stands: B12.2, B12.3.

use carevow_core::SessionId;
use carevow_core::Timestamp;
use carevow_core::envelope::AuthenticatedEnvelope;
use carevow_core::errors::DecryptError;
use carevow_core::handshake::{Accepted, Generation, InitMessage, Recipient};
use carevow_core::limits::COLD_SESSIONS_PER_DAY;
use carevow_core::placement::{
    Answer, Arrival, Origin, ResendTrigger, SessionSummary, Visibility, Window, answer_to_low, visibility,
};
use carevow_core::prekey::Rotation;
use rand_core::TryCryptoRng;

use super::{Outcome, Why, failed};
use crate::contact::{Contact, Standing};
use crate::error::ClientError;
use crate::event::Event;
use crate::peer::Peer;
use crate::turn::Turn;
use crate::work::Work;

impl<R: TryCryptoRng> Turn<'_, '_, R> {
    pub(super) fn init(
        &mut self,
        envelope: &AuthenticatedEnvelope,
        contact: Contact,
        received: Timestamp,
        bytes: &[u8],
    ) -> Result<Outcome, ClientError> {
        let now = self.now.wall;
        let init = match envelope.init() {
            Ok(init) => init,
            Err(error) => return self.unreadable(envelope, &contact, error),
        };
        let sid = init.header().sid();
        // Step 3: a session that is here takes the message itself.
        if let Some(session) = self.session(&sid)? {
            return match session.decrypt(init.message(), now) {
                Ok((opened, next)) => {
                    let next = next.with_certificate_seen(envelope.certificate.validity.until);
                    self.opened(&opened, next, received)
                }
                Err(DecryptError::Duplicate) => Ok(Outcome::Duplicate),
                Err(error) => self.unreadable(envelope, &contact, error),
            };
        }
        // Step 4, and the rates (B16).
        let full = self.own.seen.rotation() == Rotation::SeenSetFull && !init.header().grade().uses_one_time_key();
        if full || self.own.seen.check(&sid).is_err() {
            return self.unreadable(envelope, &contact, DecryptError::DecryptFailed);
        }
        let mut contact = contact;
        let own_account = contact.account == self.own.address().account;
        match contact.new_sids.count(now) {
            Ok(counted) => contact.new_sids = counted,
            Err(_) => return Ok(failed(DecryptError::LimitExceeded)),
        }
        match self.own.new_sids.count(now) {
            Ok(counted) => self.own.new_sids = counted,
            Err(_) => return Ok(Outcome::NotNow),
        }
        let address = envelope.certificate.device.address;
        let peer = self.peer(address)?;
        let Some(accepted) = self.accept(envelope, &init, &peer)? else {
            // What fails counts too, or its sender could keep this device busy.
            if contact.pin.is_some() {
                self.put_contact(&contact)?;
            }
            return self.unreadable(envelope, &contact, DecryptError::DecryptFailed);
        };

        let summary = SessionSummary {
            sid,
            generation: accepted.session.generation().as_u32(),
            origin: Origin::Theirs,
            created_at: now,
        };
        let before = &peer.sessions;
        let arrival = Arrival { session: summary, position: before.place(summary, now).position, at: now };
        let notice = peer.announced.filter(|(announced, _)| *announced == sid).map(|(_, at)| at);
        let seen = visibility(before, &arrival, notice, now);
        let mut peer = peer;
        if matches!(seen, Visibility::Cold | Visibility::Undecided(_)) {
            match peer.cold.count(COLD_SESSIONS_PER_DAY, now) {
                Ok(counted) => peer.cold = counted,
                Err(exceeded) => {
                    self.schedule(Work::RetryHeld, exceeded.until)?;
                    return self.hold(Why::ColdSessions, received, bytes);
                }
            }
        }

        if contact.pin.is_none() {
            if own_account {
                return Err(ClientError::Internal);
            }
            if contact.standing == Standing::Request {
                self.events.push(Event::ContactRequest(contact.account));
            }
        }
        self.adopt(&mut contact, envelope.pin.clone(), envelope.events.clone())?;
        self.distribute(&contact)?;
        // What the manifest changed may have closed this very device's sessions: it is placed among those that are left.
        let mut peer = Peer { cold: peer.cold, ..self.peer(address)? };
        let placement = peer.sessions.place(summary, now);
        self.prekeys_used(init.header())?;
        peer.sessions = placement.next;
        placement.dropped.iter().for_each(|sid| self.drop_session(*sid));
        if placement.position == carevow_core::placement::Position::Active {
            peer.tally = carevow_core::placement::AcknowledgementTally::NEW;
        }
        match seen {
            Visibility::Undecided(until) => {
                // One that is still open is told now rather than forgotten.
                if peer.undecided.is_some() {
                    self.events.push(Event::SessionReset(address));
                }
                peer.undecided = Some((sid, until));
                self.schedule(Work::Settle(address), until.plus(1))?;
            }
            Visibility::Cold => self.events.push(Event::SessionReset(address)),
            Visibility::First | Visibility::Crossed | Visibility::Warm => {}
        }
        self.events.push(Event::SessionBegan { device: address, grade: accepted.grade });
        self.answer_low(&mut peer, placement.position, seen, &contact)?;
        self.put_peer(&peer)?;
        let session = accepted.session.with_certificate_seen(envelope.certificate.validity.until);
        let outcome = self.opened(&accepted.opened, session, received)?;
        if matches!(seen, Visibility::Cold | Visibility::Undecided(_)) {
            self.resend(&contact, address, ResendTrigger::ColdInit)?;
        }
        self.pump(contact.account)?;
        Ok(outcome)
    }

    /// Steps 1, 2, 5 and 6; `None` if any of them fails.
    fn accept(
        &mut self,
        envelope: &AuthenticatedEnvelope,
        init: &InitMessage<'_>,
        peer: &Peer,
    ) -> Result<Option<Accepted>, ClientError> {
        let Some(prekeys) = self.named_prekeys(init.header())? else { return Ok(None) };
        let me = Recipient { device: &self.own.device, previous_aiks: &[] };
        let highest = peer.sessions.next_generation().and_then(|next| Generation::new(next.saturating_sub(1)));
        let accepted = init.accept(me, envelope.initiator(highest), prekeys.as_responder(), self.now.wall);
        Ok(accepted.ok())
    }

    /// A device that has lost its count gets the session that counts (B12.3).
    fn answer_low(
        &mut self,
        peer: &mut Peer,
        position: carevow_core::placement::Position,
        seen: Visibility,
        contact: &Contact,
    ) -> Result<(), ClientError> {
        let answer = answer_to_low(&peer.sessions, position, seen, contact.standing.conversation());
        let at = Window::REPLY.draw(self.tx.rng())?.after(self.now.wall);
        match answer {
            None => Ok(()),
            Some(Answer::ActiveInit) => {
                self.owe_device(peer.address, &[], 0)?;
                self.schedule(Work::Submit(contact.account), at)
            }
            Some(Answer::NewInit) => {
                peer.refresh = true;
                peer.bundle_after = peer.bundle_after.max(at);
                self.schedule(Work::FetchBundles(contact.account), at)
            }
        }
    }

    /// Ten minutes after a session came: whether it was announced (B12.3).
    pub(crate) fn settle(&mut self, address: carevow_core::DeviceAddress) -> Result<(), ClientError> {
        let mut peer = self.peer(address)?;
        let Some((sid, until)) = peer.undecided else { return Ok(()) };
        if self.now.wall <= until {
            return self.schedule(Work::Settle(address), until.plus(1));
        }
        let announced = |(announced, at): (SessionId, Timestamp)| announced == sid && at <= until;
        if !peer.announced.is_some_and(announced) {
            self.events.push(Event::SessionReset(address));
        }
        peer.undecided = None;
        self.put_peer(&peer)
    }
}
