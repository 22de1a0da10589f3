//! The secret of a lane: `docs/protocol.md` B6.5.

use super::area::Area;
use super::node::fields;
use super::script::seed;
use crate::labels::Label;
use crate::primitives::{MlKem768Secret, kdf};

pub(super) fn area() -> Area {
    let mut area = Area::new("lanes");
    let sid = seed::<32>("lane sid");
    for (name, dir, epoch) in [
        ("initiator's lane, epoch 1", 0_u8, 1_u32),
        ("initiator's lane, epoch 2", 0, 2),
        ("responder's lane, epoch 1", 1, 1),
        ("responder's lane, epoch 2^32 - 1", 1, u32::MAX),
    ] {
        let (offer, m) = (seed(&format!("lane {name} seed")), seed(&format!("lane {name} m")));
        let secret = MlKem768Secret::from_seed(&offer);
        let ek = secret.public_key();
        let (ct, ss) = ek.encapsulate(&m).unwrap();
        assert_eq!(*secret.decapsulate(&ct), *ss);
        let k = lane_secret(&ss, &sid, dir, epoch, ek.as_bytes(), ct.as_bytes());
        let input = fields! {
            "sid" => &*sid, "lane_owner_dir" => u32::from(dir), "e" => epoch, "offer_seed" => &*offer, "m" => &*m,
        };
        let output = fields! { "ek" => ek.as_bytes(), "ct" => ct.as_bytes(), "ss" => &*ss, "k" => k };
        let comment =
            "k = KDF(Z32, ss, \"pq-lane\", sid || u8 lane_owner_dir || u32 e || SHA-256(ek) || SHA-256(ct), 32)";
        area.gives(name, comment, input, output);
    }
    area
}

/// The lanes of a session are seen in the `ratchet` file; this is the formula alone.
pub(super) fn lane_secret(ss: &[u8; 32], sid: &[u8; 32], dir: u8, epoch: u32, ek: &[u8], ct: &[u8]) -> [u8; 32] {
    let (ek, ct) = (kdf::sha256(&[ek]), kdf::sha256(&[ct]));
    let ctx: [&[u8]; 5] = [sid, &[dir], &epoch.to_be_bytes(), &ek, &ct];
    *kdf::kdf::<32>(&[0; 32], &[ss], Label::PqLane, &ctx)
}
