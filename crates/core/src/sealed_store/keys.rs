//! The key hierarchy: `docs/store.md`, Keys.

use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use super::{FORMAT, NotAuthentic};
use crate::ids::StoreId;
use crate::labels::Label;
use crate::primitives::aead::AeadKey;
use crate::primitives::{Secret, kdf};
use crate::random::{RandomError, draw};

/// `root`: wrapped by the platform or under a passphrase, and in memory only while the store is unlocked.
pub struct RootKey(Secret<32>);

/// The system key, or the content key of one conversation.
pub struct StoreKey(Secret<32>);

/// A [`StoreKey`] as it lies in the store, sealed under the root: 76 bytes.
pub type SealedKey = [u8; 76];

/// The name under which a root is sealed: no row has it, as names of content keys are keyed hashes.
const ROOT_NAME: [u8; 16] = *b"carevow-root-key";

/// `KDF(Z32, key, label, store_id, 32)`.
fn derive(key: &Secret<32>, label: Label, store: &StoreId) -> Secret<32> {
    Secret::new(&kdf::kdf::<32>(&[0; 32], &[key.as_bytes()], label, &[store.as_bytes()]))
}

impl RootKey {
    /// A new one.
    pub fn random(rng: &mut impl TryCryptoRng) -> Result<Self, RandomError> {
        draw(rng).map(|bytes| Self(Secret::new(&bytes)))
    }

    /// What a platform unwrapped, or Argon2id made of a passphrase.
    pub fn from_bytes(bytes: &Zeroizing<[u8; 32]>) -> Self {
        Self(Secret::new(bytes))
    }

    /// The bytes, for the platform to wrap and nobody else.
    pub const fn to_wrap(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Seals `key` under its `name` (16 bytes): `salt[28] || ciphertext[32] || tag[16]`, the key made of the salt.
    pub fn seal(
        &self,
        store: &StoreId,
        name: &[u8; 16],
        key: &StoreKey,
        rng: &mut impl TryCryptoRng,
    ) -> Result<SealedKey, RandomError> {
        let salt = draw::<28>(rng)?;
        let (aead, nonce) = self.wrapping(store, name, &salt);
        let sealed = aead.seal(&nonce, &[FORMAT], key.0.as_bytes()).map_err(|_| RandomError)?;
        let mut out = [0; 76];
        out.iter_mut().zip(salt.iter().chain(&sealed)).for_each(|(to, from)| *to = *from);
        Ok(out)
    }

    /// Opens what [`seal`](Self::seal) made under the same root, store and name.
    pub fn open(&self, store: &StoreId, name: &[u8; 16], sealed: &SealedKey) -> Result<StoreKey, NotAuthentic> {
        let (salt, sealed) = sealed.split_first_chunk::<28>().ok_or(NotAuthentic)?;
        let (aead, nonce) = self.wrapping(store, name, salt);
        let key = aead.open_fixed::<32>(&nonce, &[FORMAT], sealed).map_err(|_| NotAuthentic)?;
        Ok(StoreKey(Secret::new(&key)))
    }

    /// Seals `root` under this key, which Argon2id made of a passphrase.
    pub fn seal_root(
        &self,
        store: &StoreId,
        root: &Self,
        rng: &mut impl TryCryptoRng,
    ) -> Result<SealedKey, RandomError> {
        self.seal(store, &ROOT_NAME, &StoreKey(Secret::copy_of(root.0.as_bytes())), rng)
    }

    /// Opens what [`seal_root`](Self::seal_root) made.
    pub fn open_root(&self, store: &StoreId, sealed: &SealedKey) -> Result<Self, NotAuthentic> {
        self.open(store, &ROOT_NAME, sealed).map(|StoreKey(bytes)| Self(bytes))
    }

    /// `okm = KDF(Z32, wrapping, "store-sealed-key", name || salt, 44)`, key and nonce.
    fn wrapping(&self, store: &StoreId, name: &[u8; 16], salt: &[u8; 28]) -> (AeadKey, Zeroizing<[u8; 12]>) {
        let wrapping = derive(&self.0, Label::StoreWrap, store);
        key_and_nonce(&kdf::kdf::<44>(&[0; 32], &[wrapping.as_bytes()], Label::StoreSealedKey, &[name, salt]))
    }
}

/// Key and nonce of one sealing.
pub(super) fn key_and_nonce(okm: &Zeroizing<[u8; 44]>) -> (AeadKey, Zeroizing<[u8; 12]>) {
    let mut key = Zeroizing::new([0; 32]);
    let mut nonce = Zeroizing::new([0; 12]);
    key.iter_mut().chain(nonce.iter_mut()).zip(okm.iter()).for_each(|(to, from)| *to = *from);
    (AeadKey::new(&key), nonce)
}

impl StoreKey {
    /// A new one.
    pub fn random(rng: &mut impl TryCryptoRng) -> Result<Self, RandomError> {
        draw(rng).map(|bytes| Self(Secret::new(&bytes)))
    }

    /// The key that seals rows under this one.
    pub fn records(&self, store: &StoreId) -> RecordKey {
        RecordKey(derive(&self.0, Label::StoreRecords, store))
    }

    /// Everything that hangs on the system key.
    pub fn system(&self, store: &StoreId) -> SystemKeys {
        let of = |label| derive(&self.0, label, store);
        SystemKeys {
            records: self.records(store),
            lookup: of(Label::StoreLookup),
            set: of(Label::StoreSet),
            header: of(Label::StoreHeader),
        }
    }
}

/// Seals rows.
pub struct RecordKey(pub(super) Secret<32>);

/// The keys of a store that is open.
pub struct SystemKeys {
    /// Seals the rows that belong to no conversation.
    pub records: RecordKey,
    pub(super) lookup: Secret<32>,
    pub(super) set: Secret<32>,
    pub(super) header: Secret<32>,
}

/// A passphrase on its way to Argon2id: wiped when it is dropped.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

crate::linking::opaque!(RootKey, StoreKey, RecordKey, SystemKeys, Passphrase);
