//! The `carevow` command.

mod demo;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// End-to-end encrypted messages for health care, from the command line.
#[derive(Parser)]
#[command(name = "carevow", version, arg_required_else_help = true, after_help = AFTER_HELP)]
struct Command {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Lets a patient's phone and two devices of a practice exchange sealed messages, and says what happens
    #[command(long_about = demo::ABOUT, after_help = demo::EXAMPLES)]
    Demo(demo::Arguments),
}

fn main() -> ExitCode {
    let Command { task: Task::Demo(arguments) } = Command::parse();
    match demo::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where not even the error can be written there is nobody to read it: the exit code still tells.
            let _ = writeln!(std::io::stderr(), "error: {error}\n\n{}", error.advice());
            ExitCode::FAILURE
        }
    }
}

const AFTER_HELP: &str = "\
Start here:
  carevow demo          a conversation from the first key to the last file, in less than a second
  carevow demo --bytes  the same with what a reviewer wants: ids, epochs, sizes
  carevow help demo     everything that the demo can do

Nothing is installed, nothing leaves this computer, and no secret key is ever printed.
The protocol is written down in docs/protocol.md.";
