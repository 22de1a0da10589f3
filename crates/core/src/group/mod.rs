//! Groups: a roster signed by one owner, `docs/protocol.md` B13.
//!
//! An [`UnverifiedState`] obeys the rules that need nothing else; a [`GroupState`] is signed; a [`Roster`] knows which
//! states follow one another and which of several stays. Everything here is a decision over values: the client fetches,
//! stores and sends.

mod archive;
mod evidence;
mod fan_out;
mod issue;
mod join;
mod member;
mod message;
mod policy;
mod roster;
mod rules;
mod selection;
mod stale;
mod state;
mod tree;
mod unseen;
mod waiting;

#[cfg(test)]
mod tests;

pub use archive::{Acknowledged, ArchiveEvent, AwaitedCopies};
pub use evidence::{AccountKeys, Currency, DeviceKey, Evidence, Listing};
pub use fan_out::{FanOut, FanOutError};
pub use issue::{IssueError, Issued, Mailbox};
pub use join::{JoinError, Joined, Rejoining};
pub use member::{Member, Role};
pub use message::{MessageRejected, MessageVerdict, SentIn, judge_unknown};
pub use policy::{Class, Policy, PolicyFloor};
pub use roster::{Applied, Fork, GroupEvent, Roster};
pub use rules::{Lack, StateRejected};
pub use stale::{StaleAnswers, StaleSender, StaleVerdict};
pub use state::{Actor, GroupDraft, GroupState, StateError, UnverifiedState};
pub use unseen::{Unseen, UnseenContents, UnseenDue, UnseenFull, UnseenStored};
