//! Delivery receipts, given and taken: `docs/protocol.md` B7.4 and B12.5.

use carevow_core::content::{Body, Content, Receipt, Sync, SyncIds, pair_id};
use carevow_core::identity::DeviceKind;
use carevow_core::placement::{Occurrence, ReceiptDecision, ReceiptDelays, Window, receipt};
use carevow_core::{AccountId, ConversationId, DeviceAddress, DeviceId, MessageId, Timestamp};
use carevow_store::{Sealing, StoreError};
use prost::Message as _;
use rand_core::TryCryptoRng;

use crate::contact::Contact;
use crate::error::ClientError;
use crate::event::Event;
use crate::records::{self, FORMAT};
use crate::tables::{DEDUPE, OUTBOX, messages, receipts, unacknowledged};
use crate::turn::Turn;
use crate::work::Work;

/// As many as one receipt names.
const BATCH: usize = 100;

impl<R: TryCryptoRng> Turn<'_, '_, R> {
    /// Has a receipt sent for a message of `from`, when and if this device is the one that does it.
    pub(super) fn owe_receipt(
        &mut self,
        contact: &Contact,
        from: DeviceAddress,
        content: &Content,
        occurrence: Occurrence,
    ) -> Result<(), ClientError> {
        let now = self.now.wall;
        let delays = ReceiptDelays {
            answering: Window::RECEIPT.draw(self.tx.rng())?,
            fallback: Window::RECEIPT_FALLBACK.draw(self.tx.rng())?,
        };
        let me = self.own.address().device;
        let devices: Vec<(DeviceId, DeviceKind)> =
            self.own.manifest.devices().iter().map(|listed| (listed.device.address.device, listed.kind)).collect();
        let decision = receipt(occurrence, contact.standing.conversation(), me, &devices, &delays, now);
        let at = match decision {
            ReceiptDecision::Never => return Ok(()),
            ReceiptDecision::At(at) | ReceiptDecision::UnlessSynced(at) => at,
        };
        let due = records::DueReceipt {
            format: FORMAT,
            conversation: content.conversation().as_bytes().to_vec(),
            message: content.message_id().as_bytes().to_vec(),
            digest: content.digest().to_vec(),
        };
        self.tx.append(receipts(&from.to_bytes()), Sealing::System, &due.encode_to_vec())?;
        self.schedule(Work::SendReceipts(from), at)
    }

    /// Sends what is due to a device: one message for up to a hundred, and the other devices of this account learn of it.
    pub(crate) fn send_receipts(&mut self, to: DeviceAddress) -> Result<(), ClientError> {
        let (key, now) = (to.to_bytes(), self.now.wall);
        let bounds = self.tx.bounds(receipts(&key))?;
        let mut due = Vec::new();
        for value in self.tx.items(receipts(&key), Sealing::System, bounds.clone())?.into_iter().filter_map(|i| i.value)
        {
            let record: records::DueReceipt = records::read(&value)?;
            let message = MessageId::from_slice(&record.message).ok_or(ClientError::CORRUPTED)?;
            let digest = record.digest.as_slice().try_into().map_err(|_| ClientError::CORRUPTED)?;
            if self.mark_receipted(to, message, now)? {
                due.push((message, digest));
            }
        }
        self.tx.trim(receipts(&key), bounds.end)?;
        let contact = self.contact(to.account)?.ok_or(ClientError::CORRUPTED)?;
        let listed = contact.devices(self.own.address()).contains(&to);
        if due.is_empty() || !listed {
            return Ok(());
        }
        for batch in due.chunks(BATCH) {
            let body = Body::Receipt(Receipt::Delivered { messages: batch.to_vec(), at: now });
            let content = self.automatic(to.account, body)?;
            self.owe_device(to, content.bytes(), 0)?;
        }
        let own = self.own.address();
        let others = self.contact(own.account)?.ok_or(ClientError::CORRUPTED)?.devices(own);
        if !others.is_empty() {
            for batch in due.chunks(BATCH) {
                let ids = batch.iter().map(|(message, _)| *message).collect();
                let body = Body::Sync(Sync::Receipted(SyncIds { messages: ids, at: now }));
                let content = self.automatic(own.account, body)?;
                for other in &others {
                    self.owe_device(*other, content.bytes(), 0)?;
                }
            }
            self.pump(own.account)?;
        }
        self.pump(to.account)
    }

    /// Notes that a message was receipted; `false` if it was within the last day.
    fn mark_receipted(&mut self, from: DeviceAddress, message: MessageId, at: Timestamp) -> Result<bool, ClientError> {
        let key = dedupe_key(from.account, from.device, message);
        let stored: Option<records::Dedupe> = self.record(DEDUPE, &key, Sealing::System)?;
        let Some(mut record) = stored else { return Ok(false) };
        let last = Timestamp::from_millis(record.receipted_ms);
        if record.receipted_ms != 0 && at.since(last) < carevow_core::time::DAY_MS {
            return Ok(false);
        }
        record.receipted_ms = at.as_millis();
        self.tx.put(DEDUPE, &key, None, Sealing::System, &record.encode_to_vec())?;
        Ok(true)
    }

    /// Another device of this account sent the receipt.
    pub(super) fn receipted_elsewhere(&mut self, message: MessageId, at: Timestamp) -> Result<(), ClientError> {
        for contact in self.contacts()? {
            for device in contact.devices(self.own.address()) {
                self.mark_receipted(device, message, at)?;
            }
        }
        Ok(())
    }

    /// A receipt for messages of this account.
    pub(super) fn take_receipt(&mut self, from: DeviceAddress, receipt: &Receipt) -> Result<(), ClientError> {
        let own = self.own.address().account;
        let pair = pair_id(&own, &from.account);
        match receipt {
            Receipt::Delivered { messages, .. } => {
                for (message, digest) in messages {
                    let Some((conversation, number)) = self.placed_message(own, *message)? else { continue };
                    if conversation == pair {
                        self.delivered(from.account, *message, conversation, number, digest)?;
                    }
                }
            }
            Receipt::Read { messages, .. } => {
                for message in messages {
                    let Some((conversation, number)) = self.placed_message(own, *message)? else { continue };
                    if conversation == pair && self.mark_read(conversation, number)? {
                        self.events.push(Event::Read { conversation, number });
                    }
                }
            }
        }
        Ok(())
    }

    /// The account has the message, and with these bytes: it leaves the outbox.
    fn delivered(
        &mut self,
        account: AccountId,
        message: MessageId,
        conversation: ConversationId,
        number: u64,
        digest: &[u8; 32],
    ) -> Result<(), ClientError> {
        let Some(outbox) = self.outbox(message, conversation)? else { return Ok(()) };
        let sent = Content::parse(&outbox.content).map_err(|_| ClientError::CORRUPTED)?;
        if sent.digest() != digest {
            return Ok(());
        }
        self.tx.delete(OUTBOX, message.as_bytes(), Some(unacknowledged(&account)))?;
        let now = self.now.wall.as_millis();
        self.change_message(conversation, number, |stored| stored.delivered_ms = now)?;
        self.events.push(Event::Delivered { conversation, number });
        Ok(())
    }

    /// Another device of this account showed the message to the user.
    pub(super) fn read_elsewhere(&mut self, message: MessageId, _at: Timestamp) -> Result<(), ClientError> {
        let own = self.own.address().account;
        for contact in self.contacts()?.into_iter().filter(|contact| contact.account != own) {
            if let Some((conversation, number)) = self.placed_message(contact.account, message)? {
                self.mark_read(conversation, number)?;
            }
        }
        Ok(())
    }

    /// Notes that a message was read; `false` if that was known.
    pub(crate) fn mark_read(&mut self, conversation: ConversationId, number: u64) -> Result<bool, ClientError> {
        let (now, mut news) = (self.now.wall.as_millis(), false);
        self.change_message(conversation, number, |stored| {
            news = stored.read_ms == 0;
            stored.read_ms = if news { now } else { stored.read_ms };
        })?;
        Ok(news)
    }

    pub(crate) fn change_message(
        &mut self,
        conversation: ConversationId,
        number: u64,
        change: impl FnOnce(&mut records::StoredMessage),
    ) -> Result<(), ClientError> {
        let (list, sealing) = (messages(&conversation), Sealing::Conversation(conversation));
        let items = match self.tx.items(list, sealing, number..number.saturating_add(1)) {
            // An erased conversation takes no note.
            Err(StoreError::Erased) => return Ok(()),
            items => items?,
        };
        let Some(value) = items.into_iter().find_map(|item| item.value) else { return Ok(()) };
        let mut stored: records::StoredMessage = records::read(&value)?;
        change(&mut stored);
        Ok(self.tx.replace(list, sealing, number, &stored.encode_to_vec())?)
    }
}

/// As [`DedupeKey::to_bytes`](carevow_core::content::DedupeKey::to_bytes).
fn dedupe_key(account: AccountId, device: DeviceId, message: MessageId) -> Vec<u8> {
    let device = device.as_u32().to_be_bytes();
    [account.as_bytes().as_slice(), &device, message.as_bytes()].concat()
}
