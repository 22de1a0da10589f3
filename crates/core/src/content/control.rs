//! `Control`, between the two devices of a session: `docs/protocol.md` B9, B12, B18, B19.

use super::fields::{exact, needed, optional, or_empty, whole};
use super::{ContentRejected, FieldName};
use crate::ids::{ConversationId, SessionId};
use crate::time::Timestamp;
use crate::wire::v1;

/// What one device tells another.
#[derive(Clone, PartialEq)]
pub enum Control {
    /// Something could not be opened: send again what is not acknowledged. With the session of the failed INIT, if it
    /// was one.
    Retry(Option<SessionId>),
    /// A new session is about to come.
    Refresh(SessionId),
    /// Certificates, and what changed with them. Its body is padded to at least 3072 bytes.
    SenderInfo(Box<SenderInfo>),
    /// A step of an invitation.
    Invitation(InvitationUse),
    /// The token with which envelopes to the sender's account are submitted.
    DeliveryToken([u8; 16]),
    /// A signed `AuditHead`.
    AuditHead(v1::Signed),
    /// Notice of an emergency access.
    Emergency(Emergency),
}

/// Of the sender itself, to be verified as in a bundle.
#[derive(Clone, PartialEq)]
pub struct SenderInfo {
    /// Its certificate.
    pub device_cert: v1::Signed,
    /// The certificate of who issued that.
    pub issuer_cert: v1::Signed,
    /// Its account's manifest, if it changed since the last one on this session.
    pub manifest: Option<v1::Signed>,
    /// Its ENV record, likewise.
    pub env: Option<v1::SignedRecord>,
}

/// A step of an invitation (B18).
#[derive(Clone, PartialEq, Eq)]
pub enum InvitationUse {
    /// Step 1.
    Request {
        /// From the invitation.
        token: [u8; 16],
        /// What the one who answers calls itself.
        display_name: String,
        /// `HASH("invite-commit", nonce_A)`.
        commit: [u8; 32],
    },
    /// Steps 2 and 3.
    Reveal {
        /// From the invitation.
        token: [u8; 16],
        /// `nonce_B`, then `nonce_A`.
        nonce: [u8; 16],
    },
}

/// Somebody opened records in an emergency (B19).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Emergency {
    /// Which conversation was touched.
    pub conversation: ConversationId,
    /// When.
    pub at: Timestamp,
    /// A code of the host.
    pub reason: u32,
}

impl Control {
    /// `None` for a control that v1 does not know.
    pub(super) fn parse(message: v1::Control) -> Result<Option<Self>, ContentRejected> {
        use v1::control::C;
        let Some(control) = message.c else {
            return Ok(None);
        };
        let sid = FieldName::SessionId;
        let parsed = match control {
            C::Retry(retry) => Self::Retry(optional(&retry.failed_sid, sid)?.map(SessionId::from_bytes)),
            C::Refresh(refresh) => Self::Refresh(SessionId::from_bytes(exact(&refresh.new_sid, sid)?)),
            C::SenderInfo(info) => Self::SenderInfo(Box::new(SenderInfo::parse(info)?)),
            C::Invitation(step) => Self::Invitation(InvitationUse::parse(step)?),
            C::DeliveryToken(token) => Self::DeliveryToken(exact(&token, FieldName::DeliveryToken)?),
            C::AuditHead(head) => Self::AuditHead(needed(Some(head))?),
            C::Emergency(emergency) => Self::Emergency(Emergency {
                conversation: ConversationId::from_bytes(exact(&emergency.conversation_id, FieldName::ConversationId)?),
                at: Timestamp::from_millis(emergency.at_ms),
                reason: emergency.reason,
            }),
        };
        Ok(Some(parsed))
    }

    pub(super) fn to_wire(&self) -> v1::Control {
        use v1::control::C;
        let control = match self {
            Self::Retry(sid) => C::Retry(v1::RetryRequest {
                failed_sid: or_empty(sid.as_ref().map(SessionId::as_bytes)),
            }),
            Self::Refresh(sid) => C::Refresh(v1::SessionRefresh {
                new_sid: sid.as_bytes().to_vec(),
            }),
            Self::SenderInfo(info) => C::SenderInfo(info.to_wire()),
            Self::Invitation(step) => C::Invitation(step.to_wire()),
            Self::DeliveryToken(token) => C::DeliveryToken(token.to_vec()),
            Self::AuditHead(head) => C::AuditHead(head.clone()),
            Self::Emergency(emergency) => C::Emergency(v1::Emergency {
                conversation_id: emergency.conversation.as_bytes().to_vec(),
                at_ms: emergency.at.as_millis(),
                reason: emergency.reason,
            }),
        };
        v1::Control { c: Some(control) }
    }
}

impl SenderInfo {
    fn parse(message: v1::SenderInfo) -> Result<Self, ContentRejected> {
        let env_is_whole = |env: &v1::SignedRecord| !env.record.is_empty() && env.sig.len() == 64;
        if !message.env.as_ref().is_none_or(env_is_whole) {
            return Err(ContentRejected::Field(FieldName::Signed));
        }
        message.manifest.as_ref().map_or(Ok(()), whole)?;
        Ok(Self {
            device_cert: needed(message.device_cert)?,
            issuer_cert: needed(message.issuer_cert)?,
            manifest: message.manifest,
            env: message.env,
        })
    }

    fn to_wire(&self) -> v1::SenderInfo {
        v1::SenderInfo {
            device_cert: Some(self.device_cert.clone()),
            issuer_cert: Some(self.issuer_cert.clone()),
            manifest: self.manifest.clone(),
            env: self.env.clone(),
        }
    }
}

impl InvitationUse {
    /// `step 1: token, display_name, commit; 2 (reply): token, nonce; 3: token, nonce`.
    fn parse(message: v1::InvitationUse) -> Result<Self, ContentRejected> {
        let name = FieldName::Invitation;
        let token = exact(&message.token, name)?;
        match (optional(&message.commit, name)?, optional(&message.nonce, name)?) {
            (Some(commit), None) => Ok(Self::Request {
                token,
                display_name: message.display_name,
                commit,
            }),
            (None, Some(nonce)) if message.display_name.is_empty() => Ok(Self::Reveal { token, nonce }),
            _ => Err(ContentRejected::Field(name)),
        }
    }

    fn to_wire(&self) -> v1::InvitationUse {
        match self {
            Self::Request {
                token,
                display_name,
                commit,
            } => v1::InvitationUse {
                token: token.to_vec(),
                display_name: display_name.clone(),
                commit: commit.to_vec(),
                nonce: Vec::new(),
            },
            Self::Reveal { token, nonce } => v1::InvitationUse {
                token: token.to_vec(),
                display_name: String::new(),
                commit: Vec::new(),
                nonce: nonce.to_vec(),
            },
        }
    }
}
