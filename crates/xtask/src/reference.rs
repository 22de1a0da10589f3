//! `cargo xtask reference`: the independent implementation in Python, against the vectors, against itself, and in a
//! live conversation with Rust (`crates/core/tests/live`).

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::libtest;
use crate::workspace::{Tally, cargo, root, succeed, watch};

/// Tells the live conversation which interpreter to run.
pub const INTERPRETER: &str = "CAREVOW_REFERENCE_PYTHON";
/// What the interpreter must be.
const NEEDED: &str = "the reference needs python3, version 3.11 or later";

pub fn run() -> anyhow::Result<Tally> {
    let python = interpreter()?;
    let mut sum = Tally::default();
    for arguments in [&["-m", "carevow_ref.vectors", "../vectors"][..], &["-m", "carevow_ref.selftest"]] {
        let mut command = Command::new(&python);
        command.args(arguments).current_dir(folder()).env("PYTHONDONTWRITEBYTECODE", "1");
        let (text, succeeded) = watch(&mut command)?;
        let tally = closing_line(&text).context("the reference did not count what ran")?;
        ensure!(succeeded || tally.failed > 0, "the reference did not end well");
        sum += tally;
    }
    sum += live(&python)?;
    Ok(sum)
}

/// The tests that speak with the reference. Nobody else runs them: they need its interpreter.
fn live(python: &PathBuf) -> anyhow::Result<Tally> {
    let mut command = cargo(&["test", "--quiet", "--package", "carevow-core", "--test", "live"]);
    let (text, succeeded) = watch(command.args(["--", "--ignored", "--show-output"]).env(INTERPRETER, python))?;
    let tally = libtest::tally(&text);
    ensure!(succeeded || tally.failed > 0, "the live conversation did not build or did not end");
    ensure!(tally.passed > 0 || tally.failed > 0, "no live conversation ran");
    Ok(tally)
}

fn folder() -> PathBuf {
    root().join("docs/reference")
}

/// The interpreter of an environment of the reference's own, with what `requirements.txt` names. It is made at the
/// first use, and again when the requirements change.
pub fn interpreter() -> anyhow::Result<PathBuf> {
    let environment = root().join("target/reference");
    let python = environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let wanted = fs::read(folder().join("requirements.txt")).context("docs/reference/requirements.txt")?;
    let installed = environment.join("installed.txt");
    if python.exists() && fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    let mut version = Command::new("python3");
    let version = version.args(["-c", "import sys; sys.exit(sys.version_info < (3, 11))"]).status();
    ensure!(version.context(NEEDED)?.success(), NEEDED);
    println!("making a Python environment in target/reference, once");
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&environment).stdout(Stdio::null()).stderr(Stdio::null());
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip"]);
    if !venv.status().context(NEEDED)?.success() {
        // Where a distribution keeps pip out of new environments, its own pip installs into them.
        succeed(Command::new("python3").args(["-m", "venv", "--clear", "--without-pip"]).arg(&environment))
            .context("the reference needs Python's venv (Debian: python3-venv)")?;
        pip = Command::new("python3");
        pip.args(["-m", "pip", "--python"]).arg(&python);
    }
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    succeed(pip.arg(folder().join("requirements.txt"))).context("the reference needs pip (Debian: python3-pip)")?;
    fs::write(installed, wanted)?;
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
