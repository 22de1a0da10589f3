//! Tests of the records.

mod audit;
mod consent;
mod export;
mod fixture;
mod history;
mod reader;
mod signed;
mod statement;

use super::{HistoryItem, PassedOn};
use crate::identity::LocalDevice;
use crate::testing::{address, ed25519, rng};

/// By what is written: an item holds a key, and keys are not compared.
impl PartialEq for HistoryItem {
    fn eq(&self, other: &Self) -> bool {
        let written = |item: &Self| {
            let mut bytes = Vec::new();
            item.append_to(&mut bytes).map(|()| bytes)
        };
        written(self) == written(other)
    }
}

impl PartialEq for PassedOn {
    fn eq(&self, other: &Self) -> bool {
        (self.by, &self.item) == (other.by, &other.item)
    }
}

/// A device of `account(byte)`.
fn device(byte: u8) -> LocalDevice {
    LocalDevice::generate(address(byte, 1, 1), ed25519(byte).public_key(), &mut rng(u64::from(byte))).unwrap()
}
