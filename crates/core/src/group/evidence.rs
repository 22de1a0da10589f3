//! What is pinned of the accounts and the practice by which states are judged: `docs/protocol.md` B13.2.

use core::fmt;

use super::member::Member;
use super::state::UnverifiedState;
use crate::identity::{FormerKeys, ListedDevice, Manifest, ManifestPin};
use crate::ids::{AccountId, DeviceId, OrgId};
use crate::limits::{KEYS_OF_DEVICE, LAPSED_AFTER_MS};
use crate::organization::{AikChange, Directory, DirectoryPin, OrgRole};
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

/// Whether what is pinned is recent enough to decide who may change a group (B13.2 rule 6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Currency {
    /// Not expired, or at most 7 d ago.
    Recent,
    /// Expired more than 7 d ago.
    Lapsed,
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
    /// Keys from which the manifest chain led to it, however long ago.
    pub predecessors: FormerKeys,
    /// Keys of its devices, those of the pinned manifest first; of each device the first eight count.
    pub devices: Vec<DeviceKey>,
    /// Of the pinned manifest.
    pub currency: Currency,
}

/// What the keys here say of a state's signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Signed {
    /// It verifies under a key that the pinned manifest lists for the device.
    Current,
    /// It verifies under a key that another manifest of the account lists.
    Older,
    /// The pinned manifest lists the device, with other keys.
    Wrong,
    /// Nothing here lists the device with that key.
    Unknown,
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
        let own = |manifest: &&Manifest| manifest.account() == current.account() && pin.descends_from(manifest.aik());
        let key = |listed: &ListedDevice, listing| DeviceKey {
            device: listed.device.address.device,
            dsk: listed.device.dsk,
            listing,
        };
        let older = older.iter().filter(own).flat_map(Manifest::devices).map(|listed| key(listed, Listing::Older));
        Self {
            account: current.account(),
            aik: *current.aik(),
            predecessors: pin.former_keys().clone(),
            devices: pin.devices().map(|listed| key(listed, Listing::Current)).chain(older).collect(),
            currency: match current.is_expired(now.minus(LAPSED_AFTER_MS)) {
                true => Currency::Lapsed,
                false => Currency::Recent,
            },
        }
    }

    /// Whether `aik` is the pinned identity key or one from which the manifest chain leads to it. All that B13 asks about
    /// the lineage of identity keys is asked here.
    pub fn descends_from(&self, aik: &Ed25519PublicKey) -> bool {
        self.aik == *aik || self.predecessors.contains(aik)
    }

    /// Whether the pinned manifest lists any device.
    pub(super) fn has_device(&self) -> bool {
        self.devices.iter().any(|key| key.listing == Listing::Current)
    }

    /// The keys of a device that the pinned manifest lists.
    pub(super) fn current(&self, device: DeviceId) -> impl Iterator<Item = &Ed25519PublicKey> {
        let current = move |key: &&DeviceKey| key.device == device && key.listing == Listing::Current;
        self.devices.iter().filter(current).map(|key| &key.dsk)
    }

    /// The keys of a device that any manifest lists, those of the pinned one first: at most eight.
    fn ever(&self, device: DeviceId) -> impl Iterator<Item = &DeviceKey> {
        let listed =
            move |listing| self.devices.iter().filter(move |key| key.device == device && key.listing == listing);
        listed(Listing::Current).chain(listed(Listing::Older)).take(KEYS_OF_DEVICE)
    }
}

impl<'a> Evidence<'a> {
    /// What is pinned of an account.
    pub(super) fn keys(&self, account: AccountId) -> Option<&'a AccountKeys> {
        self.accounts.iter().find(|keys| keys.account == account)
    }

    /// Whose key signed a state, by the keys here. Each key is tried once, at most eight.
    pub(super) fn signature(&self, state: &UnverifiedState) -> Signed {
        let actor = state.claims().actor();
        let Some(keys) = self.keys(actor.account) else { return Signed::Unknown };
        let good = keys.ever(actor.device).find(|key| state.verifies(&key.dsk));
        match good.map(|key| key.listing) {
            Some(Listing::Current) => Signed::Current,
            Some(Listing::Older) => Signed::Older,
            None if keys.current(actor.device).next().is_some() => Signed::Wrong,
            None => Signed::Unknown,
        }
    }

    /// Whether what is pinned of an account descends from an identity key that a state or a directory names.
    pub(super) fn descends(&self, account: AccountId, aik: &Ed25519PublicKey) -> bool {
        self.keys(account).is_some_and(|keys| keys.descends_from(aik))
    }

    /// Whether the pinned directory lists an account as `role` so that this decides: the directory and the account's
    /// manifest have not expired more than 7 d ago, and the pinned key descends from the listed one.
    pub(super) fn decides(&self, org: Option<OrgId>, account: AccountId, role: OrgRole) -> bool {
        let Some(pin) = self.pin_of(org).filter(|pin| !self.is_lapsed(pin)) else { return false };
        let entry = pin.listed_as(account, role, self.now);
        let recent = self.keys(account).is_some_and(|keys| keys.currency == Currency::Recent);
        recent && entry.is_some_and(|entry| self.descends(account, &entry.aik))
    }

    /// The key under which the practice lists an account, if what is pinned of the account does not belong to it: that key is
    /// neither the pinned one nor one from which the chain leads to it, nor does the practice name the pinned one as former.
    pub(super) fn listed_otherwise(&self, org: Option<OrgId>, account: AccountId) -> Option<Ed25519PublicKey> {
        let keys = self.keys(account)?;
        let entry = self.pin_of(org)?.listed(account, self.now)?;
        let meant = keys.descends_from(&entry.aik) || entry.previous_aiks.contains(&keys.aik);
        (!meant).then_some(entry.aik)
    }

    /// The key that a state, or the practice, names for a member to whom what is pinned of it does not belong.
    pub(super) fn changed_key(&self, org: Option<OrgId>, member: &Member) -> Option<AikChange> {
        let keys = self.keys(member.account)?;
        let named = (!keys.descends_from(&member.aik)).then_some(member.aik);
        let new = named.or_else(|| self.listed_otherwise(org, member.account))?;
        Some(AikChange { account: member.account, pinned: keys.aik, new })
    }

    /// Whether the pinned directory expired more than 7 d ago.
    pub(super) fn is_lapsed(&self, pin: &DirectoryPin) -> bool {
        pin.current().is_expired(self.now.minus(LAPSED_AFTER_MS))
    }

    /// The pinned directory, if it is of this practice.
    pub(super) fn pin_of(&self, org: Option<OrgId>) -> Option<&'a DirectoryPin> {
        self.directory.filter(|pin| Some(pin.org()) == org)
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
