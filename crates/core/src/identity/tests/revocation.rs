//! Revocation lists: `docs/protocol.md` B2.

use crate::identity::{CertificateError, RevocationError, RevocationList, Revocations, Trust, UnverifiedCertificates};
use crate::ids::Serial;
use crate::testing::{Party, Service, address, at};
use crate::time::DAY_MS;

fn judged(fill: impl FnOnce(&mut Revocations)) -> Result<(), CertificateError> {
    let service = Service::new();
    let certificates = Party::new(1).certificates(at(0));
    let trust = Trust { revocations: Some(service.revoke(2, fill)), ..service.trust() };
    UnverifiedCertificates::parse(&certificates.device, &certificates.issuer)?.verify_signatures(&trust).map(|_| ())
}

#[test]
fn t022_a_revoked_issuer_is_rejected() {
    assert_eq!(judged(|list| list.issuers.extend([3, 7])), Err(CertificateError::Revoked));
    assert_eq!(judged(|list| list.issuers.extend([3, 8])), Ok(()), "control");
}

#[test]
fn t022_a_revoked_serial_is_rejected() {
    let serial = |byte| Serial::from_bytes([byte; 16]);
    assert_eq!(judged(|list| list.serials.extend([serial(1), serial(0x5e)])), Err(CertificateError::Revoked));
    assert_eq!(judged(|list| list.serials.push(serial(1))), Ok(()), "control");
}

#[test]
fn t022_a_revoked_device_is_rejected() {
    let device = Party::new(1).public().address;
    assert_eq!(judged(|list| list.devices.push(device)), Err(CertificateError::Revoked));
    for other in [address(2, 1, 1001), address(1, 2, 1001), address(1, 1, 1002)] {
        assert_eq!(judged(|list| list.devices.push(other)), Ok(()), "control");
    }
}

#[test]
fn t022_a_list_with_a_lower_seq_than_pinned_is_rejected() {
    let service = Service::new();
    let pinned = service.revoke(5, |_| ());
    let verify = |signed| RevocationList::verify(&signed, &service.roots(), Some(&pinned));
    assert_eq!(verify(service.revocation_list(4, |_| ())).unwrap_err(), RevocationError::Rollback);
    assert_eq!(verify(service.revocation_list(6, |_| ())).unwrap().seq(), 6, "control");
}

#[test]
fn t022_two_lists_of_one_seq_are_a_fork() {
    let service = Service::new();
    let pinned = service.revoke(5, |_| ());
    let verify = |signed| RevocationList::verify(&signed, &service.roots(), Some(&pinned));
    let other = service.revocation_list(5, |list| list.issuers.push(1));
    assert_eq!(verify(other).unwrap_err(), RevocationError::Fork);
    assert_eq!(verify(service.revocation_list(5, |_| ())).unwrap(), pinned, "control: the same bytes");
}

#[test]
fn a_list_is_signed_by_a_root_and_not_by_another_service_or_an_issuer() {
    let (service, other) = (Service::new(), Service::seeded(0x20));
    let verify = |signed| RevocationList::verify(&signed, &service.roots(), None);
    assert_eq!(verify(other.revocation_list(9, |_| ())).unwrap_err(), RevocationError::Signature);
    assert!(verify(service.revocation_list(9, |_| ())).is_ok(), "control");
}

#[test]
fn a_list_is_used_until_seven_days_past_its_next_update() {
    let list = Service::new().revoke(1, |list| list.next_update = at(0));
    assert!(list.is_usable(at(0).plus(7 * DAY_MS)));
    assert!(!list.is_usable(at(0).plus(7 * DAY_MS + 1)));
    let trust = Trust { revocations: None, ..Service::new().trust() };
    assert!(!trust.may_meet_strangers(at(0)));
}
