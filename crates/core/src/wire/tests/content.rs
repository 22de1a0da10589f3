//! Content: unknown fields may come, a known field comes once, nesting is bounded, nested signed objects are strict.

use prost::Message as _;

use super::{bytes_field, signed, text, text_bytes};
use crate::limits::{CONTENT_BYTES, WIRE_DEPTH};
use crate::wire::scan::{Mode, scan};
use crate::wire::schema::{Field, Kind, Schema};
use crate::wire::{WireError, decode_content, v1};

fn verdict(bytes: &[u8]) -> Result<v1::Content, WireError> {
    decode_content(bytes, CONTENT_BYTES)
}

/// Body of the oneof: field 10, a text.
fn another_text() -> Vec<u8> {
    bytes_field(10, &bytes_field(1, b"good night"))
}

#[test]
fn t012_content_with_a_repeated_singular_field_is_rejected() {
    let good = text_bytes();
    for again in [bytes_field(1, &[9; 16]), bytes_field(3, &[9; 16]), vec![0x10, 0x05], vec![0x40, 0x02]] {
        assert_eq!(verdict(&[&good[..], &again].concat()), Err(WireError::Repeated));
    }
    assert_eq!(verdict(&good), Ok(text("good morning")));
}

#[test]
fn t012_content_with_two_members_of_the_oneof_is_rejected() {
    let good = text_bytes();
    let receipt = bytes_field(13, &[0x08, 0x01]);
    for again in [another_text(), receipt.clone()] {
        assert_eq!(verdict(&[&good[..], &again].concat()), Err(WireError::Repeated));
        assert_eq!(verdict(&[&again, &good[..]].concat()), Err(WireError::Repeated));
    }
    assert!(verdict(&receipt).is_ok());
    assert!(verdict(&another_text()).is_ok());
}

#[test]
fn t012_repetition_inside_a_nested_message_is_rejected() {
    let twice = [bytes_field(1, b"one"), bytes_field(1, b"two")].concat();
    assert_eq!(verdict(&bytes_field(10, &twice)), Err(WireError::Repeated));
    let control = v1::Control { c: Some(v1::control::C::DeliveryToken(vec![1; 16])) };
    let two = [control.encode_to_vec(), bytes_field(1, &[])].concat();
    let framed = |inner: &[u8]| [&[0xa2, 0x01, u8::try_from(inner.len()).unwrap()], inner].concat();
    assert_eq!(verdict(&framed(&two)), Err(WireError::Repeated));
    assert!(verdict(&framed(&control.encode_to_vec())).is_ok());
}

#[test]
fn unknown_fields_of_content_are_passed_over() {
    let good = text_bytes();
    for unknown in [&[0xf8, 0x07, 0x01][..], &[0xfa, 0x07, 0x01, 0xff], &[0xfd, 0x07, 0, 0, 0, 0], &[0x38, 0x05]] {
        assert_eq!(verdict(&[&good, unknown].concat()), Ok(text("good morning")));
        // Twice is as good as once: nobody shows it.
        assert_eq!(verdict(&[unknown, unknown, &good].concat()), Ok(text("good morning")));
    }
    let group = [0xfb, 0x07, 0xfc, 0x07];
    assert_eq!(verdict(&[&good, &group[..]].concat()), Err(WireError::Malformed));
}

#[test]
fn signed_objects_in_content_are_canonical() {
    let update = |signed: &[u8]| {
        let states = bytes_field(1, signed);
        [&[0xb2, 0x01, u8::try_from(states.len()).unwrap()], &states[..]].concat()
    };
    let good = signed().encode_to_vec();
    assert!(verdict(&update(&good)).is_ok());
    let unknown = [&good[..], &[0x78, 0x01]].concat();
    let reordered = [bytes_field(2, &[7; 64]), bytes_field(1, b"body")].concat();
    for bad in [unknown, reordered, vec![0x0a, 0x00], vec![0x0a, 0x81, 0x00, 0x09]] {
        assert_eq!(verdict(&update(&bad)), Err(WireError::NotCanonical));
    }
}

#[test]
fn the_limit_of_content_is_exact() {
    let filled = |bytes: usize| text(&"x".repeat(bytes)).encode_to_vec();
    let base = filled(200_000).len() - 200_000;
    assert_eq!(filled(CONTENT_BYTES - base).len(), CONTENT_BYTES);
    assert!(verdict(&filled(CONTENT_BYTES - base)).is_ok());
    assert_eq!(verdict(&filled(CONTENT_BYTES - base + 1)), Err(WireError::TooLong));
}

/// v1 nests five deep at most, so depth is tried on a schema that contains itself.
static NEST: Schema = Schema {
    name: "Nest",
    canonical: None,
    fields: &[Field { number: 1, kind: Kind::Message(&NEST), repeated: false, oneof: false }],
};

/// `depth` messages, one in the other.
fn nested(depth: usize) -> Vec<u8> {
    (1..depth).fold(Vec::new(), |inner, _| bytes_field(1, &inner))
}

#[test]
fn nesting_ends_at_depth_16() {
    assert_eq!(WIRE_DEPTH, 16);
    for mode in [Mode::Canonical, Mode::Lenient] {
        assert_eq!(scan(&nested(16), &NEST, mode), Ok(()));
        assert_eq!(scan(&nested(17), &NEST, mode), Err(WireError::Malformed));
        assert_eq!(scan(&nested(60), &NEST, mode), Err(WireError::Malformed));
    }
}
