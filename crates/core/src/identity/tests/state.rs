//! Pins in the store.

use crate::identity::{CorruptPin, Fetched, ManifestPin, PinError, Source};
use crate::testing::{Party, at, ed25519};
use crate::time::DAY_MS;

/// A pin with everything in it: a gap with two jumps, a key that waits, a strength.
fn full() -> ManifestPin {
    let party = Party::new(1);
    let mut chain = vec![party.manifest.clone()];
    for second in 1..6 {
        chain.push(party.next_manifest(chain.last().unwrap(), &[&party], at(second)));
    }
    let mut pin = party.pin().with_suite_rank(1);
    for jump in [2, 4] {
        pin = pin.judge(&chain[jump], Source::Message, at(10)).unwrap().pin;
    }
    match pin.judge_key(&ed25519(9).public_key(), at(11)) {
        Err(PinError::Held(waiting)) => *waiting,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_pin_comes_back_as_it_was_stored() {
    let party = Party::new(1);
    let Err(PinError::IdentityChanged(blocked)) = party.pin().judge_key(&ed25519(9).public_key(), at(1)) else {
        panic!("another key must block");
    };
    let acknowledged = blocked.acknowledge(&ed25519(9).public_key()).unwrap();
    let lost = full().fill_gap(Fetched::Unanswered, at(10).plus(30 * DAY_MS)).pin;
    for pin in [party.pin(), full(), *blocked, acknowledged, lost] {
        assert_eq!(ManifestPin::from_bytes(&pin.to_bytes()), Ok(pin));
    }
}

#[test]
fn no_part_of_a_pin_is_loaded_from_damaged_bytes() {
    let bytes = full().to_bytes();
    for length in 0..bytes.len() {
        assert_eq!(ManifestPin::from_bytes(&bytes[..length]), Err(CorruptPin), "{length} bytes");
    }
    let mut newer = bytes.clone();
    newer[1] = 2;
    assert_eq!(ManifestPin::from_bytes(&newer), Err(CorruptPin), "another version");
    let unknown = [&bytes[..], &[0x78, 0x01]].concat();
    assert_eq!(ManifestPin::from_bytes(&unknown), Err(CorruptPin), "an unknown field");
}
