//! When prekeys are made, replaced and deleted: `docs/protocol.md` B3 (life cycle) and B4.6 (seen-set at its cap).
//! Policy as a function of what the device holds: it says what to do, the client does it and stores the result.

use rand_core::TryCryptoRng;

use super::record::{KeyId, RecordType};
use crate::limits::{
    ENVELOPE_ROTATION_MS, ONE_TIME_KEMS, ONE_TIME_KEYS, PREKEY_KEEP_MS, RECORD_EARLY_MS, REFILL_BATCH, REFILL_BELOW,
    REFILL_DELAY_MS, SIGNED_ROTATION_MS,
};
use crate::random::{RandomError, delay, draw};
use crate::time::Timestamp;

/// A prekey whose private half this device still has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeldPrekey {
    /// What it is for.
    pub record_type: RecordType,
    /// Its number.
    pub key_id: KeyId,
    /// From its record: when it was made.
    pub not_before: Timestamp,
    /// From its record: when the directory stops serving it.
    pub not_after: Timestamp,
    /// Where it stands.
    pub standing: Standing,
}

/// Where a prekey stands. One-time keys are in use until they are gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// The newest of its type, or a one-time key.
    InUse,
    /// The directory confirmed its replacement at this time.
    Replaced(Timestamp),
    /// Replaced because the seen-set was full: deleted as soon as the directory confirmed, with the entries it served.
    ReplacedAtCap(Timestamp),
}

/// Why SPK and the last-resort KEM key are replaced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rotation {
    /// By age.
    Ordinary,
    /// The seen-set is full: now, and INITs without a one-time key are refused until then.
    SeenSetFull,
}

/// What is due now.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PrekeyPlan {
    /// Of each of these a new one is made and published.
    pub replace: Vec<RecordType>,
    /// Private halves to delete.
    pub delete: Vec<(RecordType, KeyId)>,
}

/// What is due at `now`, at the first connection after it: SPK and 0x24 older than 7 days and ENV older than 30 days
/// are replaced; what was replaced is deleted 30 days after the directory confirmed that; one-time keys are deleted
/// 30 days after `not_after`.
pub fn plan(held: &[HeldPrekey], rotation: Rotation, now: Timestamp) -> PrekeyPlan {
    let replace = [RecordType::Signed, RecordType::LastResortKem, RecordType::Envelope]
        .into_iter()
        .filter(|record_type| is_due(held, *record_type, rotation, now))
        .collect();
    let delete = held
        .iter()
        .filter(|prekey| prekey.delete_at(rotation).is_some_and(|at| at <= now))
        .map(|prekey| (prekey.record_type, prekey.key_id))
        .collect();
    PrekeyPlan { replace, delete }
}

fn is_due(held: &[HeldPrekey], record_type: RecordType, rotation: Rotation, now: Timestamp) -> bool {
    let life = match (record_type, rotation) {
        (RecordType::Envelope, _) => ENVELOPE_ROTATION_MS,
        (_, Rotation::Ordinary) => SIGNED_ROTATION_MS,
        (_, Rotation::SeenSetFull) => 0,
    };
    // One that a wrong clock dated ahead would never be due, and no sender takes it.
    !held.iter().any(|prekey| {
        let valid = prekey.not_before.minus(RECORD_EARLY_MS) <= now && now < prekey.not_before.plus(life);
        prekey.record_type == record_type && prekey.standing == Standing::InUse && valid
    })
}

impl HeldPrekey {
    /// When its private half is deleted, unless it is used (one-time) or replaced (the others) before. At the cap of the
    /// seen-set those go at once that were replaced before: their entries may be what fills it.
    pub const fn delete_at(&self, rotation: Rotation) -> Option<Timestamp> {
        match (self.record_type, self.standing, rotation) {
            (RecordType::OneTime | RecordType::OneTimeKem, _, _) => Some(self.not_after.plus(PREKEY_KEEP_MS)),
            (_, Standing::InUse, _) => None,
            (RecordType::Envelope, Standing::Replaced(confirmed), _)
            | (_, Standing::Replaced(confirmed), Rotation::Ordinary) => Some(confirmed.plus(PREKEY_KEEP_MS)),
            (_, Standing::Replaced(confirmed) | Standing::ReplacedAtCap(confirmed), _) => Some(confirmed),
        }
    }

    /// As it stands once the directory confirmed its replacement.
    pub const fn replaced(self, rotation: Rotation, confirmed: Timestamp) -> Self {
        let standing = match rotation {
            Rotation::Ordinary => Standing::Replaced(confirmed),
            Rotation::SeenSetFull => Standing::ReplacedAtCap(confirmed),
        };
        Self { standing, ..self }
    }
}

/// How many one-time records of a type (0x22, 0x23) are made, given how many the directory has left: none while there
/// are 25; else as many as fill the stock of 100 (0x22) or 50 (0x23), in whole batches of 25, each batch a request of
/// its own. 0 for the other types.
pub const fn refill(record_type: RecordType, left: usize) -> usize {
    let stock = match record_type {
        RecordType::OneTime => ONE_TIME_KEYS,
        RecordType::OneTimeKem => ONE_TIME_KEMS,
        _ => return 0,
    };
    if left >= REFILL_BELOW {
        return 0;
    }
    let missing = stock.saturating_sub(left);
    missing.saturating_sub(missing % REFILL_BATCH)
}

/// When a refill goes out: at a random time within 6 h, so that it does not tell when a session was made. The first
/// stock of a device goes at once.
pub fn refill_at(now: Timestamp, rng: &mut impl TryCryptoRng) -> Result<Timestamp, RandomError> {
    Ok(now.plus(delay(REFILL_DELAY_MS, rng)?))
}

impl KeyId {
    /// The first number of a type on a device: random; each further one is [`KeyId::next`].
    pub fn random(rng: &mut impl TryCryptoRng) -> Result<Self, RandomError> {
        Ok(Self(u32::from_be_bytes(*draw(rng)?)))
    }
}
