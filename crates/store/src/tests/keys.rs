use std::fs;

use super::fixture::{FAMILY, ITEMS, Keystore, OTHER_TALK, POLICY, TALK, World, at, rng};
use crate::{Access, Damage, EarlierCopies, Passphrase, Sealing, Store, StoreError, Unlocked};

#[test]
fn the_idle_lock_closes_by_itself() {
    let world = World::new();
    let store = world.create();
    assert_eq!(store.locks_at(), Ok(Some(60_000)));
    let read = |ms| store.transact(at(ms), &mut rng(1), |tx| tx.get(ITEMS, b"k", Sealing::System));
    assert_eq!(read(59_999), Ok::<_, StoreError>(None));
    assert_eq!(store.locks_at(), Ok(Some(119_999)));
    assert_eq!(read(119_999), Err(StoreError::Locked));
    assert_eq!(store.locks_at(), Ok(None));
    // A clock that goes back does not open it again.
    assert_eq!(read(0), Err(StoreError::Locked));
    assert_eq!(store.verify(at(0)), Err(StoreError::Locked));
}

#[test]
fn create_and_open_expect_what_they_say() {
    let world = World::new();
    assert_eq!(Store::open(world.folder.path(), POLICY, None).err(), Some(StoreError::Folder));
    let store = world.create();
    let again = Store::create(world.folder.path(), world.access(), POLICY, &mut rng(9));
    assert_eq!(again.err(), Some(StoreError::Folder));
    assert_eq!(store.verify(at(1)), Ok(()));
}

#[test]
#[cfg(unix)]
fn files_are_for_this_user_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let store = world.create();
    store.transact(at(1), &mut rng(2), |tx| tx.put(ITEMS, b"k", None, Sealing::System, b"v")).unwrap();
    let mut names = Vec::new();
    for entry in fs::read_dir(world.folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["store.db", "store.db-shm", "store.db-wal", "store.lock"]);
}

#[test]
fn a_passphrase_opens_and_others_are_counted() {
    let world = World::new();
    let right = Passphrase::new("correct horse".to_owned());
    let wrong = Passphrase::new("battery staple".to_owned());
    let store = Store::create(world.folder.path(), Access::Passphrase(&right), POLICY, &mut rng(1)).unwrap();
    let attempt = |ms, text| store.unlock(Access::Passphrase(text), at(ms));
    assert_eq!(attempt(0, &right), Ok(Unlocked::AsLeft));
    for _ in 0..3 {
        assert_eq!(attempt(0, &wrong), Err(StoreError::WrongKey));
    }
    // The third was free; the fourth costs the fifth a second, and opening the store anew does not help.
    assert_eq!(attempt(0, &wrong), Err(StoreError::WrongKey));
    assert_eq!(attempt(0, &right), Err(StoreError::TooSoon(1_000)));
    let other = Store::open(world.folder.path(), POLICY, None).unwrap();
    assert_eq!(other.unlock(Access::Passphrase(&right), at(400)), Err(StoreError::TooSoon(600)));
    assert_eq!(attempt(1_000, &wrong), Err(StoreError::WrongKey));
    assert_eq!(attempt(1_000, &right), Err(StoreError::TooSoon(2_000)));
    assert_eq!(attempt(3_000, &right), Ok(Unlocked::AsLeft));
    assert_eq!(attempt(3_000, &right), Ok(Unlocked::AsLeft));
}

#[test]
fn another_keystore_or_a_passphrase_does_not_open_it() {
    let world = World::new();
    let store = world.create();
    let foreign = Keystore::default();
    assert_eq!(store.unlock(Access::Platform(&foreign), at(0)), Err(StoreError::WrongKey));
    let text = Passphrase::new("text".to_owned());
    assert_eq!(store.unlock(Access::Passphrase(&text), at(0)), Err(StoreError::WrongKey));
}

fn put_two(store: &Store) {
    store
        .transact(at(1), &mut rng(2), |tx| {
            tx.put(ITEMS, b"a", Some(FAMILY), Sealing::Conversation(TALK), b"erased")?;
            tx.put(ITEMS, b"b", Some(FAMILY), Sealing::Conversation(OTHER_TALK), b"kept")
        })
        .unwrap();
}

#[test]
fn t150_after_erasing_earlier_copies_stay_closed_and_the_rest_is_whole() {
    let world = World::new();
    let store = world.create();
    put_two(&store);
    drop(store);
    let copy = tempfile::tempdir().unwrap();
    fs::copy(world.folder.path().join("store.db"), copy.path().join("store.db")).unwrap();
    let before = Store::open(copy.path(), POLICY, None).unwrap();
    assert_eq!(before.unlock(world.access(), at(0)), Ok(Unlocked::AsLeft), "control: the copy opens before");

    let store = world.open().unwrap();
    let erased = store.erase(TALK, world.access(), at(2), &mut rng(3), |_| Ok(()));
    assert_eq!(erased, Ok(EarlierCopies::Closed));
    let read = |key: &[u8], sealing| store.transact(at(3), &mut rng(4), |tx| tx.get(ITEMS, key, sealing));
    assert_eq!(read(b"a", Sealing::Conversation(TALK)), Err(StoreError::Erased));
    assert_eq!(read(b"b", Sealing::Conversation(OTHER_TALK)).unwrap().unwrap().as_slice(), b"kept");
    drop(store);
    let store = world.open().unwrap();
    let kept = store.transact(at(3), &mut rng(4), |tx| tx.get(ITEMS, b"b", Sealing::Conversation(OTHER_TALK)));
    assert_eq!(kept, Ok::<_, StoreError>(Some(zeroize::Zeroizing::new(b"kept".to_vec()))));
    assert_eq!(store.verify(at(4)), Ok(()));

    let before = Store::open(copy.path(), POLICY, None).unwrap();
    assert_eq!(before.unlock(world.access(), at(0)), Err(StoreError::WrongKey));
}

#[test]
fn t150_with_a_passphrase_or_such_a_keystore_earlier_copies_are_not_covered() {
    let world = World::new();
    let text = Passphrase::new("text".to_owned());
    let access = Access::Passphrase(&text);
    let store = Store::create(world.folder.path(), access, POLICY, &mut rng(1)).unwrap();
    let _ = store.unlock(access, at(0)).unwrap();
    put_two(&store);
    assert_eq!(store.erase(TALK, access, at(2), &mut rng(3), |_| Ok(())), Ok(EarlierCopies::NotCovered));
    store.lock().unwrap();
    assert_eq!(store.unlock(access, at(3)), Ok(Unlocked::AsLeft));

    let world = World { keystore: Keystore { indestructible: true, ..Keystore::default() }, ..World::new() };
    let store = world.create();
    put_two(&store);
    let erased = store.erase(TALK, world.access(), at(2), &mut rng(3), |_| Ok(()));
    assert_eq!(erased, Ok(EarlierCopies::NotCovered));
}

#[test]
fn a_new_root_locks_other_processes_until_they_unlock_again() {
    let world = World::new();
    let (one, two) = (world.create(), world.open().unwrap());
    put_two(&one);
    one.erase(TALK, world.access(), at(2), &mut rng(3), |_| Ok(())).unwrap();
    let read = || two.transact(at(3), &mut rng(4), |tx| tx.get(ITEMS, b"b", Sealing::Conversation(OTHER_TALK)));
    assert_eq!(read(), Err(StoreError::Locked));
    assert_eq!(two.unlock(world.access(), at(4)), Ok(Unlocked::AsLeft));
    assert_eq!(read().unwrap().unwrap().as_slice(), b"kept");
}

#[test]
fn t112_an_older_copy_is_a_rollback_for_who_knows_the_counter() {
    let world = World::new();
    let store = world.create();
    store.transact(at(1), &mut rng(2), |tx| tx.put(ITEMS, b"k", None, Sealing::System, b"1")).unwrap();
    drop(store);
    let older = fs::read(world.folder.path().join("store.db")).unwrap();
    let store = world.open().unwrap();
    store.transact(at(1), &mut rng(3), |tx| tx.put(ITEMS, b"k", None, Sealing::System, b"2")).unwrap();
    let counter = store.counter().unwrap();
    drop(store);
    fs::write(world.folder.path().join("store.db"), older).unwrap();
    let store = Store::open(world.folder.path(), POLICY, Some(counter)).unwrap();
    assert_eq!(store.unlock(world.access(), at(0)), Ok(Unlocked::RolledBack));
    let store = Store::open(world.folder.path(), POLICY, Some(counter - 1)).unwrap();
    assert_eq!(store.unlock(world.access(), at(0)), Ok(Unlocked::AsLeft), "control");
}

#[test]
fn a_newer_format_is_not_touched() {
    let world = World::new();
    drop(world.create());
    let raw = rusqlite::Connection::open(world.folder.path().join("store.db")).unwrap();
    raw.execute("UPDATE header SET format = 2", []).unwrap();
    drop(raw);
    assert_eq!(Store::open(world.folder.path(), POLICY, None).err(), Some(StoreError::Format(2)));
}

#[test]
fn no_part_of_the_header_can_change() {
    for change in [
        "store_id = x'00000000000000000000000000000000'",
        "generation = 1",
        "counter = counter + 1",
        "counter = -1",
        "total = zeroblob(32)",
        "mac = zeroblob(32)",
        "mac = x''",
        "kind = 3",
        "sealed_system = zeroblob(76)",
        "wrapped_root = zeroblob(32)",
        "retired = -1",
    ] {
        let world = World::new();
        let store = world.create();
        store.transact(at(1), &mut rng(2), |tx| tx.put(ITEMS, b"k", None, Sealing::System, b"v")).unwrap();
        drop(store);
        let raw = rusqlite::Connection::open(world.folder.path().join("store.db")).unwrap();
        raw.execute(&format!("UPDATE header SET {change}"), []).unwrap();
        drop(raw);
        let error = world.open().err();
        let expected =
            [StoreError::Corrupted(Damage::Header), StoreError::Corrupted(Damage::Keys), StoreError::WrongKey];
        assert!(error.is_some_and(|error| expected.contains(&error)), "{change}: {error:?}");
    }
}

#[test]
fn t150_who_writes_the_file_does_not_have_the_current_key_destroyed() {
    let world = World::new();
    let store = world.create();
    store.transact(at(1), &mut rng(2), |tx| tx.put(ITEMS, b"k", None, Sealing::System, b"v")).unwrap();
    drop(store);
    let raw = rusqlite::Connection::open(world.folder.path().join("store.db")).unwrap();
    raw.execute("UPDATE header SET retired = generation", []).unwrap();
    drop(raw);
    for _ in 0..2 {
        let store = world.open().unwrap();
        let value = store.transact(at(1), &mut rng(3), |tx| tx.get(ITEMS, b"k", Sealing::System)).unwrap();
        assert_eq!(value.as_deref().map(Vec::as_slice), Some(b"v".as_slice()));
    }
}
