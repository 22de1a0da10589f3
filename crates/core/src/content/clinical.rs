//! `ClinicalRef`: `docs/protocol.md` B9. The resource is opaque here; nothing parses it.

use super::{ContentRejected, FieldName};
use crate::limits::CLINICAL_INLINE_BYTES;
use crate::wire::v1;

/// An opaque FHIR reference, with the resource itself if that is short.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ClinicalRef {
    /// FHIR resource type.
    pub resource_type: String,
    /// FHIR reference.
    pub reference: String,
    /// The resource, at most 64 KiB; empty if it is only referred to.
    pub inline: Vec<u8>,
    /// Media type of `inline`.
    pub inline_type: String,
    /// Text shown for it.
    pub display: String,
}

impl ClinicalRef {
    pub(super) fn parse(message: v1::ClinicalRef) -> Result<Self, ContentRejected> {
        if message.inline.len() > CLINICAL_INLINE_BYTES {
            return Err(ContentRejected::Field(FieldName::Inline));
        }
        Ok(Self {
            resource_type: message.resource_type,
            reference: message.reference,
            inline: message.inline,
            inline_type: message.inline_type,
            display: message.display,
        })
    }

    pub(super) fn to_wire(&self) -> v1::ClinicalRef {
        v1::ClinicalRef {
            resource_type: self.resource_type.clone(),
            reference: self.reference.clone(),
            inline: self.inline.clone(),
            inline_type: self.inline_type.clone(),
            display: self.display.clone(),
        }
    }
}
