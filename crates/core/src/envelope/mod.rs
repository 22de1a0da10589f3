//! envelope
pub mod padding;
