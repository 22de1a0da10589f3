//! Names of tables and of families of rows.

use carevow_core::ConversationId;

/// A kind of row. The numbers belong to the one crate above the store; those below 16 are the store's own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Table(u32);

impl Table {
    /// Number and order of the rows of a family.
    pub(crate) const FAMILIES: Self = Self(1);
    /// Content keys.
    pub(crate) const KEYS: Self = Self(2);

    /// Table number `number`; `None` below 16.
    pub const fn new(number: u32) -> Option<Self> {
        if number < 16 { None } else { Some(Self(number)) }
    }

    /// The number.
    pub const fn as_u32(self) -> u32 {
        self.0
    }
}

/// The rows of a table that belong to one thing, itself named by a table and a key: the devices of an account, the
/// messages of a conversation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Family<'a> {
    /// The table of the rows.
    pub rows: Table,
    /// The table of what they belong to.
    pub of: Table,
    /// Its primary key.
    pub key: &'a [u8],
}

/// Which key a row is sealed with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sealing {
    /// The system key: identities, sessions, prekeys, and all that outlives a conversation.
    System,
    /// The content key of a conversation: whatever must be unreadable once it is erased.
    Conversation(ConversationId),
}
