//! Steps (1), (2) and (5) of B3: form, certificates, suite.

use proptest::prelude::*;

use super::{fetched, judged, rejected};
use crate::identity::{CertificateError, CertificateTimeError, Trust};
use crate::malicious;
use crate::prekey::{
    BundleError, BundleFault, BundleParts, BundleTarget, RecordError, RecordFault, UnverifiedBundle, bundle_hash,
};
use crate::primitives::kdf;
use crate::suite::Suite;
use crate::testing::{Party, Service, at, ed25519};
use crate::time::{DAY_MS, HOUR_MS};
use crate::wire::{WireError, v1};

#[test]
fn t021_a_bundle_with_a_certificate_out_of_its_time_is_rejected() {
    let bob = Party::new(2);
    let invalid = BundleFault::CertificateTime(CertificateTimeError::Invalid);
    let certified = at(0).plus(10 * HOUR_MS);
    let last = certified.plus(23 * HOUR_MS - 1);
    assert!(fetched(&bob, bob.parts(certified), None, last).is_ok(), "control");
    for now in [last.plus(1), certified.minus(HOUR_MS + 1)] {
        assert_eq!(rejected(fetched(&bob, bob.parts(certified), None, now)), invalid);
    }
}

#[test]
fn t022_without_a_usable_revocation_list_only_pinned_accounts_are_met() {
    let bob = Party::new(2);
    let judge = |trust: &Trust, pin, now| {
        let parts = bob.parts(now).encode();
        let target = BundleTarget { pin, ..bob.target() };
        UnverifiedBundle::parse(&parts).unwrap().verify(trust, &target, now)
    };
    let none = Trust { revocations: None, ..Service::new().trust() };
    assert_eq!(rejected(judge(&none, None, at(1))), BundleFault::NoRevocationList);
    let old = Trust {
        revocations: Some(Service::new().revoke(1, |list| list.next_update = at(0).minus(7 * DAY_MS))),
        ..none.clone()
    };
    assert_eq!(rejected(judge(&old, None, at(1))), BundleFault::NoRevocationList);
    assert!(judge(&old, None, at(0)).is_ok(), "control: the last moment");
    assert!(judge(&none, Some(&bob.pin()), at(1)).is_ok(), "control: a pinned account");
}

#[test]
fn t023_a_bundle_certified_by_another_service_is_rejected() {
    let bob = Party::new(2);
    let other = Service::seeded(0x20);
    let foreign = BundleParts {
        device_cert: other.issuer.certify(bob.public(), &other.device_terms(at(1))),
        issuer_cert: other.issuer_cert(),
        ..bob.parts(at(1))
    };
    assert_eq!(rejected(fetched(&bob, foreign, None, at(1))), BundleFault::Certificate(CertificateError::Issuer));
}

#[test]
fn t026_a_bundle_without_a_kem_record_does_not_parse() {
    let bob = Party::new(2);
    type Edit = fn(&mut v1::PrekeyBundle);
    let edits: [Edit; 6] = [
        |b| b.kem = None,
        |b| b.spk = None,
        |b| b.env = None,
        |b| b.manifest = None,
        |b| b.device_cert = None,
        |b| b.issuer_cert = None,
    ];
    for edit in edits {
        let mut bundle = bob.bundle(at(1));
        edit(&mut bundle);
        assert_eq!(rejected(judged(&bob, &bundle, None, at(1))), BundleFault::Wire(WireError::Field));
    }
    let mut bundle = bob.bundle(at(1));
    bundle.opk = None;
    assert!(judged(&bob, &bundle, None, at(1)).unwrap().bundle.opk.is_none(), "control: opk is optional");
}

#[test]
fn t026_an_untagged_kem_key_does_not_parse() {
    let bob = Party::new(2);
    let mut untagged = bob.bundle(at(1));
    let kem = untagged.kem.as_mut().unwrap();
    kem.record.remove(48);
    kem.sig = crate::prekey::sign(&kem.record, bob.device.dsk()).to_vec();
    let malformed = BundleFault::Record(RecordFault::Form(RecordError::Malformed));
    assert_eq!(rejected(judged(&bob, &untagged, None, at(1))), malformed);
}

#[test]
fn t042_a_suite_below_the_pinned_rank_is_a_downgrade() {
    let bob = Party::new(2);
    let pin = bob.pin().with_suite_rank(2);
    let error = fetched(&bob, bob.parts(at(1)), Some(&pin), at(1)).unwrap_err();
    assert_eq!(error, BundleError::DowngradeRejected);
    let overridden = pin.lowered_to(Suite::V1);
    assert!(fetched(&bob, bob.parts(at(1)), Some(&overridden), at(1)).is_ok(), "control: the app's override");
}

#[test]
fn t123_a_bundle_pins_its_suite_and_a_lower_one_later_is_refused() {
    let bob = Party::new(2);
    let first = fetched(&bob, bob.parts(at(1)), Some(&bob.pin()), at(1)).unwrap();
    assert_eq!(first.pin, bob.pin().with_suite_rank(1));
    assert!(fetched(&bob, bob.parts(at(2)), Some(&first.pin), at(2)).is_ok(), "control: the same suite");
    let stronger = first.pin.with_suite_rank(2);
    let error = fetched(&bob, bob.parts(at(2)), Some(&stronger), at(2)).unwrap_err();
    assert_eq!(error, BundleError::DowngradeRejected);
}

#[test]
fn bundles_are_strict_and_bounded() {
    let bob = Party::new(2);
    let mut bytes = bob.parts(at(1)).encode();
    bytes.extend_from_slice(&[0x78, 0x01]);
    assert_eq!(rejected(UnverifiedBundle::parse(&bytes).map(|_| ())), BundleFault::Wire(WireError::NotCanonical));
    let long = vec![0; 65_537];
    assert_eq!(rejected(UnverifiedBundle::parse(&long).map(|_| ())), BundleFault::Wire(WireError::TooLong));
}

#[test]
fn an_unknown_version_is_told_apart() {
    let (bob, service) = (Party::new(2), Service::new());
    let manifest = malicious::manifest(&bob.manifest, &bob.account, |m| m.version = 2);
    let newer = BundleParts { manifest, ..bob.parts(at(1)) };
    assert_eq!(fetched(&bob, newer, None, at(1)).unwrap_err(), BundleError::UnsupportedVersion);
    let terms = service.device_terms(at(1));
    let device_cert = malicious::device_cert(&service, bob.public(), &terms, &ed25519(0xf1), |c| c.version = 2);
    let newer = BundleParts { device_cert, ..bob.parts(at(1)) };
    assert_eq!(fetched(&bob, newer, None, at(1)).unwrap_err(), BundleError::UnsupportedVersion);
    for (offset, byte) in [(1, 2), (3, 2)] {
        let mut bundle = bob.bundle(at(1));
        bundle.kem.as_mut().unwrap().record[offset] = byte;
        assert_eq!(judged(&bob, &bundle, None, at(1)).unwrap_err(), BundleError::UnsupportedVersion);
    }
}

#[test]
fn the_bundle_hash_is_over_keys_and_records() {
    let bob = Party::new(2);
    let with = bob.verified_bundle(at(1));
    let without = bob.verified_exhausted_bundle(at(1));
    assert!(!with.kem_is_last_resort());
    assert!(without.kem_is_last_resort());
    let lp = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
    let keys = [bob.public().aik.tagged(), bob.public().dsk.tagged(), bob.public().ddk.tagged()].concat();
    let expected = |opk: &[u8], kem: &[u8]| {
        let text = [b"\x11carevow/v1/bundle", &keys[..], &lp(bob.spk.record()), &lp(opk), &lp(kem)].concat();
        kdf::sha256(&[&text])
    };
    assert_eq!(with.hash(), expected(bob.opk.record(), bob.kem.record()));
    assert_eq!(without.hash(), expected(&[], bob.last_resort.record()));
    assert_eq!(with.hash(), bundle_hash(bob.public(), bob.spk.record(), Some(bob.opk.record()), bob.kem.record()));
}

#[test]
fn a_bundle_has_the_size_that_the_protocol_says() {
    let bob = Party::new(2);
    let full = bob.parts(at(1)).encode().len();
    assert!((4_000..4_600).contains(&full), "{full}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        prop_assert!(UnverifiedBundle::parse(&bytes).is_err());
    }
}
