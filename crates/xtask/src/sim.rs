//! `cargo xtask sim`: clients under a hostile service, in stories from a seed.

use crate::workspace::{Tally, cargo, succeed};

/// What `cargo xtask test` runs.
pub const STEPS: u64 = 50_000;

pub fn run(steps: u64, seed: u64) -> anyhow::Result<Tally> {
    let (steps, seed) = (steps.to_string(), seed.to_string());
    let arguments =
        ["run", "--quiet", "--release", "--package", "carevow-testing", "--bin", "sim", "--", &steps, &seed];
    succeed(&mut cargo(&arguments))?;
    Ok(Tally::passed(1))
}
