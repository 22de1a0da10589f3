//! Session acknowledgements: `docs/protocol.md` B7.4. Most devices of an account never write, and a session on which
//! one side is silent neither confirms nor heals.

use prost::Message as _;

use super::Conversation;
use super::delay::Delay;
use super::sealing::ArchivedArrival;
use crate::at_rest::{AtRest, AtRestError, COMPLETE, FORMAT, unchanged};
use crate::limits::{ACKNOWLEDGE_AGE_MS, ACKNOWLEDGE_MESSAGES};
use crate::time::Timestamp;
use crate::wire::v1;

/// What arrived on a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AcceptedMessage {
    /// A content that makes an acknowledgement due.
    Content,
    /// A Receipt: counts towards the 20, and where nothing was ever sent on the session.
    Receipt,
    /// A SenderInfo, a message with content_len 0, a duplicate, a failure: nothing follows, or there would be no end.
    Nothing,
}

/// What a session has accepted since something was last sent on it, and whether an archived session of the device has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AcknowledgementTally {
    sent_before: bool,
    received: u32,
    first_at: Option<Timestamp>,
    due_since: Option<Timestamp>,
    archived: ArchivedArrival,
}

/// Whose device it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peer {
    /// A contact's: 0-6 h.
    Contact,
    /// Another device of our own account: 1-30 s.
    OwnAccount,
}

/// Whether a SenderInfo is due on the session anyway.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SenderInfoDue {
    /// It is, and takes the acknowledgement's place.
    Due,
    /// It is not.
    NotDue,
}

/// What is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Acknowledgement {
    /// A SessionMessage with content_len 0, lanes as due.
    Empty(Timestamp),
    /// The SenderInfo.
    SenderInfo(Timestamp),
}

impl AcknowledgementTally {
    /// Of a session on which nothing was ever sent by us: we accepted it.
    pub const NEW: Self =
        Self { sent_before: false, received: 0, first_at: None, due_since: None, archived: ArchivedArrival::Absent };

    /// After anything was sent on the session, the acknowledgement itself included.
    pub const SENT: Self = Self { sent_before: true, ..Self::NEW };

    /// After a message was accepted on it.
    #[must_use]
    pub fn accepted(&self, message: AcceptedMessage, at: Timestamp) -> Self {
        if message == AcceptedMessage::Nothing {
            return *self;
        }
        let received = self.received.saturating_add(1);
        let first_at = match message {
            AcceptedMessage::Content => self.first_at.or(Some(at)),
            _ => self.first_at,
        };
        let at_once = !self.sent_before || received >= ACKNOWLEDGE_MESSAGES;
        Self { received, first_at, due_since: self.due_since.or(at_once.then_some(at)), ..*self }
    }

    /// After a message was accepted on an *archived* session of the device: one is due on `active`, SEALED.
    #[must_use]
    pub fn archived_accepted(&self, message: AcceptedMessage, at: Timestamp) -> Self {
        let next = Self { archived: ArchivedArrival::Accepted, ..*self };
        match message {
            AcceptedMessage::Nothing => next,
            _ => Self { due_since: self.due_since.or(Some(at)), ..next },
        }
    }

    /// Whether anything came on an archived session since our last send: then the next one travels SEALED (B7.2).
    pub const fn archived_arrival(&self) -> ArchivedArrival {
        self.archived
    }

    /// When the random delay begins: at the message that was the first ever, or the 20th; else 16 h after the first.
    pub fn due_since(&self) -> Option<Timestamp> {
        let aged = self.first_at.map(|first| first.plus(ACKNOWLEDGE_AGE_MS));
        self.due_since.into_iter().chain(aged).min()
    }

    /// What is sent, and when; `delay` is drawn from [`Window::ACKNOWLEDGEMENT`](super::Window::ACKNOWLEDGEMENT), for
    /// a device of our own account from [`Window::RECEIPT`](super::Window::RECEIPT). Never one without a further
    /// accepted message: what is sent makes the tally [`SENT`](Self::SENT). Never for a contact request.
    pub fn acknowledgement(
        &self,
        conversation: Conversation,
        delay: Delay,
        sender_info: SenderInfoDue,
    ) -> Option<Acknowledgement> {
        let since = self.due_since().filter(|_| conversation == Conversation::Established)?;
        let at = delay.after(since);
        match sender_info {
            SenderInfoDue::Due => Some(Acknowledgement::SenderInfo(at)),
            SenderInfoDue::NotDue => Some(Acknowledgement::Empty(at)),
        }
    }

    /// For the store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let millis = |time: Option<Timestamp>| time.map_or(0, Timestamp::as_millis);
        v1::AcknowledgementState {
            format: FORMAT,
            sent_before: self.sent_before,
            received: self.received,
            has_content: self.first_at.is_some(),
            content_at_ms: millis(self.first_at),
            due: self.due_since.is_some(),
            due_at_ms: millis(self.due_since),
            on_archived: self.archived == ArchivedArrival::Accepted,
            complete: COMPLETE,
        }
        .encode_to_vec()
    }

    /// From the store, whole or not at all.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AtRestError> {
        let stored = v1::AcknowledgementState::read(bytes)?;
        let loaded = Self {
            sent_before: stored.sent_before,
            received: stored.received,
            first_at: stored.has_content.then(|| Timestamp::from_millis(stored.content_at_ms)),
            due_since: stored.due.then(|| Timestamp::from_millis(stored.due_at_ms)),
            archived: match stored.on_archived {
                true => ArchivedArrival::Accepted,
                false => ArchivedArrival::Absent,
            },
        };
        unchanged(Some(loaded).filter(Self::is_possible), bytes, Self::to_bytes)
    }

    /// A content was received; and it is due if, and only if, something made it so.
    fn is_possible(&self) -> bool {
        let at_once = self.received > 0 && (!self.sent_before || self.received >= ACKNOWLEDGE_MESSAGES);
        let due = match self.due_since {
            Some(_) => at_once || self.archived == ArchivedArrival::Accepted,
            None => !at_once,
        };
        due && (self.first_at.is_none() || self.received > 0)
    }
}

impl AtRest for v1::AcknowledgementState {
    const LIMIT: usize = 64;

    fn complete(&self) -> u32 {
        self.complete
    }
}

impl Peer {
    /// The window of the delay.
    pub const fn window(self) -> super::Window {
        match self {
            Self::Contact => super::Window::ACKNOWLEDGEMENT,
            Self::OwnAccount => super::Window::RECEIPT,
        }
    }
}
