//! Prekeys of this device, private halves included: `docs/protocol.md` B3. Each type is a type of its own, so that
//! none can be used in another's place.

use core::fmt;

use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use super::record::{self, KeyId, PrekeyRecord, RecordBytes, RecordKey, RecordType};
use crate::identity::LocalDevice;
use crate::primitives::{MlKem1024Secret, X25519Secret, XWingSecret};
use crate::random::{RandomError, draw};
use crate::suite::Suite;
use crate::time::Timestamp;
use crate::wire::v1;

macro_rules! prekey {
    ($(#[$doc:meta])* $name:ident, $secret:ident) => {
        $(#[$doc])*
        pub struct $name {
            key_id: KeyId,
            record: RecordBytes,
            secret: $secret,
        }

        impl $name {
            /// Its number.
            pub const fn key_id(&self) -> KeyId {
                self.key_id
            }

            /// The record as it was published.
            pub fn record(&self) -> &[u8] {
                &self.record
            }

            pub(super) const fn from_parts(key_id: KeyId, record: RecordBytes, secret: $secret) -> Self {
                Self { key_id, record, secret }
            }

            pub(crate) const fn secret(&self) -> &$secret {
                &self.secret
            }

            /// The record and the device's signature under it, to be published.
            pub fn signed(&self, device: &LocalDevice) -> v1::SignedRecord {
                v1::SignedRecord { record: self.record.to_vec(), sig: record::sign(&self.record, device.dsk()).to_vec() }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

prekey!(/// Signed X25519 prekey (0x21).
    SignedPrekey, X25519Secret);
prekey!(/// One-time X25519 prekey (0x22): its private key is deleted in the commit that stores the session it made.
    OneTimePrekey, X25519Secret);
prekey!(/// ML-KEM-1024 prekey, one-time (0x23) or last-resort (0x24).
    KemPrekey, MlKem1024Secret);
prekey!(/// X-Wing key of envelopes (0x25).
    EnvelopePrekey, XWingSecret);

/// From `now` for the longest life of its type.
fn record(device: &LocalDevice, record_type: RecordType, key_id: KeyId, now: Timestamp, key: RecordKey) -> RecordBytes {
    PrekeyRecord {
        record_type,
        suite: Suite::V1,
        address: device.public().address,
        key_id,
        not_before: now,
        not_after: now.plus(record_type.life_ms()),
        key,
    }
    .to_bytes()
}

impl SignedPrekey {
    /// A fresh one, valid from `now` for 30 days.
    pub fn generate(
        device: &LocalDevice,
        key_id: KeyId,
        now: Timestamp,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Self, RandomError> {
        Ok(Self::from_seed(device, key_id, now, &draw(rng)?))
    }

    /// The one with this seed.
    pub fn from_seed(device: &LocalDevice, key_id: KeyId, now: Timestamp, seed: &Zeroizing<[u8; 32]>) -> Self {
        let secret = X25519Secret::from_seed(seed);
        let key = RecordKey::X25519(secret.public_key());
        Self { key_id, record: record(device, RecordType::Signed, key_id, now, key), secret }
    }
}

impl OneTimePrekey {
    /// A fresh one, valid from `now` for 90 days.
    pub fn generate(
        device: &LocalDevice,
        key_id: KeyId,
        now: Timestamp,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Self, RandomError> {
        Ok(Self::from_seed(device, key_id, now, &draw(rng)?))
    }

    /// The one with this seed.
    pub fn from_seed(device: &LocalDevice, key_id: KeyId, now: Timestamp, seed: &Zeroizing<[u8; 32]>) -> Self {
        let secret = X25519Secret::from_seed(seed);
        let key = RecordKey::X25519(secret.public_key());
        Self { key_id, record: record(device, RecordType::OneTime, key_id, now, key), secret }
    }
}

impl KemPrekey {
    /// A fresh one-time key, valid from `now` for 90 days.
    pub fn generate_one_time(
        device: &LocalDevice,
        key_id: KeyId,
        now: Timestamp,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Self, RandomError> {
        Ok(Self::from_seed(device, RecordType::OneTimeKem, key_id, now, &draw(rng)?))
    }

    /// A fresh last-resort key, valid from `now` for 30 days.
    pub fn generate_last_resort(
        device: &LocalDevice,
        key_id: KeyId,
        now: Timestamp,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Self, RandomError> {
        Ok(Self::from_seed(device, RecordType::LastResortKem, key_id, now, &draw(rng)?))
    }

    pub(crate) fn from_seed(
        device: &LocalDevice,
        record_type: RecordType,
        key_id: KeyId,
        now: Timestamp,
        seed: &Zeroizing<[u8; 64]>,
    ) -> Self {
        let secret = MlKem1024Secret::from_seed(seed);
        let key = RecordKey::MlKem1024(secret.public_key());
        Self { key_id, record: record(device, record_type, key_id, now, key), secret }
    }

    /// Whether it is a last-resort key (0x24): kept after use.
    pub fn is_last_resort(&self) -> bool {
        self.record.first() == Some(&(RecordType::LastResortKem as u8))
    }
}

impl EnvelopePrekey {
    /// A fresh one, valid from `now` for 60 days.
    pub fn generate(
        device: &LocalDevice,
        key_id: KeyId,
        now: Timestamp,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Self, RandomError> {
        Self::from_seed(device, key_id, now, &draw(rng)?).ok_or(RandomError)
    }

    pub(crate) fn from_seed(
        device: &LocalDevice,
        key_id: KeyId,
        now: Timestamp,
        seed: &Zeroizing<[u8; 32]>,
    ) -> Option<Self> {
        let secret = XWingSecret::from_seed(seed);
        let key = RecordKey::XWing(secret.public_key().ok()?);
        Some(Self { key_id, record: record(device, RecordType::Envelope, key_id, now, key), secret })
    }
}
