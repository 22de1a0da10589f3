//! What the benchmarks share: the sizes that are measured and seeded bytes.

use criterion::Criterion;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// A text message with its framing fits the first; the others are a page of text and an attachment chunk.
pub const SIZES: [usize; 3] = [64, 1_536, 64 * 1024];

/// What a burst and a conversation send.
pub const KIBIBYTE: usize = 1_024;

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

/// Runs benchmark functions as criterion's macro would.
pub fn run(benchmarks: &[fn(&mut Criterion)]) {
    let mut criterion = Criterion::default().configure_from_args();
    for benchmark in benchmarks {
        benchmark(&mut criterion);
    }
    criterion.final_summary();
}
