//! A delivery service in memory: certificates, a directory that hands out each one-time key once, mailboxes. It checks
//! what `docs/protocol.md` B21 says that a relay checks, and keeps all that it sees.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use carevow::{Addressed, Operation, Response, Submission};
use carevow_core::identity::{
    Assurance, DeviceTerms, IssuerKey, IssuerTerms, Manifest, Revocations, RootKey, TrustRoots, UnverifiedManifest,
};
use carevow_core::ids::Serial;
use carevow_core::linking::BoxId;
use carevow_core::prekey::{BundleParts, PrekeyRecord, RecordType};
use carevow_core::primitives::Ed25519PublicKey;
use carevow_core::random::draw;
use carevow_core::time::{DAY_MS, HOUR_MS, Validity};
use carevow_core::wire::v1;
use carevow_core::{AccountId, DeviceAddress, DeviceId, Timestamp};
use prost::Message as _;
use rand_core::TryCryptoRng;

/// An envelope in a mailbox.
#[derive(Clone)]
pub struct Mail {
    /// When the service received it.
    pub received: Timestamp,
    /// Its bytes.
    pub envelope: Vec<u8>,
}

/// The records of one registration.
#[derive(Default)]
struct Shelf {
    signed: Option<v1::SignedRecord>,
    last_resort: Option<v1::SignedRecord>,
    envelope: Option<v1::SignedRecord>,
    one_time: VecDeque<v1::SignedRecord>,
    one_time_kems: VecDeque<v1::SignedRecord>,
}

/// The service.
pub struct Service {
    root: RootKey,
    issuer: IssuerKey,
    terms: IssuerTerms,
    manifests: BTreeMap<AccountId, Manifest>,
    /// All of them, oldest first.
    published: BTreeMap<AccountId, Vec<Manifest>>,
    shelves: BTreeMap<DeviceAddress, Shelf>,
    mailboxes: BTreeMap<DeviceAddress, VecDeque<Mail>>,
    boxes: BTreeMap<[u8; 16], Vec<Vec<u8>>>,
    revoked: Vec<DeviceAddress>,
    /// Every operation and every answer, as bytes: what its operator sees.
    pub seen: Vec<Vec<u8>>,
}

impl Service {
    /// One with fresh keys.
    pub fn new(now: Timestamp, rng: &mut impl TryCryptoRng) -> Self {
        Self {
            root: RootKey::generate(rng).unwrap(),
            issuer: IssuerKey::generate(rng).unwrap(),
            terms: IssuerTerms {
                issuer_id: 1,
                validity: Validity::starting(now.minus(DAY_MS), 365 * DAY_MS),
                max_leaf_ms: 24 * 3_600_000,
            },
            manifests: BTreeMap::new(),
            published: BTreeMap::new(),
            shelves: BTreeMap::new(),
            mailboxes: BTreeMap::new(),
            boxes: BTreeMap::new(),
            revoked: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// Its root.
    pub fn root(&self) -> Ed25519PublicKey {
        self.root.public_key()
    }

    /// What its clients are configured with.
    pub fn roots(&self) -> TrustRoots {
        TrustRoots::new(&[self.root.public_key()]).unwrap()
    }

    /// Carries out what `by` asks for.
    pub fn perform(
        &mut self,
        by: DeviceAddress,
        operation: &Operation,
        now: Timestamp,
        rng: &mut impl TryCryptoRng,
    ) -> Response {
        match operation {
            Operation::PublishManifest(bytes) => self.publish_manifest(bytes),
            Operation::PublishPrekeys(records) => {
                records.iter().for_each(|record| self.publish_record(by, record));
                Response::Done
            }
            Operation::CountPrekeys => {
                let (one_time, one_time_kem) = self.one_time_left(by);
                Response::PrekeysLeft { one_time, one_time_kem }
            }
            Operation::FetchCertificate => self.certificate(by, now, rng),
            Operation::FetchRevocations => Response::Revocations(self.revocations(now)),
            Operation::FetchManifest(account) => match self.manifests.get(account) {
                Some(manifest) => Response::Manifest(manifest.to_signed().encode_to_vec()),
                None => Response::NotFound,
            },
            Operation::FetchManifests(account, after) => {
                let all = self.published.get(account).into_iter().flatten();
                let later = all.filter(|manifest| manifest.seq() > *after);
                Response::Manifests(later.map(|manifest| manifest.to_signed().encode_to_vec()).collect())
            }
            Operation::FetchBundles(account, devices) => {
                let bundles = devices.iter().filter_map(|device| self.bundle(*account, *device, now, rng));
                Response::Bundles(bundles.collect())
            }
            Operation::FetchBox(id) => Response::Box(self.boxes.get(id.as_bytes()).cloned().unwrap_or_default()),
            Operation::AppendBox(id, entry) => {
                self.append_box(id, entry);
                Response::Done
            }
            Operation::Submit(submission) => self.submit(submission, now),
        }
    }

    fn publish_manifest(&mut self, bytes: &[u8]) -> Response {
        let signed = v1::Signed::from_bytes(bytes).unwrap();
        self.seen.push(bytes.to_vec());
        let manifest = UnverifiedManifest::parse(&signed).unwrap().verify().unwrap();
        match self.manifests.get(&manifest.account()) {
            Some(old) if old.hash() != manifest.hash() && manifest.prev_hash() != old.hash() => Response::NotFound,
            _ => {
                self.published.entry(manifest.account()).or_default().push(manifest.clone());
                self.manifests.insert(manifest.account(), manifest);
                Response::Done
            }
        }
    }

    fn publish_record(&mut self, by: DeviceAddress, bytes: &[u8]) {
        self.seen.push(bytes.to_vec());
        let signed = v1::SignedRecord::from_bytes(bytes).unwrap();
        let record = PrekeyRecord::parse(&signed.record).unwrap();
        assert_eq!(record.address, by, "a device publishes its own records only");
        let shelf = self.shelves.entry(by).or_default();
        match record.record_type {
            RecordType::Signed => shelf.signed = Some(signed),
            RecordType::LastResortKem => shelf.last_resort = Some(signed),
            RecordType::Envelope => shelf.envelope = Some(signed),
            RecordType::OneTime => shelf.one_time.push_back(signed),
            RecordType::OneTimeKem => shelf.one_time_kems.push_back(signed),
        }
    }

    fn certificate(&self, by: DeviceAddress, now: Timestamp, rng: &mut impl TryCryptoRng) -> Response {
        let listed = self.manifests.get(&by.account).and_then(|manifest| manifest.listed(by));
        let Some(listed) = listed else { return Response::Failed };
        Response::Certificate {
            device: self.issuer.certify(&listed.device, &self.device_terms(now, rng)).encode_to_vec(),
            issuer: self.root.certify(&self.issuer.public_key(), &self.terms).encode_to_vec(),
        }
    }

    fn device_terms(&self, now: Timestamp, rng: &mut impl TryCryptoRng) -> DeviceTerms {
        DeviceTerms {
            issuer_id: self.terms.issuer_id,
            serial: Serial::from_bytes(*draw(rng).unwrap()),
            validity: Validity::starting(now.minus(HOUR_MS), DAY_MS),
            org: None,
            assurance: Assurance::None,
        }
    }

    fn revocations(&self, now: Timestamp) -> Vec<u8> {
        let revocations = Revocations {
            seq: now.as_millis() / HOUR_MS,
            issued_at: Timestamp::from_millis(now.as_millis() / HOUR_MS * HOUR_MS),
            next_update: Timestamp::from_millis(now.as_millis() / HOUR_MS * HOUR_MS).plus(DAY_MS),
            devices: self.revoked.clone(),
            ..Revocations::default()
        };
        self.root.revoke(&revocations).encode_to_vec()
    }

    fn bundle(
        &mut self,
        account: AccountId,
        device: DeviceId,
        now: Timestamp,
        rng: &mut impl TryCryptoRng,
    ) -> Option<Vec<u8>> {
        let manifest = self.manifests.get(&account)?;
        let listed = manifest.device(device)?.clone();
        let manifest = manifest.to_signed();
        let device_cert = self.issuer.certify(&listed.device, &self.device_terms(now, rng));
        let shelf = self.shelves.get_mut(&listed.device.address)?;
        let (opk, kem) = (shelf.one_time.pop_front(), shelf.one_time_kems.pop_front());
        let parts = BundleParts {
            device,
            manifest,
            device_cert,
            issuer_cert: self.root.certify(&self.issuer.public_key(), &self.terms),
            spk: shelf.signed.clone()?,
            opk,
            kem: kem.or_else(|| shelf.last_resort.clone())?,
            env: shelf.envelope.clone()?,
        };
        Some(parts.encode())
    }

    /// All of it or nothing: another set of devices than the account's is answered with the manifest (B12.1).
    fn submit(&mut self, submission: &Submission, now: Timestamp) -> Response {
        let Some(manifest) = self.manifests.get(&submission.account) else { return Response::NotFound };
        let listed: BTreeSet<_> = manifest.devices().iter().map(|listed| listed.device.address).collect();
        let known: BTreeSet<_> = submission.devices.iter().copied().collect();
        if listed != known || !submission.envelopes.iter().all(|addressed| listed.contains(&addressed.to)) {
            return Response::Manifest(manifest.to_signed().encode_to_vec());
        }
        for Addressed { to, envelope } in &submission.envelopes {
            self.seen.push(envelope.clone());
            self.mailboxes.entry(*to).or_default().push_back(Mail { received: now, envelope: envelope.clone() });
        }
        Response::Done
    }

    /// Revokes a device: the next list says so.
    pub fn revoke(&mut self, device: DeviceAddress) {
        self.revoked.push(device);
    }

    /// Appends to a box, as anybody can who knows its name.
    pub fn append_box(&mut self, id: &BoxId, entry: &[u8]) {
        self.seen.push(entry.to_vec());
        self.boxes.entry(*id.as_bytes()).or_default().push(entry.to_vec());
    }

    /// The newest manifest of an account, as it travels.
    pub fn manifest(&self, account: AccountId) -> Option<Vec<u8>> {
        self.manifests.get(&account).map(|manifest| manifest.to_signed().encode_to_vec())
    }

    /// What waits for a device, the oldest first. It stays until it is acknowledged.
    pub fn mail(&self, device: DeviceAddress) -> Vec<Mail> {
        self.mailboxes.get(&device).into_iter().flatten().cloned().collect()
    }

    /// Forgets one envelope.
    pub fn acknowledge(&mut self, device: DeviceAddress, envelope: &[u8]) {
        let Some(mailbox) = self.mailboxes.get_mut(&device) else { return };
        if let Some(place) = mailbox.iter().position(|mail| mail.envelope == envelope) {
            mailbox.remove(place);
        }
    }

    /// Puts an envelope into a mailbox, as anybody who has one could.
    pub fn inject(&mut self, device: DeviceAddress, mail: Mail) {
        self.mailboxes.entry(device).or_default().push_back(mail);
    }

    /// One-time keys of a device that are left: X25519 and ML-KEM.
    pub fn one_time_left(&self, device: DeviceAddress) -> (usize, usize) {
        self.shelves.get(&device).map_or((0, 0), |shelf| (shelf.one_time.len(), shelf.one_time_kems.len()))
    }
}
