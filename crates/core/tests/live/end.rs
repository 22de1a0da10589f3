//! One end of a conversation, whoever plays it.

use std::rc::Rc;

use carevow_core::envelope::padding::PaddingProfile;
use carevow_core::ratchet::{LaneOffer, SendOptions};
use carevow_core::time::Timestamp;
use carevow_core::wire::v1;

use crate::device::Device;
use crate::person::Person;

/// How a message is sent.
#[derive(Clone, Copy)]
pub struct Manner {
    pub options: SendOptions,
    /// SEALED although the session is confirmed. What is not confirmed always is.
    pub sealed: bool,
}

impl Manner {
    pub fn is_compact(self) -> bool {
        self.options.profile == PaddingProfile::Compact
    }

    pub fn offers_now(self) -> bool {
        self.options.offer == LaneOffer::Now
    }
}

/// What came out of an envelope.
#[derive(PartialEq, Eq, Debug)]
pub struct Delivered {
    pub content: Vec<u8>,
    pub form: Form,
}

/// How it came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    Init,
    SealedSession,
    Session,
}

impl Form {
    /// As the reference names it.
    pub fn of(name: &str) -> Self {
        match name {
            "INIT" => Self::Init,
            "SEALED SESSION" => Self::SealedSession,
            "SESSION" => Self::Session,
            other => panic!("{other}"),
        }
    }
}

/// Device and peer; what is refused is refused with a name of B15.
pub trait End {
    fn person(&self) -> &Rc<Person>;

    /// The own bundle, as it travels.
    fn bundle(&mut self) -> Vec<u8>;

    /// Verifies the peer's bundle and makes the next session towards it.
    fn connect(&mut self, bundle: &[u8], now: Timestamp);

    /// The peer's ENV record, as SenderInfo brings it.
    fn learn_env(&mut self, record: &v1::SignedRecord, now: Timestamp);

    /// An envelope with this content, on the active session.
    fn send(&mut self, content: &[u8], manner: Manner, now: Timestamp) -> Vec<u8>;

    fn open(&mut self, envelope: &[u8], now: Timestamp) -> Result<Delivered, String>;

    /// The sessions as Rust has them: its own, or those of its twin of the reference.
    fn device(&self) -> &Device;

    /// The other implementation takes over, with the stored sessions.
    fn exchanged(self: Box<Self>) -> Box<dyn End>;
}
