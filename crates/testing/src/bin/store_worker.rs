//! A process that uses a store, to be watched and killed: `store_worker enter FOLDER WRITER COUNT`, `store_worker
//! remember FOLDER`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "whoever watches sees that it ended")]

use std::path::Path;

use carevow_core::ConversationId;
use carevow_store::{Sealing, Table};
use carevow_testing::worker::{now, open, rng, say};
use carevow_testing::{ledger, secret};
use zeroize::Zeroizing;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["enter", folder, writer, count] => enter(folder.as_ref(), writer.parse().unwrap(), count.parse().unwrap()),
        ["remember", folder] => remember(folder.as_ref()),
        _ => panic!("not told what to do"),
    }
}

/// Makes entries, and says the number of each once it is durable.
fn enter(folder: &Path, writer: u8, count: u64) {
    let store = open(folder).unwrap();
    let mut rng = rng();
    say("open");
    for _ in 0..count {
        say(ledger::enter(&store, writer, now(), &mut rng).unwrap());
    }
}

/// Stores a secret and reads it again; says when it holds it, when the store is locked, and waits after each.
fn remember(folder: &Path) {
    const TABLE: Table = Table::new(16).unwrap();
    let sealing = Sealing::Conversation(ConversationId::from_bytes([0x32; 16]));
    let store = open(folder).unwrap();
    let mut rng = rng();
    let canary = secret::canary();
    store.transact(now(), &mut rng, |tx| tx.put(TABLE, canary.as_slice(), None, sealing, canary.as_slice())).unwrap();
    let read = store.transact(now(), &mut rng, |tx| tx.get(TABLE, canary.as_slice(), sealing)).unwrap();
    assert!(read.is_some_and(|read: Zeroizing<Vec<u8>>| *read == *canary));
    say("open");
    wait();
    drop(canary);
    store.lock().unwrap();
    say("locked");
    wait();
}

fn wait() {
    std::io::stdin().read_line(&mut String::new()).unwrap();
}
