//! Rule R1: verify over the bytes received, then parse them.

use prost::Message as _;

use crate::labels::Label;
use crate::testing::ed25519;
use crate::wire::{SignedBody, WireError, v1};

// An object that has a version and that nobody signs, so that the trait stands alone here.
impl SignedBody for v1::SafetyQr {
    const LABEL: Label = Label::Safety;
    const LIMIT: usize = 64;

    fn version(&self) -> Option<u32> {
        Some(self.version)
    }
}

fn object(version: u32) -> v1::SafetyQr {
    v1::SafetyQr { version, local: vec![1; 8], remote: vec![2; 8] }
}

#[test]
fn a_signature_covers_the_bytes_of_the_body() {
    let key = ed25519(1);
    let good = object(1).sign(&key);
    assert!(v1::SafetyQr::verifies(&good, &key.public_key()));
    assert_eq!(v1::SafetyQr::parse(&good.body), Ok(object(1)));
    assert!(!v1::SafetyQr::verifies(&good, &ed25519(2).public_key()));
    for bit in 0..good.body.len() * 8 {
        let mut bad = good.clone();
        bad.body[bit / 8] ^= 1 << (bit % 8);
        assert!(!v1::SafetyQr::verifies(&bad, &key.public_key()), "bit {bit}");
    }
    for length in 0..64 {
        let bad = v1::Signed { body: good.body.clone(), sig: good.sig[..length].to_vec() };
        assert!(!v1::SafetyQr::verifies(&bad, &key.public_key()));
    }
}

#[test]
fn t012_signed_object_in_another_form_is_rejected_though_its_signature_is_valid() {
    let key = ed25519(1);
    let good = object(1).encode_to_vec();
    let forms = [
        ([&good[..], &[0x78, 0x01]].concat(), WireError::NotCanonical),
        ([&good[2..], &good[..2]].concat(), WireError::NotCanonical),
        ([&[0x08, 0x81, 0x00], &good[2..]].concat(), WireError::NotCanonical),
        ([&good[..], &good[..2]].concat(), WireError::Repeated),
    ];
    for (body, error) in forms {
        let sig = key.sign(Label::Safety, &[&body]).to_vec();
        let signed = v1::Signed { body, sig };
        assert!(v1::SafetyQr::verifies(&signed, &key.public_key()));
        assert_eq!(v1::SafetyQr::parse(&signed.body), Err(error));
    }
    assert_eq!(v1::SafetyQr::parse(&good), Ok(object(1)));
}

#[test]
fn another_version_is_unsupported() {
    for version in [0, 2, u32::MAX] {
        let body = object(version).encode_to_vec();
        assert_eq!(v1::SafetyQr::parse(&body), Err(WireError::UnsupportedVersion));
    }
    assert_eq!(v1::SafetyQr::parse(&[0; 65]), Err(WireError::TooLong));
}
