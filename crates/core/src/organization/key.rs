//! The key of a practice: `docs/protocol.md` B17. It lives in an HSM or on one administrator's device.

use core::fmt;

use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use crate::ids::OrgId;
use crate::primitives::{Ed25519PublicKey, Ed25519Secret};
use crate::random::{RandomError, draw};

/// The `org_key` of a practice, private half included: what signs its directories.
pub struct OrgKey {
    org: OrgId,
    secret: Ed25519Secret,
}

impl OrgKey {
    /// A fresh key for `org`: its first, or the successor that is announced as `next_org_key`.
    pub fn generate(org: OrgId, rng: &mut impl TryCryptoRng) -> Result<Self, RandomError> {
        Ok(Self::from_seed(org, &draw(rng)?))
    }

    /// The key with this seed.
    pub fn from_seed(org: OrgId, seed: &Zeroizing<[u8; 32]>) -> Self {
        Self { org, secret: Ed25519Secret::from_seed(seed) }
    }

    /// Whose it is.
    pub const fn org(&self) -> OrgId {
        self.org
    }

    /// The key as others know it.
    pub fn public_key(&self) -> Ed25519PublicKey {
        self.secret.public_key()
    }

    pub(crate) const fn secret(&self) -> &Ed25519Secret {
        &self.secret
    }
}

impl fmt::Debug for OrgKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OrgKey(..)")
    }
}
