//! `cargo xtask test`: what CI runs, quickest first. It stops at the first thing that fails.

use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::workspace::{Tally, cargo, installed, root, succeed, watch};
use crate::{checks, codegen, libtest, reference, sim};

/// One step: what it is called and what it does. A step that counts nothing of its own counts as one.
type Step = (&'static str, fn() -> anyhow::Result<Tally>);

const STEPS: [Step; 15] = [
    ("formatting", formatting),
    ("generated code is current", || codegen::run(true)),
    ("files are short", checks::length::run),
    ("dependencies point one way", checks::direction::run),
    ("licences and sources", checks::licences::run),
    ("secrets are wiped in every crate", checks::zeroize::run),
    ("mutations fit the code", checks::mutations::run),
    ("clippy", clippy),
    ("tests", tests),
    ("clients under a hostile service", || sim::run(sim::STEPS, 1)),
    ("the reference in Python", reference::run),
    ("fuzz targets replay their seeds", fuzz_seeds),
    ("documentation", documentation),
    ("other targets", checks::targets::run),
    ("cargo-deny", deny),
];

pub fn run() -> anyhow::Result<Tally> {
    let mut sum = Tally::default();
    for (name, step) in STEPS {
        println!("== {name}");
        match step().with_context(|| name.to_owned()) {
            Ok(tally) => sum += tally,
            Err(error) => {
                eprintln!("{error:#}");
                sum += Tally::failed(1);
            }
        }
        if sum.failed > 0 {
            println!("== stopped at: {name}");
            break;
        }
    }
    Ok(sum)
}

fn formatting() -> anyhow::Result<Tally> {
    succeed(&mut cargo(&["fmt", "--all", "--check"]))?;
    succeed(&mut of_fuzz(&["fmt", "--check"]))?;
    Ok(Tally::passed(1))
}

fn clippy() -> anyhow::Result<Tally> {
    succeed(&mut cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]))?;
    Ok(Tally::passed(1))
}

fn tests() -> anyhow::Result<Tally> {
    // The benches have no tests, and what they measure against takes minutes to build.
    let (text, succeeded) = watch(&mut cargo(&["test", "--workspace", "--exclude", "carevow-benches", "--quiet"]))?;
    let tally = libtest::tally(&text);
    ensure!(succeeded || tally.failed > 0, "the tests did not build or did not end");
    ensure!(tally.passed > 0 || tally.failed > 0, "no test ran");
    Ok(tally)
}

/// `fuzz/` is a workspace of its own.
fn of_fuzz(arguments: &[&str]) -> Command {
    let mut command = cargo(arguments);
    command.current_dir(root().join("fuzz")).env("CARGO_TARGET_DIR", root().join("target/fuzz"));
    command
}

/// Every seed comes as far as it should, on the stable toolchain and without a fuzzer.
fn fuzz_seeds() -> anyhow::Result<Tally> {
    succeed(&mut of_fuzz(&["clippy", "--all-targets", "--quiet", "--", "-D", "warnings"]))?;
    let (text, succeeded) = watch(&mut of_fuzz(&["test", "--quiet"]))?;
    let tally = libtest::tally(&text);
    ensure!(succeeded && tally.passed > 0, "the replay did not build or did not end");
    Ok(tally)
}

fn documentation() -> anyhow::Result<Tally> {
    let mut doc = cargo(&["doc", "--workspace", "--no-deps", "--quiet", "--exclude", "carevow-benches"]);
    succeed(doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(Tally::passed(1))
}

/// Where cargo-deny is installed it judges as well; everywhere else the own checks stand alone.
fn deny() -> anyhow::Result<Tally> {
    if !installed("cargo-deny", "--version") {
        println!("cargo-deny is not installed: the check of licences and sources above stands alone");
        return Ok(Tally::default());
    }
    succeed(&mut cargo(&["deny", "--offline", "check", "licenses", "bans", "sources"]))?;
    Ok(Tally::passed(1))
}
