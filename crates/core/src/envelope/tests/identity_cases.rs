//! Certificates and manifests in envelopes: T21, T23 (envelope half), T79, T81.

use super::fixture::{NOW, World, held, tagged};
use crate::envelope::{Pinned, SealTo, SealedBy, WhyHeld};
use crate::errors::DecryptError::DecryptFailed;
use crate::identity::{JudgedAt, Trust};
use crate::testing::{Party, Service, at, rng};
use crate::time::{DAY_MS, HOUR_MS};

#[test]
fn t079_certificate_of_another_root_fails() {
    let mut world = World::new();
    let foreign = Service::seeded(0x70);
    world.certificates.device = foreign.issuer.certify(world.alice.public(), &foreign.device_terms(at(10)));
    world.certificates.issuer = foreign.issuer_cert();
    let envelope = world.seal(&world.initiated().0);
    assert_eq!(world.tagged(&envelope).map(|_| ()).unwrap_err(), DecryptFailed);
    let trusting = Trust { roots: foreign.roots(), revocations: world.trust().revocations };
    tagged(&envelope, &world.bob, &trusting).unwrap();
}

#[test]
fn t079_revoked_device_fails() {
    let world = World::new();
    let envelope = world.seal(&world.initiated().0);
    let device = world.alice.public().address;
    let list = Service::new().revoke(2, |list| list.devices.push(device));
    let trust = Trust { revocations: Some(list), ..world.trust() };
    assert_eq!(tagged(&envelope, &world.bob, &trust).map(|_| ()).unwrap_err(), DecryptFailed);
    world.tagged(&envelope).unwrap();
}

#[test]
fn t079_certificate_expired_or_future_at_the_server_time_fails() {
    // Certified at 10 s: valid from an hour before for 24 hours.
    let world = World::new();
    let envelope = world.seal(&world.initiated().0);
    let judge = |server| {
        let at = JudgedAt::Received { server, local: server };
        world.judged(&envelope, at, Pinned::Stranger).map(|_| ())
    };
    let (from, until) = (at(10).minus(HOUR_MS), at(10).minus(HOUR_MS).plus(DAY_MS));
    assert_eq!(judge(until).unwrap_err(), DecryptFailed);
    assert_eq!(judge(from.minus(1)).unwrap_err(), DecryptFailed);
    judge(until.minus(1)).unwrap();
}

#[test]
fn t021_local_clock_off_by_hours_holds_the_envelope() {
    let world = World::new();
    let envelope = world.seal(&world.initiated().0);
    let judge = |local| {
        let at = JudgedAt::Received { server: at(10), local };
        world.judged(&envelope, at, Pinned::Stranger)
    };
    assert_eq!(held(judge(at(10).minus(5 * HOUR_MS)).unwrap()), WhyHeld::ClockSkew);
    assert!(matches!(judge(at(10)).unwrap(), crate::envelope::Judged::Delivered(_)));
}

#[test]
fn t021_expired_at_server_time_is_rejected_whatever_the_local_clock_says() {
    let world = World::new();
    let envelope = world.seal(&world.initiated().0);
    let at = JudgedAt::Received { server: at(10).plus(2 * DAY_MS), local: at(10) };
    assert_eq!(world.judged(&envelope, at, Pinned::Stranger).map(|_| ()).unwrap_err(), DecryptFailed);
}

/// The tag alone is wrong: the envelope is rightly encrypted to Bob, by somebody who has Alice's certificate and not her
/// keys. A wrong clock would hold it, if the times were judged first.
#[test]
fn t021_bad_tag_and_wrong_clock_is_not_held() {
    let mut world = World::new();
    let genuine = world.seal(&world.initiated().0);
    let init = world.initiated().0;
    world.alice.device = Party::new(9).device.posing_as(world.alice.public());
    let forged = world.seal(&init);
    let at = JudgedAt::Received { server: at(10), local: at(10).minus(5 * HOUR_MS) };
    assert_eq!(world.judged(&forged, at, Pinned::Stranger).map(|_| ()).unwrap_err(), DecryptFailed);
    assert_eq!(held(world.judged(&genuine, at, Pinned::Stranger).unwrap()), WhyHeld::ClockSkew, "control");
}

#[test]
fn t081_envelope_from_this_very_device_fails() {
    let world = World::new();
    let bundle = world.alice.verified_bundle(at(10));
    let manifest = world.alice.manifest.to_signed();
    let by = SealedBy {
        device: &world.alice.device,
        device_cert: &world.certificates.device,
        issuer_cert: &world.certificates.issuer,
        manifest: &manifest,
    };
    let to = SealTo::new(&bundle.device, &bundle.env, at(10)).unwrap();
    let envelope = by.seal(&world.initiated().0, to, &mut rng(6)).unwrap();
    assert_eq!(tagged(&envelope, &world.alice, &world.trust()).map(|_| ()).unwrap_err(), DecryptFailed);
}

#[test]
fn t081_envelope_from_another_device_of_the_account_is_delivered() {
    let world = World::new();
    let second = Party::device(1, 2, 77);
    let both = world.alice.next_manifest(&world.alice.manifest, &[&world.alice, &second], at(10));
    let bundle = second.verified_bundle(at(10));
    let manifest = both.to_signed();
    let by = SealedBy {
        device: &world.alice.device,
        device_cert: &world.certificates.device,
        issuer_cert: &world.certificates.issuer,
        manifest: &manifest,
    };
    let to = SealTo::new(&bundle.device, &bundle.env, at(10)).unwrap();
    let envelope = by.seal(&world.initiated().0, to, &mut rng(6)).unwrap();
    let opened = tagged(&envelope, &second, &world.trust()).unwrap();
    let pin = world.alice.pin();
    let judged = opened.judge(NOW, &world.trust(), Pinned::Contact(&pin)).unwrap();
    assert!(matches!(judged, crate::envelope::Judged::Delivered(_)));
}

#[test]
fn stranger_without_a_revocation_list_is_held() {
    let world = World::new();
    let envelope = world.seal(&world.initiated().0);
    let trust = Trust { revocations: None, ..world.trust() };
    let judged = tagged(&envelope, &world.bob, &trust).unwrap().judge(NOW, &trust, Pinned::Stranger);
    assert_eq!(held(judged.unwrap()), WhyHeld::RevocationsMissing);
}

#[test]
fn another_identity_key_than_the_pinned_one_is_held() {
    let mut world = World::new();
    let real = world.alice.pin();
    // The service certifies a new key for Alice's account.
    world.alice = Party::keyed(1, 7, 1, 1001);
    world.certificates = world.alice.certificates(at(10));
    let envelope = world.seal(&world.initiated().0);
    let judged = world.judged(&envelope, NOW, Pinned::Contact(&real)).unwrap();
    assert_eq!(held(judged), WhyHeld::IdentityChanged);
}

#[test]
fn device_that_the_manifest_does_not_list_fails() {
    let mut world = World::new();
    let other = Party::device(1, 3, 5);
    world.alice.manifest = other.manifest;
    let envelope = world.seal(&world.initiated().0);
    let judged = world.judged(&envelope, NOW, Pinned::Stranger);
    assert_eq!(judged.map(|_| ()).unwrap_err(), DecryptFailed);
}

#[test]
fn session_envelope_of_a_stranger_fails() {
    let world = World::new();
    let mut pair = crate::ratchet::tests::fixture::established(1);
    let message = pair.alice_says(b"word", 1);
    let envelope = world.seal(&crate::ratchet::Outgoing::Session(message));
    assert_eq!(world.judged(&envelope, NOW, Pinned::Stranger).map(|_| ()).unwrap_err(), DecryptFailed);
    let pin = world.alice.pin();
    assert!(world.judged(&envelope, NOW, Pinned::Contact(&pin)).is_ok());
}

/// A contact cannot raise an alarm about its own account by a manifest under a key that its certificate does not name.
#[test]
fn manifest_under_another_key_than_the_certificate_never_reaches_the_pin() {
    let mut world = World::new();
    let real = world.alice.pin();
    world.alice.manifest = Party::keyed(1, 7, 1, 1001).manifest;
    let envelope = world.seal(&world.initiated().0);
    let judged = world.judged(&envelope, NOW, Pinned::Contact(&real));
    assert_eq!(judged.map(|_| ()).unwrap_err(), DecryptFailed);
}

#[test]
fn forked_manifest_is_refused_with_an_event() {
    let mut world = World::new();
    let real = world.alice.pin();
    let second = Party::device(1, 2, 77);
    // Another manifest for the same place in the chain.
    world.alice.manifest = world.alice.first_manifest(&[&world.alice, &second]);
    let envelope = world.seal(&world.initiated().0);
    let judged = world.judged(&envelope, NOW, Pinned::Contact(&real)).unwrap();
    assert!(matches!(judged, crate::envelope::Judged::Forked));
}
