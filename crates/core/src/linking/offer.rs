//! `LinkOffer` and its text form: `docs/protocol.md` B2.
//!
//! ```text
//! LinkOffer = u8 0x42 | u8 0x01 | secret[16] | HASH("link-key", E)[32] | LP(relay URL)
//! ```

use zeroize::Zeroizing;

use super::grant::BoxId;
use crate::limits::RELAY_URL_BYTES;
use crate::primitives::Secret;
use crate::wire::{Layout, from_text, lp, to_text};

/// The address of a relay: UTF-8 of 1 to 255 bytes. Only the configuration makes one, so that no link and no QR code
/// decides where a client connects to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RelayUrl(Box<str>);

/// The text is empty or longer than 255 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a relay URL has 1 to 255 bytes")]
pub struct RelayUrlError;

impl RelayUrl {
    /// A relay of the configuration.
    pub fn new(url: &str) -> Result<Self, RelayUrlError> {
        match (1..=RELAY_URL_BYTES).contains(&url.len()) {
            true => Ok(Self(url.into())),
            false => Err(RelayUrlError),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The one of `configured` that is spelled like this, byte for byte.
    pub(crate) fn among<'a>(bytes: &[u8], configured: &'a [Self]) -> Option<&'a Self> {
        configured.iter().find(|relay| relay.0.as_bytes() == bytes)
    }
}

/// Why a text is refused; nothing was fetched.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OfferError {
    /// Not the text form of a link offer.
    #[error("not a link offer")]
    Malformed,
    /// Of a later version.
    #[error("a link offer of an unsupported version")]
    UnsupportedVersion,
    /// It names a relay that is not in the configuration.
    #[error("the relay is not in the configuration")]
    ForeignRelay,
}

/// What the QR code says. Whoever knows `secret` can find the box.
pub(super) struct LinkOffer {
    pub(super) secret: Secret<16>,
    pub(super) key_hash: [u8; 32],
    pub(super) relay: RelayUrl,
}

impl LinkOffer {
    /// `"carevow-link:" || base64url without padding (LinkOffer)`.
    pub(super) fn to_text(&self) -> Zeroizing<String> {
        let relay = self.relay.as_str().as_bytes();
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES));
        bytes.extend_from_slice(&[TYPE, VERSION]);
        bytes.extend_from_slice(self.secret.as_bytes());
        bytes.extend_from_slice(&self.key_hash);
        bytes.extend_from_slice(&lp(relay));
        bytes.extend_from_slice(relay);
        to_text(PREFIX, &bytes)
    }

    /// Reads the text form; its relay must be one of `configured`.
    pub(super) fn parse(text: &str, configured: &[RelayUrl]) -> Result<Self, OfferError> {
        let bytes = from_text(PREFIX, text, MAX_BYTES).ok_or(OfferError::Malformed)?;
        let mut layout = Layout::new(&bytes);
        match (layout.u8(), layout.u8()) {
            (Some(TYPE), Some(VERSION)) => {}
            (Some(TYPE), Some(_)) => return Err(OfferError::UnsupportedVersion),
            _ => return Err(OfferError::Malformed),
        }
        let (secret, key_hash, relay) = Self::rest(layout).ok_or(OfferError::Malformed)?;
        let relay = RelayUrl::among(relay, configured).ok_or(OfferError::ForeignRelay)?;
        Ok(Self { secret: Secret::copy_of(secret), key_hash: *key_hash, relay: relay.clone() })
    }

    fn rest<'a>(mut layout: Layout<'a>) -> Option<(&'a [u8; 16], &'a [u8; 32], &'a [u8])> {
        let (secret, key_hash, relay) = (layout.array()?, layout.array()?, layout.lp()?);
        layout.end()?;
        Some((secret, key_hash, relay))
    }

    /// `HASH("link-box", secret)[0..16]`.
    pub(super) fn box_id(&self) -> BoxId {
        BoxId::of(&self.secret)
    }
}

super::opaque!(LinkOffer);

const PREFIX: &str = "carevow-link:";
const TYPE: u8 = 0x42;
const VERSION: u8 = 0x01;
const MAX_BYTES: usize = 2 + 16 + 32 + 4 + RELAY_URL_BYTES;
