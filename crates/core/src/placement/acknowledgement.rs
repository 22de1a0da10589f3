//! Session acknowledgements: `docs/protocol.md` B7.4. Most devices of an account never write, and a session on which
//! one side is silent neither confirms nor heals.

use super::Conversation;
use super::delay::Delay;
use crate::limits::{ACKNOWLEDGE_AGE_MS, ACKNOWLEDGE_MESSAGES};
use crate::time::Timestamp;

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

/// What a session has accepted since something was last sent on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AcknowledgementTally {
    sent_before: bool,
    received: u32,
    first_at: Option<Timestamp>,
    due_since: Option<Timestamp>,
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
    pub const NEW: Self = Self { sent_before: false, received: 0, first_at: None, due_since: None };

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
        match message {
            AcceptedMessage::Nothing => *self,
            _ => Self { due_since: self.due_since.or(Some(at)), ..*self },
        }
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
