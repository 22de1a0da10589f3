//! The header: `docs/store.md`, Header.

use carevow_core::ids::StoreId;
use carevow_core::sealed_store::{FORMAT, Head, HeadMac, SealedKey, SetSum};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::error::{Damage, StoreError};
use crate::wrapper::Generation;

/// How the root is wrapped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Platform,
    Passphrase,
}

impl Kind {
    const fn as_i64(self) -> i64 {
        match self {
            Self::Platform => 1,
            Self::Passphrase => 2,
        }
    }
}

/// The header as it was read: what it says of the rows is not verified yet.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) store: StoreId,
    pub(crate) kind: Kind,
    /// A generation of the platform's key that is to be destroyed: a crash came between.
    pub(crate) retired: Option<Generation>,
    pub(crate) wrapped_root: Vec<u8>,
    pub(crate) sealed_system: SealedKey,
    pub(crate) head: Head,
    pub(crate) mac: HeadMac,
}

impl Header {
    pub(crate) fn read(connection: &Connection) -> Result<Self, StoreError> {
        let mut statement = connection.prepare_cached(
            "SELECT format, store_id, kind, generation, retired, wrapped_root, sealed_system, counter, total, mac
             FROM header WHERE id = 1",
        )?;
        let header = statement.query_row([], |row| Ok(Self::parse(row))).optional()?;
        header.ok_or(StoreError::Corrupted(Damage::Header))?
    }

    fn parse(row: &Row<'_>) -> Result<Self, StoreError> {
        const WRONG: StoreError = StoreError::Corrupted(Damage::Header);
        let format: i64 = row.get(0)?;
        if format != i64::from(FORMAT) {
            return Err(StoreError::Format(format));
        }
        let kind = match row.get::<_, i64>(2)? {
            1 => Kind::Platform,
            2 => Kind::Passphrase,
            _ => return Err(WRONG),
        };
        let generation = |number: i64| Generation::try_from(number).map_err(|_| WRONG);
        let counter: i64 = row.get(7)?;
        let head = Head {
            generation: generation(row.get(3)?)?,
            counter: u64::try_from(counter).map_err(|_| WRONG)?,
            total: SetSum::from_bytes(bytes(row, 8)?),
        };
        Ok(Self {
            store: StoreId::from_bytes(bytes(row, 1)?),
            kind,
            retired: row.get::<_, Option<i64>>(4)?.map(generation).transpose()?,
            wrapped_root: row.get(5)?,
            sealed_system: bytes(row, 6)?,
            head,
            mac: bytes(row, 9)?,
        })
    }

    pub(crate) fn write(&self, connection: &Connection) -> Result<(), StoreError> {
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO header (id, format, store_id, kind, generation, retired, wrapped_root,
                 sealed_system, counter, total, mac) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                i64::from(FORMAT),
                self.store.as_bytes(),
                self.kind.as_i64(),
                self.head.generation,
                self.retired,
                self.wrapped_root,
                self.sealed_system,
                integer(self.head.counter)?,
                self.head.total.as_bytes(),
                self.mac,
            ])?;
        Ok(())
    }
}

fn bytes<const N: usize>(row: &Row<'_>, index: usize) -> Result<[u8; N], StoreError> {
    let value: Vec<u8> = row.get(index)?;
    value.try_into().map_err(|_| StoreError::Corrupted(Damage::Header))
}

/// SQLite's integers are signed.
pub(crate) fn integer(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::InvalidInput)
}
