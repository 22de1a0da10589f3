//! Step (3) of B3: the manifest, the pin, the device entry.

use zeroize::Zeroizing;

use super::{fetched, rejected};
use crate::identity::Fetched;
use crate::identity::{
    AccountKey, DeviceKind, IdentityEvent, ListedDevice, LocalDevice, Manifest, ManifestDraft, ManifestError,
    ManifestPin,
};
use crate::labels::Label;
use crate::malicious;
use crate::prekey::{BundleError, BundleFault, BundleParts, SignedPrekey};
use crate::primitives::PublicKey as _;
use crate::testing::{Party, Service, account, address, at, ed25519, rng};
use crate::time::DAY_MS;
use crate::wire::v1;

#[test]
fn t003_a_device_key_of_small_order_is_rejected() {
    let (bob, service) = (Party::new(2), Service::new());
    let aik = bob.public().aik.tagged();
    let with = |ddk: &[u8]| {
        let claim = [&bob.public().address.to_bytes()[..], &aik, ddk].concat();
        let pop = bob.device.dsk().sign(Label::DevicePop, &[&claim]).to_vec();
        let manifest = malicious::manifest(&bob.manifest, &bob.account, |m| {
            m.devices[0].ddk = ddk.to_vec();
            m.devices[0].pop = pop;
        });
        let terms = service.device_terms(at(1));
        let edit = |c: &mut v1::DeviceCert| c.ddk = ddk.to_vec();
        let device_cert = malicious::device_cert(&service, bob.public(), &terms, &ed25519(0xf1), edit);
        fetched(&bob, BundleParts { manifest, device_cert, ..bob.parts(at(1)) }, None, at(1))
    };
    for byte in [0, 1] {
        let mut low = [0; 33];
        (low[0], low[1]) = (0x02, byte);
        assert_eq!(rejected(with(&low)), BundleFault::LowOrder);
    }
    assert!(with(&bob.public().ddk.tagged()).is_ok(), "control");
}

#[test]
fn t013_a_bundle_whose_manifest_another_key_signed_is_rejected() {
    let (bob, mallory) = (Party::new(2), Party::new(3));
    let manifest = malicious::manifest(&bob.manifest, &mallory.account, |_| ());
    let forged = BundleParts { manifest, ..bob.parts(at(1)) };
    assert_eq!(rejected(fetched(&bob, forged, None, at(1))), BundleFault::Manifest(ManifestError::Signature));
    assert_eq!(fetched(&bob, bob.parts(at(1)), None, at(1)).unwrap().bundle.device, *bob.public(), "control");
}

#[test]
fn t013_a_bundle_whose_manifest_is_under_a_key_of_the_server_is_rejected() {
    let bob = Party::new(2);
    let key = AccountKey::from_seed(account(2), &Zeroizing::new([0x99; 32]));
    let listed = ListedDevice::of(&bob.device, DeviceKind::Mobile, at(0), &key.public_key());
    let draft = ManifestDraft { devices: vec![listed], next_aik: None };
    let manifest = Manifest::issue(&key, None, draft, at(0)).unwrap().to_signed();
    let forged = BundleParts { manifest, ..bob.parts(at(1)) };
    for pin in [None, Some(&bob.pin())] {
        let fault = rejected(fetched(&bob, forged.clone(), pin, at(1)));
        assert_eq!(fault, BundleFault::OtherIdentity, "and no alarm that anybody could raise");
    }
    assert!(fetched(&bob, bob.parts(at(1)), Some(&bob.pin()), at(1)).is_ok(), "control");
}

#[test]
fn t014_a_bundle_with_an_older_manifest_is_a_rollback() {
    let bob = Party::new(2);
    let second = bob.next_manifest(&bob.manifest, &[&bob], at(1));
    let pin = ManifestPin::first(second.clone());
    assert_eq!(fetched(&bob, bob.parts(at(2)), Some(&pin), at(2)).unwrap_err(), BundleError::Rollback);
    let newest = BundleParts { manifest: second.to_signed(), ..bob.parts(at(2)) };
    assert_eq!(fetched(&bob, newest, Some(&bob.pin()), at(2)).unwrap().pin.current(), &second, "control");
}

#[test]
fn t016_a_bundle_with_another_manifest_of_one_seq_is_rejected_as_a_fork() {
    let bob = Party::new(2);
    let manifest = malicious::manifest(&bob.manifest, &bob.account, |m| m.expires_at_ms -= 1);
    let forked = BundleParts { manifest, ..bob.parts(at(1)) };
    assert_eq!(rejected(fetched(&bob, forked.clone(), Some(&bob.pin()), at(1))), BundleFault::ManifestFork);
    assert!(fetched(&bob, forked, None, at(1)).is_ok(), "control: who has not met the account cannot know");
}

#[test]
fn t017_a_bundle_of_a_device_without_a_valid_proof_is_rejected() {
    let (bob, other) = (Party::device(2, 1, 11), Party::device(2, 2, 22));
    let proof = other.listed().to_entry().pop;
    let manifest = malicious::manifest(&bob.manifest, &bob.account, |m| m.devices[0].pop = proof);
    let forged = BundleParts { manifest, ..bob.parts(at(1)) };
    assert_eq!(rejected(fetched(&bob, forged, None, at(1))), BundleFault::Manifest(ManifestError::ProofOfPossession));
}

#[test]
fn t018_a_certificate_for_one_account_with_the_manifest_of_another_is_rejected() {
    let (bob, mallory) = (Party::new(2), Party::new(3));
    let swapped = BundleParts { manifest: mallory.manifest.to_signed(), ..bob.parts(at(1)) };
    assert_eq!(rejected(fetched(&bob, swapped, None, at(1))), BundleFault::OtherIdentity);
    let certificate = mallory.certificates(at(1)).device;
    let swapped = BundleParts { device_cert: certificate, ..bob.parts(at(1)) };
    assert_eq!(rejected(fetched(&bob, swapped, None, at(1))), BundleFault::OtherDevice);
    let manifest = malicious::manifest(&bob.manifest, &bob.account, |m| m.account_id = vec![3; 16]);
    let other = BundleParts { manifest, ..bob.parts(at(1)) };
    assert_eq!(rejected(fetched(&bob, other, None, at(1))), BundleFault::Manifest(ManifestError::ProofOfPossession));
}

#[test]
fn t018_two_accounts_under_one_identity_key_are_still_two() {
    let bob = Party::new(2);
    let second = AccountKey::from_seed(account(4), &Zeroizing::new([2; 32]));
    assert_eq!(second.public_key(), bob.public().aik);
    let device = LocalDevice::generate(address(4, 1, 9), second.public_key(), &mut rng(4)).unwrap();
    let draft = ManifestDraft {
        devices: vec![ListedDevice::of(&device, DeviceKind::Mobile, at(0), &second.public_key())],
        next_aik: None,
    };
    let manifest = Manifest::issue(&second, None, draft, at(0)).unwrap().to_signed();
    let swapped = BundleParts { manifest, ..bob.parts(at(1)) };
    assert_eq!(rejected(fetched(&bob, swapped, None, at(1))), BundleFault::OtherIdentity);
    assert!(fetched(&bob, bob.parts(at(1)), None, at(1)).is_ok(), "control");
}

#[test]
fn t018_the_bundle_of_another_account_is_not_the_one_that_was_asked_for() {
    let (bob, mallory) = (Party::new(2), Party::new(3));
    assert_eq!(rejected(fetched(&bob, mallory.parts(at(1)), None, at(1))), BundleFault::OtherDevice);
    assert!(fetched(&mallory, mallory.parts(at(1)), None, at(1)).is_ok(), "control");
}

#[test]
fn t018_a_device_that_the_manifest_does_not_list_as_certified_is_rejected() {
    let (bob, old) = (Party::device(2, 1, 12), Party::device(2, 1, 11));
    let stale = BundleParts { manifest: old.manifest.to_signed(), ..bob.parts(at(1)) };
    assert_eq!(rejected(fetched(&bob, stale, None, at(1))), BundleFault::NotListed, "older registration");
    let service = Service::new();
    let terms = service.device_terms(at(1));
    for edit in [
        |c: &mut v1::DeviceCert| c.dsk = ed25519(5).public_key().to_tagged(),
        |c: &mut v1::DeviceCert| c.ddk[1] ^= 1,
        |c: &mut v1::DeviceCert| c.reg_nonce += 1,
    ] {
        let device_cert = malicious::device_cert(&service, bob.public(), &terms, &ed25519(0xf1), edit);
        let other = BundleParts { device_cert, ..bob.parts(at(1)) };
        assert_eq!(rejected(fetched(&bob, other, None, at(1))), BundleFault::NotListed);
    }
    let second = Party::device(2, 2, 22);
    let unlisted = BundleParts { manifest: bob.manifest.to_signed(), ..second.parts(at(1)) };
    assert_eq!(rejected(fetched(&second, unlisted, None, at(1))), BundleFault::NotListed);
    assert!(fetched(&bob, bob.parts(at(1)), None, at(1)).is_ok(), "control");
}

#[test]
fn t124_a_bundle_under_another_key_is_untrusted_until_it_is_acknowledged() {
    let bob = Party::new(2);
    let other = Party::device(2, 1, 12);
    let key = AccountKey::from_seed(account(2), &Zeroizing::new([0x99; 32]));
    let device = LocalDevice::from_seeds(
        other.public().address,
        key.public_key(),
        &Zeroizing::new([1; 32]),
        &Zeroizing::new([2; 32]),
    );
    let draft = ManifestDraft {
        devices: vec![ListedDevice::of(&device, DeviceKind::Mobile, at(0), &key.public_key())],
        next_aik: None,
    };
    let manifest = Manifest::issue(&key, None, draft, at(0)).unwrap();
    let replaced = Party { account: key, device, manifest, ..other };
    let replaced = Party {
        spk: SignedPrekey::generate(&replaced.device, replaced.spk.key_id(), at(0), &mut rng(1)).unwrap(),
        ..replaced
    };
    let parts = BundleParts { opk: None, ..replaced.parts(at(1)) };
    let error = fetched(&replaced, parts.clone(), Some(&bob.pin()), at(1)).unwrap_err();
    let BundleError::UntrustedIdentity(blocked) = error else { panic!("{error:?}") };
    assert_eq!(blocked.blocked_by(), Some(&replaced.account.public_key()));
    let acknowledged = blocked.acknowledge(&replaced.account.public_key()).unwrap();
    let adopted = fetched(&replaced, parts, Some(&acknowledged), at(1)).unwrap();
    assert!(matches!(adopted.events[..], [IdentityEvent::DeviceListChanged(_)]), "control");
}

#[test]
fn an_expired_manifest_starts_no_session() {
    let bob = Party::new(2);
    let now = at(0).plus(30 * DAY_MS);
    let spk = SignedPrekey::generate(&bob.device, bob.spk.key_id(), now, &mut rng(1));
    let parts = BundleParts { spk: spk.unwrap().signed(&bob.device), ..bob.parts(now) };
    assert_eq!(rejected(fetched(&bob, parts, Some(&bob.pin()), now)), BundleFault::ManifestExpired);
}

#[test]
fn a_manifest_whose_predecessors_are_missing_is_fetched_first() {
    let bob = Party::new(2);
    let next = AccountKey::from_seed(account(2), &Zeroizing::new([0x77; 32]));
    let listed = |key: &AccountKey| vec![ListedDevice::of(&bob.device, DeviceKind::Mobile, at(0), &key.public_key())];
    let announcing = ManifestDraft { devices: listed(&bob.account), next_aik: Some(next.public_key()) };
    let second = Manifest::issue(&bob.account, Some(&bob.manifest), announcing, at(1)).unwrap();
    let rotated = ManifestDraft { devices: listed(&next), next_aik: None };
    let third = Manifest::issue(&next, Some(&second), rotated.clone(), at(2)).unwrap();
    let fourth = Manifest::issue(&next, Some(&third), rotated, at(3)).unwrap();
    let pin = bob.pin().adopt_chain(Fetched::Answered(&[second]), at(3)).0.pin;
    // The certificate of the rotation's day still names the key before.
    let with = |manifest: &Manifest| BundleParts { manifest: manifest.to_signed(), ..bob.parts(at(4)) };
    let fault = rejected(fetched(&bob, with(&fourth), Some(&pin), at(4)));
    assert!(matches!(fault, BundleFault::ManifestsMissing(_)), "{fault:?}");
    let chained = pin.adopt_chain(Fetched::Answered(&[third]), at(4)).0.pin;
    let verified = fetched(&bob, with(&fourth), Some(&chained), at(4)).unwrap();
    assert_eq!(verified.bundle.device.aik, next.public_key(), "a session takes the new key");
}
