//! A certificate and a manifest together, in an INIT: `docs/protocol.md` B4.5 step 2. (Bundles: `prekey::tests`.)

use super::devices;
use crate::identity::{DeviceCertificate, Fetched, IntroductionError, JudgedAt, UnverifiedCertificates, introduce};
use crate::testing::{Party, Service, at};
use crate::time::{DAY_MS, Timestamp};

fn certificate(party: &Party, now: Timestamp) -> DeviceCertificate {
    let certificates = party.certificates(now);
    UnverifiedCertificates::parse(&certificates.device, &certificates.issuer)
        .unwrap()
        .verify_signatures(&Service::new().trust())
        .unwrap()
        .check_times(JudgedAt::Local(now))
        .unwrap()
}

const fn received(time: Timestamp) -> JudgedAt {
    JudgedAt::Received { server: time, local: time }
}

#[test]
fn t014_an_older_manifest_in_a_message_is_accepted_iff_the_pinned_one_lists_the_device() {
    let [one, two, _] = devices();
    let both = one.next_manifest(&one.manifest, &[&one, &two], at(1));
    let only_two = one.next_manifest(&both, &[&two], at(2));
    for (newest, listed) in [(&both, true), (&only_two, false)] {
        let (pin, _) = one.pin().adopt_chain(Fetched::Answered(&[both.clone(), newest.clone()]), at(2));
        let result = introduce(&certificate(&one, at(3)), &one.manifest, Some(&pin.pin), received(at(3)));
        match listed {
            true => assert_eq!(result.unwrap().pin, pin.pin, "nothing is adopted"),
            false => assert_eq!(result.unwrap_err(), IntroductionError::NotListed),
        }
    }
}

#[test]
fn t020_a_device_of_an_older_registration_is_not_introduced() {
    let (old, new) = (Party::device(1, 1, 11), Party::device(1, 1, 12));
    let next = old.next_manifest(&old.manifest, &[&new], at(1));
    let pin = old.pin().adopt_chain(Fetched::Answered(core::slice::from_ref(&next)), at(1)).0.pin;
    let judge = |party: &Party| introduce(&certificate(party, at(2)), &next, Some(&pin), received(at(2)));
    assert_eq!(judge(&old).unwrap_err(), IntroductionError::NotListed);
    assert_eq!(judge(&new).unwrap().listed, new.listed(), "control");
}

#[test]
fn a_manifest_is_not_expired_at_the_time_of_the_message() {
    let party = Party::new(1);
    let end = at(0).plus(30 * DAY_MS);
    let judge = |server: Timestamp, local| {
        let at = JudgedAt::Received { server, local };
        introduce(&certificate(&party, server), &party.manifest, None, at).map(|_| ())
    };
    assert_eq!(judge(end, end), Err(IntroductionError::Expired));
    assert_eq!(judge(end.minus(1), end.plus(DAY_MS)), Ok(()), "control: it waited in the mailbox");
}
