//! Replaced keys of staff, and people who left.

use super::*;
use crate::identity::Source;
use crate::organization::{AikChange, AikVerdict, DirectoryEvent, UnverifiedDirectory};
use crate::{malicious, time::DAY_MS};

/// Person 1 with a new key, the old one listed as a former one.
fn replaced() -> OrgMember {
    OrgMember { aik: aik(0x21), previous_aiks: vec![aik(1)], ..entry(1) }
}

fn change() -> AikChange {
    AikChange { account: account(1), pinned: aik(1), new: aik(0x21) }
}

fn verdict(pin: &DirectoryPin, newer: Option<&Directory>) -> AikVerdict {
    pin.judge_aik_change(&change(), newer, at(10))
}

#[test]
fn t143_a_newer_directory_that_lists_both_keys_makes_it_a_staff_rotation() {
    let first = issued(None, vec![entry(1)]);
    let pin = pinned(&first);
    let newer = issued(Some(&first), vec![replaced()]);
    assert_eq!(verdict(&pin, Some(&newer)), AikVerdict::StaffKeyRotated);
    // After a missed directory too: it is newer all the same.
    let much_newer = issued(Some(&newer), vec![replaced()]);
    assert_eq!(verdict(&pin, Some(&much_newer)), AikVerdict::StaffKeyRotated);
    assert_eq!(verdict(&pin, None), AikVerdict::IdentityChanged);
    // The pinned key is not among the former ones; the new one is another; the account is another.
    let without = issued(Some(&first), vec![OrgMember { previous_aiks: vec![aik(9)], ..replaced() }]);
    assert_eq!(verdict(&pin, Some(&without)), AikVerdict::IdentityChanged);
    let other_key = issued(Some(&first), vec![OrgMember { aik: aik(0x22), ..replaced() }]);
    assert_eq!(verdict(&pin, Some(&other_key)), AikVerdict::IdentityChanged);
    let elsewhere = issued(Some(&first), vec![OrgMember { account: account(2), ..replaced() }]);
    assert_eq!(verdict(&pin, Some(&elsewhere)), AikVerdict::IdentityChanged);
}

#[test]
fn t143_the_same_or_an_older_directory_explains_nothing() {
    // The practice listed both keys all along: somebody with a copied key would be let through silently.
    let first = issued(None, vec![replaced()]);
    let second = issued(Some(&first), vec![replaced()]);
    let pin = pinned(&second);
    assert_eq!(verdict(&pin, Some(&second)), AikVerdict::IdentityChanged);
    assert_eq!(verdict(&pin, Some(&first)), AikVerdict::IdentityChanged);
    let third = issued(Some(&second), vec![replaced()]);
    assert_eq!(verdict(&pin, Some(&third)), AikVerdict::StaffKeyRotated);
}

#[test]
fn t143_another_signer_another_practice_and_a_fork_explain_nothing() {
    let first = issued(None, vec![entry(1)]);
    let pin = pinned(&first);
    let newer = issued(Some(&first), vec![replaced()]);
    let edited = |key: u8, edit: fn(&mut crate::wire::v1::OrgDirectory)| {
        let signed = malicious::directory(&newer, &org_key(key), |directory| {
            directory.org_key = [&[1][..], org_key(key).public_key().as_bytes()].concat();
            edit(directory);
        });
        UnverifiedDirectory::parse(&signed).unwrap().verify().unwrap()
    };
    assert_eq!(verdict(&pin, Some(&edited(2, |_| ()))), AikVerdict::IdentityChanged);
    assert_eq!(
        verdict(&pin, Some(&edited(1, |directory| directory.org_id = vec![9; 16]))),
        AikVerdict::IdentityChanged
    );
    assert_eq!(
        verdict(&pin, Some(&edited(1, |directory| directory.prev_hash = vec![9; 32]))),
        AikVerdict::IdentityChanged
    );
    assert_eq!(verdict(&pin, Some(&edited(1, |_| ()))), AikVerdict::StaffKeyRotated);
}

#[test]
fn t144_a_member_whom_the_directory_drops_is_closed() {
    let first = issued(None, vec![entry(1), entry(2)]);
    let pin = pinned(&first);
    let second = issued(Some(&first), vec![entry(2)]);
    let adoption = pin.judge(&second, Source::Directory, at(1)).unwrap();
    assert_eq!(adoption.events, [DirectoryEvent::Departed(vec![account(1)])]);
    assert_eq!([1, 2, 3].map(|person| pin.closes(account(person), at(1))), [false; 3]);
    assert_eq!([1, 2, 3].map(|person| adoption.pin.closes(account(person), at(1))), [true, false, false]);
    // It stays closed while directories come, and opens when it is listed again.
    let third = issued(Some(&second), vec![entry(2)]);
    let later = adoption.pin.judge(&third, Source::Directory, at(2)).unwrap().pin;
    assert!(later.closes(account(1), at(2)));
    let fourth = issued(Some(&third), vec![entry(1), entry(2)]);
    let back = later.judge(&fourth, Source::Directory, at(3)).unwrap().pin;
    assert!(!back.closes(account(1), at(3)));
}

#[test]
fn t144_a_member_outside_its_bounds_is_closed() {
    let bounded = OrgMember { not_before: Some(at(10)), not_after: Some(at(20)), ..entry(1) };
    let pin = pinned(&issued(None, vec![bounded, entry(2)]));
    assert_eq!([9, 10, 19, 20].map(|seconds| pin.closes(account(1), at(seconds))), [true, false, false, true]);
    assert!(!pin.closes(account(2), at(20)));
}

#[test]
fn an_expired_directory_still_judges() {
    let pin = pinned(&issued(None, vec![entry(1)]));
    let late = at(0).plus(90 * DAY_MS);
    assert!(pin.current().is_expired(late) && !pin.current().is_expired(late.minus(1)));
    assert!(pin.current().lists(account(1), OrgRole::Clinical, late) && !pin.closes(account(1), late));
}
