//! Envelopes that arrived while the store was locked: `docs/protocol.md` B19.5.

use carevow_core::Timestamp;
use rusqlite::{Connection, params};

use crate::error::StoreError;
use crate::header::integer;

/// An envelope as it was received.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeldEnvelope {
    /// Its number in the queue.
    pub id: i64,
    /// When it was delivered, by the server.
    pub received: Timestamp,
    /// Its bytes: ciphertext.
    pub envelope: Vec<u8>,
}

pub(crate) fn append(connection: &Connection, received: Timestamp, envelopes: &[&[u8]]) -> Result<(), StoreError> {
    let received = integer(received.as_millis())?;
    let transaction = connection.unchecked_transaction()?;
    for envelope in envelopes {
        transaction
            .prepare_cached("INSERT INTO held (received_ms, envelope) VALUES (?1, ?2)")?
            .execute(params![received, envelope])?;
    }
    Ok(transaction.commit()?)
}

pub(crate) fn count(connection: &Connection) -> Result<u64, StoreError> {
    let count: i64 = connection.query_row("SELECT count(*) FROM held", [], |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

pub(crate) fn first(connection: &Connection, most: u32) -> Result<Vec<HeldEnvelope>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT id, received_ms, envelope FROM held ORDER BY id LIMIT ?1")?;
    let rows = statement.query_map([most], |row| {
        let received: i64 = row.get(1)?;
        let received = Timestamp::from_millis(u64::try_from(received).unwrap_or(0));
        Ok(HeldEnvelope { id: row.get(0)?, received, envelope: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn remove(connection: &Connection, id: i64) -> Result<(), StoreError> {
    connection.prepare_cached("DELETE FROM held WHERE id = ?1")?.execute([id])?;
    Ok(())
}
