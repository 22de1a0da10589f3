//! Attachments: sealed into memory and opened from it.
#![allow(clippy::unwrap_used, reason = "a benchmark of something that fails is worth nothing")]

use std::hint::black_box;

use carevow_benches::{Bench, OPERATION, rng, run, text};
use carevow_core::attachment::{Attachment, Labels, Purpose, seal_bytes};

const BYTES: usize = 4 << 20;

fn main() {
    run(&[attachment]);
}

fn attachment(criterion: &mut Bench) {
    let file = text(BYTES);
    let (sealed, blob) = seal_bytes(Purpose::Message, &file, &mut rng(1)).unwrap();
    let labels = || Labels { content_type: String::new(), filename: String::new(), caption: String::new() };
    let descriptor = Attachment::new(sealed, labels());
    let mut group = criterion.benchmark_group(OPERATION);
    group.sample_size(20);
    group.bench_function("attachment of 4 MiB, seal", |bencher| {
        let mut rng = rng(2);
        bencher.iter(|| seal_bytes(Purpose::Message, black_box(&file), &mut rng).unwrap());
    });
    group.bench_function("attachment of 4 MiB, open", |bencher| {
        bencher.iter(|| descriptor.open_bytes(black_box(&blob)).unwrap());
    });
}
