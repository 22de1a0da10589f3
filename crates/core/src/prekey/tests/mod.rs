//! Tests of B3.
