//! The people of a practice, signed by the practice: `docs/protocol.md` B17.
//!
//! An [`UnverifiedDirectory`] parses, a [`Directory`] is signed by the key that it names, and a [`DirectoryPin`] says
//! whether that is the practice's word: it notices forks, rollbacks and keys that nobody announced.

mod directory;
mod key;
mod member;
mod pin;
mod staff;

#[cfg(test)]
mod tests;

pub use directory::{Directory, DirectoryDraft, DirectoryError, UnverifiedDirectory};
pub use key::{OrgKey, TrustedOrgKey, org_key_fingerprint};
pub use member::{OrgMember, OrgRole};
pub use pin::{DirectoryAdoption, DirectoryEvent, DirectoryPin, DirectoryPinError, MissingDirectories};
pub use staff::{AikChange, AikVerdict};
