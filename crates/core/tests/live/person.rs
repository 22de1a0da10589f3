//! Somebody with an account, a device and prekeys, for Rust and for the reference from the same seeds.

use carevow_core::identity::{
    AccountKey, Assurance, DeviceKind, DevicePublic, DeviceTerms, IssuerKey, IssuerTerms, ListedDevice, LocalDevice,
    Manifest, ManifestDraft, RevocationList, Revocations, RootKey, Trust, TrustRoots,
};
use carevow_core::ids::{AccountId, DeviceAddress, DeviceId, RegNonce, Serial};
use carevow_core::prekey::{BundleParts, EnvelopePrekey, KemPrekey, KeyId, OneTimePrekey, SignedPrekey};
use carevow_core::primitives::PublicKey as _;
use carevow_core::time::{DAY_MS, Timestamp, Validity};
use carevow_core::wire::v1;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::random::{Random, Script};

/// 2026-01-01T00:00:00Z: when everything is made.
pub const MADE: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// Which prekeys a bundle offers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// An OPK and a one-time ML-KEM key.
    OneTime,
    /// No OPK and the last-resort ML-KEM key.
    LastResort,
}

/// The service that both trust.
pub struct Service {
    root_seed: [u8; 32],
    issuer_seed: [u8; 32],
    revocations: v1::Signed,
}

impl Service {
    pub fn new(random: &mut Random) -> Self {
        let root_seed = random.array();
        let root = RootKey::from_seed(&Zeroizing::new(root_seed));
        let revocations = Revocations { seq: 1, issued_at: MADE, next_update: MADE.plus(DAY_MS), ..Default::default() };
        Self { root_seed, issuer_seed: random.array(), revocations: root.revoke(&revocations) }
    }

    fn root(&self) -> RootKey {
        RootKey::from_seed(&Zeroizing::new(self.root_seed))
    }

    pub fn trust(&self) -> Trust {
        let roots = TrustRoots::new(&[self.root().public_key()]).unwrap();
        let revocations = Some(RevocationList::verify(&self.revocations, &roots, None).unwrap());
        Trust { roots, revocations }
    }
}

pub struct Person {
    pub device: LocalDevice,
    pub manifest: Manifest,
    pub device_cert: v1::Signed,
    pub issuer_cert: v1::Signed,
    pub spk: SignedPrekey,
    pub opk: OneTimePrekey,
    pub kem: KemPrekey,
    pub env: EnvelopePrekey,
    pub offer: Offer,
    pub trust: Trust,
    /// What `init` of the reference gets.
    pub described: Value,
}

impl Person {
    pub fn new(service: &Service, offer: Offer, random: &mut Random) -> Self {
        let address = DeviceAddress {
            account: AccountId::from_bytes(random.array()),
            device: DeviceId::new(1 + random.below(9) as u32).unwrap(),
            reg: RegNonce::new(1 + random.below(1 << 31) as u32).unwrap(),
        };
        let [aik, dsk, ddk, serial] = [(); 4].map(|()| random.array::<32>());
        let account = AccountKey::from_seed(address.account, &Zeroizing::new(aik));
        let device = LocalDevice::from_seeds(address, account.public_key(), &Zeroizing::new(dsk), &Zeroizing::new(ddk));
        let listed = ListedDevice::of(&device, DeviceKind::Mobile, MADE, &account.public_key());
        let manifest =
            Manifest::issue(&account, None, ManifestDraft { devices: vec![listed], next_aik: None }, MADE).unwrap();
        let issuer = IssuerKey::from_seed(&Zeroizing::new(service.issuer_seed));
        let issuer_validity = Validity::starting(MADE.minus(DAY_MS), 366 * DAY_MS);
        let terms = IssuerTerms { issuer_id: 7, validity: issuer_validity, max_leaf_ms: DAY_MS as u32 };
        let leaf = DeviceTerms {
            issuer_id: 7,
            serial: Serial::from_slice(&serial[..16]).unwrap(),
            validity: Validity::starting(MADE, DAY_MS),
            org: None,
            assurance: Assurance::None,
        };
        let prekeys = Prekeys::new(&device, offer, random);
        let described = json!({
            "account_id": hex::encode(address.account.as_bytes()),
            "device_id": address.device.as_u32(),
            "reg_nonce": address.reg.as_u32(),
            "aik_seed": hex::encode(aik), "dsk_seed": hex::encode(dsk), "ddk_seed": hex::encode(ddk),
            "roots": [hex::encode(service.root().public_key().to_tagged())],
            "revocation_list": signed(&service.revocations),
            "manifest": {
                "issued_at_ms": MADE.as_millis(), "expires_at_ms": MADE.plus(30 * DAY_MS).as_millis(), "kind": 1,
            },
            "certify": {
                "root_seed": hex::encode(service.root_seed), "issuer_seed": hex::encode(service.issuer_seed),
                "issuer_id": 7, "max_leaf_ms": DAY_MS,
                "issuer_not_before_ms": issuer_validity.from.as_millis(),
                "issuer_not_after_ms": issuer_validity.until.as_millis(),
                "serial": hex::encode(&serial[..16]),
                "not_before_ms": leaf.validity.from.as_millis(), "not_after_ms": leaf.validity.until.as_millis(),
            },
            "prekeys": prekeys.described,
        });
        Self {
            issuer_cert: service.root().certify(&issuer.public_key(), &terms),
            device_cert: issuer.certify(device.public(), &leaf),
            spk: prekeys.spk,
            opk: prekeys.opk,
            kem: prekeys.kem,
            env: prekeys.env,
            trust: service.trust(),
            device,
            manifest,
            offer,
            described,
        }
    }

    pub fn public(&self) -> &DevicePublic {
        self.device.public()
    }

    pub fn env_record(&self) -> v1::SignedRecord {
        self.env.signed(&self.device)
    }

    pub fn bundle(&self) -> Vec<u8> {
        let parts = BundleParts {
            device: self.public().address.device,
            manifest: self.manifest.to_signed(),
            device_cert: self.device_cert.clone(),
            issuer_cert: self.issuer_cert.clone(),
            spk: self.spk.signed(&self.device),
            opk: (self.offer == Offer::OneTime).then(|| self.opk.signed(&self.device)),
            kem: self.kem.signed(&self.device),
            env: self.env_record(),
        };
        parts.encode()
    }
}

struct Prekeys {
    spk: SignedPrekey,
    opk: OneTimePrekey,
    kem: KemPrekey,
    env: EnvelopePrekey,
    described: Value,
}

impl Prekeys {
    fn new(device: &LocalDevice, offer: Offer, random: &mut Random) -> Self {
        let seeds = [32, 32, 64, 32].map(|count| random.bytes(count));
        let ids = [(); 4].map(|()| u32::from_be_bytes(random.array()));
        let [spk, opk, kem, env] = [0, 1, 2, 3].map(|i| (KeyId(ids[i]), Script::of([seeds[i].clone()])));
        let (kem_days, last_resort) = match offer {
            Offer::OneTime => (90, false),
            Offer::LastResort => (30, true),
        };
        let described = |i: usize, days: u64| {
            json!({
                "key_id": ids[i], "seed": hex::encode(&seeds[i]),
                "not_before_ms": MADE.as_millis(), "not_after_ms": MADE.plus(days * DAY_MS).as_millis(),
            })
        };
        let mut described = json!({
            "spk": described(0, 30), "opk": described(1, 90), "kem": described(2, kem_days), "env": described(3, 60),
        });
        described["kem"]["last_resort"] = last_resort.into();
        let (mut kem_random, kem_id) = (kem.1, kem.0);
        let kem = match offer {
            Offer::OneTime => KemPrekey::generate_one_time(device, kem_id, MADE, &mut kem_random),
            Offer::LastResort => KemPrekey::generate_last_resort(device, kem_id, MADE, &mut kem_random),
        };
        Self {
            spk: SignedPrekey::generate(device, spk.0, MADE, &mut { spk.1 }).unwrap(),
            opk: OneTimePrekey::generate(device, opk.0, MADE, &mut { opk.1 }).unwrap(),
            kem: kem.unwrap(),
            env: EnvelopePrekey::generate(device, env.0, MADE, &mut { env.1 }).unwrap(),
            described,
        }
    }
}

/// `{body, sig}`, as the reference writes it.
pub fn signed(signed: &v1::Signed) -> Value {
    json!({ "body": hex::encode(&signed.body), "sig": hex::encode(&signed.sig) })
}

/// `{record, sig}`.
pub fn signed_record(signed: &v1::SignedRecord) -> Value {
    json!({ "record": hex::encode(&signed.record), "sig": hex::encode(&signed.sig) })
}
