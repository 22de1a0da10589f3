//! Time as an argument.

use carevow_core::Timestamp;

/// Both clocks of the host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    /// Wall time: may jump.
    pub wall: Timestamp,
    /// Milliseconds since the device started, running on while it sleeps: decides about locking.
    pub boot_ms: u64,
}
