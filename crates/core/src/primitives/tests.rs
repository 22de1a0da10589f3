//! Tests of the primitives.
