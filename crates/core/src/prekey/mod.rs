//! Prekeys: typed, dated, domain-separated signed records, the bundle that carries them, and their life cycle:
//! `docs/protocol.md` B3.

mod bundle;
mod lifecycle;
mod published;
mod record;
mod secret;
mod served;
mod state;

#[cfg(test)]
mod tests;

pub use bundle::{
    BundleError, BundleFault, BundleTarget, PrekeyBundle, UnverifiedBundle, VerifiedBundle, bundle_hash,
    verify_envelope_record,
};
pub use lifecycle::{HeldPrekey, PrekeyPlan, Rotation, Standing, plan, refill, refill_at};
pub use published::{PublishedRecord, RecordFault};
#[cfg(test)]
pub(crate) use record::sign;
pub use record::{KeyId, PrekeyRecord, RecordBytes, RecordError, RecordKey, RecordType};
pub use secret::{EnvelopePrekey, KemPrekey, OneTimePrekey, SignedPrekey};
pub use served::BundleParts;
pub use state::PrekeyStateError;
