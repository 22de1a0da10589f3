//! What the scanner knows of a message: generated from `proto/` (`cargo xtask codegen`).

use prost::Message;

/// One message type.
pub(crate) struct Schema {
    /// As in `proto/`.
    #[cfg_attr(not(test), expect(dead_code, reason = "named by tests"))]
    pub(super) name: &'static str,
    /// Set where the bytes must be canonical wherever the message stands: whether re-encoding gives them back.
    pub(super) canonical: Option<fn(&[u8]) -> bool>,
    /// Ascending by number.
    pub(super) fields: &'static [Field],
}

/// One field.
pub(crate) struct Field {
    pub(super) number: u32,
    pub(super) kind: Kind,
    pub(super) repeated: bool,
    /// Whether it is a member of the message's oneof (v1 has one at most in a message).
    pub(super) oneof: bool,
}

/// How a field is encoded.
pub(crate) enum Kind {
    Varint,
    Packed,
    Bytes,
    Message(&'static Schema),
    /// A container of something signed, and its limit in bytes at this place.
    Container(&'static Schema, usize),
}

/// A generated type and its schema.
pub(crate) trait Described {
    const SCHEMA: &'static Schema;
}

/// Whether decoding and encoding again gives the same bytes.
pub(super) fn reencodes<M: Message + Default>(bytes: &[u8]) -> bool {
    M::decode(bytes).is_ok_and(|message| message.encode_to_vec() == bytes)
}
