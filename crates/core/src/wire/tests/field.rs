//! The protobuf wire format: varints, keys, lengths, groups.

use crate::wire::{FieldReader, FieldValue, FieldWriter, WireError, v1};
use prost::Message as _;

fn varint(bytes: &[u8]) -> Result<u64, WireError> {
    FieldReader::new(bytes).varint()
}

#[test]
fn varints_have_the_values_of_the_protobuf_documentation() {
    let max = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    let known: [(&[u8], u64); 8] = [
        (&[0x00], 0),
        (&[0x01], 1),
        (&[0x7f], 127),
        (&[0x80, 0x01], 128),
        (&[0x96, 0x01], 150),
        (&[0xac, 0x02], 300),
        (&max, u64::MAX),
        (&[0x80, 0x00], 0),
    ];
    for (bytes, value) in known {
        assert_eq!(varint(bytes), Ok(value), "{bytes:x?}");
    }
}

#[test]
fn varints_that_do_not_fit_or_do_not_end_are_malformed() {
    let mut too_big = [0xff; 10];
    too_big[9] = 0x02;
    let mut eleven = [0x80; 11];
    eleven[10] = 0x00;
    for bytes in [&[][..], &[0x80], &[0xff; 9], &too_big, &eleven, &[0xff; 10]] {
        assert_eq!(varint(bytes), Err(WireError::Malformed), "{bytes:x?}");
    }
}

#[test]
fn groups_and_undefined_wire_types_are_malformed_wherever_they_stand() {
    for wire_type in [3, 4, 6, 7] {
        let group = [1 << 3 | wire_type, 0, 0];
        assert_eq!(FieldReader::new(&group).field().err(), Some(WireError::Malformed));
        let later = [&[0x08, 0x01], &group[..]].concat();
        let mut reader = FieldReader::new(&later);
        assert!(matches!(reader.field(), Ok(Some((1, FieldValue::Varint(1))))));
        assert_eq!(reader.field().err(), Some(WireError::Malformed));
    }
}

#[test]
fn keys_and_lengths_are_bounded() {
    let malformed: [(&str, &[u8]); 6] = [
        ("field number 0", &[0x00, 0x00]),
        ("key above 32 bits", &[0xf8, 0xff, 0xff, 0xff, 0x1f, 0x00]),
        ("length beyond the end", &[0x0a, 0x02, 0x00]),
        ("length of 2^64-1", &[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        ("short fixed64", &[0x09, 1, 2, 3, 4, 5, 6, 7]),
        ("short fixed32", &[0x0d, 1, 2, 3]),
    ];
    for (name, bytes) in malformed {
        assert_eq!(FieldReader::new(bytes).field().err(), Some(WireError::Malformed), "{name}");
    }
    assert!(matches!(FieldReader::new(&[]).field(), Ok(None)));
    assert!(matches!(FieldReader::new(&[0x09, 1, 2, 3, 4, 5, 6, 7, 8]).field(), Ok(Some((1, FieldValue::Fixed)))));
    assert!(matches!(FieldReader::new(&[0x0d, 1, 2, 3, 4]).field(), Ok(Some((1, FieldValue::Fixed)))));
    assert!(matches!(FieldReader::new(&[0x0a, 0x01, 7]).field(), Ok(Some((1, FieldValue::Bytes([7]))))));
}

#[test]
fn the_writer_writes_what_the_protobuf_encoder_writes() {
    let cases = [
        v1::Receipt::default(),
        v1::Receipt {
            r#type: 300,
            message_ids: vec![vec![], vec![1; 200]],
            digests: vec![vec![2; 32]],
            at_ms: u64::MAX,
        },
    ];
    for receipt in cases {
        let mut writer = FieldWriter::with_capacity(512);
        writer.number(1, receipt.r#type);
        receipt.message_ids.iter().for_each(|id| writer.element(2, id));
        receipt.digests.iter().for_each(|digest| writer.element(3, digest));
        writer.number(4, receipt.at_ms);
        assert_eq!(*writer.finish(), receipt.encode_to_vec());
    }
    let mut writer = FieldWriter::with_capacity(8);
    writer.bytes(1, &[]);
    writer.bytes(2, &[9]);
    assert_eq!(*writer.finish(), [0x12, 0x01, 9]);
}
