//! What the operator of the service could see, and what this run measured.

use std::collections::BTreeMap;
use std::time::Duration;

use super::prefix;
use crate::demo::error::DemoError;
use crate::demo::mailbox::Kind;
use crate::demo::narrator::grouped;
use crate::demo::world::{Who, World};

pub(super) fn tell(world: &mut World) -> Result<(), DemoError> {
    world.narrator.chapter("What the mailbox operator could see")?;
    envelopes(world)?;
    nothing_shows(world)?;
    let blobs: Vec<String> = world.blobs.sizes().map(|size| grouped(size as u64)).collect();
    world.narrator.say(&format!(
        "Besides: when each of them came, {} key bundles that somebody fetched for these mailboxes, and sealed files of \
         {} bytes. On a real network also the address from which each request came.",
        world.service.served(),
        blobs.join(", "),
    ))?;
    world.narrator.good(&format!(
        "What it could not see: who wrote, and what. Sizes come in few steps and say little of a message's length. None \
         of the {} envelopes shows one of the texts, or whose account it came from.",
        world.mailbox.seen().len(),
    ))?;
    world.narrator.say(
        "What it may guess: that two mailboxes which fill in turns talk with each other. Encryption does not hide times.",
    )?;
    measured(world)?;
    let unread = world.mailbox.waiting();
    world.check(unread == 0, "every envelope was fetched")?;
    let checks = grouped(u64::from(world.checks()));
    Ok(world.narrator.line(&format!("\n{checks} checks passed, 0 failed."))?)
}

fn envelopes(world: &mut World) -> Result<(), DemoError> {
    let mut counts = BTreeMap::new();
    for seen in world.mailbox.seen() {
        let (to, kind, size) = (seen.to, seen.kind(), seen.bytes.len());
        let count: &mut u32 = counts.entry((to, kind, size)).or_default();
        *count = count.saturating_add(1);
    }
    let rows: Vec<[String; 4]> = counts
        .into_iter()
        .map(|((to, kind, size), count)| {
            let mailbox = format!("account {}, device {}", prefix(to.account.as_bytes()), to.device.as_u32());
            [mailbox, kind.name().to_owned(), grouped(size as u64), grouped(u64::from(count))]
        })
        .collect();
    world.narrator.table(["mailbox (random numbers)", "kind", "bytes", "envelopes"], &rows)?;
    world.narrator.say(
        "SEALED: its sender is encrypted inside. SESSION: a message of a conversation that exists; nothing in it names \
         one.",
    )?;
    Ok(())
}

/// Looks for every text and every account in the bytes that the operator kept.
fn nothing_shows(world: &mut World) -> Result<(), DemoError> {
    let accounts = Who::ALL.map(|who| world.address(who).account.as_bytes().to_vec());
    let shown = |bytes: &[u8], secret: &Vec<u8>| bytes.windows(secret.len().max(1)).any(|window| window == secret);
    let hidden = world.mailbox.seen().iter().all(|seen| {
        let mut secrets = world.secrets.iter().chain(&accounts);
        seen.kind() != Kind::Other && !secrets.any(|secret| shown(&seen.bytes, secret))
    });
    world.check(hidden, "no envelope shows a text or an account")
}

fn measured(world: &mut World) -> Result<(), DemoError> {
    world.narrator.chapter("How long it took in this run, on this computer")?;
    let laps = world.watch.laps().iter();
    let rows: Vec<[String; 3]> =
        laps.map(|lap| [lap.step.to_owned(), grouped(u64::from(lap.count)), spoken(lap.mean())]).collect();
    Ok(world.narrator.table(["step", "times", "mean"], &rows)?)
}

fn spoken(duration: Duration) -> String {
    match duration.as_micros() {
        micros @ 0..10_000 => format!("{micros} µs"),
        micros => format!("{} ms", micros / 1_000),
    }
}
