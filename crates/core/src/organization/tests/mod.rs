//! Tests of B17.

mod directory;
mod lost;
mod pin;
mod staff;
mod stored;

use super::{Directory, DirectoryDraft, DirectoryPin, OrgKey, OrgMember, OrgRole};
use crate::ids::OrgId;
use crate::primitives::Ed25519PublicKey;
use crate::testing::{account, at, ed25519};
use crate::time::Timestamp;
use zeroize::Zeroizing;

const ORG: OrgId = OrgId::from_bytes([0x0a; 16]);

/// The key of the practice with this seed.
fn org_key(seed: u8) -> OrgKey {
    OrgKey::from_seed(ORG, &Zeroizing::new([seed; 32]))
}

fn aik(seed: u8) -> Ed25519PublicKey {
    ed25519(seed).public_key()
}

/// A clinician whose identity key has the seed of the account.
fn entry(person: u8) -> OrgMember {
    OrgMember {
        account: account(person),
        aik: aik(person),
        display_name: format!("Person {person}"),
        roles: vec![OrgRole::Clinical],
        not_before: None,
        not_after: None,
        previous_aiks: Vec::new(),
    }
}

fn draft(members: Vec<OrgMember>) -> DirectoryDraft {
    DirectoryDraft { display_name: "Practice P".into(), members, next_org_key: None }
}

/// The next directory after `previous` under the key with the seed 1.
fn issued(previous: Option<&Directory>, members: Vec<OrgMember>) -> Directory {
    issued_at(previous, members, at(0))
}

fn issued_at(previous: Option<&Directory>, members: Vec<OrgMember>, now: Timestamp) -> Directory {
    Directory::issue(&org_key(1), previous, draft(members), now).unwrap()
}

/// A pin on `directory` as the first one.
fn pinned(directory: &Directory) -> DirectoryPin {
    DirectoryPin::first(directory.clone(), &crate::testing::trusting(directory)).unwrap()
}

/// Directories 1 to `length`, each listing the persons 1 and 2, and differing by their time.
fn chain(length: u64) -> Vec<Directory> {
    (1..length).fold(vec![issued(None, vec![entry(1), entry(2)])], |mut chain, n| {
        chain.push(issued_at(chain.last(), vec![entry(1), entry(2)], at(n)));
        chain
    })
}
