//! What the adoption of a manifest changes: `docs/protocol.md` B2.

use super::manifest::{ListedDevice, Manifest};
use crate::ids::DeviceAddress;
use crate::primitives::Ed25519PublicKey;

/// Something that a contact's identity did. The caller acts on it in the transaction that stores the next pin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum IdentityEvent {
    /// `DeviceListChanged`, raised before anything is encrypted to a new device.
    DeviceListChanged(DeviceChanges),
    /// `IdentityRotated`: the chain led to the announced key. The safety number changes, nothing blocks.
    IdentityRotated(Box<KeyRotation>),
    /// Manifests between the two are missing: they are fetched at a random time within 48 h.
    GapOpened {
        /// The last one that is settled.
        after_seq: u64,
        /// The one that was adopted.
        before_seq: u64,
    },
    /// `ManifestFork`, found in a gap: what was adopted lost against what chains from the old pin.
    ManifestFork {
        /// Devices that only the loser lists: sending to them stops.
        stopped: Vec<DeviceAddress>,
    },
}

/// An identity key and its announced successor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyRotation {
    /// The key before.
    pub from: Ed25519PublicKey,
    /// The key now.
    pub to: Ed25519PublicKey,
}

/// The difference between two manifests of an account.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DeviceChanges {
    /// Not there before: another id, another registration, or other keys.
    pub added: Vec<DeviceAddress>,
    /// Missing now, or listed with another registration: all their sessions are closed at once, archived ones too.
    pub closed: Vec<DeviceAddress>,
}

impl DeviceChanges {
    /// From the devices `old` to `new`. A device whose keys changed without a new registration is closed and added.
    pub(super) fn between(old: &[&ListedDevice], new: &[&ListedDevice]) -> Self {
        Self { added: only_in(new, old), closed: only_in(old, new) }
    }

    /// Every device of `old` closed, every device of `new` added: another identity under the same account id.
    pub(super) fn replaced(old: &Manifest, new: &Manifest) -> Self {
        Self { added: addresses(new), closed: addresses(old) }
    }

    pub(super) fn into_event(self) -> Option<IdentityEvent> {
        match self.added.is_empty() && self.closed.is_empty() {
            true => None,
            false => Some(IdentityEvent::DeviceListChanged(self)),
        }
    }
}

/// Devices of `one` that are not in `other` as they are.
pub(super) fn only_in(one: &[&ListedDevice], other: &[&ListedDevice]) -> Vec<DeviceAddress> {
    let absent = |listed: &&&ListedDevice| !other.iter().any(|there| same(listed, there));
    one.iter().filter(absent).map(|listed| listed.device.address).collect()
}

/// All that a manifest lists.
pub(super) fn listed(manifest: &Manifest) -> Vec<&ListedDevice> {
    manifest.devices().iter().collect()
}

fn addresses(manifest: &Manifest) -> Vec<DeviceAddress> {
    manifest.devices().iter().map(|listed| listed.device.address).collect()
}

/// The same registration with the same keys; the identity key over them may have rotated.
pub(super) fn same(one: &ListedDevice, other: &ListedDevice) -> bool {
    one.device.is_same_device(&other.device)
}
