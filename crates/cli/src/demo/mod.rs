//! `carevow demo`: a conversation between a patient's phone and two devices of a practice, in one process, over the
//! public interface of `carevow-core`. Every expectation is checked: the demo fails loudly if a changed message opens.

mod device;
mod error;
mod folder;
mod mailbox;
mod narrator;
mod prekeys;
mod random;
mod receive;
mod service;
mod stopwatch;
mod story;
mod world;

use std::path::PathBuf;

pub use error::DemoError;
use narrator::{Audience, Ink, Narrator};
use random::Source;
use story::Attached;
use world::World;

/// What the demo is asked to do.
#[derive(clap::Args)]
pub struct Arguments {
    /// Also print what a reviewer wants: session ids, epochs, sizes (never a secret)
    #[arg(long)]
    bytes: bool,
    /// The file that the clinician sends; without it the demo makes a small note
    #[arg(long, value_name = "PATH")]
    attach: Option<PathBuf>,
    /// Draw all keys from this number instead of the system: the same keys in each run, for comparing runs only
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
}

/// Tells the story.
pub fn run(arguments: &Arguments) -> Result<(), DemoError> {
    let attached = Attached::new(arguments.attach.as_deref())?;
    let audience = if arguments.bytes { Audience::Reviewer } else { Audience::Everybody };
    let mut narrator = Narrator::new(std::io::stdout(), audience, Ink::of_stdout());
    narrator.line("Carevow demo: real keys, real messages, one process. Nothing leaves this computer.")?;
    narrator.line("✓ was checked and is right. ✗ was tried, and was refused as it must be.")?;
    if arguments.seed.is_some() {
        narrator.line("All keys come from --seed: they are no secret.")?;
    }
    let mut world = World::new(Source::new(arguments.seed), narrator)?;
    story::tell(&mut world, &attached)
}

/// For `carevow demo --help`.
pub const ABOUT: &str = "\
Lets a patient's phone and two devices of a practice exchange sealed messages, and says in whole sentences what happens.

Everything is real but the network: keys, certificates, the handshake, the ratchet, the sealed file. A list in memory \
stands for the delivery service, and keeps what its operator would see. On the way the demo loses, delays, doubles, \
replays and changes messages, steals keys, and checks each time that the outcome is the right one. The exit code is 0 \
only if every check passed.";

/// For `carevow demo --help`.
pub const EXAMPLES: &str = "\
Examples:
  carevow demo                          the story
  carevow demo --bytes                  with ids, epochs and sizes
  carevow demo --attach letter.pdf      sends that file; it is saved again in a folder for temporary files
  NO_COLOR=1 carevow demo               without colours (a pipe or a file gets none anyway)

The sealed file is kept in memory: for --attach plan as much as the file has, up to 4 GiB.";
