//! The key of a practice: `docs/protocol.md` B17. It lives in an HSM or on one administrator's device.

use core::fmt;

use rand_core::TryCryptoRng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::ids::OrgId;
use crate::labels::Label;
use crate::primitives::kdf::hash;
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

    /// As whoever has the private half trusts it.
    pub fn trusted(&self) -> TrustedOrgKey {
        TrustedOrgKey { org: self.org, key: self.public_key() }
    }

    pub(crate) const fn secret(&self) -> &Ed25519Secret {
        &self.secret
    }
}

/// The key of a practice that is known otherwise than from the service: an invitation names its fingerprint
/// ([`CheckedInvitation::org_key`](crate::invitation::CheckedInvitation::org_key)), a person confirmed it, or its private
/// half is here. A group's state names a practice and never brings its key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TrustedOrgKey {
    org: OrgId,
    key: Ed25519PublicKey,
}

impl TrustedOrgKey {
    /// `key`, of which a person (or the configuration) confirmed the fingerprint for the practice `org`, over another
    /// channel than the service. `None` if it has another one.
    pub fn confirmed(org: OrgId, key: &Ed25519PublicKey, fingerprint: &[u8; 32]) -> Option<Self> {
        let same = bool::from(org_key_fingerprint(key).ct_eq(fingerprint));
        same.then_some(Self { org, key: *key })
    }

    /// Of which practice.
    pub const fn org(&self) -> OrgId {
        self.org
    }

    /// The key.
    pub const fn key(&self) -> &Ed25519PublicKey {
        &self.key
    }
}

/// `HASH("org-key", org_key[33])`: what an invitation names, and what people compare.
pub fn org_key_fingerprint(org_key: &Ed25519PublicKey) -> [u8; 32] {
    hash(Label::OrgKey, &[&org_key.tagged()])
}

impl fmt::Debug for OrgKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OrgKey(..)")
    }
}
