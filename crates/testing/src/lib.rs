//! Tests that need more than a test may do by itself: other processes that are killed, the memory of another process, a
//! disk that fails. Never shipped; nothing that is shipped depends on it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

pub mod failing;
pub mod hostile;
pub mod keystore;
pub mod ledger;
pub mod memory;
pub mod pipe;
pub mod secret;
pub mod service;
pub mod sim;
pub mod worker;
pub mod world;
