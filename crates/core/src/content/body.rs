//! Bodies of a content: `docs/protocol.md` B9.

use core::fmt;

use zeroize::Zeroizing;

use super::fields::{exact, needed, optional, or_empty, whole};
use super::{BodyKind, ClinicalRef, Content, ContentRejected, Control, FieldName, GroupUpdate, Receipt, Sync};
use crate::attachment::{Attachment, Purpose};
use crate::ids::MessageId;
use crate::wire::v1;
use crate::wire::v1::content::Body as Wire;

/// What a content says.
pub enum Body {
    /// A text.
    Text(Text),
    /// A FHIR reference or resource.
    Clinical(ClinicalRef),
    /// A file.
    Attachment(Attachment),
    /// Delivered or read.
    Receipt(Receipt),
    /// Another text for a text.
    Edit(Edit),
    /// Taking a message back.
    Delete(Delete),
    /// An emoji on a message.
    Reaction(Reaction),
    /// An order, a prescription, a consent. Its lengths are checked; its signature is judged with the records.
    Statement(Box<v1::SignedStatement>),
    /// A slice of a conversation, passed on.
    History(HistoryOffer),
    /// Between the two devices of a session.
    Control(Control),
    /// Between devices of one account.
    Sync(Sync),
    /// States of a group.
    GroupUpdate(GroupUpdate),
    /// Something that v1 does not know.
    Unsupported(Opaque),
}

/// A text, perhaps in reply to a message.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    /// UTF-8.
    pub text: String,
    /// What it answers.
    pub reply_to: Option<MessageId>,
}

/// Another text for a text.
#[derive(Clone, PartialEq, Eq)]
pub struct Edit {
    /// Which.
    pub target: MessageId,
    /// What it is now.
    pub text: Text,
}

/// Taking a message back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Delete {
    /// Which.
    pub target: MessageId,
    /// Why.
    pub reason: DeleteReason,
}

/// Why a message is taken back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeleteReason {
    /// 0, and any that v1 does not know.
    None,
    /// 1.
    SentInError,
    /// 2.
    WrongRecipient,
}

/// An emoji on a message.
#[derive(Clone, PartialEq, Eq)]
pub struct Reaction {
    /// Which.
    pub target: MessageId,
    /// UTF-8.
    pub emoji: String,
    /// Whether it is taken away.
    pub remove: bool,
}

/// A slice of a conversation, passed on (B19). The grant is judged with the records.
pub struct HistoryOffer {
    /// Signed `HistoryGrant`.
    pub grant: v1::Signed,
    /// The file, of purpose 3.
    pub archive: Attachment,
}

/// A content that v1 cannot read: kept as it came, for a version that can.
pub struct Opaque {
    /// The whole content.
    pub bytes: Zeroizing<Vec<u8>>,
    /// What it requires; empty if only its body is unknown.
    pub required_features: Vec<u32>,
}

impl Body {
    /// Which one it is.
    pub const fn kind(&self) -> BodyKind {
        match self {
            Self::Text(_) => BodyKind::Text,
            Self::Clinical(_) => BodyKind::Clinical,
            Self::Attachment(_) => BodyKind::Attachment,
            Self::Receipt(_) => BodyKind::Receipt,
            Self::Edit(_) => BodyKind::Edit,
            Self::Delete(_) => BodyKind::Delete,
            Self::Reaction(_) => BodyKind::Reaction,
            Self::Statement(_) => BodyKind::Statement,
            Self::History(_) => BodyKind::History,
            Self::Control(_) => BodyKind::Control,
            Self::Sync(_) => BodyKind::Sync,
            Self::GroupUpdate(_) => BodyKind::GroupUpdate,
            Self::Unsupported(_) => BodyKind::Unsupported,
        }
    }

    /// `None` for a body, or a member of Control or Sync, that v1 does not know.
    pub(super) fn parse(wire: Wire) -> Result<Option<Self>, ContentRejected> {
        let body = match wire {
            Wire::Text(text) => Self::Text(Text::parse(text)?),
            Wire::Fhir(clinical) => Self::Clinical(ClinicalRef::parse(clinical)?),
            Wire::Attachment(attachment) => Self::Attachment(Attachment::parse(attachment, Purpose::Message)?),
            Wire::Receipt(receipt) => Self::Receipt(Receipt::parse(&receipt)?),
            Wire::Edit(edit) => Self::Edit(Edit {
                target: target(&edit.target)?,
                text: Text::parse(edit.text.ok_or(ContentRejected::Field(FieldName::EditText))?)?,
            }),
            Wire::Del(delete) => {
                Self::Delete(Delete { target: target(&delete.target)?, reason: DeleteReason::from_u32(delete.reason) })
            }
            Wire::Reaction(reaction) => Self::Reaction(Reaction {
                target: target(&reaction.target)?,
                emoji: reaction.emoji,
                remove: reaction.remove,
            }),
            Wire::Statement(statement) => Self::Statement(Box::new(check_statement(statement)?)),
            Wire::History(offer) => Self::History(HistoryOffer::parse(offer)?),
            Wire::Control(control) => return Ok(Control::parse(control)?.map(Self::Control)),
            Wire::Sync(sync) => return Ok(Sync::parse(sync)?.map(Self::Sync)),
            Wire::GroupUpdate(update) => Self::GroupUpdate(GroupUpdate::parse(update)?),
        };
        Ok(Some(body))
    }

    /// `None` for what v1 cannot read: it is not sent on.
    pub(super) fn to_wire(&self) -> Option<Wire> {
        Some(match self {
            Self::Text(text) => Wire::Text(text.to_wire()),
            Self::Clinical(clinical) => Wire::Fhir(clinical.to_wire()),
            Self::Attachment(attachment) => Wire::Attachment(attachment.to_wire()),
            Self::Receipt(receipt) => Wire::Receipt(receipt.to_wire()),
            Self::Edit(edit) => {
                Wire::Edit(v1::Edit { target: edit.target.as_bytes().to_vec(), text: Some(edit.text.to_wire()) })
            }
            Self::Delete(delete) => {
                Wire::Del(v1::Delete { target: delete.target.as_bytes().to_vec(), reason: delete.reason.as_u32() })
            }
            Self::Reaction(reaction) => Wire::Reaction(v1::Reaction {
                target: reaction.target.as_bytes().to_vec(),
                emoji: reaction.emoji.clone(),
                remove: reaction.remove,
            }),
            Self::Statement(statement) => Wire::Statement(v1::SignedStatement::clone(statement)),
            Self::History(offer) => Wire::History(v1::HistoryOffer {
                grant: Some(offer.grant.clone()),
                archive: Some(offer.archive.to_wire()),
            }),
            Self::Control(control) => Wire::Control(control.to_wire()),
            Self::Sync(sync) => Wire::Sync(sync.to_wire()),
            Self::GroupUpdate(update) => Wire::GroupUpdate(update.to_wire()),
            Self::Unsupported(_) => return None,
        })
    }

    /// The content that other accounts got, if this tells of one.
    pub(super) fn synced(&self) -> Option<&Content> {
        match self {
            Self::Sync(Sync::Sent { content, .. }) => Some(content),
            _ => None,
        }
    }
}

fn target(bytes: &[u8]) -> Result<MessageId, ContentRejected> {
    exact(bytes, FieldName::Target).map(MessageId::from_bytes)
}

/// Lengths, kind, and that what a third party needs is there.
fn check_statement(statement: v1::SignedStatement) -> Result<v1::SignedStatement, ContentRejected> {
    if statement.body.is_empty() || statement.sig.len() != 64 {
        return Err(ContentRejected::Field(FieldName::Signed));
    }
    if !(1..=5).contains(&statement.kind) {
        return Err(ContentRejected::Field(FieldName::StatementKind));
    }
    let parts = [&statement.device_cert, &statement.issuer_cert, &statement.manifest];
    for part in parts {
        whole(part.as_ref().ok_or(ContentRejected::Field(FieldName::Missing))?)?;
    }
    Ok(statement)
}

impl Text {
    fn parse(text: v1::Text) -> Result<Self, ContentRejected> {
        Ok(Self { reply_to: optional(&text.reply_to, FieldName::ReplyTo)?.map(MessageId::from_bytes), text: text.text })
    }

    fn to_wire(&self) -> v1::Text {
        v1::Text { text: self.text.clone(), reply_to: or_empty(self.reply_to.as_ref().map(MessageId::as_bytes)) }
    }
}

impl DeleteReason {
    const fn from_u32(number: u32) -> Self {
        match number {
            1 => Self::SentInError,
            2 => Self::WrongRecipient,
            _ => Self::None,
        }
    }

    const fn as_u32(self) -> u32 {
        match self {
            Self::None => 0,
            Self::SentInError => 1,
            Self::WrongRecipient => 2,
        }
    }
}

impl HistoryOffer {
    fn parse(offer: v1::HistoryOffer) -> Result<Self, ContentRejected> {
        let archive = offer.archive.ok_or(ContentRejected::Field(FieldName::Missing))?;
        Ok(Self { archive: Attachment::parse(archive, Purpose::History)?, grant: needed(offer.grant)? })
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({:?})", self.kind())
    }
}
