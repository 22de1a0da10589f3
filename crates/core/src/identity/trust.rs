//! What a client is configured to trust, and what was revoked: `docs/protocol.md` B2.

use core::fmt;

use super::revocation::RevocationList;
use crate::limits::TRUST_ROOTS;
use crate::primitives::Ed25519PublicKey;
use crate::wire::{SignedBody, v1};

/// No root, or more than four.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("between one and four trust roots")]
pub struct TrustRootsError;

/// One to four root keys of the service: configuration, never learnt from the network.
#[derive(Clone, PartialEq, Eq)]
pub struct TrustRoots(Box<[Ed25519PublicKey]>);

impl TrustRoots {
    /// These keys.
    pub fn new(keys: &[Ed25519PublicKey]) -> Result<Self, TrustRootsError> {
        match (1..=TRUST_ROOTS).contains(&keys.len()) {
            true => Ok(Self(keys.into())),
            false => Err(TrustRootsError),
        }
    }

    /// Whether one of them signed it. All are tried: how long it takes does not tell which.
    pub(super) fn verify<B: SignedBody>(&self, signed: &v1::Signed) -> bool {
        self.0.iter().fold(false, |found, root| found | B::verifies(signed, root))
    }
}

impl fmt::Debug for TrustRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrustRoots({})", self.0.len())
    }
}

/// By what certificates are judged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trust {
    /// The service's roots.
    pub roots: TrustRoots,
    /// The pinned revocation list; `None` until the first was fetched.
    pub revocations: Option<RevocationList>,
}

impl Trust {
    /// Whether an account that is not pinned yet may be met: a revocation list is here, and not older than 7 days
    /// past its `next_update`.
    pub fn may_meet_strangers(&self, now: crate::time::Timestamp) -> bool {
        self.revocations.as_ref().is_some_and(|list| list.is_usable(now))
    }
}
