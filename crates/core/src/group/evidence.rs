//! What is pinned of the accounts and the practice by which states are judged: `docs/protocol.md` B13.2.

use core::fmt;

use crate::identity::{Manifest, ManifestPin};
use crate::ids::{AccountId, DeviceId, OrgId};
use crate::organization::{Directory, DirectoryPin};
use crate::primitives::Ed25519PublicKey;
use crate::time::Timestamp;

/// Which manifest lists a device with this key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Listing {
    /// The pinned one.
    Current,
    /// An older one of the account.
    Older,
}

/// A signing key of a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeviceKey {
    /// Which device.
    pub device: DeviceId,
    /// Its DSK.
    pub dsk: Ed25519PublicKey,
    /// Where it is listed.
    pub listing: Listing,
}

/// What is pinned of one account.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountKeys {
    /// Whose.
    pub account: AccountId,
    /// The pinned identity key.
    pub aik: Ed25519PublicKey,
    /// Keys from which the manifest chain led to it.
    pub predecessors: Vec<Ed25519PublicKey>,
    /// Keys of its devices.
    pub devices: Vec<DeviceKey>,
}

/// All that is known here, at one time.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// The pinned accounts, the own one among them.
    pub accounts: &'a [AccountKeys],
    /// The pinned directory of the group's practice.
    pub directory: Option<&'a DirectoryPin>,
    /// Older directories of it, in any order; those count from which the chain leads to the pinned one.
    pub older_directories: &'a [Directory],
    /// The local clock.
    pub now: Timestamp,
}

impl AccountKeys {
    /// What `pin` and older manifests of the account say. Of the older ones those count that are signed by a key from
    /// which the chain led to the pinned one, or by that key.
    pub fn from_pin(pin: &ManifestPin, older: &[Manifest], now: Timestamp) -> Self {
        let current = pin.current();
        let keys: Vec<_> = pin.keys(now).copied().collect();
        let own = |manifest: &&Manifest| manifest.account() == current.account() && keys.contains(manifest.aik());
        let listed = |manifest: &Manifest, listing| -> Vec<DeviceKey> {
            let devices = manifest.devices().iter().map(|listed| listed.device);
            devices.map(|device| DeviceKey { device: device.address.device, dsk: device.dsk, listing }).collect()
        };
        let older = older.iter().filter(own).flat_map(|manifest| listed(manifest, Listing::Older));
        Self {
            account: current.account(),
            aik: *current.aik(),
            predecessors: keys.iter().filter(|key| *key != current.aik()).copied().collect(),
            devices: listed(current, Listing::Current).into_iter().chain(older).collect(),
        }
    }

    /// Whether `aik` is the pinned identity key or one from which the manifest chain leads to it.
    pub fn descends_from(&self, aik: &Ed25519PublicKey) -> bool {
        self.aik == *aik || self.predecessors.contains(aik)
    }

    /// The keys of a device that the pinned manifest lists.
    pub(super) fn current(&self, device: DeviceId) -> impl Iterator<Item = &Ed25519PublicKey> {
        let current = move |key: &&DeviceKey| key.device == device && key.listing == Listing::Current;
        self.devices.iter().filter(current).map(|key| &key.dsk)
    }

    /// The keys of a device that any manifest lists.
    pub(super) fn ever(&self, device: DeviceId) -> impl Iterator<Item = &Ed25519PublicKey> {
        self.devices.iter().filter(move |key| key.device == device).map(|key| &key.dsk)
    }
}

impl<'a> Evidence<'a> {
    /// What is pinned of an account.
    pub(super) fn keys(&self, account: AccountId) -> Option<&'a AccountKeys> {
        self.accounts.iter().find(|keys| keys.account == account)
    }

    /// The pinned directory, if it is of this practice.
    pub(super) fn pin_of(&self, org: Option<OrgId>) -> Option<&'a DirectoryPin> {
        self.directory.filter(|pin| Some(pin.org()) == org)
    }

    /// The same, as it judges.
    pub(super) fn directory_of(&self, org: Option<OrgId>) -> Option<&'a Directory> {
        self.pin_of(org).map(DirectoryPin::current)
    }

    /// The pinned directory of this practice and all that chain to it.
    pub(super) fn directories_of(&self, org: Option<OrgId>) -> Vec<&'a Directory> {
        let pin = self.pin_of(org);
        let older = pin.map(|pin| pin.chained(self.older_directories)).unwrap_or_default();
        pin.map(DirectoryPin::current).into_iter().chain(older).collect()
    }
}

impl fmt::Debug for AccountKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountKeys(..)")
    }
}

impl fmt::Debug for Evidence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Evidence(..)")
    }
}
