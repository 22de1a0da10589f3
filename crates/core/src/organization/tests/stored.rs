//! Pins at rest: B17 and T130.

use prost::Message as _;

use super::*;
use crate::at_rest::AtRestError;
use crate::identity::{Fetched, Source};
use crate::limits::{FORMER_ORG_KEYS, LOST_MANIFESTS, OPEN_GAPS, ORG_MEMBERS};
use crate::testing::Stored;
use crate::time::DAY_MS;
use crate::wire::v1;

const PIN: Stored<DirectoryPin> = Stored { read: DirectoryPin::from_bytes, write: DirectoryPin::to_bytes };

/// A pin with a gap of two jumps, a departed member and a former key.
fn full() -> DirectoryPin {
    let chain = rotated_chain();
    let adopt = |pin: &DirectoryPin, directory| pin.judge(directory, Source::Message, at(9)).unwrap().pin;
    let rotated = adopt(&adopt(&pinned(&chain[0]), &chain[1]), &chain[2]);
    adopt(&adopt(&rotated, &chain[4]), &chain[6])
}

/// 1 announces the second key, 2 lists one person less, 3 to 7 are under the second key.
fn rotated_chain() -> Vec<Directory> {
    let announcing = |members| DirectoryDraft { next_org_key: Some(org_key(2).public_key()), ..draft(members) };
    let mut chain = vec![Directory::issue(&org_key(1), None, announcing(vec![entry(1), entry(2)]), at(0)).unwrap()];
    chain.push(Directory::issue(&org_key(1), chain.last(), announcing(vec![entry(1)]), at(1)).unwrap());
    for n in 2..7 {
        chain.push(Directory::issue(&org_key(2), chain.last(), draft(vec![entry(1)]), at(n)).unwrap());
    }
    chain
}

/// A pin after what it had adopted with a gap lost.
fn lost() -> DirectoryPin {
    full().adopt_chain(Fetched::Unanswered, at(9).plus(30 * DAY_MS)).0.pin
}

#[test]
fn a_pin_of_a_practice_comes_back_as_it_was_stored() {
    let parts = |pin: &DirectoryPin| {
        let stored = v1::DirectoryPinState::decode(pin.to_bytes().as_slice()).unwrap();
        (
            stored.gap.map_or(0, |gap| gap.passed.len()),
            stored.lost.len(),
            stored.former_keys.len(),
            stored.departed.len(),
        )
    };
    assert_eq!(parts(&full()), (1, 0, 1, 1));
    assert_eq!(parts(&lost()), (0, 2, 1, 1));
    for pin in [pinned(&rotated_chain()[0]), full(), lost()] {
        let bytes = PIN.comes_back(&pin);
        assert_eq!(v1::DirectoryPinState::decode(bytes.as_slice()).unwrap().encode_to_vec(), bytes);
    }
}

#[test]
fn t130_a_damaged_pin_of_a_practice_is_not_loaded() {
    PIN.withstands(&full());
}

fn edited(pin: &DirectoryPin, edit: impl FnOnce(&mut v1::DirectoryPinState)) -> Result<(), AtRestError> {
    let mut stored = v1::DirectoryPinState::decode(pin.to_bytes().as_slice()).unwrap();
    edit(&mut stored);
    DirectoryPin::from_bytes(&stored.encode_to_vec()).map(drop)
}

#[test]
fn t130_a_pin_of_a_practice_whose_parts_do_not_fit_is_not_loaded() {
    let account = |n: usize| (n as u128).to_be_bytes().to_vec();
    type Edit = fn(&mut v1::DirectoryPinState);
    let edits: [(&str, Edit); 13] = [
        ("nothing pinned", |stored| stored.current = None),
        ("a directory with another signature", |stored| stored.current.as_mut().unwrap().sig[0] ^= 1),
        ("nothing settled", |stored| stored.gap.as_mut().unwrap().settled = None),
        ("settled on what is pinned", |stored| stored.gap.as_mut().unwrap().settled = stored.current.clone()),
        ("a hash of another length", |stored| stored.lost = vec![vec![1; 31]]),
        ("a former key that is the current one", |stored| {
            stored.former_keys = vec![org_key(2).public_key().tagged().to_vec()];
        }),
        ("a former key twice", |stored| stored.former_keys = vec![stored.former_keys[0].clone(); 2]),
        ("a key without its tag", |stored| stored.former_keys[0] = vec![1; 32]),
        ("somebody departed who is listed", |stored| stored.departed = vec![vec![1; 16]]),
        ("somebody departed twice", |stored| stored.departed = vec![vec![2; 16]; 2]),
        ("a loser beside a gap", |stored| stored.loser = stored.current.clone()),
        ("a loser that is not among the lost", |stored| {
            (stored.loser, stored.gap) = (stored.current.clone(), None);
        }),
        ("the pinned directory lost", |stored| {
            stored.lost = vec![crate::primitives::kdf::sha256(&[&stored.current.as_ref().unwrap().body]).to_vec()];
        }),
    ];
    for (name, edit) in edits {
        assert_eq!(edited(&full(), edit), Err(AtRestError::Corrupted), "{name}");
    }
    let bounded = |count, edit: fn(&mut v1::DirectoryPinState, Vec<Vec<u8>>), item: &dyn Fn(usize) -> Vec<u8>| {
        let items = |count| (0..count).map(item).collect();
        assert_eq!(edited(&full(), |stored| edit(stored, items(count + 1))), Err(AtRestError::Corrupted));
        assert_eq!(edited(&full(), |stored| edit(stored, items(count))), Ok(()), "control");
    };
    bounded(ORG_MEMBERS, |stored, items| stored.departed = items, &account);
    bounded(LOST_MANIFESTS, |stored, items| stored.lost = items, &|n| vec![n as u8; 32]);
    let other_key = |n: usize| org_key(n as u8 + 3).public_key().tagged().to_vec();
    bounded(FORMER_ORG_KEYS, |stored, items| stored.former_keys = items, &other_key);
    bounded(OPEN_GAPS, |stored, items| stored.gap.as_mut().unwrap().passed = items, &|n| vec![n as u8; 32]);
    assert_eq!(edited(&full(), |_| ()), Ok(()), "control");
    assert_eq!(edited(&lost(), |stored| stored.lost.clear()), Err(AtRestError::Corrupted));
    assert_eq!(edited(&lost(), |stored| (stored.loser, stored.lost) = (None, Vec::new())), Ok(()), "control");
}
