//! Step (4) of B3.

use super::fetched;
use crate::ids::{DeviceId, RegNonce};
use crate::malicious;
use crate::prekey::{
    BundleError, BundleFault, BundleParts, PrekeyRecord, RecordError, RecordFault, RecordType, verify_envelope_record,
};
use crate::testing::{Party, account, at};
use crate::time::{DAY_MS, MINUTE_MS, Timestamp};
use crate::wire::v1;

fn record_fault(party: &Party, parts: BundleParts, now: Timestamp) -> RecordFault {
    match fetched(party, parts, None, now).unwrap_err() {
        BundleError::Rejected(BundleFault::Record(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn t025_a_record_in_the_slot_of_another_type_is_rejected() {
    let bob = Party::new(2);
    let parts = bob.parts(at(1));
    let (spk, opk) = (parts.spk.clone(), parts.opk.clone().unwrap());
    let (kem, env) = (parts.kem.clone(), parts.env.clone());
    let swaps = [
        BundleParts { kem: spk.clone(), ..parts.clone() },
        BundleParts { spk: opk.clone(), ..parts.clone() },
        BundleParts { opk: Some(spk), ..parts.clone() },
        BundleParts { opk: Some(kem.clone()), ..parts.clone() },
        BundleParts { env: kem, ..parts.clone() },
        BundleParts { kem: env.clone(), ..parts.clone() },
        BundleParts { spk: env, ..parts.clone() },
        BundleParts { kem: opk, ..parts.clone() },
    ];
    for (index, swap) in swaps.into_iter().enumerate() {
        assert_eq!(record_fault(&bob, swap, at(1)), RecordFault::Slot, "swap {index}");
    }
    assert!(fetched(&bob, parts, None, at(1)).is_ok(), "control");
}

#[test]
fn t025_a_one_time_kem_record_cannot_pass_as_last_resort_or_the_reverse() {
    let bob = Party::new(2);
    for (kem, byte) in [(&bob.kem, 0x24), (&bob.last_resort, 0x23)] {
        let mut signed = kem.signed(&bob.device);
        signed.record[0] = byte;
        let renamed = BundleParts { kem: signed, ..bob.parts(at(1)) };
        assert_eq!(record_fault(&bob, renamed, at(1)), RecordFault::Signature);
    }
    assert!(fetched(&bob, bob.exhausted_parts(at(1)), None, at(1)).is_ok(), "control: 0x24 as it is signed");
}

#[test]
fn t025_a_record_of_another_device_or_an_older_registration_is_rejected() {
    let (bob, other) = (Party::device(2, 1, 12), Party::device(2, 2, 12));
    let foreign = BundleParts { spk: other.spk.signed(&other.device), ..bob.parts(at(1)) };
    assert_eq!(record_fault(&bob, foreign, at(1)), RecordFault::Signature);
    type Edit = fn(&mut PrekeyRecord);
    let edits: [Edit; 3] = [
        |record| record.address.reg = RegNonce::new(11).unwrap(),
        |record| record.address.device = DeviceId::new(2).unwrap(),
        |record| record.address.account = account(3),
    ];
    for edit in edits {
        let record = malicious::record(&bob.parts(at(1)).kem, &bob.device, edit);
        let moved = BundleParts { kem: record, ..bob.parts(at(1)) };
        assert_eq!(record_fault(&bob, moved, at(1)), RecordFault::OtherDevice);
    }
    let same = malicious::record(&bob.parts(at(1)).kem, &bob.device, |_| ());
    assert!(fetched(&bob, BundleParts { kem: same, ..bob.parts(at(1)) }, None, at(1)).is_ok(), "control");
}

#[test]
fn t025_an_expired_record_is_rejected_and_one_from_a_fast_clock_accepted() {
    let bob = Party::new(2);
    let now = at(1_000);
    let judge = |edit: fn(&mut PrekeyRecord)| {
        let spk = malicious::record(&bob.parts(now).spk, &bob.device, edit);
        fetched(&bob, BundleParts { spk, ..bob.parts(now) }, None, now).map(|_| ())
    };
    let expired = Err(BundleFault::Record(RecordFault::Expired).into());
    assert_eq!(judge(|record| record.not_after = at(1_000)), expired);
    assert_eq!(judge(|record| record.not_after = at(1_000).plus(1)), Ok(()), "control");
    assert_eq!(judge(|record| record.not_before = at(1_000).plus(5 * MINUTE_MS + 1)), expired);
    assert_eq!(judge(|record| record.not_before = at(1_000).plus(5 * MINUTE_MS)), Ok(()), "control");
}

#[test]
fn t025_a_longer_life_than_the_type_allows_is_rejected() {
    type Edit<'a> = &'a dyn Fn(&v1::SignedRecord) -> v1::SignedRecord;
    type Slot = fn(&mut BundleParts, Edit<'_>);
    let bob = Party::new(2);
    let judge = |slot: Slot, days: u64, more_ms: u64| {
        let edited = |signed: &v1::SignedRecord| {
            malicious::record(signed, &bob.device, |record| {
                record.not_after = record.not_before.plus(days * DAY_MS + more_ms);
            })
        };
        let mut parts = bob.parts(at(1));
        slot(&mut parts, &edited);
        fetched(&bob, parts, None, at(1)).map(|_| ())
    };
    let slots: [(Slot, u64); 4] = [
        (|parts, edit| parts.spk = edit(&parts.spk), 30),
        (|parts, edit| parts.opk = parts.opk.as_ref().map(edit), 90),
        (|parts, edit| parts.kem = edit(&parts.kem), 90),
        (|parts, edit| parts.env = edit(&parts.env), 60),
    ];
    for (slot, days) in slots {
        assert_eq!(judge(slot, days, 0), Ok(()), "control: {days} days");
        assert_eq!(judge(slot, days, 1), Err(BundleFault::Record(RecordFault::Lifetime).into()), "{days} days");
    }
}

#[test]
fn t025_a_last_resort_record_lives_30_days_and_not_90() {
    let bob = Party::new(2);
    let kem = malicious::record(&bob.last_resort.signed(&bob.device), &bob.device, |record| {
        record.not_after = record.not_before.plus(30 * DAY_MS + 1);
    });
    let long = BundleParts { kem, ..bob.exhausted_parts(at(1)) };
    assert_eq!(record_fault(&bob, long, at(1)), RecordFault::Lifetime);
}

#[test]
fn a_record_that_another_key_signed_or_that_is_cut_off_is_rejected() {
    let (bob, mallory) = (Party::new(2), Party::new(3));
    let spk = malicious::record(&bob.parts(at(1)).spk, &mallory.device, |_| ());
    let forged = BundleParts { spk, ..bob.parts(at(1)) };
    assert_eq!(record_fault(&bob, forged, at(1)), RecordFault::Signature);
    for length in [0, 1, 47, 48, 80] {
        let spk = malicious::truncated(&bob.parts(at(1)).spk, &bob.device, length);
        let cut = BundleParts { spk, ..bob.parts(at(1)) };
        assert_eq!(record_fault(&bob, cut, at(1)), RecordFault::Form(RecordError::Malformed), "{length} bytes");
    }
}

#[test]
fn an_x25519_record_of_small_order_is_rejected() {
    let bob = Party::new(2);
    let mut spk = bob.parts(at(1)).spk;
    spk.record[49..].fill(0);
    spk.sig = crate::prekey::sign(&spk.record, bob.device.dsk()).to_vec();
    let low = BundleParts { spk, ..bob.parts(at(1)) };
    assert_eq!(record_fault(&bob, low, at(1)), RecordFault::Form(RecordError::LowOrder));
}

#[test]
fn an_envelope_record_alone_is_checked_as_in_a_bundle() {
    let bob = Party::new(2);
    let signed = bob.env.signed(&bob.device);
    let record = verify_envelope_record(&signed, bob.public(), at(1)).unwrap();
    assert_eq!((record.record_type, record.key_id), (RecordType::Envelope, bob.env.key_id()));
    assert_eq!(&*record.record, bob.env.record());
    let fault = |signed: &v1::SignedRecord, now| verify_envelope_record(signed, bob.public(), now).unwrap_err();
    let expected = |fault| BundleError::from(BundleFault::Record(fault));
    assert_eq!(fault(&bob.spk.signed(&bob.device), at(1)), expected(RecordFault::Slot));
    assert_eq!(fault(&signed, at(0).plus(60 * DAY_MS)), expected(RecordFault::Expired));
    let other = verify_envelope_record(&signed, Party::new(3).public(), at(1)).unwrap_err();
    assert_eq!(other, expected(RecordFault::Signature));
}
