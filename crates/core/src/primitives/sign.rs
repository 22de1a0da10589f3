//! Ed25519 (RFC 8032), strict: `docs/protocol.md` B1 and B1.1 tag 0x01.

use core::fmt;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use super::encoding::{KeyError, PublicKey, Tag};
use super::x25519::tagged33;
use crate::labels::Label;

/// `R || S`.
pub type Signature = [u8; 64];

/// A canonical Ed25519 public key that is not of small order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Ed25519PublicKey(VerifyingKey);

impl Ed25519PublicKey {
    /// The raw 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// `0x01 || raw`.
    pub fn tagged(&self) -> [u8; 33] {
        tagged33(Tag::Ed25519, self.0.as_bytes())
    }

    /// `VERIFY(pk, s, m)`: canonical S; A and R canonical and not of small order; the cofactorless equation. False for
    /// a signature that is not 64 bytes.
    pub(crate) fn verify(&self, label: Label, message: &[&[u8]], signature: &[u8]) -> bool {
        self.verify_bytes(&labelled(label, message), signature)
    }

    /// The check itself, over bytes that already begin with a label: apart, so that published test vectors reach it.
    pub(super) fn verify_bytes(&self, message: &[u8], signature: &[u8]) -> bool {
        ed25519_dalek::Signature::from_slice(signature)
            .is_ok_and(|signature| self.0.verify_strict(message, &signature).is_ok())
    }
}

impl PublicKey for Ed25519PublicKey {
    const TAG: Tag = Tag::Ed25519;
    const RAW_LEN: usize = 32;

    fn from_raw(raw: &[u8]) -> Result<Self, KeyError> {
        let bytes: [u8; 32] = raw.try_into().map_err(|_| KeyError::Length)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| KeyError::NotCanonical)?;
        // The usual parser takes ZIP-215 encodings; only the one that compressing gives is canonical.
        if key.to_edwards().compress().to_bytes() != bytes {
            return Err(KeyError::NotCanonical);
        }
        match key.is_weak() {
            true => Err(KeyError::SmallOrder),
            false => Ok(Self(key)),
        }
    }

    fn raw(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Ed25519PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ed25519PublicKey(..)")
    }
}

/// An Ed25519 private key, kept as its 32-byte seed together with its own public key.
pub struct Ed25519Secret(Box<SigningKey>);

impl Ed25519Secret {
    /// The private key with these random bytes.
    pub fn from_seed(seed: &Zeroizing<[u8; 32]>) -> Self {
        Self(Box::new(SigningKey::from_bytes(seed)))
    }

    /// The public key.
    pub fn public_key(&self) -> Ed25519PublicKey {
        Ed25519PublicKey(self.0.verifying_key())
    }

    /// For the store alone.
    pub(crate) fn seed(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    #[cfg(test)]
    pub(crate) fn duplicate(&self) -> Self {
        Self(Box::new(SigningKey::from_bytes(self.0.as_bytes())))
    }

    /// `SIGN(sk, s, m) = Ed25519.Sign(sk, lbl(s) || m)`, m in parts.
    pub(crate) fn sign(&self, label: Label, message: &[&[u8]]) -> Signature {
        self.0.sign(&labelled(label, message)).to_bytes()
    }
}

impl fmt::Debug for Ed25519Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ed25519Secret(..)")
    }
}

/// `lbl(s) || m`.
fn labelled(label: Label, message: &[&[u8]]) -> Vec<u8> {
    core::iter::once(label.framed()).chain(message.iter().copied()).flatten().copied().collect()
}
