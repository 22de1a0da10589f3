//! Tests of the records.

mod audit;
mod consent;
mod export;
mod fixture;
mod history;
mod reader;
mod signed;
mod statement;

use crate::identity::LocalDevice;
use crate::testing::{address, ed25519, rng};

/// A device of `account(byte)`.
fn device(byte: u8) -> LocalDevice {
    LocalDevice::generate(address(byte, 1, 1), ed25519(byte).public_key(), &mut rng(u64::from(byte))).unwrap()
}
