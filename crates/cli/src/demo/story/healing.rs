//! A thief copies the keys of a phone, and is locked out again: `docs/protocol.md` B6.1 and B6.5.

use carevow_core::errors::DecryptError;
use carevow_core::ratchet::{LaneEpochs, Session, SessionMessage};

use crate::demo::error::DemoError;
use crate::demo::mailbox::Delivery;
use crate::demo::world::{Who, World, clock};

pub(super) fn tell(world: &mut World) -> Result<(), DemoError> {
    world.narrator.chapter("5. A thief copies the patient's keys")?;
    let stolen = world.session(Who::Patient, Who::Clinician)?.lane_epochs();
    let mut thief = copied(world)?;
    let seen = exchange(world, Who::Clinician, "The values look fine so far.")?;
    let opened = attempt(&thief, &seen);
    world.check(opened.is_ok(), "a complete copy of the keys opens the next message")?;
    thief = opened.unwrap_or(thief);
    world.narrator.say(
        "Somebody copies every key of this conversation from the patient's phone. With them the next message of the \
         clinician opens: a copy is as good as the phone, for a moment.",
    )?;
    exchange(world, Who::Patient, "That is good to hear.")?;
    let hidden = exchange(world, Who::Clinician, "Please go on like this.")?;
    let refused = attempt(&thief, &hidden).err();
    world.check(refused == Some(DecryptError::DecryptFailed), "the copy opens nothing after the phone has written")?;
    world.narrator.refused(
        "The patient's phone writes once, with a fresh key, and the clinician answers. The thief tries to open the \
         answer.",
        &DecryptError::DecryptFailed.to_string(),
    )?;
    let mut turns = 1_u32;
    while !healed(world, stolen)? {
        turns = turns.saturating_add(1);
        world.check(turns <= MOST_TURNS, "the conversation heals within a few exchanges")?;
        exchange(world, Who::Patient, "Thank you.")?;
        let hidden = exchange(world, Who::Clinician, "You are welcome.")?;
        world.check(attempt(&thief, &hidden).is_err(), "the copy stays locked out")?;
    }
    let now = world.session(Who::Patient, Who::Clinician)?.lane_epochs();
    world.narrator.good(&format!(
        "After {turns} exchanges the conversation has healed, against a quantum computer too: an ML-KEM key that did \
         not exist when the copy was made is part of the conversation's key now. The thief's copy and a quantum \
         computer together do not open what follows.",
    ))?;
    world.narrator.bytes(&format!(
        "epochs at the patient's phone: own {} -> {}, of the other device {} -> {} (one that was open at the theft does \
         not count)",
        stolen.own, now.own, stolen.peer, now.peer,
    ))?;
    Ok(world.narrator.say(
        "This heals a copy of this conversation's keys, made once. Whoever stays in the phone, or copied the phone's \
         identity keys too, is not locked out by it: then the phone has to be removed from the account.",
    )?)
}

/// An epoch whose offer was made after the theft: the one after any that may have been open then.
fn healed(world: &World, stolen: LaneEpochs) -> Result<bool, DemoError> {
    let after = |epoch: u32| epoch.saturating_add(2);
    let practice = world.session(Who::Clinician, Who::Patient)?.lane_epochs();
    let patient = world.session(Who::Patient, Who::Clinician)?.lane_epochs();
    let on_own_lane = patient.own >= after(stolen.own) && practice.peer >= after(stolen.own);
    let on_peer_lane = patient.peer >= after(stolen.peer) && practice.own >= after(stolen.peer);
    Ok(on_own_lane || on_peer_lane)
}

fn copied(world: &World) -> Result<Session, DemoError> {
    let bytes = world.session(Who::Patient, Who::Clinician)?.to_bytes();
    Session::from_bytes(&bytes)
        .map_err(|error| DemoError::Protocol { step: "loading a session", reason: error.to_string() })
}

fn attempt(thief: &Session, delivery: &Delivery) -> Result<Session, DecryptError> {
    thief.decrypt(&SessionMessage::parse(&delivery.bytes)?, clock()).map(|(_, next)| next)
}

/// One message to the other phone, and what the network saw of it.
fn exchange(world: &mut World, from: Who, text: &str) -> Result<Delivery, DemoError> {
    let to = if from == Who::Patient { Who::Clinician } else { Who::Patient };
    world.send_text(from, text)?;
    let (delivery, received) = world.open_next(to)?;
    world.check(received.text() == text, "a message reads as it was written")?;
    world.open_all(Who::Connector)?;
    Ok(delivery)
}

/// With the policy of B6.5 and messages this short a fresh epoch takes a handful of exchanges.
const MOST_TURNS: u32 = 30;
