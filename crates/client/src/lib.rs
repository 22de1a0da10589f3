//! Carevow, as an app uses it: accounts, devices, conversations, and an outbox that loses nothing, without knowing what a
//! ratchet is.
//!
//! [`Client`] is one device. It owns a folder with its encrypted store and does nothing else by itself: the host carries
//! out what [`Client::poll_request`] asks for and says with [`Client::complete`] what came of it, brings what the mailbox
//! had with [`Client::receive`], and shows what [`Client::poll_event`] tells. Time and randomness are arguments. Whatever
//! a call has said is durable when it returns; nothing leaves before the state that made it is.
//!
//! `docs/client.md` says what lies in the store.
#![forbid(unsafe_code)]
#![deny(clippy::arithmetic_side_effects)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation, reason = "tests count"))]

mod alarm;
mod bundles;
mod client;
mod contact;
mod conversation;
mod error;
mod event;
mod gaps;
mod linking;
mod own;
mod peer;
mod prekeys;
mod pump;
mod receive;
mod records;
mod registration;
mod request;
mod requests;
mod send;
mod submit;
mod tables;
mod turn;
mod upkeep;
mod work;

pub use client::{Client, Config};
pub use contact::Standing;
pub use conversation::Message;
pub use error::ClientError;
pub use event::Event;
pub use linking::{LinkProgress, LinkStep, NewDevice, NewDeviceRequest};
pub use receive::Outcome;
pub use request::{Addressed, Credential, Delivery, Operation, Request, RequestId, Response, Submission};
pub use send::Sent;

pub use carevow_core as core;
pub use carevow_store::{Access, KeyWrapper, Now, Passphrase, Policy, StoreError, WrapperError};
