//! Signed objects that break a rule, under signatures that verify.

use prost::Message as _;

use crate::group::GroupState;
use crate::identity::{AccountKey, DevicePublic, DeviceTerms, LocalDevice, Manifest};
use crate::organization::{Directory, OrgKey};
use crate::prekey::PrekeyRecord;
use crate::primitives::Ed25519Secret;
use crate::testing::Service;
use crate::wire::{SignedBody as _, v1};

/// `from`, edited, and signed again by `key`.
pub(crate) fn manifest(from: &Manifest, key: &AccountKey, edit: impl FnOnce(&mut v1::DeviceManifest)) -> v1::Signed {
    let mut message = v1::DeviceManifest::decode(&*from.to_signed().body).unwrap();
    edit(&mut message);
    message.sign(key.secret())
}

/// The certificate of a device, edited, and signed again by the issuer whose seed is `issuer`.
pub(crate) fn device_cert(
    service: &Service,
    device: &DevicePublic,
    terms: &DeviceTerms,
    issuer: &Ed25519Secret,
    edit: impl FnOnce(&mut v1::DeviceCert),
) -> v1::Signed {
    let mut message = v1::DeviceCert::decode(&*service.issuer.certify(device, terms).body).unwrap();
    edit(&mut message);
    message.sign(issuer)
}

/// The certificate of the service's issuer, edited, and signed again by `root`.
pub(crate) fn issuer_cert(
    service: &Service,
    root: &Ed25519Secret,
    edit: impl FnOnce(&mut v1::IssuerCert),
) -> v1::Signed {
    let mut message = v1::IssuerCert::decode(&*service.issuer_cert().body).unwrap();
    edit(&mut message);
    message.sign(root)
}

/// A record, edited, and signed again by its device.
pub(crate) fn record(
    signed: &v1::SignedRecord,
    device: &LocalDevice,
    edit: impl FnOnce(&mut PrekeyRecord),
) -> v1::SignedRecord {
    let mut record = PrekeyRecord::parse(&signed.record).unwrap();
    edit(&mut record);
    resigned(record.to_bytes().into_vec(), device)
}

/// The first `length` bytes of a record, signed by its device.
pub(crate) fn truncated(signed: &v1::SignedRecord, device: &LocalDevice, length: usize) -> v1::SignedRecord {
    resigned(signed.record[..length].to_vec(), device)
}

fn resigned(record: Vec<u8>, device: &LocalDevice) -> v1::SignedRecord {
    let sig = crate::prekey::sign(&record, device.dsk()).to_vec();
    v1::SignedRecord { record, sig }
}

/// A state of a group, edited, and signed again by `device`.
pub(crate) fn group_state(
    from: &GroupState,
    device: &LocalDevice,
    edit: impl FnOnce(&mut v1::GroupState),
) -> v1::Signed {
    let mut message = v1::GroupState::decode(&*from.to_signed().body).unwrap();
    edit(&mut message);
    message.sign(device.dsk())
}

/// A directory, edited, and signed again by `key`.
pub(crate) fn directory(from: &Directory, key: &OrgKey, edit: impl FnOnce(&mut v1::OrgDirectory)) -> v1::Signed {
    let mut message = v1::OrgDirectory::decode(&*from.to_signed().body).unwrap();
    edit(&mut message);
    message.sign(key.secret())
}
