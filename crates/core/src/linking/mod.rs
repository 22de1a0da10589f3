//! Linking a new device to an account: `docs/protocol.md` B2.
//!
//! One type for each state of each side; a step consumes the state, so nothing is answered or tried twice.
//!
//! | step | new device N | primary P |
//! |---|---|---|
//! | 1 | [`OfferingDevice`] shows its offer and puts E into the box | |
//! | 2 | | [`ScannedOffer`] checks E and puts a grant: [`GrantingPrimary`] |
//! | 3 | [`OfferingDevice::open_grant`], the manifest is verified, [`OfferingDevice::reply`]: [`AnsweredDevice`] | |
//! | 4 | shows [`AnsweredDevice::code`] | [`GrantingPrimary::open_reply`], [`GrantingPrimary::confirm`]: [`ListedDevice`](crate::identity::ListedDevice) for the next manifest |
//! | 5 | [`AnsweredDevice::listed`]: [`LinkedDevice`] | |
//!
//! No code stops a phished QR: linking starts from the primary's own settings only, never from a URL or a message.

/// `Debug` that prints the name only: what is inside is secret, or says who talks to whom.
macro_rules! opaque {
    ($($name:ident),*) => {$(
        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )*};
}
pub(crate) use opaque;

mod grant;
mod new_device;
mod offer;
mod primary;

#[cfg(test)]
mod tests;

pub use grant::{BoxId, LinkGrant};
pub use new_device::{AnsweredDevice, LinkError, LinkedDevice, OfferingDevice};
pub use offer::{OfferError, RelayUrl, RelayUrlError};
pub use primary::{GrantingPrimary, LinkReply, ScannedOffer};
