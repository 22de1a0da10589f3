//! Who sends a delivery receipt, and when: `docs/protocol.md` B7.4. One per account, not per device.

use super::Conversation;
use super::delay::Delay;
use crate::identity::DeviceKind;
use crate::ids::DeviceId;
use crate::time::{DAY_MS, Timestamp};

/// What was received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Occurrence {
    /// A user-visible content, for the first time.
    New,
    /// A content that arrived again by a resend (B12), and when it was last receipted: once a day.
    Resent(Option<Timestamp>),
    /// A duplicate, something that is not user-visible, an edit or reaction to an unknown id, a failure.
    Nothing,
}

/// Delays drawn for this receipt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReceiptDelays {
    /// From [`Window::RECEIPT`](super::Window::RECEIPT).
    pub answering: Delay,
    /// From [`Window::RECEIPT_FALLBACK`](super::Window::RECEIPT_FALLBACK).
    pub fallback: Delay,
}

/// Whether this device sends one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReceiptDecision {
    /// No.
    Never,
    /// At this time, or with the next send.
    At(Timestamp),
    /// At this time, unless `Sync.receipted` for the message came before.
    UnlessSynced(Timestamp),
}

/// The lowest device_id of kind 1-4 answers, another one only if nothing was synced after 15 min plus a random 0-15
/// min; archive devices (kind 5) likewise among themselves. `devices` are those of our own manifest, this one
/// (`me`) included.
pub fn receipt(
    occurrence: Occurrence,
    conversation: Conversation,
    me: DeviceId,
    devices: &[(DeviceId, DeviceKind)],
    delays: &ReceiptDelays,
    received_at: Timestamp,
) -> ReceiptDecision {
    let wanted = match occurrence {
        Occurrence::New => true,
        Occurrence::Resent(last) => last.is_none_or(|last| received_at.since(last) >= DAY_MS),
        Occurrence::Nothing => false,
    };
    if !wanted || conversation == Conversation::ContactRequest {
        return ReceiptDecision::Never;
    }
    let archives = |kind: &DeviceKind| *kind == DeviceKind::Archive;
    let mine = devices.iter().find(|(id, _)| *id == me).is_some_and(|(_, kind)| archives(kind));
    let lowest = devices.iter().filter(|(_, kind)| archives(kind) == mine).map(|(id, _)| *id).min();
    match lowest == Some(me) {
        true => ReceiptDecision::At(delays.answering.after(received_at)),
        false => ReceiptDecision::UnlessSynced(delays.fallback.after(received_at)),
    }
}
