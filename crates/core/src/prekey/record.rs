//! `PrekeyRecord`: `docs/protocol.md` B3.
//!
//! ```text
//! u8 type | u8 ver=0x01 | u16 suite | account_id[16] | u32 device_id | u32 reg_nonce | u32 key_id
//! | u64 not_before_ms | u64 not_after_ms | key (tag||raw)                       # 48-byte head
//! ```

use crate::ids::{AccountId, DeviceAddress, DeviceId, RegNonce};
use crate::labels::Label;
use crate::primitives::{
    Ed25519PublicKey, Ed25519Secret, MlKem1024PublicKey, PublicKey, Signature, X25519PublicKey, XWingPublicKey,
};
use crate::suite::Suite;
use crate::time::{DAY_MS, Timestamp};
use crate::wire::Layout;

/// Bytes before the key.
pub const HEAD_BYTES: usize = 48;
const VERSION: u8 = 0x01;

/// Number of a prekey: random start, plus one for each, unique per device and type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct KeyId(pub u32);

impl KeyId {
    /// The low byte: `env_hint` of an envelope (B7.2).
    pub const fn hint(self) -> u8 {
        self.0.to_be_bytes()[3]
    }

    /// The next one, modulo 2^32.
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

/// What a record is for. The type is signed, so that no key can stand in another's slot.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum RecordType {
    /// 0x21: signed X25519 prekey (SPK).
    Signed = 0x21,
    /// 0x22: one-time X25519 prekey (OPK).
    OneTime = 0x22,
    /// 0x23: one-time ML-KEM-1024 prekey.
    OneTimeKem = 0x23,
    /// 0x24: last-resort ML-KEM-1024 prekey.
    LastResortKem = 0x24,
    /// 0x25: X-Wing key of envelopes (ENV).
    Envelope = 0x25,
}

impl RecordType {
    const fn from_u8(byte: u8) -> Option<Self> {
        match byte {
            0x21 => Some(Self::Signed),
            0x22 => Some(Self::OneTime),
            0x23 => Some(Self::OneTimeKem),
            0x24 => Some(Self::LastResortKem),
            0x25 => Some(Self::Envelope),
            _ => None,
        }
    }

    /// `not_after - not_before` at most.
    pub const fn life_ms(self) -> u64 {
        match self {
            Self::Signed | Self::LastResortKem => 30 * DAY_MS,
            Self::Envelope => 60 * DAY_MS,
            Self::OneTime | Self::OneTimeKem => 90 * DAY_MS,
        }
    }
}

/// The key of a record, of the type that the record's type asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RecordKey {
    /// Types 0x21 and 0x22.
    X25519(X25519PublicKey),
    /// Types 0x23 and 0x24.
    MlKem1024(MlKem1024PublicKey),
    /// Type 0x25.
    XWing(XWingPublicKey),
}

/// Why bytes are no prekey record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RecordError {
    /// Unknown type, wrong length, wrong key tag, a key that fails B1.1, a device id of 0.
    #[error("not a prekey record")]
    Malformed,
    /// Another version or suite.
    #[error("unsupported version or suite")]
    UnsupportedVersion,
    /// An X25519 key of small order.
    #[error("a key of small order")]
    LowOrder,
}

/// The bytes of a record as they were made or received: what is signed and hashed.
pub type RecordBytes = Box<[u8]>;

/// A parsed record; whether it is signed, and by whom, is judged by the bundle.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PrekeyRecord {
    /// What it is for.
    pub record_type: RecordType,
    /// Its suite.
    pub suite: Suite,
    /// Whose it is.
    pub address: DeviceAddress,
    /// Its number.
    pub key_id: KeyId,
    /// Valid from this time on.
    pub not_before: Timestamp,
    /// Valid before this time.
    pub not_after: Timestamp,
    /// The public key.
    pub key: RecordKey,
}

impl PrekeyRecord {
    /// Parses a record, its key included.
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut layout = Layout::new(bytes);
        let head = Self::head(&mut layout).ok_or(RecordError::Malformed)?;
        let (record_type, version, suite, address, key_id, not_before, not_after) = head;
        let suite = Suite::from_u16(suite).filter(|_| version == VERSION).ok_or(RecordError::UnsupportedVersion)?;
        let record_type = RecordType::from_u8(record_type).ok_or(RecordError::Malformed)?;
        let key = RecordKey::parse(record_type, layout.rest())?;
        Ok(Self { record_type, suite, address, key_id, not_before, not_after, key })
    }

    fn head(layout: &mut Layout<'_>) -> Option<(u8, u8, u16, DeviceAddress, KeyId, Timestamp, Timestamp)> {
        let (record_type, version, suite) = (layout.u8()?, layout.u8()?, layout.u16()?);
        let account = AccountId::from_bytes(*layout.array()?);
        let (device, reg) = (DeviceId::new(layout.u32()?)?, RegNonce::new(layout.u32()?)?);
        let key_id = KeyId(layout.u32()?);
        let (not_before, not_after) = (Timestamp::from_millis(layout.u64()?), Timestamp::from_millis(layout.u64()?));
        Some((record_type, version, suite, DeviceAddress { account, device, reg }, key_id, not_before, not_after))
    }

    /// The bytes that are signed.
    pub fn to_bytes(&self) -> RecordBytes {
        let key = self.key.to_tagged();
        let mut bytes = Vec::with_capacity(HEAD_BYTES.saturating_add(key.len()));
        bytes.extend_from_slice(&[self.record_type as u8, VERSION]);
        bytes.extend_from_slice(&self.suite.as_u16().to_be_bytes());
        bytes.extend_from_slice(&self.address.to_bytes());
        bytes.extend_from_slice(&self.key_id.0.to_be_bytes());
        bytes.extend_from_slice(&self.not_before.as_millis().to_be_bytes());
        bytes.extend_from_slice(&self.not_after.as_millis().to_be_bytes());
        bytes.extend_from_slice(&key);
        bytes.into_boxed_slice()
    }
}

impl RecordKey {
    fn parse(record_type: RecordType, bytes: &[u8]) -> Result<Self, RecordError> {
        match record_type {
            RecordType::Signed | RecordType::OneTime => {
                let key = X25519PublicKey::from_tagged(bytes).map_err(|_| RecordError::Malformed)?;
                match key.is_low_order() {
                    true => Err(RecordError::LowOrder),
                    false => Ok(Self::X25519(key)),
                }
            }
            RecordType::OneTimeKem | RecordType::LastResortKem => {
                MlKem1024PublicKey::from_tagged(bytes).map(Self::MlKem1024).map_err(|_| RecordError::Malformed)
            }
            RecordType::Envelope => {
                XWingPublicKey::from_tagged(bytes).map(Self::XWing).map_err(|_| RecordError::Malformed)
            }
        }
    }

    fn to_tagged(&self) -> Vec<u8> {
        match self {
            Self::X25519(key) => key.to_tagged(),
            Self::MlKem1024(key) => key.to_tagged(),
            Self::XWing(key) => key.to_tagged(),
        }
    }
}

/// `SIGN(DSK, "prekey", PrekeyRecord)`.
pub(crate) fn sign(record: &[u8], dsk: &Ed25519Secret) -> Signature {
    dsk.sign(Label::Prekey, &[record])
}

/// Whether `sig` is `SIGN(DSK, "prekey", record)`.
pub(crate) fn verifies(record: &[u8], sig: &[u8], dsk: &Ed25519PublicKey) -> bool {
    dsk.verify(Label::Prekey, &[record], sig)
}
