//! The store in several processes, some of which are killed: `docs/store.md`, "Who may open it when".
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests count")]

use std::thread::sleep;
use std::time::Duration;

use carevow_testing::ledger::verified;
use carevow_testing::worker::{Worker, create, now, open, rng};
use rand_core::Rng as _;

const WORKER: &str = env!("CARGO_BIN_EXE_store_worker");

#[test]
fn a_process_that_is_killed_at_any_time_loses_nothing_that_it_announced_and_leaves_nothing_half_done() {
    const ROUNDS: u32 = 100;
    let mut rng = rng();
    let (mut working, mut unannounced) = (0, 0);
    for _ in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        drop(create(folder.path()));
        let mut before = 0;
        for _ in 0..ROUNDS / 4 {
            let mut worker = Worker::start(WORKER, &["enter", folder.path().to_str().unwrap(), "1", "1000000"]);
            // Some are killed while they open the store, others at work.
            if rng.next_u32().is_multiple_of(8) {
                sleep(Duration::from_micros(u64::from(rng.next_u32() % 20_000)));
            } else {
                assert_eq!(worker.hear().as_deref(), Some("open"));
                sleep(Duration::from_micros(u64::from(rng.next_u32() % 30_000)));
            }
            let said = worker.kill();
            let announced = said.iter().filter_map(|line| line.parse::<u64>().ok()).next_back();
            let store = open(folder.path()).unwrap();
            let after = verified(&store, now(), &mut rng).unwrap().get(&1).copied().unwrap_or(0);
            let known = announced.map_or(before, |number| number + 1);
            assert!(known <= after, "{known} were announced, {after} are there");
            assert!(after <= known + 1, "{after} are there, {known} were announced: only the last may be unannounced");
            working += u32::from(after > before);
            unannounced += u32::from(after > known);
            before = after;
        }
    }
    assert!(working > ROUNDS / 3, "{working} of {ROUNDS} were killed at work, {unannounced} between commit and word");
}

#[test]
fn two_processes_at_once_lose_double_and_reorder_nothing() {
    const EACH: u64 = 1_000;
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    let start = |writer| Worker::start(WORKER, &["enter", folder.path().to_str().unwrap(), writer, "1000"]);
    let workers = [start("1"), start("2")];
    // This process, which opened the store first, reads what they write.
    let mut rng = rng();
    let seen = verified(&store, now(), &mut rng).unwrap();
    assert!(seen.values().all(|count| *count <= EACH));
    for worker in workers {
        let (lines, well) = worker.finish();
        assert!(well);
        let expected: Vec<_> = (0..EACH).map(|number| number.to_string()).collect();
        assert_eq!(lines.split_first(), Some((&"open".to_owned(), expected.as_slice())));
    }
    assert_eq!(verified(&store, now(), &mut rng).unwrap(), [(1, EACH), (2, EACH)].into());
}
