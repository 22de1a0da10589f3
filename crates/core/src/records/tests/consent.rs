use core::num::NonZeroU64;

use super::super::*;
use super::fixture::{PLACE, evidence, sign, verified};
use crate::ids::{AccountId, ConsentId};
use crate::testing::{Party as Person, account, at};
use crate::time::Timestamp;
use crate::wire::v1;
use crate::wire::v1::content::Body;

const PATIENT: AccountId = account(0xc0);
const SCOPE: &str = "messaging";

fn given() -> Consent {
    Consent {
        id: ConsentId::from_bytes([1; 16]),
        scope: SCOPE.to_owned(),
        text_sha256: [2; 32],
        text_version: "3".to_owned(),
        channel: Channel::App,
        given_at: Some(at(0)),
        expires_at: None,
        withdrawn_at: None,
        patient: PATIENT,
        alternative: "Call the practice.".to_owned(),
    }
}

fn withdrawn() -> Consent {
    Consent { withdrawn_at: Some(at(50)), ..given() }
}

const FIRST: NonZeroU64 = NonZeroU64::MIN;

/// Signed by the device of the account all of whose bytes are `by`.
fn admit(consent: &Consent, (by, role): (u8, Recorder), received: Timestamp) -> Result<ConsentRecord, ConsentError> {
    let statement = verified(&Person::new(by), StatementKind::Consent, consent.to_bytes(), received);
    ConsentRecord::admit(&statement, role, FIRST)
}

const BY_PATIENT: (u8, Recorder) = (0xc0, Recorder::Patient);

fn by_patient(consent: &Consent, received: Timestamp) -> ConsentRecord {
    admit(consent, BY_PATIENT, received).unwrap()
}

fn standing(records: &[ConsentRecord]) -> ConsentStanding<'_> {
    consent_standing(records, &PATIENT, SCOPE, at(1_000))
}

const ENDED: ConsentStanding<'static> = ConsentStanding::Ended { alternative: "Call the practice." };

#[test]
fn t151_withdrawal_by_a_non_patient_is_ignored() {
    for (channel, signer) in [
        (Channel::App, (0xa1, Recorder::Other)),
        (Channel::App, (0xa1, Recorder::Clinician)),
        (Channel::App, (0xc1, Recorder::Patient)),
        (Channel::Verbal, (0xc0, Recorder::Patient)),
        (Channel::Verbal, (0xa1, Recorder::Other)),
        (Channel::Paper, (0xc2, Recorder::Proxy)),
    ] {
        let withdrawal = Consent { channel, ..withdrawn() };
        assert_eq!(
            admit(&withdrawal, signer, at(60)).unwrap_err(),
            ConsentError::NotEntitled,
            "{channel:?} {signer:?}"
        );
    }
    let records = [by_patient(&given(), at(1))];
    assert_eq!(standing(&records), ConsentStanding::InForce, "nothing was admitted");
    for (channel, signer) in [
        (Channel::App, (0xc0, Recorder::Patient)),
        (Channel::App, (0xc2, Recorder::Proxy)),
        (Channel::Verbal, (0xa1, Recorder::Clinician)),
        (Channel::Paper, (0xa1, Recorder::Clinician)),
    ] {
        let withdrawal = Consent { channel, ..withdrawn() };
        let records = [by_patient(&given(), at(1)), admit(&withdrawal, signer, at(60)).unwrap()];
        assert_eq!(standing(&records), ENDED, "control {channel:?} {signer:?}");
    }
}

#[test]
fn t151_after_withdrawal_the_practice_cannot_send_and_the_patient_can() {
    let records = [by_patient(&given(), at(1)), by_patient(&withdrawn(), at(60))];
    let standing = standing(&records);
    assert_eq!(standing, ENDED);
    let text = Body::Text(v1::Text::default());
    let order = Body::Statement(v1::SignedStatement { kind: 1, ..Default::default() });
    let consent = Body::Statement(v1::SignedStatement { kind: 3, ..Default::default() });
    for body in [&text, &order, &Body::Attachment(v1::AttachmentMsg::default())] {
        assert!(!may_send(Party::Practice, &standing, body));
        assert!(may_send(Party::Patient, &standing, body));
        assert!(may_send(Party::Practice, &ConsentStanding::InForce, body), "control");
    }
    for body in [
        consent,
        Body::Control(v1::Control::default()),
        Body::Receipt(v1::Receipt::default()),
        Body::GroupUpdate(v1::GroupUpdate::default()),
    ] {
        assert!(may_send(Party::Practice, &standing, &body), "control");
    }
}

#[test]
fn t151_consent_presented_as_an_order_is_invalid() {
    let patient = Person::new(0xc0);
    let signed = sign(&patient, StatementKind::Consent, given().to_bytes());
    let mut as_order = signed.clone();
    as_order.kind = StatementKind::Order.as_u32();
    let (trust, pin) = (crate::testing::Service::new().trust(), patient.pin());
    let verify = |statement| VerifiedStatement::verify(statement, PLACE, &evidence(&patient, &pin, &trust, at(1)));
    assert_eq!(verify(&as_order), Err(StatementError::Signature));
    let verified = verify(&signed).unwrap();
    assert!(ConsentRecord::admit(&verified, Recorder::Patient, FIRST).is_ok(), "control");
    // And the reverse: the body of an order, signed as one, is never a consent.
    let order = verify(&sign(&patient, StatementKind::Order, given().to_bytes())).unwrap();
    assert_eq!(ConsentRecord::admit(&order, Recorder::Patient, FIRST).unwrap_err(), ConsentError::OtherKind);
}

#[test]
fn t151_latest_by_server_time_counts_and_at_a_tie_the_withdrawal() {
    let (yes, no) = (given(), withdrawn());
    assert_eq!(standing(&[]), ConsentStanding::Absent);
    // The order in which they came in means nothing.
    let renewed = [by_patient(&yes, at(90)), by_patient(&no, at(60)), by_patient(&yes, at(1))];
    assert_eq!(standing(&renewed), ConsentStanding::InForce);
    let tie = [by_patient(&no, at(60)), by_patient(&yes, at(60))];
    assert_eq!(standing(&tie), ENDED);
    let tie = [by_patient(&yes, at(60)), by_patient(&no, at(60))];
    assert_eq!(standing(&tie), ENDED);
    // Another scope or patient is another consent.
    assert_eq!(consent_standing(&tie, &PATIENT, "research", at(1_000)), ConsentStanding::Absent);
    assert_eq!(consent_standing(&tie, &account(0xc1), SCOPE, at(1_000)), ConsentStanding::Absent);
}

#[test]
fn t151_service_cannot_put_a_withdrawal_before_the_consent_that_it_ends() {
    let said = |consent: &Consent, seq, received| {
        let statement = verified(&Person::new(0xc0), StatementKind::Consent, consent.to_bytes(), received);
        ConsentRecord::admit(&statement, Recorder::Patient, NonZeroU64::new(seq).unwrap()).unwrap()
    };
    let (yes, no) = (given(), withdrawn());
    // Received first, or so the service says, and said second.
    assert_eq!(standing(&[said(&yes, 4, at(90)), said(&no, 5, at(60))]), ENDED);
    assert_eq!(standing(&[said(&no, 4, at(90)), said(&yes, 5, at(60))]), ConsentStanding::InForce);
    // Another device counts by time: a clinician's record of a withdrawal is not bound to the patient's numbers.
    let paper = Consent { channel: Channel::Paper, ..no };
    let recorded = |received| admit(&paper, (0xa1, Recorder::Clinician), received).unwrap();
    assert_eq!(standing(&[said(&yes, 4, at(60)), recorded(at(90))]), ENDED);
    assert_eq!(standing(&[said(&yes, 4, at(90)), recorded(at(60))]), ConsentStanding::InForce);
    // What another scope says replaces nothing.
    let other = Consent { scope: "research".to_owned(), ..given() };
    assert_eq!(standing(&[said(&withdrawn(), 4, at(60)), said(&other, 5, at(90))]), ENDED);
}

#[test]
fn t151_consent_expires() {
    let until = Consent { expires_at: Some(at(100)), ..given() };
    let records = [by_patient(&until, at(1))];
    let at_time = |now| consent_standing(&records, &PATIENT, SCOPE, now);
    assert_eq!(at_time(at(100).minus(1)), ConsentStanding::InForce);
    assert_eq!(at_time(at(100)), ENDED);
}

#[test]
fn consent_without_a_time_or_with_wrong_lengths_is_malformed() {
    let neither = Consent { given_at: None, ..given() };
    assert_eq!(admit(&neither, BY_PATIENT, at(1)).unwrap_err(), ConsentError::Malformed);
    for body in [b"\x0a\x01x".as_slice(), b"\xff"] {
        let statement = verified(&Person::new(0xc0), StatementKind::Consent, body.to_vec(), at(1));
        assert_eq!(ConsentRecord::admit(&statement, Recorder::Patient, FIRST).unwrap_err(), ConsentError::Malformed);
    }
}

/// What a signature covers is read strictly: with a field that is not known it could say more to a newer reader.
#[test]
fn consent_that_is_not_canonical_is_malformed() {
    let mut body = given().to_bytes();
    let admit = |body: Vec<u8>| {
        let statement = verified(&Person::new(0xc0), StatementKind::Consent, body, at(1));
        ConsentRecord::admit(&statement, Recorder::Patient, FIRST).map(|_| ())
    };
    admit(body.clone()).unwrap();
    body.extend_from_slice(&[0x58, 0x01]); // field 11
    assert_eq!(admit(body).unwrap_err(), ConsentError::Malformed);
}
