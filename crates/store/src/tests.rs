//! What the store promises, each against somebody who writes to its files.

mod adversary;
mod fixture;
mod keys;
mod rows;
