//! Somebody with a copy of SQLite and all the time in the world.

use std::collections::BTreeSet;
use std::fs;

use rusqlite::Connection;

use super::fixture::{FAMILY, ITEMS, TALK, World, at, rng};
use crate::{Damage, List, Sealing, Store, StoreError};

fn filled() -> World {
    let world = World::new();
    let store = world.create();
    store
        .transact(at(1), &mut rng(2), |tx| {
            for key in 0..8_u8 {
                tx.put(ITEMS, &[key], Some(FAMILY), Sealing::System, &[key; 40])?;
            }
            for number in 0..8_u8 {
                tx.append(List(FAMILY), Sealing::Conversation(TALK), &[number; 40])?;
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
    world
}

fn raw(world: &World) -> Connection {
    Connection::open(world.folder.path().join("store.db")).unwrap()
}

/// Everything that the store gives, or the first error.
fn read_all(store: &Store) -> Result<usize, StoreError> {
    store.transact(at(2), &mut rng(3), |tx| {
        let mut count = 0;
        for key in 0..8_u8 {
            match tx.get(ITEMS, &[key], Sealing::System)? {
                Some(value) if value.as_slice() == [key; 40] => count += 1,
                _ => panic!("a wrong or missing value was given out"),
            }
        }
        for item in tx.items(List(FAMILY), Sealing::Conversation(TALK), 0..u64::MAX)? {
            assert_eq!(item.value.unwrap().as_slice(), [item.number as u8; 40]);
            count += 1;
        }
        Ok(count)
    })
}

/// What `change` does is noticed when the rows are read, with `damage`.
fn noticed(change: impl FnOnce(&Connection), damage: Damage) {
    let world = filled();
    let store = world.open().unwrap();
    assert_eq!(read_all(&store), Ok(16), "control");
    drop(store);
    change(&raw(&world));
    let store = world.open().unwrap();
    assert_eq!(read_all(&store), Err(StoreError::Corrupted(damage)));
    assert_eq!(store.verify(at(3)).is_err(), damage == Damage::Rows);
}

fn execute(sql: &'static str) -> impl FnOnce(&Connection) {
    move |raw| {
        assert!(raw.execute(sql, []).unwrap() > 0, "the attack did nothing");
    }
}

#[test]
fn a_removed_row_is_noticed() {
    noticed(execute("DELETE FROM record WHERE key = (SELECT min(key) FROM record)"), Damage::Rows);
}

#[test]
fn a_removed_value_is_noticed() {
    noticed(execute("DELETE FROM body WHERE key IN (SELECT key FROM record WHERE position = 3)"), Damage::Rows);
}

#[test]
fn two_values_that_change_places_are_noticed() {
    noticed(
        |raw| {
            let rows: Vec<(Vec<u8>, Vec<u8>)> = raw
                .prepare("SELECT body.key, value FROM body JOIN record USING (key) WHERE position IN (2, 3)")
                .unwrap()
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            let [(a, x), (b, y)] = &rows[..] else { panic!("two rows") };
            for (key, value) in [(a, y), (b, x)] {
                raw.execute("UPDATE body SET value = ?2 WHERE key = ?1", (key, value)).unwrap();
            }
        },
        Damage::Row,
    );
}

#[test]
fn a_changed_place_is_noticed() {
    noticed(execute("UPDATE record SET position = 77 WHERE position = 3"), Damage::Rows);
    noticed(execute("UPDATE record SET revision = 0 WHERE position = 3"), Damage::Rows);
    noticed(execute("UPDATE record SET parent = zeroblob(16) WHERE position = 3"), Damage::Rows);
    noticed(execute("UPDATE record SET tag = zeroblob(16) WHERE position = 3"), Damage::Rows);
    noticed(execute("UPDATE record SET key = zeroblob(16) WHERE position = 3"), Damage::Rows);
}

#[test]
fn a_row_of_before_is_noticed_when_it_is_put_back() {
    let world = filled();
    type Raw = (Vec<u8>, i64, Vec<u8>, Vec<u8>);
    let row = |raw: &Connection| -> Vec<Raw> {
        raw.prepare("SELECT key, revision, tag, value FROM record JOIN body USING (key)")
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap()
    };
    let before = row(&raw(&world));
    let store = world.open().unwrap();
    let again = |tx: &mut crate::Transaction<'_, _>| tx.put(ITEMS, &[5], Some(FAMILY), Sealing::System, &[5; 40]);
    store.transact(at(1), &mut rng(9), again).unwrap();
    assert_eq!(read_all(&store), Ok(16), "control");
    drop(store);
    let after: BTreeSet<_> = row(&raw(&world)).into_iter().collect();
    let replaced: Vec<_> = before.into_iter().filter(|row| !after.contains(row)).collect();
    let [(key, revision, tag, value)] = &replaced[..] else { panic!("one row was written again") };
    let attacker = raw(&world);
    attacker.execute("UPDATE record SET revision = ?2, tag = ?3 WHERE key = ?1", (key, revision, tag)).unwrap();
    attacker.execute("UPDATE body SET value = ?2 WHERE key = ?1", (key, value)).unwrap();
    drop(attacker);
    let store = world.open().unwrap();
    assert_eq!(read_all(&store), Err(StoreError::Corrupted(Damage::Rows)));
    assert_eq!(store.verify(at(3)), Err(StoreError::Corrupted(Damage::Rows)));
}

#[test]
fn changed_sums_are_noticed_when_the_store_is_unlocked() {
    for sql in [
        "DELETE FROM bucket WHERE id = (SELECT min(id) FROM bucket)",
        "UPDATE bucket SET sum = zeroblob(32) WHERE id = (SELECT min(id) FROM bucket)",
        "UPDATE bucket SET sum = x'' WHERE id = (SELECT min(id) FROM bucket)",
        "UPDATE bucket SET id = 5000 WHERE id = (SELECT min(id) FROM bucket)",
        "INSERT INTO bucket (id, sum) SELECT 4095 - min(id), sum FROM bucket",
    ] {
        let world = filled();
        assert!(raw(&world).execute(sql, []).unwrap() > 0);
        assert_eq!(world.open().err(), Some(StoreError::Corrupted(Damage::Rows)), "{sql}");
    }
}

#[test]
fn what_changes_while_the_store_is_open_is_noticed_too() {
    let world = filled();
    let store = world.open().unwrap();
    assert_eq!(read_all(&store), Ok(16), "control");
    raw(&world).execute("DELETE FROM record WHERE position = 3", []).unwrap();
    assert_eq!(read_all(&store), Err(StoreError::Corrupted(Damage::Rows)));
}

#[test]
fn an_older_header_under_a_running_store_is_a_rollback() {
    let world = filled();
    let store = world.open().unwrap();
    let header: (i64, Vec<u8>, Vec<u8>) = raw(&world)
        .query_row("SELECT counter, total, mac FROM header", [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap();
    store.transact(at(1), &mut rng(9), |tx| tx.put(ITEMS, b"new", None, Sealing::System, b"")).unwrap();
    raw(&world).execute("UPDATE header SET counter = ?1, total = ?2, mac = ?3", header).unwrap();
    assert_eq!(read_all(&store), Err(StoreError::RolledBack));
}

/// Each bit of each page that carries something, one at a time: an error, or everything as it was.
#[test]
fn no_flipped_bit_of_the_file_gives_anything_else() {
    let world = filled();
    let path = world.folder.path().join("store.db");
    let whole = fs::read(&path).unwrap();
    let (mut refused, mut unnoticed) = (0, 0);
    for byte in (0..whole.len()).filter(|byte| whole[*byte] != 0).step_by(37) {
        let mut bytes = whole.clone();
        bytes[byte] ^= 1 << (byte % 8);
        fs::write(&path, &bytes).unwrap();
        let opened = world.open().and_then(|store| {
            let count = read_all(&store)?;
            store.verify(at(4)).map(|()| count)
        });
        match opened {
            Ok(count) => {
                assert_eq!(count, 16, "byte {byte}");
                unnoticed += 1;
            }
            Err(StoreError::Corrupted(_) | StoreError::WrongKey | StoreError::Format(_) | StoreError::Io) => {
                refused += 1
            }
            Err(other) => panic!("byte {byte}: {other:?}"),
        }
        for name in ["store.db-wal", "store.db-shm"] {
            let _ = fs::remove_file(world.folder.path().join(name));
        }
    }
    assert!(refused > 100, "{refused} refused, {unnoticed} in what SQLite does not read");
}

#[test]
fn nothing_that_was_stored_can_be_read_in_the_files() {
    const CANARY: &[u8] = b"canary in the most private sentence";
    let world = World::new();
    let store = world.create();
    store
        .transact(at(1), &mut rng(2), |tx| {
            tx.put(ITEMS, CANARY, Some(FAMILY), Sealing::Conversation(TALK), CANARY)?;
            tx.append(List(FAMILY), Sealing::System, CANARY)?;
            tx.delete(ITEMS, CANARY, Some(FAMILY))
        })
        .unwrap();
    let mut searched = 0;
    for entry in fs::read_dir(world.folder.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(8).any(|window| window == &CANARY[..8]));
        searched += bytes.len();
    }
    assert!(searched > 10_000);
}
