//! When prekeys are made, replaced and deleted.

use crate::prekey::{HeldPrekey, KeyId, PrekeyPlan, RecordType, Rotation, Standing, plan, refill, refill_at};
use crate::testing::{Broken, at, rng};
use crate::time::{DAY_MS, HOUR_MS};

fn held(record_type: RecordType, key_id: u32) -> HeldPrekey {
    HeldPrekey {
        record_type,
        key_id: KeyId(key_id),
        not_before: at(0),
        not_after: at(0).plus(record_type.life_ms()),
        standing: Standing::InUse,
    }
}

/// What a device has after its first day.
fn fresh() -> [HeldPrekey; 5] {
    [
        held(RecordType::Signed, 1),
        held(RecordType::OneTime, 2),
        held(RecordType::OneTimeKem, 3),
        held(RecordType::LastResortKem, 4),
        held(RecordType::Envelope, 5),
    ]
}

const ROTATING: [RecordType; 3] = [RecordType::Signed, RecordType::LastResortKem, RecordType::Envelope];

#[test]
fn a_new_device_makes_one_of_each_and_then_nothing_for_seven_days() {
    assert_eq!(plan(&[], Rotation::Ordinary, at(0)).replace, ROTATING);
    assert_eq!(plan(&fresh(), Rotation::Ordinary, at(0).plus(7 * DAY_MS - 1)), PrekeyPlan::default());
    assert_eq!(plan(&fresh(), Rotation::Ordinary, at(0).plus(7 * DAY_MS)).replace, ROTATING[..2]);
    assert_eq!(plan(&fresh(), Rotation::Ordinary, at(0).plus(30 * DAY_MS)).replace, ROTATING);
}

#[test]
fn a_replaced_key_is_deleted_thirty_days_after_the_directory_confirmed() {
    let replaced = held(RecordType::Signed, 1).replaced(Rotation::Ordinary, at(500));
    let new = HeldPrekey { not_before: at(500), ..held(RecordType::Signed, 9) };
    let due = |ms| plan(&[replaced, new], Rotation::Ordinary, at(500).plus(ms)).delete;
    assert_eq!(due(30 * DAY_MS - 1), []);
    assert_eq!(due(30 * DAY_MS), [(RecordType::Signed, KeyId(1))]);
    let unconfirmed = plan(&fresh(), Rotation::Ordinary, at(0).plus(80 * DAY_MS)).delete;
    assert_eq!(unconfirmed, [], "what nothing has replaced stays");
}

#[test]
fn one_time_keys_are_deleted_thirty_days_after_they_ran_out() {
    let due = |days: u64| plan(&fresh(), Rotation::Ordinary, at(0).plus(days * DAY_MS)).delete;
    assert_eq!(due(119), []);
    assert_eq!(due(120), [(RecordType::OneTime, KeyId(2)), (RecordType::OneTimeKem, KeyId(3))]);
}

#[test]
fn a_full_seen_set_replaces_both_at_once_and_deletes_on_confirmation() {
    let now = at(0).plus(HOUR_MS);
    assert_eq!(plan(&fresh(), Rotation::SeenSetFull, now).replace, ROTATING[..2]);
    assert_eq!(plan(&fresh(), Rotation::Ordinary, now).replace, [], "control");
    let replaced = held(RecordType::LastResortKem, 4).replaced(Rotation::SeenSetFull, now);
    let confirmed = plan(&[replaced], Rotation::Ordinary, now).delete;
    assert_eq!(confirmed, [(RecordType::LastResortKem, KeyId(4))]);
}

#[test]
fn one_time_records_are_refilled_below_25_in_whole_batches() {
    let cases = [(0, 100, 50), (24, 75, 25), (25, 0, 0), (100, 0, 0)];
    for (left, keys, kems) in cases {
        assert_eq!(refill(RecordType::OneTime, left), keys, "{left} left");
        assert_eq!(refill(RecordType::OneTimeKem, left), kems, "{left} left");
    }
    assert_eq!(refill(RecordType::LastResortKem, 0), 0);
}

#[test]
fn a_refill_goes_out_within_six_hours_and_not_without_randomness() {
    for seed in 0..50 {
        let time = refill_at(at(0), &mut rng(seed)).unwrap();
        assert!((at(0)..=at(0).plus(6 * HOUR_MS)).contains(&time));
    }
    assert!(refill_at(at(0), &mut Broken).is_err());
    assert!(KeyId::random(&mut Broken).is_err());
    assert_ne!(KeyId::random(&mut rng(1)).unwrap(), KeyId::random(&mut rng(2)).unwrap());
}

#[test]
fn keys_that_a_wrong_clock_dated_ahead_are_replaced() {
    let early = |ms| fresh().map(|prekey| HeldPrekey { not_before: at(0).plus(ms), ..prekey });
    for rotation in [Rotation::Ordinary, Rotation::SeenSetFull] {
        let far = plan(&early(365 * DAY_MS), rotation, at(0));
        assert_eq!((far.replace, far.delete), (ROTATING.to_vec(), vec![]));
    }
    assert_eq!(plan(&early(5 * 60_000 + 1), Rotation::Ordinary, at(0)).replace, ROTATING);
    assert_eq!(plan(&early(5 * 60_000), Rotation::Ordinary, at(0)).replace, [], "control");
}

#[test]
fn t040_at_the_cap_keys_that_were_replaced_before_go_too() {
    let types = [RecordType::Signed, RecordType::LastResortKem, RecordType::Envelope];
    let replaced = types.map(|record_type| held(record_type, 7).replaced(Rotation::Ordinary, at(0)));
    let now = at(0).plus(DAY_MS);
    let at_cap = plan(&replaced, Rotation::SeenSetFull, now).delete;
    assert_eq!(at_cap, [(RecordType::Signed, KeyId(7)), (RecordType::LastResortKem, KeyId(7))]);
    assert_eq!(plan(&replaced, Rotation::Ordinary, now).delete, [], "control");
}
