//! Gaps in a chain of manifests: `docs/protocol.md` B2.

use super::devices;
use crate::identity::{
    Adoption, DeviceChanges, Fetched, IdentityEvent, Manifest, ManifestPin, MissingManifests, PinError, Source,
};
use crate::testing::{Party, at, rng};
use crate::time::{DAY_MS, HOUR_MS};

/// A chain of account 1 from the first manifest on: device 1, then 1 and 2, then 1 and 2, then 1 and 3.
fn chain() -> ([Party; 3], Vec<Manifest>) {
    let parties = devices();
    let mut chain = vec![parties[0].manifest.clone()];
    let lists: [&[&Party]; 3] = [&[&parties[0], &parties[1]], &[&parties[0], &parties[1]], &[&parties[0], &parties[2]]];
    for (second, list) in (1..).zip(lists) {
        let next = parties[0].next_manifest(chain.last().unwrap(), list, at(second));
        chain.push(next);
    }
    (parties, chain)
}

/// The pin of the first manifest after the fourth was adopted.
fn gapped(chain: &[Manifest]) -> ManifestPin {
    let first = ManifestPin::first(chain[0].clone());
    first.judge(&chain[3], Source::Message, at(10)).unwrap().pin
}

#[test]
fn t015_a_larger_gap_is_adopted_and_closed_by_the_manifests_between() {
    let ([_, two, three], chain) = chain();
    let first = ManifestPin::first(chain[0].clone());
    let adopted = first.judge(&chain[3], Source::Message, at(10)).unwrap();
    let listed = DeviceChanges { added: vec![three.public().address], closed: vec![] };
    let opened = IdentityEvent::GapOpened { after_seq: 1, before_seq: 4 };
    assert_eq!(adopted.events, [opened, IdentityEvent::DeviceListChanged(listed)]);
    let pin = adopted.pin;
    let deadline = at(10).plus(30 * DAY_MS);
    assert_eq!(pin.missing(), Some(MissingManifests { after_seq: 1, deadline }));
    assert!(!pin.may_get_older(three.public().address), "it was not there before");
    assert!(!pin.may_get_older(two.public().address), "it is not there");
    assert!(pin.may_get_older(chain[0].devices()[0].device.address));
    let Adoption { pin: closed, events } = pin.fill_gap(Fetched::Answered(&chain[1..3]), at(20));
    assert_eq!((closed.missing(), events), (None, Vec::new()));
    assert_eq!(closed.current(), &chain[3]);
    assert!(closed.may_get_older(three.public().address));
}

#[test]
fn t015_a_gap_that_is_never_filled_is_a_fork() {
    let ([_, _, three], chain) = chain();
    let Adoption { pin, events } = gapped(&chain).fill_gap(Fetched::Unanswered, at(10).plus(30 * DAY_MS));
    assert_eq!(pin.current(), &chain[0], "the old pin is the newest that chains from itself");
    assert_eq!(events, [IdentityEvent::ManifestFork { stopped: vec![three.public().address] }]);
    assert!(matches!(pin.judge(&chain[3], Source::Message, at(30)), Err(PinError::Held(_))), "it lost: held");
}

#[test]
fn t015_another_chain_is_a_fork_and_its_newest_manifest_is_pinned() {
    let ([one, two, three], chain) = chain();
    let second = one.next_manifest(&chain[0], &[&one, &two], at(5));
    let other = [second.clone(), one.next_manifest(&second, &[&two], at(6))];
    let Adoption { pin, events } = gapped(&chain).fill_gap(Fetched::Answered(&other), at(20));
    assert_eq!(pin.current(), &other[1]);
    let stopped = IdentityEvent::ManifestFork { stopped: vec![three.public().address] };
    // The second device, which the loser did not list either, does not count yet.
    let listed = DeviceChanges { added: vec![], closed: vec![one.public().address] };
    assert_eq!(events, [stopped, IdentityEvent::DeviceListChanged(listed)]);
    assert_eq!(pin.devices().count(), 0);
    let filled = gapped(&chain).fill_gap(Fetched::Answered(&chain[1..3]), at(20));
    assert_eq!(filled.pin.current(), &chain[3], "control: the right chain");
}

#[test]
fn t015_manifests_that_do_not_reach_the_adopted_one_are_a_fork() {
    let (_, chain) = chain();
    for given in [&chain[1..2], &chain[2..3]] {
        let Adoption { pin, events } = gapped(&chain).fill_gap(Fetched::Answered(given), at(20));
        assert!(matches!(events[0], IdentityEvent::ManifestFork { .. }));
        let newest = if given[0].seq() == 2 { &chain[1] } else { &chain[0] };
        assert_eq!(pin.current(), newest);
    }
}

#[test]
fn t015_the_chain_must_pass_through_everything_that_was_adopted() {
    let ([one, two, _], chain) = chain();
    let mut long = chain.clone();
    for second in 4..8 {
        long.push(one.next_manifest(long.last().unwrap(), &[&one, &two], at(second)));
    }
    let pin = gapped(&chain).judge(&long[6], Source::Message, at(11)).unwrap().pin;
    assert_eq!(pin.missing().unwrap().after_seq, 1, "the oldest pin that is not settled");
    let filled = pin.fill_gap(Fetched::Answered(&long[1..6]), at(20));
    assert_eq!((filled.pin.missing(), filled.events), (None, Vec::new()), "control");
    // A chain to the newest one that goes round the fourth manifest: somebody signed two histories.
    let mut round = vec![chain[0].clone()];
    for second in 20..26 {
        round.push(one.next_manifest(round.last().unwrap(), &[&one, &two], at(second)));
    }
    let pin = gapped(&chain).judge(&round[6], Source::Message, at(30)).unwrap().pin;
    let forked = pin.fill_gap(Fetched::Answered(&round[1..6]), at(31));
    assert!(matches!(forked.events[0], IdentityEvent::ManifestFork { .. }));
    assert_eq!(forked.pin.current(), &round[5]);
    assert!(matches!(forked.pin.judge(&chain[3], Source::Message, at(32)), Err(PinError::Held(_))));
}

#[test]
fn what_lost_is_adopted_once_all_before_it_is_here() {
    let ([one, _, three], chain) = chain();
    let lost = gapped(&chain).fill_gap(Fetched::Unanswered, at(10).plus(30 * DAY_MS)).pin;
    let fifth = one.next_manifest(&chain[3], &[&one, &three], at(21));
    assert!(matches!(lost.judge(&fifth, Source::Message, at(22)), Err(PinError::Held(_))), "follows a loser");
    let sixth = one.next_manifest(&fifth, &[&one, &three], at(22));
    assert!(matches!(lost.judge(&sixth, Source::Message, at(23)), Err(PinError::Held(_))), "no second jump");
    let (adopted, refused) =
        lost.adopt_chain(Fetched::Answered(&[&chain[1..], &[fifth, sixth.clone()]].concat()), at(24));
    assert_eq!((adopted.pin.current(), refused), (&sixth, None));
}

#[test]
fn the_chain_goes_on_while_a_gap_is_open() {
    let ([one, _, three], chain) = chain();
    let fifth = one.next_manifest(&chain[3], &[&one, &three], at(21));
    let pin = gapped(&chain).judge(&fifth, Source::Message, at(22)).unwrap().pin;
    assert_eq!((pin.current(), pin.missing().unwrap().after_seq), (&fifth, 1));
    let (adopted, refused) =
        pin.adopt_chain(Fetched::Answered(&[&chain[1..], core::slice::from_ref(&fifth)].concat()), at(23));
    assert_eq!((adopted.pin.missing(), adopted.pin.current(), refused), (None, &fifth, None));
}

#[test]
fn another_key_is_held_while_a_gap_may_explain_it() {
    let (_, chain) = chain();
    let stranger = crate::testing::ed25519(0x66).public_key();
    let Err(PinError::Held(waiting)) = gapped(&chain).judge_key(&stranger, at(20)) else {
        panic!("the gap may explain it");
    };
    let late = waiting.judge_key(&stranger, at(20).plus(72 * HOUR_MS)).unwrap_err();
    assert!(matches!(late, PinError::IdentityChanged(_)));
    let whole = ManifestPin::first(chain[0].clone()).judge_key(&stranger, at(20)).unwrap_err();
    assert!(matches!(whole, PinError::IdentityChanged(_)), "control: without a gap at once");
}

#[test]
fn jumps_are_bounded() {
    let ([one, ..], chain) = chain();
    let mut pin = ManifestPin::first(chain[0].clone());
    let mut last = chain[0].clone();
    for jump in 0..=17 {
        let skipped = one.next_manifest(&last, &[&one], at(jump));
        last = one.next_manifest(&skipped, &[&one], at(jump));
        match pin.judge(&last, Source::Message, at(100)) {
            Ok(adopted) if jump <= 16 => pin = adopted.pin,
            other => {
                assert_eq!((jump, other.unwrap_err()), (17, PinError::Fork));
            }
        }
    }
}

#[test]
fn the_fetch_is_at_a_random_time_within_48_hours() {
    let times: Vec<_> = (0..50).map(|seed| MissingManifests::fetch_at(at(0), &mut rng(seed)).unwrap()).collect();
    assert!(times.iter().all(|time| (at(0)..=at(0).plus(48 * HOUR_MS)).contains(time)));
    assert!(times.iter().any(|time| *time > at(0).plus(36 * HOUR_MS)));
    assert!(times.iter().any(|time| *time < at(0).plus(12 * HOUR_MS)));
}
