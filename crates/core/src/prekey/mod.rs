//! Prekeys: typed, dated, domain-separated signed records, the bundle that carries them, and their life cycle:
//! `docs/protocol.md` B3.

mod bundle;
mod record;
mod secret;

pub use bundle::{PrekeyBundle, bundle_hash};
pub use record::{KeyId, PrekeyRecord, RecordBytes, RecordError, RecordKey, RecordType};
pub use secret::{EnvelopePrekey, KemPrekey, OneTimePrekey, SignedPrekey};
