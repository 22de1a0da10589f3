//! Contents that come again: T91, T111.

use std::collections::HashMap;

use super::*;
use crate::testing::address;

/// What a store does with an arriving content.
fn arrive(stored: &mut HashMap<DedupeKey, [u8; 32]>, wire: &v1::Content, device: u32, reg: u32) -> Repeat {
    let content = parse(wire).unwrap();
    let key = content.dedupe_key(&address(ALICE, device, reg));
    let outcome = repeat(stored.get(&key), content.digest());
    stored.entry(key).or_insert(*content.digest());
    outcome
}

#[test]
fn t091_one_message_id_from_one_device_is_one_message() {
    let mut stored = HashMap::new();
    let wire = content(text("hello"));
    assert_eq!(arrive(&mut stored, &wire, 1, 5), Repeat::New);
    assert_eq!(arrive(&mut stored, &wire, 1, 5), Repeat::Duplicate);
    // Resent after the device registered again: still the same device and message.
    assert_eq!(arrive(&mut stored, &wire, 1, 6), Repeat::Duplicate);
    assert_eq!(stored.len(), 1);
    let mut other = wire;
    other.message_id[0] ^= 1;
    assert_eq!(arrive(&mut stored, &other, 1, 5), Repeat::New);
}

#[test]
fn t091_one_message_id_from_two_devices_is_two_messages() {
    let mut stored = HashMap::new();
    let wire = content(text("hello"));
    assert_eq!(arrive(&mut stored, &wire, 1, 5), Repeat::New);
    assert_eq!(arrive(&mut stored, &wire, 2, 5), Repeat::New);
    assert_eq!(stored.len(), 2);
    let parsed = parse(&wire).unwrap();
    let keys =
        [address(ALICE, 1, 5), address(ALICE, 2, 5), address(BOB, 1, 5)].map(|sender| parsed.dedupe_key(&sender));
    assert_ne!(keys[0].to_bytes(), keys[1].to_bytes());
    assert_ne!(keys[0].to_bytes(), keys[2].to_bytes());
}

#[test]
fn t111_other_bytes_under_one_message_id_are_a_possible_clone() {
    let mut stored = HashMap::new();
    let wire = content(text("take one tablet"));
    assert_eq!(arrive(&mut stored, &wire, 1, 5), Repeat::New);
    let changes: [fn(&mut v1::Content); 3] = [
        |wire| wire.body = Some(text("take ten tablets")),
        |wire| wire.sent_at_ms += 1,
        |wire| wire.seq += 1,
    ];
    for change in changes {
        let mut other = wire.clone();
        change(&mut other);
        assert_eq!(arrive(&mut stored, &other, 1, 5), Repeat::PossibleClone);
    }
    assert_eq!(arrive(&mut stored, &wire, 1, 5), Repeat::Duplicate);
    assert_eq!(stored.len(), 1);
}
