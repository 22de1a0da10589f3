//! Bundles, the first sealed messages, the answer, the safety number: `docs/protocol.md` B3, B4, B7.2, B11.

use carevow_core::errors::DecryptError;
use carevow_core::handshake::{INIT_HEADER_BYTES, PrekeyUse};
use carevow_core::identity::LocalDevice;
use carevow_core::prekey::{BundleError, BundleFault, BundleParts, KeyId, RecordFault, SignedPrekey};
use carevow_core::safety_number::{Comparison, Fingerprint, SafetyNumber};

use super::prefix;
use crate::demo::device::Received;
use crate::demo::error::DemoError;
use crate::demo::mailbox::{Delivery, Kind};
use crate::demo::narrator::grouped;
use crate::demo::world::{Who, World, clock};

pub(super) fn tell(world: &mut World) -> Result<(), DemoError> {
    world.narrator.chapter("2. The patient writes first")?;
    foreign_key_is_refused(world)?;
    begin(world, Who::Patient, Who::Clinician)?;
    begin(world, Who::Patient, Who::Connector)?;
    begin(world, Who::Clinician, Who::Connector)?;
    world.narrator.say(
        "The patient's phone fetched the keys of both devices of the practice, without saying who asks, and checked \
         every signature from the service's root down to the last key.",
    )?;
    world.send_text(Who::Patient, QUESTION)?;
    let (delivery, received) = world.open_next(Who::Clinician)?;
    world.check(received.text() == QUESTION, "the clinician's phone reads what the patient wrote")?;
    world.check(delivery.kind() == Kind::Sealed, "a first message is sealed")?;
    world.narrator.good(&format!(
        "The clinician's phone and the patient's phone agreed on a key. The clinician reads: \"{}\"",
        received.text()
    ))?;
    told_of_keys(world, &delivery, &received)?;
    let record = world.fetch(Who::Connector)?;
    world.refuse(
        Who::Clinician,
        &record,
        DecryptError::DecryptFailed,
        "The service gives the clinician's phone the copy that was made for the record system.",
    )?;
    world.receive(Who::Connector, &record)?;
    world.narrator.say("The record system opened its own copy: each device has keys of its own.")?;
    answer(world)?;
    safety_number(world)
}

/// The directory puts a key of its own into the bundle.
fn foreign_key_is_refused(world: &mut World) -> Result<(), DemoError> {
    let (of, now) = (world.address(Who::Clinician), clock());
    let genuine = world.service.bundle(of, now, &mut world.rng)?;
    let aik = world.device(Who::Clinician).local.public().aik;
    let intruder = LocalDevice::generate(of, aik, &mut world.rng)?;
    let spk = SignedPrekey::generate(&intruder, KeyId(1), now, &mut world.rng)?.signed(&intruder);
    let forged = BundleParts { spk, ..genuine.clone() };
    let phone = world.device(Who::Patient);
    let expected = BundleError::Rejected(BundleFault::Record(RecordFault::Signature));
    let refused = phone.verify(of, &forged.encode(), now).err() == Some(expected);
    let control = phone.verify(of, &genuine.encode(), now).is_ok();
    world.check(refused, "a bundle with a foreign key is refused")?;
    world.check(control, "the genuine bundle is accepted")?;
    Ok(world.narrator.refused(
        "Somebody puts a key of his own among those of the clinician's phone.",
        &RecordFault::Signature.to_string(),
    )?)
}

fn begin(world: &mut World, from: Who, to: Who) -> Result<(), DemoError> {
    let (of, now) = (world.address(to), clock());
    let bundle = world.service.bundle(of, now, &mut world.rng)?.encode();
    let size = bundle.len();
    let (device, rng, watch) = world.parts(from);
    let verified = watch.time("verify a key bundle", || device.verify(of, &bundle, now))?;
    watch.time("begin a session", || device.begin(verified, now, rng))?;
    let text = format!("bundle of {}: {} bytes, for {}", to.name(), grouped(size as u64), from.name());
    Ok(world.narrator.bytes(&text)?)
}

fn told_of_keys(world: &mut World, delivery: &Delivery, received: &Received) -> Result<(), DemoError> {
    let grade = received.grade;
    let one_time = grade.is_some_and(|grade| grade.x25519 == PrekeyUse::OneTime && grade.ml_kem == PrekeyUse::OneTime);
    world.check(one_time, "the first message used one-time keys")?;
    world.narrator.say(
        "The key mixes X25519 with ML-KEM-1024: whoever records this message today has to break both, and no way is known \
         to break the second, with a quantum computer either. It was made with keys that serve once; the clinician's phone has deleted them, so not \
         even the phone could open this envelope again.",
    )?;
    let session = world.session(Who::Clinician, Who::Patient)?;
    let (sid, generation) = (session.sid(), session.generation().as_u32());
    let same = world.session(Who::Patient, Who::Clinician)?.sid() == sid && received.sid == sid;
    world.check(same, "both phones name the session alike")?;
    world.narrator.bytes(&format!(
        "session {}…, generation {generation}, header of the first message {} bytes, sealed envelope {} bytes",
        prefix(sid.as_bytes()),
        grouped(INIT_HEADER_BYTES as u64),
        grouped(delivery.bytes.len() as u64),
    ))?;
    Ok(())
}

/// The answer confirms the session: from now on messages travel bare.
fn answer(world: &mut World) -> Result<(), DemoError> {
    world.send_text(Who::Clinician, ANSWER)?;
    let (delivery, received) = world.open_next(Who::Patient)?;
    world.check(received.text() == ANSWER, "the patient's phone reads the answer")?;
    world.check(delivery.kind() == Kind::Session, "an answer travels bare")?;
    let confirmed = world.session(Who::Patient, Who::Clinician)?.confirmed_at().is_some();
    world.check(confirmed, "the answer confirms the session")?;
    world.narrator.good(&format!(
        "The patient reads the answer: \"{ANSWER}\" Now both phones know that the other one has the key.",
    ))?;
    let filed = world.open_all(Who::Connector)?;
    world.check(filed == 1, "the record system gets a copy of the clinician's answer")?;
    world.narrator.say(
        "The clinician's phone sent a copy of the answer to the practice's record system, encrypted for it alone. The \
         record system sends nothing that a person reads; so that both phones know that it has the keys, it sends each an \
         empty message (a real one waits a random while, so that its times tell nothing).",
    )?;
    world.acknowledge(Who::Connector, Who::Patient)?;
    world.acknowledge(Who::Connector, Who::Clinician)?;
    let size = grouped(delivery.bytes.len() as u64);
    Ok(world
        .narrator
        .bytes(&format!("a message of the session: {size} bytes, no sender, no session id in the open"))?)
}

fn safety_number(world: &mut World) -> Result<(), DemoError> {
    let (practice, patient) = (world.device(Who::Clinician).own_identity(), world.device(Who::Patient).own_identity());
    // Each phone puts its own key beside the one that it pinned of the other.
    let unknown = || DemoError::Check("each phone has pinned the other's account".to_owned());
    let patient_as_pinned = world.device(Who::Clinician).pinned_identity(patient.0).ok_or_else(unknown)?;
    let practice_as_pinned = world.device(Who::Patient).pinned_identity(practice.0).ok_or_else(unknown)?;
    let [own_practice, pinned_patient, own_patient, pinned_practice] =
        [practice, patient_as_pinned, patient, practice_as_pinned]
            .map(|(account, aik)| world.watch.time("compute half a safety number", || Fingerprint::of(&account, &aik)));
    let at_practice = SafetyNumber::new(own_practice, pinned_patient);
    let at_patient = SafetyNumber::new(own_patient.clone(), pinned_practice);
    let impostor = SafetyNumber::new(Fingerprint::of(&practice.0, &patient.1), own_patient);
    world.check(at_practice.digits() == at_patient.digits(), "both sides show one safety number")?;
    world.check(at_practice.compare(&at_patient.qr()) == Ok(Comparison::Match), "the scanned code matches")?;
    world.check(at_patient.compare(&impostor.qr()) == Ok(Comparison::Mismatch), "a foreign key does not match")?;
    let digits: Vec<char> = at_practice.digits().chars().collect();
    let groups: Vec<String> = digits.chunks(5).map(|group| group.iter().collect()).collect();
    world.narrator.good(
        "Both phones show the same safety number. Compare it in the room or by telephone: if it is the same on both \
         sides, nobody stands in between, not even a service that makes up a whole account. With any other key it is \
         another number; that was tried.",
    )?;
    let (first, second) = groups.split_at(groups.len() / 2);
    world.narrator.line(&format!("      {}\n      {}", first.join(" "), second.join(" ")))?;
    Ok(())
}

const QUESTION: &str = "May I take the new tablets together with breakfast?";
const ANSWER: &str = "Yes. Please write again if you feel dizzy.";
