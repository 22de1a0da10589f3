//! chain_cases
