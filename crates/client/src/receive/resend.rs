//! What a device lost is sent again: `docs/protocol.md` B12.5.

use carevow_core::identity::ManifestPin;
use carevow_core::placement::{AikStanding, ResendFacts, ResendTrigger, may_resend};
use carevow_core::primitives::PublicKey as _;
use carevow_core::{ConversationId, DeviceAddress, MessageId};
use carevow_store::Sealing;
use prost::Message as _;
use rand_core::TryCryptoRng;

use crate::contact::{Contact, Standing};
use crate::error::ClientError;
use crate::records::{self, FORMAT};
use crate::tables::{OUTBOX, owed, unacknowledged};
use crate::turn::Turn;
use crate::work;

impl<R: TryCryptoRng> Turn<'_, '_, R> {
    /// Owes a device all contents that its account has not acknowledged, as far as the conditions of B12.5 hold.
    pub(crate) fn resend(
        &mut self,
        contact: &Contact,
        device: DeviceAddress,
        trigger: ResendTrigger,
    ) -> Result<(), ClientError> {
        let Some(pin) = contact.pin.as_ref() else { return Ok(()) };
        // A device that came with an open gap gets nothing old (B2.3 gap rule 4).
        if !pin.may_get_older(device) {
            return Ok(());
        }
        let conversation = carevow_core::content::pair_id(&self.own.address().account, &contact.account);
        let sealing = Sealing::Conversation(conversation);
        let mut waiting = Vec::new();
        for row in self.tx.family(unacknowledged(&contact.account), sealing)? {
            let message = MessageId::from_slice(&row.key).ok_or(ClientError::CORRUPTED)?;
            let outbox: records::Outbox = records::read(&row.value)?;
            waiting.push((outbox.number, message, outbox));
        }
        waiting.sort_by_key(|(number, ..)| *number);
        let queued = self.queued(device)?;
        for (_, message, mut outbox) in waiting {
            let addressed: Vec<_> = outbox.addressed.iter().filter_map(|bytes| work::address(bytes)).collect();
            let place = addressed.iter().position(|first| first.device == device.device);
            let attempts = place.and_then(|place| outbox.attempts.get(place)).copied().unwrap_or(0);
            let facts = ResendFacts {
                trigger,
                addressed: &addressed,
                device,
                listed: pin.device(device.device).map(|listed| listed.device.address.reg),
                aik: standing(pin, &outbox.aik),
                conversation: match contact.standing {
                    Standing::Established => Ok(()),
                    Standing::Request | Standing::Blocked => Err(carevow_core::placement::ResendRefused::NotMember),
                },
                attempts,
            };
            // What waits for the device anyway is not sent twice.
            if queued.contains(&message) || may_resend(&facts).is_err() {
                continue;
            }
            if let Some(count) = place.and_then(|place| outbox.attempts.get_mut(place)) {
                *count = count.saturating_add(1);
            }
            self.put_again(message, conversation, contact, &outbox, device)?;
        }
        self.pump(contact.account)
    }

    fn put_again(
        &mut self,
        message: MessageId,
        conversation: ConversationId,
        contact: &Contact,
        outbox: &records::Outbox,
        device: DeviceAddress,
    ) -> Result<(), ClientError> {
        let (family, sealing) = (unacknowledged(&contact.account), Sealing::Conversation(conversation));
        self.tx.put(OUTBOX, message.as_bytes(), Some(family), sealing, &outbox.encode_to_vec())?;
        let item = records::Owed {
            format: FORMAT,
            message: message.as_bytes().to_vec(),
            conversation: conversation.as_bytes().to_vec(),
            ..records::Owed::default()
        };
        self.tx.append(owed(&device.to_bytes()), Sealing::System, &item.encode_to_vec())?;
        Ok(())
    }

    /// What is owed to a device already.
    fn queued(&mut self, device: DeviceAddress) -> Result<Vec<MessageId>, ClientError> {
        let key = device.to_bytes();
        let bounds = self.tx.bounds(owed(&key))?;
        let items = self.tx.items(owed(&key), Sealing::System, bounds)?;
        let values = items.into_iter().filter_map(|item| item.value);
        let records = values.map(|value| records::read::<records::Owed>(&value)).collect::<Result<Vec<_>, _>>()?;
        Ok(records.iter().filter_map(|record| MessageId::from_slice(&record.message)).collect())
    }
}

/// The account's identity key, against the one that a content was addressed under.
fn standing(pin: &ManifestPin, addressed_under: &[u8]) -> AikStanding {
    let now = pin.current().aik();
    match addressed_under {
        same if same == now.to_tagged() => AikStanding::Same,
        _ if pin.blocked_by().is_some() => AikStanding::Unacknowledged,
        // The chain led to it, or the app has acknowledged it: nothing else comes into a pin.
        _ => AikStanding::Successor,
    }
}
