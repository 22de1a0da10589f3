//! A private prekey at rest, with its life: `docs/client.md`, Rows.

use carevow_core::Timestamp;
use carevow_core::identity::LocalDevice;
use carevow_core::prekey::{
    EnvelopePrekey, HeldPrekey, KemPrekey, KeyId, OneTimePrekey, PrekeyRecord, RecordType, SignedPrekey, Standing,
};
use carevow_core::random::RandomError;
use carevow_core::wire::v1;
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use super::TYPES;
use crate::error::ClientError;

/// A private prekey of whichever type.
pub(super) enum Prekey {
    Signed(SignedPrekey),
    OneTime(OneTimePrekey),
    Kem(KemPrekey),
    Envelope(EnvelopePrekey),
}

impl Prekey {
    pub(super) fn generate(
        of: RecordType,
        device: &LocalDevice,
        id: KeyId,
        now: Timestamp,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Self, RandomError> {
        Ok(match of {
            RecordType::Signed => Self::Signed(SignedPrekey::generate(device, id, now, rng)?),
            RecordType::OneTime => Self::OneTime(OneTimePrekey::generate(device, id, now, rng)?),
            RecordType::OneTimeKem => Self::Kem(KemPrekey::generate_one_time(device, id, now, rng)?),
            RecordType::LastResortKem => Self::Kem(KemPrekey::generate_last_resort(device, id, now, rng)?),
            RecordType::Envelope => Self::Envelope(EnvelopePrekey::generate(device, id, now, rng)?),
        })
    }

    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Signed(prekey) => prekey.to_bytes(),
            Self::OneTime(prekey) => prekey.to_bytes(),
            Self::Kem(prekey) => prekey.to_bytes(),
            Self::Envelope(prekey) => prekey.to_bytes(),
        }
    }

    pub(super) fn signed(&self, device: &LocalDevice) -> v1::SignedRecord {
        match self {
            Self::Signed(prekey) => prekey.signed(device),
            Self::OneTime(prekey) => prekey.signed(device),
            Self::Kem(prekey) => prekey.signed(device),
            Self::Envelope(prekey) => prekey.signed(device),
        }
    }

    pub(super) fn record(&self) -> &[u8] {
        match self {
            Self::Signed(prekey) => prekey.record(),
            Self::OneTime(prekey) => prekey.record(),
            Self::Kem(prekey) => prekey.record(),
            Self::Envelope(prekey) => prekey.record(),
        }
    }
}

/// A prekey as it lies in the store, its life first, so that looking after a hundred of them opens none:
/// `u8 format || u8 published || u8 standing || u64 since || u64 not_before || u64 not_after || prekey`. Number and
/// type are in its key.
pub(super) struct Row {
    pub(super) held: HeldPrekey,
    pub(super) published: bool,
    prekey: Zeroizing<Vec<u8>>,
}

const FORMAT: u8 = 1;

impl Row {
    pub(super) fn made(of: RecordType, prekey: &Prekey) -> Result<Self, ClientError> {
        let record = PrekeyRecord::parse(prekey.record()).map_err(|_| ClientError::Internal)?;
        let held = HeldPrekey {
            record_type: of,
            key_id: record.key_id,
            not_before: record.not_before,
            not_after: record.not_after,
            standing: Standing::InUse,
        };
        Ok(Self { held, published: false, prekey: prekey.to_bytes() })
    }

    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let (standing, since) = match self.held.standing {
            Standing::InUse => (0, 0),
            Standing::Replaced(at) => (1, at.as_millis()),
            Standing::ReplacedAtCap(at) => (2, at.as_millis()),
        };
        let head = [FORMAT, u8::from(self.published), standing];
        let times = [since, self.held.not_before.as_millis(), self.held.not_after.as_millis()];
        let times: Vec<u8> = times.iter().flat_map(|time| time.to_be_bytes()).collect();
        Zeroizing::new([head.as_slice(), &times, &self.prekey].concat())
    }

    pub(super) fn parse(key: &[u8], bytes: &[u8]) -> Option<Self> {
        let (of, id) = key.split_first()?;
        let record_type = TYPES.into_iter().find(|one| *one as u8 == *of)?;
        let key_id = KeyId(u32::from_be_bytes(id.try_into().ok()?));
        let ([FORMAT, published @ (0 | 1), standing], rest) = bytes.split_first_chunk()? else { return None };
        let (since, rest) = rest.split_first_chunk()?;
        let (not_before, rest) = rest.split_first_chunk()?;
        let (not_after, prekey) = rest.split_first_chunk()?;
        let time = |bytes: &[u8; 8]| Timestamp::from_millis(u64::from_be_bytes(*bytes));
        let standing = match (standing, time(since)) {
            (0, since) if since == Timestamp::default() => Standing::InUse,
            (1, since) => Standing::Replaced(since),
            (2, since) => Standing::ReplacedAtCap(since),
            _ => return None,
        };
        let (not_before, not_after) = (time(not_before), time(not_after));
        let held = HeldPrekey { record_type, key_id, not_before, not_after, standing };
        Some(Self { held, published: *published == 1, prekey: Zeroizing::new(prekey.to_vec()) })
    }

    /// The prekey itself: its seed gives the key of its record.
    pub(super) fn open(&self) -> Result<Prekey, ClientError> {
        let bytes = &self.prekey;
        let opened = match self.held.record_type {
            RecordType::Signed => SignedPrekey::from_bytes(bytes).map(Prekey::Signed),
            RecordType::OneTime => OneTimePrekey::from_bytes(bytes).map(Prekey::OneTime),
            RecordType::OneTimeKem | RecordType::LastResortKem => KemPrekey::from_bytes(bytes).map(Prekey::Kem),
            RecordType::Envelope => EnvelopePrekey::from_bytes(bytes).map(Prekey::Envelope),
        };
        opened.map_err(|_| ClientError::CORRUPTED)
    }
}
