//! Tests of the handshake, by T-case.

mod binding_cases;
mod header_cases;
mod replay_cases;
