//! After a directory that lost: B17 rule 1 with B2.3, gap rules 2 and 3.

use super::*;
use crate::identity::{Fetched, Source};
use crate::organization::{AikChange, AikVerdict, DirectoryEvent, TrustedOrgKey, org_key_fingerprint};
use crate::time::DAY_MS;

/// 1 to 3 list the persons 1 and 2; 4 and 5 list what the test says.
fn chain_to(last: Vec<OrgMember>) -> Vec<Directory> {
    let mut chain = chain(3);
    chain.push(issued_at(chain.last(), last.clone(), at(4)));
    chain.push(issued_at(chain.last(), last, at(5)));
    chain
}

fn jumped(chain: &[Directory]) -> DirectoryPin {
    pinned(&chain[0]).judge(&chain[4], Source::Message, at(9)).unwrap().pin
}

/// After the service answered without the fourth.
fn lost(chain: &[Directory]) -> DirectoryPin {
    let (adoption, refused) = jumped(chain).adopt_chain(Fetched::Answered(&chain[1..3]), at(10));
    assert_eq!((&adoption.events[0], refused), (&DirectoryEvent::Fork, None));
    assert_eq!(DirectoryPin::from_bytes(&adoption.pin.to_bytes()), Ok(adoption.pin.clone()));
    adoption.pin
}

fn honest(chain: &[Directory]) -> DirectoryPin {
    pinned(&chain[0]).adopt_chain(Fetched::Answered(&chain[1..3]), at(10)).0.pin
}

fn both_after(previous: &Directory) -> Directory {
    issued_at(Some(previous), vec![entry(1), entry(2)], at(20))
}

/// Whether the person is closed, listed, and listed as a clinician.
fn seen(pin: &DirectoryPin, person: u8) -> (bool, bool, bool) {
    let account = account(person);
    let listed = pin.listed(account, at(10)).is_some();
    (pin.closes(account, at(10)), listed, pin.lists(account, OrgRole::Clinical, at(10)))
}

const CLOSED: (bool, bool, bool) = (true, false, false);
const OPEN: (bool, bool, bool) = (false, true, true);

#[test]
fn t144_whom_the_losing_directory_removed_stays_closed_until_a_higher_seq() {
    let chain = chain_to(vec![entry(1)]);
    let pin = lost(&chain);
    assert_eq!(pin.current(), &chain[2]);
    assert_eq!((seen(&pin, 1), seen(&pin, 2)), (OPEN, CLOSED));
    let fourth = both_after(&chain[2]);
    let fifth = both_after(&fourth);
    let same_seq = pin.adopt_chain(Fetched::Answered(&[fourth, fifth.clone()]), at(11)).0.pin;
    assert_eq!((same_seq.current(), seen(&same_seq, 2)), (&fifth, CLOSED));
    let higher = same_seq.judge(&both_after(&fifth), Source::Message, at(12)).unwrap().pin;
    assert_eq!(seen(&higher, 2), OPEN);
    let own = pin.adopt_chain(Fetched::Answered(&chain[3..]), at(11)).0.pin;
    assert_eq!((own.current(), seen(&own, 2)), (&chain[4], CLOSED), "the losing one itself");
    assert_eq!(seen(&honest(&chain), 2), OPEN, "control: without the jump");
}

#[test]
fn t144_a_role_and_a_key_that_the_losing_directory_took_away_stay_away() {
    let front_desk = OrgMember { roles: vec![OrgRole::FrontDesk], ..entry(2) };
    assert_eq!(seen(&lost(&chain_to(vec![entry(1), front_desk])), 2), (false, true, false));
    let other_key = OrgMember { aik: aik(0x22), ..entry(2) };
    assert_eq!(seen(&lost(&chain_to(vec![entry(1), other_key])), 2), CLOSED);
    let until = OrgMember { not_after: Some(at(10)), ..entry(2) };
    assert_eq!(seen(&lost(&chain_to(vec![entry(1), until])), 2), CLOSED);
    assert_eq!(seen(&lost(&chain_to(vec![entry(1), entry(2)])), 2), OPEN, "control: listed as before");
}

#[test]
fn t144_a_rotation_away_from_the_key_of_what_lost_ends_its_hold() {
    let mut chain = vec![issued(None, vec![entry(1), entry(2)])];
    chain.push(issued_at(chain.last(), vec![entry(1), entry(2)], at(1)));
    chain.push(issued_at(chain.last(), vec![entry(1), entry(2)], at(2)));
    chain.push(issued_at(chain.last(), vec![entry(1)], at(3)));
    chain.push(issued_at(chain.last(), vec![entry(1)], at(4)));
    let announcing = DirectoryDraft { next_org_key: Some(org_key(2).public_key()), ..draft(vec![entry(1), entry(2)]) };
    let second = Directory::issue(&org_key(1), Some(&chain[0]), announcing, at(5)).unwrap();
    let pin = jumped(&chain).adopt_chain(Fetched::Answered(core::slice::from_ref(&second)), at(10)).0.pin;
    assert_eq!(seen(&pin, 2), CLOSED);
    let renewed = pin.judge(&both_after(&second), Source::Message, at(11)).unwrap().pin;
    assert_eq!(seen(&renewed, 2), CLOSED, "control: the third under the same key");
    let rotated = Directory::issue(&org_key(2), Some(&second), draft(vec![entry(1), entry(2)]), at(6)).unwrap();
    assert_eq!(seen(&pin.judge(&rotated, Source::Message, at(11)).unwrap().pin, 2), OPEN);
}

#[test]
fn t144_no_answer_and_an_empty_one_are_no_fork_before_the_deadline() {
    let chain = chain_to(vec![entry(1)]);
    let pin = jumped(&chain);
    let deadline = at(9).plus(30 * DAY_MS);
    assert_eq!(pin.missing().unwrap().deadline, deadline);
    let cases: [fn() -> Fetched<'static, Directory>; 2] = [|| Fetched::Unanswered, || Fetched::Answered(&[])];
    for fetched in cases {
        let (adoption, refused) = pin.adopt_chain(fetched(), deadline.minus(1));
        assert_eq!((adoption.pin, adoption.events, refused), (pin.clone(), vec![], None));
        let (adoption, _) = pin.adopt_chain(fetched(), deadline);
        assert_eq!((adoption.pin.current(), adoption.events), (&chain[0], vec![DirectoryEvent::Fork]));
        assert_eq!(adoption.pin.missing(), None);
    }
    assert_eq!(lost(&chain).current(), &chain[2], "control: an answer without it");
}

#[test]
fn t143_a_directory_below_the_losing_one_vouches_for_no_key_that_this_one_does_not_list() {
    let chain = chain_to(vec![entry(1), entry(2)]);
    let replaced = || OrgMember { aik: aik(0x22), previous_aiks: vec![aik(2)], ..entry(2) };
    let change = AikChange { account: account(2), pinned: aik(2), new: aik(0x22) };
    let fourth = issued_at(Some(&chain[2]), vec![entry(1), replaced()], at(11));
    let fifth = issued_at(Some(&fourth), vec![entry(1), replaced()], at(12));
    let sixth = issued_at(Some(&fifth), vec![entry(1), replaced()], at(13));
    let pin = lost(&chain);
    let verdict = |pin: &DirectoryPin, newer| pin.judge_aik_change(&change, Some(newer), at(13));
    assert_eq!(verdict(&pin, &fourth), AikVerdict::IdentityChanged);
    assert_eq!(verdict(&honest(&chain), &fourth), AikVerdict::StaffKeyRotated, "control: without the jump");
    let pin = pin.judge(&fourth, Source::Message, at(13)).unwrap().pin;
    assert_eq!(verdict(&pin, &fifth), AikVerdict::IdentityChanged);
    let pin = pin.judge(&fifth, Source::Message, at(13)).unwrap().pin;
    assert_eq!(verdict(&pin, &sixth), AikVerdict::StaffKeyRotated, "control: a higher seq");
}

#[test]
fn t143_a_key_of_a_practice_is_trusted_by_its_fingerprint_only() {
    let first = issued(None, vec![entry(1)]);
    let (own, other) = (org_key(1).public_key(), org_key(2).public_key());
    let confirmed = |key, of| TrustedOrgKey::confirmed(ORG, key, &org_key_fingerprint(of));
    assert_eq!(confirmed(&other, &own), None, "what the service gave is not what was confirmed");
    assert_eq!(confirmed(&own, &own), Some(org_key(1).trusted()), "control");
    assert!(DirectoryPin::first(first, &confirmed(&own, &own).unwrap()).is_ok());
}

#[test]
fn t130_a_large_directory_that_lost_comes_back_from_the_store() {
    let numbered = |n: u128| OrgMember { account: crate::ids::AccountId::from_bytes(n.to_be_bytes()), ..entry(1) };
    let chain = chain_to((0..1_200).map(numbered).collect());
    assert!(chain[4].to_signed().body.len() > 65_792, "more than any other signed object");
    assert_eq!(seen(&lost(&chain), 1), CLOSED);
}
