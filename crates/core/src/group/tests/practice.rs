//! Who the people of a practice are, the practice says, also in its groups: B13.2 and B13.5.

use super::fixture::*;
use super::*;
use crate::content::BodyKind;
use crate::group::{FanOutError, JoinError, MessageVerdict, SentIn};
use crate::organization::{Directory, DirectoryDraft};
use crate::testing::{at, ed25519};

/// Everybody, where the service gave an identity key of its own for one person, who was never met before.
fn misled(person: u8) -> Known {
    Known::all().with(AccountKeys { aik: ed25519(0x55).public_key(), ..keys(person) })
}

/// A state that names the same key for the person.
fn with_key_of_the_service(base: &GroupState, by: u8, person: u8) -> GroupState {
    next(base, by, |draft| {
        let named = draft.members.iter_mut().filter(|member| member.account == id_of(person));
        named.for_each(|member| member.aik = ed25519(0x55).public_key());
    })
}

/// The practice says in its next directory that the person has the key of the service, and had its own before.
fn replaced(person: u8) -> Known {
    let known = misled(person);
    let pin = known.pin.clone().unwrap();
    let mut draft: DirectoryDraft = directory_draft(&STAFF);
    for entry in draft.members.iter_mut().filter(|entry| entry.account == id_of(person)) {
        entry.previous_aiks = vec![entry.aik];
        entry.aik = ed25519(0x55).public_key();
    }
    let directory = Directory::issue(&org_key(), Some(pin.current()), draft, at(50)).unwrap();
    let pin = pin.judge(&directory, crate::identity::Source::Message, known.now).unwrap().pin;
    Known { pin: Some(pin), ..known }
}

#[test]
fn t148_an_archive_under_a_key_that_the_practice_does_not_list_gets_nothing() {
    let known = misled(ARCHIVE);
    // The owner was misled too, and names that key.
    let named = with_key_of_the_service(&clinical(), OWNER, ARCHIVE);
    let roster = Roster::created(named.clone(), known.now);
    let text = |known: &Known| roster.fan_out(id_of(OWNER), BodyKind::Text, &known.evidence());
    assert_eq!(text(&known), Err(FanOutError::NoArchive));
    let receipt = roster.sorted(&known.evidence());
    assert_eq!((receipt.blocked, receipt.recipients.contains(&id_of(ARCHIVE))), (vec![id_of(ARCHIVE)], false));
    // Nor is a state valid that needs it.
    let base = Roster::created(clinical(), known.now);
    let waits = applied(&base, &[&named], &known).roster;
    assert_eq!(waits.waiting().collect::<Vec<_>>(), [(named.hash(), Lack::Archive)]);
    // Control: when the practice has replaced the key, the archive is who it was.
    let replaced = replaced(ARCHIVE);
    assert!(text(&replaced).unwrap().recipients.contains(&id_of(ARCHIVE)));
    assert_eq!(applied(&base, &[&named], &replaced).roster.current(), &named);
}

#[test]
fn t117_nobody_owns_a_clinical_group_under_a_key_that_the_practice_does_not_list() {
    let (known, replaced) = (misled(OWNER), replaced(OWNER));
    let forged = with_key_of_the_service(&clinical(), OWNER, OWNER);
    let join = |known: &Known| Roster::join(&forged.to_signed(), id_of(PATIENT), id_of(OWNER), &known.evidence());
    assert_eq!(join(&known).unwrap_err(), JoinError::Lacking(Lack::Owner));
    assert_eq!(join(&replaced).unwrap().roster.current(), &forged, "control");
    // The same for who owned the group already.
    let after = titled(&forged, OWNER, "after");
    let roster = Roster::created(forged.clone(), known.now);
    assert_eq!(applied(&roster, &[&after], &known).roster.current(), &forged);
    assert_eq!(applied(&roster, &[&after], &replaced).roster.current(), &after, "control");
}

#[test]
fn t120_a_message_of_staff_under_a_key_that_the_practice_does_not_list_is_held() {
    let known = misled(DOCTOR);
    let named = with_key_of_the_service(&clinical(), OWNER, DOCTOR);
    let roster = Roster::created(named.clone(), known.now);
    let aik = ed25519(0x55).public_key();
    let message = SentIn { sender: id_of(DOCTOR), aik: &aik, state: Some(named.hash()), kind: BodyKind::Text };
    let verdict = roster.judge_message(&message, &known.evidence()).unwrap();
    assert!(matches!(verdict, MessageVerdict::IdentityChanged(change)
        if change.pinned == aik && change.new == ed25519(DOCTOR).public_key()));
    assert_eq!(roster.changed_keys(&known.evidence()).count(), 1, "it is shown");
    let verdict = roster.judge_message(&message, &replaced(DOCTOR).evidence());
    assert_eq!(verdict, Ok(MessageVerdict::Accepted), "control");
    // What the practice does not list is not compared: a patient.
    let (patient, named) = (misled(PATIENT), with_key_of_the_service(&clinical(), OWNER, PATIENT));
    assert!(gets(&Roster::created(named, patient.now), PATIENT, &patient));
}
