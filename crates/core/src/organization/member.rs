//! People of a practice and what they do there: `docs/protocol.md` B17.

use core::fmt;

use super::DirectoryError;
use crate::ids::AccountId;
use crate::limits::PREVIOUS_AIKS;
use crate::primitives::{Ed25519PublicKey, PublicKey as _};
use crate::time::Timestamp;
use crate::wire::{array, key, v1};

/// What somebody does in a practice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum OrgRole {
    /// 1: treats patients; may own a clinical conversation.
    Clinical,
    /// 2: the front desk.
    FrontDesk,
    /// 3: billing.
    Billing,
    /// 4: supervises.
    Supervisor,
    /// 5: keeps the records; may change every clinical conversation of the practice.
    RecordsCustodian,
    /// 6: an archive account.
    Archive,
    /// 7: the connector of an EHR.
    Connector,
}

impl OrgRole {
    /// `None` for a number that v1 does not know: such a role is ignored.
    pub const fn from_u32(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Clinical),
            2 => Some(Self::FrontDesk),
            3 => Some(Self::Billing),
            4 => Some(Self::Supervisor),
            5 => Some(Self::RecordsCustodian),
            6 => Some(Self::Archive),
            7 => Some(Self::Connector),
            _ => None,
        }
    }

    /// The number on the wire.
    pub const fn as_u32(self) -> u32 {
        match self {
            Self::Clinical => 1,
            Self::FrontDesk => 2,
            Self::Billing => 3,
            Self::Supervisor => 4,
            Self::RecordsCustodian => 5,
            Self::Archive => 6,
            Self::Connector => 7,
        }
    }
}

/// One account of a practice.
#[derive(Clone, PartialEq, Eq)]
pub struct OrgMember {
    /// Which.
    pub account: AccountId,
    /// Its identity key, as the practice vouches for it.
    pub aik: Ed25519PublicKey,
    /// As patients see it.
    pub display_name: String,
    /// Those that v1 knows, ascending.
    pub roles: Vec<OrgRole>,
    /// Listed from this time on; `None`: no bound.
    pub not_before: Option<Timestamp>,
    /// Listed before this time; `None`: no bound.
    pub not_after: Option<Timestamp>,
    /// Former identity keys, newest first, at most 8.
    pub previous_aiks: Vec<Ed25519PublicKey>,
}

impl OrgMember {
    /// Whether `at` lies within `not_before` and `not_after`.
    pub fn is_valid(&self, at: Timestamp) -> bool {
        self.not_before.is_none_or(|from| from <= at) && self.not_after.is_none_or(|until| at < until)
    }

    /// Whether it has this role, at whatever time.
    pub fn has(&self, role: OrgRole) -> bool {
        self.roles.contains(&role)
    }

    pub(super) fn parse(message: &v1::OrgMember) -> Result<Self, DirectoryError> {
        if !message.roles.is_sorted_by(|one, next| one < next) {
            return Err(DirectoryError::Members);
        }
        if message.previous_aiks.len() > PREVIOUS_AIKS {
            return Err(DirectoryError::Members);
        }
        Ok(Self {
            account: AccountId::from_bytes(array(&message.account_id)?),
            aik: key(&message.aik)?,
            display_name: message.display_name.clone(),
            roles: message.roles.iter().copied().filter_map(OrgRole::from_u32).collect(),
            not_before: bound(message.not_before_ms),
            not_after: bound(message.not_after_ms),
            previous_aiks: message.previous_aiks.iter().map(|aik| key(aik)).collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn to_wire(&self) -> v1::OrgMember {
        let ms = |bound: Option<Timestamp>| bound.map_or(0, Timestamp::as_millis);
        v1::OrgMember {
            account_id: self.account.as_bytes().to_vec(),
            aik: self.aik.to_tagged(),
            display_name: self.display_name.clone(),
            roles: self.roles.iter().map(|role| role.as_u32()).collect(),
            not_before_ms: ms(self.not_before),
            not_after_ms: ms(self.not_after),
            previous_aiks: self.previous_aiks.iter().map(|aik| aik.to_tagged()).collect(),
        }
    }
}

const fn bound(ms: u64) -> Option<Timestamp> {
    match ms {
        0 => None,
        ms => Some(Timestamp::from_millis(ms)),
    }
}

impl fmt::Debug for OrgMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OrgMember(..)")
    }
}
