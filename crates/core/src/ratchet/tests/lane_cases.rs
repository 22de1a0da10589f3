//! lane_cases
