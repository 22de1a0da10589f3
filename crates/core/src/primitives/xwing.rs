//! X-Wing keys (draft-connolly-cfrg-xwing-kem): `docs/protocol.md` B1.1 tag 0x05. They are used through HPKE only.

use core::fmt;

use hpke::{Deserializable as _, Kem as _, Serializable as _};
use zeroize::Zeroizing;

use super::encoding::{KeyError, PublicKey, Tag};
use super::secret::Secret;
use super::{MlKem768PublicKey, X25519PublicKey};

/// `ML-KEM-768 ek || X25519`, both canonical.
#[derive(Clone, PartialEq, Eq)]
pub struct XWingPublicKey(Box<[u8; 1216]>);

impl XWingPublicKey {
    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8; 1216] {
        &self.0
    }
}

impl PublicKey for XWingPublicKey {
    const TAG: Tag = Tag::XWing;
    const RAW_LEN: usize = 1216;

    fn from_raw(raw: &[u8]) -> Result<Self, KeyError> {
        let (ml_kem, x25519) = raw.split_at_checked(MlKem768PublicKey::RAW_LEN).ok_or(KeyError::Length)?;
        X25519PublicKey::from_raw(x25519)?;
        MlKem768PublicKey::from_raw(ml_kem)?;
        let mut bytes = Box::new([0; 1216]);
        bytes.copy_from_slice(raw);
        Ok(Self(bytes))
    }

    fn raw(&self) -> &[u8] {
        self.0.as_slice()
    }
}

impl fmt::Debug for XWingPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("XWingPublicKey(..)")
    }
}

/// An X-Wing private key, kept as its 32-byte seed.
pub struct XWingSecret(Secret<32>);

impl XWingSecret {
    /// The private key with this seed.
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

    /// Whether `public` is its public key.
    pub(crate) fn gives(&self, public: &XWingPublicKey) -> bool {
        self.public_key().is_ok_and(|own| own == *public)
    }

    pub(super) fn expand(&self) -> Result<<hpke::kem::XWing as hpke::Kem>::PrivateKey, KeyError> {
        <hpke::kem::XWing as hpke::Kem>::PrivateKey::from_bytes(self.0.as_bytes()).map_err(|_| KeyError::Length)
    }

    /// The public key.
    pub fn public_key(&self) -> Result<XWingPublicKey, KeyError> {
        XWingPublicKey::from_raw(&hpke::kem::XWing::sk_to_pk(&self.expand()?).to_bytes())
    }
}

impl fmt::Debug for XWingSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("XWingSecret(..)")
    }
}
