//! `cargo xtask`: every task of the project, one command each. `cargo xtask --help` lists them.
//!
//! One file for each command. A command returns a [`Tally`]; the last line that is printed counts what ran.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a terminal program")]

mod bench;
mod cases;
mod checks;
mod codegen;
mod fuzz;
mod libtest;
mod mutate;
mod mutation;
mod operations;
mod platforms;
mod reference;
mod sim;
mod test;
mod vectors;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use workspace::Tally;

#[derive(Parser)]
#[command(about = "Every task of the Carevow project, one command each")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every test and check that CI runs
    Test,
    /// For each T-case of docs/attacks.md: its tests, whether they passed, and the mutation that makes one fail
    Cases,
    /// Switch each check off in a copy of the workspace, and see its test fail; writes docs/mutations.json
    Mutate {
        /// Only the mutations of this case, for example 17
        case: Option<u16>,
        /// Also those whose recorded result still holds
        #[arg(long)]
        all: bool,
    },
    /// Run every benchmark beside its peers and floors, and write the tables of docs/performance.md
    Bench {
        /// Short measurements, printed and not written
        #[arg(long)]
        quick: bool,
    },
    /// Run one fuzz target, or all of them
    Fuzz {
        /// A target of fuzz/; all without
        target: Option<String>,
        /// For how long each
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
    /// Run the tests of the core as WebAssembly in Node, and those of its cryptography on an emulated aarch64
    Platforms,
    /// Compile proto/ to crates/core/src/wire/generated; with --check, fail when that would change anything
    Codegen {
        /// Change nothing; fail when a byte differs
        #[arg(long)]
        check: bool,
    },
    /// Let clients live under a hostile service that loses, delays, doubles and forges, with crashes and failing randomness
    Sim {
        /// How many steps, in stories of 2 000
        #[arg(long, default_value_t = sim::STEPS)]
        steps: u64,
        /// The seed of the first story; each further one has the next
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// The reference in Python: every vector, and conversations with itself and with the Rust code
    Reference,
    /// Write docs/vectors from the code; with --check, fail when that would change anything
    Vectors {
        /// Change nothing; fail when a byte differs
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Test => test::run(),
        Task::Cases => cases::run(),
        Task::Mutate { case, all } => mutate::run(case, all),
        Task::Bench { quick } => bench::run(quick),
        Task::Fuzz { target, seconds } => fuzz::run(target.as_deref(), seconds),
        Task::Platforms => platforms::run(),
        Task::Codegen { check } => codegen::run(check),
        Task::Vectors { check } => vectors::run(check),
        Task::Reference => reference::run(),
        Task::Sim { steps, seed } => sim::run(steps, seed),
    };
    let tally = result.unwrap_or_else(|error| {
        eprintln!("{error:#}");
        Tally::failed(1)
    });
    println!("{tally}");
    ExitCode::from(u8::from(tally.failed > 0))
}
