//! The sealed form: T77, T78, T82 to T84, T86, T87.

use prost::Message as _;
use zeroize::Zeroizing;

use super::fixture::{NOW, World, live, tagged};
use crate::envelope::seal::{KIND_INIT, KIND_SESSION};
use crate::envelope::tag::{TagKey, info};
use crate::envelope::{Envelope, EnvelopeKeyError, Inner, LiveEnvelopeKey, Pinned, SealTo, SealedBy};
use crate::errors::DecryptError::{DecryptFailed, NoSession, UnsupportedVersion};
use crate::handshake::Recipient;
use crate::identity::DevicePublic;
use crate::ids::{DeviceAddress, RegNonce};
use crate::labels::Label;
use crate::prekey::{EnvelopePrekey, KeyId};
use crate::primitives::{setup_receiver, setup_sender};
use crate::ratchet::tests::fixture::flipped;
use crate::ratchet::{Outgoing, SendOptions, SessionMessage};
use crate::testing::{Party, address, at, rng};
use crate::time::DAY_MS;
use crate::wire::{lp, v1};

#[test]
fn sealed_init_is_delivered_and_accepted() {
    let world = World::new();
    let (init, _) = world.initiated();
    let delivered = world.delivered(&world.seal(&init)).unwrap();
    assert_eq!(delivered.certificate.device, *world.alice.public());
    let Inner::Init(inner) = &delivered.inner else { panic!("kind 1") };
    assert_eq!(world.accept(inner, &delivered).unwrap().opened.content(), b"hello");
}

#[test]
fn t077_flipped_bits_fail() {
    let world = World::new();
    let envelope = world.seal(&world.initiated().0);
    for bit in (0..16).filter(|bit| *bit != 1) {
        assert_eq!(world.tagged(&flipped(&envelope, bit)).map(|_| ()).unwrap_err(), UnsupportedVersion, "bit {bit}");
    }
    // Bit 1 makes the type that of a bare message (0x03), which no session opens.
    let bare = flipped(&envelope, 1);
    let Envelope::Session(message) = Envelope::parse(&bare).unwrap() else { panic!("sealed") };
    let session = crate::ratchet::tests::fixture::established(77).bob;
    assert_eq!(crate::envelope::open_on(&message, [&session], at(10)).unwrap_err(), NoSession);
    // env_hint whole; of enc and ct one bit of every 11th byte, and the tag of GCM whole.
    let hint = 16..24;
    let some = (3..envelope.len()).step_by(11).map(|byte| byte * 8 + byte % 8);
    let gcm_tag = (envelope.len() - 16) * 8..envelope.len() * 8;
    for bit in hint.chain(some).chain(gcm_tag) {
        assert_eq!(world.tagged(&flipped(&envelope, bit)).map(|_| ()).unwrap_err(), DecryptFailed, "bit {bit}");
    }
    world.tagged(&envelope).unwrap();
}

#[test]
fn t077_cut_off_and_lengthened_envelopes_fail() {
    let world = World::new();
    let envelope = world.seal(&world.initiated().0);
    for length in (0..envelope.len()).step_by(97).chain([1, 2, 3, 1122, 1123, 1139]) {
        assert_eq!(world.tagged(&envelope[..length]).map(|_| ()).unwrap_err(), DecryptFailed, "{length}");
    }
    let longer = [envelope.as_slice(), &[0]].concat();
    assert_eq!(world.tagged(&longer).map(|_| ()).unwrap_err(), DecryptFailed);
}

#[test]
fn envelope_above_the_limit_is_refused_before_any_cryptography() {
    let mut bytes = vec![0; crate::limits::ENVELOPE_BYTES + 1];
    for kind in [0x01, 0x02, 0x03, 0x33] {
        bytes[0] = kind;
        assert_eq!(Envelope::parse(&bytes).unwrap_err(), DecryptFailed);
    }
}

#[test]
fn t078_envelope_for_another_device_or_registration_fails() {
    let world = World::new();
    let envelope = world.seal(&world.initiated().0);
    // The same keys under another device id, and after re-registration: only the address differs.
    for elsewhere in [address(2, 2, 1002), address(2, 1, 7), address(3, 1, 1002)] {
        let device = world.bob.device.moved_to(elsewhere);
        let recipient = Recipient { device: &device, previous_aiks: &[] };
        let Envelope::Sealed(sealed) = Envelope::parse(&envelope).unwrap() else { panic!("bare") };
        let opened = sealed.open(recipient, &[live(&world.bob, None, at(10)).unwrap()], &world.trust());
        assert_eq!(opened.map(|_| ()).unwrap_err(), DecryptFailed);
    }
    let other = Party::device(2, 2, 9);
    assert_eq!(tagged(&envelope, &other, &world.trust()).map(|_| ()).unwrap_err(), DecryptFailed);
    world.tagged(&envelope).unwrap();
}

/// What Alice seals, with its content changed.
fn with_content(world: &World, change: impl FnOnce(&mut v1::SealedContent)) -> Vec<u8> {
    let mut content = content(world);
    change(&mut content);
    world.seal_body(&framed(&content))
}

fn content(world: &World) -> v1::SealedContent {
    v1::SealedContent {
        kind: KIND_INIT,
        device_cert: Some(world.certificates.device.clone()),
        issuer_cert: Some(world.certificates.issuer.clone()),
        inner: world.initiated().0.as_bytes().to_vec(),
        manifest: Some(world.alice.manifest.to_signed()),
    }
}

fn framed(content: &v1::SealedContent) -> Vec<u8> {
    let content = content.encode_to_vec();
    let mut body = [lp(&content).as_slice(), &content].concat();
    body.resize((body.len() + 32).next_multiple_of(1024) - 32, 0);
    body
}

/// What Alice seals to Bob's keys, with one address in the encapsulation's `info` and another in the tag.
fn addressed(world: &World, in_info: DeviceAddress, in_tag: DeviceAddress) -> Vec<u8> {
    let to = DevicePublic { address: in_tag, ..world.bundle.device };
    let (env, body) = (world.env(), framed(&content(world)));
    let (enc, context) = setup_sender(&env.key, &info(in_info, &env.record), &Zeroizing::new([9; 64])).unwrap();
    let dh = world.alice.device.ddk().diffie_hellman(&to.ddk).unwrap();
    let (export, hint) = (context.export(Label::SealedExport).unwrap(), env.key_id.hint());
    let tag = TagKey { export: &export, dh: &dh, enc: &enc, hint }.tag(&body, world.alice.public(), &to);
    let header = [0x01, 0x01, hint];
    let sealed = context.seal(&header, &[tag.as_slice(), &body].concat()).unwrap();
    [header.as_slice(), &enc, &sealed].concat()
}

#[test]
fn t078_the_encapsulation_and_the_tag_each_bind_the_address() {
    let world = World::new();
    let (bob, elsewhere) = (world.bob.public().address, address(2, 2, 1002));
    for (in_info, in_tag) in [(elsewhere, bob), (bob, elsewhere)] {
        let envelope = addressed(&world, in_info, in_tag);
        assert_eq!(world.tagged(&envelope).map(|_| ()).unwrap_err(), DecryptFailed);
    }
    world.tagged(&addressed(&world, bob, bob)).unwrap();
}

#[test]
fn t082_unknown_kinds_and_kinds_with_the_wrong_parts_fail() {
    let world = World::new();
    world.tagged(&with_content(&world, |_| ())).unwrap();
    let refused = |change: &dyn Fn(&mut v1::SealedContent)| {
        let envelope = with_content(&world, change);
        assert_eq!(world.tagged(&envelope).map(|_| ()).unwrap_err(), DecryptFailed);
    };
    refused(&|content| content.kind = 0);
    refused(&|content| content.kind = 3);
    refused(&|content| content.kind = 99);
    refused(&|content| content.kind = KIND_SESSION);
    refused(&|content| content.manifest = None);
    refused(&|content| content.device_cert = None);
    refused(&|content| content.issuer_cert = None);
}

#[test]
fn t082_init_kind_with_a_session_message_fails() {
    let world = World::new();
    let mut pair = crate::ratchet::tests::fixture::established(1);
    let message = pair.alice_says(b"word", 1);
    let envelope = with_content(&world, |content| content.inner = message);
    let delivered = world.delivered(&envelope).unwrap();
    assert_eq!(delivered.init().map(|_| ()).unwrap_err(), DecryptFailed);
    assert_eq!(delivered.session_message().map(|_| ()).unwrap_err(), DecryptFailed);
}

#[test]
fn t082_session_kind_with_an_init_fails() {
    let world = World::new();
    let init = world.initiated().0.as_bytes().to_vec();
    let envelope = with_content(&world, |content| {
        (content.kind, content.manifest, content.inner) = (KIND_SESSION, None, init);
    });
    let pin = world.alice.pin();
    let judged = world.judged(&envelope, NOW, Pinned::Contact(&pin)).unwrap();
    let crate::envelope::Judged::Delivered(delivered) = judged else { panic!("held") };
    assert_eq!(delivered.session_message().map(|_| ()).unwrap_err(), DecryptFailed);
    assert_eq!(delivered.init().map(|_| ()).unwrap_err(), DecryptFailed);
}

#[test]
fn t082_length_and_padding_of_the_plaintext() {
    let world = World::new();
    let content = v1::SealedContent {
        kind: KIND_INIT,
        device_cert: Some(world.certificates.device.clone()),
        issuer_cert: Some(world.certificates.issuer.clone()),
        inner: world.initiated().0.as_bytes().to_vec(),
        manifest: Some(world.alice.manifest.to_signed()),
    }
    .encode_to_vec();
    let body = |length: usize| {
        let mut body = [lp(&content).as_slice(), &content].concat();
        body.resize(length - 32, 0);
        body
    };
    let whole = (content.len() + 36).next_multiple_of(1024);
    let refused =
        |body: &[u8]| assert_eq!(world.tagged(&world.seal_body(body)).map(|_| ()).unwrap_err(), DecryptFailed);
    world.tagged(&world.seal_body(&body(whole))).unwrap();
    world.tagged(&world.seal_body(&body(whole + 1024))).unwrap();
    refused(&body(whole + 1));
    refused(&body(whole - 1));
    refused(&body(whole)[..1024 - 32]);
    for at in [content.len() + 4, whole - 33] {
        let mut dirty = body(whole);
        dirty[at] = 1;
        refused(&dirty);
    }
    let mut long = body(whole);
    long[..4].copy_from_slice(&u32::MAX.to_be_bytes());
    refused(&long);
    refused(&[]);
}

#[test]
fn t082_content_that_is_not_canonical_fails() {
    let world = World::new();
    let mut content = v1::SealedContent {
        kind: KIND_INIT,
        device_cert: Some(world.certificates.device.clone()),
        issuer_cert: Some(world.certificates.issuer.clone()),
        inner: world.initiated().0.as_bytes().to_vec(),
        manifest: Some(world.alice.manifest.to_signed()),
    }
    .encode_to_vec();
    content.extend_from_slice(&[0x30, 0x01]); // field 6, unknown
    let mut body = [lp(&content).as_slice(), &content].concat();
    body.resize((body.len() + 32).next_multiple_of(1024) - 32, 0);
    assert_eq!(world.tagged(&world.seal_body(&body)).map(|_| ()).unwrap_err(), DecryptFailed);
}

#[test]
fn t082_session_message_of_another_devices_session_is_not_tried() {
    let world = World::new();
    let (init, _) = world.initiated();
    let mut delivered = world.delivered(&world.seal(&init)).unwrap();
    let Inner::Init(inner) = &delivered.inner else { panic!("kind 1") };
    let accepted = world.accept(inner, &delivered).unwrap().session;
    let (answer, own) = accepted.encrypt(b"answer", SendOptions::CLINICAL, at(11), &mut rng(5)).unwrap();
    let alice = crate::ratchet::tests::fixture::open(&world.initiated().1, answer.as_bytes(), at(12)).unwrap().1;
    let (message, _) = alice.encrypt(b"sealed", SendOptions::CLINICAL, at(13), &mut rng(6)).unwrap();
    let bytes = message.as_bytes().to_vec();
    let message = SessionMessage::parse(&bytes).unwrap();
    let foreign = crate::ratchet::tests::fixture::established(1).bob;
    assert_eq!(delivered.open_on(&message, [&foreign, &own], at(14)).unwrap().session.sid(), own.sid(), "control");
    assert_eq!(delivered.open_on(&message, [&foreign], at(14)).map(|_| ()).unwrap_err(), NoSession);
    // Somebody else's envelope around it, or that of an earlier registration of Alice's device.
    let other = World { alice: Party::new(5), ..World::new() }.delivered_by_alice();
    assert_eq!(other.open_on(&message, [&own], at(14)).map(|_| ()).unwrap_err(), NoSession);
    delivered.certificate.device.address.reg = RegNonce::new(5).unwrap();
    assert_eq!(delivered.open_on(&message, [&own], at(14)).map(|_| ()).unwrap_err(), NoSession);
}

impl World {
    fn delivered_by_alice(self) -> crate::envelope::AuthenticatedEnvelope {
        let certificates = self.alice.certificates(at(10));
        let world = Self { certificates, ..self };
        world.delivered(&world.seal(&world.initiated().0)).unwrap()
    }
}

#[test]
fn t083_previous_envelope_key_opens_for_30_days() {
    let world = World::new();
    let envelope = world.seal(&world.initiated().0);
    let newest = EnvelopePrekey::generate(&world.bob.device, KeyId(0x501), at(0), &mut rng(83)).unwrap();
    let replaced = at(20);
    let open = |now| {
        let mut keys = vec![LiveEnvelopeKey::new(&newest, None, now).unwrap()];
        keys.extend(live(&world.bob, Some(replaced), now));
        let Envelope::Sealed(sealed) = Envelope::parse(&envelope).unwrap() else { panic!("bare") };
        let recipient = Recipient { device: &world.bob.device, previous_aiks: &[] };
        sealed.open(recipient, &keys, &world.trust()).map(|_| ())
    };
    open(replaced.plus(30 * DAY_MS - 1)).unwrap();
    assert_eq!(open(replaced.plus(30 * DAY_MS)).unwrap_err(), DecryptFailed);
}

/// R1 = Bob takes what Alice sealed to him, tag and body, and puts it into an envelope of his own for R2.
#[test]
fn t084_body_and_tag_in_another_recipients_envelope_fail() {
    let world = World::new();
    let envelope = world.seal(&world.initiated().0);
    let carol = Party::new(3);
    let carols = carol.verified_bundle(at(10));
    // What Bob sees when he opens it.
    let enc: &[u8; 1120] = envelope[3..1123].try_into().unwrap();
    let own_info = info(world.bob.public().address, world.bob.env.record());
    let mut context = setup_receiver(world.bob.env.secret(), enc, &own_info).unwrap();
    let plaintext = context.open(&envelope[..3], &envelope[1123..]).unwrap();
    let wrapped = |to: &Party, record: &crate::prekey::PublishedRecord<crate::primitives::XWingPublicKey>| {
        let info = info(to.public().address, &record.record);
        let (enc, context) = setup_sender(&record.key, &info, &Zeroizing::new([8; 64])).unwrap();
        let header = [0x01, 0x01, record.key_id.hint()];
        [header.as_slice(), &enc, &context.seal(&header, &plaintext).unwrap()].concat()
    };
    assert_eq!(tagged(&wrapped(&carol, &carols.env), &carol, &world.trust()).map(|_| ()).unwrap_err(), DecryptFailed);
    // And a thief of ENV_B who makes a second envelope, with a new id, for Bob himself.
    assert_eq!(world.tagged(&wrapped(&world.bob, world.env())).map(|_| ()).unwrap_err(), DecryptFailed);
}

#[test]
fn t086_other_types_are_unsupported() {
    for kind in [0x00, 0x02, 0x04, 0x31, 0x33, 0xff] {
        let mut bytes = vec![0; 2_000];
        bytes[0] = kind;
        assert_eq!(Envelope::parse(&bytes).unwrap_err(), UnsupportedVersion, "{kind:#x}");
    }
    assert_eq!(Envelope::parse(&[]).unwrap_err(), DecryptFailed);
}

/// An adversary with a quantum computer knows DH(DDK_A, DDK_B), not the HPKE export: it cannot test a guess of the
/// sender against a recorded tag.
#[test]
fn t087_the_tag_needs_the_export_and_the_dh() {
    let world = World::new();
    let envelope = world.seal(&world.initiated().0);
    let enc: &[u8; 1120] = envelope[3..1123].try_into().unwrap();
    let own_info = info(world.bob.public().address, world.bob.env.record());
    let mut context = setup_receiver(world.bob.env.secret(), enc, &own_info).unwrap();
    let export = context.export(Label::SealedExport).unwrap();
    let plaintext = context.open(&envelope[..3], &envelope[1123..]).unwrap();
    let (tag, body) = plaintext.split_first_chunk::<32>().unwrap();
    let dh = world.alice.device.ddk().diffie_hellman(&world.bob.public().ddk).unwrap();
    let computed = |export: &Zeroizing<[u8; 32]>, dh: &Zeroizing<[u8; 32]>, hint: u8| {
        TagKey { export, dh, enc, hint }.tag(body, world.alice.public(), world.bob.public())
    };
    let (hint, unknown) = (envelope[2], Zeroizing::new([0; 32]));
    assert_eq!(computed(&export, &dh, hint), *tag, "control");
    assert_ne!(computed(&unknown, &dh, hint), *tag);
    assert_ne!(computed(&export, &unknown, hint), *tag);
    assert_ne!(computed(&export, &dh, hint ^ 1), *tag);
}

#[test]
fn t080_stolen_certificate_with_a_tag_of_ones_own_fails() {
    // Mallory is a contact of Bob's too, and has Alice's certificate from an envelope that she got.
    let world = World::new();
    let mallory = Party::new(9);
    let manifest = world.alice.manifest.to_signed();
    let by = SealedBy {
        device: &mallory.device,
        device_cert: &world.certificates.device,
        issuer_cert: &world.certificates.issuer,
        manifest: &manifest,
    };
    let to = SealTo::new(&world.bundle.device, world.env(), at(10)).unwrap();
    let envelope = by.seal(&Outgoing::Init(vec![0; 1_928]), to, &mut rng(5)).unwrap();
    assert_eq!(world.tagged(&envelope).map(|_| ()).unwrap_err(), DecryptFailed);
    // Even with Alice's name in the tag: its key needs a private key of hers or of Bob's.
    let impostor = mallory.device.posing_as(world.alice.public());
    let by = SealedBy { device: &impostor, ..by };
    let envelope = by.seal(&Outgoing::Init(vec![0; 1_928]), to, &mut rng(5)).unwrap();
    assert_eq!(world.tagged(&envelope).map(|_| ()).unwrap_err(), DecryptFailed);
    let by = SealedBy { device: &world.alice.device, ..by };
    let envelope = by.seal(&Outgoing::Init(vec![0; 1_928]), to, &mut rng(5)).unwrap();
    world.tagged(&envelope).unwrap();
}

#[test]
fn expired_or_foreign_envelope_key_is_not_sealed_to() {
    let world = World::new();
    let (device, env) = (&world.bundle.device, world.env());
    let refused = |device, now| SealTo::new(device, env, now).map(|_| ());
    assert_eq!(refused(device, env.not_after.minus(1)), Ok(()), "control");
    assert_eq!(refused(device, env.not_after), Err(EnvelopeKeyError::Expired));
    let other_device = DevicePublic { address: world.alice.public().address, ..*device };
    assert_eq!(refused(&other_device, at(10)), Err(EnvelopeKeyError::OtherDevice));
    let mut registered_again = *device;
    registered_again.address.reg = RegNonce::new(9).unwrap();
    assert_eq!(refused(&registered_again, at(10)), Err(EnvelopeKeyError::OtherDevice));
}
