//! `PeerDevice` at rest.

use zeroize::Zeroizing;

use crate::identity::DevicePublic;
use crate::ids::{AccountId, DeviceAddress, DeviceId, RegNonce};
use crate::ratchet::session::SessionPeer;
use crate::wire::{FieldWriter, Fields};

pub(super) fn peer_bytes(peer: &SessionPeer) -> Zeroizing<Vec<u8>> {
    let mut out = FieldWriter::with_capacity(160);
    let device = &peer.device;
    out.bytes(1, device.address.account.as_bytes());
    out.number(2, device.address.device.as_u32());
    out.number(3, device.address.reg.as_u32());
    out.bytes(4, device.aik.as_bytes());
    out.bytes(5, device.dsk.as_bytes());
    out.bytes(6, device.ddk.as_bytes());
    out.finish()
}

pub(super) fn read_peer(fields: &Fields<'_>) -> Option<SessionPeer> {
    let address = DeviceAddress {
        account: AccountId::from_slice(fields.bytes(1)?)?,
        device: DeviceId::new(fields.u32(2)?)?,
        reg: RegNonce::new(fields.u32(3)?)?,
    };
    let device = DevicePublic { address, aik: fields.ed25519(4)?, dsk: fields.ed25519(5)?, ddk: fields.x25519(6)? };
    Some(SessionPeer { device })
}
