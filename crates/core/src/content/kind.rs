//! Kinds of bodies: `docs/protocol.md` B9.

/// Which body a content has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum BodyKind {
    /// Something that v1 does not know; kept, shown as such.
    Unsupported = 0,
    /// A text.
    Text = 10,
    /// A FHIR reference or resource.
    Clinical = 11,
    /// A file.
    Attachment = 12,
    /// Delivered or read.
    Receipt = 13,
    /// Another text for a text.
    Edit = 14,
    /// Taking a message back.
    Delete = 15,
    /// An emoji on a message.
    Reaction = 16,
    /// An order, a prescription, a consent: verifiable by others.
    Statement = 17,
    /// A slice of a conversation, passed on.
    History = 18,
    /// Between the two devices of a session.
    Control = 20,
    /// Between devices of one account.
    Sync = 21,
    /// States of a group.
    GroupUpdate = 22,
}

impl BodyKind {
    /// The number of the body's field (`info_type` of an audit entry, B19); 0 for an unknown one.
    pub const fn as_u32(self) -> u32 {
        self as u32
    }

    /// Bodies 10–12 and 14–18: they are shown, counted by `seq` and receipted. Of an unsupported one its `seq` tells.
    pub const fn is_user_visible(self) -> bool {
        match self {
            Self::Text
            | Self::Clinical
            | Self::Attachment
            | Self::Edit
            | Self::Delete
            | Self::Reaction
            | Self::Statement
            | Self::History => true,
            Self::Receipt | Self::Control | Self::Sync | Self::GroupUpdate | Self::Unsupported => false,
        }
    }
}
