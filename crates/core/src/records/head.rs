//! Heads of audit chains: `docs/protocol.md` B19.

use super::chain::ChainPoint;
use super::entry::optional;
use super::{RecordError, open};
use crate::identity::LocalDevice;
use crate::ids::{AccountId, DeviceId, OrgId, StoreId};
use crate::labels::Label;
use crate::primitives::Ed25519PublicKey;
use crate::time::Timestamp;
use crate::wire::{SignedBody, v1};

impl SignedBody for v1::AuditHead {
    const LABEL: Label = Label::AuditHead;
}

/// The end of a store's chain, signed by its device.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AuditHead {
    /// Which store.
    pub store: StoreId,
    /// Whose device.
    pub account: AccountId,
    /// Which device.
    pub device: DeviceId,
    /// Where the chain stood.
    pub point: ChainPoint,
    /// The device's clock.
    pub at: Timestamp,
    /// The practice, where it is its store.
    pub org: Option<OrgId>,
}

crate::linking::opaque!(AuditHead);

/// Two heads of one store contradict each other: event `AuditFork`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AuditFork {
    /// A later head has a lower number: an older store was restored, or the end was cut off.
    #[error("the number of a store's audit head fell")]
    SeqFell,
    /// One number, two hashes: the chain was written anew.
    #[error("a store's audit head changed")]
    OtherHash,
    /// A device claims a store that is known as another device's: not kept, and it says nothing of that other device.
    #[error("the audit head is of a store of another device")]
    ForeignStore,
}

impl AuditHead {
    /// `Signed{AuditHead, SIGN(DSK, "audit-head", body)}`.
    pub fn sign(
        device: &LocalDevice,
        store: StoreId,
        org: Option<OrgId>,
        point: ChainPoint,
        now: Timestamp,
    ) -> v1::Signed {
        let address = device.public().address;
        v1::AuditHead {
            store_id: store.as_bytes().to_vec(),
            account_id: address.account.as_bytes().to_vec(),
            device_id: address.device.as_u32(),
            seq: point.seq,
            h: point.h.to_vec(),
            at_ms: now.as_millis(),
            org_id: org.map_or(Vec::new(), |org| org.as_bytes().to_vec()),
        }
        .sign(device.dsk())
    }

    /// Verifies a head under the signing key of `device` of `account`, whose it must be.
    pub fn verify(
        signed: &v1::Signed,
        (account, device): (AccountId, DeviceId),
        dsk: &Ed25519PublicKey,
    ) -> Result<Self, RecordError> {
        let head = Self::from_wire(&open(signed, dsk)?).ok_or(RecordError::Malformed)?;
        match head.account == account && head.device == device {
            true => Ok(head),
            false => Err(RecordError::OtherOrigin),
        }
    }

    fn from_wire(wire: &v1::AuditHead) -> Option<Self> {
        Some(Self {
            store: StoreId::from_slice(&wire.store_id)?,
            account: AccountId::from_slice(&wire.account_id)?,
            device: DeviceId::new(wire.device_id)?,
            point: ChainPoint { seq: wire.seq, h: wire.h.as_slice().try_into().ok()? },
            at: Timestamp::from_millis(wire.at_ms),
            org: optional(&wire.org_id, OrgId::from_slice)?,
        })
    }
}

/// Compares a new head with all that are kept of its store and device. Heads of other stores are passed over; a store
/// belongs to the device whose head of it came first. A head that was overtaken on the way has a lower number *and* an
/// earlier time, and is no fork.
pub fn compare_heads(kept: &[AuditHead], new: &AuditHead) -> Result<(), AuditFork> {
    let origin = |head: &AuditHead| (head.account, head.device);
    let claimed = kept.iter().filter(|old| old.store == new.store);
    if claimed.clone().next().is_some_and(|first| origin(first) != origin(new)) {
        return Err(AuditFork::ForeignStore);
    }
    let same_store = || claimed.clone().filter(|old| origin(old) == origin(new));
    if same_store().any(|old| old.point.seq == new.point.seq && old.point.h != new.point.h) {
        return Err(AuditFork::OtherHash);
    }
    let fell = |old: &AuditHead| match old.point.seq.cmp(&new.point.seq) {
        core::cmp::Ordering::Greater => old.at <= new.at,
        core::cmp::Ordering::Less => old.at > new.at,
        core::cmp::Ordering::Equal => false,
    };
    match same_store().any(fell) {
        true => Err(AuditFork::SeqFell),
        false => Ok(()),
    }
}
