//! Prekeys of this device, from making to deleting them: `docs/protocol.md` B3.2 and B4.6.

use carevow_core::Timestamp;
use carevow_core::handshake::{InitHeader, PrekeyUse, ResponderPrekeys};
use carevow_core::identity::LocalDevice;
use carevow_core::limits::{ONE_TIME_KEMS, ONE_TIME_KEYS};
use carevow_core::placement::ServedBy;
use carevow_core::prekey::{
    EnvelopePrekey, HeldPrekey, KemPrekey, KeyId, OneTimePrekey, PrekeyRecord, RecordType, SignedPrekey, Standing, plan,
};
use carevow_core::random::RandomError;
use carevow_core::wire::v1;
use carevow_store::Sealing;
use prost::Message as _;
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use crate::error::ClientError;
use crate::tables::{PREKEYS, prekeys};
use crate::turn::Turn;

/// The types, in the order of their numbers on the wire.
const TYPES: [RecordType; 5] =
    [RecordType::Signed, RecordType::OneTime, RecordType::OneTimeKem, RecordType::LastResortKem, RecordType::Envelope];

/// The number that the next prekey of each type gets.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PrekeyNumbers([KeyId; TYPES.len()]);

impl PrekeyNumbers {
    pub(crate) fn random(rng: &mut impl TryCryptoRng) -> Result<Self, RandomError> {
        let mut numbers = [KeyId(0); TYPES.len()];
        for number in &mut numbers {
            *number = KeyId::random(rng)?;
        }
        Ok(Self(numbers))
    }

    pub(crate) fn from_stored(stored: &[u32]) -> Option<Self> {
        let stored: [u32; TYPES.len()] = stored.try_into().ok()?;
        Some(Self(stored.map(KeyId)))
    }

    pub(crate) fn to_stored(&self) -> Vec<u32> {
        self.0.iter().map(|number| number.0).collect()
    }

    fn take(&mut self, of: RecordType) -> Option<KeyId> {
        let (_, number) = TYPES.iter().zip(&mut self.0).find(|(one, _)| **one == of)?;
        let taken = *number;
        *number = taken.next();
        Some(taken)
    }
}

/// A private prekey of whichever type.
enum Prekey {
    Signed(SignedPrekey),
    OneTime(OneTimePrekey),
    Kem(KemPrekey),
    Envelope(EnvelopePrekey),
}

impl Prekey {
    fn generate(
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

    fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Signed(prekey) => prekey.to_bytes(),
            Self::OneTime(prekey) => prekey.to_bytes(),
            Self::Kem(prekey) => prekey.to_bytes(),
            Self::Envelope(prekey) => prekey.to_bytes(),
        }
    }

    fn signed(&self, device: &LocalDevice) -> v1::SignedRecord {
        match self {
            Self::Signed(prekey) => prekey.signed(device),
            Self::OneTime(prekey) => prekey.signed(device),
            Self::Kem(prekey) => prekey.signed(device),
            Self::Envelope(prekey) => prekey.signed(device),
        }
    }

    fn record(&self) -> &[u8] {
        match self {
            Self::Signed(prekey) => prekey.record(),
            Self::OneTime(prekey) => prekey.record(),
            Self::Kem(prekey) => prekey.record(),
            Self::Envelope(prekey) => prekey.record(),
        }
    }
}

/// A prekey as it lies in the store: `u8 format || u8 type || u8 published || u8 standing || u64 since || prekey`.
struct Row {
    published: bool,
    standing: Standing,
    prekey: Prekey,
    of: RecordType,
}

const FORMAT: u8 = 1;

impl Row {
    fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let (standing, since) = match self.standing {
            Standing::InUse => (0, 0),
            Standing::Replaced(at) => (1, at.as_millis()),
            Standing::ReplacedAtCap(at) => (2, at.as_millis()),
        };
        let head = [FORMAT, self.of as u8, u8::from(self.published), standing];
        let prekey = self.prekey.to_bytes();
        Zeroizing::new([head.as_slice(), &since.to_be_bytes(), &prekey].concat())
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let ([FORMAT, of, published, standing], rest) = bytes.split_first_chunk()? else { return None };
        let (since, prekey) = rest.split_first_chunk()?;
        let since = Timestamp::from_millis(u64::from_be_bytes(*since));
        let of = TYPES.into_iter().find(|one| *one as u8 == *of)?;
        let standing = match standing {
            0 => Standing::InUse,
            1 => Standing::Replaced(since),
            2 => Standing::ReplacedAtCap(since),
            _ => return None,
        };
        let prekey = match of {
            RecordType::Signed => Prekey::Signed(SignedPrekey::from_bytes(prekey).ok()?),
            RecordType::OneTime => Prekey::OneTime(OneTimePrekey::from_bytes(prekey).ok()?),
            RecordType::OneTimeKem | RecordType::LastResortKem => Prekey::Kem(KemPrekey::from_bytes(prekey).ok()?),
            RecordType::Envelope => Prekey::Envelope(EnvelopePrekey::from_bytes(prekey).ok()?),
        };
        let row = Self { published: *published == 1, standing, prekey, of };
        (row.to_bytes().as_slice() == bytes).then_some(row)
    }

    fn held(&self) -> Result<HeldPrekey, ClientError> {
        let record = PrekeyRecord::parse(self.prekey.record()).map_err(|_| ClientError::CORRUPTED)?;
        Ok(HeldPrekey {
            record_type: self.of,
            key_id: record.key_id,
            not_before: record.not_before,
            not_after: record.not_after,
            standing: self.standing,
        })
    }
}

fn key(of: RecordType, id: KeyId) -> [u8; 5] {
    let [a, b, c, d] = id.0.to_be_bytes();
    [of as u8, a, b, c, d]
}

/// The prekeys that an INIT names.
pub(crate) struct Named {
    spk: SignedPrekey,
    opk: Option<OneTimePrekey>,
    kem: KemPrekey,
}

impl Named {
    pub(crate) fn as_responder(&self) -> ResponderPrekeys<'_> {
        ResponderPrekeys { spk: &self.spk, opk: self.opk.as_ref(), kem: &self.kem }
    }
}

impl<R: TryCryptoRng> Turn<'_, '_, R> {
    /// The first stock of a device.
    pub(crate) fn make_prekeys(&mut self) -> Result<(), ClientError> {
        for of in [RecordType::Signed, RecordType::LastResortKem, RecordType::Envelope] {
            self.make_prekey(of)?;
        }
        for _ in 0..ONE_TIME_KEYS {
            self.make_prekey(RecordType::OneTime)?;
        }
        for _ in 0..ONE_TIME_KEMS {
            self.make_prekey(RecordType::OneTimeKem)?;
        }
        Ok(())
    }

    fn make_prekey(&mut self, of: RecordType) -> Result<(), ClientError> {
        let id = self.own.numbers.take(of).ok_or(ClientError::Internal)?;
        let prekey = Prekey::generate(of, &self.own.device, id, self.now.wall, self.tx.rng())?;
        let row = Row { published: false, standing: Standing::InUse, prekey, of };
        self.put_prekey(id, &row)
    }

    fn put_prekey(&mut self, id: KeyId, row: &Row) -> Result<(), ClientError> {
        let of = [row.of as u8];
        Ok(self.tx.put(PREKEYS, &key(row.of, id), Some(prekeys(&of)), Sealing::System, &row.to_bytes())?)
    }

    fn prekey(&mut self, of: RecordType, id: KeyId) -> Result<Option<Row>, ClientError> {
        let Some(bytes) = self.tx.get(PREKEYS, &key(of, id), Sealing::System)? else { return Ok(None) };
        Row::parse(&bytes).map(Some).ok_or(ClientError::CORRUPTED)
    }

    fn prekey_rows_of(&mut self, of: RecordType) -> Result<Vec<Row>, ClientError> {
        let rows = self.tx.family(prekeys(&[of as u8]), Sealing::System)?;
        rows.iter().map(|row| Row::parse(&row.value).ok_or(ClientError::CORRUPTED)).collect()
    }

    fn prekey_rows(&mut self) -> Result<Vec<Row>, ClientError> {
        let mut rows = Vec::new();
        for of in TYPES {
            rows.extend(self.prekey_rows_of(of)?);
        }
        Ok(rows)
    }

    /// What the directory does not have yet, signed.
    pub(crate) fn unpublished_prekeys(&mut self) -> Result<Vec<Vec<u8>>, ClientError> {
        let rows = self.prekey_rows()?;
        let unpublished = rows.iter().filter(|row| !row.published);
        Ok(unpublished.map(|row| row.prekey.signed(&self.own.device).encode_to_vec()).collect())
    }

    /// The directory has these records: what they replace is replaced from now on.
    pub(crate) fn prekeys_published(&mut self, records: &[Vec<u8>]) -> Result<(), ClientError> {
        let (now, rotation) = (self.now.wall, self.own.seen.rotation());
        let mut rows = Vec::new();
        for row in self.prekey_rows()? {
            let held = row.held()?;
            let published = row.published || records.contains(&row.prekey.signed(&self.own.device).encode_to_vec());
            rows.push((held, published, row));
        }
        let replaceable = |of| !matches!(of, RecordType::OneTime | RecordType::OneTimeKem);
        let newer = |held: &HeldPrekey| {
            let later = |(other, published, _): &(HeldPrekey, bool, Row)| {
                let same = other.record_type == held.record_type && other.key_id != held.key_id;
                same && *published && other.not_before >= held.not_before && other.standing == Standing::InUse
            };
            replaceable(held.record_type) && rows.iter().any(later)
        };
        let mut changed = Vec::new();
        for (held, published, row) in &rows {
            let standing = match held.standing {
                Standing::InUse if row.published && newer(held) => held.replaced(rotation, now).standing,
                standing => standing,
            };
            if (*published, standing) != (row.published, row.standing) {
                changed.push((held.key_id, row.of, *published, standing));
            }
        }
        for (id, of, published, standing) in changed {
            let row = self.prekey(of, id)?.ok_or(ClientError::Internal)?;
            self.put_prekey(id, &Row { published, standing, ..row })?;
        }
        Ok(())
    }

    /// Replaces and deletes what is due (B3.2); whether something is to be published.
    pub(crate) fn keep_prekeys(&mut self) -> Result<bool, ClientError> {
        let rows = self.prekey_rows()?;
        let held = rows.iter().map(Row::held).collect::<Result<Vec<_>, _>>()?;
        let mut unpublished = rows.iter().any(|row| !row.published);
        let due = plan(&held, self.own.seen.rotation(), self.now.wall);
        for of in due.replace {
            // A replacement that the directory does not have yet is not replaced again.
            let waits = rows.iter().any(|row| row.of == of && !row.published && row.standing == Standing::InUse);
            if !waits {
                self.make_prekey(of)?;
                unpublished = true;
            }
        }
        for (of, id) in due.delete {
            self.delete_prekey(of, id)?;
        }
        Ok(unpublished)
    }

    fn delete_prekey(&mut self, of: RecordType, id: KeyId) -> Result<(), ClientError> {
        self.tx.delete(PREKEYS, &key(of, id), Some(prekeys(&[of as u8])))?;
        match of {
            RecordType::Signed => self.own.seen.forget_signed(id),
            RecordType::LastResortKem => self.own.seen.forget_last_resort(id),
            _ => {}
        }
        Ok(())
    }

    /// The private halves that an INIT names, by id and type; `None` if one of them is gone.
    pub(crate) fn named_prekeys(&mut self, header: &InitHeader) -> Result<Option<Named>, ClientError> {
        let Some(Row { prekey: Prekey::Signed(spk), .. }) = self.prekey(RecordType::Signed, header.spk_id())? else {
            return Ok(None);
        };
        let opk = match header.opk_id() {
            None => None,
            Some(id) => match self.prekey(RecordType::OneTime, id)? {
                Some(Row { prekey: Prekey::OneTime(opk), .. }) => Some(opk),
                _ => return Ok(None),
            },
        };
        let of = match header.grade().ml_kem {
            PrekeyUse::OneTime => RecordType::OneTimeKem,
            PrekeyUse::Shared => RecordType::LastResortKem,
        };
        match self.prekey(of, header.kem_id())? {
            Some(Row { prekey: Prekey::Kem(kem), .. }) => Ok(Some(Named { spk, opk, kem })),
            _ => Ok(None),
        }
    }

    /// After an INIT was accepted: its one-time keys are gone; without any, its sid is remembered (B4.6).
    pub(crate) fn prekeys_used(&mut self, header: &InitHeader) -> Result<(), ClientError> {
        if let Some(id) = header.opk_id() {
            self.delete_prekey(RecordType::OneTime, id)?;
        }
        if header.grade().ml_kem == PrekeyUse::OneTime {
            self.delete_prekey(RecordType::OneTimeKem, header.kem_id())?;
        }
        if !header.grade().uses_one_time_key() {
            let served_by = ServedBy { signed: header.spk_id(), last_resort: header.kem_id() };
            // It was looked at before: neither a replay nor full.
            self.own.seen.insert(header.sid(), served_by).map_err(|_| ClientError::Internal)?;
        }
        Ok(())
    }

    /// The envelope keys that still open, the newest first, each with when it was replaced.
    pub(crate) fn envelope_keys(&mut self) -> Result<Vec<(EnvelopePrekey, Option<Timestamp>)>, ClientError> {
        let mut keys = Vec::new();
        for row in self.prekey_rows_of(RecordType::Envelope)? {
            let replaced = match row.standing {
                Standing::InUse => None,
                Standing::Replaced(at) | Standing::ReplacedAtCap(at) => Some(at),
            };
            let held = row.held()?;
            if let Prekey::Envelope(prekey) = row.prekey {
                keys.push((held.not_before, prekey, replaced));
            }
        }
        keys.sort_by_key(|(made, ..)| core::cmp::Reverse(*made));
        Ok(keys.into_iter().map(|(_, prekey, replaced)| (prekey, replaced)).collect())
    }

    /// When this device's newest ENV record was made that the directory has.
    pub(crate) fn envelope_key_made_at(&mut self) -> Result<Option<Timestamp>, ClientError> {
        let newest = self.published_envelope_key()?;
        newest.map(|row| Ok(row.held()?.not_before)).transpose()
    }

    /// That record, signed, for a `SenderInfo`.
    pub(crate) fn own_envelope_record(&mut self) -> Result<Option<v1::SignedRecord>, ClientError> {
        Ok(self.published_envelope_key()?.map(|row| row.prekey.signed(&self.own.device)))
    }

    fn published_envelope_key(&mut self) -> Result<Option<Row>, ClientError> {
        let rows = self.prekey_rows_of(RecordType::Envelope)?;
        Ok(rows.into_iter().find(|row| row.published && row.standing == Standing::InUse))
    }
}
