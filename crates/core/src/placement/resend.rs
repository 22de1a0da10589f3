//! Whether a content of the outbox is encrypted again for a device: `docs/protocol.md` B12. All conditions are judged
//! at that moment.

use crate::ids::{DeviceAddress, RegNonce};
use crate::limits::RESENDS;

/// Why a device may need it again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResendTrigger {
    /// A device that was addressed reappears with a new reg_nonce.
    NewRegistration,
    /// It sent a RetryRequest.
    RetryRequest,
    /// It sent a cold INIT.
    ColdInit,
}

/// The identity key of the account, against the one that the content was addressed under.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AikStanding {
    /// The same.
    Same,
    /// Its announced successor.
    Successor,
    /// Another one, which the app has acknowledged.
    Acknowledged,
    /// Another one.
    Unacknowledged,
}

/// Why nothing is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ResendRefused {
    /// The content was never addressed to that device: it was linked later.
    #[error("the device was not addressed")]
    NotAddressed,
    /// The manifest does not list the device with this registration.
    #[error("the device is not listed with this registration")]
    NotListed,
    /// The identity key changed, and the app has not acknowledged it.
    #[error("the identity key changed")]
    IdentityChanged,
    /// The account is no member of the conversation any more.
    #[error("the account is no member")]
    NotMember,
    /// The conversation was erased.
    #[error("the conversation was erased")]
    Erased,
    /// Consent was withdrawn.
    #[error("consent was withdrawn")]
    ConsentWithdrawn,
    /// It was sent three times again already.
    #[error("tried often enough")]
    TooOften,
}

/// What is true now.
#[derive(Clone, Copy, Debug)]
pub struct ResendFacts<'a> {
    /// Why it is asked for.
    pub trigger: ResendTrigger,
    /// The devices that the content was first addressed to.
    pub addressed: &'a [DeviceAddress],
    /// The device that needs it.
    pub device: DeviceAddress,
    /// The registration that the current AIK-signed manifest lists for that device_id.
    pub listed: Option<RegNonce>,
    /// The identity key.
    pub aik: AikStanding,
    /// Whether the account is still a member, the conversation still there, and consent in force; `Err` says what is
    /// not.
    pub conversation: Result<(), ResendRefused>,
    /// How often this content was sent again to this device.
    pub attempts: u32,
}

/// Same account and device_id as first addressed (for a RetryRequest or a cold INIT in the registration that is
/// listed), AIK the same or vouched for, member, not erased, consent not withdrawn, fewer than 3 attempts.
pub fn may_resend(facts: &ResendFacts<'_>) -> Result<(), ResendRefused> {
    let device = facts.device;
    let addressed = facts.addressed.iter().any(|first| {
        let same = first.account == device.account && first.device == device.device;
        same && (facts.trigger != ResendTrigger::NewRegistration || first.reg != device.reg)
    });
    if !addressed {
        return Err(ResendRefused::NotAddressed);
    }
    if facts.listed != Some(device.reg) {
        return Err(ResendRefused::NotListed);
    }
    if facts.aik == AikStanding::Unacknowledged {
        return Err(ResendRefused::IdentityChanged);
    }
    facts.conversation?;
    match facts.attempts < RESENDS {
        true => Ok(()),
        false => Err(ResendRefused::TooOften),
    }
}
