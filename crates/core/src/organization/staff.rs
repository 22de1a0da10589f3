//! Replaced keys of staff: `docs/protocol.md` B17.

use crate::identity::Source;
use crate::ids::AccountId;
use crate::primitives::Ed25519PublicKey;
use crate::time::Timestamp;

use super::{Directory, DirectoryPin};

/// An identity key that differs from the pinned one, of a contact or as `Member.aik`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AikChange {
    /// Whose.
    pub account: AccountId,
    /// As pinned.
    pub pinned: Ed25519PublicKey,
    /// As it is said to be now.
    pub new: Ed25519PublicKey,
}

/// How a change is to be taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AikVerdict {
    /// Event `StaffKeyRotated`, which informs; the verification mark becomes "vouched for by the practice".
    StaffKeyRotated,
    /// Event `IdentityChanged`: sending is blocked until the app acknowledges.
    IdentityChanged,
}

impl DirectoryPin {
    /// `StaffKeyRotated` iff `newer` is a directory newer than this pin, which was the last one seen, is adopted by it,
    /// and lists the new key as `aik` and the pinned one in `previous_aiks`. Anything else is `IdentityChanged`.
    pub fn judge_aik_change(&self, change: &AikChange, newer: Option<&Directory>, now: Timestamp) -> AikVerdict {
        let adopted = newer.filter(|newer| {
            newer.seq() > self.current().seq()
                && self.judge(newer, Source::Message, now).is_ok_and(|next| next.pin.current() == *newer)
        });
        // What a directory that lost says of the account still binds a newer one below it.
        let unopposed = |newer: &&Directory| {
            let agrees =
                |loser: &Directory| loser.listed(change.account, now).is_some_and(|there| there.aik == change.new);
            self.binding(newer).is_none_or(agrees)
        };
        let vouched = adopted
            .filter(unopposed)
            .and_then(|newer| newer.listed(change.account, now))
            .is_some_and(|member| member.aik == change.new && member.previous_aiks.contains(&change.pinned));
        match vouched {
            true => AikVerdict::StaffKeyRotated,
            false => AikVerdict::IdentityChanged,
        }
    }
}
