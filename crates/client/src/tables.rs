//! Where everything lies in the store. Numbers are never given twice.

use carevow_core::{AccountId, ConversationId, DeviceAddress};
use carevow_store::{Family, List, Table};

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident = $number:literal),* $(,)?) => {
        $($(#[$doc])*
        pub(crate) const $name: Table = match Table::new($number) {
            Some(table) => table,
            None => panic!("the store keeps numbers below 16"),
        };)*
    };
}

tables! {
    /// This device: keys, manifest, certificates.
    OWN = 16,
    /// Private prekeys, by type and number.
    PREKEYS = 17,
    /// Accounts: pin, standing, traffic.
    CONTACTS = 18,
    /// Devices of accounts: which session is active, envelope key, what is due.
    PEERS = 19,
    /// Sessions, by sid.
    SESSIONS = 20,
    /// What a device is still to be sent, in order.
    OWED = 21,
    /// Contents that were sent, until each account has them.
    OUTBOX = 22,
    /// Envelopes that wait for the relay, by account, in order.
    SUBMISSIONS = 23,
    /// Messages of a conversation, in order.
    MESSAGES = 24,
    /// Digest and place of every content that was received.
    DEDUPE = 25,
    /// Which numbers of a device came in a conversation.
    SEQUENCES = 26,
    /// Ids of SEALED envelopes of the last 48 h.
    ENVELOPES = 27,
    /// Work that is to be done, and from when on.
    WORK = 28,
    /// Delivery receipts that are due.
    RECEIPTS = 29,
    /// How many user-visible contents this device sent in a conversation.
    COUNTERS = 30,
    /// Envelopes that are held until something comes, by why.
    WAITING = 31,
    /// Edits and deletions whose message has not come yet.
    CHANGES = 32,
    /// Events that the app has not had yet.
    ALARMS = 33,
}

/// Rows that belong to this device and nothing else.
const fn of_device(rows: Table) -> Family<'static> {
    Family { rows, of: OWN, key: b"" }
}

/// All sessions.
pub(crate) const ALL_SESSIONS: Family<'static> = of_device(SESSIONS);
/// All work.
pub(crate) const ALL_WORK: Family<'static> = of_device(WORK);
/// All accounts.
pub(crate) const ALL_CONTACTS: Family<'static> = of_device(CONTACTS);
/// Envelope ids, in the order in which they came.
pub(crate) const ENVELOPE_LOG: List<'static> = List(Family { rows: ENVELOPES, of: OWN, key: b"log" });
/// Events that the app has not had yet.
pub(crate) const ALARM_LOG: List<'static> = List(of_device(ALARMS));
/// Envelopes that are held.
pub(crate) const HELD: List<'static> = List(of_device(WAITING));

/// Prekeys of a type; the key is its number.
pub(crate) const fn prekeys(of: &[u8; 1]) -> Family<'_> {
    Family { rows: PREKEYS, of: OWN, key: of }
}

/// What is owed to a device; its key is [`DeviceAddress::to_bytes`].
pub(crate) const fn owed(device: &[u8; 24]) -> List<'_> {
    List(Family { rows: OWED, of: PEERS, key: device })
}

/// What waits until the devices of an account are known.
pub(crate) const fn owed_to_account(account: &AccountId) -> List<'_> {
    List(Family { rows: OWED, of: CONTACTS, key: account.as_bytes() })
}

/// Envelopes that wait for the relay.
pub(crate) const fn submissions(account: &AccountId) -> List<'_> {
    List(Family { rows: SUBMISSIONS, of: CONTACTS, key: account.as_bytes() })
}

/// Messages of a conversation.
pub(crate) const fn messages(conversation: &ConversationId) -> List<'_> {
    List(Family { rows: MESSAGES, of: MESSAGES, key: conversation.as_bytes() })
}

/// Contents that an account has not acknowledged.
pub(crate) const fn unacknowledged(account: &AccountId) -> Family<'_> {
    Family { rows: OUTBOX, of: CONTACTS, key: account.as_bytes() }
}

/// Receipts that a device is owed.
pub(crate) const fn receipts(device: &[u8; 24]) -> List<'_> {
    List(Family { rows: RECEIPTS, of: PEERS, key: device })
}

/// Edits and deletions that name this message.
pub(crate) const fn changes(target: &[u8]) -> List<'_> {
    List(Family { rows: CHANGES, of: MESSAGES, key: target })
}

/// `address || conversation`.
pub(crate) fn sequence_key(sender: DeviceAddress, conversation: ConversationId) -> Vec<u8> {
    [sender.to_bytes().as_slice(), conversation.as_bytes()].concat()
}
