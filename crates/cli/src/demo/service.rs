//! The service: certificates, and a directory that hands out what devices published.

use std::collections::{BTreeMap, VecDeque};

use carevow_core::identity::{
    Assurance, DevicePublic, DeviceTerms, IssuerKey, IssuerTerms, RevocationList, Revocations, RootKey, Trust,
    TrustRoots,
};
use carevow_core::ids::Serial;
use carevow_core::prekey::BundleParts;
use carevow_core::random::draw;
use carevow_core::time::{DAY_MS, HOUR_MS, Validity};
use carevow_core::wire::v1;
use carevow_core::{DeviceAddress, Timestamp};

use super::error::DemoError;
use super::random::Source;

/// What a device leaves at the directory: all of it public and signed.
pub struct Publication {
    /// Whose it is.
    pub device: DevicePublic,
    /// The account's device list.
    pub manifest: v1::Signed,
    /// Signed prekey.
    pub spk: v1::SignedRecord,
    /// Key for envelopes.
    pub env: v1::SignedRecord,
    /// Served when the one-time KEM keys are gone.
    pub last_resort: v1::SignedRecord,
    /// Each handed out once.
    pub one_time: VecDeque<v1::SignedRecord>,
    /// Each handed out once.
    pub one_time_kems: VecDeque<v1::SignedRecord>,
}

/// The certificates of a device and of its issuer.
#[derive(Clone)]
pub struct Certificates {
    /// Valid for a day.
    pub device: v1::Signed,
    /// Valid for a year.
    pub issuer: v1::Signed,
}

/// A service with one root and one issuer.
pub struct Service {
    root: RootKey,
    issuer: IssuerKey,
    terms: IssuerTerms,
    shelves: BTreeMap<DeviceAddress, Publication>,
    served: u32,
}

impl Service {
    /// A service with fresh keys.
    pub fn new(now: Timestamp, rng: &mut Source) -> Result<Self, DemoError> {
        Ok(Self {
            root: RootKey::generate(rng)?,
            issuer: IssuerKey::generate(rng)?,
            terms: IssuerTerms {
                issuer_id: 1,
                validity: Validity::starting(now.minus(DAY_MS), 365 * DAY_MS),
                max_leaf_ms: 24 * 3_600_000,
            },
            shelves: BTreeMap::new(),
            served: 0,
        })
    }

    /// What an app is configured with: the root, and the newest (here empty) list of revoked devices.
    pub fn trust(&self, now: Timestamp) -> Result<Trust, DemoError> {
        let roots = TrustRoots::new(&[self.root.public_key()])?;
        let revocations =
            Revocations { seq: 1, issued_at: now, next_update: now.plus(DAY_MS), ..Revocations::default() };
        let list = RevocationList::verify(&self.root.revoke(&revocations), &roots, None)?;
        Ok(Trust { roots, revocations: Some(list) })
    }

    /// Certifies a device for 24 hours.
    pub fn certify(&self, device: &DevicePublic, now: Timestamp, rng: &mut Source) -> Result<Certificates, DemoError> {
        let terms = DeviceTerms {
            issuer_id: self.terms.issuer_id,
            serial: Serial::from_bytes(*draw(rng)?),
            validity: Validity::starting(now.minus(HOUR_MS), DAY_MS),
            org: None,
            assurance: Assurance::None,
        };
        Ok(Certificates {
            device: self.issuer.certify(device, &terms),
            issuer: self.root.certify(&self.issuer.public_key(), &self.terms),
        })
    }

    /// Keeps what a device published.
    pub fn publish(&mut self, publication: Publication) {
        self.shelves.insert(publication.device.address, publication);
    }

    /// The bundle of a device: one-time keys leave the shelf. Nobody is asked who wants it.
    pub fn bundle(&mut self, of: DeviceAddress, now: Timestamp, rng: &mut Source) -> Result<BundleParts, DemoError> {
        let missing = || DemoError::Check("the directory knows every device that published".to_owned());
        let shelf = self.shelves.get_mut(&of).ok_or_else(missing)?;
        let (opk, kem) = (shelf.one_time.pop_front(), shelf.one_time_kems.pop_front());
        let shelf = self.shelves.get(&of).ok_or_else(missing)?;
        let certificates = self.certify(&shelf.device, now, rng)?;
        self.served = self.served.saturating_add(1);
        Ok(BundleParts {
            device: of.device,
            manifest: shelf.manifest.clone(),
            device_cert: certificates.device,
            issuer_cert: certificates.issuer,
            spk: shelf.spk.clone(),
            opk,
            kem: kem.unwrap_or_else(|| shelf.last_resort.clone()),
            env: shelf.env.clone(),
        })
    }

    /// How many bundles were handed out.
    pub const fn served(&self) -> u32 {
        self.served
    }
}
