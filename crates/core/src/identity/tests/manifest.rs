//! Manifests by themselves: `docs/protocol.md` B2.

use proptest::prelude::*;

use super::{devices, verified};
use crate::identity::{
    AccountKey, DeviceKind, ListedDevice, LocalDevice, Manifest, ManifestDraft, ManifestError, UnverifiedManifest,
};
use crate::malicious;
use crate::testing::{Party, account, address, at, ed25519, rng};
use crate::time::DAY_MS;
use crate::wire::{WireError, v1};
use zeroize::Zeroizing;

/// What comes of the first manifest of party 1 after an edit that its own account signs.
fn edited(edit: impl FnOnce(&mut v1::DeviceManifest)) -> Result<Manifest, ManifestError> {
    let party = Party::new(1);
    UnverifiedManifest::parse(&malicious::manifest(&party.manifest, &party.account, edit))?.verify()
}

#[test]
fn t013_a_manifest_signed_by_another_key_is_rejected() {
    let (party, other) = (Party::new(1), Party::new(2));
    let signed = malicious::manifest(&party.manifest, &other.account, |_| ());
    let error = UnverifiedManifest::parse(&signed).unwrap().verify().unwrap_err();
    assert_eq!(error, ManifestError::Signature);
    assert_eq!(edited(|_| ()).unwrap(), party.manifest, "control: its own key signs the same bytes");
}

#[test]
fn t017_a_device_with_a_foreign_proof_is_rejected() {
    let (one, two) = (Party::device(1, 1, 11), Party::device(1, 2, 22));
    let [mine, foreign] = [&one, &two].map(|party| party.listed().to_entry());
    let swapped = |edit: fn(&mut v1::DeviceEntry, &v1::DeviceEntry)| {
        let (mut entry, foreign) = (mine.clone(), foreign.clone());
        edit(&mut entry, &foreign);
        edited(move |manifest| manifest.devices = vec![entry])
    };
    assert!(swapped(|_, _| ()).is_ok(), "control");
    let edits: [fn(&mut v1::DeviceEntry, &v1::DeviceEntry); 5] = [
        |entry, foreign| entry.pop.clone_from(&foreign.pop),
        |entry, foreign| entry.dsk.clone_from(&foreign.dsk),
        |entry, foreign| entry.ddk.clone_from(&foreign.ddk),
        |entry, _| entry.device_id += 1,
        |entry, _| entry.reg_nonce += 1,
    ];
    for edit in edits {
        assert_eq!(swapped(edit).unwrap_err(), ManifestError::ProofOfPossession);
    }
}

#[test]
fn t017_a_device_without_a_proof_is_rejected() {
    let none = |manifest: &mut v1::DeviceManifest| manifest.devices[0].pop.clear();
    assert_eq!(edited(none).unwrap_err(), ManifestError::Wire(WireError::Field));
    let zeros = |manifest: &mut v1::DeviceManifest| manifest.devices[0].pop.fill(0);
    assert_eq!(edited(zeros).unwrap_err(), ManifestError::ProofOfPossession);
}

#[test]
fn t017_a_proof_for_another_account_or_identity_key_is_rejected() {
    let victim = Party::new(2);
    let thief = Party::new(1);
    let stolen = victim.listed().to_entry();
    let claimed = edited(|manifest| manifest.devices = vec![stolen.clone()]);
    assert_eq!(claimed.unwrap_err(), ManifestError::ProofOfPossession);
    let aik = thief.account.public_key();
    assert_eq!(ListedDevice::from_entry(&stolen, thief.account.account(), &aik), None);
    let other_aik = ed25519(9).public_key();
    assert_eq!(ListedDevice::from_entry(&stolen, victim.account.account(), &other_aik), None);
    let at_home = ListedDevice::from_entry(&stolen, victim.account.account(), &victim.account.public_key());
    assert_eq!(at_home, Some(victim.listed()), "control");
}

#[test]
fn t019_seventeen_devices_are_rejected() {
    let account_key = AccountKey::from_seed(account(1), &Zeroizing::new([1; 32]));
    let aik = account_key.public_key();
    let listed: Vec<_> = (1..=17)
        .map(|device| LocalDevice::generate(address(1, device, 1), aik, &mut rng(device.into())).unwrap())
        .map(|device| ListedDevice::of(&device, DeviceKind::Desktop, at(0), &aik))
        .collect();
    let issue = |count: usize| {
        let draft = ManifestDraft { devices: listed[..count].to_vec(), next_aik: None };
        Manifest::issue(&account_key, None, draft, at(0))
    };
    assert_eq!(issue(17).unwrap_err(), ManifestError::Devices);
    assert_eq!(issue(16).unwrap().devices().len(), 16, "control");
}

#[test]
fn t019_no_device_duplicate_ids_and_unsorted_ids_are_rejected() {
    let [one, two, three] = devices().map(|party| party.listed().to_entry());
    let with = |entries: &[&v1::DeviceEntry]| {
        let entries = entries.iter().map(|entry| (*entry).clone()).collect();
        edited(|manifest| manifest.devices = entries)
    };
    assert_eq!(with(&[]).unwrap_err(), ManifestError::Devices);
    assert_eq!(with(&[&one, &one]).unwrap_err(), ManifestError::Devices);
    assert_eq!(with(&[&one, &three, &two]).unwrap_err(), ManifestError::Devices);
    assert_eq!(with(&[&one, &two, &three]).unwrap().devices().len(), 3, "control");
}

#[test]
fn chain_and_lifetime_rules_hold_before_any_signature() {
    type Edit = fn(&mut v1::DeviceManifest);
    let cases: [(Edit, ManifestError); 11] = [
        (|m| m.seq = 0, ManifestError::Chain),
        (|m| m.prev_hash = vec![1; 32], ManifestError::Chain),
        (|m| m.prev_hash.clear(), ManifestError::Wire(WireError::Field)),
        (|m| m.expires_at_ms = m.issued_at_ms, ManifestError::Lifetime),
        (|m| m.expires_at_ms = m.issued_at_ms + 30 * DAY_MS + 1, ManifestError::Lifetime),
        (|m| m.expires_at_ms = u64::MAX, ManifestError::Lifetime),
        (|m| m.version = 2, ManifestError::Wire(WireError::UnsupportedVersion)),
        (|m| m.account_id.push(0), ManifestError::Wire(WireError::Field)),
        (|m| m.aik[0] = 0x02, ManifestError::Wire(WireError::Field)),
        (|m| m.next_aik = vec![0x01], ManifestError::Wire(WireError::Field)),
        (|m| m.devices[0].device_id = 0, ManifestError::Wire(WireError::Field)),
    ];
    for (index, (edit, error)) in cases.into_iter().enumerate() {
        assert_eq!(edited(edit).unwrap_err(), error, "case {index}");
    }
}

#[test]
fn critical_extensions_are_rejected_and_others_ignored() {
    let ext = |critical| v1::Ext { id: 9, critical, data: vec![1] };
    let critical = edited(|manifest| manifest.ext.push(ext(true))).unwrap_err();
    assert_eq!(critical, ManifestError::Wire(WireError::Extension));
    assert_eq!(edited(|manifest| manifest.ext.push(ext(false))).unwrap().devices().len(), 1);
}

#[test]
fn an_unknown_device_kind_counts_as_a_browser() {
    let manifest = edited(|manifest| manifest.devices[0].kind = 77).unwrap();
    assert_eq!(manifest.devices()[0].kind, DeviceKind::Web);
}

#[test]
fn a_manifest_is_kept_as_received_and_renewed_at_half_of_its_life() {
    let party = Party::new(1);
    let first = &party.manifest;
    assert_eq!(verified(&first.to_signed()), *first);
    assert_eq!((first.seq(), *first.prev_hash()), (1, [0; 32]));
    assert_eq!(first.renew_at(), at(0).plus(15 * DAY_MS));
    assert!(!first.is_expired(at(0).plus(30 * DAY_MS - 1)));
    assert!(first.is_expired(at(0).plus(30 * DAY_MS)));
    let second = party.next_manifest(first, &[&party], at(5));
    assert_eq!((second.seq(), second.prev_hash()), (2, first.hash()));
}

#[test]
fn only_the_key_or_its_announced_successor_issues_the_next_one() {
    let party = Party::new(1);
    let next = AccountKey::from_seed(account(1), &Zeroizing::new([0x77; 32]));
    let draft = |key: &AccountKey, next_aik| ManifestDraft {
        devices: vec![ListedDevice::of(&party.device, DeviceKind::Mobile, at(0), &key.public_key())],
        next_aik,
    };
    let unannounced = Manifest::issue(&next, Some(&party.manifest), draft(&next, None), at(1));
    assert_eq!(unannounced.unwrap_err(), ManifestError::Chain);
    let announcing = draft(&party.account, Some(next.public_key()));
    let second = Manifest::issue(&party.account, Some(&party.manifest), announcing, at(1)).unwrap();
    let third = Manifest::issue(&next, Some(&second), draft(&next, None), at(2)).unwrap();
    assert_eq!((third.seq(), *third.aik()), (3, next.public_key()));
}

#[test]
fn a_linked_device_is_kept_by_its_proof_over_the_announced_key() {
    let linked = Party::device(1, 2, 22);
    let next = ed25519(0x77).public_key();
    let moved = linked.listed().under(&next, linked.device.proof_of_possession(&next)).unwrap();
    assert_eq!(moved.device.aik, next);
    let old_proof = linked.device.proof_of_possession(&linked.account.public_key());
    assert_eq!(linked.listed().under(&next, old_proof), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn t013_no_bit_of_a_manifest_can_change(bit in any::<prop::sample::Index>(), in_sig in any::<bool>()) {
        let mut signed = Party::new(1).manifest.to_signed();
        let bytes = if in_sig { &mut signed.sig } else { &mut signed.body };
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(UnverifiedManifest::parse(&signed).and_then(UnverifiedManifest::verify).is_err());
    }
}
