//! Secret bytes: boxed, so that moving them copies nothing; wiped when dropped; not printed, not cloned, compared in
//! constant time only.

use core::fmt;
use core::ops::Deref;

use subtle::ConstantTimeEq;
use zeroize::{ZeroizeOnDrop, Zeroizing, zeroize_bytes};

/// `N` secret bytes.
#[derive(ZeroizeOnDrop)]
pub struct Secret<const N: usize>(Box<[u8; N]>);

impl<const N: usize> Secret<N> {
    /// Takes the bytes over; the caller's copy is `Zeroizing`.
    pub fn new(bytes: &Zeroizing<[u8; N]>) -> Self {
        Self::copy_of(bytes)
    }

    pub(crate) fn copy_of(bytes: &[u8; N]) -> Self {
        let mut boxed = Box::new([0; N]);
        boxed.copy_from_slice(bytes);
        Self(boxed)
    }

    /// `None` unless there are exactly `N`.
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut boxed = Box::new([0; N]);
        (bytes.len() == N).then(|| {
            boxed.copy_from_slice(bytes);
            Self(boxed)
        })
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; N] {
        &self.0
    }
}

/// Secret bytes of any length, in one allocation that never grows. They are wiped as a whole:
/// `Zeroizing<Vec<u8>>` writes a byte at a time, which is a good part of what opening a message takes.
pub(crate) struct SecretBytes(Box<[u8]>);

impl SecretBytes {
    pub(crate) fn copy_of(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    pub(crate) const fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Deref for SecretBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        zeroize_bytes(&mut self.0);
    }
}

impl ZeroizeOnDrop for SecretBytes {}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

impl<const N: usize> ConstantTimeEq for Secret<N> {
    fn ct_eq(&self, other: &Self) -> subtle::Choice {
        self.0.as_slice().ct_eq(other.0.as_slice())
    }
}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
