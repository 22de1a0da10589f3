//! What a message says, by where it belongs: `docs/protocol.md` B9.

use carevow_core::SessionId;
use carevow_core::content::{Body, Content, ContentRejected, Route};
use carevow_core::placement::AcceptedMessage;
use carevow_core::{DeviceAddress, Timestamp};
use rand_core::TryCryptoRng;

use super::Outcome;
use crate::contact::Contact;
use crate::error::ClientError;
use crate::turn::Turn;

impl<R: TryCryptoRng> Turn<'_, '_, R> {
    /// Judges a content from a session with `from`. Whatever comes of it, the session has moved on.
    pub(super) fn content(
        &mut self,
        contact: &Contact,
        from: DeviceAddress,
        sid: &SessionId,
        bytes: &[u8],
        received: Timestamp,
    ) -> Result<(AcceptedMessage, Outcome), ClientError> {
        let content = match Content::parse(bytes) {
            Ok(content) => content,
            Err(rejected) => return Ok(nothing(Outcome::Rejected(rejected))),
        };
        let own = self.own.address().account;
        let route = match content.route(&own, &from.account) {
            Ok(route) => route,
            Err(rejected) => return Ok(nothing(Outcome::Rejected(rejected))),
        };
        match route {
            Route::Pair => self.of_pair(contact, from, content, bytes, received),
            Route::Control => {
                let Body::Control(control) = content.into_body() else { return Err(ClientError::Internal) };
                self.take_control(from, sid, control, received)?;
                Ok((AcceptedMessage::Nothing, Outcome::Accepted))
            }
            Route::Own => {
                let Body::Sync(sync) = content.into_body() else { return Err(ClientError::Internal) };
                self.take_sync(from, sync, received)
            }
            // This device is a member of no group.
            Route::Group { .. } | Route::GroupUpdate { .. } => {
                Ok(nothing(Outcome::Rejected(ContentRejected::NotMember)))
            }
        }
    }

    fn of_pair(
        &mut self,
        contact: &Contact,
        from: DeviceAddress,
        content: Content,
        bytes: &[u8],
        received: Timestamp,
    ) -> Result<(AcceptedMessage, Outcome), ClientError> {
        match content.body() {
            Body::Receipt(receipt) => {
                self.take_receipt(from, receipt)?;
                Ok((AcceptedMessage::Receipt, Outcome::Accepted))
            }
            // What this version cannot read is kept if its sender counts it (B9.4): a later version can.
            Body::Unsupported(_) if content.seq().is_none() => Ok(nothing(Outcome::Accepted)),
            _ => self.take_message(contact, from, &content, bytes, received),
        }
    }
}

pub(super) const fn nothing(outcome: Outcome) -> (AcceptedMessage, Outcome) {
    (AcceptedMessage::Nothing, outcome)
}
