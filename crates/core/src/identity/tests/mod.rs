//! Tests of B2.
