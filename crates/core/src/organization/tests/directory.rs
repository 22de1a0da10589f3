//! What a directory must be by itself.

use super::*;
use crate::limits::{ORG_DIRECTORY_BYTES, ORG_MEMBERS, PREVIOUS_AIKS};
use crate::malicious;
use crate::organization::{DirectoryError, UnverifiedDirectory};
use crate::testing::{Broken, rng};
use crate::time::DAY_MS;
use crate::wire::{WireError, v1};

fn read(signed: &v1::Signed) -> Result<Directory, DirectoryError> {
    UnverifiedDirectory::parse(signed)?.verify()
}

type Edit = fn(&mut v1::OrgDirectory);

fn edited(edit: impl FnOnce(&mut v1::OrgDirectory)) -> Result<Directory, DirectoryError> {
    let directory = issued(None, vec![entry(1), entry(2)]);
    read(&malicious::directory(&directory, &org_key(1), edit))
}

#[test]
fn a_directory_is_read_as_it_was_issued() {
    let full = OrgMember {
        roles: vec![OrgRole::Clinical, OrgRole::RecordsCustodian],
        not_before: Some(at(10)),
        not_after: Some(at(20)),
        previous_aiks: vec![aik(7), aik(8)],
        ..entry(2)
    };
    let directory = issued(None, vec![full.clone(), entry(1)]);
    assert_eq!(read(&directory.to_signed()).unwrap(), directory);
    assert_eq!((directory.seq(), directory.org(), directory.display_name()), (1, ORG, "Practice P"));
    assert_eq!(directory.members(), [entry(1), full]);
    assert_eq!(directory.renew_at(), at(0).plus(45 * DAY_MS));
}

#[test]
fn each_rule_of_a_directory_is_kept() {
    let cases: [(Edit, DirectoryError); 15] = [
        (|directory| directory.version = 2, DirectoryError::Wire(WireError::UnsupportedVersion)),
        (|directory| directory.org_id.truncate(15), DirectoryError::Wire(WireError::Field)),
        (|directory| directory.org_key[0] = 2, DirectoryError::Wire(WireError::Field)),
        (|directory| directory.next_org_key = vec![1; 32], DirectoryError::Wire(WireError::Field)),
        (|directory| directory.seq = 0, DirectoryError::Chain),
        (|directory| directory.prev_hash = vec![1; 32], DirectoryError::Chain),
        (|directory| directory.expires_at_ms = directory.issued_at_ms, DirectoryError::Lifetime),
        (|directory| directory.expires_at_ms += 1, DirectoryError::Lifetime),
        (|directory| directory.members.swap(0, 1), DirectoryError::Members),
        (|directory| directory.members[1] = directory.members[0].clone(), DirectoryError::Members),
        (|directory| directory.members[0].roles = vec![2, 1], DirectoryError::Members),
        (|directory| directory.members[0].roles = vec![1, 1], DirectoryError::Members),
        (|directory| directory.members[0].aik.truncate(32), DirectoryError::Wire(WireError::Field)),
        (
            |directory| directory.members[0].previous_aiks = vec![directory.members[0].aik.clone(); PREVIOUS_AIKS + 1],
            DirectoryError::Members,
        ),
        (
            |directory| directory.ext = vec![v1::Ext { id: 1, critical: true, data: Vec::new() }],
            DirectoryError::Wire(WireError::Extension),
        ),
    ];
    for (index, (edit, error)) in cases.into_iter().enumerate() {
        assert_eq!(edited(edit).unwrap_err(), error, "case {index}");
    }
    assert!(edited(|directory| directory.members[0].previous_aiks = vec![directory.members[0].aik.clone(); 8]).is_ok());
    let unknown = edited(|directory| directory.members[0].roles = vec![1, 9]).unwrap();
    assert_eq!(unknown.members()[0].roles, [OrgRole::Clinical], "an unknown role is ignored");
}

#[test]
fn a_directory_is_signed_by_the_key_that_it_names() {
    let directory = issued(None, vec![entry(1)]);
    assert_eq!(read(&malicious::directory(&directory, &org_key(2), |_| ())).unwrap_err(), DirectoryError::Signature);
    let mut flipped = directory.to_signed();
    flipped.sig[3] ^= 1;
    assert_eq!(read(&flipped).unwrap_err(), DirectoryError::Signature);
    let mut unsigned = directory.to_signed();
    unsigned.sig.clear();
    assert_eq!(read(&unsigned).unwrap_err(), DirectoryError::Wire(WireError::Field));
}

#[test]
fn at_most_five_thousand_members_and_one_mebibyte() {
    let member = |n: usize| {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&(n as u64).to_be_bytes());
        OrgMember { account: crate::ids::AccountId::from_bytes(id), ..entry(1) }
    };
    let people = |count: usize| draft((0..count).map(member).collect());
    let full = Directory::issue(&org_key(1), None, people(ORG_MEMBERS), at(0)).unwrap();
    assert!(full.to_signed().body.len() < ORG_DIRECTORY_BYTES);
    assert_eq!(full.member(member(4_321).account).unwrap().account, member(4_321).account);
    let over = Directory::issue(&org_key(1), None, people(ORG_MEMBERS + 1), at(0));
    assert_eq!(over.unwrap_err(), DirectoryError::Members);
    let mut long = people(1);
    long.display_name = "x".repeat(ORG_DIRECTORY_BYTES);
    let long = Directory::issue(&org_key(1), None, long, at(0));
    assert_eq!(long.unwrap_err(), DirectoryError::Wire(WireError::TooLong));
}

#[test]
fn only_the_key_or_the_announced_one_issues_the_next_directory() {
    let first = issued(None, vec![entry(1)]);
    let other = Directory::issue(&org_key(2), Some(&first), draft(Vec::new()), at(1));
    assert_eq!(other.unwrap_err(), DirectoryError::Chain);
    let announcing = DirectoryDraft { next_org_key: Some(org_key(2).public_key()), ..draft(Vec::new()) };
    let announcing = Directory::issue(&org_key(1), Some(&first), announcing, at(1)).unwrap();
    assert!(Directory::issue(&org_key(2), Some(&announcing), draft(Vec::new()), at(2)).is_ok());
    assert!(OrgKey::generate(ORG, &mut rng(1)).is_ok());
    assert!(OrgKey::generate(ORG, &mut Broken).is_err());
}

#[test]
fn a_person_is_listed_within_its_bounds_and_by_its_roles() {
    let bounded = OrgMember { not_before: Some(at(10)), not_after: Some(at(20)), ..entry(1) };
    let directory = issued(None, vec![bounded]);
    let lists = |role, seconds| directory.lists(account(1), role, at(seconds));
    assert_eq!([9, 10, 19, 20].map(|seconds| lists(OrgRole::Clinical, seconds)), [false, true, true, false]);
    assert!(!lists(OrgRole::Archive, 15));
    assert!(!directory.lists(account(2), OrgRole::Clinical, at(15)));
    assert!(issued(None, vec![entry(1)]).lists(account(1), OrgRole::Clinical, at(0)));
}
