//! `cargo xtask platforms`: the tests of the core where its arithmetic is other code than on this machine. A phone's
//! processor is emulated, WebAssembly runs in Node.

use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::libtest;
use crate::workspace::{Tally, cargo, installed, root, watch};

struct Platform {
    target: &'static str,
    /// What must be installed, and how one knows that it is.
    tools: &'static [(&'static str, &'static str)],
    /// Where they come from.
    source: &'static str,
    /// Program and arguments before the test program's.
    runner: fn() -> Vec<String>,
    linker: Option<&'static str>,
    /// Which tests: emulation is slow.
    filter: &'static [&'static str],
}

const PLATFORMS: [Platform; 2] = [
    Platform {
        target: "wasm32-wasip1",
        tools: &[("node", "--version")],
        source: "Node 20 or newer",
        runner: || {
            let script = root().join("crates/xtask/src/wasi.mjs");
            vec!["node".into(), "--no-warnings".into(), script.display().to_string()]
        },
        linker: None,
        filter: &[],
    },
    Platform {
        target: "aarch64-unknown-linux-gnu",
        tools: &[("aarch64-linux-gnu-gcc", "--version"), ("qemu-aarch64", "--version")],
        source: "Debian: gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user",
        runner: || ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"].map(String::from).into(),
        linker: Some("aarch64-linux-gnu-gcc"),
        filter: &["primitives"],
    },
];

pub fn run() -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    for platform in &PLATFORMS {
        println!("== {}", platform.target);
        tally += tests(platform).with_context(|| platform.target)?;
    }
    Ok(tally)
}

fn tests(platform: &Platform) -> anyhow::Result<Tally> {
    let missing: Vec<_> = platform.tools.iter().filter(|(tool, argument)| !installed(tool, argument)).collect();
    ensure!(missing.is_empty(), "missing: {missing:?}. {}", platform.source);
    let added = Command::new("rustup").args(["target", "add", platform.target]).status()?;
    ensure!(added.success(), "rustup has no such target");
    let runner = format!("target.{}.runner={:?}", platform.target, (platform.runner)());
    let mut cargo = cargo(&["test", "--package", "carevow-core", "--lib", "--target", platform.target]);
    cargo.args(["--config", &runner]);
    if let Some(linker) = platform.linker {
        cargo.args(["--config", &format!("target.{}.linker={linker:?}", platform.target)]);
    }
    let (text, succeeded) = watch(cargo.arg("--").args(platform.filter))?;
    let tally = libtest::tally(&text);
    ensure!(succeeded || tally.failed > 0, "the tests did not run to their end");
    ensure!(tally.passed > 0, "no test ran");
    Ok(tally)
}
