//! This device: its keys, its account, what vouches for it: `docs/protocol.md` B2.

use carevow_core::identity::{
    AccountKey, DeviceKind, JudgedAt, ListedDevice, LocalDevice, Manifest, ManifestDraft, RevocationList, Trust,
    TrustRoots, UnverifiedCertificates, UnverifiedManifest,
};
use carevow_core::placement::{SecondRate, SeenSet};
use carevow_core::random::draw;
use carevow_core::wire::v1;
use carevow_core::{AccountId, DeviceAddress, DeviceId, RegNonce, Timestamp};
use carevow_store::{Sealing, Transaction};
use prost::Message as _;
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use crate::error::ClientError;
use crate::prekeys::PrekeyNumbers;
use crate::records::{self, FORMAT};
use crate::registration::new_registration;
use crate::tables::OWN;

/// What a device is, with what it is configured to trust.
pub(crate) struct Own {
    pub(crate) device: LocalDevice,
    /// On the primary only.
    pub(crate) key: Option<AccountKey>,
    pub(crate) manifest: Manifest,
    pub(crate) certificates: Option<Certificates>,
    pub(crate) trust: Trust,
    pub(crate) numbers: PrekeyNumbers,
    pub(crate) seen: SeenSet,
    pub(crate) new_sids: SecondRate,
    /// The registration is lost, and there is no new one yet: nothing is sent or received.
    pub(crate) registering: bool,
    /// The highest number that a device of this account ever got from this primary.
    last_device: u32,
    revocations: Vec<u8>,
    stored: records::Own,
}

/// What vouches for this device.
#[derive(Clone)]
pub(crate) struct Certificates {
    pub(crate) device: v1::Signed,
    pub(crate) issuer: v1::Signed,
    pub(crate) until: Timestamp,
}

const RECORD: &[u8] = b"own";
const ACCOUNT_KEY: &[u8] = b"aik";
const SIGNING_KEY: &[u8] = b"dsk";
const AGREEMENT_KEY: &[u8] = b"ddk";

impl Own {
    /// A new account with this as its only device, which is the primary.
    pub(crate) fn create<R: TryCryptoRng>(
        tx: &mut Transaction<'_, R>,
        kind: DeviceKind,
        roots: &TrustRoots,
        now: Timestamp,
    ) -> Result<Self, ClientError> {
        if tx.get(OWN, RECORD, Sealing::System)?.is_some() {
            return Err(ClientError::InvalidInput);
        }
        let account = AccountId::from_bytes(*draw(tx.rng())?);
        let reg = new_registration(tx.rng())?;
        let address = DeviceAddress { account, device: DeviceId::new(1).ok_or(ClientError::Internal)?, reg };
        let [aik, dsk, ddk]: [Zeroizing<[u8; 32]>; 3] = [draw(tx.rng())?, draw(tx.rng())?, draw(tx.rng())?];
        let key = AccountKey::from_seed(account, &aik);
        let device = LocalDevice::from_seeds(address, key.public_key(), &dsk, &ddk);
        let listed = ListedDevice::of(&device, kind, now, &key.public_key());
        let draft = ManifestDraft { devices: vec![listed], next_aik: None };
        let manifest = Manifest::issue(&key, None, draft, now).map_err(|_| ClientError::Internal)?;
        let numbers = PrekeyNumbers::random(tx.rng())?;
        for (name, seed) in [(ACCOUNT_KEY, &aik), (SIGNING_KEY, &dsk), (AGREEMENT_KEY, &ddk)] {
            tx.put(OWN, name, None, Sealing::System, &**seed)?;
        }
        let mut own = Self {
            device,
            key: Some(key),
            manifest,
            certificates: None,
            trust: Trust { roots: roots.clone(), revocations: None },
            numbers,
            seen: SeenSet::default(),
            new_sids: SecondRate::default(),
            registering: false,
            last_device: 1,
            revocations: Vec::new(),
            stored: records::Own::default(),
        };
        own.write(tx)?;
        Ok(own)
    }

    /// A device that was linked to an account.
    pub(crate) fn linked<R: TryCryptoRng>(
        tx: &mut Transaction<'_, R>,
        device: LocalDevice,
        manifest: Manifest,
        roots: &TrustRoots,
    ) -> Result<Self, ClientError> {
        let [dsk, ddk] = device.to_seeds();
        for (name, seed) in [(SIGNING_KEY, &dsk), (AGREEMENT_KEY, &ddk)] {
            tx.put(OWN, name, None, Sealing::System, &**seed)?;
        }
        let mut own = Self {
            device,
            key: None,
            manifest,
            certificates: None,
            trust: Trust { roots: roots.clone(), revocations: None },
            numbers: PrekeyNumbers::random(tx.rng())?,
            seen: SeenSet::default(),
            new_sids: SecondRate::default(),
            registering: false,
            last_device: 0,
            revocations: Vec::new(),
            stored: records::Own::default(),
        };
        own.write(tx)?;
        Ok(own)
    }

    /// A number that no device of this account ever had.
    pub(crate) fn next_device(&mut self) -> Result<DeviceId, ClientError> {
        let listed = self.manifest.devices().iter().map(|listed| listed.device.address.device.as_u32());
        let next = listed.chain([self.last_device]).max().and_then(|last| last.checked_add(1));
        let next = next.and_then(DeviceId::new).ok_or(ClientError::Internal)?;
        self.last_device = next.as_u32();
        Ok(next)
    }

    /// The one of this store; `NoAccount` if there is none yet.
    pub(crate) fn load<R: TryCryptoRng>(tx: &mut Transaction<'_, R>, roots: &TrustRoots) -> Result<Self, ClientError> {
        let bytes = tx.get(OWN, RECORD, Sealing::System)?.ok_or(ClientError::NoAccount)?;
        let stored: records::Own = records::read(&bytes)?;
        let mut seed = |name| -> Result<Option<Zeroizing<[u8; 32]>>, ClientError> {
            let Some(bytes) = tx.get(OWN, name, Sealing::System)? else { return Ok(None) };
            let seed = bytes.as_slice().try_into().map_err(|_| ClientError::CORRUPTED)?;
            Ok(Some(Zeroizing::new(seed)))
        };
        let aik = seed(ACCOUNT_KEY)?;
        let (Some(dsk), Some(ddk)) = (seed(SIGNING_KEY)?, seed(AGREEMENT_KEY)?) else {
            return Err(ClientError::CORRUPTED);
        };
        let address = address(&stored).ok_or(ClientError::CORRUPTED)?;
        let manifest = signed(&stored.manifest)?;
        let manifest = UnverifiedManifest::parse(&manifest).and_then(UnverifiedManifest::verify);
        let manifest = manifest.map_err(|_| ClientError::CORRUPTED)?;
        let key = aik.map(|seed| AccountKey::from_seed(address.account, &seed));
        let revocations = match stored.revocations.as_slice() {
            [] => None,
            bytes => Some(RevocationList::verify(&signed(bytes)?, roots, None).map_err(|_| ClientError::CORRUPTED)?),
        };
        let certificates = match stored.device_cert.as_slice() {
            [] => None,
            device => Some(Certificates {
                device: signed(device)?,
                issuer: signed(&stored.issuer_cert)?,
                until: Timestamp::from_millis(stored.certified_until_ms),
            }),
        };
        Ok(Self {
            device: LocalDevice::from_seeds(address, *manifest.aik(), &dsk, &ddk),
            key,
            manifest,
            certificates,
            trust: Trust { roots: roots.clone(), revocations },
            numbers: PrekeyNumbers::from_stored(&stored.next_prekeys).ok_or(ClientError::CORRUPTED)?,
            seen: SeenSet::from_bytes(&stored.seen).map_err(|_| ClientError::CORRUPTED)?,
            new_sids: SecondRate::from_bytes(&stored.new_sids).map_err(|_| ClientError::CORRUPTED)?,
            registering: stored.registering,
            last_device: stored.last_device,
            revocations: stored.revocations.clone(),
            stored,
        })
    }

    /// Writes what changed.
    pub(crate) fn write<R: TryCryptoRng>(&mut self, tx: &mut Transaction<'_, R>) -> Result<(), ClientError> {
        let address = self.address();
        let certificates = self.certificates.as_ref();
        let container = |of: fn(&Certificates) -> &v1::Signed| {
            certificates.map_or_else(Vec::new, |certificates| of(certificates).encode_to_vec())
        };
        let record = records::Own {
            format: FORMAT,
            account: address.account.as_bytes().to_vec(),
            device: address.device.as_u32(),
            reg: address.reg.as_u32(),
            manifest: self.manifest.to_signed().encode_to_vec(),
            device_cert: container(|certificates| &certificates.device),
            issuer_cert: container(|certificates| &certificates.issuer),
            certified_until_ms: certificates.map_or(0, |certificates| certificates.until.as_millis()),
            revocations: self.revocations.clone(),
            next_prekeys: self.numbers.to_stored(),
            seen: self.seen.to_bytes(),
            new_sids: self.new_sids.to_bytes(),
            registering: self.registering,
            last_device: self.last_device,
        };
        if record != self.stored {
            tx.put(OWN, RECORD, None, Sealing::System, &record.encode_to_vec())?;
            self.stored = record;
        }
        Ok(())
    }

    /// This device under a new registration.
    pub(crate) fn replace<R: TryCryptoRng>(
        &mut self,
        tx: &mut Transaction<'_, R>,
        device: LocalDevice,
        manifest: Manifest,
        dsk: &Zeroizing<[u8; 32]>,
        ddk: &Zeroizing<[u8; 32]>,
    ) -> Result<(), ClientError> {
        tx.put(OWN, SIGNING_KEY, None, Sealing::System, &**dsk)?;
        tx.put(OWN, AGREEMENT_KEY, None, Sealing::System, &**ddk)?;
        (self.device, self.manifest) = (device, manifest);
        Ok(())
    }

    /// Where this device's mailbox is.
    pub(crate) const fn address(&self) -> DeviceAddress {
        self.device.public().address
    }

    /// The certificate that the service gave, if it is of this device and valid now.
    pub(crate) fn certified(&mut self, device: &[u8], issuer: &[u8], now: Timestamp) -> Result<(), ClientError> {
        let wrong = |_| ClientError::InvalidResponse;
        let device = v1::Signed::from_bytes(device).map_err(wrong)?;
        let issuer = v1::Signed::from_bytes(issuer).map_err(wrong)?;
        let certificate = UnverifiedCertificates::parse(&device, &issuer)
            .and_then(|parsed| parsed.verify_signatures(&self.trust))
            .map_err(|_| ClientError::InvalidResponse)?;
        let certificate = certificate.check_times(JudgedAt::Local(now)).map_err(|_| ClientError::InvalidResponse)?;
        if certificate.device != *self.device.public() {
            return Err(ClientError::InvalidResponse);
        }
        self.certificates = Some(Certificates { device, issuer, until: certificate.validity.until });
        Ok(())
    }

    /// A revocation list that is not older than the pinned one.
    pub(crate) fn revoked(&mut self, list: &[u8]) -> Result<(), ClientError> {
        let signed = v1::Signed::from_bytes(list).map_err(|_| ClientError::InvalidResponse)?;
        let verified = RevocationList::verify(&signed, &self.trust.roots, self.trust.revocations.as_ref());
        self.trust.revocations = Some(verified.map_err(|_| ClientError::InvalidResponse)?);
        self.revocations = list.to_vec();
        Ok(())
    }
}

fn address(stored: &records::Own) -> Option<DeviceAddress> {
    Some(DeviceAddress {
        account: AccountId::from_slice(&stored.account)?,
        device: DeviceId::new(stored.device)?,
        reg: RegNonce::new(stored.reg)?,
    })
}

fn signed(bytes: &[u8]) -> Result<v1::Signed, ClientError> {
    v1::Signed::from_bytes(bytes).map_err(|_| ClientError::CORRUPTED)
}
