//! `sim STEPS SEED`: stories of 2 to 4 people, 2 000 steps each, until that many steps were taken.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    reason = "a tool that says what it found"
)]

use carevow_testing::sim::{Simulation, Tally};

fn main() -> std::process::ExitCode {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let (Some(Ok(steps)), Some(Ok(first))) = (arguments.next(), arguments.next()) else {
        eprintln!("sim STEPS SEED");
        return std::process::ExitCode::FAILURE;
    };
    let mut total = Tally::default();
    let mut taken = 0;
    let mut seed = first;
    while taken < steps {
        let story = STORY.min(steps - taken);
        match Simulation::new(seed, 2 + (seed % 3) as usize).run(story as usize) {
            Ok(tally) => total = total.and(&tally),
            Err(trace) => {
                eprintln!("{trace}\nseed {seed} fails: sim {story} {seed}");
                return std::process::ExitCode::FAILURE;
            }
        }
        taken += story;
        seed += 1;
    }
    for (name, count) in total.all() {
        println!("{name}: {count}");
    }
    println!("{taken} steps, seeds {first} to {}", seed - 1);
    std::process::ExitCode::SUCCESS
}

const STORY: u64 = 2_000;
