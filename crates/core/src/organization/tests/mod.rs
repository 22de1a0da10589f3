//! Tests of B17.
