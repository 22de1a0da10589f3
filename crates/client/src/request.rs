//! What the host is asked to do on the network, and what it answers: `docs/protocol.md` B21.

use carevow_core::linking::BoxId;
use carevow_core::{AccountId, DeviceAddress, DeviceId};

/// Names a request until it is answered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RequestId(pub(crate) u64);

/// Something to be done on the network.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// For [`Client::complete`](crate::Client::complete).
    pub id: RequestId,
    /// Who asks.
    pub credential: Credential,
    /// What.
    pub operation: Operation,
}

/// Under which name a request goes out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Credential {
    /// As this device.
    Device,
    /// As nobody: no credential is sent, and on another connection than what this device does under its name.
    None,
}

/// What is asked for. All bytes are containers as they travel.
#[derive(Clone, PartialEq, Eq)]
pub enum Operation {
    /// The newest manifest of this account.
    PublishManifest(Vec<u8>),
    /// Prekey records of this device.
    PublishPrekeys(Vec<Vec<u8>>),
    /// How many one-time prekeys of this device the directory has left.
    CountPrekeys,
    /// This device's certificate, and its issuer's.
    FetchCertificate,
    /// The newest revocation list.
    FetchRevocations,
    /// The newest manifest of an account.
    FetchManifest(AccountId),
    /// All manifests of an account after this seq.
    FetchManifests(AccountId, u64),
    /// A bundle of each of these devices.
    FetchBundles(AccountId, Vec<DeviceId>),
    /// The entries of a box (B2.6).
    FetchBox(BoxId),
    /// Append this to a box.
    AppendBox(BoxId, Vec<u8>),
    /// Envelopes for devices of one account, all of them together or none.
    Submit(Submission),
}

/// Envelopes for devices of one account.
#[derive(Clone, PartialEq, Eq)]
pub struct Submission {
    /// Whose.
    pub account: AccountId,
    /// All devices of the account as this one knows them: if the relay knows others, nothing is delivered, and it answers
    /// with the manifest.
    pub devices: Vec<DeviceAddress>,
    /// For these devices, in this order.
    pub envelopes: Vec<Addressed>,
}

/// An envelope and where it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Addressed {
    /// To this registration.
    pub to: DeviceAddress,
    /// Its bytes.
    pub envelope: Vec<u8>,
}

/// What came of a request.
#[derive(Clone, PartialEq, Eq)]
pub enum Response {
    /// It is done: published, or accepted for delivery.
    Done,
    /// One-time prekeys that are left.
    PrekeysLeft {
        /// X25519.
        one_time: usize,
        /// ML-KEM.
        one_time_kem: usize,
    },
    /// The certificate of this device, and of its issuer.
    Certificate {
        /// Container.
        device: Vec<u8>,
        /// Container.
        issuer: Vec<u8>,
    },
    /// A revocation list.
    Revocations(Vec<u8>),
    /// A manifest: what was asked for, or the account's devices are not those that envelopes were submitted for.
    Manifest(Vec<u8>),
    /// Manifests, ascending.
    Manifests(Vec<Vec<u8>>),
    /// Bundles, in any order; a device without one is left out.
    Bundles(Vec<Vec<u8>>),
    /// The entries of a box, oldest first; none if there is no box.
    Box(Vec<Vec<u8>>),
    /// It could not be done now: no network, or the service is busy. It is asked for again.
    Failed,
    /// There is no such thing: an unknown account.
    NotFound,
}

/// An envelope that the mailbox had.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Delivery<'a> {
    /// When the service received it.
    pub received: carevow_core::Timestamp,
    /// Its bytes.
    pub envelope: &'a [u8],
}

macro_rules! redacted {
    ($($name:ident$(<$lifetime:lifetime>)?),*) => {
        $(impl core::fmt::Debug for $name$(<$lifetime>)? {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        })*
    };
}

redacted!(Operation, Submission, Addressed, Response, Delivery<'_>);
