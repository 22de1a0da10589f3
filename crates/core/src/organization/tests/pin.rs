//! How a directory is judged by the pinned one.

use super::*;
use crate::identity::{Fetched, Source};
use crate::limits::{FORMER_ORG_KEYS, OPEN_GAPS};
use crate::malicious;
use crate::organization::{DirectoryEvent, DirectoryPinError, UnverifiedDirectory};
use crate::time::DAY_MS;

fn judged(pin: &DirectoryPin, directory: &Directory) -> Result<DirectoryPin, DirectoryPinError> {
    pin.judge(directory, Source::Directory, at(0)).map(|adoption| adoption.pin)
}

/// The directory under the key with the seed 1, edited.
fn forged(from: &Directory, key: u8, edit: impl FnOnce(&mut crate::wire::v1::OrgDirectory)) -> Directory {
    let signed = malicious::directory(from, &org_key(key), |directory| {
        directory.org_key = [&[1][..], org_key(key).public_key().as_bytes()].concat();
        edit(directory);
    });
    UnverifiedDirectory::parse(&signed).unwrap().verify().unwrap()
}

#[test]
fn the_first_directory_is_of_the_known_practice_and_under_its_known_key() {
    let first = issued(None, vec![entry(1)]);
    let of = |org, key: u8| {
        let trusted = OrgKey::from_seed(org, &Zeroizing::new([key; 32])).trusted();
        DirectoryPin::first(first.clone(), &trusted)
    };
    assert!(of(ORG, 1).is_ok());
    assert_eq!(of(OrgId::from_bytes([9; 16]), 1).unwrap_err(), DirectoryPinError::OtherOrg);
    assert_eq!(of(ORG, 2).unwrap_err(), DirectoryPinError::OtherKey);
}

#[test]
fn the_next_directory_is_adopted_and_an_old_one_is_a_rollback_or_nothing() {
    let chain = chain(3);
    let pin = judged(&pinned(&chain[0]), &chain[1]).unwrap();
    assert_eq!(pin.current(), &chain[1]);
    assert_eq!(judged(&pin, &chain[0]).unwrap_err(), DirectoryPinError::Rollback);
    assert_eq!(pin.judge(&chain[0], Source::Message, at(0)).unwrap().pin, pin);
    assert_eq!(judged(&pin, &chain[1]).unwrap(), pin);
    assert_eq!(judged(&pin, &chain[2]).unwrap().current(), &chain[2]);
}

#[test]
fn two_directories_for_one_place_are_a_fork() {
    let chain = chain(2);
    let pin = pinned(&chain[0]);
    let same_place = issued_at(None, vec![entry(1)], at(5));
    assert_eq!(judged(&pin, &same_place).unwrap_err(), DirectoryPinError::Fork);
    let other_parent = issued(Some(&same_place), vec![entry(1)]);
    assert_eq!(judged(&pin, &other_parent).unwrap_err(), DirectoryPinError::Fork);
    assert!(judged(&pin, &chain[1]).is_ok());
}

#[test]
fn a_key_is_the_pinned_one_or_the_announced_one() {
    let first = issued(None, vec![entry(1)]);
    let unannounced = forged(&issued(Some(&first), vec![entry(1)]), 2, |_| ());
    assert_eq!(judged(&pinned(&first), &unannounced).unwrap_err(), DirectoryPinError::OtherKey);
    let announcing = DirectoryDraft { next_org_key: Some(org_key(2).public_key()), ..draft(vec![entry(1)]) };
    let announcing = Directory::issue(&org_key(1), Some(&first), announcing, at(1)).unwrap();
    let rotated = Directory::issue(&org_key(2), Some(&announcing), draft(vec![entry(1)]), at(2)).unwrap();
    let pin = judged(&pinned(&first), &announcing).unwrap();
    let adoption = pin.judge(&rotated, Source::Directory, at(2)).unwrap();
    assert_eq!(adoption.events, [DirectoryEvent::OrgKeyRotated]);
    // The key that the chain led away from signs nothing new.
    let late = forged(&rotated, 1, |directory| directory.seq = 9);
    assert_eq!(judged(&adoption.pin, &late).unwrap_err(), DirectoryPinError::Fork);
    // Under the announced key nothing is skipped.
    let skipped = forged(&rotated, 2, |directory| directory.seq = 9);
    assert_eq!(judged(&pin, &skipped).unwrap_err(), DirectoryPinError::Missing);
    let other = forged(&rotated, 2, |directory| directory.org_id = vec![9; 16]);
    assert_eq!(judged(&pin, &other).unwrap_err(), DirectoryPinError::OtherOrg);
}

#[test]
fn a_gap_is_adopted_and_closed_by_what_lies_between() {
    let chain = chain(6);
    let adoption = pinned(&chain[0]).judge(&chain[3], Source::Message, at(9)).unwrap();
    assert_eq!(adoption.events, [DirectoryEvent::GapOpened { after_seq: 1, before_seq: 4 }]);
    let missing = adoption.pin.missing().unwrap();
    assert_eq!(missing.after_seq, 1);
    let (closed, error) = adoption.pin.adopt_chain(Fetched::Answered(&chain[1..]), at(10));
    assert_eq!((closed.pin.missing(), closed.pin.current(), error), (None, &chain[5], None));
    assert_eq!(closed.events, []);
}

#[test]
fn a_gap_that_nothing_fills_is_a_fork_and_the_old_chain_stays() {
    let chain = chain(3);
    let stranger = issued_at(Some(&issued_at(Some(&chain[0]), Vec::new(), at(7))), Vec::new(), at(8));
    let far = issued_at(Some(&stranger), vec![entry(9)], at(9));
    let adoption = pinned(&chain[0]).judge(&far, Source::Message, at(9)).unwrap();
    let (back, error) = adoption.pin.adopt_chain(Fetched::Answered(&chain[1..]), at(10));
    assert_eq!((back.pin.current(), error), (&chain[2], None));
    assert_eq!(back.events[0], DirectoryEvent::Fork);
    // What lost does not come back, and after it no jump is adopted without what lies between.
    assert_eq!(judged(&back.pin, &far).unwrap_err(), DirectoryPinError::Missing);
    let jump = forged(&far, 1, |directory| directory.seq = 20);
    assert_eq!(judged(&back.pin, &jump).unwrap_err(), DirectoryPinError::Missing);
    // Nothing at the deadline: the settled one stays.
    let (settled, _) = adoption.pin.adopt_chain(Fetched::Unanswered, at(9).plus(30 * DAY_MS));
    assert_eq!(settled.pin.current(), &chain[0]);
}

#[test]
fn jumps_over_an_open_gap_are_bounded_and_the_chain_passes_through_each() {
    let chain = chain(2 * OPEN_GAPS as u64 + 8);
    let mut pin = pinned(&chain[0]);
    let mut at_index = 0;
    for _ in 0..=OPEN_GAPS {
        at_index += 2;
        pin = judged(&pin, &chain[at_index]).unwrap();
    }
    assert_eq!(judged(&pin, &chain[at_index + 2]).unwrap_err(), DirectoryPinError::Fork);
    let (closed, _) = pin.adopt_chain(Fetched::Answered(&chain[1..]), at(1));
    assert_eq!((closed.pin.missing(), closed.events.len()), (None, 0));
}

#[test]
fn older_directories_count_if_the_chain_leads_from_them_to_the_pinned_one() {
    let chain = chain(4);
    let pin = pinned(&chain[3]);
    let forged = issued_at(Some(&chain[1]), vec![entry(9)], at(99));
    let candidates = [chain[0].clone(), forged, chain[1].clone(), chain[2].clone()];
    assert_eq!(pin.chained(&candidates), [&chain[2], &chain[1], &chain[0]]);
    assert_eq!(pin.chained(&candidates[..3]), [] as [&Directory; 0]);
}

#[test]
fn sixteen_former_keys_are_remembered_and_what_an_older_one_signs_is_refused_all_the_same() {
    let rotate = |chain: &mut Vec<Directory>, n: u8| {
        let next_org_key = Some(org_key(n + 1).public_key());
        let announcing = DirectoryDraft { next_org_key, ..draft(vec![entry(1)]) };
        chain.push(Directory::issue(&org_key(n), chain.last(), announcing, at(n.into())).unwrap());
    };
    let mut chain = Vec::new();
    let last = FORMER_ORG_KEYS as u8 + 3;
    (1..=last).for_each(|n| rotate(&mut chain, n));
    let pin = chain[1..].iter().fold(pinned(&chain[0]), |pin, directory| judged(&pin, directory).unwrap());
    let by = |key: u8| judged(&pin, &forged(chain.last().unwrap(), key, |directory| directory.seq = 99)).map(drop);
    assert_eq!(by(last - FORMER_ORG_KEYS as u8), Err(DirectoryPinError::Fork), "the oldest that is remembered");
    assert_eq!(by(last - FORMER_ORG_KEYS as u8 - 1), Err(DirectoryPinError::OtherKey));
    assert_eq!(by(last), Ok(()), "control");
}

#[test]
fn the_key_of_the_practice_is_no_former_key_though_a_losing_branch_had_left_it() {
    let mut chain = chain(2);
    let announcing = DirectoryDraft { next_org_key: Some(org_key(2).public_key()), ..draft(vec![entry(1)]) };
    chain.push(Directory::issue(&org_key(1), chain.last(), announcing, at(2)).unwrap());
    chain.push(Directory::issue(&org_key(2), chain.last(), draft(vec![entry(1)]), at(3)).unwrap());
    let jumped = judged(&judged(&pinned(&chain[0]), &chain[2]).unwrap(), &chain[3]).unwrap();
    let back = jumped.adopt_chain(Fetched::Unanswered, at(0).plus(30 * DAY_MS)).0.pin;
    assert_eq!(back.current(), &chain[0]);
    // A further jump under it waits for what lies between; before, it was taken for a fork.
    let jump = forged(&chain[2], 1, |directory| directory.seq = 9);
    assert_eq!(judged(&back, &jump).unwrap_err(), DirectoryPinError::Missing);
    let by_the_loser = forged(&chain[2], 2, |directory| directory.seq = 9);
    assert_eq!(judged(&back, &by_the_loser).unwrap_err(), DirectoryPinError::Fork);
    assert_eq!(judged(&back, &chain[1]).unwrap().current(), &chain[1], "control");
}
