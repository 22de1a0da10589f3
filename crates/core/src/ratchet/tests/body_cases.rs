//! body_cases
