//! What the benchmarks share: a clock, seeded bytes, devices with sessions, and the peer's.
//!
//! `cargo xtask bench` runs them and sets each operation beside the sum of its primitives and beside its peer.
#![allow(clippy::unwrap_used, reason = "a benchmark of something that fails is worth nothing")]

mod clock;
pub mod olm;
mod party;

pub use clock::{Bench, CpuTime};
pub use party::{Pair, Party, at, hear, rng, say, trust};

use core::time::Duration;
use criterion::Criterion;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// What a burst and a conversation send.
pub const KIBIBYTE: usize = 1_024;
/// Messages of a burst.
pub const BURST: usize = 100;
/// The group of all primitives.
pub const FLOOR: &str = "floor";
/// The group of all operations.
pub const OPERATION: &str = "operation";
/// The group of what the peer does instead.
pub const PEER: &str = "vodozemac Olm";

/// The same `N` bytes in every run.
pub fn bytes<const N: usize>(seed: u64) -> [u8; N] {
    let mut bytes = [0; N];
    ChaCha20Rng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes
}

/// `length` bytes, the same in every run.
pub fn text(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    ChaCha20Rng::seed_from_u64(length as u64).fill_bytes(&mut bytes);
    bytes
}

/// Runs benchmark functions as criterion's macro would, by [`CpuTime`].
pub fn run(benchmarks: &[fn(&mut Bench)]) {
    let mut criterion = Criterion::default()
        .with_measurement(CpuTime)
        .sample_size(40)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1_500))
        .without_plots()
        .configure_from_args();
    for benchmark in benchmarks {
        benchmark(&mut criterion);
    }
    criterion.final_summary();
}
