//! Contents that no honest device makes: T104.

use proptest::prelude::*;

use super::*;
use crate::limits::CONTENT_BYTES;
use crate::wire::WireError;

fn rejected(error: WireError) -> ContentRejected {
    ContentRejected::Wire(error)
}

/// A content of exactly `total` bytes, a long text.
fn of_length(total: usize) -> Vec<u8> {
    let long = |length: usize| content(text(&"a".repeat(length))).encode_to_vec();
    let overhead = long(total).len() - total;
    let bytes = long(total - overhead);
    assert_eq!(bytes.len(), total);
    bytes
}

#[test]
fn t104_a_content_of_256_kib_and_one_byte_is_rejected() {
    assert_eq!(
        Content::parse(&of_length(CONTENT_BYTES + 1)).unwrap_err(),
        rejected(WireError::TooLong)
    );
    // A length far beyond is not even looked at.
    assert_eq!(
        Content::parse(&vec![0xff; 64 * CONTENT_BYTES]).unwrap_err(),
        rejected(WireError::TooLong)
    );
    assert_eq!(
        Content::parse(&of_length(CONTENT_BYTES)).unwrap().kind(),
        BodyKind::Text
    );
}

#[test]
fn t104_text_that_is_not_utf8_is_rejected() {
    let good = content(text("caf\u{e9}")).encode_to_vec();
    let at = good.windows(2).position(|pair| pair == [0xc3, 0xa9]).unwrap();
    for bad_pair in [[0xc3, 0x28], [0xff, 0xff], [0xc0, 0xaf], [0xed, 0xa0]] {
        let mut bad = good.clone();
        bad[at..at + 2].copy_from_slice(&bad_pair);
        assert_eq!(
            Content::parse(&bad).unwrap_err(),
            rejected(WireError::Malformed),
            "{bad_pair:?}"
        );
    }
    assert!(Content::parse(&good).is_ok());
}

#[test]
fn t104_nesting_costs_no_stack() {
    let head = v1::Content {
        body: None,
        ..content(text(""))
    };
    let head = head.encode_to_vec();
    // Groups, the one construct that a decoder must follow to skip it.
    let groups = [&head[..], &[0xfb, 0x06].repeat(20_000)].concat();
    assert_eq!(Content::parse(&groups).unwrap_err(), rejected(WireError::Malformed));
    let closed = [&head[..], &[0xfb, 0x06, 0xfc, 0x06]].concat();
    assert_eq!(Content::parse(&closed).unwrap_err(), rejected(WireError::Malformed));
    // Unknown messages inside each other are one opaque field.
    let mut nested = Vec::new();
    for _ in 0..500 {
        let mut outer = vec![0xfa, 0x06];
        prost::encoding::encode_varint(nested.len() as u64, &mut outer);
        outer.extend(&nested);
        nested = outer;
    }
    let opaque = Content::parse(&[&head[..], &nested].concat()).unwrap();
    assert_eq!(opaque.kind(), BodyKind::Unsupported);
}

#[test]
fn t104_sync_inside_sync_is_rejected_at_the_first() {
    let mut inner = content(text("hello"));
    let mut layers = Vec::new();
    for _ in 0..50 {
        inner = content(sync(v1::sync::S::Sent(sent(&inner))));
        layers.push(inner.clone());
    }
    for layer in &layers[1..] {
        assert_eq!(parse(layer).unwrap_err(), ContentRejected::NestedSync);
    }
    assert_eq!(parse(&layers[0]).unwrap().kind(), BodyKind::Sync);
}

#[test]
fn t104_a_list_of_empty_ids_is_rejected() {
    // Two bytes each on the wire: the most elements that a content can have.
    let receipt = v1::Receipt {
        r#type: 2,
        message_ids: vec![Vec::new(); 100_000],
        ..v1::Receipt::default()
    };
    assert_eq!(
        parse_body(Wire::Receipt(receipt)).unwrap_err(),
        ContentRejected::Field(FieldName::MessageIds)
    );
    assert!(
        parse_body(Wire::Receipt(v1::Receipt {
            r#type: 2,
            message_ids: vec![vec![1; 16]; 10_000],
            ..v1::Receipt::default()
        }))
        .is_ok()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn t104_arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        if let Ok(content) = Content::parse(&bytes) {
            prop_assert_eq!(content.conversation().as_bytes().len(), 16);
        }
    }

    #[test]
    fn t104_changed_contents_never_panic(
        body in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let bodies = every_body();
        let mut bytes = content(bodies[body.index(bodies.len())].clone()).encode_to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = Content::parse(&bytes);
        let _ = Content::parse(&bytes[..cut.index(bytes.len())]);
    }

    #[test]
    fn t104_a_content_cut_short_is_never_the_same(body in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>()) {
        let bodies = every_body();
        let bytes = content(bodies[body.index(bodies.len())].clone()).encode_to_vec();
        let cut = Content::parse(&bytes[..cut.index(bytes.len())]);
        if let Ok(cut) = cut {
            prop_assert_eq!(cut.kind(), BodyKind::Unsupported);
        }
        prop_assert!(Content::parse(&bytes).unwrap().kind() != BodyKind::Unsupported);
    }
}
