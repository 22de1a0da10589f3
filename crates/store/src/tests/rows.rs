use super::fixture::{FAMILY, ITEMS, OTHER_TALK, TALK, World, at, rng};
use crate::{List, Sealing, StoreError, Table, Unlocked};

const LIST: List<'static> = List(FAMILY);

#[test]
fn what_was_put_is_there_after_reopening() {
    let world = World::new();
    let store = world.create();
    let put = store.transact(at(1), &mut rng(2), |tx| tx.put(ITEMS, b"key", None, Sealing::System, b"value"));
    assert_eq!(put, Ok::<_, StoreError>(()));
    drop(store);
    let store = world.open().unwrap();
    let got = store.transact(at(2), &mut rng(3), |tx| tx.get(ITEMS, b"key", Sealing::System)).unwrap();
    assert_eq!(got.unwrap().as_slice(), b"value");
    let none = store.transact(at(2), &mut rng(3), |tx| tx.get(ITEMS, b"other", Sealing::System));
    let none: Option<_> = none.unwrap_or_else(|error: StoreError| panic!("{error}"));
    assert_eq!(none, None);
    assert_eq!(store.counter(), Ok(1));
    assert_eq!(store.verify(at(3)), Ok(()));
}

#[test]
fn a_failed_transaction_changes_nothing() {
    let world = World::new();
    let store = world.create();
    let failed: Result<(), _> = store.transact(at(1), &mut rng(2), |tx| {
        tx.put(ITEMS, b"key", Some(FAMILY), Sealing::Conversation(TALK), b"value")?;
        Err(StoreError::InvalidInput)
    });
    assert_eq!(failed, Err(StoreError::InvalidInput));
    store
        .transact(at(1), &mut rng(2), |tx| {
            assert_eq!(tx.get(ITEMS, b"key", Sealing::Conversation(TALK))?, None);
            assert!(!tx.has_content_key(&TALK)?);
            assert_eq!(tx.size(FAMILY)?, 0);
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert_eq!(store.counter(), Ok(0));
}

#[test]
fn a_panic_inside_a_transaction_changes_nothing() {
    let world = World::new();
    let store = world.create();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        store.transact(at(1), &mut rng(2), |tx| {
            tx.put(ITEMS, b"key", None, Sealing::System, b"value")?;
            if tx.size(FAMILY)? == 0 {
                panic!("in the middle");
            }
            Ok::<_, StoreError>(())
        })
    }));
    assert!(panicked.is_err());
    let got = store.transact(at(2), &mut rng(3), |tx| tx.get(ITEMS, b"key", Sealing::System));
    assert_eq!(got, Ok::<_, StoreError>(None));
}

#[test]
fn a_transaction_inside_a_transaction_is_busy() {
    let world = World::new();
    let store = world.create();
    let inner = store.transact(at(1), &mut rng(2), |_| {
        assert_eq!(store.lock(), Err(StoreError::Busy));
        assert_eq!(store.suspend(), Err(StoreError::Busy));
        store.transact(at(1), &mut rng(3), |_| Ok::<_, StoreError>(()))
    });
    assert_eq!(inner, Err(StoreError::Busy));
    assert_eq!(store.transact(at(1), &mut rng(2), |_| Ok::<_, StoreError>(7)), Ok(7));
}

#[test]
fn a_family_gives_all_its_rows_and_no_others() {
    let world = World::new();
    let store = world.create();
    let rows = store.transact(at(1), &mut rng(2), |tx| {
        for key in 0..20_u8 {
            tx.put(ITEMS, &[key], Some(FAMILY), Sealing::System, &[key; 3])?;
        }
        tx.put(ITEMS, b"alone", None, Sealing::System, b"")?;
        tx.put(ITEMS, &[3], Some(FAMILY), Sealing::System, b"again")?;
        assert_eq!(tx.delete(ITEMS, &[4], Some(FAMILY)), Ok(true));
        assert_eq!(tx.delete(ITEMS, &[4], Some(FAMILY)), Ok(false));
        assert_eq!(tx.size(FAMILY), Ok(19));
        tx.family(FAMILY, Sealing::System)
    });
    let mut keys: Vec<_> = rows.unwrap().into_iter().map(|row| row.key[0]).collect();
    keys.sort_unstable();
    assert_eq!(keys, (0..20).filter(|key| *key != 4).collect::<Vec<_>>());
    // A row is not moved from one family to another, or out of it.
    let moved = store.transact(at(1), &mut rng(2), |tx| tx.put(ITEMS, &[3], None, Sealing::System, b""));
    assert_eq!(moved, Err(StoreError::InvalidInput));
    let elsewhere = Table::new(99).unwrap();
    let moved = store.transact(at(1), &mut rng(2), |tx| tx.put(elsewhere, &[3], Some(FAMILY), Sealing::System, b""));
    assert_eq!(moved, Err(StoreError::InvalidInput));
}

#[test]
fn a_list_keeps_its_order_and_its_numbers() {
    let world = World::new();
    let store = world.create();
    let sealing = Sealing::Conversation(TALK);
    store
        .transact(at(1), &mut rng(2), |tx| {
            for number in 0..10 {
                assert_eq!(tx.append(LIST, sealing, &[number as u8])?, number);
            }
            tx.clear(LIST, sealing, 4)?;
            tx.replace(LIST, sealing, 5, b"edited")?;
            tx.trim(LIST, 3)?;
            assert_eq!(tx.replace(LIST, sealing, 2, b""), Err(StoreError::InvalidInput));
            assert_eq!(tx.clear(LIST, sealing, 10), Err(StoreError::InvalidInput));
            Ok::<_, StoreError>(())
        })
        .unwrap();
    drop(store);
    let store = world.open().unwrap();
    let items = store.transact(at(2), &mut rng(3), |tx| tx.items(LIST, sealing, 0..7)).unwrap();
    let found: Vec<_> = items.iter().map(|item| (item.number, item.value.as_ref().map(|v| v.to_vec()))).collect();
    assert_eq!(found, [(3, Some(vec![3])), (4, None), (5, Some(b"edited".to_vec())), (6, Some(vec![6]))]);
    assert_eq!(store.transact(at(2), &mut rng(3), |tx| tx.bounds(LIST)), Ok::<_, StoreError>(3..10));
    assert_eq!(store.verify(at(3)), Ok(()));
}

#[test]
fn a_row_opens_with_the_key_it_was_sealed_with_only() {
    let world = World::new();
    let store = world.create();
    store
        .transact(at(1), &mut rng(2), |tx| {
            tx.put(ITEMS, b"a", None, Sealing::Conversation(TALK), b"text")?;
            tx.put(ITEMS, b"b", None, Sealing::Conversation(OTHER_TALK), b"text")
        })
        .unwrap();
    for sealing in [Sealing::System, Sealing::Conversation(OTHER_TALK)] {
        let got = store.transact(at(1), &mut rng(2), |tx| tx.get(ITEMS, b"a", sealing));
        assert_eq!(got, Err(StoreError::Corrupted(crate::Damage::Row)));
    }
    let unknown = Sealing::Conversation(carevow_core::ConversationId::from_bytes([9; 16]));
    assert_eq!(store.transact(at(1), &mut rng(2), |tx| tx.get(ITEMS, b"a", unknown)), Err(StoreError::Erased));
}

#[test]
fn two_handles_see_what_the_other_wrote() {
    let world = World::new();
    let (one, two) = (world.create(), world.open().unwrap());
    for round in 0..20_u8 {
        let (writer, reader) = if round % 2 == 0 { (&one, &two) } else { (&two, &one) };
        writer
            .transact(at(1), &mut rng(u64::from(round)), |tx| {
                tx.put(ITEMS, &[round], Some(FAMILY), Sealing::System, &[round])
            })
            .unwrap();
        let rows = reader.transact(at(1), &mut rng(0), |tx| tx.family(FAMILY, Sealing::System)).unwrap();
        assert_eq!(rows.len(), usize::from(round) + 1);
    }
    assert_eq!(one.counter().unwrap(), two.counter().unwrap());
}

#[test]
fn suspended_nothing_is_open_and_resumed_everything_is_as_before() {
    let world = World::new();
    let store = world.create();
    store.transact(at(1), &mut rng(2), |tx| tx.put(ITEMS, b"k", None, Sealing::System, b"v")).unwrap();
    store.suspend().unwrap();
    let refused = store.transact(at(1), &mut rng(2), |tx| tx.get(ITEMS, b"k", Sealing::System));
    assert_eq!(refused, Err(StoreError::Suspended));
    // Another process may come and go meanwhile.
    let other = world.open().unwrap();
    other.transact(at(1), &mut rng(5), |tx| tx.put(ITEMS, b"k", None, Sealing::System, b"w")).unwrap();
    drop(other);
    store.resume().unwrap();
    let got = store.transact(at(1), &mut rng(2), |tx| tx.get(ITEMS, b"k", Sealing::System)).unwrap();
    assert_eq!(got.unwrap().as_slice(), b"w");
}

#[test]
fn held_envelopes_survive_and_are_released_with_what_came_of_them() {
    let world = World::new();
    let store = world.create();
    store.lock().unwrap();
    let received = carevow_core::Timestamp::from_millis(5);
    store.hold(received, &[b"one", b"two", b"three"]).unwrap();
    assert_eq!(store.held_count(), Ok(3));
    let locked = store.transact(at(1), &mut rng(2), |tx| tx.held(10));
    assert_eq!(locked, Err(StoreError::Locked));
    assert_eq!(store.unlock(world.access(), at(2)), Ok(Unlocked::AsLeft));
    let failed: Result<(), _> = store.transact(at(3), &mut rng(2), |tx| {
        let held = tx.held(2)?;
        assert_eq!(held.iter().map(|h| h.envelope.as_slice()).collect::<Vec<_>>(), [&b"one"[..], b"two"]);
        tx.release(&held[0])?;
        Err(StoreError::InvalidInput)
    });
    assert_eq!(failed, Err(StoreError::InvalidInput));
    assert_eq!(store.held_count(), Ok(3));
    store
        .transact(at(3), &mut rng(2), |tx| {
            let held = tx.held(1)?;
            tx.release(&held[0])
        })
        .unwrap();
    assert_eq!(store.held_count(), Ok(2));
}
