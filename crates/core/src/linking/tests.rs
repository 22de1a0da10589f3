use prost::Message as _;
use zeroize::Zeroizing;

use super::*;
use crate::identity::{DeviceKind, LocalDevice};
use crate::ids::{AccountId, DeviceId};
use crate::primitives::aead::AeadKey;
use crate::primitives::{Ed25519PublicKey, Secret};
use crate::random::RandomError;
use crate::safety_number::TypedCode;
use crate::testing::{Broken, account, address, at, ed25519, rng};
use crate::wire::v1;

const P_ACCOUNT: u8 = 0xa1;

fn aik() -> Ed25519PublicKey {
    ed25519(7).public_key()
}

fn relay() -> RelayUrl {
    RelayUrl::new("https://relay.example.org").unwrap()
}

fn manifest() -> v1::Signed {
    v1::Signed { body: vec![0x5a; 500], sig: vec![0x77; 64] }
}

fn terms(manifest: &v1::Signed) -> GrantTerms<'_> {
    GrantTerms { account: account(P_ACCOUNT), aik: aik(), device: DeviceId::new(2).unwrap(), manifest }
}

fn offering(seed: u64) -> OfferingDevice {
    OfferingDevice::begin(&relay(), at(0), &mut rng(seed)).unwrap()
}

fn scanned(device: &OfferingDevice) -> ScannedOffer {
    ScannedOffer::scan(&device.text(), &[relay()], at(1)).unwrap()
}

fn granted(device: &OfferingDevice) -> (Vec<u8>, GrantingPrimary) {
    scanned(device).grant(&device.box_key(), &terms(&manifest()), at(2), &mut rng(2)).unwrap()
}

fn replied(
    device: OfferingDevice,
    sealed_grant: &[u8],
    who: (AccountId, &Ed25519PublicKey),
) -> (Vec<u8>, AnsweredDevice) {
    let grant = device.open_grant(sealed_grant, at(3)).unwrap();
    device.reply(&grant, who, DeviceKind::Desktop, at(4), &mut rng(3)).unwrap()
}

/// Everything up to the code.
fn until_code() -> (GrantingPrimary, LinkReply, AnsweredDevice) {
    let device = offering(1);
    let (sealed, primary) = granted(&device);
    let (reply, answered) = replied(device, &sealed, (account(P_ACCOUNT), &aik()));
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
    let entry = primary.confirm(reply, &typed(&answered), at(200)).unwrap();
    assert_eq!(entry.added_at_ms, at(200).as_millis());
    let device =
        answered.listed(account(P_ACCOUNT), &aik(), core::slice::from_ref(&entry)).unwrap().confirmed_by_user();
    assert_eq!(device.public().address.device.as_u32(), 2);
    assert_eq!(device.public().dsk.tagged().as_slice(), entry.dsk);
}

#[test]
fn both_sides_find_the_same_box_and_the_grant_carries_the_manifest() {
    let device = offering(1);
    let primary = scanned(&device);
    assert_eq!(device.box_id(), primary.box_id());
    assert_ne!(device.box_id(), offering(2).box_id());
    let (sealed, _) = granted(&device);
    let grant = device.open_grant(&sealed, at(3)).unwrap();
    assert!(grant.manifest == manifest());
    assert_eq!(grant.device.as_u32(), 2);
}

#[test]
fn t140_exchanged_box_key_is_refused() {
    let device = offering(1);
    let mallory = offering(66);
    let result = scanned(&device).grant(&mallory.box_key(), &terms(&manifest()), at(2), &mut rng(2));
    assert_eq!(result.unwrap_err(), LinkError::ForeignKey);
    let truncated = &device.box_key()[..1000];
    let result = scanned(&device).grant(truncated, &terms(&manifest()), at(2), &mut rng(2));
    assert_eq!(result.unwrap_err(), LinkError::ForeignKey);
    assert!(scanned(&device).grant(&device.box_key(), &terms(&manifest()), at(2), &mut rng(2)).is_ok(), "control");
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
    let forged = v1::LinkGrant { device_id: 2, manifest: Some(manifest()) };
    let forged = [enc.to_vec(), context.seal(&[], &forged.encode_to_vec()).unwrap()].concat();
    assert_eq!(device.open_grant(&forged, at(3)).unwrap_err(), LinkError::DoesNotOpen);
    let (honest, _) = granted(&device);
    assert!(device.open_grant(&honest, at(3)).is_ok(), "control");
}

#[test]
fn t140_grant_of_another_account_adds_nothing() {
    // The new device verified a manifest of another account than the primary's, and answers for that one.
    for (foreign_account, foreign_aik) in [(account(0xee), aik()), (account(P_ACCOUNT), ed25519(66).public_key())] {
        let device = offering(1);
        let (sealed, primary) = granted(&device);
        let (reply, answered) = replied(device, &sealed, (foreign_account, &foreign_aik));
        assert_eq!(primary.open_reply(&reply, at(5)).unwrap_err(), LinkError::OtherDevice);
        // And a directory that answers for the primary's account does not make it linked.
        let (_, error) = *answered.listed(account(P_ACCOUNT), &aik(), &[]).unwrap_err();
        assert_eq!(error, LinkError::NotListed);
    }
    let device = offering(1);
    let (sealed, primary) = granted(&device);
    let (reply, _) = replied(device, &sealed, (account(P_ACCOUNT), &aik()));
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
    let (reply, second) = replied(device, &sealed, (account(P_ACCOUNT), &aik()));
    let reply = primary.open_reply(&reply, at(8)).unwrap();
    assert_ne!(first.code().digits(), second.code().digits());
    assert_eq!(primary.confirm(reply, &typed(&first), at(9)).unwrap_err(), LinkError::WrongCode);
}

#[test]
fn t140_replayed_reply_does_not_open_in_another_linking() {
    let first = offering(1);
    let (sealed, primary) = granted(&first);
    let (reply, _) = replied(first, &sealed, (account(P_ACCOUNT), &aik()));
    assert!(primary.open_reply(&reply, at(5)).is_ok(), "control: where it belongs it opens");
    let again = offering(2);
    let (_, primary) = granted(&again);
    assert_eq!(primary.open_reply(&reply, at(6)).unwrap_err(), LinkError::DoesNotOpen);
    // The same offer, granted once more: another encapsulation, another K.
    let device = offering(1);
    let (_, primary) = scanned(&device).grant(&device.box_key(), &terms(&manifest()), at(2), &mut rng(77)).unwrap();
    assert_eq!(primary.open_reply(&reply, at(6)).unwrap_err(), LinkError::DoesNotOpen);
}

#[test]
fn t140_offer_older_than_five_minutes_is_refused_by_both_sides() {
    let device = offering(1);
    let (sealed, primary) = granted(&device);
    assert_eq!(device.open_grant(&sealed, at(300)).unwrap_err(), LinkError::Expired);
    let grant = device.open_grant(&sealed, at(299)).unwrap();
    let answer = device.reply(&grant, (account(P_ACCOUNT), &aik()), DeviceKind::Mobile, at(300), &mut rng(3));
    assert_eq!(answer.unwrap_err(), LinkError::Expired);

    let device = offering(1);
    let late = scanned(&device).grant(&device.box_key(), &terms(&manifest()), at(301), &mut rng(2));
    assert_eq!(late.unwrap_err(), LinkError::Expired);
    let (reply, answered) = replied(device, &sealed, (account(P_ACCOUNT), &aik()));
    assert_eq!(primary.open_reply(&reply, at(301)).unwrap_err(), LinkError::Expired);
    let reply = primary.open_reply(&reply, at(300)).unwrap();
    assert_eq!(primary.confirm(reply, &typed(&answered), at(301)).unwrap_err(), LinkError::Expired);
}

#[test]
fn t140_reply_must_be_the_granted_device_with_its_own_proof() {
    let seal = |change: fn(&mut v1::DeviceEntry)| {
        let device = offering(1);
        let (sealed, primary) = granted(&device);
        let grant = device.open_grant(&sealed, at(3)).unwrap();
        let stranger = LocalDevice::generate(address(P_ACCOUNT, 2, 9), aik(), &mut rng(5)).unwrap();
        let mut entry = new_device_entry(&stranger);
        change(&mut entry);
        drop(grant);
        let k = primary_key(&primary);
        let reply = AeadKey::new(&k).seal(&[0; 12], &[], &entry.encode_to_vec()).unwrap();
        primary.open_reply(&reply, at(5)).map(|_| ())
    };
    assert_eq!(seal(|_| {}), Ok(()), "control");
    assert_eq!(seal(|entry| entry.device_id = 3), Err(LinkError::OtherDevice));
    assert_eq!(seal(|entry| entry.reg_nonce = 10), Err(LinkError::OtherDevice));
    assert_eq!(seal(|entry| entry.pop[0] ^= 1), Err(LinkError::OtherDevice));
    assert_eq!(seal(|entry| entry.pop.clear()), Err(LinkError::OtherDevice));
    assert_eq!(seal(|entry| entry.dsk = ed25519(4).public_key().tagged().to_vec()), Err(LinkError::OtherDevice));
    assert_eq!(seal(|entry| entry.added_at_ms = 1), Err(LinkError::Malformed));
    assert_eq!(seal(|entry| entry.reg_nonce = 0), Err(LinkError::Malformed));
    assert_eq!(seal(|entry| entry.ddk = [&[2][..], &[0; 32]].concat()), Err(LinkError::Malformed), "small order");
}

fn new_device_entry(device: &LocalDevice) -> v1::DeviceEntry {
    new_device::entry(device, DeviceKind::Mobile)
}

fn primary_key(primary: &GrantingPrimary) -> Zeroizing<[u8; 32]> {
    primary.reply_key_for_tests()
}

#[test]
fn t140_device_is_linked_only_by_a_manifest_that_lists_exactly_its_keys() {
    let (primary, reply, answered) = until_code();
    let entry = primary.confirm(reply, &typed(&answered), at(6)).unwrap();
    let mut other_key = entry.clone();
    other_key.dsk = ed25519(4).public_key().tagged().to_vec();
    let mut other_reg = entry.clone();
    other_reg.reg_nonce ^= 1;
    let cases = [
        (account(0xee), aik(), vec![entry.clone()]),
        (account(P_ACCOUNT), ed25519(66).public_key(), vec![entry.clone()]),
        (account(P_ACCOUNT), aik(), vec![]),
        (account(P_ACCOUNT), aik(), vec![other_key.clone()]),
        (account(P_ACCOUNT), aik(), vec![other_reg]),
    ];
    let mut answered = answered;
    for (account, aik, devices) in cases {
        let (back, error) = *answered.listed(account, &aik, &devices).unwrap_err();
        assert_eq!(error, LinkError::NotListed);
        answered = back;
    }
    assert!(answered.listed(account(P_ACCOUNT), &aik(), &[other_key, entry]).is_ok(), "control");
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
    let (reply, _) = replied(device, &sealed, (account(P_ACCOUNT), &aik()));
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
    let grant = scanned(&device).grant(&device.box_key(), &terms(&manifest()), at(2), &mut Broken);
    assert_eq!(grant.unwrap_err(), LinkError::Random(RandomError));
    let (sealed, _) = granted(&device);
    let grant = device.open_grant(&sealed, at(3)).unwrap();
    let reply = device.reply(&grant, (account(P_ACCOUNT), &aik()), DeviceKind::Web, at(4), &mut Broken);
    assert_eq!(reply.unwrap_err(), LinkError::Random(RandomError));
}

#[test]
fn relay_urls_have_1_to_255_bytes() {
    assert_eq!(RelayUrl::new("").unwrap_err(), RelayUrlError);
    assert_eq!(RelayUrl::new(&"x".repeat(256)).unwrap_err(), RelayUrlError);
    assert!(RelayUrl::new(&"x".repeat(255)).is_ok());
}
