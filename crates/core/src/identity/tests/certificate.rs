//! Certificates of devices: `docs/protocol.md` B2.

use crate::identity::{
    Assurance, CertificateError, CertificateTimeError, DeviceTerms, IssuerKey, JudgedAt, SignedCertificate, Trust,
    TrustRoots, TrustRootsError, UnverifiedCertificates,
};
use crate::ids::OrgId;
use crate::malicious;
use crate::testing::{Certificates, Party, Service, at, ed25519};
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, Timestamp, Validity};
use crate::wire::{WireError, v1};

/// The seeds of the service of all tests.
const ROOT: u8 = 0xf0;
const ISSUER: u8 = 0xf1;

fn signed(certificates: &Certificates, trust: &Trust) -> Result<SignedCertificate, CertificateError> {
    UnverifiedCertificates::parse(&certificates.device, &certificates.issuer)?.verify_signatures(trust)
}

/// A certificate of party 1 that is valid from `at(0)` for 24 h.
fn certificate() -> SignedCertificate {
    signed(&Party::new(1).certificates(at(0).plus(HOUR_MS)), &Service::new().trust()).unwrap()
}

fn judged(server: Timestamp, local: Timestamp) -> Result<(), CertificateTimeError> {
    certificate().check_times(JudgedAt::Received { server, local }).map(|_| ())
}

#[test]
fn t021_expired_by_one_millisecond_or_not_yet_valid_is_rejected() {
    let (first, last) = (at(0), at(0).plus(DAY_MS - 1));
    for good in [first, last] {
        assert!(certificate().check_times(JudgedAt::Local(good)).is_ok(), "control");
        assert_eq!(judged(good, good), Ok(()), "control");
    }
    for bad in [first.minus(1), last.plus(1)] {
        let error = certificate().check_times(JudgedAt::Local(bad)).unwrap_err();
        assert_eq!(error, CertificateTimeError::Invalid);
        assert_eq!(judged(bad, bad), Err(CertificateTimeError::Invalid));
    }
}

#[test]
fn t021_a_longer_life_than_the_issuer_allows_is_rejected() {
    let party = Party::new(1);
    let judge = |max_leaf_ms: u32, life_ms: u64| {
        let mut service = Service::new();
        service.terms.max_leaf_ms = max_leaf_ms;
        let terms = DeviceTerms { validity: Validity::starting(at(0), life_ms), ..service.device_terms(at(0)) };
        let device = service.issuer.certify(party.public(), &terms);
        signed(&Certificates { device, issuer: service.issuer_cert() }, &service.trust()).map(|_| ())
    };
    let hour = 3_600_000;
    assert_eq!(judge(hour, HOUR_MS), Ok(()), "control");
    assert_eq!(judge(hour, HOUR_MS + 1), Err(CertificateError::Lifetime));
    assert_eq!(judge(hour, 0), Err(CertificateError::Lifetime));
    assert_eq!(judge(u32::MAX, DAY_MS), Ok(()), "control: above 24 h counts as 24 h");
    assert_eq!(judge(u32::MAX, DAY_MS + 1), Err(CertificateError::Lifetime));
}

#[test]
fn t021_an_issuer_of_more_than_a_year_is_rejected() {
    let party = Party::new(1);
    let judge = |days: u64, more_ms: u64| {
        let mut service = Service::new();
        service.terms.validity = Validity::starting(at(0), days * DAY_MS + more_ms);
        let device = service.issuer.certify(party.public(), &service.device_terms(at(0)));
        signed(&Certificates { device, issuer: service.issuer_cert() }, &service.trust()).map(|_| ())
    };
    assert_eq!(judge(366, 0), Ok(()), "control");
    assert_eq!(judge(366, 1), Err(CertificateError::Lifetime));
}

#[test]
fn t021_valid_at_the_server_time_with_a_wrong_local_clock_is_clock_skew() {
    let server = at(0).plus(12 * HOUR_MS);
    // The clock is behind: the server time is clamped to five minutes ahead of it, before `not_before`.
    assert_eq!(judged(server, at(0).minus(6 * MINUTE_MS)), Err(CertificateTimeError::ClockSkew));
    assert_eq!(judged(server, at(0).minus(5 * MINUTE_MS)), Ok(()), "five minutes are within the clamp");
    // The clock is more than 30 days ahead: clamped to 30 days behind it, after `not_after`.
    assert_eq!(judged(server, at(0).plus(31 * DAY_MS)), Err(CertificateTimeError::ClockSkew));
    assert_eq!(judged(server, at(0).plus(31 * DAY_MS - 1)), Ok(()));
    assert_eq!(judged(server, server), Ok(()), "judged again when the clock is right");
}

#[test]
fn t021_expired_at_the_server_time_is_rejected_on_a_slow_local_clock() {
    let slow = at(0).plus(23 * HOUR_MS);
    for server in [at(0).plus(DAY_MS), at(0).plus(40 * DAY_MS)] {
        assert_eq!(judged(server, slow), Err(CertificateTimeError::Invalid));
    }
    assert_eq!(judged(at(0).minus(40 * DAY_MS), at(0).plus(30 * DAY_MS)), Err(CertificateTimeError::Invalid));
    assert_eq!(judged(slow, slow), Ok(()), "control");
}

#[test]
fn t022_an_expired_issuer_is_rejected() {
    let party = Party::new(1);
    let mut service = Service::new();
    service.terms.validity = Validity::starting(at(0).minus(10 * DAY_MS), 10 * DAY_MS);
    let device = service.issuer.certify(party.public(), &service.device_terms(at(0)));
    let certificate = signed(&Certificates { device, issuer: service.issuer_cert() }, &service.trust()).unwrap();
    let judge = |time| certificate.check_times(JudgedAt::Local(time)).map(|_| ());
    assert_eq!(judge(at(0)), Err(CertificateTimeError::Invalid));
    assert_eq!(judge(at(0).minus(1)), Ok(()), "control: the device's own certificate is still valid");
}

#[test]
fn t023_an_unlisted_root_is_rejected_and_the_second_of_three_accepted() {
    let certificates = Party::new(1).certificates(at(0));
    let root = Service::new().root.public_key();
    let others = [1, 2, 3, 4].map(|seed| ed25519(seed).public_key());
    let judge = |keys: &[_]| {
        let trust = Trust { roots: TrustRoots::new(keys).unwrap(), revocations: None };
        signed(&certificates, &trust).map(|_| ())
    };
    assert_eq!(judge(&others), Err(CertificateError::Issuer));
    assert_eq!(judge(&[others[0], root, others[1]]), Ok(()));
    assert_eq!(judge(&[others[0], others[1], others[2], root]), Ok(()));
    assert_eq!(TrustRoots::new(&[]).unwrap_err(), TrustRootsError);
    assert_eq!(TrustRoots::new(&[root; 5]).unwrap_err(), TrustRootsError);
}

#[test]
fn a_certificate_of_another_issuer_is_rejected() {
    let (party, service) = (Party::new(1), Service::new());
    let terms = service.device_terms(at(0));
    let judge = |device: v1::Signed| {
        signed(&Certificates { device, issuer: service.issuer_cert() }, &service.trust()).map(|_| ())
    };
    let stranger = IssuerKey::from_seed(&zeroize::Zeroizing::new([9; 32]));
    assert_eq!(judge(stranger.certify(party.public(), &terms)), Err(CertificateError::Signature));
    let renamed = DeviceTerms { issuer_id: 8, ..terms };
    assert_eq!(judge(service.issuer.certify(party.public(), &renamed)), Err(CertificateError::Signature));
    assert_eq!(judge(service.issuer.certify(party.public(), &terms)), Ok(()), "control");
}

#[test]
fn a_device_cannot_issue_and_an_issuer_cannot_make_issuers() {
    let (party, service) = (Party::new(1), Service::new());
    let Certificates { device, .. } = party.certificates(at(0));
    // The issuer signs an issuer's certificate for a key of its own: it is no root.
    let made = malicious::issuer_cert(&service, &ed25519(ISSUER), |_| ());
    let certificates = Certificates { device: device.clone(), issuer: made };
    assert_eq!(signed(&certificates, &service.trust()).unwrap_err(), CertificateError::Issuer);
    let rooted = malicious::issuer_cert(&service, &ed25519(ROOT), |_| ());
    assert!(signed(&Certificates { device, issuer: rooted }, &service.trust()).is_ok(), "control");
}

#[test]
fn fields_of_a_wrong_form_are_rejected_before_any_signature() {
    type Edit = fn(&mut v1::DeviceCert);
    let (party, service) = (Party::new(1), Service::new());
    let terms = service.device_terms(at(0));
    let cases: [(Edit, WireError); 6] = [
        (|c| c.version = 0, WireError::UnsupportedVersion),
        (|c| c.serial.push(1), WireError::Field),
        (|c| c.org_id = vec![1; 15], WireError::Field),
        (|c| c.reg_nonce = 0, WireError::Field),
        (|c| c.dsk[0] = 2, WireError::Field),
        (|c| c.ext.push(v1::Ext { id: 1, critical: true, data: vec![] }), WireError::Extension),
    ];
    for (index, (edit, error)) in cases.into_iter().enumerate() {
        let device = malicious::device_cert(&service, party.public(), &terms, &ed25519(ISSUER), edit);
        let parsed = UnverifiedCertificates::parse(&device, &service.issuer_cert()).map(|_| ());
        assert_eq!(parsed.unwrap_err(), CertificateError::Wire(error), "case {index}");
    }
}

#[test]
fn organization_and_assurance_inform() {
    let (party, service) = (Party::new(1), Service::new());
    let org = OrgId::from_bytes([3; 16]);
    let terms = DeviceTerms { org: Some(org), assurance: Assurance::Proofed, ..service.device_terms(at(0)) };
    let device = service.issuer.certify(party.public(), &terms);
    let signed = signed(&Certificates { device, issuer: service.issuer_cert() }, &service.trust()).unwrap();
    assert_eq!(signed.device(), party.public());
    let certificate = signed.check_times(JudgedAt::Local(at(0))).unwrap();
    assert_eq!((certificate.org, certificate.assurance), (Some(org), Assurance::Proofed));
    assert_eq!((certificate.serial, certificate.validity), (terms.serial, terms.validity));
    assert_eq!(format!("{certificate:?}"), "DeviceCertificate(..)");
}
