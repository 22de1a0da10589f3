//! Revocation lists: `docs/protocol.md` B2.

use core::fmt;

use super::trust::TrustRoots;
use crate::ids::{AccountId, DeviceAddress, DeviceId, RegNonce, Serial};
use crate::labels::Label;
use crate::limits::REVOCATION_GRACE_MS;
use crate::primitives::kdf;
use crate::time::Timestamp;
use crate::wire::{SignedBody, WireError, array, v1};

/// Why a revocation list is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RevocationError {
    /// Not canonical, another version, an id of a wrong length.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// Signed by none of the roots.
    #[error("the signature does not verify")]
    Signature,
    /// A lower `seq` than the pinned list's.
    #[error("an older list than the pinned one")]
    Rollback,
    /// Event `RevocationFork`: the `seq` of the pinned list, and other bytes.
    #[error("two lists of one number")]
    Fork,
}

/// What the service has revoked, signed by a root. The newest one is pinned.
#[derive(Clone, PartialEq, Eq)]
pub struct RevocationList {
    hash: [u8; 32],
    seq: u64,
    next_update: Timestamp,
    issuers: Box<[u32]>,
    serials: Box<[Serial]>,
    devices: Box<[DeviceAddress]>,
}

impl RevocationList {
    /// Verifies a list under the roots and against the pinned one. The pinned bytes give the pinned list.
    pub fn verify(signed: &v1::Signed, roots: &TrustRoots, pinned: Option<&Self>) -> Result<Self, RevocationError> {
        let message = v1::RevocationList::parse(&signed.body)?;
        if !roots.verify::<v1::RevocationList>(signed) {
            return Err(RevocationError::Signature);
        }
        let list = Self {
            hash: kdf::sha256(&[&signed.body]),
            seq: message.seq,
            next_update: Timestamp::from_millis(message.next_update_ms),
            serials: message
                .serials
                .iter()
                .map(|serial| array(serial).map(Serial::from_bytes))
                .collect::<Result<_, _>>()?,
            devices: message.devices.iter().map(device).collect::<Result<_, _>>()?,
            issuers: message.issuer_ids.into_boxed_slice(),
        };
        match pinned {
            Some(pinned) if list.seq < pinned.seq => Err(RevocationError::Rollback),
            Some(pinned) if list.seq == pinned.seq && list.hash != pinned.hash => Err(RevocationError::Fork),
            _ => Ok(list),
        }
    }

    /// Its number: the highest seen is pinned.
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// When the next one is due.
    pub const fn next_update(&self) -> Timestamp {
        self.next_update
    }

    /// Whether it is not older than 7 days past `next_update`. After that, accounts that are not pinned are refused
    /// and messages of others flagged.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        now <= self.next_update.plus(REVOCATION_GRACE_MS)
    }

    /// Whether it ends this registration of a device.
    pub fn revokes_device(&self, address: DeviceAddress) -> bool {
        self.devices.contains(&address)
    }

    pub(super) fn revokes_issuer(&self, issuer_id: u32) -> bool {
        self.issuers.contains(&issuer_id)
    }

    pub(super) fn revokes_serial(&self, serial: Serial) -> bool {
        self.serials.contains(&serial)
    }
}

fn device(revoked: &v1::RevokedDevice) -> Result<DeviceAddress, WireError> {
    Ok(DeviceAddress {
        account: AccountId::from_bytes(array(&revoked.account_id)?),
        device: DeviceId::new(revoked.device_id).ok_or(WireError::Field)?,
        reg: RegNonce::new(revoked.reg_nonce).ok_or(WireError::Field)?,
    })
}

impl fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RevocationList(seq {})", self.seq)
    }
}

impl SignedBody for v1::RevocationList {
    const LABEL: Label = Label::Revocation;

    fn version(&self) -> Option<u32> {
        Some(self.version)
    }

    fn extensions(&self) -> &[v1::Ext] {
        &self.ext
    }
}
