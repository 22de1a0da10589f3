//! Signed objects and strict containers: one encoding, and no other.

use prost::Message as _;

use super::{bytes_field, signed};
use crate::limits::SIGNED_OBJECT_BYTES;
use crate::wire::{WireError, check_extensions, decode_canonical, v1};

fn verdict(bytes: &[u8]) -> Result<v1::Signed, WireError> {
    decode_canonical(bytes, SIGNED_OBJECT_BYTES)
}

fn manifest(bytes: &[u8]) -> Result<v1::DeviceManifest, WireError> {
    decode_canonical(bytes, SIGNED_OBJECT_BYTES)
}

fn small_manifest() -> v1::DeviceManifest {
    v1::DeviceManifest {
        version: 1,
        account_id: vec![1; 16],
        seq: 300,
        devices: vec![v1::DeviceEntry { device_id: 1, ..Default::default() }],
        ..Default::default()
    }
}

#[test]
fn t012_signed_object_with_an_unknown_field_is_rejected() {
    let good = small_manifest().encode_to_vec();
    for unknown in [&[0x78, 0x01][..], &[0x7a, 0x01, 0x00], &[0x7d, 0, 0, 0, 0], &[0x79, 0, 0, 0, 0, 0, 0, 0, 0]] {
        assert_eq!(manifest(&[&good, unknown].concat()), Err(WireError::NotCanonical));
    }
    assert_eq!(manifest(&good), Ok(small_manifest()));
}

#[test]
fn t012_unknown_field_inside_a_nested_object_is_rejected() {
    let good = small_manifest().encode_to_vec();
    let entry = [0x42, 0x02, 0x08, 0x01];
    let at = good.windows(4).position(|window| window == entry).unwrap();
    let nested = [&good[..at], &[0x42, 0x04, 0x08, 0x01, 0x78, 0x01], &good[at + 4..]].concat();
    assert_eq!(manifest(&nested), Err(WireError::NotCanonical));
    assert_eq!(manifest(&good), Ok(small_manifest()));
}

#[test]
fn t012_signed_object_with_a_duplicate_field_is_rejected() {
    let good = small_manifest().encode_to_vec();
    for again in [&[0x08, 0x01][..], &[0x08, 0x02], &[0x20, 0xac, 0x02]] {
        assert_eq!(manifest(&[&good, again].concat()), Err(WireError::Repeated));
        assert_eq!(manifest(&[again, &good].concat()), Err(WireError::Repeated));
    }
    assert_eq!(manifest(&good), Ok(small_manifest()));
    // The container itself is compared as a whole first.
    let twice = [&signed().encode_to_vec()[..], &bytes_field(1, b"else")].concat();
    assert_eq!(verdict(&twice), Err(WireError::NotCanonical));
    assert_eq!(verdict(&signed().encode_to_vec()), Ok(signed()));
}

#[test]
fn t012_signed_object_with_reordered_fields_is_rejected() {
    let reordered = [bytes_field(2, &[7; 64]), bytes_field(1, b"body")].concat();
    assert_eq!(verdict(&reordered), Err(WireError::NotCanonical));
    let ordered = [bytes_field(1, b"body"), bytes_field(2, &[7; 64])].concat();
    assert_eq!(verdict(&ordered), Ok(signed()));
}

#[test]
fn t012_over_long_varints_are_rejected() {
    let numbers: [&[u8]; 3] = [&[0x88, 0x00, 0x01], &[0x08, 0x81, 0x00], &[0x08, 0x81, 0x80, 0x00]];
    for bytes in numbers {
        assert_eq!(manifest(bytes), Err(WireError::NotCanonical), "{bytes:x?}");
    }
    assert!(manifest(&[0x08, 0x01]).is_ok());
    // A length that is written long.
    assert_eq!(verdict(&[0x0a, 0x81, 0x00, 0x09]), Err(WireError::NotCanonical));
    assert!(verdict(&[0x0a, 0x01, 0x09]).is_ok());
}

#[test]
fn t012_explicit_defaults_are_rejected() {
    for bytes in [&[0x0a, 0x00][..], &[0x12, 0x00], &[0x0a, 0x00, 0x12, 0x00]] {
        assert_eq!(verdict(bytes), Err(WireError::NotCanonical));
    }
    assert_eq!(manifest(&[0x08, 0x00]), Err(WireError::NotCanonical));
    assert_eq!(verdict(&[]), Ok(v1::Signed::default()));
}

#[test]
fn t012_repeated_numbers_that_are_not_packed_are_rejected() {
    let list = v1::RevocationList { issuer_ids: vec![1, 300], ..Default::default() };
    assert_eq!(list.encode_to_vec(), [0x2a, 0x03, 0x01, 0xac, 0x02]);
    for bytes in [&[0x28, 0x01, 0x28, 0xac, 0x02][..], &[0x2a, 0x01, 0x01, 0x2a, 0x02, 0xac, 0x02], &[0x2a, 0x00]] {
        assert_eq!(decode_canonical::<v1::RevocationList>(bytes, 64), Err(WireError::NotCanonical));
    }
    assert_eq!(decode_canonical(&list.encode_to_vec(), 64), Ok(list));
}

#[test]
fn booleans_and_numbers_beyond_their_width_are_rejected() {
    // A bool of 2, a uint32 of 2^32 + 1: decoders cut them down, so two readings would exist.
    assert_eq!(decode_canonical::<v1::Ext>(&[0x10, 0x02], 64), Err(WireError::NotCanonical));
    assert_eq!(manifest(&[0x08, 0x81, 0x80, 0x80, 0x80, 0x10]), Err(WireError::NotCanonical));
    assert!(decode_canonical::<v1::Ext>(&[0x10, 0x01], 64).is_ok());
}

#[test]
fn wrong_wire_types_and_text_that_is_not_utf8_are_malformed() {
    assert_eq!(manifest(&[0x0a, 0x01, 0x01]), Err(WireError::Malformed));
    assert_eq!(manifest(&[0x10, 0x01]), Err(WireError::Malformed));
    assert_eq!(manifest(&[0x0d, 1, 0, 0, 0]), Err(WireError::Malformed));
    assert_eq!(decode_canonical::<v1::Text>(&[0x0a, 0x01, 0xff], 64), Err(WireError::Malformed));
    assert!(decode_canonical::<v1::Text>(&[0x0a, 0x02, 0xc3, 0xa9], 64).is_ok());
}

#[test]
fn the_limit_is_checked_before_anything_is_decoded() {
    let good = signed().encode_to_vec();
    assert_eq!(decode_canonical::<v1::Signed>(&good, good.len() - 1), Err(WireError::TooLong));
    assert_eq!(decode_canonical::<v1::Signed>(&[0xff; 65], 64), Err(WireError::TooLong));
    assert_eq!(decode_canonical(&good, good.len()), Ok(signed()));
}

#[test]
fn extensions_ascend_are_unique_and_none_may_be_critical() {
    let ext = |id, critical| v1::Ext { id, critical, data: vec![1] };
    for bad in [
        vec![ext(1, true)],
        vec![ext(1, false), ext(2, true)],
        vec![ext(1, false), ext(1, false)],
        vec![ext(2, false), ext(1, false)],
    ] {
        assert_eq!(check_extensions(&bad), Err(WireError::Extension));
    }
    assert_eq!(check_extensions(&[]), Ok(()));
    assert_eq!(check_extensions(&[ext(1, false), ext(7, false)]), Ok(()));
}
