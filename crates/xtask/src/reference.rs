//! `cargo xtask reference`: the independent implementation in Python, against the vectors and against itself.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::workspace::{Tally, root, succeed, watch};

pub fn run() -> anyhow::Result<Tally> {
    let python = environment()?;
    let mut sum = Tally::default();
    for arguments in [&["-m", "carevow_ref.vectors", "../vectors"][..], &["-m", "carevow_ref.selftest"]] {
        let mut command = Command::new(&python);
        command.args(arguments).current_dir(folder()).env("PYTHONDONTWRITEBYTECODE", "1");
        let (text, succeeded) = watch(&mut command)?;
        let tally = closing_line(&text).context("the reference did not count what ran")?;
        ensure!(succeeded || tally.failed > 0, "the reference did not end well");
        sum += tally;
    }
    Ok(sum)
}

fn folder() -> PathBuf {
    root().join("docs/reference")
}

/// The interpreter of an environment of the reference's own, with what `requirements.txt` names.
fn environment() -> anyhow::Result<PathBuf> {
    let environment = root().join("target/reference");
    let python = environment.join("bin/python");
    if !python.exists() {
        println!("making a Python environment in target/reference, once");
        succeed(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    }
    let requirements = folder().join("requirements.txt");
    succeed(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(requirements))?;
    Ok(python)
}

/// `N passed, N failed`, alone on the last line.
fn closing_line(text: &str) -> Option<Tally> {
    let (passed, failed) = text.trim_end().lines().last()?.strip_suffix(" failed")?.split_once(" passed, ")?;
    Some(Tally { passed: passed.parse().ok()?, failed: failed.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_closing_line_counts() {
        let tally = closing_line("PASS a\n3 passed, 1 failed\n").unwrap();
        assert_eq!((tally.passed, tally.failed), (3, 1));
        assert!(closing_line("3 passed, 1 failed\nTraceback").is_none());
        assert!(closing_line("").is_none());
    }
}
