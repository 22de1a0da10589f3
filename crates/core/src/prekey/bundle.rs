//! TEMPORARY stand-in until the bundle verification is merged.
#![allow(missing_docs, clippy::all, reason = "temporary")]
use crate::identity::DevicePublic;
use crate::labels::Label;
use crate::prekey::{KeyId, PrekeyRecord, RecordKey};
use crate::primitives::{Ed25519PublicKey, MlKem1024PublicKey, X25519PublicKey, XWingPublicKey, kdf};
use crate::suite::Suite;
use crate::wire::lp;

pub struct Slot<K> {
    pub record: Box<[u8]>,
    pub key_id: KeyId,
    pub key: K,
}
pub struct PrekeyBundle {
    pub device: DevicePublic,
    pub spk: Slot<X25519PublicKey>,
    pub opk: Option<Slot<X25519PublicKey>>,
    pub kem: Slot<MlKem1024PublicKey>,
    pub env: Slot<XWingPublicKey>,
    pub last: bool,
}
fn x(record: &[u8]) -> Slot<X25519PublicKey> {
    let p = PrekeyRecord::parse(record).unwrap();
    let RecordKey::X25519(key) = p.key else { panic!() };
    Slot { record: record.into(), key_id: p.key_id, key }
}
impl PrekeyBundle {
    pub fn stub(device: DevicePublic, spk: &[u8], opk: Option<&[u8]>, kem: &[u8], env: &[u8]) -> Self {
        let k = PrekeyRecord::parse(kem).unwrap();
        let RecordKey::MlKem1024(kk) = k.key else { panic!() };
        let e = PrekeyRecord::parse(env).unwrap();
        let RecordKey::XWing(ek) = e.key else { panic!() };
        Self {
            device,
            spk: x(spk),
            opk: opk.map(x),
            kem: Slot { record: kem.into(), key_id: k.key_id, key: kk },
            env: Slot { record: env.into(), key_id: e.key_id, key: ek },
            last: kem[0] == 0x24,
        }
    }
    pub fn device(&self) -> &DevicePublic {
        &self.device
    }
    pub fn spk(&self) -> &Slot<X25519PublicKey> {
        &self.spk
    }
    pub fn opk(&self) -> Option<&Slot<X25519PublicKey>> {
        self.opk.as_ref()
    }
    pub fn kem(&self) -> &Slot<MlKem1024PublicKey> {
        &self.kem
    }
    pub fn kem_is_last_resort(&self) -> bool {
        self.last
    }
    pub fn suite(&self) -> Suite {
        Suite::V1
    }
    pub fn bundle_hash(&self) -> [u8; 32] {
        bundle_hash(
            &self.device.aik,
            &self.device.dsk,
            &self.device.ddk,
            &self.spk.record,
            self.opk.as_ref().map(|o| &*o.record),
            &self.kem.record,
        )
    }
}
pub fn bundle_hash(
    aik: &Ed25519PublicKey,
    dsk: &Ed25519PublicKey,
    ddk: &X25519PublicKey,
    spk: &[u8],
    opk: Option<&[u8]>,
    kem: &[u8],
) -> [u8; 32] {
    let opk = opk.unwrap_or_default();
    kdf::hash(
        Label::Bundle,
        &[&aik.tagged(), &dsk.tagged(), &ddk.tagged(), &lp(spk), spk, &lp(opk), opk, &lp(kem), kem],
    )
}
