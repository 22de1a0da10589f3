//! Suites and their strength: `docs/protocol.md` B1 and B14. There is no negotiation.

/// A set of primitives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Suite {
    /// 0x0001: X25519, ML-KEM-1024 and -768, X-Wing, Ed25519, HKDF-SHA-256, AES-256-GCM.
    V1,
}

impl Suite {
    /// `None` for a suite that v1 does not accept; 0x0002 and 0x0003 are reserved.
    pub const fn from_u16(number: u16) -> Option<Self> {
        match number {
            0x0001 => Some(Self::V1),
            _ => None,
        }
    }

    /// The registered number.
    pub const fn as_u16(self) -> u16 {
        match self {
            Self::V1 => 0x0001,
        }
    }

    /// The strength by which a contact is pinned: a lower one later is a downgrade.
    pub const fn rank(self) -> u32 {
        match self {
            Self::V1 => 1,
        }
    }
}
