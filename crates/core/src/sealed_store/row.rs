//! Rows: `docs/store.md`, Rows.

use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use super::keys::{RecordKey, SystemKeys, key_and_nonce};
use super::{FORMAT, NotAuthentic};
use crate::ids::StoreId;
use crate::labels::Label;
use crate::primitives::kdf;
use crate::random::{RandomError, draw};
use crate::wire::joined;

/// By which a row is found: says nothing to who has no key.
pub type LookupKey = [u8; 16];

/// By which the rows that belong to one are found.
pub type ParentKey = [u8; 16];

/// The last 16 bytes of a sealed row.
pub type RowTag = [u8; 16];

/// Which key a row is sealed with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// The system key's.
    System,
    /// The content key of a conversation.
    Content,
}

impl Scope {
    const fn as_u8(self) -> u8 {
        match self {
            Self::System => 0,
            Self::Content => 1,
        }
    }
}

/// Where a row stands: everything that its tag binds it to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Its key.
    pub key: LookupKey,
    /// What it belongs to.
    pub parent: ParentKey,
    /// Its order among those.
    pub position: u64,
    /// The counter of the store when it was written.
    pub revision: u64,
}

impl Place {
    /// `u8 format || store_id || key || parent || u64 position || u64 revision`.
    fn context(&self, store: &StoreId) -> [u8; 65] {
        let (position, revision) = (self.position.to_be_bytes(), self.revision.to_be_bytes());
        joined(&[&[FORMAT], store.as_bytes(), &self.key, &self.parent, &position, &revision])
    }
}

/// A row as it lies in the database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedRow {
    /// `salt[32] || ciphertext`.
    pub value: Vec<u8>,
    /// The tag.
    pub tag: RowTag,
}

const SALT: usize = 32;

impl SystemKeys {
    /// First 16 bytes of `MAC(lookup, "store-key", u32 table || primary key)`.
    pub fn lookup(&self, table: u32, primary_key: &[u8]) -> LookupKey {
        first(&kdf::mac(self.lookup.as_bytes(), Label::StoreKey, &[&table.to_be_bytes(), primary_key]))
    }

    /// First 16 bytes of `MAC(lookup, "store-parent", u32 table || u32 parent table || parent key)`.
    pub fn parent(&self, table: u32, parent_table: u32, parent_key: &[u8]) -> ParentKey {
        let parts: [&[u8]; 3] = [&table.to_be_bytes(), &parent_table.to_be_bytes(), parent_key];
        first(&kdf::mac(self.lookup.as_bytes(), Label::StoreParent, &parts))
    }
}

fn first(mac: &[u8; 32]) -> [u8; 16] {
    let mut out = [0; 16];
    out.iter_mut().zip(mac).for_each(|(to, from)| *to = *from);
    out
}

impl RecordKey {
    /// `AES-256-GCM(key, nonce, aad = context, pt = u16 len(primary key) || primary key || value)`.
    pub fn seal(
        &self,
        store: &StoreId,
        scope: Scope,
        place: &Place,
        primary_key: &[u8],
        value: &[u8],
        rng: &mut impl TryCryptoRng,
    ) -> Result<SealedRow, RandomError> {
        let salt = draw::<SALT>(rng)?;
        let context = place.context(store);
        let (aead, nonce) = self.row_key(&salt, scope, &context);
        let length = u16::try_from(primary_key.len()).map_err(|_| RandomError)?;
        let capacity = SALT.saturating_add(2).saturating_add(primary_key.len()).saturating_add(value.len());
        let mut out = Vec::with_capacity(capacity.saturating_add(16));
        out.extend_from_slice(salt.as_slice());
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(primary_key);
        out.extend_from_slice(value);
        aead.seal_tail(&nonce, &context, &mut out, SALT).map_err(|_| RandomError)?;
        let tag = out.split_off(out.len().saturating_sub(16));
        Ok(SealedRow { value: out, tag: tag.try_into().map_err(|_| RandomError)? })
    }

    /// `(primary key, value)` of a row that was sealed at this place.
    pub fn open(
        &self,
        store: &StoreId,
        scope: Scope,
        place: &Place,
        row: &SealedRow,
    ) -> Result<OpenedRow, NotAuthentic> {
        let (salt, ciphertext) = row.value.split_first_chunk::<SALT>().ok_or(NotAuthentic)?;
        let context = place.context(store);
        let (aead, nonce) = self.row_key(salt, scope, &context);
        let plaintext = aead.open(&nonce, &context, &[ciphertext, &row.tag].concat()).map_err(|_| NotAuthentic)?;
        let (length, rest) = plaintext.split_first_chunk::<2>().ok_or(NotAuthentic)?;
        let (key, value) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(NotAuthentic)?;
        Ok(OpenedRow { primary_key: Zeroizing::new(key.to_vec()), value: Zeroizing::new(value.to_vec()) })
    }

    /// `KDF(salt, records, "store-row", u8 scope || context, 44)`, key and nonce.
    fn row_key(
        &self,
        salt: &[u8; SALT],
        scope: Scope,
        context: &[u8; 65],
    ) -> (crate::primitives::aead::AeadKey, Zeroizing<[u8; 12]>) {
        key_and_nonce(&kdf::kdf::<44>(salt, &[self.0.as_bytes()], Label::StoreRow, &[&[scope.as_u8()], context]))
    }
}

/// What a row says.
pub struct OpenedRow {
    /// The key under which it was stored.
    pub primary_key: Zeroizing<Vec<u8>>,
    /// The value.
    pub value: Zeroizing<Vec<u8>>,
}
