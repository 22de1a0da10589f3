//! Devices with certificates, prekeys and sessions, made through the public interface as an app would.

use carevow_core::handshake::{Accepted, Generation, InitMessage, Initiator, Recipient, ResponderPrekeys};
use carevow_core::identity::{
    AccountKey, Assurance, DeviceCertificate, DeviceKind, DeviceTerms, IssuerKey, IssuerTerms, ListedDevice,
    LocalDevice, Manifest, ManifestDraft, RevocationList, Revocations, RootKey, Trust, TrustRoots,
};
use carevow_core::ids::Serial;
use carevow_core::prekey::{
    BundleParts, BundleTarget, EnvelopePrekey, KemPrekey, KeyId, OneTimePrekey, PrekeyBundle, SignedPrekey,
    UnverifiedBundle,
};
use carevow_core::ratchet::{Opened, Outgoing, SendOptions, Session, SessionMessage};
use carevow_core::time::{DAY_MS, HOUR_MS, Validity};
use carevow_core::wire::v1;
use carevow_core::{AccountId, DeviceAddress, DeviceId, RegNonce, Timestamp};
use prost::Message as _;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use zeroize::Zeroizing;

/// A seeded random source.
pub fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// `seconds` after the beginning, 2026-01-01T00:00:00Z.
pub const fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000 + seconds * 1_000)
}

/// The first device of an account, with one prekey of each type and its certificates.
pub struct Party {
    /// The device.
    pub device: LocalDevice,
    /// The account's manifest, which lists this device.
    pub manifest: v1::Signed,
    /// The device's certificate.
    pub device_cert: v1::Signed,
    /// The certificate of its issuer.
    pub issuer_cert: v1::Signed,
    /// Signed prekey.
    pub spk: SignedPrekey,
    /// One-time prekey.
    pub opk: OneTimePrekey,
    /// One-time ML-KEM prekey.
    pub kem: KemPrekey,
    /// ENV key.
    pub env: EnvelopePrekey,
}

impl Party {
    /// The device of the account all of whose id bytes are `seed`.
    pub fn new(seed: u8) -> Self {
        let account = AccountKey::from_seed(AccountId::from_bytes([seed; 16]), &Zeroizing::new([seed; 32]));
        let address = DeviceAddress {
            account: account.account(),
            device: DeviceId::new(1).unwrap(),
            reg: RegNonce::new(1_000 + u32::from(seed)).unwrap(),
        };
        let mut rng = rng(u64::from(seed));
        let device = LocalDevice::generate(address, account.public_key(), &mut rng).unwrap();
        let listed = ListedDevice::of(&device, DeviceKind::Mobile, at(0), &account.public_key());
        let draft = ManifestDraft { devices: vec![listed], next_aik: None };
        let (root, issuer) = service();
        let terms = IssuerTerms {
            issuer_id: 7,
            validity: Validity::starting(at(0).minus(30 * DAY_MS), 366 * DAY_MS),
            max_leaf_ms: 86_400_000,
        };
        let device_terms = DeviceTerms {
            issuer_id: terms.issuer_id,
            serial: Serial::from_bytes([seed; 16]),
            validity: Validity::starting(at(0).minus(HOUR_MS), DAY_MS),
            org: None,
            assurance: Assurance::None,
        };
        Self {
            manifest: Manifest::issue(&account, None, draft, at(0)).unwrap().to_signed(),
            device_cert: issuer.certify(device.public(), &device_terms),
            issuer_cert: root.certify(&issuer.public_key(), &terms),
            spk: SignedPrekey::generate(&device, KeyId(0x100), at(0), &mut rng).unwrap(),
            opk: OneTimePrekey::generate(&device, KeyId(0x200), at(0), &mut rng).unwrap(),
            kem: KemPrekey::generate_one_time(&device, KeyId(0x300), at(0), &mut rng).unwrap(),
            env: EnvelopePrekey::generate(&device, KeyId(0x500), at(0), &mut rng).unwrap(),
            device,
        }
    }

    /// What the directory hands out, as it travels.
    pub fn served_bundle(&self) -> Vec<u8> {
        let parts = BundleParts {
            device: self.device.public().address.device,
            manifest: self.manifest.clone(),
            device_cert: self.device_cert.clone(),
            issuer_cert: self.issuer_cert.clone(),
            spk: self.spk.signed(&self.device),
            opk: Some(self.opk.signed(&self.device)),
            kem: self.kem.signed(&self.device),
            env: self.env.signed(&self.device),
        };
        v1::PrekeyBundle::from(parts).encode_to_vec()
    }

    /// What somebody who meets this account for the first time makes of `bundle`.
    pub fn verify(&self, bundle: &[u8], trust: &Trust) -> PrekeyBundle {
        let address = self.device.public().address;
        let target = BundleTarget { account: address.account, device: address.device, pin: None };
        UnverifiedBundle::parse(bundle).unwrap().verify(trust, &target, at(1)).unwrap().bundle
    }

    /// The same at once.
    pub fn bundle(&self) -> PrekeyBundle {
        self.verify(&self.served_bundle(), &trust())
    }

    /// This device as the responder.
    pub fn recipient(&self) -> Recipient<'_> {
        Recipient { device: &self.device, previous_aiks: &[] }
    }

    /// Its certificate, as somebody who verified it has it.
    pub fn certificate(&self) -> DeviceCertificate {
        self.bundle().certificate
    }

    /// A session with the device of `bundle`.
    pub fn initiate(&self, bundle: PrekeyBundle, seed: u64) -> Session {
        Session::initiate(&self.device, bundle, Generation::FIRST, at(1), &mut rng(seed)).unwrap()
    }

    /// What this device makes of an INIT that `from` sent.
    pub fn accept(&self, init: &[u8], from: &DeviceCertificate) -> Accepted {
        let from = Initiator::certified(from, None);
        let prekeys = ResponderPrekeys { spk: &self.spk, opk: Some(&self.opk), kem: &self.kem };
        InitMessage::parse(init).unwrap().accept(self.recipient(), from, prekeys, at(2)).unwrap()
    }
}

fn service() -> (RootKey, IssuerKey) {
    (RootKey::from_seed(&Zeroizing::new([0xf0; 32])), IssuerKey::from_seed(&Zeroizing::new([0xf1; 32])))
}

/// Trust in the service, with an empty revocation list.
pub fn trust() -> Trust {
    let (root, _) = service();
    let roots = TrustRoots::new(&[root.public_key()]).unwrap();
    let revocations =
        Revocations { seq: 1, issued_at: at(0), next_update: at(0).plus(93 * DAY_MS), ..Revocations::default() };
    let list = RevocationList::verify(&root.revoke(&revocations), &roots, None).unwrap();
    Trust { roots, revocations: Some(list) }
}

/// Both halves of a session in which each side has spoken, and the first once more: no step is due.
pub struct Pair {
    /// The initiator's half.
    pub alice: Session,
    /// The responder's.
    pub bob: Session,
}

impl Pair {
    /// A session of two devices.
    pub fn established(seed: u64) -> Self {
        let (alice, bob) = (Party::new(1), Party::new(2));
        // A key that is drawn twice in a session is refused: each of its parts has a source of its own.
        let (begin, mut random) = (seed << 32, rng(seed << 32 | 1));
        let (init, mine) = say(&alice.initiate(bob.bundle(), begin), b"hello", &mut random);
        let mut pair = Self { alice: mine, bob: bob.accept(init.as_bytes(), &alice.certificate()).session };
        pair.bob_to_alice(b"answer", &mut random);
        pair.alice_to_bob(b"again", &mut random);
        pair
    }

    /// One message from Alice to Bob.
    pub fn alice_to_bob(&mut self, content: &[u8], rng: &mut ChaCha20Rng) {
        let (message, next) = say(&self.alice, content, rng);
        self.alice = next;
        (_, self.bob) = hear(&self.bob, message.as_bytes());
    }

    /// One message from Bob to Alice.
    pub fn bob_to_alice(&mut self, content: &[u8], rng: &mut ChaCha20Rng) {
        let (message, next) = say(&self.bob, content, rng);
        self.bob = next;
        (_, self.alice) = hear(&self.alice, message.as_bytes());
    }
}

/// Encrypts with clinical padding and lanes by policy.
pub fn say(session: &Session, content: &[u8], rng: &mut ChaCha20Rng) -> (Outgoing, Session) {
    session.encrypt(content, SendOptions::CLINICAL, at(3), rng).unwrap()
}

/// Decrypts.
pub fn hear(session: &Session, message: &[u8]) -> (Opened, Session) {
    session.decrypt(&SessionMessage::parse(message).unwrap(), at(3)).unwrap()
}
