//! The set of rows, and the head that vouches for it: `docs/store.md`, What is whole.

use subtle::ConstantTimeEq as _;

use super::keys::SystemKeys;
use super::row::{Place, RowTag};
use super::{FORMAT, NotAuthentic};
use crate::ids::StoreId;
use crate::labels::Label;
use crate::primitives::kdf;

/// A sum of keyed hashes modulo 2^256, big-endian. Which set of rows it is the sum of is secret only as far as the key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SetSum([u8; 32]);

impl SetSum {
    /// The sum of nothing.
    pub const ZERO: Self = Self([0; 32]);

    /// The sum with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// With `other` added.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let mut carry = 0_u16;
        self.combined(other, |a, b| {
            let sum = u16::from(a).wrapping_add(u16::from(b)).wrapping_add(carry);
            carry = sum >> 8;
            sum.to_be_bytes()
        })
    }

    /// With `other` taken away.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        let mut borrow = 0_u16;
        self.combined(other, |a, b| {
            let difference = u16::from(a).wrapping_sub(u16::from(b)).wrapping_sub(borrow);
            borrow = difference >> 15;
            difference.to_be_bytes()
        })
    }

    /// Byte by byte from the least significant one.
    fn combined(self, other: Self, mut step: impl FnMut(u8, u8) -> [u8; 2]) -> Self {
        let mut out = [0; 32];
        for ((to, a), b) in out.iter_mut().zip(self.0).zip(other.0).rev() {
            let [_, low] = step(a, b);
            *to = low;
        }
        Self(out)
    }
}

/// `mac` of a head.
pub type HeadMac = [u8; 32];

/// What the header of a store says of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// The generation of the platform's key that wraps the root.
    pub generation: u32,
    /// Goes up by one with each transaction that writes.
    pub counter: u64,
    /// Of all buckets.
    pub total: SetSum,
}

impl SystemKeys {
    /// `MAC(set, "store-in-set", key || parent || u64 position || u64 revision || tag)`.
    pub fn in_set(&self, place: &Place, tag: &RowTag) -> SetSum {
        let (position, revision) = (place.position.to_be_bytes(), place.revision.to_be_bytes());
        let parts: [&[u8]; 5] = [&place.key, &place.parent, &position, &revision, tag];
        SetSum(kdf::mac(self.set.as_bytes(), Label::StoreInSet, &parts))
    }

    /// `MAC(set, "store-bucket", u16 b || sum_b)`; nothing for an empty bucket.
    pub fn bucket(&self, bucket: u16, sum: &SetSum) -> SetSum {
        match *sum == SetSum::ZERO {
            true => SetSum::ZERO,
            false => {
                SetSum(kdf::mac(self.set.as_bytes(), Label::StoreBucket, &[&bucket.to_be_bytes(), sum.as_bytes()]))
            }
        }
    }

    /// `MAC(header, "store-head", u8 format || store_id || u32 generation || u64 counter || total)`.
    pub fn sign_head(&self, store: &StoreId, head: &Head) -> HeadMac {
        let (generation, counter) = (head.generation.to_be_bytes(), head.counter.to_be_bytes());
        let parts: [&[u8]; 5] = [&[FORMAT], store.as_bytes(), &generation, &counter, head.total.as_bytes()];
        kdf::mac(self.header.as_bytes(), Label::StoreHead, &parts)
    }

    /// Whether `mac` is the head's.
    pub fn verify_head(&self, store: &StoreId, head: &Head, mac: &HeadMac) -> Result<(), NotAuthentic> {
        match bool::from(self.sign_head(store, head).ct_eq(mac)) {
            true => Ok(()),
            false => Err(NotAuthentic),
        }
    }
}
