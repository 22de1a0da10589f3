//! safety_number
