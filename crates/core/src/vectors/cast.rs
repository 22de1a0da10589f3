//! The two people of the vectors, with every seed written down.

use zeroize::Zeroizing;

use super::node::{Fields, Node, fields};
use super::script::seed;
use crate::errors::DecryptError;
use crate::handshake::{Accepted, InitMessage, Initiator, Recipient, ResponderPrekeys};
use crate::identity::{AccountKey, DeviceKind, DevicePublic, ListedDevice, LocalDevice, Manifest, ManifestDraft};
use crate::ids::{AccountId, DeviceAddress, DeviceId, RegNonce};
use crate::prekey::{EnvelopePrekey, KemPrekey, KeyId, OneTimePrekey, PrekeyBundle, RecordType, SignedPrekey};
use crate::testing::{Party, Service, at};
use crate::time::Timestamp;

/// When everything is made.
pub(super) const MADE: Timestamp = at(0);

/// A device, its account and its prekeys, and the seeds that they come from.
pub(super) struct Person {
    pub(super) party: Party,
    seeds: Seeds,
}

struct Seeds {
    aik: Zeroizing<[u8; 32]>,
    dsk: Zeroizing<[u8; 32]>,
    ddk: Zeroizing<[u8; 32]>,
    spk: Zeroizing<[u8; 32]>,
    opk: Zeroizing<[u8; 32]>,
    kem: Zeroizing<[u8; 64]>,
    last_resort: Zeroizing<[u8; 64]>,
    env: Zeroizing<[u8; 32]>,
}

/// Which prekeys a bundle offers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Offer {
    OneTime,
    NoOpk,
    LastResort,
}

impl Person {
    pub(super) fn new(name: &str) -> Self {
        let of = |what: &str| format!("{name} {what}");
        let seeds = Seeds {
            aik: seed(&of("aik")),
            dsk: seed(&of("dsk")),
            ddk: seed(&of("ddk")),
            spk: seed(&of("spk")),
            opk: seed(&of("opk")),
            kem: seed(&of("kem")),
            last_resort: seed(&of("last resort")),
            env: seed(&of("env")),
        };
        let account = AccountKey::from_seed(AccountId::from_bytes(*seed(&of("account"))), &seeds.aik);
        let address = DeviceAddress {
            account: account.account(),
            device: DeviceId::new(1).unwrap(),
            reg: RegNonce::new(u32::from_be_bytes(*seed(&of("reg")))).unwrap(),
        };
        let device = LocalDevice::from_seeds(address, account.public_key(), &seeds.dsk, &seeds.ddk);
        let listed = ListedDevice::of(&device, DeviceKind::Mobile, MADE, &account.public_key());
        let draft = ManifestDraft { devices: vec![listed], next_aik: None };
        let kem = |kind, id, seed| KemPrekey::from_seed(&device, kind, KeyId(id), MADE, seed);
        let party = Party {
            manifest: Manifest::issue(&account, None, draft, MADE).unwrap(),
            spk: SignedPrekey::from_seed(&device, KeyId(0x0102_0304), MADE, &seeds.spk),
            opk: OneTimePrekey::from_seed(&device, KeyId(0x1112_1314), MADE, &seeds.opk),
            kem: kem(RecordType::OneTimeKem, 0x2122_2324, &seeds.kem),
            last_resort: kem(RecordType::LastResortKem, 0x3132_3334, &seeds.last_resort),
            env: EnvelopePrekey::from_seed(&device, KeyId(0x4142_4344), MADE, &seeds.env).unwrap(),
            device,
            account,
        };
        Self { party, seeds }
    }

    pub(super) fn alice() -> Self {
        Self::new("alice")
    }

    pub(super) fn bob() -> Self {
        Self::new("bob")
    }

    pub(super) fn public(&self) -> &DevicePublic {
        self.party.public()
    }

    /// Address, seeds and public keys.
    pub(super) fn described(&self) -> Fields {
        let address = self.public().address;
        fields! {
            "account_id" => address.account.as_bytes(),
            "device_id" => address.device.as_u32(),
            "reg_nonce" => address.reg.as_u32(),
            "aik_seed" => &*self.seeds.aik,
            "dsk_seed" => &*self.seeds.dsk,
            "ddk_seed" => &*self.seeds.ddk,
            "aik" => self.public().aik.tagged(),
            "dsk" => self.public().dsk.tagged(),
            "ddk" => self.public().ddk.tagged(),
        }
    }

    /// The prekeys of an offer, seeds and records.
    pub(super) fn prekeys_described(&self, offer: Offer) -> Fields {
        let opk = (offer == Offer::OneTime).then(|| prekey(&*self.seeds.opk, self.party.opk.record()));
        let kem = match offer {
            Offer::LastResort => prekey(&*self.seeds.last_resort, self.party.last_resort.record()),
            _ => prekey(&*self.seeds.kem, self.party.kem.record()),
        };
        fields! {
            "spk" => prekey(&*self.seeds.spk, self.party.spk.record()),
            "opk" => opk,
            "kem" => kem,
        }
    }

    /// The key of envelopes, seed and record.
    pub(super) fn env_described(&self) -> Fields {
        prekey(&*self.seeds.env, self.party.env.record())
    }

    /// Seeds and records of all five types, by name.
    pub(super) fn all_prekeys(&self) -> [(&'static str, Node, crate::wire::v1::SignedRecord); 5] {
        let Party { device, spk, opk, kem, last_resort, env, .. } = &self.party;
        [
            ("0x21 SPK", (&*self.seeds.spk).into(), spk.signed(device)),
            ("0x22 OPK", (&*self.seeds.opk).into(), opk.signed(device)),
            ("0x23 one-time ML-KEM-1024", (&*self.seeds.kem).into(), kem.signed(device)),
            ("0x24 last-resort ML-KEM-1024", (&*self.seeds.last_resort).into(), last_resort.signed(device)),
            ("0x25 ENV", (&*self.seeds.env).into(), env.signed(device)),
        ]
    }

    pub(super) fn bundle(&self, offer: Offer) -> PrekeyBundle {
        let parts = match offer {
            Offer::OneTime => self.party.parts(MADE),
            Offer::NoOpk => crate::prekey::BundleParts { opk: None, ..self.party.parts(MADE) },
            Offer::LastResort => self.party.exhausted_parts(MADE),
        };
        verified(&parts.into(), &self.party)
    }

    pub(super) fn prekeys(&self, offer: Offer) -> ResponderPrekeys<'_> {
        let Party { spk, opk, kem, last_resort, .. } = &self.party;
        ResponderPrekeys {
            spk,
            opk: (offer == Offer::OneTime).then_some(opk),
            kem: if offer == Offer::LastResort { last_resort } else { kem },
        }
    }

    /// Accepts an INIT of `from`, whose certificate is in order.
    pub(super) fn accept(&self, init: &[u8], from: &Self, offer: Offer) -> Result<Accepted, DecryptError> {
        let recipient = Recipient { device: &self.party.device, previous_aiks: &[] };
        let initiator = Initiator { device: from.public(), other_aiks: &[], highest_generation: None };
        InitMessage::parse(init)?.accept(recipient, initiator, self.prekeys(offer), MADE.plus(1_000))
    }
}

fn prekey(seed: &[u8], record: &[u8]) -> Fields {
    fields! { "seed" => seed, "record" => record }
}

fn verified(bundle: &crate::wire::v1::PrekeyBundle, party: &Party) -> PrekeyBundle {
    let bytes = prost::Message::encode_to_vec(bundle);
    let unverified = crate::prekey::UnverifiedBundle::parse(&bytes).unwrap();
    unverified.verify(&Service::new().trust(), &party.target(), MADE).unwrap().bundle
}
