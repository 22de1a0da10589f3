//! Checks of the repository itself, each with a function that judges plain data, so that a test can see it fail.

pub mod direction;
pub mod length;
pub mod licences;
pub mod metadata;
pub mod mutations;
pub mod targets;
pub mod zeroize;
