//! X25519 (RFC 7748), with the contributory check inside the only DH function: `docs/protocol.md` B1, B1.1 tag 0x02.

use core::fmt;

use subtle::ConstantTimeEq;
use x25519_dalek::{PublicKey as DalekPublic, StaticSecret};
use zeroize::Zeroizing;

use super::encoding::{KeyError, PublicKey, Tag};
use super::secret::Secret;

/// p = 2^255 - 19, big-endian.
const P: [u8; 32] = {
    let mut p = [0xff; 32];
    p[0] = 0x7f;
    p[31] = 0xed;
    p
};

/// The u-coordinates of small order below p, little-endian: 0, 1, the two of order 8, and p - 1. (p and p + 1 are not
/// canonical; the twist adds none.)
const LOW_ORDER: [[u8; 32]; 5] = {
    let zero = [0; 32];
    let mut one = [0; 32];
    one[0] = 1;
    let mut minus_one = [0xff; 32];
    minus_one[0] = 0xec;
    minus_one[31] = 0x7f;
    [
        zero,
        one,
        [
            0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09,
            0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
        ],
        [
            0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44,
            0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
        ],
        minus_one,
    ]
};

/// All seven encodings of a point of small order with a clear top bit: those below p, and p and p + 1.
#[cfg(test)]
pub(crate) const LOW_ORDER_ENCODINGS: [[u8; 32]; 7] = {
    let mut p = [0xff; 32];
    p[0] = 0xed;
    p[31] = 0x7f;
    let mut p_plus_one = p;
    p_plus_one[0] = 0xee;
    [LOW_ORDER[0], LOW_ORDER[1], LOW_ORDER[2], LOW_ORDER[3], LOW_ORDER[4], p, p_plus_one]
};

/// A canonical X25519 public key. It may still be of small order: the Diffie-Hellman function catches that.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct X25519PublicKey([u8; 32]);

impl X25519PublicKey {
    /// The raw 32 bytes, little-endian.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// `0x02 || raw`.
    pub fn tagged(&self) -> [u8; 33] {
        tagged33(Tag::X25519, &self.0)
    }

    /// Whether every shared secret with it is zero: a record with such a key is refused before use (B3).
    pub fn is_low_order(&self) -> bool {
        LOW_ORDER.contains(&self.0)
    }
}

/// `tag || raw` of a 32-byte key.
pub(super) fn tagged33(tag: Tag, raw: &[u8; 32]) -> [u8; 33] {
    let mut bytes = [tag as u8; 33];
    if let Some((_, rest)) = bytes.split_first_mut() {
        rest.copy_from_slice(raw);
    }
    bytes
}

impl PublicKey for X25519PublicKey {
    const TAG: Tag = Tag::X25519;
    const RAW_LEN: usize = 32;

    fn from_raw(raw: &[u8]) -> Result<Self, KeyError> {
        let bytes: [u8; 32] = raw.try_into().map_err(|_| KeyError::Length)?;
        // Little-endian value below p; a set top bit makes it at least 2^255.
        match bytes.iter().rev().lt(P.iter()) {
            true => Ok(Self(bytes)),
            false => Err(KeyError::NotCanonical),
        }
    }

    fn raw(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for X25519PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("X25519PublicKey(..)")
    }
}

/// The other side's key has a small order: the result would not depend on our secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NotContributory;

/// An X25519 private key, kept as its 32-byte seed.
pub struct X25519Secret(Secret<32>);

impl X25519Secret {
    /// The private key with these random bytes.
    pub fn from_seed(seed: &Zeroizing<[u8; 32]>) -> Self {
        Self(Secret::new(seed))
    }

    pub(crate) fn from_slice(seed: &[u8]) -> Option<Self> {
        Secret::from_slice(seed).map(Self)
    }

    /// The 32-byte seed, for the encrypted store only.
    pub(crate) fn seed(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    fn dalek(&self) -> StaticSecret {
        StaticSecret::from(*self.0.as_bytes())
    }

    /// The public key.
    pub fn public_key(&self) -> X25519PublicKey {
        X25519PublicKey(DalekPublic::from(&self.dalek()).to_bytes())
    }

    /// Whether `public` is its public key.
    pub(crate) fn gives(&self, public: &X25519PublicKey) -> bool {
        self.public_key() == *public
    }

    /// `DH(a, B) = X25519(a, B)`; an error if the result is all zero (constant-time test).
    pub(crate) fn diffie_hellman(&self, theirs: &X25519PublicKey) -> Result<Zeroizing<[u8; 32]>, NotContributory> {
        let shared = self.dalek().diffie_hellman(&DalekPublic::from(theirs.0));
        let zero = shared.as_bytes().ct_eq(&[0; 32]);
        match bool::from(zero) {
            true => Err(NotContributory),
            false => Ok(Zeroizing::new(shared.to_bytes())),
        }
    }
}

impl fmt::Debug for X25519Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("X25519Secret(..)")
    }
}
