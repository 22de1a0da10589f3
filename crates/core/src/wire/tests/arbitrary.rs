//! Every decoder, on any bytes: nothing panics, and what is accepted has one encoding.

use proptest::prelude::*;
use prost::Message;

use super::{signed, text, text_bytes};
use crate::wire::{Described, decode_canonical, decode_content, v1};

/// Both decoders agree with their definitions on `bytes`.
fn judged<M: Message + Default + Described>(bytes: &[u8]) {
    let canonical = M::decode(bytes).is_ok_and(|message| message.encode_to_vec() == bytes);
    assert_eq!(decode_canonical::<M>(bytes, bytes.len()).is_ok(), canonical, "{} {bytes:x?}", M::SCHEMA.name);
    // What is canonical is content as well, and content always decodes.
    let content = decode_content::<M>(bytes, bytes.len()).is_ok();
    assert!(content || !canonical);
    assert!(!content || M::decode(bytes).is_ok());
}

fn judged_by_all(bytes: &[u8]) {
    judged::<v1::Signed>(bytes);
    judged::<v1::SignedRecord>(bytes);
    judged::<v1::Ext>(bytes);
    judged::<v1::DeviceManifest>(bytes);
    judged::<v1::DeviceCert>(bytes);
    judged::<v1::IssuerCert>(bytes);
    judged::<v1::RevocationList>(bytes);
    judged::<v1::PrekeyBundle>(bytes);
    judged::<v1::Content>(bytes);
    judged::<v1::Receipt>(bytes);
    judged::<v1::SignedStatement>(bytes);
}

/// Field by field, mostly well-formed: small numbers, every wire type, short bytes.
fn fields() -> impl Strategy<Value = Vec<u8>> {
    let field = (1_u8..=15, 0_u8..=5, prop::collection::vec(any::<u8>(), 0..6)).prop_map(|(number, wire, value)| {
        let key = number << 3 | wire;
        match wire {
            0 => vec![key, value.first().copied().unwrap_or(1) & 0x7f],
            1 => [&[key], &[7; 8][..]].concat(),
            2 => [&[key, value.len() as u8], &value[..]].concat(),
            5 => [&[key], &[7; 4][..]].concat(),
            _ => vec![key],
        }
    });
    prop::collection::vec(field, 0..8).prop_map(|fields| fields.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn t125_arbitrary_bytes_never_panic_a_decoder(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        judged_by_all(&bytes);
    }

    #[test]
    fn t125_arbitrary_fields_never_panic_a_decoder(bytes in fields()) {
        judged_by_all(&bytes);
    }

    #[test]
    fn t125_altered_objects_never_panic_a_decoder(place in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        for good in [text_bytes(), signed().encode_to_vec()] {
            let mut bad = good.clone();
            bad[place.index(good.len())] = byte;
            judged_by_all(&bad);
            judged_by_all(&good[..cut.index(good.len())]);
            judged_by_all(&[&good[..], &bad].concat());
        }
    }

    #[test]
    fn t012_accepted_content_shows_one_text(words in "[a-z]{0,9}", other in fields()) {
        let good = text(&words).encode_to_vec();
        let bytes = [&good[..], &other].concat();
        // Whatever was appended: it is refused, or the text is the one that came first.
        if let Ok(content) = decode_content::<v1::Content>(&bytes, bytes.len()) {
            prop_assert!(content.body == text(&words).body);
        }
    }
}

#[test]
fn schemas_are_what_the_scanner_relies_on() {
    fn check<M: Described>() {
        let fields = M::SCHEMA.fields;
        assert!(fields.len() <= 64, "{}: one bit for each field", M::SCHEMA.name);
        assert!(fields.windows(2).all(|pair| pair[0].number < pair[1].number), "{}", M::SCHEMA.name);
    }
    check::<v1::Content>();
    check::<v1::DeviceManifest>();
    check::<v1::GroupUpdate>();
    assert_eq!(<v1::Signed as Described>::SCHEMA.name, "Signed");
    assert!(<v1::Signed as Described>::SCHEMA.canonical.is_some());
    assert!(<v1::SignedRecord as Described>::SCHEMA.canonical.is_some());
    assert!(<v1::Content as Described>::SCHEMA.canonical.is_none());
}
