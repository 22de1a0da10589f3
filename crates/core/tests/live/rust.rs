//! An end that Rust plays.

use std::rc::Rc;

use carevow_core::ratchet::Outgoing;
use carevow_core::time::Timestamp;
use carevow_core::wire::v1;

use crate::device::Device;
use crate::end::{Delivered, End, Manner};
use crate::person::Person;
use crate::random::Random;
use crate::twins::Twins;

pub struct Rust {
    pub device: Device,
    pub random: Random,
}

impl End for Rust {
    fn person(&self) -> &Rc<Person> {
        &self.device.person
    }

    fn bundle(&mut self) -> Vec<u8> {
        self.device.person.bundle()
    }

    fn connect(&mut self, bundle: &[u8], now: Timestamp) {
        self.device.connect(bundle, now, &mut self.random);
    }

    fn learn_env(&mut self, record: &v1::SignedRecord, now: Timestamp) {
        self.device.learn_env(record, now);
    }

    fn send(&mut self, content: &[u8], manner: Manner, now: Timestamp) -> Vec<u8> {
        let outgoing = self.device.encrypt(content, manner.options, now, &mut self.random);
        match (&outgoing, manner.sealed) {
            (Outgoing::Session(bytes), false) => bytes.clone(),
            _ => self.device.seal(&outgoing, now, &mut self.random),
        }
    }

    fn open(&mut self, envelope: &[u8], now: Timestamp) -> Result<Delivered, String> {
        self.device.open(envelope, now).map_err(|error| format!("{error:?}"))
    }

    fn device(&self) -> &Device {
        &self.device
    }

    fn exchanged(self: Box<Self>) -> Box<dyn End> {
        Box::new(Twins::take_over(self.device, self.random))
    }
}
