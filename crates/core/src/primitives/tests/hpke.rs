//! X-Wing and HPKE with KEM 0x647A: `docs/protocol.md` B7.2.

use hpke::{Deserializable as _, Kem as _, Serializable as _};
use serde::Deserialize;
use x_wing::KeyExport as _;
use zeroize::Zeroizing;

use super::{Hex, data};
use crate::labels::Label;
use crate::primitives::hpke::{ENC_BYTES, HpkeError};
use crate::primitives::{PublicKey as _, XWingPublicKey, XWingSecret, setup_receiver, setup_sender};
use crate::random::draw;
use crate::testing::rng;

type Kem = hpke::kem::XWing;

#[derive(Deserialize)]
struct XWingVector {
    seed: Hex,
    eseed: Hex,
    ss: Hex,
    pk: Hex,
    ct: Hex,
}

#[derive(Deserialize)]
struct HpkeFile {
    draft: Draft,
    interop: Vec<Interop>,
}

#[derive(Deserialize)]
struct Draft {
    seed: Hex,
    public_key: Hex,
    info: Hex,
    randomness: Hex,
    enc: Hex,
    shared_secret: Hex,
}

#[derive(Deserialize)]
struct Interop {
    seed: Hex,
    public_key: Hex,
    info: Hex,
    enc: Hex,
    aad: Hex,
    plaintext: Hex,
    ciphertext: Hex,
    export_label: Hex,
    export: Hex,
}

fn file() -> HpkeFile {
    data(include_str!("../../../testdata/hpke_xwing.json"))
}

/// The KEM's own shared secret: HPKE with 0x647A uses it as it is.
fn shared_secret(secret: &XWingSecret, enc: &[u8]) -> Vec<u8> {
    let enc = <Kem as hpke::Kem>::EncappedKey::from_bytes(enc).unwrap();
    let key = <Kem as hpke::Kem>::PrivateKey::from_bytes(secret.seed()).unwrap();
    Kem::decap(&key, None, &enc).unwrap().0.to_vec()
}

#[test]
fn t010_x_wing_has_the_answers_of_the_draft() {
    let vectors: Vec<XWingVector> = data(include_str!("../../../testdata/xwing.json"));
    assert_eq!(vectors.len(), 3);
    for vector in vectors {
        let secret = XWingSecret::from_seed(&vector.seed.array());
        assert_eq!(secret.public_key().unwrap().raw(), vector.pk.0);
        let (enc, _) = setup_sender(&secret.public_key().unwrap(), b"", &vector.eseed.array()).unwrap();
        assert_eq!(enc[..], vector.ct.0);
        assert_eq!(shared_secret(&secret, &vector.ct.0), vector.ss.0);
    }
}

#[test]
fn t010_hpke_encapsulates_as_the_draft_does() {
    let Draft { seed, public_key, info, randomness, enc, shared_secret: expected } = file().draft;
    let secret = XWingSecret::from_seed(&seed.array());
    let public = XWingPublicKey::from_raw(&public_key.0).unwrap();
    assert!(secret.public_key().unwrap() == public);
    assert_eq!(setup_sender(&public, &info.0, &randomness.array()).unwrap().0[..], enc.0);
    assert_eq!(shared_secret(&secret, &enc.0), expected.0);
}

#[test]
fn t010_hpke_opens_what_another_implementation_sealed() {
    let interop = file().interop;
    assert_eq!(interop.len(), 4);
    for vector in interop {
        let secret = XWingSecret::from_seed(&vector.seed.array());
        assert_eq!(secret.public_key().unwrap().raw(), vector.public_key.0);
        let enc: [u8; ENC_BYTES] = vector.enc.0.as_slice().try_into().unwrap();
        let mut context = setup_receiver(&secret, &enc, &vector.info.0).unwrap();
        assert_eq!(vector.export_label.0, Label::SealedExport.framed());
        assert_eq!(context.export(Label::SealedExport).unwrap()[..], vector.export.0);
        // Another context, other associated data: nothing opens, and the context stays usable.
        let mut other = setup_receiver(&secret, &enc, b"other info").unwrap();
        assert_eq!(other.open(&vector.aad.0, &vector.ciphertext.0), Err(HpkeError));
        assert_eq!(context.open(b"other aad", &vector.ciphertext.0), Err(HpkeError));
        assert_eq!(context.open(&vector.aad.0, &vector.ciphertext.0).unwrap()[..], vector.plaintext.0);
    }
}

#[test]
fn t010_encapsulation_agrees_with_the_x_wing_crate() {
    let mut rng = rng(10);
    for _ in 0..100 {
        let seed = draw(&mut rng).unwrap();
        let randomness: Zeroizing<[u8; 64]> = draw(&mut rng).unwrap();
        let theirs = x_wing::DecapsulationKey::from(*seed);
        let their_public = x_wing::Decapsulator::encapsulation_key(&theirs);
        let secret = XWingSecret::from_seed(&seed);
        let public = secret.public_key().unwrap();
        assert_eq!(public.raw(), their_public.to_bytes().as_slice());
        let (ct, ss) = their_public.encapsulate_deterministic((&*randomness).into());
        let (enc, sender) = setup_sender(&public, b"info", &randomness).unwrap();
        assert_eq!(enc[..], ct[..]);
        assert_eq!(shared_secret(&secret, &enc), ss.as_slice());
        let receiver = setup_receiver(&secret, &enc, b"info").unwrap();
        assert_eq!(sender.export(Label::SealedExport), receiver.export(Label::SealedExport));
    }
}

#[test]
fn a_sealed_text_opens_once_and_every_flipped_byte_is_refused() {
    let secret = XWingSecret::from_seed(&Zeroizing::new([1; 32]));
    let (enc, sender) = setup_sender(&secret.public_key().unwrap(), b"info", &Zeroizing::new([2; 64])).unwrap();
    let sealed = sender.seal(b"aad", b"text").unwrap();
    for index in (0..enc.len()).step_by(7) {
        let mut bad = enc;
        bad[index] ^= 1;
        let opened = setup_receiver(&secret, &bad, b"info").and_then(|mut context| context.open(b"aad", &sealed));
        assert_eq!(opened, Err(HpkeError), "enc, byte {index}");
    }
    for index in 0..sealed.len() {
        let mut bad = sealed.clone();
        bad[index] ^= 1;
        let opened = setup_receiver(&secret, &enc, b"info").unwrap().open(b"aad", &bad);
        assert_eq!(opened, Err(HpkeError), "ct, byte {index}");
    }
    let mut context = setup_receiver(&secret, &enc, b"info").unwrap();
    assert_eq!(context.open(b"aad", &sealed).unwrap()[..], b"text"[..]);
    assert_eq!(context.open(b"aad", &sealed), Err(HpkeError));
}

#[test]
fn private_keys_survive_their_seed() {
    let secret = XWingSecret::from_seed(&Zeroizing::new([1; 32]));
    let key = <Kem as hpke::Kem>::PrivateKey::from_bytes(secret.seed()).unwrap();
    assert_eq!(Kem::sk_to_pk(&key).to_bytes().as_slice(), secret.public_key().unwrap().raw());
}
