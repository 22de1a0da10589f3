//! The database file: its schema, and how it is opened.

use std::fs::OpenOptions;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::error::StoreError;
use crate::file_lock::private;

pub(crate) const FILE: &str = "store.db";
const UNFINISHED: &str = "store.new";
pub(crate) const LOCK_FILE: &str = "store.lock";

/// "CvwS".
const APPLICATION_ID: i64 = 0x4376_7753;

/// `record` is small and clustered by key, so that a bucket is one range of a few pages; values lie apart.
const SCHEMA: &str = "
CREATE TABLE header (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    format INTEGER NOT NULL,
    store_id BLOB NOT NULL,
    kind INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    retired INTEGER,
    wrapped_root BLOB NOT NULL,
    sealed_system BLOB NOT NULL,
    counter INTEGER NOT NULL,
    total BLOB NOT NULL,
    mac BLOB NOT NULL
) STRICT;
CREATE TABLE record (
    key BLOB PRIMARY KEY,
    parent BLOB NOT NULL,
    position INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    tag BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX record_parent ON record (parent, position);
CREATE TABLE body (key BLOB PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE TABLE bucket (id INTEGER PRIMARY KEY, sum BLOB NOT NULL) STRICT;
CREATE TABLE held (id INTEGER PRIMARY KEY AUTOINCREMENT, received_ms INTEGER NOT NULL, envelope BLOB NOT NULL) STRICT;
CREATE TABLE attempt (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    failures INTEGER NOT NULL,
    not_before_ms INTEGER NOT NULL
) STRICT;
";

/// Makes the file, which must not exist, under another name first: a store that was half made is none.
pub(crate) fn create(
    folder: &Path,
    first: impl FnOnce(&Connection) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let (unfinished, path) = (folder.join(UNFINISHED), folder.join(FILE));
    if path.try_exists()? {
        return Err(StoreError::Folder);
    }
    if unfinished.try_exists()? {
        std::fs::remove_file(&unfinished)?;
    }
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    private(&mut options);
    drop(options.open(&unfinished)?);
    let connection = Connection::open_with_flags(&unfinished, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.execute_batch(SCHEMA)?;
    first(&connection)?;
    connection.close().map_err(|(_, error)| StoreError::from(error))?;
    std::fs::rename(unfinished, path)?;
    sync_folder(folder)
}

/// The name of a file is durable once its folder is.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    Ok(std::fs::File::open(folder)?.sync_all()?)
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> Result<(), StoreError> {
    Ok(())
}

/// Opens the file; it must exist.
pub(crate) fn open(folder: &Path) -> Result<Connection, StoreError> {
    let path = folder.join(FILE);
    if !path.try_exists()? {
        return Err(StoreError::Folder);
    }
    let connection = connect(&path)?;
    let id: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if id != APPLICATION_ID {
        return Err(StoreError::Corrupted(crate::Damage::File));
    }
    Ok(connection)
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    // Never creates: a store that is gone must not come back empty.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_prepared_statement_cache_capacity(32);
    for (name, value) in [
        ("journal_mode", "WAL"),
        ("synchronous", "FULL"),
        ("secure_delete", "ON"),
        ("temp_store", "MEMORY"),
        ("trusted_schema", "OFF"),
        ("cell_size_check", "ON"),
        ("mmap_size", "0"),
    ] {
        connection.pragma_update(None, name, value)?;
    }
    Ok(connection)
}

/// Empties the write-ahead log into the file, so that nothing deleted stays in it.
pub(crate) fn checkpoint(connection: &Connection) -> Result<(), StoreError> {
    Ok(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
}
