//! Identifiers, each a type of its own: `docs/protocol.md` B1.2 and B2. None is printed: who talks to whom is what
//! the protocol hides.

use core::fmt;
use core::num::NonZeroU32;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// The id with these bytes.
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The id in `bytes`; `None` unless there are exactly as many as it has.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

id!(/// A person or a service: 16 random bytes, no name, no number. 
    AccountId, 16);
id!(/// A group: 16 random bytes, never changed. 
    GroupId, 16);
id!(/// A practice: 16 random bytes. 
    OrgId, 16);
id!(/// A message: 16 random bytes, the same on every copy. 
    MessageId, 16);
id!(/// A conversation: a group's id, or the hash of the two accounts of a pair (B9). 
    ConversationId, 16);
id!(/// A device certificate: 16 random bytes, by which it is revoked (B2). 
    Serial, 16);
id!(/// A session: the hash of the InitHeader that made it (B4.2). 
    SessionId, 32);

/// A device of an account: 1..2^31-1, never given to another device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(u32);

impl DeviceId {
    /// `None` for 0 and for 2^31 and above.
    pub const fn new(id: u32) -> Option<Self> {
        if id == 0 || id > i32::MAX as u32 { None } else { Some(Self(id)) }
    }

    /// The number.
    pub const fn as_u32(self) -> u32 {
        self.0
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceId(..)")
    }
}

/// New whenever a device starts with fresh state: random, never 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegNonce(NonZeroU32);

impl RegNonce {
    /// `None` for 0.
    pub const fn new(nonce: u32) -> Option<Self> {
        match NonZeroU32::new(nonce) {
            Some(nonce) => Some(Self(nonce)),
            None => None,
        }
    }

    /// The number.
    pub const fn as_u32(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Debug for RegNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RegNonce(..)")
    }
}

/// One registration of one device: what sessions are kept by (B12).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DeviceAddress {
    /// Whose device.
    pub account: AccountId,
    /// Which device.
    pub device: DeviceId,
    /// Which registration of it.
    pub reg: RegNonce,
}

impl DeviceAddress {
    /// `account_id[16] || u32 device_id || u32 reg_nonce`.
    pub fn to_bytes(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        let (account, rest) = bytes.split_at_mut(16);
        let (device, reg) = rest.split_at_mut(4);
        account.copy_from_slice(self.account.as_bytes());
        device.copy_from_slice(&self.device.as_u32().to_be_bytes());
        reg.copy_from_slice(&self.reg.as_u32().to_be_bytes());
        bytes
    }
}
