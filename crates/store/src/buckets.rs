//! The set of rows, in 4 096 buckets: `docs/store.md`, What is whole.

use std::collections::{BTreeMap, HashMap};

use carevow_core::sealed_store::{LookupKey, Place, RowTag, SetSum, SystemKeys};
use rusqlite::{Connection, params};

use crate::error::{Damage, StoreError};
use crate::header::integer;

/// The first 12 bits of a key.
pub(crate) type Bucket = u16;

/// The sums of all buckets that hold something, valid for one value of the counter.
pub(crate) struct Sums {
    sums: HashMap<Bucket, SetSum>,
}

/// Where a row stands and what seals it, as the verified bucket says.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) place: Place,
    pub(crate) tag: RowTag,
}

/// A bucket whose rows were summed up and compared.
pub(crate) type Verified = BTreeMap<LookupKey, Entry>;

const WRONG: StoreError = StoreError::Corrupted(Damage::Rows);

pub(crate) fn bucket_of(key: &LookupKey) -> Bucket {
    let [first, second, ..] = *key;
    u16::from_be_bytes([first, second]) >> 4
}

impl Sums {
    /// Reads them, and compares them with the total that the header vouches for.
    pub(crate) fn read(connection: &Connection, keys: &SystemKeys, total: &SetSum) -> Result<Self, StoreError> {
        let mut statement = connection.prepare_cached("SELECT id, sum FROM bucket")?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
        let (mut sums, mut found) = (HashMap::new(), SetSum::ZERO);
        for row in rows {
            let (bucket, sum) = row?;
            let bucket = Bucket::try_from(bucket).ok().filter(|bucket| *bucket < 4096).ok_or(WRONG)?;
            let sum = SetSum::from_bytes(sum.try_into().map_err(|_| WRONG)?);
            found = found.plus(keys.bucket(bucket, &sum));
            sums.insert(bucket, sum);
        }
        match found == *total {
            true => Ok(Self { sums }),
            false => Err(WRONG),
        }
    }

    pub(crate) fn sum(&self, bucket: Bucket) -> SetSum {
        self.sums.get(&bucket).copied().unwrap_or_default()
    }

    /// All rows of a bucket, if they are those that were written.
    pub(crate) fn verify(
        &self,
        connection: &Connection,
        keys: &SystemKeys,
        bucket: Bucket,
    ) -> Result<Verified, StoreError> {
        let low = (bucket << 4).to_be_bytes();
        let high = ((bucket << 4) | 0x000f).to_be_bytes();
        let (mut from, mut to) = ([0; 16], [0xff; 16]);
        from.iter_mut().zip(low).for_each(|(to, byte)| *to = byte);
        to.iter_mut().zip(high).for_each(|(to, byte)| *to = byte);
        let mut statement = connection
            .prepare_cached("SELECT key, parent, position, revision, tag FROM record WHERE key BETWEEN ?1 AND ?2")?;
        let mut rows = statement.query(params![from, to])?;
        let (mut verified, mut sum) = (Verified::new(), SetSum::ZERO);
        while let Some(row) = rows.next()? {
            let array =
                |index| -> Result<[u8; 16], StoreError> { row.get::<_, Vec<u8>>(index)?.try_into().map_err(|_| WRONG) };
            let number =
                |index| -> Result<u64, StoreError> { u64::try_from(row.get::<_, i64>(index)?).map_err(|_| WRONG) };
            let place = Place { key: array(0)?, parent: array(1)?, position: number(2)?, revision: number(3)? };
            let tag = array(4)?;
            sum = sum.plus(keys.in_set(&place, &tag));
            verified.insert(place.key, Entry { place, tag });
        }
        match sum == self.sum(bucket) {
            true => Ok(verified),
            false => Err(WRONG),
        }
    }

    /// Takes over the sums that a transaction made, writes them, and returns the new total.
    pub(crate) fn write(
        connection: &Connection,
        keys: &SystemKeys,
        total: SetSum,
        changed: &[(Bucket, SetSum, SetSum)],
    ) -> Result<SetSum, StoreError> {
        let mut total = total;
        for (bucket, before, after) in changed {
            total = total.minus(keys.bucket(*bucket, before)).plus(keys.bucket(*bucket, after));
            match *after == SetSum::ZERO {
                true => connection.prepare_cached("DELETE FROM bucket WHERE id = ?1")?.execute([bucket])?,
                false => connection
                    .prepare_cached("INSERT OR REPLACE INTO bucket (id, sum) VALUES (?1, ?2)")?
                    .execute(params![bucket, after.as_bytes()])?,
            };
        }
        Ok(total)
    }

    pub(crate) fn adopt(&mut self, changed: &[(Bucket, SetSum, SetSum)]) {
        for (bucket, _, after) in changed {
            self.sums.insert(*bucket, *after);
        }
    }
}

/// Each place has a value, and each value a place.
pub(crate) fn every_value_has_its_row(connection: &Connection) -> Result<(), StoreError> {
    let lonely: i64 = connection.query_row(
        "SELECT (SELECT count(*) FROM record WHERE key NOT IN (SELECT key FROM body))
              + (SELECT count(*) FROM body WHERE key NOT IN (SELECT key FROM record))",
        [],
        |row| row.get(0),
    )?;
    match lonely {
        0 => Ok(()),
        _ => Err(WRONG),
    }
}

/// All numbers of buckets.
pub(crate) fn all() -> impl Iterator<Item = Bucket> {
    0..4096
}

/// Writes a row's place.
pub(crate) fn write_place(connection: &Connection, entry: &Entry) -> Result<(), StoreError> {
    let Entry { place, tag } = entry;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO record (key, parent, position, revision, tag) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![place.key, place.parent, integer(place.position)?, integer(place.revision)?, tag])?;
    Ok(())
}
