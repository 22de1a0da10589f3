//! Devices and their keys: `docs/protocol.md` B2 and B7.2 (`ID_X`).

use core::fmt;

use zeroize::Zeroizing;

use crate::ids::DeviceAddress;
use crate::labels::Label;
use crate::primitives::{Ed25519PublicKey, Ed25519Secret, Signature, X25519PublicKey, X25519Secret};
use crate::random::{RandomError, draw};
use crate::wire::joined;

/// What a device is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeviceKind {
    /// 1: a telephone or tablet.
    Mobile,
    /// 2: a computer.
    Desktop,
    /// 3: a browser, and any kind that v1 does not know.
    Web,
    /// 4: the EHR's connector.
    Connector,
    /// 5: the archive: receives only.
    Archive,
}

impl DeviceKind {
    /// Another number is treated as 3.
    pub const fn from_u32(number: u32) -> Self {
        match number {
            1 => Self::Mobile,
            2 => Self::Desktop,
            4 => Self::Connector,
            5 => Self::Archive,
            _ => Self::Web,
        }
    }

    /// The number on the wire.
    pub const fn as_u32(self) -> u32 {
        match self {
            Self::Mobile => 1,
            Self::Desktop => 2,
            Self::Web => 3,
            Self::Connector => 4,
            Self::Archive => 5,
        }
    }
}

/// A device as others know it: its address and the three keys that identify it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DevicePublic {
    /// Account, device and registration.
    pub address: DeviceAddress,
    /// The account's identity key.
    pub aik: Ed25519PublicKey,
    /// The device's signing key.
    pub dsk: Ed25519PublicKey,
    /// The device's Diffie-Hellman key.
    pub ddk: X25519PublicKey,
}

impl DevicePublic {
    /// `ID_X = account[16] || u32 device || u32 reg || AIK[33] || DSK[33] || DDK[33]`.
    pub fn id_bytes(&self) -> [u8; 123] {
        joined(&[&self.address.to_bytes(), &self.aik.tagged(), &self.dsk.tagged(), &self.ddk.tagged()])
    }

    /// Whether `other` is the same registration with the same keys; the identity key over them may have rotated.
    pub fn is_same_device(&self, other: &Self) -> bool {
        (self.address, self.dsk, self.ddk) == (other.address, other.dsk, other.ddk)
    }

    /// Whether `pop` is this device's consent to belong to the account whose identity key is `aik`.
    pub fn consents_to(&self, aik: &Ed25519PublicKey, pop: &[u8]) -> bool {
        self.dsk.verify(Label::DevicePop, &[&self.possession_message(aik)], pop)
    }

    /// `account_id || u32 device_id || u32 reg_nonce || aik(33) || ddk(33)`.
    fn possession_message(&self, aik: &Ed25519PublicKey) -> Vec<u8> {
        let (aik, ddk) = (aik.tagged(), self.ddk.tagged());
        [&self.address.to_bytes()[..], &aik, &ddk].concat()
    }
}

impl fmt::Debug for DevicePublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DevicePublic(..)")
    }
}

/// This device, with its private keys. The account's identity key is not among them: it stays on the primary.
pub struct LocalDevice {
    public: DevicePublic,
    dsk: Ed25519Secret,
    ddk: X25519Secret,
}

impl LocalDevice {
    /// A device with fresh keys, at `address`, of the account whose identity key is `aik`.
    pub fn generate(
        address: DeviceAddress,
        aik: Ed25519PublicKey,
        rng: &mut impl rand_core::TryCryptoRng,
    ) -> Result<Self, RandomError> {
        let dsk = draw(rng)?;
        let ddk = draw(rng)?;
        Ok(Self::from_seeds(address, aik, &dsk, &ddk))
    }

    /// The device with these seeds.
    pub fn from_seeds(
        address: DeviceAddress,
        aik: Ed25519PublicKey,
        dsk: &Zeroizing<[u8; 32]>,
        ddk: &Zeroizing<[u8; 32]>,
    ) -> Self {
        let (dsk, ddk) = (Ed25519Secret::from_seed(dsk), X25519Secret::from_seed(ddk));
        let public = DevicePublic { address, aik, dsk: dsk.public_key(), ddk: ddk.public_key() };
        Self { public, dsk, ddk }
    }

    /// The seeds of signing and agreement key, for the encrypted store alone: [`from_seeds`](Self::from_seeds) takes them.
    pub fn to_seeds(&self) -> [Zeroizing<[u8; 32]>; 2] {
        [Zeroizing::new(*self.dsk.seed()), Zeroizing::new(*self.ddk.seed())]
    }

    /// The same keys under another address.
    #[cfg(test)]
    pub(crate) fn moved_to(&self, address: DeviceAddress) -> Self {
        let public = DevicePublic { address, ..self.public };
        let (dsk, ddk) = (self.dsk.duplicate(), X25519Secret::from_slice(self.ddk.seed()).unwrap());
        Self { public, dsk, ddk }
    }

    /// These private keys under the name and the public keys of another device: what a thief of a certificate has.
    #[cfg(test)]
    pub(crate) fn posing_as(&self, other: &DevicePublic) -> Self {
        Self { public: *other, ..self.moved_to(other.address) }
    }

    /// As others know it.
    pub const fn public(&self) -> &DevicePublic {
        &self.public
    }

    pub(crate) const fn dsk(&self) -> &Ed25519Secret {
        &self.dsk
    }

    pub(crate) const fn ddk(&self) -> &X25519Secret {
        &self.ddk
    }

    /// `pop = SIGN(DSK, "device-pop", account_id || u32 device_id || u32 reg_nonce || aik(33) || ddk(33))`: the
    /// device's consent to belong to the account whose identity key is `aik` (its own, or an announced one).
    pub fn proof_of_possession(&self, aik: &Ed25519PublicKey) -> Signature {
        self.dsk.sign(Label::DevicePop, &[&self.public.possession_message(aik)])
    }
}

impl fmt::Debug for LocalDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalDevice(..)")
    }
}
