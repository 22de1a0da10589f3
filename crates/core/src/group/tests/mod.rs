//! Tests of B13.
