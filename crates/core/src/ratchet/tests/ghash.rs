//! GHASH over GF(2^128), bit by bit: only to build a ciphertext that AES-GCM accepts under two keys (T59).

use crate::primitives::aead::AeadKey;

/// An element; bit 0 of the specification is the most significant bit of the first byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Element(u128);

pub(super) fn block(bytes: &[u8]) -> Element {
    let mut padded = [0; 16];
    padded[..bytes.len()].copy_from_slice(bytes);
    Element(u128::from_be_bytes(padded))
}

impl Element {
    pub(super) fn zero() -> Self {
        Self(0)
    }

    /// `H = AES(key, 0^128)`.
    pub(super) fn hash_key(key: &[u8; 32]) -> Self {
        Self(u128::from_be_bytes(crate::primitives::aead::block_encrypt(key, &[0; 16])))
    }

    /// `AES(key, J0)`: the tag of the empty text is this, plus the hash of the length block (which is zero).
    pub(super) fn mask(aead: &AeadKey, iv: &[u8; 12], _: &Self) -> Self {
        let tag = aead.seal(iv, b"", b"").unwrap();
        block(&tag)
    }

    pub(super) fn lengths(aad: usize, text: usize) -> Self {
        Self(((aad as u128 * 8) << 64) | (text as u128 * 8))
    }

    pub(super) fn add(&self, other: &Self) -> Self {
        Self(self.0 ^ other.0)
    }

    pub(super) fn mul(&self, other: &Self) -> Self {
        let (mut z, mut v) = (0_u128, other.0);
        for bit in (0..128).rev() {
            if self.0 >> bit & 1 == 1 {
                z ^= v;
            }
            let carry = v & 1;
            v >>= 1;
            if carry == 1 {
                v ^= 0xe1 << 120;
            }
        }
        Self(z)
    }

    /// `x^(2^128 - 2)`.
    pub(super) fn inverse(&self) -> Self {
        let mut power = *self;
        let mut result = Self(1 << 127);
        for _ in 1..128 {
            power = power.mul(&power);
            result = result.mul(&power);
        }
        assert_eq!(result.mul(self), Self(1 << 127));
        result
    }

    pub(super) fn bytes(&self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}
