//! `cargo xtask fuzz`: libFuzzer over the targets of `fuzz/`.

use std::fs;

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use crate::workspace::{Tally, cargo, installed, output, root, succeed};

/// The part of `fuzz/Cargo.toml` that names the targets.
#[derive(Deserialize)]
struct Manifest {
    bin: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

pub fn run(target: Option<&str>, seconds: u32) -> anyhow::Result<Tally> {
    let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).context("fuzz/Cargo.toml names the targets")?;
    let targets: Vec<_> = toml::from_str::<Manifest>(&manifest)?.bin.into_iter().map(|bin| bin.name).collect();
    let chosen: Vec<_> = targets.iter().filter(|name| target.is_none_or(|wanted| wanted == *name)).collect();
    ensure!(!chosen.is_empty(), "there is no such target; there are: {}", targets.join(", "));
    if !installed("cargo-fuzz", "--version") {
        println!("installing cargo-fuzz, once: this takes some minutes");
        succeed(&mut cargo(&["install", "cargo-fuzz", "--locked"]))?;
    }
    let time = format!("-max_total_time={seconds}");
    let mut tally = Tally::default();
    for name in chosen {
        println!("== {name}: {seconds} seconds");
        let mut fuzz = std::process::Command::new("cargo");
        fuzz.current_dir(root());
        // Sanitizers are unstable: a nightly toolchain, or the stable one told that it may.
        match nightly() {
            true => fuzz.arg("+nightly"),
            false => fuzz.env("RUSTC_BOOTSTRAP", "1"),
        };
        fuzz.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
        // New inputs go to the corpus, which is not committed; the committed seeds get past the signatures.
        let (corpus, seeds) = (format!("fuzz/corpus/{name}"), format!("fuzz/seeds/{name}"));
        fs::create_dir_all(root().join(&corpus))?;
        fuzz.args(["fuzz", "run", name, &corpus, &seeds, "--", &time, "-print_final_stats=1"]);
        succeed(&mut fuzz).with_context(|| format!("{name}: fuzz/artifacts/{name} has the input"))?;
        tally += Tally::passed(1);
    }
    Ok(tally)
}

fn nightly() -> bool {
    let list = output(std::process::Command::new("rustup").args(["toolchain", "list"])).unwrap_or_default();
    list.lines().any(|line| line.starts_with("nightly"))
}
