//! What the processes write, so that anything lost, doubled or half written shows: each transaction adds an entry to a
//! list, counts it for its writer, and counts it for all.

use std::collections::BTreeMap;

use carevow_core::ConversationId;
use carevow_store::{Family, List, Now, Sealing, Store, StoreError, Table, Transaction};
use rand_core::TryCryptoRng;

const ENTRIES: Table = Table::new(16).unwrap();
const COUNTS: Table = Table::new(17).unwrap();
const LIST: List<'static> = List(Family { rows: ENTRIES, of: COUNTS, key: b"ledger" });
/// Entries belong to a conversation, counts to the system.
const SEALING: Sealing = Sealing::Conversation(ConversationId::from_bytes([0x31; 16]));
const ALL: &[u8] = b"all";

/// What is wrong with a ledger.
#[derive(Debug)]
pub enum Wrong {
    /// It could not be read.
    Store(StoreError),
    /// The entries are not those that were counted.
    Entries(String),
}

impl From<StoreError> for Wrong {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Makes the next entry of `writer` and returns its number, from 0.
pub fn enter<R: TryCryptoRng>(store: &Store, writer: u8, now: Now, rng: &mut R) -> Result<u64, StoreError> {
    store.transact(now, rng, |tx| {
        let (number, all) = (count(tx, &[writer])?, count(tx, ALL)?);
        let entry = [&[writer], number.to_be_bytes().as_slice(), &[0x5a; 500]].concat();
        tx.append(LIST, SEALING, &entry)?;
        tx.put(COUNTS, &[writer], None, Sealing::System, &(number + 1).to_be_bytes())?;
        tx.put(COUNTS, ALL, None, Sealing::System, &(all + 1).to_be_bytes())?;
        Ok(number)
    })
}

/// How many entries each writer made, if every one of them is there once, in order, and nothing else is.
pub fn verified<R: TryCryptoRng>(store: &Store, now: Now, rng: &mut R) -> Result<BTreeMap<u8, u64>, Wrong> {
    store.verify(now)?;
    store.transact(now, rng, |tx| {
        let mut found = BTreeMap::new();
        let items = tx.items(LIST, SEALING, 0..u64::MAX)?;
        let all = items.len() as u64;
        for item in items {
            let value = item.value.ok_or_else(|| Wrong::Entries("an entry was cleared".to_owned()))?;
            let (head, _) =
                value.split_first_chunk::<9>().ok_or_else(|| Wrong::Entries("an entry is short".to_owned()))?;
            let [writer, number @ ..] = *head;
            let next = found.entry(writer).or_insert(0);
            let number = u64::from_be_bytes(number);
            if number != *next {
                return Err(Wrong::Entries(format!("entry {number} of writer {writer} where {next} belongs")));
            }
            *next += 1;
        }
        for (writer, entries) in &found {
            let counted = count(tx, &[*writer])?;
            if counted != *entries {
                return Err(Wrong::Entries(format!("{counted} counted and {entries} entered by writer {writer}")));
            }
        }
        match count(tx, ALL)? == all {
            true => Ok(found),
            false => Err(Wrong::Entries("another number was counted for all".to_owned())),
        }
    })
}

fn count<R: TryCryptoRng>(tx: &mut Transaction<'_, R>, of: &[u8]) -> Result<u64, StoreError> {
    let value = tx.get(COUNTS, of, Sealing::System)?;
    Ok(value.map_or(0, |value| u64::from_be_bytes(value.as_slice().try_into().unwrap())))
}
