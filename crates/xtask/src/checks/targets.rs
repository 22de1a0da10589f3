//! Core compiles for a browser, for Android and for iOS. A target that cannot be installed here is skipped, and said so.

use std::process::Command;

use crate::workspace::{Tally, cargo, output, succeed};

const TARGETS: [&str; 3] = ["wasm32-unknown-unknown", "aarch64-linux-android", "aarch64-apple-ios"];

pub fn run() -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    for target in TARGETS {
        if !available(target) {
            println!("{target}: skipped, because `rustup target add {target}` does not work here");
            continue;
        }
        println!("{target}: cargo check --package carevow-core");
        succeed(&mut cargo(&["check", "--quiet", "--package", "carevow-core", "--target", target]))?;
        tally += Tally::passed(1);
    }
    Ok(tally)
}

fn available(target: &str) -> bool {
    let installed = output(Command::new("rustup").args(["target", "list", "--installed"])).unwrap_or_default();
    installed.lines().any(|line| line == target)
        || succeed(Command::new("rustup").args(["target", "add", target])).is_ok()
}
