//! `seq` of one sending device and registration in one conversation: `docs/protocol.md` B9. It shows what a server left
//! out, and two senders under one identity.

use core::num::NonZeroU64;

use crate::limits::{MESSAGE_GAP_MS, SEQUENCE_GAPS};
use crate::time::Timestamp;

/// Where counting begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Base {
    /// At 1.
    One,
    /// At the first one seen: in a group, and on a device that was linked after the conversation began.
    FirstSeen,
}

/// Numbers that did not come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gap {
    /// The first.
    pub from: u64,
    /// The last.
    pub to: u64,
    /// When a later number came.
    pub since: Timestamp,
    /// Whether a `MessageGap` was raised for it.
    pub reported: bool,
}

/// What a content with a new message_id is by its `seq`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sequenced {
    /// The next one, or a later one: what lies between is missing now.
    Ahead,
    /// One that was missing, or lies before the base.
    Late,
    /// A second content with one seq: somebody else sends as this device.
    PossibleClone,
}

/// Which numbers came. It is kept per (account, device_id, reg_nonce, conversation), and is given only contents that are
/// no duplicates.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SequenceTracker {
    /// The lowest number that is counted; 0: none has come yet, and the first one decides.
    base: u64,
    /// The highest number that came, or `base - 1`.
    highest: u64,
    /// Ascending, apart from each other, within `base..highest`.
    gaps: Vec<Gap>,
}

impl SequenceTracker {
    /// Nothing has come yet.
    pub const fn new(base: Base) -> Self {
        Self {
            base: match base {
                Base::One => 1,
                Base::FirstSeen => 0,
            },
            highest: 0,
            gaps: Vec::new(),
        }
    }

    /// The tracker with these parts, as they were stored. `None` unless it could have come about.
    pub fn restore(base: u64, highest: u64, gaps: Vec<Gap>) -> Option<Self> {
        let within = gaps
            .iter()
            .all(|gap| base <= gap.from && gap.from <= gap.to && gap.to < highest);
        let apart = gaps
            .iter()
            .zip(gaps.iter().skip(1))
            .all(|(one, next)| one.to < next.from);
        let bounds = highest >= base.saturating_sub(1) && (base != 0 || highest == 0);
        (within && apart && bounds && gaps.len() <= SEQUENCE_GAPS).then_some(Self { base, highest, gaps })
    }

    /// `(base, highest, gaps)`, to be stored.
    pub fn parts(&self) -> (u64, u64, &[Gap]) {
        (self.base, self.highest, &self.gaps)
    }

    /// Counts a content. Of more than [`SEQUENCE_GAPS`] gaps the oldest is given up.
    pub fn accept(&self, seq: NonZeroU64, now: Timestamp) -> (Sequenced, Self) {
        let seq = seq.get();
        let mut next = self.clone();
        if next.base == 0 {
            (next.base, next.highest) = (seq, seq.saturating_sub(1));
        }
        if seq < next.base {
            return (Sequenced::Late, next);
        }
        if seq > next.highest {
            let from = next.highest.saturating_add(1);
            if from < seq {
                next.gaps.push(Gap {
                    from,
                    to: seq.saturating_sub(1),
                    since: now,
                    reported: false,
                });
            }
            next.highest = seq;
            next.bound();
            return (Sequenced::Ahead, next);
        }
        match next.fill(seq) {
            true => (Sequenced::Late, next),
            false => (Sequenced::PossibleClone, next),
        }
    }

    /// Takes `seq` out of the gap it lies in; false if it lies in none.
    fn fill(&mut self, seq: u64) -> bool {
        let Some(index) = self.gaps.iter().position(|gap| (gap.from..=gap.to).contains(&seq)) else {
            return false;
        };
        let gap = self.gaps.remove(index);
        let before = (gap.from < seq).then(|| Gap {
            to: seq.saturating_sub(1),
            ..gap
        });
        let after = (seq < gap.to).then(|| Gap {
            from: seq.saturating_add(1),
            ..gap
        });
        self.gaps.splice(index..index, before.into_iter().chain(after));
        self.bound();
        true
    }

    /// A gap that is given up counts as before the base: numbers in it are no clones.
    fn bound(&mut self) {
        if self.gaps.len() > SEQUENCE_GAPS {
            let oldest = self.gaps.remove(0);
            self.base = oldest.to.saturating_add(1);
        }
    }

    /// The gaps that have been missing for more than 24 h at `now` and were not reported before: one `MessageGap`
    /// each.
    pub fn due(&self, now: Timestamp) -> (Vec<Gap>, Self) {
        let mut next = self.clone();
        let due = next
            .gaps
            .iter_mut()
            .filter(|gap| !gap.reported && now.since(gap.since) > MESSAGE_GAP_MS);
        let due = due.map(|gap| {
            gap.reported = true;
            *gap
        });
        (due.collect(), next)
    }

    /// When [`due`](Self::due) has something new to say, if nothing comes before.
    pub fn next_wakeup(&self) -> Option<Timestamp> {
        let open = self.gaps.iter().filter(|gap| !gap.reported);
        open.map(|gap| gap.since.plus(MESSAGE_GAP_MS).plus(1)).min()
    }
}
