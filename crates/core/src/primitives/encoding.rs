//! `tag || raw`, exact lengths, checks at parse: `docs/protocol.md` B1.1.

/// What a key or ciphertext is: the first byte of its encoding. Two lengths coincide (ML-KEM-1024 key and ciphertext
/// are both 1568 bytes), tags do not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Tag {
    /// Ed25519 public key.
    Ed25519 = 0x01,
    /// X25519 public key.
    X25519 = 0x02,
    /// ML-KEM-768 encapsulation key.
    MlKem768 = 0x03,
    /// ML-KEM-1024 encapsulation key.
    MlKem1024 = 0x04,
    /// X-Wing public key.
    XWing = 0x05,
    /// ML-KEM-768 ciphertext.
    MlKem768Ciphertext = 0x13,
    /// ML-KEM-1024 ciphertext.
    MlKem1024Ciphertext = 0x14,
    /// X-Wing ciphertext.
    XWingCiphertext = 0x15,
}

/// Why bytes are not the key that they should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyError {
    /// The first byte names something else.
    #[error("the key has another type")]
    Tag,
    /// Too short or too long for its type.
    #[error("the key has a wrong length")]
    Length,
    /// Another encoding of a key that has a canonical one, or no key at all (a coefficient of q or above).
    #[error("the key is not canonical")]
    NotCanonical,
    /// An Ed25519 key of small order.
    #[error("the key has a small order")]
    SmallOrder,
}

/// A public key or ciphertext that passed the checks of B1.1.
pub trait PublicKey: Sized {
    /// The first byte of its encoding.
    const TAG: Tag;
    /// Length without the tag.
    const RAW_LEN: usize;

    /// Parses the raw form, without tag.
    fn from_raw(raw: &[u8]) -> Result<Self, KeyError>;

    /// The raw form, without tag.
    fn raw(&self) -> &[u8];

    /// Parses `tag || raw`.
    fn from_tagged(bytes: &[u8]) -> Result<Self, KeyError> {
        match bytes.split_first() {
            None => Err(KeyError::Length),
            Some((tag, _)) if *tag != Self::TAG as u8 => Err(KeyError::Tag),
            Some((_, raw)) if raw.len() != Self::RAW_LEN => Err(KeyError::Length),
            Some((_, raw)) => Self::from_raw(raw),
        }
    }

    /// `tag || raw`: what is hashed and signed.
    fn to_tagged(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::RAW_LEN.saturating_add(1));
        bytes.push(Self::TAG as u8);
        bytes.extend_from_slice(self.raw());
        bytes
    }
}
