//! Accounts, devices, manifests, certificates, revocation: `docs/protocol.md` B2.

mod device;

pub use device::{DeviceKind, DevicePublic, LocalDevice};
