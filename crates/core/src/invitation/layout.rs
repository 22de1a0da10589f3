//! `Invitation`, its text form and its link: `docs/protocol.md` B18.
//!
//! ```text
//! Invitation = u8 0x41 | u8 0x01 | org_id[16] | HASH("org-key", org_key[33])[32] | account_id[16] | u64 expires_ms | token[16] | LP(relay URL, <= 255 bytes)
//! text form: "carevow:" || base64url without padding (Invitation || first 4 bytes of HASH("invitation", Invitation))
//! ```

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::ids::{AccountId, OrgId};
use crate::labels::Label;
use crate::limits::{INVITATION_LIFE_MS, RECORD_EARLY_MS, RELAY_URL_BYTES};
use crate::linking::RelayUrl;
use crate::primitives::Secret;
use crate::primitives::kdf::hash;
use crate::time::Timestamp;
use crate::wire::{Layout, from_text, lp, to_text};

/// Why a text is refused (`InvalidInput`); nothing was fetched.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvitationError {
    /// Not the text form of an invitation, nor an https link that carries one in its fragment.
    #[error("not an invitation")]
    Malformed,
    /// The checksum is another one: mistyped, or cut off.
    #[error("the invitation was mistyped or cut off")]
    Checksum,
    /// Of a later version.
    #[error("an invitation of an unsupported version")]
    UnsupportedVersion,
    /// It names a relay that is not in the configuration.
    #[error("the relay is not in the configuration")]
    ForeignRelay,
    /// It has run out.
    #[error("the invitation has run out")]
    Expired,
    /// It claims to last longer than 14 days (5 minutes are allowed for clocks that differ).
    #[error("the invitation lasts too long")]
    TooLong,
}

/// 16 random bytes that only the device which made the invitation, and whoever saw the link, know.
pub struct Token(Secret<16>);

impl Token {
    pub(super) fn new(bytes: &Zeroizing<[u8; 16]>) -> Self {
        Self(Secret::new(bytes))
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    pub(super) const fn of(secret: Secret<16>) -> Self {
        Self(secret)
    }

    pub(super) fn copy(&self) -> Self {
        Self(Secret::copy_of(self.as_bytes()))
    }

    /// Compares in constant time.
    pub(super) fn is(&self, bytes: &[u8]) -> bool {
        self.as_bytes().as_slice().ct_eq(bytes).into()
    }
}

/// An invitation that parsed, names a relay of the configuration and has not run out. What it says about the practice
/// is not checked yet.
pub struct Invitation {
    /// The practice.
    pub org: OrgId,
    /// Whom to write to.
    pub account: AccountId,
    /// Before this time.
    pub expires: Timestamp,
    /// The relay of the practice.
    pub relay: RelayUrl,
    pub(super) org_key_hash: [u8; 32],
    pub(super) token: Token,
}

crate::linking::opaque!(Invitation, Token);

impl Invitation {
    /// Reads the text form, or an https link that carries it in its fragment (which a browser sends to nobody).
    pub fn parse(text: &str, configured: &[RelayUrl], now: Timestamp) -> Result<Self, InvitationError> {
        let form = match text.strip_prefix("https://") {
            Some(link) => link.split_once('#').map(|(_, fragment)| fragment),
            None => Some(text),
        };
        let bytes = form.and_then(|form| from_text(PREFIX, form, MAX_BYTES)).ok_or(InvitationError::Malformed)?;
        let (invitation, sum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(InvitationError::Malformed)?;
        if checksum(invitation) != *sum {
            return Err(InvitationError::Checksum);
        }
        Self::from_bytes(invitation, configured)?.in_time(now)
    }

    fn from_bytes(bytes: &[u8], configured: &[RelayUrl]) -> Result<Self, InvitationError> {
        let mut layout = Layout::new(bytes);
        match (layout.u8(), layout.u8()) {
            (Some(TYPE), Some(VERSION)) => {}
            (Some(TYPE), Some(_)) => return Err(InvitationError::UnsupportedVersion),
            _ => return Err(InvitationError::Malformed),
        }
        let (org, org_key_hash, account, expires, token, relay) =
            Self::fields(layout).ok_or(InvitationError::Malformed)?;
        Ok(Self {
            org: OrgId::from_bytes(*org),
            org_key_hash: *org_key_hash,
            account: AccountId::from_bytes(*account),
            expires: Timestamp::from_millis(expires),
            token: Token(Secret::copy_of(token)),
            relay: RelayUrl::among(relay, configured).ok_or(InvitationError::ForeignRelay)?.clone(),
        })
    }

    #[expect(clippy::type_complexity, reason = "the fields of the layout, in their order")]
    fn fields<'a>(
        mut layout: Layout<'a>,
    ) -> Option<(&'a [u8; 16], &'a [u8; 32], &'a [u8; 16], u64, &'a [u8; 16], &'a [u8])> {
        let fields = (layout.array()?, layout.array()?, layout.array()?, layout.u64()?, layout.array()?, layout.lp()?);
        layout.end()?;
        Some(fields)
    }

    fn in_time(self, now: Timestamp) -> Result<Self, InvitationError> {
        if now >= self.expires {
            return Err(InvitationError::Expired);
        }
        match self.expires.since(now) <= INVITATION_LIFE_MS.saturating_add(RECORD_EARLY_MS) {
            true => Ok(self),
            false => Err(InvitationError::TooLong),
        }
    }

    /// The text form; link and QR code carry the same.
    pub fn to_text(&self) -> Zeroizing<String> {
        let relay = self.relay.as_str().as_bytes();
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES));
        bytes.extend_from_slice(&[TYPE, VERSION]);
        bytes.extend_from_slice(self.org.as_bytes());
        bytes.extend_from_slice(&self.org_key_hash);
        bytes.extend_from_slice(self.account.as_bytes());
        bytes.extend_from_slice(&self.expires.as_millis().to_be_bytes());
        bytes.extend_from_slice(self.token.as_bytes());
        bytes.extend_from_slice(&lp(relay));
        bytes.extend_from_slice(relay);
        let sum = checksum(&bytes);
        bytes.extend_from_slice(&sum);
        to_text(PREFIX, &bytes)
    }
}

/// The first 4 bytes of `HASH("invitation", Invitation)`: finds mistyped letters, and is no protection.
fn checksum(invitation: &[u8]) -> [u8; CHECKSUM_BYTES] {
    hash(Label::Invitation, &[invitation]).first_chunk().copied().unwrap_or_default()
}

const PREFIX: &str = "carevow:";
const TYPE: u8 = 0x41;
const VERSION: u8 = 0x01;
const CHECKSUM_BYTES: usize = 4;
const MAX_BYTES: usize = 2 + 16 + 32 + 16 + 8 + 16 + 4 + RELAY_URL_BYTES + CHECKSUM_BYTES;
