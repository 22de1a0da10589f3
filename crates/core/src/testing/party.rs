//! A small service with its roots, and people with devices, prekeys and bundles, all from seeds.

use prost::Message as _;

use super::{account, at, rng};
use crate::identity::{
    AccountKey, Assurance, DeviceKind, DevicePublic, DeviceTerms, IssuerKey, IssuerTerms, ListedDevice, LocalDevice,
    Manifest, ManifestDraft, ManifestPin, RevocationList, Revocations, RootKey, Trust, TrustRoots,
};
use crate::ids::{DeviceAddress, DeviceId, RegNonce, Serial};
use crate::prekey::{
    BundleParts, BundleTarget, EnvelopePrekey, KemPrekey, KeyId, OneTimePrekey, PrekeyBundle, SignedPrekey,
    UnverifiedBundle,
};
use crate::time::{DAY_MS, HOUR_MS, Timestamp, Validity};
use crate::wire::v1;
use zeroize::Zeroizing;

/// The service that everybody of a test trusts: one root, one issuer, an empty revocation list.
pub(crate) struct Service {
    pub(crate) root: RootKey,
    pub(crate) issuer: IssuerKey,
    pub(crate) terms: IssuerTerms,
}

impl Service {
    /// The service of all tests.
    pub(crate) fn new() -> Self {
        Self::seeded(0xf0)
    }

    /// Another service.
    pub(crate) fn seeded(seed: u8) -> Self {
        Self {
            root: RootKey::from_seed(&Zeroizing::new([seed; 32])),
            issuer: IssuerKey::from_seed(&Zeroizing::new([seed + 1; 32])),
            terms: IssuerTerms {
                issuer_id: 7,
                validity: Validity::starting(at(0).minus(30 * DAY_MS), 366 * DAY_MS),
                max_leaf_ms: 86_400_000,
            },
        }
    }

    /// Its root, and an empty revocation list that is usable for 100 days.
    pub(crate) fn trust(&self) -> Trust {
        Trust { roots: TrustRoots::new(&[self.root.public_key()]).unwrap(), revocations: Some(self.revoke(1, |_| ())) }
    }

    /// The revocation list `seq` with what `fill` puts into it.
    pub(crate) fn revoke(&self, seq: u64, fill: impl FnOnce(&mut Revocations)) -> RevocationList {
        RevocationList::verify(&self.revocation_list(seq, fill), &self.roots(), None).unwrap()
    }

    /// The same as it travels.
    pub(crate) fn revocation_list(&self, seq: u64, fill: impl FnOnce(&mut Revocations)) -> v1::Signed {
        let mut revocations =
            Revocations { seq, issued_at: at(0), next_update: at(0).plus(93 * DAY_MS), ..Revocations::default() };
        fill(&mut revocations);
        self.root.revoke(&revocations)
    }

    pub(crate) fn roots(&self) -> TrustRoots {
        TrustRoots::new(&[self.root.public_key()]).unwrap()
    }

    /// The issuer's certificate.
    pub(crate) fn issuer_cert(&self) -> v1::Signed {
        self.root.certify(&self.issuer.public_key(), &self.terms)
    }

    /// What the certificate of a device says that was made at `now`: it begins an hour before and lasts 24 h.
    pub(crate) fn device_terms(&self, now: Timestamp) -> DeviceTerms {
        DeviceTerms {
            issuer_id: self.terms.issuer_id,
            serial: Serial::from_bytes([0x5e; 16]),
            validity: Validity::starting(now.minus(HOUR_MS), DAY_MS),
            org: None,
            assurance: Assurance::None,
        }
    }
}

/// The certificates of a device and of its issuer as they travel.
#[derive(Clone)]
pub(crate) struct Certificates {
    pub(crate) device: v1::Signed,
    pub(crate) issuer: v1::Signed,
}

/// A device with its account's key (a primary), a manifest, prekeys of each type, made at `at(0)`.
pub(crate) struct Party {
    pub(crate) account: AccountKey,
    pub(crate) device: LocalDevice,
    pub(crate) manifest: Manifest,
    pub(crate) spk: SignedPrekey,
    pub(crate) opk: OneTimePrekey,
    pub(crate) kem: KemPrekey,
    pub(crate) last_resort: KemPrekey,
    pub(crate) env: EnvelopePrekey,
}

impl Party {
    /// Device 1 of the account all of whose id bytes are `seed`.
    pub(crate) fn new(seed: u8) -> Self {
        Self::device(seed, 1, 1000 + u32::from(seed))
    }

    /// Registration `reg` of device `device` of that account, which has no other device.
    pub(crate) fn device(seed: u8, device: u32, reg: u32) -> Self {
        Self::keyed(seed, seed, device, reg)
    }

    /// The same with the identity key that the seed `key` gives: for an account whose key was replaced.
    pub(crate) fn keyed(seed: u8, key: u8, device: u32, reg: u32) -> Self {
        let account = AccountKey::from_seed(account(seed), &Zeroizing::new([key; 32]));
        let mut random = rng(u64::from(key) << 56 | u64::from(seed) << 48 | u64::from(device) << 32 | u64::from(reg));
        let address = DeviceAddress {
            account: account.account(),
            device: DeviceId::new(device).unwrap(),
            reg: RegNonce::new(reg).unwrap(),
        };
        let local = LocalDevice::generate(address, account.public_key(), &mut random).unwrap();
        let draft = ManifestDraft {
            devices: vec![ListedDevice::of(&local, DeviceKind::Mobile, at(0), &account.public_key())],
            next_aik: None,
        };
        Self {
            manifest: Manifest::issue(&account, None, draft, at(0)).unwrap(),
            spk: SignedPrekey::generate(&local, KeyId(0x100), at(0), &mut random).unwrap(),
            opk: OneTimePrekey::generate(&local, KeyId(0x200), at(0), &mut random).unwrap(),
            kem: KemPrekey::generate_one_time(&local, KeyId(0x300), at(0), &mut random).unwrap(),
            last_resort: KemPrekey::generate_last_resort(&local, KeyId(0x400), at(0), &mut random).unwrap(),
            env: EnvelopePrekey::generate(&local, KeyId(0x500), at(0), &mut random).unwrap(),
            device: local,
            account,
        }
    }

    pub(crate) fn public(&self) -> &DevicePublic {
        self.device.public()
    }

    /// This device as its account lists it.
    pub(crate) fn listed(&self) -> ListedDevice {
        ListedDevice::of(&self.device, DeviceKind::Mobile, at(0), &self.account.public_key())
    }

    /// A first manifest of the account that lists `devices`.
    pub(crate) fn first_manifest(&self, devices: &[&Self]) -> Manifest {
        let draft = ManifestDraft { devices: devices.iter().map(|party| party.listed()).collect(), next_aik: None };
        Manifest::issue(&self.account, None, draft, at(0)).unwrap()
    }

    /// The successor of `previous` that lists `devices`, signed at `now`.
    pub(crate) fn next_manifest(&self, previous: &Manifest, devices: &[&Self], now: Timestamp) -> Manifest {
        let draft = ManifestDraft { devices: devices.iter().map(|party| party.listed()).collect(), next_aik: None };
        Manifest::issue(&self.account, Some(previous), draft, now).unwrap()
    }

    /// As somebody else pins it.
    pub(crate) fn pin(&self) -> ManifestPin {
        ManifestPin::first(self.manifest.clone())
    }

    /// Made by the service of all tests at `now`.
    pub(crate) fn certificates(&self, now: Timestamp) -> Certificates {
        let service = Service::new();
        Certificates {
            device: service.issuer.certify(self.public(), &service.device_terms(now)),
            issuer: service.issuer_cert(),
        }
    }

    /// What the directory answers at `now`, one-time records included.
    pub(crate) fn parts(&self, now: Timestamp) -> BundleParts {
        let certificates = self.certificates(now);
        BundleParts {
            device: self.public().address.device,
            manifest: self.manifest.to_signed(),
            device_cert: certificates.device,
            issuer_cert: certificates.issuer,
            spk: self.spk.signed(&self.device),
            opk: Some(self.opk.signed(&self.device)),
            kem: self.kem.signed(&self.device),
            env: self.env.signed(&self.device),
        }
    }

    /// The same when all one-time records are gone.
    pub(crate) fn exhausted_parts(&self, now: Timestamp) -> BundleParts {
        BundleParts { opk: None, kem: self.last_resort.signed(&self.device), ..self.parts(now) }
    }

    /// As it travels.
    pub(crate) fn bundle(&self, now: Timestamp) -> v1::PrekeyBundle {
        self.parts(now).into()
    }

    /// As somebody who meets this account for the first time sees it.
    pub(crate) fn verified_bundle(&self, now: Timestamp) -> PrekeyBundle {
        self.verified(&self.bundle(now), now)
    }

    /// The same when all one-time records are gone.
    pub(crate) fn verified_exhausted_bundle(&self, now: Timestamp) -> PrekeyBundle {
        self.verified(&self.exhausted_parts(now).into(), now)
    }

    /// Whom a bundle of this device is fetched for, without a pin.
    pub(crate) fn target(&self) -> BundleTarget<'static> {
        BundleTarget { account: self.public().address.account, device: self.public().address.device, pin: None }
    }

    fn verified(&self, bundle: &v1::PrekeyBundle, now: Timestamp) -> PrekeyBundle {
        let bundle = UnverifiedBundle::parse(&bundle.encode_to_vec()).unwrap();
        bundle.verify(&Service::new().trust(), &self.target(), now).unwrap().bundle
    }
}
