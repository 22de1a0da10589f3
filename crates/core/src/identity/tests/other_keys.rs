//! Foreign identity keys, shown in turn by whoever has the keys of an issuer: `docs/protocol.md` B2.4 rules 4 and 5.

use super::devices;
use crate::identity::{AccountKey, DeviceKind, ListedDevice, Manifest, ManifestDraft, ManifestPin, PinError, Source};
use crate::primitives::Ed25519PublicKey;
use crate::testing::{Party, account, at, ed25519};
use crate::time::{DAY_MS, HOUR_MS, Timestamp};
use zeroize::Zeroizing;

/// A pin with a gap, which may explain any key.
fn gapped() -> ManifestPin {
    let [one, two, _] = devices();
    let mut chain = vec![one.manifest.clone()];
    for second in 1..3 {
        chain.push(one.next_manifest(chain.last().unwrap(), &[&one, &two], at(second)));
    }
    one.pin().judge(&chain[2], Source::Message, at(10)).unwrap().pin
}

fn foreign(number: u8) -> Ed25519PublicKey {
    ed25519(0x60 + number).public_key()
}

fn held(pin: &ManifestPin, number: u8, now: Timestamp) -> ManifestPin {
    match pin.judge_key(&foreign(number), now) {
        Err(PinError::Held(pin)) => *pin,
        other => panic!("key {number}: {other:?}"),
    }
}

fn changed(pin: &ManifestPin, number: u8, now: Timestamp) -> ManifestPin {
    match pin.judge_key(&foreign(number), now) {
        Err(PinError::IdentityChanged(pin)) => *pin,
        other => panic!("key {number}: {other:?}"),
    }
}

#[test]
fn t124_keys_shown_in_turn_do_not_prolong_the_72_hours() {
    let mut pin = gapped();
    for hour in 0..72 {
        pin = held(&pin, (hour % 4) as u8, at(20).plus(hour * HOUR_MS));
    }
    let end = at(20).plus(72 * HOUR_MS);
    assert_eq!(held(&pin, 0, end.minus(1)), pin, "control: just before");
    let blocked = changed(&pin, 0, end);
    assert_eq!(blocked.blocked_by(), Some(&foreign(0)));
    assert_eq!(held(&blocked, 1, end.plus(HOUR_MS - 1)), blocked, "an hour younger");
    assert_eq!(changed(&blocked, 1, end.plus(HOUR_MS)).blocked_by(), Some(&foreign(1)));
    assert_eq!(ManifestPin::from_bytes(&blocked.to_bytes()), Ok(blocked));
}

#[test]
fn t124_a_fifth_unexplained_key_is_a_change_at_once() {
    let four = (0..4).fold(gapped(), |pin, number| held(&pin, number, at(20)));
    let five = changed(&four, 4, at(20));
    assert_eq!(five.blocked_by(), Some(&foreign(4)));
    assert_eq!(held(&five, 3, at(21)), five, "control: the fourth keeps its place");
    assert_eq!(changed(&five, 4, at(21)), five, "and the fifth is announced once");
}

/// A manifest of account 1 under the key with this seed.
fn manifest(seed: u8) -> Manifest {
    let key = AccountKey::from_seed(account(1), &Zeroizing::new([seed; 32]));
    let devices = vec![ListedDevice::of(&Party::new(1).device, DeviceKind::Mobile, at(0), &key.public_key())];
    Manifest::issue(&key, None, ManifestDraft { devices, next_aik: None }, at(3)).unwrap()
}

#[test]
fn t124_no_other_key_takes_an_acknowledgement_back() {
    let real = manifest(0x66);
    let blocked = match Party::new(1).pin().judge(&real, Source::Message, at(3)) {
        Err(PinError::IdentityChanged(pin)) => *pin,
        other => panic!("{other:?}"),
    };
    let flooded = |pin: &ManifestPin| (10..20).fold(pin.clone(), |pin, number| changed(&pin, number, at(4)));
    let acknowledged = flooded(&blocked.acknowledge(real.aik()).unwrap());
    assert_eq!(acknowledged.blocked_by(), Some(&foreign(19)), "each is an alarm of its own");
    assert_eq!(ManifestPin::from_bytes(&acknowledged.to_bytes()), Ok(acknowledged.clone()));
    assert_eq!(
        acknowledged.judge_key(real.aik(), at(4).plus(400 * DAY_MS)),
        Err(PinError::Held(Box::new(acknowledged.clone())))
    );
    let adopted = acknowledged.judge(&real, Source::Message, at(5)).unwrap();
    assert_eq!(adopted.pin, ManifestPin::first(real.clone()));
    let control = flooded(&blocked).judge(&real, Source::Message, at(5));
    assert!(matches!(control, Err(PinError::IdentityChanged(_))), "control: not acknowledged");
}

#[test]
fn t124_each_of_the_last_four_changed_keys_can_be_acknowledged() {
    let five = (0..5).fold(Party::new(1).pin(), |pin, number| changed(&pin, number, at(4)));
    let acknowledged = |number| five.acknowledge(&foreign(number)).is_some();
    assert_eq!([0, 1, 2, 3, 4].map(acknowledged), [false, true, true, true, true]);
    let again = changed(&five, 0, at(5));
    assert!(again.acknowledge(&foreign(0)).is_some(), "the oldest is announced again when it is seen again");
    let one = five.acknowledge(&foreign(2)).unwrap();
    let other = one.acknowledge(&foreign(3)).unwrap();
    let waits = |pin: &ManifestPin, number| matches!(pin.judge_key(&foreign(number), at(6)), Err(PinError::Held(_)));
    assert_eq!((waits(&one, 2), waits(&other, 2), waits(&other, 3)), (true, false, true), "one at most");
}

#[test]
fn t124_a_key_that_nothing_can_explain_any_more_waits_no_longer() {
    let [one, two, _] = devices();
    let mut chain = vec![one.manifest.clone()];
    for second in 1..4 {
        chain.push(one.next_manifest(chain.last().unwrap(), &[&one, &two], at(second)));
    }
    let waiting = held(&gapped(), 0, at(20));
    let closed = waiting.fill_gap(crate::identity::Fetched::Answered(&chain[1..2]), at(21)).pin;
    assert_eq!(closed.missing(), None);
    assert_eq!(changed(&closed, 0, at(22)).blocked_by(), Some(&foreign(0)));
    assert_eq!(held(&waiting, 0, at(22)), waiting, "control: the gap is open");
}
