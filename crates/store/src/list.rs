//! Lists: rows in the order in which they were appended, read by the page. No gap goes unnoticed: each number between
//! the first and the last has its row, if only an empty one.

use carevow_core::sealed_store::Place;
use core::ops::Range;
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use crate::error::{Damage, StoreError};
use crate::table::{Family, Sealing, Table};
use crate::transaction::Transaction;

/// The rows of `rows` that belong to one thing, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct List<'a>(pub Family<'a>);

/// An item of a list.
#[derive(Clone, PartialEq, Eq)]
pub struct Item {
    /// Its number: the first one appended has 0.
    pub number: u64,
    /// `None` once it was cleared.
    pub value: Option<Zeroizing<Vec<u8>>>,
}

impl core::fmt::Debug for Item {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Item({}, ..)", self.number)
    }
}

impl<R: TryCryptoRng> Transaction<'_, R> {
    /// Appends an item and returns its number.
    pub fn append(&mut self, list: List<'_>, sealing: Sealing, value: &[u8]) -> Result<u64, StoreError> {
        let bounds = self.bounds(list)?;
        let next = bounds.end.checked_add(1).ok_or(StoreError::InvalidInput)?;
        self.set_bounds(list, bounds.start..next)?;
        self.write_item(list, bounds.end, sealing, Some(value))?;
        Ok(bounds.end)
    }

    /// The items with these numbers, as far as there are any.
    pub fn items(&mut self, list: List<'_>, sealing: Sealing, range: Range<u64>) -> Result<Vec<Item>, StoreError> {
        let bounds = self.bounds(list)?;
        (range.start.max(bounds.start)..range.end.min(bounds.end))
            .map(|number| {
                let lookup = self.keys.system.lookup(list.0.rows.as_u32(), &item_key(list, number));
                let entry = self.entry(&lookup)?.ok_or(StoreError::Corrupted(Damage::Rows))?;
                let row = self.open(&entry, sealing)?;
                let value = match row.value.split_first() {
                    Some((1, value)) => Some(Zeroizing::new(value.to_vec())),
                    Some((0, [])) => None,
                    _ => return Err(StoreError::Corrupted(Damage::Row)),
                };
                Ok(Item { number, value })
            })
            .collect()
    }

    /// The numbers of the items that a list holds.
    pub fn bounds(&mut self, list: List<'_>) -> Result<Range<u64>, StoreError> {
        let Some(value) = self.get(Table::FAMILIES, &bounds_key(list), Sealing::System)? else { return Ok(0..0) };
        let (first, next) = value.split_first_chunk::<8>().ok_or(StoreError::Corrupted(Damage::Row))?;
        let next = next.try_into().map_err(|_| StoreError::Corrupted(Damage::Row))?;
        Ok(u64::from_be_bytes(*first)..u64::from_be_bytes(next))
    }

    /// Replaces an item.
    pub fn replace(&mut self, list: List<'_>, sealing: Sealing, number: u64, value: &[u8]) -> Result<(), StoreError> {
        match self.bounds(list)?.contains(&number) {
            true => self.write_item(list, number, sealing, Some(value)),
            false => Err(StoreError::InvalidInput),
        }
    }

    /// Empties an item; its number stays.
    pub fn clear(&mut self, list: List<'_>, sealing: Sealing, number: u64) -> Result<(), StoreError> {
        match self.bounds(list)?.contains(&number) {
            true => self.write_item(list, number, sealing, None),
            false => Err(StoreError::InvalidInput),
        }
    }

    /// Removes all items before `number`.
    pub fn trim(&mut self, list: List<'_>, number: u64) -> Result<(), StoreError> {
        let bounds = self.bounds(list)?;
        let first = number.min(bounds.end).max(bounds.start);
        for number in bounds.start..first {
            let lookup = self.keys.system.lookup(list.0.rows.as_u32(), &item_key(list, number));
            self.remove(&lookup)?;
        }
        self.set_bounds(list, first..bounds.end)
    }

    fn set_bounds(&mut self, list: List<'_>, bounds: Range<u64>) -> Result<(), StoreError> {
        let value = [bounds.start.to_be_bytes(), bounds.end.to_be_bytes()].concat();
        self.put(Table::FAMILIES, &bounds_key(list), None, Sealing::System, &value)
    }

    fn write_item(
        &mut self,
        list: List<'_>,
        number: u64,
        sealing: Sealing,
        value: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        let key = item_key(list, number);
        let lookup = self.keys.system.lookup(list.0.rows.as_u32(), &key);
        let place = Place { key: lookup, parent: self.parent(list.0), position: number, revision: self.revision };
        let value = match value {
            Some(value) => Zeroizing::new([&[1], value].concat()),
            None => Zeroizing::new(vec![0]),
        };
        self.write(place, &key, sealing, &value)
    }
}

/// `u32 of || key || u64 number`: the table is in the lookup key.
fn item_key(list: List<'_>, number: u64) -> Vec<u8> {
    [list.0.of.as_u32().to_be_bytes().as_slice(), list.0.key, &number.to_be_bytes()].concat()
}

/// `u8 1 || u32 rows || u32 of || key`: where the bounds of a list stand.
fn bounds_key(list: List<'_>) -> Vec<u8> {
    let (rows, of) = (list.0.rows.as_u32().to_be_bytes(), list.0.of.as_u32().to_be_bytes());
    [&[1], rows.as_slice(), &of, list.0.key].concat()
}
