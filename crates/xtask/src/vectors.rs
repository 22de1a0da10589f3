//! `cargo xtask vectors`: `docs/vectors/` from the code, by the test of core that knows how.

use anyhow::ensure;

use crate::libtest::tally;
use crate::workspace::{Tally, cargo, watch};

const TEST: &str = "vectors::vectors_are_what_the_code_gives";
const WRITE: &str = "CAREVOW_WRITE_VECTORS";

/// With `check`, changes nothing and fails when a byte differs.
pub fn run(check: bool) -> anyhow::Result<Tally> {
    let mut command = cargo(&["test", "--package", "carevow-core", "--lib", "--", "--exact", TEST]);
    match check {
        true => command.env_remove(WRITE),
        false => command.env(WRITE, "1"),
    };
    let (text, _) = watch(&mut command)?;
    let tally = tally(&text);
    ensure!(tally.passed + tally.failed == 1, "the test {TEST} did not run");
    Ok(tally)
}
