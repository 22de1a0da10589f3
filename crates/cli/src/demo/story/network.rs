//! A bad network and a bad operator: lost, late, doubled, replayed and changed envelopes: `docs/protocol.md` B6, B7, B9.

use carevow_core::content::{Body, Outgoing, Repeat, Sequenced, Text};
use carevow_core::errors::DecryptError;

use crate::demo::device::Refused;
use crate::demo::error::DemoError;
use crate::demo::mailbox::{Delivery, Kind};
use crate::demo::narrator::grouped;
use crate::demo::world::{Who, World, clock};

pub(super) fn tell(world: &mut World) -> Result<(), DemoError> {
    world.narrator.chapter("4. The network misbehaves")?;
    lost_and_late(world)?;
    changed(world)?;
    replayed(world)
}

/// Four messages: the second is lost, the fourth overtakes the third.
fn lost_and_late(world: &mut World) -> Result<(), DemoError> {
    let mut written = Vec::new();
    let mut flights = Vec::new();
    for text in ["Monday: 142 over 91.", "Tuesday: 139 over 88.", "Wednesday: 137 over 86.", "Thursday: 135 over 85."] {
        let content = write(world, text)?;
        world.submit(Who::Patient, Who::Clinician, &content, clock())?;
        world.submit(Who::Patient, Who::Connector, &content, clock())?;
        flights.push(world.fetch(Who::Clinician)?);
        written.push(content);
    }
    filed(world, 4)?;
    let ([first, lost, third, fourth], [_, second, ..]) = (flights.as_slice(), written.as_slice()) else {
        return Err(DemoError::Check("four messages were sent".to_owned()));
    };
    let patient = world.address(Who::Patient);
    arrives(world, first, Sequenced::Ahead)?;
    arrives(world, fourth, Sequenced::Ahead)?;
    world.check(world.device(Who::Clinician).missing(patient).len() == 2, "the phone counts two missing messages")?;
    arrives(world, third, Sequenced::Late)?;
    let missing = world.device(Who::Clinician).missing(patient);
    world.check(missing.len() == 1, "the phone counts one missing message")?;
    let number = missing.first().copied().unwrap_or(0);
    world.narrator.good(&format!(
        "Of four messages the second got lost and the last two changed places. Those that came opened. The clinician's \
         phone knows that exactly one is missing: number {number}. What a service leaves out is noticed as soon as something later arrives, and reported if it stays away for a day.",
    ))?;
    world.submit(Who::Patient, Who::Clinician, second, clock())?;
    let again = world.fetch(Who::Clinician)?;
    arrives(world, &again, Sequenced::Late)?;
    let complete = world.device(Who::Clinician).missing(patient).is_empty();
    world.check(complete, "nothing is missing after the message was sent again")?;
    let outcome = world.receive(Who::Clinician, lost).err();
    world.check(outcome == Some(Refused::Repeated(Repeat::Duplicate)), "a copy that comes twice is shown once")?;
    Ok(world.narrator.good(
        "Sent again, newly encrypted, it fills the gap. Then the lost one turned up after all: it was recognised, and the \
         clinician does not see it twice. The record system got all four at once: each device has its own copy.",
    )?)
}

/// The record system misses nothing of what the patient wrote.
fn filed(world: &mut World, count: usize) -> Result<(), DemoError> {
    let opened = world.open_all(Who::Connector)?;
    let patient = world.address(Who::Patient);
    let missing = world.device(Who::Connector).missing(patient);
    world.check(opened == count && missing.is_empty(), "the record system has all that the patient wrote")
}

fn arrives(world: &mut World, delivery: &Delivery, expected: Sequenced) -> Result<(), DemoError> {
    let received = world.receive(Who::Clinician, delivery)?;
    world.check(received.sequenced == Some(expected), "a message has its place in the order")
}

/// The service changes an envelope on its way.
fn changed(world: &mut World) -> Result<(), DemoError> {
    let text = "Friday: 134 over 85.";
    let content = write(world, text)?;
    world.submit(Who::Patient, Who::Clinician, &content, clock())?;
    world.submit(Who::Patient, Who::Connector, &content, clock())?;
    filed(world, 1)?;
    let genuine = world.fetch(Who::Clinician)?;
    let size = genuine.bytes.len();
    world.refuse(
        Who::Clinician,
        &genuine.flipped(size.saturating_sub(1)),
        DecryptError::DecryptFailed,
        "The service changes one bit in the text of a message.",
    )?;
    world.refuse(
        Who::Clinician,
        &genuine.flipped(20),
        DecryptError::NoSession,
        "The service changes one bit in the encrypted header of the message.",
    )?;
    world.refuse(
        Who::Clinician,
        &genuine.flipped(1),
        DecryptError::UnsupportedVersion,
        "The service changes the version number of the message.",
    )?;
    let cut = genuine.bytes.get(..size / 2).unwrap_or_default().to_vec();
    world.refuse(
        Who::Clinician,
        &genuine.with_bytes(cut),
        DecryptError::DecryptFailed,
        "The service delivers half of the message.",
    )?;
    for index in 0..size {
        let opened = world.receive(Who::Clinician, &genuine.flipped(index)).is_ok();
        world.check(!opened, "a message with one changed bit does not open")?;
    }
    let received = world.receive(Who::Clinician, &genuine)?;
    world.check(received.text() == text, "the genuine message opens after all of that")?;
    world.narrator.good(&format!(
        "Each of the {} bytes of the message was changed in turn, and none of these messages opened. The genuine one \
         then opened as if nothing had happened.",
        grouped(size as u64),
    ))?;
    world.refuse(
        Who::Clinician,
        &genuine,
        DecryptError::Duplicate,
        "The service delivers the same message a second time.",
    )
}

/// The service plays the first sealed envelope again, with and without the phone's memory of it.
fn replayed(world: &mut World) -> Result<(), DemoError> {
    let phone = world.address(Who::Clinician);
    let first = world.mailbox.seen().iter().find(|seen| seen.to == phone && seen.kind() == Kind::Sealed).cloned();
    let first = first.ok_or_else(|| DemoError::Check("the operator kept the first envelope".to_owned()))?;
    world.refuse(
        Who::Clinician,
        &first,
        DecryptError::Duplicate,
        "The service replays the sealed envelope of the first message.",
    )?;
    world.parts(Who::Clinician).0.forget_envelopes();
    world.refuse(
        Who::Clinician,
        &first,
        DecryptError::NoSession,
        "The service replays it to a phone that has lost its list of envelopes: the key is gone.",
    )?;
    world.parts(Who::Clinician).0.forget_envelopes();
    world.refuse(
        Who::Clinician,
        &first.flipped(first.bytes.len() / 2),
        DecryptError::DecryptFailed,
        "The service changes one bit of the sealed envelope and tries again.",
    )
}

fn write(world: &mut World, text: &str) -> Result<Outgoing, DemoError> {
    world.secrets.push(text.as_bytes().to_vec());
    let (practice, now) = (world.address(Who::Clinician).account, clock());
    let (phone, rng, _) = world.parts(Who::Patient);
    phone.write(practice, Body::Text(Text { text: text.to_owned(), reply_to: None }), now, rng)
}
