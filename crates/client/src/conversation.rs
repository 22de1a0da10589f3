//! Messages as an app sends and reads them.

use carevow_core::content::{Body, Content, Delete, DeleteReason, Edit, Reaction, SentAt, Text};
use carevow_core::{AccountId, ConversationId, DeviceId, MessageId, Timestamp};
use carevow_store::{Now, Sealing};
use rand_core::TryCryptoRng;

use crate::client::Client;
use crate::error::ClientError;
use crate::records;
use crate::send::Sent;
use crate::tables::messages;

/// A message of a conversation.
pub struct Message {
    /// Its number there.
    pub number: u64,
    /// Who sent it.
    pub account: AccountId,
    /// From which device.
    pub device: DeviceId,
    /// When it came, by the service; of an own one when it was sent, by this device.
    pub at: Timestamp,
    /// What it says.
    pub content: Content,
    /// Of an own one: when the other account acknowledged it.
    pub delivered: Option<Timestamp>,
    /// When it was read.
    pub read: Option<Timestamp>,
    /// The number of the edit whose text is shown instead, or of the deletion.
    pub changed_by: Option<u64>,
    /// Its author took it back: it is not shown any more.
    pub taken_back: bool,
}

impl core::fmt::Debug for Message {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Message({}, ..)", self.number)
    }
}

impl Message {
    /// Whether the sender's time agrees with the service's, to a day: else it is flagged where it is shown, and keeps its
    /// place.
    pub fn sent_at(&self) -> SentAt {
        self.content.judge_sent_at(self.at)
    }

    /// Its text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self.content.body() {
            Body::Text(text) => Some(&text.text),
            _ => None,
        }
    }
}

impl Client {
    /// Sends a text to a contact. It is durable when this returns, and leaves with the next requests.
    pub fn send_text(
        &mut self,
        to: AccountId,
        text: &str,
        reply_to: Option<MessageId>,
        now: Now,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Sent, ClientError> {
        let body = Body::Text(Text { text: text.to_owned(), reply_to });
        self.turn(now, rng, |turn| turn.send(to, body))
    }

    /// Replaces the text of an own message.
    pub fn edit(
        &mut self,
        to: AccountId,
        target: MessageId,
        text: &str,
        now: Now,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Sent, ClientError> {
        let body = Body::Edit(Edit { target, text: Text { text: text.to_owned(), reply_to: None } });
        self.turn(now, rng, |turn| turn.send(to, body))
    }

    /// Takes an own message back.
    pub fn take_back(
        &mut self,
        to: AccountId,
        target: MessageId,
        reason: DeleteReason,
        now: Now,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Sent, ClientError> {
        self.turn(now, rng, |turn| turn.send(to, Body::Delete(Delete { target, reason })))
    }

    /// Puts an emoji on a message, or takes it away.
    pub fn react(
        &mut self,
        to: AccountId,
        reaction: Reaction,
        now: Now,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Sent, ClientError> {
        self.turn(now, rng, |turn| turn.send(to, Body::Reaction(reaction)))
    }

    /// Messages of a conversation, by their numbers, as far as there are any.
    pub fn messages(
        &mut self,
        conversation: ConversationId,
        numbers: core::ops::Range<u64>,
        now: Now,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Vec<Message>, ClientError> {
        self.turn(now, rng, |turn| {
            let sealing = Sealing::Conversation(conversation);
            let items = turn.tx.items(messages(&conversation), sealing, numbers)?;
            let mut all = Vec::with_capacity(items.len());
            for item in items {
                let Some(value) = item.value else { continue };
                all.push(message(item.number, &records::read(&value)?)?);
            }
            Ok(all)
        })
    }
}

fn message(number: u64, stored: &records::StoredMessage) -> Result<Message, ClientError> {
    let time = |ms: u64| (ms != 0).then(|| Timestamp::from_millis(ms));
    Ok(Message {
        number,
        account: AccountId::from_slice(&stored.account).ok_or(ClientError::CORRUPTED)?,
        device: DeviceId::new(stored.device).ok_or(ClientError::CORRUPTED)?,
        at: Timestamp::from_millis(stored.at_ms),
        content: Content::parse(&stored.content).map_err(|_| ClientError::CORRUPTED)?,
        delivered: time(stored.delivered_ms),
        read: time(stored.read_ms),
        changed_by: stored.changed_by.checked_sub(1),
        taken_back: stored.taken_back,
    })
}
