//! state_cases
