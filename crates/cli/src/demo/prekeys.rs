//! The prekeys of one device, private halves included.

use std::collections::BTreeMap;

use carevow_core::Timestamp;
use carevow_core::handshake::{InitHeader, PrekeyUse, ResponderPrekeys};
use carevow_core::identity::{LocalDevice, Manifest};
use carevow_core::prekey::{EnvelopePrekey, KemPrekey, KeyId, OneTimePrekey, SignedPrekey};

use super::error::DemoError;
use super::random::Source;
use super::service::Publication;

/// How many one-time keys of each kind a device of the demo publishes. A real one keeps 100 and 50.
pub const ONE_TIME: usize = 4;

/// What a device keeps so that others can begin a conversation while it is off.
pub struct Prekeys {
    /// Key for envelopes.
    pub env: EnvelopePrekey,
    spk: SignedPrekey,
    last_resort: KemPrekey,
    one_time: BTreeMap<KeyId, OneTimePrekey>,
    one_time_kems: BTreeMap<KeyId, KemPrekey>,
}

impl Prekeys {
    /// A fresh set.
    pub fn generate(device: &LocalDevice, now: Timestamp, rng: &mut Source) -> Result<Self, DemoError> {
        let mut id = KeyId::random(rng)?;
        let mut next = move || {
            id = id.next();
            id
        };
        let mut one_time = BTreeMap::new();
        let mut one_time_kems = BTreeMap::new();
        for _ in 0..ONE_TIME {
            let prekey = OneTimePrekey::generate(device, next(), now, rng)?;
            one_time.insert(prekey.key_id(), prekey);
            let prekey = KemPrekey::generate_one_time(device, next(), now, rng)?;
            one_time_kems.insert(prekey.key_id(), prekey);
        }
        Ok(Self {
            env: EnvelopePrekey::generate(device, next(), now, rng)?,
            spk: SignedPrekey::generate(device, next(), now, rng)?,
            last_resort: KemPrekey::generate_last_resort(device, next(), now, rng)?,
            one_time,
            one_time_kems,
        })
    }

    /// The public halves, signed.
    pub fn publication(&self, device: &LocalDevice, manifest: &Manifest) -> Publication {
        Publication {
            device: *device.public(),
            manifest: manifest.to_signed(),
            spk: self.spk.signed(device),
            env: self.env.signed(device),
            last_resort: self.last_resort.signed(device),
            one_time: self.one_time.values().map(|prekey| prekey.signed(device)).collect(),
            one_time_kems: self.one_time_kems.values().map(|prekey| prekey.signed(device)).collect(),
        }
    }

    /// The private halves that a header names, by id and type; `None` if one of them is gone.
    pub fn named(&self, header: &InitHeader) -> Option<ResponderPrekeys<'_>> {
        let opk = match header.opk_id() {
            None => None,
            Some(id) => Some(self.one_time.get(&id)?),
        };
        let kem = match header.grade().ml_kem {
            PrekeyUse::OneTime => self.one_time_kems.get(&header.kem_id())?,
            PrekeyUse::Shared => Some(&self.last_resort).filter(|kem| kem.key_id() == header.kem_id())?,
        };
        Some(ResponderPrekeys { spk: Some(&self.spk).filter(|spk| spk.key_id() == header.spk_id())?, opk, kem })
    }

    /// Deletes the one-time keys that made a session: nobody can open its first message again.
    pub fn delete_used(&mut self, header: &InitHeader) {
        if let Some(id) = header.opk_id() {
            self.one_time.remove(&id);
        }
        self.one_time_kems.remove(&header.kem_id());
    }
}
