//! The identity key of an account (AIK): `docs/protocol.md` B2. It lives on the primary device or in an HSM.

use core::fmt;

use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use crate::ids::AccountId;
use crate::primitives::{Ed25519PublicKey, Ed25519Secret};
use crate::random::{RandomError, draw};

/// The AIK of an account, private half included: what signs its manifests. No linked device has it.
pub struct AccountKey {
    account: AccountId,
    secret: Ed25519Secret,
}

impl AccountKey {
    /// A fresh key for `account`: its first, or the successor that is announced as `next_aik`.
    pub fn generate(account: AccountId, rng: &mut impl TryCryptoRng) -> Result<Self, RandomError> {
        Ok(Self::from_seed(account, &draw(rng)?))
    }

    /// The key with this seed.
    pub fn from_seed(account: AccountId, seed: &Zeroizing<[u8; 32]>) -> Self {
        Self { account, secret: Ed25519Secret::from_seed(seed) }
    }

    /// Whose it is.
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// The AIK as others know it.
    pub fn public_key(&self) -> Ed25519PublicKey {
        self.secret.public_key()
    }

    pub(crate) const fn secret(&self) -> &Ed25519Secret {
        &self.secret
    }
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountKey(..)")
    }
}
