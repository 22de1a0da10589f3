//! Secrets are wiped, never printed, and never made from a source that failed: `docs/protocol.md` B1.1 and B15.

use core::fmt::Debug;

use subtle::ConstantTimeEq as _;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::identity::LocalDevice;
use crate::ids::{AccountId, ConversationId, GroupId, MessageId, OrgId, SessionId};
use crate::prekey::{EnvelopePrekey, KemPrekey, KeyId, OneTimePrekey, SignedPrekey};
use crate::primitives::aead::AeadKey;
use crate::primitives::{Ed25519Secret, MlKem768Secret, MlKem1024Secret, Secret, X25519Secret, XWingSecret};
use crate::random::{RandomError, draw};
use crate::testing::{Broken, account, address, at, ed25519, rng};
use crate::wire::v1;

/// One byte everywhere: its hexadecimal and decimal forms are what must not be seen.
const CANARY: u8 = 0xc5;

fn prints_nothing(value: &impl Debug) {
    for text in [format!("{value:?}"), format!("{value:#?}")] {
        assert!(!text.is_empty());
        for trace in ["c5", "C5", "197", "\u{c5}"] {
            assert!(!text.contains(trace), "{text}");
        }
    }
}

// Each line fails to compile if the type does not wipe itself.
const fn wiped<T: ZeroizeOnDrop>() {}
const _: () = {
    wiped::<Secret<32>>();
    wiped::<Secret<64>>();
    wiped::<Zeroizing<[u8; 32]>>();
    wiped::<x25519_dalek::StaticSecret>();
    wiped::<x25519_dalek::SharedSecret>();
    wiped::<ed25519_dalek::SigningKey>();
    wiped::<ml_kem::ml_kem_768::DecapsulationKey>();
    wiped::<ml_kem::ml_kem_1024::DecapsulationKey>();
    wiped::<x_wing::DecapsulationKey>();
    wiped::<aes_gcm::Aes256Gcm>();
    wiped::<sha2::Sha256>();
};

#[test]
fn t126_debug_of_keys_prints_no_byte() {
    // Control: the canaries are what a derived Debug would print.
    assert!(format!("{:?}", [CANARY; 4]).contains("197"));
    let (small, big) = (Zeroizing::new([CANARY; 32]), Zeroizing::new([CANARY; 64]));
    prints_nothing(&Secret::new(&small));
    prints_nothing(&X25519Secret::from_seed(&small));
    prints_nothing(&Ed25519Secret::from_seed(&small));
    prints_nothing(&MlKem768Secret::from_seed(&big));
    prints_nothing(&MlKem1024Secret::from_seed(&big));
    prints_nothing(&XWingSecret::from_seed(&small));
    prints_nothing(&AeadKey::new(&small));
}

#[test]
fn t126_debug_of_public_keys_and_ids_prints_no_byte() {
    let (small, big) = (Zeroizing::new([CANARY; 32]), Zeroizing::new([CANARY; 64]));
    let kem = MlKem768Secret::from_seed(&big).public_key();
    let exact = [
        (format!("{:?}", X25519Secret::from_seed(&small).public_key()), "X25519PublicKey(..)"),
        (format!("{:?}", Ed25519Secret::from_seed(&small).public_key()), "Ed25519PublicKey(..)"),
        (format!("{kem:?}"), "MlKem768PublicKey(..)"),
        (format!("{:?}", kem.encapsulate(&small).unwrap().0), "MlKem768Ciphertext(..)"),
        (format!("{:?}", XWingSecret::from_seed(&small).public_key().unwrap()), "XWingPublicKey(..)"),
        (format!("{:?}", AccountId::from_bytes([CANARY; 16])), "AccountId(..)"),
        (format!("{:?}", GroupId::from_bytes([CANARY; 16])), "GroupId(..)"),
        (format!("{:?}", OrgId::from_bytes([CANARY; 16])), "OrgId(..)"),
        (format!("{:?}", MessageId::from_bytes([CANARY; 16])), "MessageId(..)"),
        (format!("{:?}", ConversationId::from_bytes([CANARY; 16])), "ConversationId(..)"),
        (format!("{:?}", SessionId::from_bytes([CANARY; 32])), "SessionId(..)"),
    ];
    for (printed, expected) in exact {
        assert_eq!(printed, expected);
    }
    prints_nothing(&address(CANARY, 197, 197));
    assert_ne!(account(CANARY), account(0));
}

#[test]
fn t126_debug_of_devices_prekeys_and_wire_objects_prints_no_byte() {
    let seed = Zeroizing::new([CANARY; 32]);
    let device = LocalDevice::from_seeds(address(1, 1, 1), ed25519(1).public_key(), &seed, &seed);
    prints_nothing(&device);
    prints_nothing(device.public());
    prints_nothing(&SignedPrekey::from_seed(&device, KeyId(1), at(0), &seed));
    prints_nothing(&OneTimePrekey::from_seed(&device, KeyId(1), at(0), &seed));
    prints_nothing(&KemPrekey::generate_one_time(&device, KeyId(1), at(0), &mut rng(1)).unwrap());
    prints_nothing(&EnvelopePrekey::generate(&device, KeyId(1), at(0), &mut rng(1)).unwrap());
    prints_nothing(&v1::Signed { body: vec![CANARY; 9], sig: vec![CANARY; 64] });
    prints_nothing(&v1::AttachmentMsg { key: vec![CANARY; 32], ..Default::default() });
    let text = v1::Text { text: "c5 and 197".into(), reply_to: vec![] };
    prints_nothing(&text);
    prints_nothing(&v1::Content { body: Some(v1::content::Body::Text(text)), ..Default::default() });
}

#[test]
fn t128_nothing_is_drawn_from_a_broken_source() {
    assert_eq!(draw::<32>(&mut Broken), Err(RandomError));
    assert!(draw::<32>(&mut rng(1)).is_ok());
}

#[test]
fn t128_no_key_is_made_with_a_broken_source() {
    let aik = ed25519(1).public_key();
    let device = LocalDevice::generate(address(1, 1, 1), aik, &mut rng(1)).unwrap();
    let id = KeyId(1);
    assert!(matches!(LocalDevice::generate(address(1, 1, 1), aik, &mut Broken), Err(RandomError)));
    assert!(matches!(SignedPrekey::generate(&device, id, at(0), &mut Broken), Err(RandomError)));
    assert!(matches!(OneTimePrekey::generate(&device, id, at(0), &mut Broken), Err(RandomError)));
    assert!(matches!(KemPrekey::generate_one_time(&device, id, at(0), &mut Broken), Err(RandomError)));
    assert!(matches!(KemPrekey::generate_last_resort(&device, id, at(0), &mut Broken), Err(RandomError)));
    assert!(matches!(EnvelopePrekey::generate(&device, id, at(0), &mut Broken), Err(RandomError)));
    assert!(SignedPrekey::generate(&device, id, at(0), &mut rng(1)).is_ok());
}

#[test]
fn secrets_compare_in_constant_time_and_by_value() {
    let (one, same, other) = (Secret::copy_of(&[1; 32]), Secret::copy_of(&[1; 32]), Secret::copy_of(&[2; 32]));
    assert!(bool::from(one.ct_eq(&same)));
    assert!(!bool::from(one.ct_eq(&other)));
    assert!(Secret::<32>::from_slice(&[1; 31]).is_none() && Secret::<32>::from_slice(&[1; 33]).is_none());
}
