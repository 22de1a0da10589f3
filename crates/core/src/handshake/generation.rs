//! Generations order the sessions of a pair of devices: `docs/protocol.md` B4.2 and B12.

use core::num::NonZeroU32;

use crate::limits::GENERATION_JUMP;

/// 1 + the highest generation of any session sent to or accepted from that device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Generation(NonZeroU32);

impl Generation {
    /// Of the first session.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// `None` for 0.
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The one after `highest`; `None` at 2^32 - 1, where only a new registration helps.
    pub fn after(highest: Option<Self>) -> Option<Self> {
        match highest {
            None => Some(Self::FIRST),
            Some(highest) => highest.0.checked_add(1).map(Self),
        }
    }

    /// The number on the wire.
    pub const fn as_u32(self) -> u32 {
        self.0.get()
    }

    /// Whether it is at most 65 536 above the highest known (0 if none is).
    pub(super) fn is_within_jump_of(self, highest: Option<Self>) -> bool {
        self.as_u32() <= highest.map_or(0, Self::as_u32).saturating_add(GENERATION_JUMP)
    }
}
