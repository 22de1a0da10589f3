//! Members of a group and their roles: `docs/protocol.md` B13.1.

use core::fmt;

use super::StateError;
use crate::content::Voice;
use crate::ids::AccountId;
use crate::primitives::{Ed25519PublicKey, PublicKey as _};
use crate::wire::{array, key, v1};

/// What a member is in a group.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// 1.
    Member,
    /// 2: the one writer of the roster.
    Owner,
    /// 3: an archive of the practice; clinical groups only.
    Archive,
    /// 4: a supervisor, who reads.
    Observer,
    /// 5: the patient.
    Patient,
    /// 6: who speaks for the patient.
    Proxy,
}

impl Role {
    /// `None` for an unknown number.
    pub const fn from_u32(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Member),
            2 => Some(Self::Owner),
            3 => Some(Self::Archive),
            4 => Some(Self::Observer),
            5 => Some(Self::Patient),
            6 => Some(Self::Proxy),
            _ => None,
        }
    }

    /// The number on the wire.
    pub const fn as_u32(self) -> u32 {
        match self {
            Self::Member => 1,
            Self::Owner => 2,
            Self::Archive => 3,
            Self::Observer => 4,
            Self::Patient => 5,
            Self::Proxy => 6,
        }
    }

    /// What it may say (B13.5): archives and observers send Receipt, Control and GroupUpdate only.
    pub const fn voice(self) -> Voice {
        match self {
            Self::Archive | Self::Observer => Voice::Silent,
            Self::Member | Self::Owner | Self::Patient | Self::Proxy => Voice::Full,
        }
    }
}

/// One account of a group.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Which.
    pub account: AccountId,
    /// Its identity key, as the author of the state knew it.
    pub aik: Ed25519PublicKey,
    /// What it is here.
    pub role: Role,
}

impl Member {
    pub(super) fn parse(message: &v1::Member) -> Result<Self, StateError> {
        Ok(Self {
            account: AccountId::from_bytes(array(&message.account_id)?),
            aik: key(&message.aik)?,
            role: Role::from_u32(message.role).ok_or(StateError::Role)?,
        })
    }

    pub(super) fn to_wire(self) -> v1::Member {
        v1::Member { account_id: self.account.as_bytes().to_vec(), aik: self.aik.to_tagged(), role: self.role.as_u32() }
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Member({:?})", self.role)
    }
}
