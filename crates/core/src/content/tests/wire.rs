//! Two readings of one content, and of one signed object: T12.

use proptest::prelude::*;

use super::*;
use crate::labels::Label;
use crate::limits::SIGNED_OBJECT_BYTES;
use crate::wire::{FieldReader, FieldValue, WireError, decode_canonical};

fn rejected(error: WireError) -> ContentRejected {
    ContentRejected::Wire(error)
}

/// `bytes` cut after each of its top-level fields.
fn fields(bytes: &[u8]) -> Vec<&[u8]> {
    let varint = |bytes: &[u8]| bytes.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    let (mut left, mut reader, mut cut) = (bytes, FieldReader::new(bytes), Vec::new());
    while let Some((_, value)) = reader.field().unwrap() {
        let key = varint(left);
        let length = key
            + varint(&left[key..])
            + match value {
                FieldValue::Bytes(inside) => inside.len(),
                _ => 0,
            };
        let (field, rest) = left.split_at(length);
        cut.push(field);
        left = rest;
    }
    cut
}

/// A content with every top-level field that a body can go with.
fn full(body: Wire) -> v1::Content {
    let mut full = in_group(content(body));
    full.retention = Some(v1::Retention {
        keep_until_ms: 1,
        delete_after_read_ms: 2,
    });
    full
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn t012_a_repeated_singular_field_is_rejected(body in any::<prop::sample::Index>(), field in any::<prop::sample::Index>()) {
        let bodies = every_body();
        let wire = full(bodies[body.index(bodies.len())].clone());
        let bytes = wire.encode_to_vec();
        let all = fields(&bytes);
        // The same value again, at the end: one decoder takes the first, another the last, a third merges them.
        let bad = [&bytes, all[field.index(all.len())]].concat();
        prop_assert_eq!(Content::parse(&bad).unwrap_err(), rejected(WireError::Repeated));
    }

    #[test]
    fn t012_two_members_of_a_oneof_are_rejected(one in any::<prop::sample::Index>(), other in any::<prop::sample::Index>()) {
        let bodies = every_body();
        let (one, other) = (&bodies[one.index(bodies.len())], &bodies[other.index(bodies.len())]);
        let bytes = content(one.clone()).encode_to_vec();
        let second = v1::Content { body: Some(other.clone()), ..v1::Content::default() }.encode_to_vec();
        let bad = [bytes, second].concat();
        prop_assert_eq!(Content::parse(&bad).unwrap_err(), rejected(WireError::Repeated));
    }
}

#[test]
fn t012_a_field_repeated_inside_a_body_is_rejected() {
    let inside = v1::Text {
        text: "30 mg".into(),
        reply_to: vec![1; 16],
    };
    for again in fields(&inside.encode_to_vec()) {
        let text = [&inside.encode_to_vec(), again].concat();
        let mut bad = v1::Content {
            body: None,
            ..content(super::text(""))
        }
        .encode_to_vec();
        bad.extend([10 << 3 | 2, text.len() as u8]);
        bad.extend(&text);
        assert_eq!(Content::parse(&bad).unwrap_err(), rejected(WireError::Repeated));
    }
    // Two members of the oneof of Control.
    let two = [vec![0x0a, 0x00], vec![0x32, 16], vec![1; 16]].concat();
    let mut bad = content(control(v1::control::C::DeliveryToken(vec![1; 16])));
    bad.body = None;
    let bad = [bad.encode_to_vec(), vec![0xa2, 0x01, two.len() as u8], two].concat();
    assert_eq!(Content::parse(&bad).unwrap_err(), rejected(WireError::Repeated));
    // Control: once each, they are read.
    assert!(parse_body(Wire::Text(inside)).is_ok());
    assert!(parse_body(control(v1::control::C::DeliveryToken(vec![1; 16]))).is_ok());
}

/// A manifest, and what its account's key signed: any bytes at all.
fn manifest() -> v1::DeviceManifest {
    v1::DeviceManifest {
        version: 1,
        account_id: vec![ALICE; 16],
        aik: ed25519(1).public_key().tagged().to_vec(),
        seq: 300,
        prev_hash: vec![0; 32],
        issued_at_ms: 1,
        expires_at_ms: 2,
        devices: vec![
            v1::DeviceEntry {
                device_id: 1,
                ..v1::DeviceEntry::default()
            },
            v1::DeviceEntry {
                device_id: 2,
                ..v1::DeviceEntry::default()
            },
        ],
        next_aik: Vec::new(),
        ext: Vec::new(),
    }
}

/// Signs `body` as it is, verifies it, and parses it.
fn signed_and_parsed(body: &[u8]) -> Result<v1::DeviceManifest, WireError> {
    let key = ed25519(1);
    let sig = key.sign(Label::Manifest, &[body]);
    assert!(key.public_key().verify(Label::Manifest, &[body], &sig));
    decode_canonical(body, SIGNED_OBJECT_BYTES)
}

#[test]
fn t012_a_signed_object_in_another_encoding_is_rejected_though_the_signature_is_valid() {
    let body = manifest().encode_to_vec();
    let cut = fields(&body);
    // Unknown fields: a number in no schema, at the end and inside a device.
    let unknown = [&body[..], &[0xf8, 0x06, 0x01]].concat();
    assert_eq!(signed_and_parsed(&unknown).unwrap_err(), WireError::NotCanonical);
    let inside = [&cut[..7].concat()[..], &[0x42, 0x05, 0x08, 0x01, 0xf8, 0x06, 0x01]].concat();
    assert_eq!(signed_and_parsed(&inside).unwrap_err(), WireError::NotCanonical);
    // Each field twice in a row; devices are a list, and may be.
    for (index, field) in cut.iter().enumerate().take(7) {
        let doubled = [&cut[..index].concat()[..], field, &cut[index..].concat()].concat();
        assert_eq!(signed_and_parsed(&doubled).unwrap_err(), WireError::Repeated, "{index}");
    }
    // Each two neighbours in the other order, but for the two devices, whose order is the sender's.
    for index in 0..cut.len() - 2 {
        let mut reordered = cut.clone();
        reordered.swap(index, index + 1);
        assert_eq!(
            signed_and_parsed(&reordered.concat()).unwrap_err(),
            WireError::NotCanonical,
            "{index}"
        );
    }
    // Numbers in more bytes than they need: in a value, in a length, in a key.
    let longer = |field: &[u8], with: &[u8]| body.clone().replaced(field, with);
    assert_eq!(
        signed_and_parsed(&longer(&[0x08, 0x01], &[0x08, 0x81, 0x00])).unwrap_err(),
        WireError::NotCanonical
    );
    assert_eq!(
        signed_and_parsed(&longer(&[0x12, 0x10], &[0x12, 0x90, 0x00])).unwrap_err(),
        WireError::NotCanonical
    );
    assert_eq!(
        signed_and_parsed(&longer(&[0x08, 0x01], &[0x88, 0x00, 0x01])).unwrap_err(),
        WireError::NotCanonical
    );
    // A default that is written out.
    let explicit = [&body[..], &[0x4a, 0x00]].concat();
    assert_eq!(signed_and_parsed(&explicit).unwrap_err(), WireError::NotCanonical);
    assert!(signed_and_parsed(&body).unwrap() == manifest());
}

#[test]
fn t012_a_signed_object_inside_a_content_is_strict_too() {
    let strict = signed().encode_to_vec();
    let with = |signed: &[u8]| {
        let audit = [&[0x3a, signed.len() as u8][..], signed].concat();
        let bytes = v1::Content {
            body: None,
            ..content(control(v1::control::C::DeliveryToken(Vec::new())))
        };
        Content::parse(&[&bytes.encode_to_vec()[..], &[0xa2, 0x01, audit.len() as u8], &audit].concat())
    };
    let unknown = [&strict[..], &[0xf8, 0x06, 0x01]].concat();
    assert_eq!(with(&unknown).unwrap_err(), rejected(WireError::NotCanonical));
    let cut = fields(&strict);
    assert_eq!(
        with(&[cut[1], cut[0]].concat()).unwrap_err(),
        rejected(WireError::NotCanonical)
    );
    assert!(with(&strict).is_ok());
}

trait Replaced {
    /// With the first `what` replaced.
    fn replaced(self, what: &[u8], with: &[u8]) -> Vec<u8>;
}

impl Replaced for Vec<u8> {
    fn replaced(mut self, what: &[u8], with: &[u8]) -> Vec<u8> {
        let at = self.windows(what.len()).position(|window| window == what).unwrap();
        self.splice(at..at + what.len(), with.iter().copied());
        self
    }
}
