//! A certificate and a manifest together: what makes a device one of an account's. `docs/protocol.md` B3 step (3) and
//! B4.5 step 2, which ask the same of a bundle and of an INIT.

use super::certificate::{DeviceCertificate, JudgedAt};
use super::changes::IdentityEvent;
use super::manifest::{ListedDevice, Manifest};
use super::pin::{Adoption, ManifestPin, PinError, Source};

/// Why a device is not introduced.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum IntroductionError {
    /// The certificate names another account than the manifest, or an identity key that is neither the manifest's nor
    /// a recent predecessor of it.
    #[error("certificate and manifest do not belong together")]
    OtherIdentity,
    /// What the pin says to the manifest.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// The manifest has run out: it starts no session.
    #[error("the manifest has expired")]
    Expired,
    /// The manifest does not list the device, or with other keys or another registration than the certificate; or a lost
    /// jump took it away.
    #[error("the manifest does not list the device as certified")]
    NotListed,
}

/// A device that its service certified and its account lists.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Introduction {
    /// As the newest manifest lists it, under the identity key of that.
    pub listed: ListedDevice,
    /// The next pin of the account.
    pub pin: ManifestPin,
    /// What the manifest brought.
    pub events: Vec<IdentityEvent>,
}

/// Judges `manifest` by `certificate` and by `pin` (`None`: an account that is met for the first time), and the device
/// by the manifest that is the newest afterwards.
pub fn introduce(
    certificate: &DeviceCertificate,
    manifest: &Manifest,
    pin: Option<&ManifestPin>,
    at: JudgedAt,
) -> Result<Introduction, IntroductionError> {
    let certified = &certificate.device;
    let (aik, now) = (&certified.aik, at.local());
    // A manifest that the certificate does not vouch for says nothing about the account, so the pin never sees it:
    // else anybody could raise an alarm with a key of his own. While a key rotates, either side may be ahead.
    let rotating = |pin: &ManifestPin| pin.accepts_key(aik, now) && pin.expects_key(manifest.aik(), now);
    let vouched = manifest.aik() == aik || pin.is_some_and(rotating);
    if manifest.account() != certified.address.account || !vouched {
        return Err(IntroductionError::OtherIdentity);
    }
    let source = match at {
        JudgedAt::Local(_) => Source::Directory,
        JudgedAt::Received { .. } => Source::Message,
    };
    let Adoption { pin, events } = match pin {
        Some(pin) => pin.judge(manifest, source, now)?,
        None => Adoption { pin: ManifestPin::first(manifest.clone()), events: Vec::new() },
    };
    if !pin.accepts_key(aik, now) {
        return Err(IntroductionError::OtherIdentity);
    }
    if pin.current().is_expired(at.clamped()) {
        return Err(IntroductionError::Expired);
    }
    let listed = pin
        .device(certified.address.device)
        .filter(|listed| listed.device.is_same_device(certified))
        .ok_or(IntroductionError::NotListed)?
        .clone();
    Ok(Introduction { listed, pin, events })
}
