//! What a core dump of a process would show of its store.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use carevow_testing::memory::occurrences;
use carevow_testing::secret::canary;
use carevow_testing::worker::{Worker, create};

#[test]
fn locked_neither_a_key_nor_a_value_is_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path());
    let root = carevow_testing::keystore::root_of(folder.path());
    drop(store);
    let secret = canary();
    let mut worker = Worker::start(env!("CARGO_BIN_EXE_store_worker"), &["remember", folder.path().to_str().unwrap()]);
    assert_eq!(worker.hear().as_deref(), Some("open"));
    let (roots, searched) = occurrences(worker.id(), root.as_slice());
    let (canaries, _) = occurrences(worker.id(), secret.as_slice());
    assert!(roots > 0 && canaries > 0 && searched > 100_000, "control: {roots}, {canaries} in {searched} bytes");
    worker.go_on();
    assert_eq!(worker.hear().as_deref(), Some("locked"));
    assert_eq!(occurrences(worker.id(), root.as_slice()).0, 0, "the root is still there");
    // Half of it would be too much as well.
    for part in secret.chunks(16) {
        assert_eq!(occurrences(worker.id(), part).0, 0, "the secret is still there");
    }
    worker.go_on();
    assert!(worker.finish().1);
}
