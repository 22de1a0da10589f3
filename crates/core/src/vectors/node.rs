//! Values of a vector file, in the order in which they are written.

use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

/// A JSON value; bytes are written in hexadecimal.
#[derive(Clone, PartialEq)]
pub(super) enum Node {
    Bytes(Vec<u8>),
    Number(u64),
    Text(String),
    Bool(bool),
    List(Vec<Node>),
    Map(Fields),
    Absent,
}

/// The members of a JSON object.
#[derive(Clone, PartialEq, Default)]
pub(super) struct Fields(Vec<(&'static str, Node)>);

impl Fields {
    pub(super) fn with(mut self, name: &'static str, value: impl Into<Node>) -> Self {
        assert!(self.0.iter().all(|(taken, _)| *taken != name), "{name} twice");
        self.0.push((name, value.into()));
        self
    }
}

/// `fields! { "name" => value, .. }`.
macro_rules! fields {
    ($($name:literal => $value:expr),* $(,)?) => {
        crate::vectors::node::Fields::default()$(.with($name, $value))*
    };
}
pub(super) use fields;

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bytes(bytes) => to.serialize_str(&hex::encode(bytes)),
            Self::Number(number) => to.serialize_u64(*number),
            Self::Text(text) => to.serialize_str(text),
            Self::Bool(value) => to.serialize_bool(*value),
            Self::Map(fields) => fields.serialize(to),
            Self::Absent => to.serialize_none(),
            Self::List(list) => {
                let mut seq = to.serialize_seq(Some(list.len()))?;
                list.iter().try_for_each(|node| seq.serialize_element(node))?;
                seq.end()
            }
        }
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        self.0.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
        map.end()
    }
}

impl From<&[u8]> for Node {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl<const N: usize> From<&[u8; N]> for Node {
    fn from(bytes: &[u8; N]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl<const N: usize> From<[u8; N]> for Node {
    fn from(bytes: [u8; N]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<&Vec<u8>> for Node {
    fn from(bytes: &Vec<u8>) -> Self {
        Self::Bytes(bytes.clone())
    }
}

impl From<Vec<u8>> for Node {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<u64> for Node {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Node {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<usize> for Node {
    fn from(number: usize) -> Self {
        Self::Number(number as u64)
    }
}

impl From<bool> for Node {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Fields> for Node {
    fn from(fields: Fields) -> Self {
        Self::Map(fields)
    }
}

impl From<Vec<Node>> for Node {
    fn from(list: Vec<Node>) -> Self {
        Self::List(list)
    }
}

impl<T: Into<Node>> From<Option<T>> for Node {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Into::into)
    }
}

impl From<crate::time::Timestamp> for Node {
    fn from(time: crate::time::Timestamp) -> Self {
        Self::Number(time.as_millis())
    }
}

impl From<&crate::wire::v1::Signed> for Node {
    fn from(signed: &crate::wire::v1::Signed) -> Self {
        fields! { "body" => &signed.body, "sig" => &signed.sig }.into()
    }
}

impl From<&crate::wire::v1::SignedRecord> for Node {
    fn from(signed: &crate::wire::v1::SignedRecord) -> Self {
        fields! { "record" => &signed.record, "sig" => &signed.sig }.into()
    }
}
