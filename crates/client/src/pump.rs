//! From what devices are owed to envelopes: `docs/protocol.md` B7.1, B7.2 and B12. What is encrypted here is durable,
//! with the state that made it, before anything leaves.

use carevow_core::content::{Body, Control, Draft, Retention, SenderInfo, pair_id};
use carevow_core::limits::SENDER_INFO_AGE_MS;
use carevow_core::placement::{
    AcknowledgementTally, EnvRecord, EnvelopeForm, InitAik, Outgoing as Form, SendDecision, SendingChain,
    SessionTraffic, before_send, envelope_form,
};
use carevow_core::prekey::verify_envelope_record;
use carevow_core::ratchet::{Outgoing, SendOptions, Session};
use carevow_core::{AccountId, ConversationId, DeviceAddress, MessageId, SessionId};
use carevow_store::Sealing;
use prost::Message as _;
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use crate::contact::{Contact, Standing};
use crate::error::ClientError;
use crate::peer::Peer;
use crate::records::{self, FORMAT};
use crate::tables::{owed, owed_to_account, submissions};
use crate::turn::Turn;
use crate::work::Work;

/// A content on its way to one device.
struct Item {
    bytes: Zeroizing<Vec<u8>>,
    minimum_body: usize,
    form: Form,
    /// Whether it counts as one that awaits an answer.
    counts: bool,
    message: Option<(MessageId, ConversationId)>,
}

/// What came of encrypting.
enum Encrypted {
    /// Ready to be submitted, in this order.
    Parts(Vec<records::Part>),
    /// Not without a bundle.
    NeedsBundle,
}

impl<R: TryCryptoRng> Turn<'_, '_, R> {
    /// Encrypts what the devices of an account are owed, as far as there are sessions, and asks for the bundles of the
    /// others.
    pub(crate) fn pump(&mut self, account: AccountId) -> Result<(), ClientError> {
        let now = self.now.wall;
        let Some(mut contact) = self.contact(account)? else { return Ok(()) };
        if self.own.registering || contact.standing == Standing::Blocked || contact.is_held_up() {
            return Ok(());
        }
        if contact.pin.is_none() {
            // Nothing is asked about an account that there is nothing to send to.
            let waits = !self.tx.bounds(owed_to_account(&account))?.is_empty();
            return match (waits, contact.candidates.is_empty()) {
                (false, _) => Ok(()),
                (true, true) => self.schedule(Work::FetchManifest(account), now),
                (true, false) => self.schedule(Work::FetchBundles(account), now),
            };
        }
        let mut submission = records::Submission { format: FORMAT, ..records::Submission::default() };
        let mut bundle_at = None;
        for address in contact.devices(self.own.address()) {
            let key = address.to_bytes();
            let mut peer = self.peer(address)?;
            if peer.wants_bundle() {
                bundle_at = bundle_at.into_iter().chain([peer.bundle_after]).min();
            }
            let bounds = self.tx.bounds(owed(&key))?;
            if bounds.is_empty() {
                continue;
            }
            let mut done = bounds.start;
            for item in self.tx.items(owed(&key), Sealing::System, bounds)? {
                let Some(content) = self.owed_item(item.value.as_ref().map(|value| value.as_slice()))? else {
                    done = item.number.saturating_add(1);
                    continue;
                };
                match self.encrypt(&mut contact, &mut peer, &content)? {
                    Encrypted::Parts(parts) => {
                        submission.parts.extend(parts);
                        let named = content.message.map(|(message, conversation)| {
                            [message.as_bytes().as_slice(), conversation.as_bytes()].concat()
                        });
                        submission.messages.extend(named.filter(|named| !submission.messages.contains(named)));
                        done = item.number.saturating_add(1);
                    }
                    Encrypted::NeedsBundle => {
                        bundle_at = bundle_at.into_iter().chain([peer.bundle_after]).min();
                        break;
                    }
                }
            }
            if peer.wants_bundle() {
                bundle_at = bundle_at.into_iter().chain([peer.bundle_after]).min();
            }
            self.put_peer(&peer)?;
            self.tx.trim(owed(&key), done)?;
        }
        self.put_contact(&contact)?;
        if !submission.parts.is_empty() {
            self.tx.append(submissions(&account), Sealing::System, &submission.encode_to_vec())?;
        }
        if !self.tx.bounds(submissions(&account))?.is_empty() {
            self.schedule(Work::Submit(account), now)?;
        }
        match bundle_at {
            Some(at) => self.schedule(Work::FetchBundles(account), at.max(now)),
            None => Ok(()),
        }
    }

    /// What an item says; `None` if it is not needed any more.
    fn owed_item(&mut self, bytes: Option<&[u8]>) -> Result<Option<Item>, ClientError> {
        let Some(bytes) = bytes else { return Ok(None) };
        let stored: records::Owed = records::read(bytes)?;
        let minimum_body = usize::try_from(stored.minimum_body).map_err(|_| ClientError::CORRUPTED)?;
        if stored.message.is_empty() {
            let form = if stored.content.is_empty() { Form::Empty } else { Form::Content };
            let bytes = Zeroizing::new(stored.content);
            return Ok(Some(Item { bytes, minimum_body, form, counts: stored.copy, message: None }));
        }
        let message = MessageId::from_slice(&stored.message).ok_or(ClientError::CORRUPTED)?;
        let conversation = ConversationId::from_slice(&stored.conversation).ok_or(ClientError::CORRUPTED)?;
        let Some(outbox) = self.outbox(message, conversation)? else { return Ok(None) };
        let bytes = Zeroizing::new(outbox.content);
        let message = Some((message, conversation));
        Ok(Some(Item { bytes, minimum_body, form: Form::Content, counts: true, message }))
    }

    /// One content for one device, on its active session; before it, if it travels bare, what B7.1 demands.
    fn encrypt(&mut self, contact: &mut Contact, peer: &mut Peer, item: &Item) -> Result<Encrypted, ClientError> {
        let now = self.now.wall;
        let listed = contact.pin.as_ref().and_then(|pin| pin.device(peer.address.device));
        let Some(device) = listed.map(|listed| listed.device).filter(|device| device.address == peer.address) else {
            return Err(ClientError::Internal);
        };
        let Some(active) = peer.sessions.active().copied() else { return Ok(Encrypted::NeedsBundle) };
        let Some(session) = self.session(&active.sid)? else {
            // A session that is gone is closed, and holds up nothing else.
            peer.sessions = peer.sessions.closed(&active.sid);
            return Ok(Encrypted::NeedsBundle);
        };
        let unanswered = session.unanswered();
        let chain = SendingChain {
            n: session.sent_in_chain(),
            unanswered: unanswered.count,
            unanswered_since: (unanswered.count > 0).then_some(unanswered.since),
        };
        let traffic = SessionTraffic {
            messages_since_arrival: unanswered.count,
            last_arrival: session.last_progress(),
            archived: peer.tally.archived_arrival(),
        };
        let told_at = session.sender_info_sent_at();
        match before_send(&active, &chain, InitAik::Current, now) {
            SendDecision::Send => {}
            SendDecision::RefreshFirst(_) => peer.refresh = true,
            SendDecision::Refuse(_) => {
                peer.refresh = true;
                return Ok(Encrypted::NeedsBundle);
            }
        }
        let env = peer.env.as_ref().and_then(|env| verify_envelope_record(env, &device, now).ok());
        let known = if env.is_some() { EnvRecord::Valid } else { EnvRecord::Unavailable };
        let form = if active.is_unconfirmed_init() { Form::Init } else { item.form };
        let travels = envelope_form(form, &contact.traffic, &traffic, known, now);
        let mut parts = Vec::new();
        match travels {
            EnvelopeForm::Wait => return Ok(Encrypted::NeedsBundle),
            EnvelopeForm::Session if self.must_introduce(told_at)? => {
                let info = self.sender_info(contact.account)?;
                parts.push(self.one(
                    &active.sid,
                    peer.address,
                    travels,
                    info.bytes(),
                    info.content().minimum_body(),
                )?);
                let session = self.session(&active.sid)?.ok_or(ClientError::Internal)?;
                let told = session.with_sender_info_sent(now);
                self.put_session(told);
            }
            EnvelopeForm::Session | EnvelopeForm::Sealed => {}
        }
        parts.push(self.one(&active.sid, peer.address, travels, &item.bytes, item.minimum_body)?);
        peer.tally = AcknowledgementTally::SENT;
        if item.counts {
            contact.traffic.contents_since_arrival = contact.traffic.contents_since_arrival.saturating_add(1);
        }
        Ok(Encrypted::Parts(parts))
    }

    /// One message on one session, to be submitted.
    pub(crate) fn one(
        &mut self,
        sid: &SessionId,
        to: DeviceAddress,
        travels: EnvelopeForm,
        content: &[u8],
        minimum_body: usize,
    ) -> Result<records::Part, ClientError> {
        let now = self.now.wall;
        let options = SendOptions { minimum_body, ..SendOptions::CLINICAL };
        self.session(sid)?.ok_or(ClientError::CORRUPTED)?;
        let (outgoing, next) = self.with_session(sid, |session, rng| session.encrypt(content, options, now, rng))??;
        self.put_session(next);
        let form = match (&outgoing, travels) {
            // An INIT never travels bare.
            (Outgoing::Init(_), _) => AS_INIT,
            (Outgoing::Session(_), EnvelopeForm::Sealed) => SEALED,
            (Outgoing::Session(_), EnvelopeForm::Session | EnvelopeForm::Wait) => BARE,
        };
        Ok(records::Part { device: to.to_bytes().to_vec(), form, message: outgoing.as_bytes().to_vec() })
    }

    /// Whether a bare message needs a `SenderInfo` before it: none was sent on the session, or not within 7 d, or not
    /// since this device's ENV record was replaced (B7.1).
    fn must_introduce(&mut self, told_at: carevow_core::Timestamp) -> Result<bool, ClientError> {
        let old = told_at == carevow_core::Timestamp::default() || self.now.wall.since(told_at) >= SENDER_INFO_AGE_MS;
        let newer = self.own.manifest.issued_at() > told_at;
        Ok(old || newer || self.envelope_key_made_at()?.is_some_and(|made| made > told_at))
    }

    pub(crate) fn sender_info(&mut self, to: AccountId) -> Result<carevow_core::content::Outgoing, ClientError> {
        let env = self.own_envelope_record()?;
        let certificates = self.own.certificates.clone().ok_or(ClientError::Internal)?;
        let info = SenderInfo {
            device_cert: certificates.device,
            issuer_cert: certificates.issuer,
            manifest: Some(self.own.manifest.to_signed()),
            env,
        };
        self.control(to, Control::SenderInfo(Box::new(info)))
    }

    /// A content from device to device.
    pub(crate) fn control(
        &mut self,
        to: AccountId,
        control: Control,
    ) -> Result<carevow_core::content::Outgoing, ClientError> {
        self.automatic(to, Body::Control(control))
    }

    /// A content that the user does not see.
    pub(crate) fn automatic(
        &mut self,
        to: AccountId,
        body: Body,
    ) -> Result<carevow_core::content::Outgoing, ClientError> {
        let conversation = pair_id(&self.own.address().account, &to);
        let sent_at = self.now.wall;
        let draft = Draft { conversation, group: None, sent_at, retention: Retention::default(), seq: 0, body };
        Ok(draft.build(self.tx.rng())?)
    }

    /// Owes a device a content that is in no outbox; an empty one is an acknowledgement.
    pub(crate) fn owe_device(&mut self, to: DeviceAddress, content: &[u8], minimum: usize) -> Result<(), ClientError> {
        let item = records::Owed {
            format: FORMAT,
            content: content.to_vec(),
            minimum_body: u32::try_from(minimum).map_err(|_| ClientError::Internal)?,
            ..records::Owed::default()
        };
        self.tx.append(owed(&to.to_bytes()), Sealing::System, &item.encode_to_vec())?;
        Ok(())
    }

    /// A session and the source of randomness at one time.
    fn with_session<T>(&mut self, sid: &SessionId, work: impl FnOnce(&Session, &mut R) -> T) -> Result<T, ClientError> {
        let (session, rng) = self.session_and_rng(sid);
        Ok(work(session.ok_or(ClientError::CORRUPTED)?, rng))
    }
}

/// Forms of a part.
pub(crate) const BARE: u32 = 0;
pub(crate) const SEALED: u32 = 1;
pub(crate) const AS_INIT: u32 = 2;
