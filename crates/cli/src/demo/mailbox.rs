//! What a delivery service is, seen from the inside: mailboxes, blobs, and nothing that opens either.

use std::collections::{BTreeMap, VecDeque};
use std::io;

use carevow_core::{DeviceAddress, Timestamp};
use sha2::{Digest as _, Sha256};

/// An envelope in a mailbox, with everything that the operator learnt from it.
#[derive(Clone)]
pub struct Delivery {
    /// Whose mailbox. The sender is not named: submitting needs no account.
    pub to: DeviceAddress,
    /// What was submitted.
    pub bytes: Vec<u8>,
    /// When, by the service's clock; it tells the recipient.
    pub at: Timestamp,
}

impl Delivery {
    /// The first byte, which anybody can read.
    pub fn kind(&self) -> Kind {
        match self.bytes.first() {
            Some(1) => Kind::Sealed,
            Some(3) => Kind::Session,
            _ => Kind::Other,
        }
    }

    /// The same with the bytes that an attacker put in their place.
    pub fn with_bytes(&self, bytes: Vec<u8>) -> Self {
        Self { bytes, ..self.clone() }
    }

    /// The same with one bit of byte `index` flipped.
    pub fn flipped(&self, index: usize) -> Self {
        let mut bytes = self.bytes.clone();
        if let Some(byte) = bytes.get_mut(index) {
            *byte ^= 0x10;
        }
        self.with_bytes(bytes)
    }
}

/// What an envelope says of itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Its sender is inside, encrypted.
    Sealed,
    /// A message of a session: it names nobody.
    Session,
    /// Nothing that v1 knows.
    Other,
}

impl Kind {
    /// As the table prints it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sealed => "SEALED",
            Self::Session => "SESSION",
            Self::Other => "?",
        }
    }
}

/// The mailboxes of a service, and its operator's memory: everything that ever passed through.
#[derive(Default)]
pub struct Mailbox {
    waiting: VecDeque<Delivery>,
    seen: Vec<Delivery>,
}

impl Mailbox {
    /// Takes an envelope for one device. No credential is asked for.
    pub fn submit(&mut self, to: DeviceAddress, bytes: Vec<u8>, at: Timestamp) {
        let delivery = Delivery { to, bytes, at };
        self.seen.push(delivery.clone());
        self.waiting.push_back(delivery);
    }

    /// The oldest envelope that waits for the device.
    pub fn fetch(&mut self, device: DeviceAddress) -> Option<Delivery> {
        let index = self.waiting.iter().position(|delivery| delivery.to == device)?;
        self.waiting.remove(index)
    }

    /// How many envelopes nobody has fetched.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Everything that ever passed through, oldest first.
    pub fn seen(&self) -> &[Delivery] {
        &self.seen
    }
}

/// Sealed files by the SHA-256 of their bytes.
#[derive(Default)]
pub struct BlobStore(BTreeMap<[u8; 32], Vec<u8>>);

impl BlobStore {
    /// Keeps a blob under the name that its bytes have; the name.
    pub fn put(&mut self, upload: Upload) -> [u8; 32] {
        let name = Sha256::digest(&upload.0).into();
        self.0.insert(name, upload.0);
        name
    }

    /// The blob of this name.
    pub fn get(&self, name: &[u8; 32]) -> Option<&[u8]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// Sizes of all blobs, bytes.
    pub fn sizes(&self) -> impl Iterator<Item = usize> {
        self.0.values().map(Vec::len)
    }
}

/// A blob on its way up.
#[derive(Default)]
pub struct Upload(Vec<u8>);

impl io::Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
