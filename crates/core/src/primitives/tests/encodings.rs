//! `docs/protocol.md` B1.1: tag, exact length, canonical form.

use proptest::prelude::*;
use zeroize::Zeroizing;

use crate::primitives::{
    Ed25519PublicKey, KeyError, MlKem768Ciphertext, MlKem768PublicKey, MlKem768Secret, MlKem1024Ciphertext,
    MlKem1024PublicKey, MlKem1024Secret, PublicKey, Tag, X25519PublicKey, XWingPublicKey, XWingSecret,
};
use crate::testing::{ed25519, x25519};

/// What parsing and writing again gives.
type Parse = fn(&[u8]) -> Result<Vec<u8>, KeyError>;

fn parse<K: PublicKey>(bytes: &[u8]) -> Result<Vec<u8>, KeyError> {
    K::from_tagged(bytes).map(|key| key.to_tagged())
}

/// One good encoding of each type of B1.1 that is parsed by tag. (`enc`, 0x15, travels raw.)
fn samples() -> Vec<(Vec<u8>, Parse)> {
    let seed = Zeroizing::new([7; 64]);
    let m = Zeroizing::new([9; 32]);
    let small = MlKem768Secret::from_seed(&seed).public_key();
    let big = MlKem1024Secret::from_seed(&seed).public_key();
    let (small_ct, _) = small.encapsulate(&m).unwrap();
    let (big_ct, _) = big.encapsulate(&m).unwrap();
    let x_wing = XWingSecret::from_seed(&m).public_key().unwrap();
    vec![
        (ed25519(1).public_key().to_tagged(), parse::<Ed25519PublicKey>),
        (x25519(1).public_key().to_tagged(), parse::<X25519PublicKey>),
        (small.to_tagged(), parse::<MlKem768PublicKey>),
        (big.to_tagged(), parse::<MlKem1024PublicKey>),
        (x_wing.to_tagged(), parse::<XWingPublicKey>),
        (small_ct.to_tagged(), parse::<MlKem768Ciphertext>),
        (big_ct.to_tagged(), parse::<MlKem1024Ciphertext>),
    ]
}

#[test]
fn tags_and_lengths_are_those_of_the_table() {
    let expected = [(0x01, 33), (0x02, 33), (0x03, 1185), (0x04, 1569), (0x05, 1217), (0x13, 1089), (0x14, 1569)];
    for ((bytes, _), (tag, len)) in samples().iter().zip(expected) {
        assert_eq!((bytes[0], bytes.len()), (tag, len));
    }
    assert_eq!(Tag::XWingCiphertext as u8, 0x15);
}

#[test]
fn the_short_form_of_32_byte_keys_is_the_same_encoding() {
    assert_eq!(ed25519(1).public_key().tagged()[..], ed25519(1).public_key().to_tagged());
    assert_eq!(x25519(1).public_key().tagged()[..], x25519(1).public_key().to_tagged());
}

#[test]
fn t001_key_with_any_other_tag_is_rejected() {
    for (good, parse) in samples() {
        for tag in (0..=255).filter(|tag| *tag != good[0]) {
            let mut bad = good.clone();
            bad[0] = tag;
            assert_eq!(parse(&bad), Err(KeyError::Tag), "tag {tag:#04x} in place of {:#04x}", good[0]);
        }
        assert_eq!(parse(&good), Ok(good));
    }
}

#[test]
fn t001_no_type_parses_as_another() {
    let samples = samples();
    for (i, (bytes, _)) in samples.iter().enumerate() {
        for (j, (_, parse)) in samples.iter().enumerate() {
            let expected = if i == j { Ok(bytes.clone()) } else { Err(KeyError::Tag) };
            assert_eq!(parse(bytes), expected);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn t001_arbitrary_bytes_are_refused_or_come_back_the_same(index in 0_usize..7, raw in prop::collection::vec(any::<u8>(), 1_600)) {
        let (good, parse) = &samples()[index];
        let mut bytes = raw[..good.len()].to_vec();
        bytes[0] = good[0];
        if let Ok(again) = parse(&bytes) {
            prop_assert_eq!(again, bytes);
        }
    }
}

#[test]
fn t002_every_other_length_is_rejected() {
    for (good, parse) in samples() {
        for length in 1..good.len() {
            assert_eq!(parse(&good[..length]), Err(KeyError::Length), "{length} of {}", good.len());
        }
        assert_eq!(parse(&[]), Err(KeyError::Length));
        assert_eq!(parse(&good), Ok(good));
    }
}

#[test]
fn t002_trailing_bytes_are_rejected() {
    for (good, parse) in samples() {
        for trailing in [&[0][..], &[0xff], &[0; 32]] {
            assert_eq!(parse(&[&good, trailing].concat()), Err(KeyError::Length));
        }
        assert_eq!(parse(&good), Ok(good));
    }
}

/// Writes `value` as coefficient `index` of a vector of 12-bit numbers (FIPS 203, ByteEncode12).
fn set_coefficient(bytes: &mut [u8], index: usize, value: u16) {
    let [low, high] = value.to_le_bytes();
    let at = index / 2 * 3;
    if index.is_multiple_of(2) {
        bytes[at] = low;
        bytes[at + 1] = bytes[at + 1] & 0xf0 | high;
    } else {
        bytes[at + 1] = bytes[at + 1] & 0x0f | low << 4;
        bytes[at + 2] = low >> 4 | high << 4;
    }
}

fn coefficients_are_checked<K: PublicKey>(good: &K, coefficients: usize) {
    for index in 0..coefficients {
        let mut raw = good.raw().to_vec();
        for bad in [3329, 4095] {
            set_coefficient(&mut raw, index, bad);
            assert_eq!(K::from_raw(&raw).err(), Some(KeyError::NotCanonical), "coefficient {index} = {bad}");
        }
        // Control: the greatest reduced value parses.
        set_coefficient(&mut raw, index, 3328);
        assert!(K::from_raw(&raw).is_ok(), "coefficient {index} = 3328");
    }
}

#[test]
fn t006_ml_kem_key_with_a_coefficient_that_is_not_reduced_is_rejected() {
    let seed = Zeroizing::new([7; 64]);
    coefficients_are_checked(&MlKem768Secret::from_seed(&seed).public_key(), 3 * 256);
    coefficients_are_checked(&MlKem1024Secret::from_seed(&seed).public_key(), 4 * 256);
}

#[test]
fn t006_x_wing_key_with_a_coefficient_that_is_not_reduced_is_rejected() {
    let key = XWingSecret::from_seed(&Zeroizing::new([7; 32])).public_key().unwrap();
    coefficients_are_checked(&key, 3 * 256);
}

#[test]
fn t007_ml_kem_1024_key_and_ciphertext_are_told_apart_by_tag() {
    let key = MlKem1024Secret::from_seed(&Zeroizing::new([7; 64])).public_key();
    let (ct, _) = key.encapsulate(&Zeroizing::new([9; 32])).unwrap();
    assert_eq!(key.raw().len(), ct.raw().len());
    assert_eq!(MlKem1024PublicKey::from_tagged(&ct.to_tagged()).err(), Some(KeyError::Tag));
    assert_eq!(MlKem1024Ciphertext::from_tagged(&key.to_tagged()).err(), Some(KeyError::Tag));
    assert!(MlKem1024PublicKey::from_tagged(&key.to_tagged()) == Ok(key));
    assert!(MlKem1024Ciphertext::from_tagged(&ct.to_tagged()) == Ok(ct));
}
