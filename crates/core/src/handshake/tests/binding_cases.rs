//! What the handshake binds: T28, T29, T31 to T35, T45.

use zeroize::Zeroizing;

use crate::errors::DecryptError::{self, DecryptFailed};
use crate::handshake::PrekeyUse;
use crate::handshake::accept::check_prekeys;
use crate::handshake::header::Fields;
use crate::handshake::initiate::initiate;
use crate::handshake::secrets::SharedSecrets;
use crate::handshake::{
    Generation, INIT_HEADER_BYTES, InitHeader, InitMessage, Initiator, Recipient, ResponderPrekeys,
};
use crate::prekey::{BundleParts, KemPrekey, KeyId, OneTimePrekey, SignedPrekey, UnverifiedBundle};
use crate::primitives::X25519Secret;
use crate::ratchet::tests::fixture::{Device, Offer, send};
use crate::ratchet::{Session, SessionPeer};
use crate::testing::{Service, address, at, rng, x25519};

/// A session of Alice with Bob, and its INIT.
fn world() -> (Device, Device, Vec<u8>) {
    let (alice, bob) = (Device::new(1), Device::new(2));
    let (message, _) = send(&alice.initiate(&bob, Offer::OneTime, 1), b"hello", 2);
    (alice, bob, message.as_bytes().to_vec())
}

/// The bytes with another header before the same message.
fn with_header(bytes: &[u8], change: impl FnOnce(&mut Fields)) -> Vec<u8> {
    let mut fields = InitHeader::parse(&bytes[..INIT_HEADER_BYTES]).unwrap().fields().clone();
    change(&mut fields);
    let header = InitHeader::from_fields(fields).unwrap();
    [header.as_bytes().as_slice(), &bytes[INIT_HEADER_BYTES..]].concat()
}

#[test]
fn t028_another_real_account_in_the_initiators_place_fails() {
    let (alice, bob, bytes) = world();
    let mallory = Device::new(3);
    let stolen = with_header(&bytes, |fields| fields.initiator = *mallory.party.public());
    // Bob is shown Mallory's certificate, which matches the header.
    assert_eq!(bob.accept(&stolen, &mallory, Offer::OneTime).unwrap_err(), DecryptFailed);
    assert_eq!(bob.accept(&bytes, &alice, Offer::OneTime).unwrap().opened.content(), b"hello");
}

#[test]
fn t028_another_account_over_the_same_keys_fails() {
    let (alice, bob, bytes) = world();
    let mut impostor = *alice.party.public();
    impostor.address.account = crate::testing::account(9);
    let stolen = with_header(&bytes, |fields| fields.initiator = impostor);
    let recipient = Recipient { device: &bob.party.device, previous_aiks: &[] };
    let initiator = Initiator { device: &impostor, other_aiks: &[], highest_generation: None };
    let message = InitMessage::parse(&stolen).unwrap();
    let error = message.accept(recipient, initiator, bob.prekeys(Offer::OneTime), at(1)).unwrap_err();
    assert_eq!(error, DecryptFailed);
}

/// Bob's keys under another address: the INIT was made for the first one.
fn same_keys_elsewhere(bytes: &[u8], account: u8, device: u32, reg: u32) -> DecryptError {
    let (alice, bob) = (Device::new(1), Device::new(2));
    let elsewhere = bob.party.device.moved_to(address(account, device, reg));
    let moved = with_header(bytes, |fields| fields.responder = elsewhere.public().address);
    let recipient = Recipient { device: &elsewhere, previous_aiks: &[] };
    let initiator = Initiator { device: alice.party.public(), other_aiks: &[], highest_generation: None };
    let message = InitMessage::parse(&moved).unwrap();
    message.accept(recipient, initiator, bob.prekeys(Offer::OneTime), at(1)).unwrap_err()
}

#[test]
fn t029_another_responder_fails() {
    let (_, _, bytes) = world();
    assert_eq!(same_keys_elsewhere(&bytes, 9, 1, 1002), DecryptFailed, "account");
    assert_eq!(same_keys_elsewhere(&bytes, 2, 9, 1002), DecryptFailed, "device");
    assert_eq!(same_keys_elsewhere(&bytes, 2, 1, 9), DecryptFailed, "registration");
}

/// The INIT as it was made for Bob, given to a device with his very keys and prekeys and another address.
#[test]
fn t029_init_for_another_address_is_refused_whoever_has_its_keys() {
    let (alice, bob, bytes) = world();
    let accept = |device: &crate::identity::LocalDevice| {
        let recipient = Recipient { device, previous_aiks: &[] };
        let initiator = Initiator { device: alice.party.public(), other_aiks: &[], highest_generation: None };
        let message = InitMessage::parse(&bytes).unwrap();
        message.accept(recipient, initiator, bob.prekeys(Offer::OneTime), at(1)).map(|_| ())
    };
    for elsewhere in [address(9, 1, 1002), address(2, 9, 1002), address(2, 1, 9)] {
        assert_eq!(accept(&bob.party.device.moved_to(elsewhere)).unwrap_err(), DecryptFailed);
    }
    accept(&bob.party.device).unwrap();
}

#[test]
fn t031_another_valid_prekey_of_the_same_device_fails() {
    let (alice, bob, bytes) = world();
    let rng = &mut rng(31);
    let spk = SignedPrekey::generate(&bob.party.device, KeyId(8), at(0), rng).unwrap();
    let opk = OneTimePrekey::generate(&bob.party.device, KeyId(101), at(0), rng).unwrap();
    let kem = KemPrekey::generate_one_time(&bob.party.device, KeyId(201), at(0), rng).unwrap();
    let accept = |bytes: &[u8], prekeys: ResponderPrekeys<'_>| {
        let recipient = Recipient { device: &bob.party.device, previous_aiks: &[] };
        let initiator = Initiator { device: alice.party.public(), other_aiks: &[], highest_generation: None };
        InitMessage::parse(bytes).unwrap().accept(recipient, initiator, prekeys, at(1)).map(|_| ())
    };
    let own = bob.prekeys(Offer::OneTime);
    let moved = with_header(&bytes, |fields| fields.spk_id = KeyId(8));
    assert_eq!(accept(&moved, ResponderPrekeys { spk: &spk, ..own }).unwrap_err(), DecryptFailed);
    let moved = with_header(&bytes, |fields| fields.opk_id = Some(KeyId(101)));
    assert_eq!(accept(&moved, ResponderPrekeys { opk: Some(&opk), ..own }).unwrap_err(), DecryptFailed);
    let moved = with_header(&bytes, |fields| fields.kem_id = KeyId(201));
    assert_eq!(accept(&moved, ResponderPrekeys { kem: &kem, ..own }).unwrap_err(), DecryptFailed);
    // And the caller's mistake: keys that the header does not name.
    assert_eq!(accept(&bytes, ResponderPrekeys { spk: &spk, ..own }).unwrap_err(), DecryptFailed);
    assert_eq!(accept(&bytes, ResponderPrekeys { opk: None, ..own }).unwrap_err(), DecryptFailed);
    assert_eq!(accept(&bytes, ResponderPrekeys { kem: &bob.party.last_resort, ..own }).unwrap_err(), DecryptFailed);
    accept(&bytes, own).unwrap();
}

/// The transcript would catch each of these as well; the check of ids and records stands by itself.
#[test]
fn t031_ids_and_records_are_compared_before_any_secret_is_derived() {
    let (_, bob, bytes) = world();
    let me = Recipient { device: &bob.party.device, previous_aiks: &[] };
    let own = bob.prekeys(Offer::OneTime);
    let judge = |change: &dyn Fn(&mut Fields)| {
        let bytes = with_header(&bytes, change);
        check_prekeys(&InitHeader::parse(&bytes[..INIT_HEADER_BYTES]).unwrap(), me, own)
    };
    assert_eq!(judge(&|fields| fields.spk_id = KeyId(8)), Err(DecryptFailed));
    assert_eq!(judge(&|fields| fields.opk_id = Some(KeyId(101))), Err(DecryptFailed));
    assert_eq!(judge(&|fields| fields.opk_id = None), Err(DecryptFailed));
    assert_eq!(judge(&|fields| fields.kem_id = KeyId(201)), Err(DecryptFailed));
    assert_eq!(judge(&|fields| fields.kem_use = PrekeyUse::Shared), Err(DecryptFailed));
    assert_eq!(judge(&|fields| fields.bundle_hash[0] ^= 1), Err(DecryptFailed));
    assert_eq!(judge(&|_| ()), Ok(()));
}

#[test]
fn t032_fresh_encapsulation_to_the_same_key_fails() {
    let (alice, bob, bytes) = world();
    let (ct, _) = bob.party.kem.secret().public_key().encapsulate(&Zeroizing::new([9; 32])).unwrap();
    let replaced = with_header(&bytes, |fields| fields.ct = ct);
    assert_eq!(bob.accept(&replaced, &alice, Offer::OneTime).unwrap_err(), DecryptFailed);
}

/// Under one transcript, which T33 shows to bind the ciphertext, another shared secret still gives other keys.
#[test]
fn t032_another_shared_secret_gives_other_keys() {
    let sid = crate::ids::SessionId::from_bytes([7; 32]);
    let root = |ml_kem: u8| {
        let secrets = SharedSecrets {
            ml_kem: Zeroizing::new([ml_kem; 32]),
            dh0: Zeroizing::new([2; 32]),
            dh1: Zeroizing::new([3; 32]),
            dh2: Zeroizing::new([4; 32]),
            dh3: Zeroizing::new([5; 32]),
            dh4: Zeroizing::new([6; 32]),
        };
        *secrets.derive(&sid).root.as_bytes()
    };
    assert_ne!(root(1), root(9));
    assert_eq!(root(1), root(1), "control");
}

/// A KEM that binds nothing: the adversary knows one prekey, learns `ss` from it, and shows the same `ss` under another
/// key. The key and the ciphertext are under `sid`, so the same `ss` and the same DH results give other keys.
#[test]
fn t033_same_shared_secret_under_another_key_or_ciphertext_gives_other_keys() {
    let (_, _, bytes) = world();
    let header = InitHeader::parse(&bytes[..INIT_HEADER_BYTES]).unwrap();
    let secrets = || SharedSecrets {
        ml_kem: Zeroizing::new([1; 32]),
        dh0: Zeroizing::new([2; 32]),
        dh1: Zeroizing::new([3; 32]),
        dh2: Zeroizing::new([4; 32]),
        dh3: Zeroizing::new([5; 32]),
        dh4: Zeroizing::new([6; 32]),
    };
    let root = |header: &InitHeader| *secrets().derive(&header.sid()).root.as_bytes();
    let honest = root(&header);
    let other = Device::new(5);
    let (ct, _) = other.party.kem.secret().public_key().encapsulate(&Zeroizing::new([9; 32])).unwrap();
    for change in [
        Box::new(|fields: &mut Fields| fields.ct = ct) as Box<dyn FnOnce(&mut Fields)>,
        Box::new(|fields: &mut Fields| fields.kem_id = KeyId(999)),
        Box::new(|fields: &mut Fields| fields.bundle_hash = [0; 32]),
    ] {
        let changed = with_header(&bytes, change);
        assert_ne!(honest, root(&InitHeader::parse(&changed[..INIT_HEADER_BYTES]).unwrap()));
    }
    assert_eq!(honest, root(&header), "control");
}

#[test]
fn t034_another_validly_signed_record_of_the_same_key_fails() {
    // The server kept an older record of the same key (other dates) and served that: Bob hashes the one that he stores.
    let (alice, bob) = (Device::new(1), Device::new(2));
    let older = SignedPrekey::from_seed(
        &bob.party.device,
        bob.party.spk.key_id(),
        at(0).minus(1_000),
        &Zeroizing::new(*bob.party.spk.secret().seed()),
    );
    assert_ne!(older.record(), bob.party.spk.record());
    let parts = BundleParts { spk: older.signed(&bob.party.device), ..bob.party.parts(at(0)) };
    let served = UnverifiedBundle::parse(&parts.encode()).unwrap();
    let bundle = served.verify(&Service::new().trust(), &bob.party.target(), at(0)).unwrap().bundle;
    let session =
        Session::initiate(&alice.party.device, bundle.clone(), Generation::FIRST, at(0), &mut rng(1)).unwrap();
    let (message, _) = send(&session, b"hello", 2);
    assert_eq!(bob.accept(message.as_bytes(), &alice, Offer::OneTime).unwrap_err(), DecryptFailed);
    let own = ResponderPrekeys { spk: &older, ..bob.prekeys(Offer::OneTime) };
    let recipient = Recipient { device: &bob.party.device, previous_aiks: &[] };
    let initiator = Initiator { device: alice.party.public(), other_aiks: &[], highest_generation: None };
    let init = InitMessage::parse(message.as_bytes()).unwrap();
    assert!(init.accept(recipient, initiator, own, at(1)).is_ok(), "control");
}

#[test]
fn t035_header_of_one_session_with_the_message_of_another_fails() {
    let (alice, bob, one) = world();
    let (two, _) = send(&alice.initiate(&bob, Offer::LastResort, 77), b"hello", 78);
    let two = two.as_bytes();
    let spliced = [&one[..INIT_HEADER_BYTES], &two[INIT_HEADER_BYTES..]].concat();
    assert_eq!(bob.accept(&spliced, &alice, Offer::OneTime).unwrap_err(), DecryptFailed);
    let spliced = [&two[..INIT_HEADER_BYTES], &one[INIT_HEADER_BYTES..]].concat();
    assert_eq!(bob.accept(&spliced, &alice, Offer::LastResort).unwrap_err(), DecryptFailed);
}

/// Two sessions with one ephemeral key and one encapsulation: every secret is the same, only the transcript differs.
#[test]
fn t035_splice_of_sessions_with_the_same_secrets_fails() {
    let (alice, bob) = (Device::new(1), Device::new(2));
    let (ek, m) = (Zeroizing::new([66; 32]), Zeroizing::new([67; 32]));
    let bundle = bob.bundle(Offer::OneTime);
    let init = |generation| {
        let generation = Generation::new(generation).unwrap();
        let session = initiate(&alice.party.device, &bundle, generation, at(0), &ek, &m).unwrap();
        send(&session, b"hello", 1).0.as_bytes().to_vec()
    };
    let (one, two) = (init(1), init(2));
    let spliced = [&one[..INIT_HEADER_BYTES], &two[INIT_HEADER_BYTES..]].concat();
    assert_eq!(bob.accept(&spliced, &alice, Offer::OneTime).unwrap_err(), DecryptFailed);
    assert_eq!(bob.accept(&two, &alice, Offer::OneTime).unwrap().opened.content(), b"hello", "control");
}

/// A thief of SPK_B's private key (and of the one-time and KEM keys, even) pretends to be Alice: DH1, DH3, DH4 and ss
/// are its own, DH2 needs only its ephemeral key, DH0 needs DDK_A or DDK_B.
#[test]
fn t045_thief_of_the_signed_prekey_cannot_be_anyone_to_bob() {
    let (alice, bob) = (Device::new(1), Device::new(2));
    let bundle = bob.bundle(Offer::OneTime);
    let ek_seed = Zeroizing::new([66; 32]);
    let m = Zeroizing::new([67; 32]);
    let honest = initiate(&alice.party.device, &bundle, Generation::FIRST, at(0), &ek_seed, &m).unwrap();
    let (init, _) = send(&honest, b"hello", 1);
    let header = InitHeader::parse(&init.as_bytes()[..INIT_HEADER_BYTES]).unwrap();
    let ek = X25519Secret::from_seed(&ek_seed);
    let spk = bob.party.spk.secret();
    let forged = |dh0: Zeroizing<[u8; 32]>| {
        let secrets = SharedSecrets {
            ml_kem: bundle.kem.key.encapsulate(&m).unwrap().1,
            dh0,
            dh1: spk.diffie_hellman(&alice.party.public().ddk).unwrap(),
            dh2: ek.diffie_hellman(&bob.party.public().ddk).unwrap(),
            dh3: ek.diffie_hellman(&bundle.spk.key).unwrap(),
            dh4: ek.diffie_hellman(&bundle.opk.as_ref().unwrap().key).unwrap(),
        };
        let keys = secrets.derive(&header.sid());
        let peer = SessionPeer { device: *bob.party.public() };
        let session = Session::as_initiator(header.sid(), peer, header.clone(), keys, bundle.spk.key, at(0));
        send(&session, b"I am Alice", 2).0
    };
    let guess = x25519(68).diffie_hellman(&bob.party.public().ddk).unwrap();
    for dh0 in [guess, Zeroizing::new([0; 32])] {
        assert_eq!(bob.accept(forged(dh0).as_bytes(), &alice, Offer::OneTime).unwrap_err(), DecryptFailed);
    }
    let real = alice.party.device.ddk().diffie_hellman(&bob.party.public().ddk).unwrap();
    let accepted = bob.accept(forged(real).as_bytes(), &alice, Offer::OneTime).unwrap();
    assert_eq!(accepted.opened.content(), b"I am Alice", "control: DH0 is all that was missing");
}

/// Bob alone makes an INIT "from Alice" that his own code accepts: nobody can prove by it that she wrote (T41).
#[test]
fn t041_responder_alone_simulates_a_conversation() {
    let (alice, bob) = (Device::new(1), Device::new(2));
    let bundle = bob.bundle(Offer::OneTime);
    let m = Zeroizing::new([67; 32]);
    let ek = x25519(70);
    let (ct, ml_kem) = bundle.kem.key.encapsulate(&m).unwrap();
    let header = InitHeader::from_fields(Fields {
        suite: bundle.suite,
        generation: Generation::FIRST,
        initiator: *alice.party.public(),
        responder: bob.party.public().address,
        spk_id: bundle.spk.key_id,
        opk_id: bundle.opk.as_ref().map(|opk| opk.key_id),
        kem_id: bundle.kem.key_id,
        kem_use: PrekeyUse::OneTime,
        bundle_hash: bundle.hash(),
        ek: ek.public_key(),
        ct,
    })
    .unwrap();
    // Every secret from Bob's side and the ephemeral key that he made up: no private key of Alice's.
    let (ddk, spk) = (bob.party.device.ddk(), bob.party.spk.secret());
    let secrets = SharedSecrets {
        ml_kem,
        dh0: ddk.diffie_hellman(&alice.party.public().ddk).unwrap(),
        dh1: spk.diffie_hellman(&alice.party.public().ddk).unwrap(),
        dh2: ddk.diffie_hellman(&ek.public_key()).unwrap(),
        dh3: spk.diffie_hellman(&ek.public_key()).unwrap(),
        dh4: bob.party.opk.secret().diffie_hellman(&ek.public_key()).unwrap(),
    };
    let keys = secrets.derive(&header.sid());
    let peer = SessionPeer { device: *bob.party.public() };
    let simulated = Session::as_initiator(header.sid(), peer, header, keys, bundle.spk.key, at(0));
    let (init, simulated) = send(&simulated, b"I never wrote this", 5);
    let accepted = bob.accept(init.as_bytes(), &alice, Offer::OneTime).unwrap();
    assert_eq!(accepted.opened.content(), b"I never wrote this");
    // And the conversation goes on, both halves in Bob's hands.
    let (answer, _) = send(&accepted.session, b"nor this", 6);
    let (opened, _) = crate::ratchet::tests::fixture::open(&simulated, answer.as_bytes(), at(3)).unwrap();
    assert_eq!(opened.content(), b"nor this");
}
