//! Prekeys of this device, from making to deleting them: `docs/protocol.md` B3.2 and B4.6.

use carevow_core::Timestamp;
use carevow_core::handshake::{InitHeader, PrekeyUse, ResponderPrekeys};
use carevow_core::limits::{ONE_TIME_KEMS, ONE_TIME_KEYS};
use carevow_core::placement::ServedBy;
use carevow_core::prekey::{
    EnvelopePrekey, HeldPrekey, KemPrekey, KeyId, OneTimePrekey, PrekeyRecord, RecordType, SignedPrekey, Standing,
    plan, refill,
};
use carevow_core::random::RandomError;
use carevow_core::wire::v1;
use carevow_store::Sealing;
use prost::Message as _;
use rand_core::TryCryptoRng;

mod row;

use row::{Prekey, Row};

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
        self.put_prekey(&Row::made(of, &prekey)?)
    }

    fn put_prekey(&mut self, row: &Row) -> Result<(), ClientError> {
        let (of, id) = (row.held.record_type, row.held.key_id);
        let family = [of as u8];
        Ok(self.tx.put(PREKEYS, &key(of, id), Some(prekeys(&family)), Sealing::System, &row.to_bytes())?)
    }

    fn prekey(&mut self, of: RecordType, id: KeyId) -> Result<Option<Prekey>, ClientError> {
        let key = key(of, id);
        let Some(bytes) = self.tx.get(PREKEYS, &key, Sealing::System)? else { return Ok(None) };
        Row::parse(&key, &bytes).ok_or(ClientError::CORRUPTED)?.open().map(Some)
    }

    fn prekey_rows_of(&mut self, of: RecordType) -> Result<Vec<Row>, ClientError> {
        let rows = self.tx.family(prekeys(&[of as u8]), Sealing::System)?;
        rows.iter().map(|row| Row::parse(&row.key, &row.value).ok_or(ClientError::CORRUPTED)).collect()
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
        unpublished.map(|row| Ok(row.open()?.signed(&self.own.device).encode_to_vec())).collect()
    }

    /// The directory has these records: what they replace is replaced from now on.
    pub(crate) fn prekeys_published(&mut self, records: &[Vec<u8>]) -> Result<(), ClientError> {
        let (now, rotation) = (self.now.wall, self.own.seen.rotation());
        let named = |record: &Vec<u8>| {
            let signed = v1::SignedRecord::from_bytes(record).ok()?;
            let record = PrekeyRecord::parse(&signed.record).ok()?;
            Some((record.record_type, record.key_id))
        };
        let named = records.iter().map(named).collect::<Option<Vec<_>>>().ok_or(ClientError::Internal)?;
        let mut rows = self.prekey_rows()?;
        let before: Vec<bool> = rows.iter().map(|row| row.published).collect();
        for row in &mut rows {
            row.published |= named.contains(&(row.held.record_type, row.held.key_id));
        }
        let in_use: Vec<HeldPrekey> = rows.iter().filter(|row| row.published).map(|row| row.held).collect();
        let newer = |held: &HeldPrekey| {
            let replaceable = !matches!(held.record_type, RecordType::OneTime | RecordType::OneTimeKem);
            let later = |other: &HeldPrekey| {
                let same = other.record_type == held.record_type && other.standing == Standing::InUse;
                same && other.key_id != held.key_id && other.not_before >= held.not_before
            };
            replaceable && in_use.iter().any(later)
        };
        for (row, was_published) in rows.iter_mut().zip(before) {
            let replaced = was_published && row.held.standing == Standing::InUse && newer(&row.held);
            if replaced {
                row.held = row.held.replaced(rotation, now);
            }
            if replaced || row.published != was_published {
                self.put_prekey(row)?;
            }
        }
        Ok(())
    }

    /// Replaces and deletes what is due (B3.2); whether something is to be published.
    pub(crate) fn keep_prekeys(&mut self) -> Result<bool, ClientError> {
        let rows = self.prekey_rows()?;
        let held: Vec<HeldPrekey> = rows.iter().map(|row| row.held).collect();
        let mut unpublished = rows.iter().any(|row| !row.published);
        let due = plan(&held, self.own.seen.rotation(), self.now.wall);
        for of in due.replace {
            // A replacement that the directory does not have yet is not replaced again.
            let waits = |row: &Row| row.held.record_type == of && !row.published;
            if !rows.iter().any(waits) {
                self.make_prekey(of)?;
                unpublished = true;
            }
        }
        for (of, id) in due.delete {
            self.delete_prekey(of, id)?;
        }
        Ok(unpublished)
    }

    /// Fills the stock of one-time prekeys up, in whole batches (B3.2 rule 3); whether there are new ones.
    pub(crate) fn refill_prekeys(&mut self, one_time: usize, one_time_kem: usize) -> Result<bool, ClientError> {
        let mut made = false;
        for (of, left) in [(RecordType::OneTime, one_time), (RecordType::OneTimeKem, one_time_kem)] {
            for _ in 0..refill(of, left) {
                self.make_prekey(of)?;
                made = true;
            }
        }
        Ok(made)
    }

    /// Deletes all of them, with what their numbers say of INITs.
    pub(crate) fn delete_all_prekeys(&mut self) -> Result<(), ClientError> {
        for row in self.prekey_rows()? {
            self.delete_prekey(row.held.record_type, row.held.key_id)?;
        }
        Ok(())
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
        let Some(Prekey::Signed(spk)) = self.prekey(RecordType::Signed, header.spk_id())? else { return Ok(None) };
        let opk = match header.opk_id() {
            None => None,
            Some(id) => match self.prekey(RecordType::OneTime, id)? {
                Some(Prekey::OneTime(opk)) => Some(opk),
                _ => return Ok(None),
            },
        };
        let of = match header.grade().ml_kem {
            PrekeyUse::OneTime => RecordType::OneTimeKem,
            PrekeyUse::Shared => RecordType::LastResortKem,
        };
        match self.prekey(of, header.kem_id())? {
            Some(Prekey::Kem(kem)) => Ok(Some(Named { spk, opk, kem })),
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
        let mut rows = self.prekey_rows_of(RecordType::Envelope)?;
        rows.sort_by_key(|row| core::cmp::Reverse(row.held.not_before));
        let mut keys = Vec::with_capacity(rows.len());
        for row in rows {
            let replaced = match row.held.standing {
                Standing::InUse => None,
                Standing::Replaced(at) | Standing::ReplacedAtCap(at) => Some(at),
            };
            if let Prekey::Envelope(prekey) = row.open()? {
                keys.push((prekey, replaced));
            }
        }
        Ok(keys)
    }

    /// When this device's newest ENV record was made that the directory has.
    pub(crate) fn envelope_key_made_at(&mut self) -> Result<Option<Timestamp>, ClientError> {
        Ok(self.published_envelope_key()?.map(|row| row.held.not_before))
    }

    /// That record, signed, for a `SenderInfo`.
    pub(crate) fn own_envelope_record(&mut self) -> Result<Option<v1::SignedRecord>, ClientError> {
        let newest = self.published_envelope_key()?;
        newest.map(|row| Ok(row.open()?.signed(&self.own.device))).transpose()
    }

    fn published_envelope_key(&mut self) -> Result<Option<Row>, ClientError> {
        let rows = self.prekey_rows_of(RecordType::Envelope)?;
        Ok(rows.into_iter().find(|row| row.published && row.held.standing == Standing::InUse))
    }
}
