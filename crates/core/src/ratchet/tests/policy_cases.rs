//! policy_cases
