//! The side of the new device: it shows a code to be scanned, answers the grant in the box, shows six digits, and is a client
//! once the account lists it and the user says that the primary says so too.

use std::path::Path;

use carevow_core::AccountId;
use carevow_core::identity::{DeviceKind, Manifest, UnverifiedManifest};
use carevow_core::linking::{AnsweredDevice, BoxId, LinkError, LinkedDevice, OfferingDevice, RelayUrl};
use carevow_core::wire::v1;
use carevow_store::{Access, Now};
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use crate::client::{Client, Config};
use crate::error::ClientError;

/// A device that is not one of an account yet.
pub struct NewDevice {
    kind: DeviceKind,
    state: State,
}

enum State {
    /// E is to be appended.
    Offering(OfferingDevice),
    /// The grant is awaited.
    Offered(OfferingDevice),
    /// The reply is to be appended.
    Replying(Vec<u8>, BoxId, AccountId, AnsweredDevice),
    /// The account is to list it.
    Answered(AccountId, AnsweredDevice),
    /// It does.
    Listed(LinkedDevice, Box<Manifest>),
    /// A step consumed the one before, and failed.
    Over,
}

/// What it asks the network for; nothing of it under any name.
#[derive(Clone, PartialEq, Eq)]
pub enum NewDeviceRequest {
    /// Append this to the box.
    AppendBox(BoxId, Vec<u8>),
    /// The entries of the box.
    FetchBox(BoxId),
    /// The newest manifest of the account.
    FetchManifest(AccountId),
}

impl core::fmt::Debug for NewDeviceRequest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("NewDeviceRequest(..)")
    }
}

/// What the app shows.
#[derive(PartialEq, Eq)]
pub enum LinkStep {
    /// This text as a QR code, for the primary to scan. It goes nowhere else.
    ShowCode(Zeroizing<String>),
    /// These six digits, to be typed into the primary.
    ShowDigits(String),
    /// The account lists this device: the user is asked whether the primary shows it too, and then
    /// [`NewDevice::finish`].
    AskUser,
    /// It failed: begin again.
    Over,
}

impl core::fmt::Debug for LinkStep {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("LinkStep(..)")
    }
}

impl core::fmt::Debug for NewDevice {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("NewDevice(..)")
    }
}

/// Entry of a box.
const GRANT: usize = 1;

impl NewDevice {
    /// A device of this kind, over a box at this relay. All within five minutes.
    pub fn begin(
        kind: DeviceKind,
        relay: &RelayUrl,
        now: Now,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Self, ClientError> {
        Ok(Self { kind, state: State::Offering(OfferingDevice::begin(relay, now.wall, rng)?) })
    }

    /// What the app shows now.
    pub fn step(&self) -> LinkStep {
        match &self.state {
            State::Offering(offering) | State::Offered(offering) => LinkStep::ShowCode(offering.text()),
            State::Replying(.., answered) | State::Answered(_, answered) => {
                LinkStep::ShowDigits(answered.code().digits())
            }
            State::Listed(..) => LinkStep::AskUser,
            State::Over => LinkStep::Over,
        }
    }

    /// What is to be done on the network next; what is awaited is asked for again after a second or two.
    pub fn request(&self) -> Option<NewDeviceRequest> {
        match &self.state {
            State::Offering(offering) => Some(NewDeviceRequest::AppendBox(offering.box_id(), offering.box_key())),
            State::Offered(offering) => Some(NewDeviceRequest::FetchBox(offering.box_id())),
            State::Replying(reply, id, ..) => Some(NewDeviceRequest::AppendBox(*id, reply.clone())),
            State::Answered(account, _) => Some(NewDeviceRequest::FetchManifest(*account)),
            State::Listed(..) | State::Over => None,
        }
    }

    /// What was asked for was appended.
    pub fn appended(&mut self) {
        self.state = match core::mem::replace(&mut self.state, State::Over) {
            State::Offering(offering) => State::Offered(offering),
            State::Replying(_, _, account, answered) => State::Answered(account, answered),
            other => other,
        };
    }

    /// The entries of the box. What does not open changes nothing: anybody can write into it.
    pub fn entries(&mut self, entries: &[Vec<u8>], now: Now, rng: &mut impl TryCryptoRng) -> Result<(), ClientError> {
        let State::Offered(offering) = &self.state else { return Ok(()) };
        let mut grant = None;
        for entry in entries.iter().skip(GRANT) {
            match offering.open_grant(entry, now.wall) {
                Ok(opened) => {
                    grant = Some(opened);
                    break;
                }
                Err(LinkError::Expired) => {
                    self.state = State::Over;
                    return Err(ClientError::Linking(LinkError::Expired));
                }
                Err(_) => {}
            }
        }
        let Some(grant) = grant else { return Ok(()) };
        let manifest = UnverifiedManifest::parse(&grant.manifest).and_then(UnverifiedManifest::verify);
        let manifest = manifest.map_err(|_| ClientError::Linking(LinkError::Malformed))?;
        let State::Offered(offering) = core::mem::replace(&mut self.state, State::Over) else {
            return Err(ClientError::Internal);
        };
        let (id, account) = (offering.box_id(), manifest.account());
        let (reply, answered) = offering.reply(&grant, &manifest, self.kind, now.wall, rng)?;
        self.state = State::Replying(reply, id, account, answered);
        Ok(())
    }

    /// The newest manifest of the account; `false` if it does not list this device yet.
    pub fn manifest(&mut self, container: &[u8], now: Now) -> Result<bool, ClientError> {
        let signed = v1::Signed::from_bytes(container).map_err(|_| ClientError::InvalidResponse)?;
        let manifest = UnverifiedManifest::parse(&signed).and_then(UnverifiedManifest::verify);
        let manifest = manifest.map_err(|_| ClientError::InvalidResponse)?;
        match core::mem::replace(&mut self.state, State::Over) {
            State::Answered(account, answered) => match answered.listed(&manifest, now.wall) {
                Ok(linked) => {
                    self.state = State::Listed(linked, Box::new(manifest));
                    Ok(true)
                }
                Err(not_yet) => {
                    self.state = State::Answered(account, not_yet.0);
                    Ok(false)
                }
            },
            other => {
                self.state = other;
                Ok(false)
            }
        }
    }

    /// The user says that the primary shows this device: it gets a store in a folder that holds none, and is a client.
    pub fn finish(
        self,
        folder: &Path,
        access: Access<'_>,
        config: Config,
        now: Now,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Client, ClientError> {
        let State::Listed(linked, manifest) = self.state else { return Err(ClientError::InvalidInput) };
        Client::linked(folder, access, (linked.confirmed_by_user(), *manifest), config, now, rng)
    }
}
