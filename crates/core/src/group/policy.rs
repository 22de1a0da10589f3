//! What a group promises about keeping, expiry and export: `docs/protocol.md` B13.1.

use crate::content::GroupRetention;
use crate::wire::v1;

/// What kind of conversation a group is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Class {
    /// 1: between people.
    Personal,
    /// 2: part of a record; bound to a practice and its archive.
    Clinical,
}

impl Class {
    /// `None` for an unknown number.
    pub const fn from_u32(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Personal),
            2 => Some(Self::Clinical),
            _ => None,
        }
    }

    /// The number on the wire.
    pub const fn as_u32(self) -> u32 {
        match self {
            Self::Personal => 1,
            Self::Clinical => 2,
        }
    }
}

/// `GroupPolicy`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    /// What kind of conversation it is.
    pub class: Class,
    /// How long which copies are kept and stay; milliseconds, 0 = none.
    pub retention: GroupRetention,
    /// Whether members may export.
    pub allow_export: bool,
    /// Whether notifications may show text, while unlocked.
    pub allow_previews: bool,
    /// B8: the number as it stands; an unknown one is treated as the largest by who pads.
    pub padding_profile: u32,
}

impl Policy {
    /// A policy of this class that promises nothing.
    pub fn of(class: Class) -> Self {
        Self {
            class,
            retention: GroupRetention::default(),
            allow_export: false,
            allow_previews: false,
            padding_profile: 0,
        }
    }

    pub(super) fn parse(message: &v1::GroupPolicy) -> Option<Self> {
        Some(Self {
            class: Class::from_u32(message.class)?,
            retention: GroupRetention {
                keep_at_least_ms: message.keep_at_least_ms,
                expire_after_ms: message.expire_after_ms,
            },
            allow_export: message.allow_export,
            allow_previews: message.allow_previews,
            padding_profile: message.padding_profile,
        })
    }

    pub(super) const fn to_wire(self) -> v1::GroupPolicy {
        v1::GroupPolicy {
            class: self.class.as_u32(),
            keep_at_least_ms: self.retention.keep_at_least_ms,
            expire_after_ms: self.retention.expire_after_ms,
            allow_export: self.allow_export,
            allow_previews: self.allow_previews,
            padding_profile: self.padding_profile,
        }
    }
}

/// The highest class and retention of all states of a group that were current here: what was promised about messages
/// that are here already is not taken back by replacing the state that promised it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PolicyFloor {
    /// The highest class.
    pub class: Class,
    /// The highest `keep_at_least_ms`.
    pub keep_at_least_ms: u64,
}

impl PolicyFloor {
    pub(super) const fn of(policy: &Policy) -> Self {
        Self { class: policy.class, keep_at_least_ms: policy.retention.keep_at_least_ms }
    }

    /// The higher of each.
    pub(super) fn raised_by(self, policy: &Policy) -> Self {
        Self {
            class: self.class.max(policy.class),
            keep_at_least_ms: self.keep_at_least_ms.max(policy.retention.keep_at_least_ms),
        }
    }

    /// `policy`, with what it states below the floor raised to it.
    pub(super) fn applied_to(self, policy: Policy) -> Policy {
        let keep_at_least_ms = self.keep_at_least_ms.max(policy.retention.keep_at_least_ms);
        let retention = GroupRetention { keep_at_least_ms, ..policy.retention };
        Policy { class: self.class.max(policy.class), retention, ..policy }
    }
}
