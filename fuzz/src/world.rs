//! Two people, their service, a practice: everything from seeds, so that each run of a target starts alike.

use std::sync::LazyLock;

use carevow_core::handshake::{Initiator, Recipient, ResponderPrekeys};
use carevow_core::identity::{
    AccountKey, Assurance, DeviceCertificate, DeviceKind, DeviceTerms, IssuerKey, IssuerTerms, JudgedAt, ListedDevice,
    LocalDevice, Manifest, ManifestDraft, RevocationList, Revocations, RootKey, Trust, TrustRoots,
};
use carevow_core::ids::Serial;
use carevow_core::prekey::{
    BundleParts, BundleTarget, EnvelopePrekey, KemPrekey, KeyId, OneTimePrekey, PrekeyBundle, SignedPrekey,
    UnverifiedBundle,
};
use carevow_core::time::Validity;
use carevow_core::wire::v1;
use carevow_core::{AccountId, DeviceAddress, DeviceId, RegNonce, Timestamp};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use zeroize::Zeroizing;

/// An hour.
pub const HOUR: u64 = 3_600_000;
/// A day.
pub const DAY: u64 = 24 * HOUR;
/// The time of everything.
pub const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);
/// The same, for certificates.
pub const JUDGED: JudgedAt = JudgedAt::Received { server: NOW, local: NOW };

/// A seeded random source.
pub fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// The account all of whose bytes are `byte`.
pub const fn account(byte: u8) -> AccountId {
    AccountId::from_bytes([byte; 16])
}

/// A device with its account's key and prekeys of each type.
pub struct Party {
    /// The account's key.
    pub account: AccountKey,
    /// The device.
    pub device: LocalDevice,
    /// Which lists the device.
    pub manifest: Manifest,
    /// Its signed prekey.
    pub spk: SignedPrekey,
    /// A one-time prekey.
    pub opk: OneTimePrekey,
    /// A one-time KEM prekey.
    pub kem: KemPrekey,
    /// The last-resort KEM prekey.
    pub last_resort: KemPrekey,
    /// Its envelope prekey.
    pub env: EnvelopePrekey,
    /// Made by the service.
    pub device_cert: v1::Signed,
    /// Of the service.
    pub issuer_cert: v1::Signed,
}

impl Party {
    fn new(seed: u8, service: &Service) -> Self {
        let account = AccountKey::from_seed(account(seed), &Zeroizing::new([seed; 32]));
        let mut random = rng(seed.into());
        let address = DeviceAddress {
            account: account.account(),
            device: DeviceId::new(1).expect("in range"),
            reg: RegNonce::new(1000 + u32::from(seed)).expect("not 0"),
        };
        let device = LocalDevice::generate(address, account.public_key(), &mut random).expect("seeded");
        let listed = ListedDevice::of(&device, DeviceKind::Mobile, NOW, &account.public_key());
        let draft = ManifestDraft { devices: vec![listed], next_aik: None };
        Self {
            manifest: Manifest::issue(&account, None, draft, NOW).expect("a right manifest"),
            spk: SignedPrekey::generate(&device, KeyId(0x100), NOW, &mut random).expect("seeded"),
            opk: OneTimePrekey::generate(&device, KeyId(0x200), NOW, &mut random).expect("seeded"),
            kem: KemPrekey::generate_one_time(&device, KeyId(0x300), NOW, &mut random).expect("seeded"),
            last_resort: KemPrekey::generate_last_resort(&device, KeyId(0x400), NOW, &mut random).expect("seeded"),
            env: EnvelopePrekey::generate(&device, KeyId(0x500), NOW, &mut random).expect("seeded"),
            device_cert: service.issuer.certify(device.public(), &service.device_terms()),
            issuer_cert: service.root.certify(&service.issuer.public_key(), &service.terms),
            device,
            account,
        }
    }

    /// What the directory answers.
    pub fn parts(&self) -> BundleParts {
        BundleParts {
            device: self.device.public().address.device,
            manifest: self.manifest.to_signed(),
            device_cert: self.device_cert.clone(),
            issuer_cert: self.issuer_cert.clone(),
            spk: self.spk.signed(&self.device),
            opk: Some(self.opk.signed(&self.device)),
            kem: self.kem.signed(&self.device),
            env: self.env.signed(&self.device),
        }
    }

    /// The same when all one-time records are gone.
    pub fn exhausted_parts(&self) -> BundleParts {
        BundleParts { opk: None, kem: self.last_resort.signed(&self.device), ..self.parts() }
    }

    /// For whom its bundle is fetched, without a pin.
    pub fn target(&self) -> BundleTarget<'static> {
        let address = self.device.public().address;
        BundleTarget { account: address.account, device: address.device, pin: None }
    }

    /// As the receiver of an INIT.
    pub fn recipient(&self) -> Recipient<'_> {
        Recipient { device: &self.device, previous_aiks: &[] }
    }

    /// The one-time prekeys of an INIT to it.
    pub fn prekeys(&self) -> ResponderPrekeys<'_> {
        ResponderPrekeys { spk: &self.spk, opk: Some(&self.opk), kem: &self.kem }
    }
}

/// One root, one issuer.
pub struct Service {
    /// The root.
    pub root: RootKey,
    /// The issuer.
    pub issuer: IssuerKey,
    /// Its certificate's.
    pub terms: IssuerTerms,
}

impl Service {
    fn new() -> Self {
        Self {
            root: RootKey::from_seed(&Zeroizing::new([0xf0; 32])),
            issuer: IssuerKey::from_seed(&Zeroizing::new([0xf1; 32])),
            terms: IssuerTerms {
                issuer_id: 7,
                validity: Validity::starting(NOW.minus(30 * DAY), 366 * DAY),
                max_leaf_ms: 86_400_000,
            },
        }
    }

    fn device_terms(&self) -> DeviceTerms {
        DeviceTerms {
            issuer_id: self.terms.issuer_id,
            serial: Serial::from_bytes([0x5e; 16]),
            validity: Validity::starting(NOW.minus(HOUR), DAY),
            org: None,
            assurance: Assurance::None,
        }
    }

    /// A revocation list as it travels.
    pub fn revocation_list(&self, seq: u64) -> v1::Signed {
        self.root.revoke(&Revocations {
            seq,
            issued_at: NOW,
            next_update: NOW.plus(93 * DAY),
            ..Revocations::default()
        })
    }

    /// Its root.
    pub fn roots(&self) -> TrustRoots {
        TrustRoots::new(&[self.root.public_key()]).expect("one root")
    }
}

/// Everybody.
pub struct World {
    /// The service.
    pub service: Service,
    /// What everybody trusts.
    pub trust: Trust,
    /// Who begins.
    pub alice: Party,
    /// Who answers.
    pub bob: Party,
    /// Bob's bundle as Alice verified it.
    pub bundle: PrekeyBundle,
    /// Alice's certificate as Bob verified it.
    pub alice_cert: DeviceCertificate,
}

impl World {
    /// As the initiator of an INIT whose envelope was in order.
    pub fn initiator(&self) -> Initiator<'_> {
        Initiator::certified(&self.alice_cert, None)
    }

    /// A bundle of Bob's, to be used up.
    pub fn fresh_bundle(&self) -> PrekeyBundle {
        verified(&self.bob, &self.trust)
    }
}

fn verified(party: &Party, trust: &Trust) -> PrekeyBundle {
    let bundle = UnverifiedBundle::parse(&party.parts().encode()).expect("a right bundle");
    bundle.verify(trust, &party.target(), NOW).expect("a right bundle").bundle
}

/// The same for every run.
pub static WORLD: LazyLock<World> = LazyLock::new(|| {
    let service = Service::new();
    let list = RevocationList::verify(&service.revocation_list(1), &service.roots(), None).expect("a right list");
    let trust = Trust { roots: service.roots(), revocations: Some(list) };
    let (alice, bob) = (Party::new(1, &service), Party::new(2, &service));
    let (bundle, alice_cert) = (verified(&bob, &trust), verified(&alice, &trust).certificate);
    World { service, trust, alice, bob, bundle, alice_cert }
});
