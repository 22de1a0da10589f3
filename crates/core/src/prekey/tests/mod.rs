//! Tests of B3.

mod bundle;
mod flip;
mod identity;
mod lifecycle;
mod records;

use prost::Message as _;

use super::{BundleError, BundleFault, BundleParts, UnverifiedBundle, VerifiedBundle};
use crate::identity::ManifestPin;
use crate::testing::{Party, Service};
use crate::time::Timestamp;
use crate::wire::v1;

/// What somebody makes of these parts who asked for `party` and has `pin`.
fn fetched(
    party: &Party,
    parts: BundleParts,
    pin: Option<&ManifestPin>,
    now: Timestamp,
) -> Result<VerifiedBundle, BundleError> {
    judged(party, &parts.into(), pin, now)
}

/// The same for a bundle that may lack parts.
fn judged(
    party: &Party,
    bundle: &v1::PrekeyBundle,
    pin: Option<&ManifestPin>,
    now: Timestamp,
) -> Result<VerifiedBundle, BundleError> {
    let target = super::BundleTarget { pin, ..party.target() };
    UnverifiedBundle::parse(&bundle.encode_to_vec())?.verify(&Service::new().trust(), &target, now)
}

/// What `BundleRejected` is about.
fn rejected<T: core::fmt::Debug>(result: Result<T, BundleError>) -> BundleFault {
    match result.unwrap_err() {
        BundleError::Rejected(fault) => fault,
        other => panic!("{other:?}"),
    }
}
