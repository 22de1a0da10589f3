//! Device manifests: `docs/protocol.md` B2.

use core::fmt;

use super::account::AccountKey;
use super::device::{DeviceKind, DevicePublic, LocalDevice};
use crate::ids::{AccountId, DeviceAddress, DeviceId, RegNonce};
use crate::labels::Label;
use crate::limits::{DEVICES, MANIFEST_LIFE_MS};
use crate::primitives::{Ed25519PublicKey, PublicKey as _, Signature, kdf};
use crate::time::{Timestamp, Validity};
use crate::wire::{SignedBody, WireError, array, key, optional_key, v1};

/// Why a manifest is not one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not canonical, another version, a field of a wrong length, a key that fails B1.1.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// None or more than 16 devices, or ids that do not ascend.
    #[error("the list of devices breaks a rule")]
    Devices,
    /// `seq` 0, or a first manifest that names a previous one.
    #[error("the place in the chain breaks a rule")]
    Chain,
    /// It expires before it was issued, or more than 30 days after.
    #[error("the lifetime breaks a rule")]
    Lifetime,
    /// Not signed by the identity key that it names.
    #[error("the signature does not verify")]
    Signature,
    /// A device did not consent to belong to this account.
    #[error("a proof of possession does not verify")]
    ProofOfPossession,
}

/// One device of a manifest, with its consent.
#[derive(Clone, PartialEq, Eq)]
pub struct ListedDevice {
    /// Its address and keys, under the identity key of the manifest.
    pub device: DevicePublic,
    /// What it is for.
    pub kind: DeviceKind,
    /// When the primary added it.
    pub added_at: Timestamp,
    pop: Signature,
}

impl ListedDevice {
    /// `device` as its own account lists it under the identity key `aik`.
    pub fn of(device: &LocalDevice, kind: DeviceKind, added_at: Timestamp, aik: &Ed25519PublicKey) -> Self {
        Self {
            device: DevicePublic { aik: *aik, ..*device.public() },
            kind,
            added_at,
            pop: device.proof_of_possession(aik),
        }
    }

    /// The entry of a device of `account`, with the consent that it gave; `None` unless its consent verifies.
    pub fn from_entry(entry: &v1::DeviceEntry, account: AccountId, aik: &Ed25519PublicKey) -> Option<Self> {
        Self::parse(entry, account, aik).ok().filter(Self::consents)
    }

    /// This device with its consent to the announced identity key `aik` (`Sync.pop`, B9); `None` unless it verifies.
    pub fn under(&self, aik: &Ed25519PublicKey, pop: Signature) -> Option<Self> {
        let device = DevicePublic { aik: *aik, ..self.device };
        Some(Self { device, pop, ..self.clone() }).filter(Self::consents)
    }

    /// As it stands in a manifest.
    pub fn to_entry(&self) -> v1::DeviceEntry {
        v1::DeviceEntry {
            device_id: self.device.address.device.as_u32(),
            reg_nonce: self.device.address.reg.as_u32(),
            dsk: self.device.dsk.to_tagged(),
            ddk: self.device.ddk.to_tagged(),
            added_at_ms: self.added_at.as_millis(),
            kind: self.kind.as_u32(),
            pop: self.pop.to_vec(),
        }
    }

    fn parse(entry: &v1::DeviceEntry, account: AccountId, aik: &Ed25519PublicKey) -> Result<Self, WireError> {
        let address = DeviceAddress {
            account,
            device: DeviceId::new(entry.device_id).ok_or(WireError::Field)?,
            reg: RegNonce::new(entry.reg_nonce).ok_or(WireError::Field)?,
        };
        let (aik, dsk, ddk) = (*aik, key(&entry.dsk)?, key(&entry.ddk)?);
        Ok(Self {
            device: DevicePublic { address, aik, dsk, ddk },
            kind: DeviceKind::from_u32(entry.kind),
            added_at: Timestamp::from_millis(entry.added_at_ms),
            pop: array(&entry.pop)?,
        })
    }

    fn consents(&self) -> bool {
        self.device.consents_to(&self.device.aik, &self.pop)
    }
}

/// A manifest that parses, whose signature and proofs nobody has looked at.
pub struct UnverifiedManifest {
    signed: v1::Signed,
    manifest: Manifest,
}

impl UnverifiedManifest {
    /// Every rule of B2 that needs no cryptography: 1..16 devices, ascending unique ids, `seq` from 1, `prev_hash`
    /// Z32 for `seq` 1, lifetime at most 30 days.
    pub fn parse(signed: &v1::Signed) -> Result<Self, ManifestError> {
        let message = v1::DeviceManifest::parse(&signed.body)?;
        let account = AccountId::from_bytes(array(&message.account_id)?);
        let aik = key(&message.aik)?;
        if message.devices.is_empty() || message.devices.len() > DEVICES {
            return Err(ManifestError::Devices);
        }
        let devices = message
            .devices
            .iter()
            .map(|entry| ListedDevice::parse(entry, account, &aik))
            .collect::<Result<Box<[_]>, _>>()?;
        if !devices.is_sorted_by(|one, next| one.device.address.device < next.device.address.device) {
            return Err(ManifestError::Devices);
        }
        let prev_hash = array(&message.prev_hash)?;
        if message.seq == 0 || (message.seq == 1 && prev_hash != NO_PREVIOUS) {
            return Err(ManifestError::Chain);
        }
        let validity = Validity {
            from: Timestamp::from_millis(message.issued_at_ms),
            until: Timestamp::from_millis(message.expires_at_ms),
        };
        if !validity.lasts_at_most(MANIFEST_LIFE_MS) {
            return Err(ManifestError::Lifetime);
        }
        let manifest = Manifest {
            body: signed.body.clone().into_boxed_slice(),
            sig: array(&signed.sig)?,
            hash: kdf::sha256(&[&signed.body]),
            account,
            aik,
            seq: message.seq,
            prev_hash,
            validity,
            devices,
            next_aik: optional_key(&message.next_aik)?,
        };
        let signed = signed.clone();
        Ok(Self { signed, manifest })
    }

    /// `VERIFY(AIK, "manifest", body)` under the identity key that the manifest names, and the consent of every
    /// device. Whether that key is the account's is judged by a certificate and by the pin.
    pub fn verify(self) -> Result<Manifest, ManifestError> {
        if !v1::DeviceManifest::verifies(&self.signed, &self.manifest.aik) {
            return Err(ManifestError::Signature);
        }
        match self.manifest.devices.iter().all(ListedDevice::consents) {
            true => Ok(self.manifest),
            false => Err(ManifestError::ProofOfPossession),
        }
    }
}

/// The verified word of an account about its devices, with the bytes as received.
#[derive(Clone, PartialEq, Eq)]
pub struct Manifest {
    body: Box<[u8]>,
    sig: Signature,
    hash: [u8; 32],
    account: AccountId,
    aik: Ed25519PublicKey,
    seq: u64,
    prev_hash: [u8; 32],
    validity: Validity,
    devices: Box<[ListedDevice]>,
    next_aik: Option<Ed25519PublicKey>,
}

/// What a new manifest says.
#[derive(Clone, PartialEq, Eq)]
pub struct ManifestDraft {
    /// 1..16 devices in any order.
    pub devices: Vec<ListedDevice>,
    /// The identity key that will succeed this one, once it is announced.
    pub next_aik: Option<Ed25519PublicKey>,
}

impl Manifest {
    /// Signs what `draft` says as the successor of `previous` (`None`: the account's first), valid for 30 days from
    /// `now`. `key` is the key of `previous`, or the one that it announced.
    pub fn issue(
        key: &AccountKey,
        previous: Option<&Self>,
        draft: ManifestDraft,
        now: Timestamp,
    ) -> Result<Self, ManifestError> {
        let ManifestDraft { mut devices, next_aik } = draft;
        devices.sort_by_key(|listed| listed.device.address.device);
        let seq = previous.map_or(0, |previous| previous.seq);
        let message = v1::DeviceManifest {
            version: 1,
            account_id: key.account().as_bytes().to_vec(),
            aik: key.public_key().to_tagged(),
            seq: seq.checked_add(1).ok_or(ManifestError::Chain)?,
            prev_hash: previous.map_or(NO_PREVIOUS, |previous| previous.hash).to_vec(),
            issued_at_ms: now.as_millis(),
            expires_at_ms: now.plus(MANIFEST_LIFE_MS).as_millis(),
            devices: devices.iter().map(ListedDevice::to_entry).collect(),
            next_aik: next_aik.map_or_else(Vec::new, |next| next.to_tagged()),
            ext: Vec::new(),
        };
        let issued = UnverifiedManifest::parse(&message.sign(key.secret()))?.verify()?;
        match previous.is_none_or(|previous| issued.follows(previous).is_some()) {
            true => Ok(issued),
            false => Err(ManifestError::Chain),
        }
    }

    /// As it travels, byte for byte.
    pub fn to_signed(&self) -> v1::Signed {
        v1::Signed { body: self.body.to_vec(), sig: self.sig.to_vec() }
    }

    /// `SHA-256(body)`: `prev_hash` of the next one.
    pub const fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// Whose it is.
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// The identity key that signed it.
    pub const fn aik(&self) -> &Ed25519PublicKey {
        &self.aik
    }

    /// Its place in the chain, from 1.
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// The hash of the one before it.
    pub const fn prev_hash(&self) -> &[u8; 32] {
        &self.prev_hash
    }

    /// The announced successor of the identity key.
    pub const fn next_aik(&self) -> Option<&Ed25519PublicKey> {
        self.next_aik.as_ref()
    }

    /// Its devices, ascending by id.
    pub fn devices(&self) -> &[ListedDevice] {
        &self.devices
    }

    /// This device as listed.
    pub fn device(&self, id: DeviceId) -> Option<&ListedDevice> {
        self.devices.iter().find(|listed| listed.device.address.device == id)
    }

    /// Whether it lists this registration of the device.
    pub fn lists(&self, address: DeviceAddress) -> bool {
        self.listed(address).is_some()
    }

    /// What it says of this registration of the device.
    pub fn listed(&self, address: DeviceAddress) -> Option<&ListedDevice> {
        self.device(address.device).filter(|listed| listed.device.address == address)
    }

    /// Whether no new session may rest on it any more. Existing ones go on and are flagged.
    pub fn is_expired(&self, at: Timestamp) -> bool {
        self.validity.until <= at
    }

    /// When it was signed, by the primary's clock.
    pub const fn issued_at(&self) -> Timestamp {
        self.validity.from
    }

    /// When its account signs the next one: at half of its life.
    pub const fn renew_at(&self) -> Timestamp {
        self.validity.from.plus(self.validity.until.since(self.validity.from) / 2)
    }

    /// How it continues `previous`: the next `seq`, its hash, and its identity key or the announced one.
    pub(super) fn follows(&self, previous: &Self) -> Option<Step> {
        let next = Some(self.seq) == previous.seq.checked_add(1)
            && self.prev_hash == previous.hash
            && self.account == previous.account;
        match next {
            true if self.aik == previous.aik => Some(Step::SameKey),
            true if Some(self.aik) == previous.next_aik => Some(Step::Rotated),
            _ => None,
        }
    }
}

/// How one manifest continues another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// Signed by the same identity key.
    SameKey,
    /// Signed by the key that the one before announced.
    Rotated,
}

impl fmt::Debug for ListedDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ListedDevice(..)")
    }
}

impl fmt::Debug for UnverifiedManifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnverifiedManifest(..)")
    }
}

impl fmt::Debug for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Manifest(seq {})", self.seq)
    }
}

impl SignedBody for v1::DeviceManifest {
    const LABEL: Label = Label::Manifest;

    fn version(&self) -> Option<u32> {
        Some(self.version)
    }

    fn extensions(&self) -> &[v1::Ext] {
        &self.ext
    }
}

const NO_PREVIOUS: [u8; 32] = [0; 32];
