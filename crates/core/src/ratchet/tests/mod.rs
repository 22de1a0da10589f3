//! Tests of the ratchet, by T-case.

mod body_cases;
mod chain_cases;
mod epoch_cases;
pub(crate) mod fixture;
mod ghash;
mod header_cases;
mod lane_cases;
mod policy_cases;
mod skipped_cases;
mod state_cases;
