//! `OwnLaneState` and `PeerLaneState` at rest, with the counters of each lane.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::primitives::{MlKem768Ciphertext, MlKem768PublicKey, MlKem768Secret, PublicKey as _};
use crate::ratchet::lane::{Answer, LaneCounters, Offer, OwnLane, PeerLane};
use crate::wire::{FieldWriter, Fields};

pub(super) fn own_lane_bytes(lane: &OwnLane, counters: LaneCounters) -> Zeroizing<Vec<u8>> {
    let mut out = FieldWriter::with_capacity(128);
    match lane {
        OwnLane::Idle { next } => {
            out.number(1, 1_u32);
            out.number(2, *next);
        }
        OwnLane::Offered { epoch, offer } => {
            out.number(1, 2_u32);
            out.number(2, *epoch);
            out.bytes(3, offer.seed());
        }
        OwnLane::Ready { epoch, secret } => {
            out.number(1, 3_u32);
            out.number(2, *epoch);
            out.bytes(4, secret.as_bytes());
        }
    }
    out.number(5, counters.messages);
    out.number(6, counters.mixed_at.as_millis());
    out.number(7, counters.since_ek);
    out.finish()
}

pub(super) fn read_own_lane(fields: &Fields<'_>) -> Option<(OwnLane, LaneCounters)> {
    let epoch = fields.u32(2)?;
    let lane = match fields.u32(1)? {
        1 => OwnLane::Idle { next: epoch },
        2 => OwnLane::Offered { epoch, offer: Arc::new(Offer::new(MlKem768Secret::from_slice(fields.bytes(3)?)?)) },
        3 => OwnLane::Ready { epoch, secret: Arc::new(fields.secret(4)?) },
        _ => return None,
    };
    let counters =
        LaneCounters { messages: fields.u32(5)?, mixed_at: fields.time(6)?, since_ek: fields.u32(7)?, since_ct: 0 };
    (epoch != 0).then_some((lane, counters))
}

pub(super) fn peer_lane_bytes(lane: &PeerLane, counters: LaneCounters) -> Zeroizing<Vec<u8>> {
    let mut out = FieldWriter::with_capacity(1280);
    match lane {
        PeerLane::Idle { last } => {
            out.number(1, 1_u32);
            out.number(2, *last);
        }
        PeerLane::Asked { epoch, ek } => {
            out.number(1, 2_u32);
            out.number(2, *epoch);
            out.bytes(3, ek.as_bytes());
        }
        PeerLane::Pending { epoch, answer } => {
            out.number(1, 3_u32);
            out.number(2, *epoch);
            out.bytes(4, &answer.ek_hash);
            out.bytes(5, answer.ct.as_bytes());
            out.bytes(6, answer.secret.as_bytes());
        }
    }
    out.number(7, counters.since_ct);
    out.finish()
}

pub(super) fn read_peer_lane(fields: &Fields<'_>) -> Option<(PeerLane, u32)> {
    let epoch = fields.u32(2)?;
    let lane = match fields.u32(1)? {
        1 => PeerLane::Idle { last: epoch },
        2 => PeerLane::Asked { epoch, ek: Arc::new(MlKem768PublicKey::from_raw(fields.bytes(3)?).ok()?) },
        3 => {
            let answer = Answer {
                ek_hash: fields.bytes(4)?.try_into().ok()?,
                ct: MlKem768Ciphertext::from_raw(fields.bytes(5)?).ok()?,
                secret: fields.secret(6)?,
            };
            PeerLane::Pending { epoch, answer: Arc::new(answer) }
        }
        _ => return None,
    };
    Some((lane, fields.u32(7)?))
}
