//! A content that comes again: `docs/protocol.md` B9.

use crate::ids::{AccountId, DeviceAddress, DeviceId, MessageId};

/// `(sender account, device_id, message_id)`. Two devices may use one message_id: they are different messages.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DedupeKey {
    account: AccountId,
    device: DeviceId,
    message: MessageId,
}

impl DedupeKey {
    pub(super) const fn new(sender: &DeviceAddress, message: MessageId) -> Self {
        Self {
            account: sender.account,
            device: sender.device,
            message,
        }
    }

    /// `account_id[16] || u32 device_id || message_id[16]`: the key of a store's row.
    pub fn to_bytes(self) -> [u8; 36] {
        let mut bytes = [0; 36];
        let device = self.device.as_u32().to_be_bytes();
        let parts = self
            .account
            .as_bytes()
            .iter()
            .chain(&device)
            .chain(self.message.as_bytes());
        bytes.iter_mut().zip(parts).for_each(|(to, from)| *to = *from);
        bytes
    }
}

/// What a content is, after a look at what is stored under its [`DedupeKey`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Repeat {
    /// Not seen before.
    New,
    /// Redelivered or resent: no second copy.
    Duplicate,
    /// Other bytes under one message_id: somebody else sends as this device. No second copy, `PossibleClone`.
    PossibleClone,
}

/// `stored` is the digest of the content that is stored under the key.
pub fn repeat(stored: Option<&[u8; 32]>, digest: &[u8; 32]) -> Repeat {
    match stored {
        None => Repeat::New,
        Some(stored) if stored == digest => Repeat::Duplicate,
        Some(_) => Repeat::PossibleClone,
    }
}
