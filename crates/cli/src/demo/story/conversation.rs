//! Messages both ways, and the lanes that bring fresh ML-KEM keys: `docs/protocol.md` B6.

use crate::demo::error::DemoError;
use crate::demo::narrator::grouped;
use crate::demo::world::{Who, World};

pub(super) fn tell(world: &mut World) -> Result<(), DemoError> {
    world.narrator.chapter("3. They talk")?;
    let mut sizes = Vec::new();
    for (from, to, text) in LINES {
        world.send_text(from, text)?;
        let (delivery, received) = world.open_next(to)?;
        world.check(received.text() == text, "a message reads as it was written")?;
        world.check(received.from == world.address(from), "a message comes from who wrote it")?;
        world.open_all(Who::Connector)?;
        let speaker = if from == Who::Patient { "Patient" } else { "Clinician" };
        world.narrator.say(&format!("{speaker}: \"{text}\""))?;
        let epochs = world.session(to, from)?.lane_epochs();
        let size = delivery.bytes.len();
        world.narrator.bytes(&format!(
            "{} bytes; ML-KEM epochs mixed so far at {}: own {}, of the other device {}",
            grouped(size as u64),
            to.name(),
            epochs.own,
            epochs.peer,
        ))?;
        sizes.push(size);
    }
    let at_patient = world.session(Who::Patient, Who::Clinician)?.lane_epochs();
    let at_practice = world.session(Who::Clinician, Who::Patient)?.lane_epochs();
    let agreed = (at_patient.own, at_patient.peer) == (at_practice.peer, at_practice.own);
    world.check(agreed, "both phones count the same ML-KEM epochs")?;
    let fresh = at_patient.own.saturating_add(at_patient.peer);
    world.check(fresh >= 1, "fresh ML-KEM keys are in the conversation's key")?;
    let (smallest, largest) = (sizes.iter().min().copied(), sizes.iter().max().copied());
    world.check(smallest == largest, "every one of these messages has the same size")?;
    let size = grouped(smallest.unwrap_or(0) as u64);
    world.narrator.good(&format!(
        "{} messages, each encrypted with a key of its own that both phones then destroyed. All of them are {size} \
         bytes long on the network, whatever they say.",
        LINES.len(),
    ))?;
    Ok(world.narrator.say(&format!(
        "In the room that padding leaves travelled fresh ML-KEM keys, made after the conversation began: {fresh} times such a key has become \
         part of the conversation's key. Why this matters is shown in chapter 5.",
    ))?)
}

const LINES: [(Who, Who, &str); 6] = [
    (Who::Patient, Who::Clinician, "Thank you. How long shall I take them?"),
    (Who::Clinician, Who::Patient, "Two weeks, then we look at the blood pressure again."),
    (Who::Patient, Who::Clinician, "Good."),
    (Who::Clinician, Who::Patient, "Do you still have the device for measuring it at home?"),
    (Who::Patient, Who::Clinician, "Yes, and I write the values down every morning."),
    (Who::Clinician, Who::Patient, "Very good. Send them to me on Friday, please."),
];
