//! Tests of envelopes, by T-case.

mod fixture;
mod identity_cases;
mod sealed_cases;
mod size_cases;
