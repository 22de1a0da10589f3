//! `cargo xtask`: every task of the project, one command each. `cargo xtask --help` lists them.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a terminal program")]

mod codegen;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Every task of the Carevow project, one command each")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Compile proto/ to crates/core/src/wire/generated; with --check, fail when that would change anything
    Codegen {
        /// Change nothing; fail when a byte differs
        #[arg(long)]
        check: bool,
    },
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().task {
        Task::Codegen { check } => codegen::run(check),
    }
}
