//! The wire: `docs/protocol.md` B1.2 and the first paragraph (fixed layouts).

mod arbitrary;
mod canonical;
mod containers;
mod content;
mod field;
mod layout;
mod signed;

use prost::Message;

use super::v1;

/// A field by hand: key, length, bytes.
fn bytes_field(number: u8, value: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(value.len()).unwrap()], value].concat()
}

/// A small signed container.
fn signed() -> v1::Signed {
    v1::Signed { body: b"body".to_vec(), sig: vec![7; 64] }
}

/// A content with a text.
fn text(words: &str) -> v1::Content {
    v1::Content {
        message_id: vec![1; 16],
        sent_at_ms: 300,
        conversation_id: vec![2; 16],
        required_features: vec![1, 300],
        seq: 1,
        body: Some(v1::content::Body::Text(v1::Text { text: words.into(), reply_to: Vec::new() })),
        ..Default::default()
    }
}

fn text_bytes() -> Vec<u8> {
    text("good morning").encode_to_vec()
}
