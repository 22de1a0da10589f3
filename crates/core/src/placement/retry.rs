//! RetryRequests: `docs/protocol.md` B7.2, "Authenticated failure". Anything looser lets the service replay an old
//! envelope and watch who answers.

use super::delay::Delay;
use super::rate::DailyCount;
use crate::limits::RETRY_REQUESTS_PER_DAY;
use crate::time::Timestamp;

/// What failed behind a SEALED envelope whose tag verified.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FailureCause {
    /// `inner`: no session, unknown prekey, or the ratchet.
    Inner,
    /// Anything else: `Duplicate`, `UnsupportedVersion`, `LimitExceeded`, held, a content failure.
    Other,
}

/// Whether the id of the envelope is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EnvelopeSeen {
    /// It is new.
    New,
    /// It was accepted, or failed after its tag verified, within 48 h.
    Known,
}

/// What the sender's account is to us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SenderStanding {
    /// A contact.
    Pinned,
    /// Not pinned, blocked, or deleted.
    Stranger,
}

/// A SEALED envelope that was authentic and could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AuthenticatedFailure {
    /// What failed.
    pub cause: FailureCause,
    /// Whether it is new.
    pub envelope: EnvelopeSeen,
    /// Whose it is.
    pub sender: SenderStanding,
    /// `not_before` of the certificate.
    pub valid_from: Timestamp,
    /// `not_after` of the certificate.
    pub valid_until: Timestamp,
}

/// When the one RetryRequest for this failure leaves, 5-60 s from now, and the count after it; `None` if none does.
/// The certificate must be valid at the *local* clock, so that an old envelope triggers nothing. `today` counts those
/// sent to that device.
pub fn retry_request(
    failure: &AuthenticatedFailure,
    today: &DailyCount,
    delay: Delay,
    now: Timestamp,
) -> Option<(Timestamp, DailyCount)> {
    let valid = failure.valid_from <= now && now < failure.valid_until;
    match (failure.cause, failure.envelope, failure.sender) {
        (FailureCause::Inner, EnvelopeSeen::New, SenderStanding::Pinned) if valid => {
            let counted = today.count(RETRY_REQUESTS_PER_DAY, now).ok()?;
            Some((delay.after(now), counted))
        }
        _ => None,
    }
}
