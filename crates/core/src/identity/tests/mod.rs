//! Tests of B2.

mod certificate;
mod gap;
mod introduction;
mod lineage;
mod lost;
mod manifest;
mod other_keys;
mod pin;
mod revocation;
mod state;

use super::{Manifest, UnverifiedManifest};
use crate::testing::Party;
use crate::wire::v1;

/// A manifest of which only the test cares whether it verifies.
fn verified(signed: &v1::Signed) -> Manifest {
    UnverifiedManifest::parse(signed).unwrap().verify().unwrap()
}

/// Three devices of account 1.
fn devices() -> [Party; 3] {
    [1, 2, 3].map(|device| Party::device(1, device, 100 + device))
}
