//! A second device of an account: `docs/protocol.md` B2.6. Both sides live in memory for at most five minutes; a process that
//! ends begins again.

mod new_device;
mod primary;

pub use new_device::{LinkStep, NewDevice, NewDeviceRequest};
pub use primary::LinkProgress;
pub(crate) use primary::Primary;

use carevow_core::linking::{LinkError, OfferError};

use crate::error::ClientError;

impl From<LinkError> for ClientError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Random(error) => error.into(),
            other => Self::Linking(other),
        }
    }
}

impl From<OfferError> for ClientError {
    fn from(error: OfferError) -> Self {
        Self::LinkOffer(error)
    }
}
