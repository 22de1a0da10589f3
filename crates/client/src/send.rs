//! A message of the user: into the conversation, into the outbox, and owed to every device: `docs/protocol.md` B12.1
//! and B12.5.

use carevow_core::content::{Body, Draft, Retention, pair_id};
use carevow_core::identity::ManifestPin;
use carevow_core::primitives::PublicKey as _;
use carevow_core::{AccountId, ConversationId, DeviceAddress, MessageId};
use carevow_store::Sealing;
use prost::Message as _;
use rand_core::TryCryptoRng;

use crate::contact::{Contact, Standing};
use crate::error::ClientError;
use crate::receive::ChangeOf;
use crate::records::{self, FORMAT};
use crate::tables::{COUNTERS, MESSAGES, OUTBOX, owed, owed_to_account, unacknowledged};
use crate::turn::Turn;

/// Where a message that was sent lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sent {
    /// In which conversation.
    pub conversation: ConversationId,
    /// Its number there.
    pub number: u64,
    /// Its id, the same on every copy.
    pub message: MessageId,
}

impl<R: TryCryptoRng> Turn<'_, '_, R> {
    /// Sends a body that the user sees to a contact. To send is to accept a request.
    pub(crate) fn send(&mut self, to: AccountId, body: Body) -> Result<Sent, ClientError> {
        let mine = self.own.address();
        if to == mine.account || !body.kind().is_user_visible() {
            return Err(ClientError::InvalidInput);
        }
        let mut contact = self.contact(to)?.ok_or(ClientError::NoContact)?;
        match contact.standing {
            Standing::Blocked => return Err(ClientError::Blocked),
            _ if contact.is_held_up() => return Err(ClientError::IdentityChanged),
            Standing::Request => {
                contact.standing = Standing::Established;
                self.put_contact(&contact)?;
            }
            Standing::Established => {}
        }
        let conversation = pair_id(&mine.account, &to);
        let seq = self.next_seq(conversation)?;
        let sent_at = self.now.wall;
        let draft = Draft { conversation, group: None, sent_at, retention: Retention::default(), seq, body };
        let content = draft.build(self.tx.rng())?;
        let copy = content.for_own_devices(Some(to))?;
        let message = content.content().message_id();
        let judged = self.judge_change(mine.account, content.content())?.map_err(ClientError::InvalidMessage)?;
        if matches!(judged, ChangeOf::Awaits | ChangeOf::ToNothing) {
            return Err(ClientError::NoMessage);
        }

        let number = self.store_message(mine, content.content(), content.bytes(), sent_at)?;
        if let ChangeOf::Changes(target, change) = judged {
            self.apply_change(conversation, target, number, change)?;
        }

        let devices = contact.devices(mine);
        let outbox = records::Outbox {
            format: FORMAT,
            content: content.bytes().to_vec(),
            number,
            sent_at_ms: sent_at.as_millis(),
            addressed: devices.iter().map(|device| device.to_bytes().to_vec()).collect(),
            attempts: vec![0; devices.len()],
            aik: contact.pin.as_ref().map_or_else(Vec::new, pinned_aik),
        };
        let family = unacknowledged(&to);
        let sealing = Sealing::Conversation(conversation);
        self.tx.put(OUTBOX, message.as_bytes(), Some(family), sealing, &outbox.encode_to_vec())?;

        let minimum_body = u32::try_from(content.content().minimum_body()).unwrap_or(u32::MAX);
        let item = records::Owed {
            format: FORMAT,
            message: message.as_bytes().to_vec(),
            conversation: conversation.as_bytes().to_vec(),
            copy: false,
            content: Vec::new(),
            minimum_body,
        };
        self.owe(&contact, &devices, &item)?;
        let own = self.contact(mine.account)?.ok_or(ClientError::CORRUPTED)?;
        let others = own.devices(mine);
        if !others.is_empty() {
            // Its bytes lie with it: the contact may acknowledge before that device has a session.
            let item = records::Owed {
                format: FORMAT,
                copy: true,
                content: copy.bytes().to_vec(),
                minimum_body,
                ..records::Owed::default()
            };
            self.owe(&own, &others, &item)?;
            self.pump(mine.account)?;
        }
        self.pump(to)?;
        Ok(Sent { conversation, number, message })
    }

    fn owe(&mut self, contact: &Contact, devices: &[DeviceAddress], item: &records::Owed) -> Result<(), ClientError> {
        let bytes = item.encode_to_vec();
        if contact.pin.is_none() {
            self.tx.append(owed_to_account(&contact.account), Sealing::System, &bytes)?;
        }
        for device in devices {
            self.tx.append(owed(&device.to_bytes()), Sealing::System, &bytes)?;
        }
        Ok(())
    }

    /// The devices of an account are known now: each gets what the account is owed.
    pub(crate) fn distribute(&mut self, contact: &Contact) -> Result<(), ClientError> {
        let list = owed_to_account(&contact.account);
        let bounds = self.tx.bounds(list)?;
        let items = self.tx.items(list, Sealing::System, bounds.clone())?;
        let devices = contact.devices(self.own.address());
        for bytes in items.into_iter().filter_map(|item| item.value) {
            let item: records::Owed = records::read(&bytes)?;
            for device in &devices {
                self.tx.append(owed(&device.to_bytes()), Sealing::System, &bytes)?;
            }
            let (Some(message), Some(conversation)) =
                (MessageId::from_slice(&item.message), ConversationId::from_slice(&item.conversation))
            else {
                continue;
            };
            if let Some(mut outbox) = self.outbox(message, conversation)? {
                outbox.addressed = devices.iter().map(|device| device.to_bytes().to_vec()).collect();
                outbox.attempts = vec![0; devices.len()];
                outbox.aik = contact.pin.as_ref().map_or_else(Vec::new, pinned_aik);
                self.put_outbox(message, conversation, contact.account, &outbox)?;
            }
        }
        Ok(self.tx.trim(list, bounds.end)?)
    }

    /// A content that some account has not acknowledged.
    pub(crate) fn outbox(
        &mut self,
        message: MessageId,
        conversation: ConversationId,
    ) -> Result<Option<records::Outbox>, ClientError> {
        self.record(OUTBOX, message.as_bytes(), Sealing::Conversation(conversation))
    }

    pub(crate) fn put_outbox(
        &mut self,
        message: MessageId,
        conversation: ConversationId,
        account: AccountId,
        outbox: &records::Outbox,
    ) -> Result<(), ClientError> {
        let (family, sealing) = (unacknowledged(&account), Sealing::Conversation(conversation));
        Ok(self.tx.put(OUTBOX, message.as_bytes(), Some(family), sealing, &outbox.encode_to_vec())?)
    }

    /// Notes where a message lies, for receipts, edits and the like.
    pub(crate) fn place_message(
        &mut self,
        sender: DeviceAddress,
        message: MessageId,
        conversation: ConversationId,
        number: u64,
    ) -> Result<(), ClientError> {
        let key = place_key(sender.account, message);
        let value = [conversation.as_bytes().as_slice(), &number.to_be_bytes()].concat();
        Ok(self.tx.put(MESSAGES, &key, None, Sealing::System, &value)?)
    }

    /// Where a message of an account lies.
    pub(crate) fn placed_message(
        &mut self,
        account: AccountId,
        message: MessageId,
    ) -> Result<Option<(ConversationId, u64)>, ClientError> {
        let Some(value) = self.tx.get(MESSAGES, &place_key(account, message), Sealing::System)? else {
            return Ok(None);
        };
        let (conversation, number) = value.split_first_chunk::<16>().ok_or(ClientError::CORRUPTED)?;
        let number = number.try_into().map_err(|_| ClientError::CORRUPTED)?;
        Ok(Some((ConversationId::from_bytes(*conversation), u64::from_be_bytes(number))))
    }

    fn next_seq(&mut self, conversation: ConversationId) -> Result<u64, ClientError> {
        let stored = self.tx.get(COUNTERS, conversation.as_bytes(), Sealing::System)?;
        let last = match stored {
            None => 0,
            Some(bytes) => u64::from_be_bytes(bytes.as_slice().try_into().map_err(|_| ClientError::CORRUPTED)?),
        };
        let next = last.checked_add(1).ok_or(ClientError::Internal)?;
        self.tx.put(COUNTERS, conversation.as_bytes(), None, Sealing::System, &next.to_be_bytes())?;
        Ok(next)
    }
}

fn pinned_aik(pin: &ManifestPin) -> Vec<u8> {
    pin.current().aik().to_tagged()
}

/// `account_id[16] || message_id[16]`: two devices of one account that use one id differ by what is received first.
fn place_key(account: AccountId, message: MessageId) -> Vec<u8> {
    [account.as_bytes().as_slice(), message.as_bytes()].concat()
}
