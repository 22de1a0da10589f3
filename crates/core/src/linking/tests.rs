use prost::Message as _;
use zeroize::Zeroizing;

use super::*;
use crate::identity::{AccountKey, DeviceKind, ListedDevice, LocalDevice, Manifest, ManifestDraft};
use crate::ids::{DeviceAddress, DeviceId};
use crate::labels::Label;
use crate::limits::MANIFEST_LIFE_MS;
use crate::primitives::aead::AeadKey;
use crate::primitives::{Ed25519PublicKey, PublicKey as _, Secret};
use crate::random::RandomError;
use crate::safety_number::TypedCode;
use crate::testing::{Broken, account, address, at, ed25519, rng};
use crate::time::Timestamp;
use crate::wire::v1;

const P_ACCOUNT: u8 = 0xa1;

/// The primary's account, with device 1.
fn account_key() -> AccountKey {
    AccountKey::from_seed(account(P_ACCOUNT), &Zeroizing::new([7; 32]))
}

fn manifest_of(key: &AccountKey, others: Vec<ListedDevice>) -> Manifest {
    manifest_after(None, key, others)
}

/// The account's next manifest, after the one in the grant.
fn next_of(key: &AccountKey, others: Vec<ListedDevice>) -> Manifest {
    manifest_after(Some(&manifest()), key, others)
}

fn manifest_after(previous: Option<&Manifest>, key: &AccountKey, others: Vec<ListedDevice>) -> Manifest {
    let aik = key.public_key();
    let first = DeviceAddress { account: key.account(), ..address(P_ACCOUNT, 1, 1) };
    let primary = LocalDevice::generate(first, aik, &mut rng(70)).unwrap();
    let mut devices = vec![ListedDevice::of(&primary, DeviceKind::Mobile, at(0), &aik)];
    devices.extend(others);
    Manifest::issue(key, previous, ManifestDraft { devices, next_aik: None }, at(0)).unwrap()
}

fn manifest() -> Manifest {
    manifest_of(&account_key(), Vec::new())
}

/// When the manifests of these tests expire.
fn end() -> Timestamp {
    at(0).plus(MANIFEST_LIFE_MS)
}

fn relay() -> RelayUrl {
    RelayUrl::new("https://relay.example.org").unwrap()
}

const NEW: DeviceId = DeviceId::new(2).unwrap();

fn offering(seed: u64) -> OfferingDevice {
    OfferingDevice::begin(&relay(), at(0), &mut rng(seed)).unwrap()
}

fn scanned(device: &OfferingDevice) -> ScannedOffer {
    ScannedOffer::scan(&device.text(), &[relay()], at(1)).unwrap()
}

fn granted(device: &OfferingDevice) -> (Vec<u8>, GrantingPrimary) {
    scanned(device).grant(&device.box_key(), (&manifest(), NEW), at(2), &mut rng(2)).unwrap()
}

fn replied(device: OfferingDevice, sealed_grant: &[u8]) -> (Vec<u8>, AnsweredDevice) {
    let grant = device.open_grant(sealed_grant, at(3)).unwrap();
    device.reply(&grant, &manifest(), DeviceKind::Desktop, at(4), &mut rng(3)).unwrap()
}

/// Everything up to the code.
fn until_code() -> (GrantingPrimary, LinkReply, AnsweredDevice) {
    let device = offering(1);
    let (sealed, primary) = granted(&device);
    let (reply, answered) = replied(device, &sealed);
    let reply = primary.open_reply(&reply, at(5)).unwrap();
    (primary, reply, answered)
}

fn typed(answered: &AnsweredDevice) -> TypedCode {
    TypedCode::parse(&answered.code().digits()).unwrap()
}

fn other_than(answered: &AnsweredDevice) -> TypedCode {
    let number: u32 = answered.code().digits().parse().unwrap();
    TypedCode::parse(&format!("{:06}", (number + 1) % 1_000_000)).unwrap()
}

#[test]
fn honest_linking_adds_the_device() {
    let (primary, reply, answered) = until_code();
    assert_eq!(reply.kind(), DeviceKind::Desktop);
    let added = primary.confirm(reply, &typed(&answered), at(200)).unwrap();
    assert_eq!((added.added_at, added.kind), (at(200), DeviceKind::Desktop));
    let next = next_of(&account_key(), vec![added.clone()]);
    let device = answered.listed(&next, at(300)).unwrap().confirmed_by_user();
    assert_eq!(device.public().address.device, NEW);
    assert_eq!(*device.public(), added.device);
}

#[test]
fn both_sides_find_the_same_box_and_the_grant_carries_the_manifest() {
    let device = offering(1);
    let primary = scanned(&device);
    assert_eq!(device.box_id(), primary.box_id());
    assert_ne!(device.box_id(), offering(2).box_id());
    let (sealed, _) = granted(&device);
    let grant = device.open_grant(&sealed, at(3)).unwrap();
    assert!(grant.manifest == manifest().to_signed());
    assert_eq!(grant.device.as_u32(), 2);
}

#[test]
fn t140_exchanged_box_key_is_refused() {
    let device = offering(1);
    let mallory = offering(66);
    let result = scanned(&device).grant(&mallory.box_key(), (&manifest(), NEW), at(2), &mut rng(2));
    assert_eq!(result.unwrap_err(), LinkError::ForeignKey);
    let truncated = &device.box_key()[..1000];
    let result = scanned(&device).grant(truncated, (&manifest(), NEW), at(2), &mut rng(2));
    assert_eq!(result.unwrap_err(), LinkError::ForeignKey);
    assert!(scanned(&device).grant(&device.box_key(), (&manifest(), NEW), at(2), &mut rng(2)).is_ok(), "control");
}

#[test]
fn t140_grant_made_without_the_offer_does_not_open() {
    let device = offering(1);
    // Mallory saw E at the relay, and not the QR code: its secret is another.
    let randomness = Zeroizing::new([9; 64]);
    let (enc, context) = crate::primitives::setup_sender(
        &crate::primitives::PublicKey::from_tagged(&device.box_key()).unwrap(),
        &grant::info(&Secret::copy_of(&[9; 16])),
        &randomness,
    )
    .unwrap();
    let forged = v1::LinkGrant { device_id: 2, manifest: Some(manifest().to_signed()) };
    let forged = [enc.to_vec(), context.seal(&[], &forged.encode_to_vec()).unwrap()].concat();
    assert_eq!(device.open_grant(&forged, at(3)).unwrap_err(), LinkError::DoesNotOpen);
    let (honest, _) = granted(&device);
    assert!(device.open_grant(&honest, at(3)).is_ok(), "control");
}

#[test]
fn t140_grant_of_another_account_adds_nothing() {
    let foreign = manifest_of(&AccountKey::from_seed(account(0xee), &Zeroizing::new([8; 32])), Vec::new());
    let other_key = manifest_of(&AccountKey::from_seed(account(P_ACCOUNT), &Zeroizing::new([8; 32])), Vec::new());
    for manifest in [&foreign, &other_key] {
        // The new device answers for the manifest in the grant and for no other one.
        let device = offering(1);
        let (sealed, _) = granted(&device);
        let grant = device.open_grant(&sealed, at(3)).unwrap();
        let answer = device.reply(&grant, manifest, DeviceKind::Mobile, at(4), &mut rng(3));
        assert_eq!(answer.unwrap_err(), LinkError::Malformed);
        // A device that consents to belong to that account is not added to ours.
        let (account, aik) = (manifest.account(), *manifest.aik());
        let stranger = DeviceAddress { account, ..address(P_ACCOUNT, 2, 9) };
        let stranger = LocalDevice::generate(stranger, aik, &mut rng(5)).unwrap();
        assert_eq!(reply_of(&stranger, &aik, |_| {}), Err(LinkError::OtherDevice));
    }
    let device = offering(1);
    let (sealed, primary) = granted(&device);
    let (reply, _) = replied(device, &sealed);
    assert!(primary.open_reply(&reply, at(5)).is_ok(), "control");
}

#[test]
fn t140_wrong_code_ends_linking() {
    let (primary, reply, answered) = until_code();
    let wrong = primary.confirm(reply, &other_than(&answered), at(6));
    assert_eq!(wrong.unwrap_err(), LinkError::WrongCode);
    let (primary, reply, answered) = until_code();
    assert!(primary.confirm(reply, &typed(&answered), at(6)).is_ok(), "control");
}

/// `confirm` consumes the primary's state, so a second try has to begin at the offer; what belongs to the first
/// linking is worth nothing there.
#[test]
fn t140_second_code_try_needs_a_new_linking_and_its_own_code() {
    let (primary, reply, first) = until_code();
    assert_eq!(primary.confirm(reply, &other_than(&first), at(6)).unwrap_err(), LinkError::WrongCode);
    let device = offering(11);
    let (sealed, primary) = granted(&device);
    let (reply, second) = replied(device, &sealed);
    let reply = primary.open_reply(&reply, at(8)).unwrap();
    assert_ne!(first.code().digits(), second.code().digits());
    assert_eq!(primary.confirm(reply, &typed(&first), at(9)).unwrap_err(), LinkError::WrongCode);
}

#[test]
fn t140_replayed_reply_does_not_open_in_another_linking() {
    let first = offering(1);
    let (sealed, primary) = granted(&first);
    let (reply, _) = replied(first, &sealed);
    assert!(primary.open_reply(&reply, at(5)).is_ok(), "control: where it belongs it opens");
    let again = offering(2);
    let (_, primary) = granted(&again);
    assert_eq!(primary.open_reply(&reply, at(6)).unwrap_err(), LinkError::DoesNotOpen);
    // The same offer, granted once more: another encapsulation, another K.
    let device = offering(1);
    let (_, primary) = scanned(&device).grant(&device.box_key(), (&manifest(), NEW), at(2), &mut rng(77)).unwrap();
    assert_eq!(primary.open_reply(&reply, at(6)).unwrap_err(), LinkError::DoesNotOpen);
}

#[test]
fn t140_offer_older_than_five_minutes_is_refused_by_both_sides() {
    let device = offering(1);
    let (sealed, primary) = granted(&device);
    assert_eq!(device.open_grant(&sealed, at(300)).unwrap_err(), LinkError::Expired);
    let grant = device.open_grant(&sealed, at(299)).unwrap();
    let answer = device.reply(&grant, &manifest(), DeviceKind::Mobile, at(300), &mut rng(3));
    assert_eq!(answer.unwrap_err(), LinkError::Expired);

    let device = offering(1);
    let late = scanned(&device).grant(&device.box_key(), (&manifest(), NEW), at(301), &mut rng(2));
    assert_eq!(late.unwrap_err(), LinkError::Expired);
    let (reply, answered) = replied(device, &sealed);
    assert_eq!(primary.open_reply(&reply, at(301)).unwrap_err(), LinkError::Expired);
    let reply = primary.open_reply(&reply, at(300)).unwrap();
    assert_eq!(primary.confirm(reply, &typed(&answered), at(301)).unwrap_err(), LinkError::Expired);
}

/// What the primary says to a reply of `device`, altered by `change`, that is sealed under the right K.
fn reply_of(
    device: &LocalDevice,
    aik: &Ed25519PublicKey,
    change: impl Fn(&mut v1::DeviceEntry),
) -> Result<(), LinkError> {
    let (_, primary) = granted(&offering(1));
    let mut entry = ListedDevice::of(device, DeviceKind::Mobile, Timestamp::default(), aik).to_entry();
    change(&mut entry);
    let key = AeadKey::new(&primary.reply_key_for_tests());
    let reply = key.seal(&[0; 12], &[], &entry.encode_to_vec()).unwrap();
    primary.open_reply(&reply, at(5)).map(|_| ())
}

#[test]
fn t140_reply_must_be_the_granted_device_with_its_own_proof() {
    let aik = account_key().public_key();
    let device = LocalDevice::generate(address(P_ACCOUNT, 2, 9), aik, &mut rng(5)).unwrap();
    let reply = |change: fn(&mut v1::DeviceEntry)| reply_of(&device, &aik, change);
    assert_eq!(reply(|_| {}), Ok(()), "control");
    assert_eq!(reply(|entry| entry.device_id = 3), Err(LinkError::OtherDevice));
    assert_eq!(reply(|entry| entry.reg_nonce = 10), Err(LinkError::OtherDevice));
    assert_eq!(reply(|entry| entry.reg_nonce = 0), Err(LinkError::OtherDevice));
    assert_eq!(reply(|entry| entry.pop[0] ^= 1), Err(LinkError::OtherDevice));
    assert_eq!(reply(|entry| entry.pop.clear()), Err(LinkError::OtherDevice));
    assert_eq!(reply(|entry| entry.dsk = ed25519(4).public_key().to_tagged()), Err(LinkError::OtherDevice));
    assert_eq!(reply(|entry| entry.added_at_ms = 1), Err(LinkError::Malformed));
    let third = LocalDevice::generate(address(P_ACCOUNT, 3, 9), aik, &mut rng(5)).unwrap();
    assert_eq!(reply_of(&third, &aik, |_| {}), Err(LinkError::OtherDevice), "another device id than granted");
    // A key of small order, with a proof over it.
    let small_order = |entry: &mut v1::DeviceEntry| {
        entry.ddk = [&[2][..], &[0; 32]].concat();
        let parts: [&[u8]; 3] = [&device.public().address.to_bytes(), &aik.tagged(), &entry.ddk];
        entry.pop = device.dsk().sign(Label::DevicePop, &parts).to_vec();
    };
    assert_eq!(reply_of(&device, &aik, small_order), Err(LinkError::Malformed));
}

#[test]
fn t140_device_is_linked_only_by_a_manifest_that_lists_exactly_its_keys() {
    let (primary, reply, mut answered) = until_code();
    let added = primary.confirm(reply, &typed(&answered), at(6)).unwrap();
    let (ours, other_aik) = (account_key(), AccountKey::from_seed(account(P_ACCOUNT), &Zeroizing::new([8; 32])));
    let aik = ours.public_key();
    let stranger = |address, aik| {
        let device = LocalDevice::generate(address, aik, &mut rng(5)).unwrap();
        ListedDevice::of(&device, DeviceKind::Desktop, at(6), &aik)
    };
    let same_address = added.device.address;
    let other_reg = address(P_ACCOUNT, 2, 9);
    for manifest in [
        manifest(),
        // No newer than the one in the grant, which did not list it.
        manifest_of(&ours, vec![added.clone()]),
        next_of(&ours, vec![stranger(same_address, aik)]),
        next_of(&ours, vec![stranger(other_reg, aik)]),
        manifest_of(&other_aik, vec![stranger(same_address, other_aik.public_key())]),
    ] {
        let (back, error) = *answered.listed(&manifest, at(7)).unwrap_err();
        assert_eq!(error, LinkError::NotListed);
        answered = back;
    }
    let next = next_of(&ours, vec![added]);
    let (answered, error) = *answered.listed(&next, end()).unwrap_err();
    assert_eq!(error, LinkError::NotListed, "it has expired");
    assert!(answered.listed(&next, end().minus(1)).is_ok(), "control");
}

#[test]
fn grant_of_an_account_whose_manifest_has_expired_is_not_answered() {
    let expired = |at| {
        let device = OfferingDevice::begin(&relay(), at, &mut rng(1)).unwrap();
        let primary = ScannedOffer::scan(&device.text(), &[relay()], at).unwrap();
        let (sealed, _) = primary.grant(&device.box_key(), (&manifest(), NEW), at, &mut rng(2)).unwrap();
        let grant = device.open_grant(&sealed, at).unwrap();
        device.reply(&grant, &manifest(), DeviceKind::Desktop, at, &mut rng(3)).map(|_| ()).err()
    };
    assert_eq!(expired(end()), Some(LinkError::ManifestExpired));
    assert_eq!(expired(end().minus(1)), None, "control");
}

#[test]
fn granted_id_that_is_already_listed_is_not_answered() {
    let device = offering(1);
    let first = DeviceId::new(1).unwrap();
    let (sealed, _) = scanned(&device).grant(&device.box_key(), (&manifest(), first), at(2), &mut rng(2)).unwrap();
    let grant = device.open_grant(&sealed, at(3)).unwrap();
    let answer = device.reply(&grant, &manifest(), DeviceKind::Mobile, at(4), &mut rng(3));
    assert_eq!(answer.unwrap_err(), LinkError::Malformed);
}

#[test]
fn any_changed_bit_of_grant_or_reply_is_noticed() {
    let device = offering(1);
    let (sealed, primary) = granted(&device);
    for byte in [0, 1087, 1088, 1119, 1120, sealed.len() / 2, sealed.len() - 1] {
        let mut altered = sealed.clone();
        altered[byte] ^= 1;
        assert_eq!(device.open_grant(&altered, at(3)).unwrap_err(), LinkError::DoesNotOpen, "{byte}");
    }
    assert_eq!(device.open_grant(&sealed[..1000], at(3)).unwrap_err(), LinkError::DoesNotOpen);
    let (reply, _) = replied(device, &sealed);
    for byte in 0..reply.len() {
        let mut altered = reply.clone();
        altered[byte] ^= 1;
        assert_eq!(primary.open_reply(&altered, at(5)).unwrap_err(), LinkError::DoesNotOpen, "{byte}");
    }
    assert!(primary.open_reply(&reply, at(5)).is_ok(), "control");
}

#[test]
fn offers_that_are_none_are_refused_before_anything_is_fetched() {
    let text = offering(1).text();
    let scan = |text: &str| ScannedOffer::scan(text, &[relay()], at(1)).map(|_| ());
    let foreign = RelayUrl::new("https://relay.example.com").unwrap();
    assert_eq!(scan(&text), Ok(()), "control");
    assert_eq!(ScannedOffer::scan(&text, &[foreign], at(1)).map(|_| ()), Err(OfferError::ForeignRelay));
    assert_eq!(ScannedOffer::scan(&text, &[], at(1)).map(|_| ()), Err(OfferError::ForeignRelay));
    assert_eq!(scan(&text[..text.len() - 4]), Err(OfferError::Malformed));
    assert_eq!(scan(&format!("{}AAAA", text.as_str())), Err(OfferError::Malformed));
    assert_eq!(scan(&text.replace("carevow-link:", "carevow:")), Err(OfferError::Malformed));
    assert_eq!(scan(&text.replace("carevow-link:Qg", "carevow-link:QQ")), Err(OfferError::Malformed), "type");
    assert_eq!(scan("carevow-link:QgIAAAAA"), Err(OfferError::UnsupportedVersion));
    assert_eq!(scan(&format!("carevow-link:{}", "A".repeat(10_000))), Err(OfferError::Malformed));
    assert_eq!(scan(""), Err(OfferError::Malformed));
}

#[test]
fn failing_random_source_makes_nothing() {
    assert_eq!(OfferingDevice::begin(&relay(), at(0), &mut Broken).unwrap_err(), RandomError);
    let device = offering(1);
    let grant = scanned(&device).grant(&device.box_key(), (&manifest(), NEW), at(2), &mut Broken);
    assert_eq!(grant.unwrap_err(), LinkError::Random(RandomError));
    let (sealed, _) = granted(&device);
    let grant = device.open_grant(&sealed, at(3)).unwrap();
    let reply = device.reply(&grant, &manifest(), DeviceKind::Web, at(4), &mut Broken);
    assert_eq!(reply.unwrap_err(), LinkError::Random(RandomError));
}

#[test]
fn relay_urls_have_1_to_255_bytes() {
    assert_eq!(RelayUrl::new("").unwrap_err(), RelayUrlError);
    assert_eq!(RelayUrl::new(&"x".repeat(256)).unwrap_err(), RelayUrlError);
    assert!(RelayUrl::new(&"x".repeat(255)).is_ok());
}
