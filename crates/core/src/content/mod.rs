//! What a session message carries: `docs/protocol.md` B9.
//!
//! [`Content::parse`] judges the bytes alone; [`Content::route`] judges them against the two accounts of the session;
//! what needs more (a group state, a stored original, a policy) is a pure function of that and the content. Everything
//! here happens after the ratchet has committed: a [`ContentRejected`] is an event, never a `DecryptFailed`.

mod body;
mod clinical;
mod control;
mod conversation;
mod draft;
mod error;
mod fields;
mod kind;
mod message;
mod receipt;
mod repeat;
mod retention;
mod revision;
mod sequence;
mod sync;
mod update;

#[cfg(test)]
mod tests;

pub use body::{Body, Delete, DeleteReason, Edit, HistoryOffer, Opaque, Reaction, Text};
pub use clinical::ClinicalRef;
pub use control::{Control, Emergency, InvitationUse, SenderInfo};
pub use conversation::{Route, Standing, Voice, collides_with_pair, pair_id};
pub use draft::{Draft, DraftError, Outgoing};
pub use error::{ContentRejected, FieldName};
pub use kind::BodyKind;
pub use message::{Content, SentAt};
pub use receipt::Receipt;
pub use repeat::{DedupeKey, Repeat, repeat};
pub use retention::{Fate, Floor, GroupRetention, Hold, Holding, Keeper, Retention};
pub use revision::{Change, Original, ReactionTo};
pub use sequence::{Base, Gap, SequenceTracker, Sequenced};
pub use sync::{DevicePop, Sync, SyncIds};
pub use update::GroupUpdate;
