//! Keeping against deleting: `docs/protocol.md` B9 and B13.

use crate::time::Timestamp;
use crate::wire::v1;

/// What the sender of a content wishes; 0 on the wire is `None`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Retention {
    /// Not to be deleted before.
    pub keep_until: Option<Timestamp>,
    /// To be deleted so many milliseconds after it was read. Advisory: it is no erasure.
    pub delete_after_read_ms: Option<u64>,
}

impl Retention {
    pub(super) const fn from_wire(message: &v1::Retention) -> Self {
        Self {
            keep_until: match message.keep_until_ms {
                0 => None,
                ms => Some(Timestamp::from_millis(ms)),
            },
            delete_after_read_ms: match message.delete_after_read_ms {
                0 => None,
                ms => Some(ms),
            },
        }
    }

    pub(super) fn to_wire(self) -> Option<v1::Retention> {
        (self != Self::default()).then(|| v1::Retention {
            keep_until_ms: self.keep_until.map_or(0, Timestamp::as_millis),
            delete_after_read_ms: self.delete_after_read_ms.unwrap_or(0),
        })
    }
}

/// The times of a GroupPolicy; 0 = none. Nothing outside groups.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct GroupRetention {
    /// Binds copies of the archive and of the organization's members.
    pub keep_at_least_ms: u64,
    /// Binds all other copies.
    pub expire_after_ms: u64,
}

/// Whose copy it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keeper {
    /// The archive's: it keeps every version.
    Archive,
    /// Of a member that the pinned directory of the group's org_id lists.
    OrgMember,
    /// Anybody else's.
    Other,
}

/// Legal hold, a flag of the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hold {
    /// No.
    None,
    /// Nothing is deleted.
    Legal,
}

/// One stored copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Holding {
    /// Server receive time.
    pub received: Timestamp,
    /// When it was read here.
    pub read: Option<Timestamp>,
    /// Whose copy it is.
    pub keeper: Keeper,
    /// Whether it is held.
    pub hold: Hold,
    /// What the group's policy says.
    pub policy: GroupRetention,
}

/// Until when a copy must be kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Floor {
    /// It may go.
    None,
    /// Not before this.
    Until(Timestamp),
    /// Not before the hold is lifted.
    Held,
}

impl Floor {
    fn is_reached(self, now: Timestamp) -> bool {
        match self {
            Self::None => true,
            Self::Until(floor) => now >= floor,
            Self::Held => false,
        }
    }
}

/// What becomes of a copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fate {
    /// What every deletion must wait for, one by hand and an erasure included: hold and policy.
    pub floor: Floor,
    /// What its sender must wait for: the floor, and the sender's own wish. It binds nobody else, or a stranger could
    /// keep what he wrote on somebody's device for ever.
    pub sender_floor: Floor,
    /// When it is deleted without being asked for; `None`: not while things are as they are.
    pub delete_at: Option<Timestamp>,
}

impl Retention {
    /// Resolves the wishes of the sender, the policy and a legal hold, the later ones first:
    ///
    /// * legal hold: kept, whatever else is said;
    /// * policy: a copy of the archive or of the org's members is kept for `keep_at_least_ms` after its receipt, in
    ///   place of the sender's `keep_until`; any other copy goes `expire_after_ms` after its receipt, `keep_until` or
    ///   not;
    /// * `keep_until` beats `delete_after_read`, which counts from the first reading, and a `Delete` by the sender; it
    ///   does not bind the keeper of the copy.
    pub fn resolve(&self, holding: &Holding) -> Fate {
        if holding.hold == Hold::Legal {
            return Fate { floor: Floor::Held, sender_floor: Floor::Held, delete_at: None };
        }
        let bound = |ms: u64| (ms != 0).then(|| holding.received.plus(ms));
        let (keep, expire) = match holding.keeper {
            Keeper::Archive | Keeper::OrgMember => (bound(holding.policy.keep_at_least_ms), None),
            Keeper::Other => (None, bound(holding.policy.expire_after_ms)),
        };
        let wish = earliest(keep.or(self.keep_until), expire);
        let timer = holding.read.zip(self.delete_after_read_ms).map(|(read, ms)| read.plus(ms));
        let kept = timer.map(|at| wish.map_or(at, |floor| at.max(floor)));
        Fate {
            floor: keep.map_or(Floor::None, Floor::Until),
            sender_floor: wish.map_or(Floor::None, Floor::Until),
            delete_at: match (kept, expire) {
                (Some(kept), Some(expire)) => Some(kept.min(expire)),
                (one, other) => one.or(other),
            },
        }
    }
}

/// The floor does not reach beyond the policy's expiry.
fn earliest(floor: Option<Timestamp>, expire: Option<Timestamp>) -> Option<Timestamp> {
    floor.map(|floor| expire.map_or(floor, |expire| floor.min(expire)))
}

impl Fate {
    /// Whether whoever keeps the copy may delete it at `now`.
    pub fn allows_deletion(&self, now: Timestamp) -> bool {
        self.floor.is_reached(now)
    }

    /// Whether a `Delete` by its sender may be carried out at `now`.
    pub fn allows_deletion_by_sender(&self, now: Timestamp) -> bool {
        self.sender_floor.is_reached(now)
    }
}
