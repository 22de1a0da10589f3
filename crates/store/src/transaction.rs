//! Reading and writing rows. Everything read is verified against the header first; everything written becomes durable
//! with the header that vouches for it, in one commit.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use carevow_core::ConversationId;
use carevow_core::ids::StoreId;
use carevow_core::sealed_store::{
    LookupKey, OpenedRow, Place, RecordKey, RootKey, Scope, SealedKey, SealedRow, SetSum, StoreKey, SystemKeys,
};
use rand_core::TryCryptoRng;
use rusqlite::{Connection, OptionalExtension as _, params};
use zeroize::Zeroizing;

use crate::buckets::{Bucket, Entry, Sums, Verified, bucket_of, write_place};
use crate::error::{Damage, StoreError};
use crate::header::integer;
use crate::held::{self, HeldEnvelope};
use crate::table::{Family, Sealing, Table};

/// A row of a family.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// Under which it was stored.
    pub key: Zeroizing<Vec<u8>>,
    /// What was stored.
    pub value: Zeroizing<Vec<u8>>,
}

impl core::fmt::Debug for Row {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Row(..)")
    }
}

/// The keys of an unlocked store.
pub(crate) struct Keys {
    pub(crate) store: StoreId,
    pub(crate) root: RootKey,
    /// The system key, and what is made of it.
    pub(crate) system_key: StoreKey,
    pub(crate) system: SystemKeys,
}

/// What is read and written together.
pub struct Transaction<'a, R> {
    pub(crate) connection: &'a Connection,
    pub(crate) keys: &'a Keys,
    sums: &'a Sums,
    pub(crate) rng: &'a mut R,
    /// The counter that this transaction will write.
    pub(crate) revision: u64,
    buckets: HashMap<Bucket, Touched>,
    content_keys: HashMap<[u8; 16], Option<RecordKey>>,
    wrote: Wrote,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wrote {
    Nothing,
    Rows,
}

struct Touched {
    rows: Verified,
    sum: SetSum,
}

impl<R> core::fmt::Debug for Transaction<'_, R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Transaction(..)")
    }
}

impl<'a, R: TryCryptoRng> Transaction<'a, R> {
    pub(crate) fn new(
        connection: &'a Connection,
        keys: &'a Keys,
        sums: &'a Sums,
        revision: u64,
        rng: &'a mut R,
    ) -> Self {
        let (buckets, content_keys) = (HashMap::new(), HashMap::new());
        Self { connection, keys, sums, rng, revision, buckets, content_keys, wrote: Wrote::Nothing }
    }

    /// The value under `key`; `None` if there is none, and that is verified too.
    pub fn get(
        &mut self,
        table: Table,
        key: &[u8],
        sealing: Sealing,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let lookup = self.keys.system.lookup(table.as_u32(), key);
        let Some(entry) = self.entry(&lookup)? else { return Ok(None) };
        let row = self.open(&entry, sealing)?;
        match row.primary_key.as_slice() == key {
            true => Ok(Some(row.value)),
            false => Err(StoreError::Corrupted(Damage::Row)),
        }
    }

    /// Stores `value` under `key`, in a family if it belongs to one.
    pub fn put(
        &mut self,
        table: Table,
        key: &[u8],
        family: Option<Family<'_>>,
        sealing: Sealing,
        value: &[u8],
    ) -> Result<(), StoreError> {
        let parent = match family {
            Some(family) if family.rows != table => return Err(StoreError::InvalidInput),
            Some(family) => self.parent(family),
            None => [0; 16],
        };
        let lookup = self.keys.system.lookup(table.as_u32(), key);
        let place = Place { key: lookup, parent, position: 0, revision: self.revision };
        match self.entry(&lookup)? {
            Some(old) if old.place.parent != parent => return Err(StoreError::InvalidInput),
            Some(_) => {}
            None => self.count(family, 1)?,
        }
        self.write(place, key, sealing, value)
    }

    /// Removes the row under `key`; `false` if there was none.
    pub fn delete(&mut self, table: Table, key: &[u8], family: Option<Family<'_>>) -> Result<bool, StoreError> {
        let parent = family.map_or([0; 16], |family| self.parent(family));
        let lookup = self.keys.system.lookup(table.as_u32(), key);
        match self.entry(&lookup)? {
            None => Ok(false),
            Some(old) if old.place.parent != parent => Err(StoreError::InvalidInput),
            Some(_) => {
                self.count(family, -1)?;
                self.remove(&lookup)?;
                Ok(true)
            }
        }
    }

    /// All rows of a family, in no order that means anything.
    pub fn family(&mut self, family: Family<'_>, sealing: Sealing) -> Result<Vec<Row>, StoreError> {
        let entries = self.members(family)?;
        if u64::try_from(entries.len()).ok() != Some(self.size(family)?) {
            return Err(StoreError::Corrupted(Damage::Rows));
        }
        let open = |entry: Entry| {
            let OpenedRow { primary_key, value } = self.open(&entry, sealing)?;
            Ok(Row { key: primary_key, value })
        };
        entries.into_iter().map(open).collect()
    }

    /// How many rows a family has.
    pub fn size(&mut self, family: Family<'_>) -> Result<u64, StoreError> {
        let key = family_key(family);
        let Some(value) = self.get(Table::FAMILIES, &key, Sealing::System)? else { return Ok(0) };
        let count = value.as_slice().try_into().map_err(|_| StoreError::Corrupted(Damage::Row))?;
        Ok(u64::from_be_bytes(count))
    }

    /// The counter that the header gets if anything is written: what was read by a transaction with the number before is
    /// still right if nothing was written since.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// The source of randomness of this transaction.
    pub const fn rng(&mut self) -> &mut R {
        self.rng
    }

    /// The oldest of the envelopes that arrived while the store was locked.
    pub fn held(&self, most: u32) -> Result<Vec<HeldEnvelope>, StoreError> {
        held::first(self.connection, most)
    }

    /// Removes one of them: what came of it is in this transaction.
    pub fn release(&mut self, envelope: &HeldEnvelope) -> Result<(), StoreError> {
        held::remove(self.connection, envelope.id)
    }

    /// Whether the key of a conversation is there: it is made with the first row, and destroyed by erasing.
    pub fn has_content_key(&mut self, conversation: &ConversationId) -> Result<bool, StoreError> {
        let name = self.content_key_name(conversation);
        Ok(self.entry(&name)?.is_some())
    }

    pub(crate) fn content_key_name(&self, conversation: &ConversationId) -> LookupKey {
        self.keys.system.lookup(Table::KEYS.as_u32(), conversation.as_bytes())
    }

    /// The rows of a family as the database has them, each verified, by position.
    fn members(&mut self, family: Family<'_>) -> Result<Vec<Entry>, StoreError> {
        let parent = self.parent(family);
        let mut statement =
            self.connection.prepare_cached("SELECT key FROM record WHERE parent = ?1 ORDER BY position, key")?;
        let keys = statement.query_map([parent], |row| row.get::<_, Vec<u8>>(0))?;
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let mut entries = Vec::with_capacity(keys.len());
        for key in keys {
            let key = key.try_into().map_err(|_| StoreError::Corrupted(Damage::Rows))?;
            let entry = self.entry(&key)?.filter(|entry| entry.place.parent == parent);
            entries.push(entry.ok_or(StoreError::Corrupted(Damage::Rows))?);
        }
        Ok(entries)
    }

    pub(crate) fn parent(&self, family: Family<'_>) -> [u8; 16] {
        self.keys.system.parent(family.rows.as_u32(), family.of.as_u32(), family.key)
    }

    fn count(&mut self, family: Option<Family<'_>>, change: i64) -> Result<(), StoreError> {
        let Some(family) = family else { return Ok(()) };
        let size = self.size(family)?.checked_add_signed(change).ok_or(StoreError::Corrupted(Damage::Rows))?;
        let key = family_key(family);
        let lookup = self.keys.system.lookup(Table::FAMILIES.as_u32(), &key);
        if size == 0 {
            return self.remove(&lookup);
        }
        let place = Place { key: lookup, parent: [0; 16], position: 0, revision: self.revision };
        self.write(place, &key, Sealing::System, &size.to_be_bytes())
    }

    // --- Rows as they lie in the database.

    /// Where the row with this key stands, after its bucket was verified.
    pub(crate) fn entry(&mut self, key: &LookupKey) -> Result<Option<Entry>, StoreError> {
        Ok(self.touched(key)?.rows.get(key).copied())
    }

    fn touched(&mut self, key: &LookupKey) -> Result<&mut Touched, StoreError> {
        let bucket = bucket_of(key);
        match self.buckets.entry(bucket) {
            Slot::Occupied(slot) => Ok(slot.into_mut()),
            Slot::Vacant(slot) => {
                let rows = self.sums.verify(self.connection, &self.keys.system, bucket)?;
                Ok(slot.insert(Touched { rows, sum: self.sums.sum(bucket) }))
            }
        }
    }

    pub(crate) fn open(&mut self, entry: &Entry, sealing: Sealing) -> Result<OpenedRow, StoreError> {
        let row = SealedRow { value: self.value(&entry.place.key)?, tag: entry.tag };
        let store = self.keys.store;
        match sealing {
            Sealing::System => Ok(self.keys.system.records.open(&store, Scope::System, &entry.place, &row)?),
            Sealing::Conversation(conversation) => {
                let key = self.content_key(&conversation)?.ok_or(StoreError::Erased)?;
                Ok(key.open(&store, Scope::Content, &entry.place, &row)?)
            }
        }
    }

    pub(crate) fn value(&self, key: &LookupKey) -> Result<Vec<u8>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT value FROM body WHERE key = ?1")?;
        let value = statement.query_row([key], |row| row.get(0)).optional()?;
        value.ok_or(StoreError::Corrupted(Damage::Rows))
    }

    pub(crate) fn write(
        &mut self,
        place: Place,
        primary_key: &[u8],
        sealing: Sealing,
        value: &[u8],
    ) -> Result<(), StoreError> {
        if u16::try_from(primary_key.len()).is_err() {
            return Err(StoreError::InvalidInput);
        }
        let store = self.keys.store;
        let row = match sealing {
            Sealing::System => {
                let records = &self.keys.system.records;
                records.seal(&store, Scope::System, &place, primary_key, value, self.rng)?
            }
            Sealing::Conversation(conversation) => {
                self.ensure_content_key(&conversation)?;
                let name = self.content_key_name(&conversation);
                let key = self.content_keys.get(&name).and_then(Option::as_ref).ok_or(StoreError::Erased)?;
                key.seal(&store, Scope::Content, &place, primary_key, value, self.rng)?
            }
        };
        self.write_sealed(place, &row)
    }

    pub(crate) fn write_sealed(&mut self, place: Place, row: &SealedRow) -> Result<(), StoreError> {
        integer(place.position)?;
        let keys = self.keys;
        let entry = Entry { place, tag: row.tag };
        let touched = self.touched(&place.key)?;
        if let Some(old) = touched.rows.insert(place.key, entry) {
            touched.sum = touched.sum.minus(keys.system.in_set(&old.place, &old.tag));
        }
        touched.sum = touched.sum.plus(keys.system.in_set(&place, &row.tag));
        self.wrote = Wrote::Rows;
        write_place(self.connection, &entry)?;
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO body (key, value) VALUES (?1, ?2)")?
            .execute(params![place.key, row.value])?;
        Ok(())
    }

    pub(crate) fn remove(&mut self, key: &LookupKey) -> Result<(), StoreError> {
        let keys = self.keys;
        let touched = self.touched(key)?;
        if let Some(old) = touched.rows.remove(key) {
            touched.sum = touched.sum.minus(keys.system.in_set(&old.place, &old.tag));
            self.wrote = Wrote::Rows;
            self.connection.prepare_cached("DELETE FROM record WHERE key = ?1")?.execute([key])?;
            self.connection.prepare_cached("DELETE FROM body WHERE key = ?1")?.execute([key])?;
        }
        Ok(())
    }

    // --- Content keys.

    /// The key of a conversation; `None` if there is none.
    fn content_key(&mut self, conversation: &ConversationId) -> Result<Option<&RecordKey>, StoreError> {
        let name = self.content_key_name(conversation);
        if !self.content_keys.contains_key(&name) {
            let key = match self.entry(&name)? {
                Some(entry) => Some(self.open_key(&entry)?.records(&self.keys.store)),
                None => None,
            };
            self.content_keys.insert(name, key);
        }
        Ok(self.content_keys.get(&name).and_then(Option::as_ref))
    }

    fn ensure_content_key(&mut self, conversation: &ConversationId) -> Result<(), StoreError> {
        if self.content_key(conversation)?.is_some() {
            return Ok(());
        }
        let (name, key) = (self.content_key_name(conversation), StoreKey::random(self.rng)?);
        self.count(Some(CONTENT_KEYS), 1)?;
        self.write_key(&name, &key)?;
        self.content_keys.insert(name, Some(key.records(&self.keys.store)));
        Ok(())
    }

    /// All sealed keys of conversations.
    pub(crate) fn content_keys(&mut self) -> Result<Vec<(LookupKey, StoreKey)>, StoreError> {
        let entries = self.members(CONTENT_KEYS)?;
        if u64::try_from(entries.len()).ok() != Some(self.size(CONTENT_KEYS)?) {
            return Err(StoreError::Corrupted(Damage::Rows));
        }
        entries.into_iter().map(|entry| Ok((entry.place.key, self.open_key(&entry)?))).collect()
    }

    fn open_key(&self, entry: &Entry) -> Result<StoreKey, StoreError> {
        let sealed = [self.value(&entry.place.key)?.as_slice(), &entry.tag].concat();
        let sealed: SealedKey = sealed.try_into().map_err(|_| StoreError::Corrupted(Damage::Keys))?;
        let opened = self.keys.root.open(&self.keys.store, &entry.place.key, &sealed);
        opened.map_err(|_| StoreError::Corrupted(Damage::Keys))
    }

    fn write_key(&mut self, name: &LookupKey, key: &StoreKey) -> Result<(), StoreError> {
        let sealed = self.keys.root.seal(&self.keys.store, name, key, self.rng)?;
        self.write_sealed_key(name, &sealed)
    }

    pub(crate) fn write_sealed_key(&mut self, name: &LookupKey, sealed: &SealedKey) -> Result<(), StoreError> {
        let (value, tag) = sealed.split_last_chunk::<16>().ok_or(StoreError::Corrupted(Damage::Keys))?;
        let parent = self.parent(CONTENT_KEYS);
        let place = Place { key: *name, parent, position: 0, revision: self.revision };
        self.write_sealed(place, &SealedRow { value: value.to_vec(), tag: *tag })
    }

    /// Forgets the key of a conversation: `false` if there is none.
    pub(crate) fn destroy_content_key(&mut self, name: &LookupKey) -> Result<bool, StoreError> {
        if self.entry(name)?.is_none() {
            return Ok(false);
        }
        self.count(Some(CONTENT_KEYS), -1)?;
        self.remove(name)?;
        self.content_keys.insert(*name, None);
        Ok(true)
    }

    /// The buckets that changed: before and after. Empty if nothing was written.
    pub(crate) fn changes(self) -> Option<Vec<(Bucket, SetSum, SetSum)>> {
        if self.wrote == Wrote::Nothing {
            return None;
        }
        let changed = self.buckets.into_iter().map(|(bucket, touched)| (bucket, self.sums.sum(bucket), touched.sum));
        Some(changed.filter(|(_, before, after)| before != after).collect())
    }
}

const CONTENT_KEYS: Family<'static> = Family { rows: Table::KEYS, of: Table::KEYS, key: b"" };

/// `u8 0 || u32 rows || u32 of || key`: where the number of rows of a family stands.
fn family_key(family: Family<'_>) -> Vec<u8> {
    let (rows, of) = (family.rows.as_u32().to_be_bytes(), family.of.as_u32().to_be_bytes());
    [&[0], rows.as_slice(), &of, family.key].concat()
}
