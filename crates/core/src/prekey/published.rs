//! One record of a bundle, from bytes to a key that may be used: `docs/protocol.md` B3, step (4).

use core::fmt;

use super::record::{self, KeyId, PrekeyRecord, RecordBytes, RecordError, RecordKey, RecordType};
use crate::identity::DevicePublic;
use crate::ids::DeviceAddress;
use crate::limits::RECORD_EARLY_MS;
use crate::primitives::{MlKem1024PublicKey, X25519PublicKey, XWingPublicKey};
use crate::suite::Suite;
use crate::time::{Timestamp, Validity};
use crate::wire::v1;

/// Why a record is not used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RecordFault {
    /// Not a record, or its key breaks B1.1.
    #[error(transparent)]
    Form(#[from] RecordError),
    /// Not signed by the device.
    #[error("the signature does not verify")]
    Signature,
    /// Of another type than its slot.
    #[error("a record in the slot of another type")]
    Slot,
    /// Of another suite than its neighbours.
    #[error("records of two suites")]
    Suite,
    /// Of another account, device or registration.
    #[error("a record of another device")]
    OtherDevice,
    /// Not valid yet, or no longer.
    #[error("not valid at this time")]
    Expired,
    /// Valid for longer than its type allows.
    #[error("the lifetime breaks a rule")]
    Lifetime,
}

/// A record that parses, its key included.
pub(super) struct UnverifiedRecord {
    record: PrekeyRecord,
    bytes: RecordBytes,
    sig: Vec<u8>,
}

impl UnverifiedRecord {
    pub(super) fn parse(signed: &v1::SignedRecord) -> Result<Self, RecordError> {
        Ok(Self {
            record: PrekeyRecord::parse(&signed.record)?,
            bytes: signed.record.clone().into_boxed_slice(),
            sig: signed.sig.clone(),
        })
    }

    pub(super) const fn suite(&self) -> Suite {
        self.record.suite
    }

    /// Signature under DSK, type in its slot, address equal, `not_before - 5 min <= now < not_after`, lifetime at
    /// most the value for its type.
    pub(super) fn verify<K: SlotKey>(
        self,
        slot: &[RecordType],
        device: &DevicePublic,
        now: Timestamp,
    ) -> Result<PublishedRecord<K>, RecordFault> {
        let Self { record, bytes, sig } = self;
        if !record::verifies(&bytes, &sig, &device.dsk) {
            return Err(RecordFault::Signature);
        }
        if !slot.contains(&record.record_type) {
            return Err(RecordFault::Slot);
        }
        if record.address != device.address {
            return Err(RecordFault::OtherDevice);
        }
        let stated = Validity { from: record.not_before, until: record.not_after };
        if !stated.lasts_at_most(record.record_type.life_ms()) {
            return Err(RecordFault::Lifetime);
        }
        let early = Validity { from: stated.from.minus(RECORD_EARLY_MS), ..stated };
        if !early.contains(now) {
            return Err(RecordFault::Expired);
        }
        Ok(PublishedRecord {
            record_type: record.record_type,
            key_id: record.key_id,
            not_after: record.not_after,
            key: K::of(record.key).ok_or(RecordFault::Slot)?,
            record: bytes,
            address: record.address,
        })
    }
}

/// A key type that a record may hold.
pub(super) trait SlotKey: Sized {
    fn of(key: RecordKey) -> Option<Self>;
}

macro_rules! slot_key {
    ($($variant:ident($key:ty)),*) => {
        $(impl SlotKey for $key {
            fn of(key: RecordKey) -> Option<Self> {
                match key {
                    RecordKey::$variant(key) => Some(key),
                    _ => None,
                }
            }
        })*
    };
}

slot_key!(X25519(X25519PublicKey), MlKem1024(MlKem1024PublicKey), XWing(XWingPublicKey));

/// A verified record of somebody else's device, with its key.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublishedRecord<K> {
    /// What it is for.
    pub record_type: RecordType,
    /// Its number.
    pub key_id: KeyId,
    /// Used before this time only.
    pub not_after: Timestamp,
    /// The key.
    pub key: K,
    /// The record as received, without its signature: what is hashed.
    pub record: RecordBytes,
    pub(crate) address: DeviceAddress,
}

impl<K> fmt::Debug for PublishedRecord<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublishedRecord({:?})", self.record_type)
    }
}
