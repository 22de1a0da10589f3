//! When lane keys travel: the size-adaptive policy of `docs/protocol.md` B6.5. It is the sender's choice; a receiver
//! accepts any.

use super::body::{CT_BYTES, EK_BYTES, FRAME_BYTES};
use super::encrypt::LaneOffer;
use super::lane::{LaneCounters, OwnLane, PeerLane};
use crate::envelope::padding::pad;
use crate::limits::{LANE_DUE_AGE_MS, LANE_DUE_MESSAGES, LANE_REATTACH_MESSAGES};
use crate::ratchet::SendOptions;
use crate::time::Timestamp;

/// Whether a key travels with a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Attach {
    Yes,
    No,
}

/// What travels with a message, and how long its padded body is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Plan {
    pub(super) ek: Attach,
    pub(super) ct: Attach,
    pub(super) padded: usize,
}

/// Where a message stands in its chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Position {
    FirstOfChain,
    Later,
}

/// How much a key wants to travel.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    Must,
    IfFree,
    Never,
}

pub(super) struct Situation<'a> {
    pub(super) content_len: usize,
    pub(super) options: SendOptions,
    pub(super) position: Position,
    pub(super) own: &'a OwnLane,
    pub(super) peer: &'a PeerLane,
    pub(super) counters: LaneCounters,
    pub(super) now: Timestamp,
}

impl Situation<'_> {
    /// First what must travel; then, in what the padding leaves free, ct before ek.
    pub(super) fn plan(&self) -> Plan {
        let (ek, ct) = (self.ek_wish(), self.ct_wish());
        let mut length = FRAME_BYTES.saturating_add(self.content_len);
        for (wish, bytes) in [(ct, CT_BYTES), (ek, EK_BYTES)] {
            if wish == Wish::Must {
                length = length.saturating_add(bytes);
            }
        }
        let mut settle = |wish, bytes: usize| match wish {
            Wish::Must => Attach::Yes,
            Wish::IfFree if self.padded(length.saturating_add(bytes)) == self.padded(length) => {
                length = length.saturating_add(bytes);
                Attach::Yes
            }
            Wish::IfFree | Wish::Never => Attach::No,
        };
        let ct = settle(ct, CT_BYTES);
        let ek = settle(ek, EK_BYTES);
        Plan { ek, ct, padded: self.padded(length) }
    }

    fn padded(&self, length: usize) -> usize {
        pad(length, self.options.profile).max(self.options.minimum_body)
    }

    fn ek_wish(&self) -> Wish {
        match self.own {
            OwnLane::Idle { next } if *next == u32::MAX => Wish::Never,
            OwnLane::Idle { .. } => {
                let due = self.counters.messages >= LANE_DUE_MESSAGES
                    || self.now.since(self.counters.mixed_at) >= LANE_DUE_AGE_MS;
                if due || self.options.offer == LaneOffer::Now { Wish::Must } else { Wish::IfFree }
            }
            OwnLane::Offered { .. } => self.sticky(self.counters.since_ek),
            OwnLane::Ready { .. } => Wish::Never,
        }
    }

    fn ct_wish(&self) -> Wish {
        match self.peer {
            PeerLane::Idle { .. } => Wish::Never,
            PeerLane::Asked { .. } => Wish::Must,
            PeerLane::Pending { .. } => self.sticky(self.counters.since_ct),
        }
    }

    /// Attached again on the first message of each new chain, and when 8 messages went without it.
    fn sticky(&self, since: u32) -> Wish {
        match self.position == Position::FirstOfChain || since >= LANE_REATTACH_MESSAGES {
            true => Wish::Must,
            false => Wish::IfFree,
        }
    }
}
