//! How many competing states are kept, and that nobody gains by more of them: B13.3 item 1.

use super::fixture::*;
use super::*;
use crate::group::tests::stored::ROSTER;
use crate::limits::{COMPETING_STATES_OF_GROUP, GROUP_TREE_BYTES};

#[test]
fn t117_a_removed_former_owner_grows_the_tree_to_its_bound_and_the_rules_choose_once_for_each_update() {
    let (base, known) = (personal(), Known::all());
    let handed = hand_over(&base, OWNER, DOCTOR);
    let without = next(&handed, DOCTOR, |draft| draft.members.retain(|member| member.account != id_of(OWNER)));
    let mut roster = accepted(&[&base, &handed, &without], &known);
    let mut tip = base;
    for round in 0..3 {
        let mut batch = Vec::new();
        for n in 0..100 {
            tip = titled(&tip, OWNER, &format!("{round} {n}"));
            batch.push(tip.clone());
        }
        let next = applied(&roster, &batch.iter().collect::<Vec<_>>(), &known);
        assert!(next.choices <= 1, "{}", next.choices);
        roster = next.roster;
        assert!(roster.tree.beside(&roster.chain) <= COMPETING_STATES_OF_GROUP);
        ROSTER.comes_back(&roster);
    }
    assert_eq!(roster.tree.beside(&roster.chain), COMPETING_STATES_OF_GROUP);
    let honest = titled(&without, DOCTOR, "honest");
    assert_eq!(applied(&roster, &[&honest], &known).roster.current(), &honest);
}

#[test]
fn t117_a_stopped_group_takes_no_more_states_of_owners_than_its_bound() {
    let (base, known) = (personal(), Known::all());
    let (one, other) = (hand_over(&base, OWNER, DOCTOR), hand_over(&base, OWNER, PATIENT));
    let roster = accepted(&[&base, &one], &known);
    let mut states = vec![other.clone()];
    for n in 0..100 {
        states.push(titled(states.last().unwrap(), PATIENT, &format!("{n}")));
    }
    let stopped = applied(&roster, &states.iter().collect::<Vec<_>>(), &known).roster;
    assert!(stopped.is_stopped() && stopped.state(other.hash()).is_some());
    assert_eq!(stopped.tree.beside(&stopped.chain), COMPETING_STATES_OF_GROUP);
    ROSTER.comes_back(&stopped);
    let more = titled(&stopped.tree.by_epoch().last().unwrap().state.clone(), PATIENT, "one more");
    let refused = applied(&stopped, &[&more], &known);
    assert_eq!((refused.roster.is_stopped(), refused.refused[0].1), (true, StateRejected::Full));
}

#[test]
fn t117_beyond_the_bound_what_stops_the_group_stays() {
    let (base, known) = (clinical(), Known::all());
    let mut chain = vec![base];
    for n in 0..4 {
        chain.push(titled(chain.last().unwrap(), OWNER, &format!("{n}")));
    }
    chain.push(titled(chain.last().unwrap(), CUSTODIAN, "by the custodian"));
    let last = chain.last().unwrap().clone();
    let (one, other) = (hand_over(&last, OWNER, DOCTOR), hand_over(&last, OWNER, CUSTODIAN));
    chain.push(one);
    let stopped = applied(&accepted(&chain.iter().collect::<Vec<_>>(), &known), &[&other], &known).roster;
    assert!(stopped.is_stopped());
    // Hand-overs below the custodian's state decide nothing, and there are more of them than have room; those that came
    // together with the stop are judged after it.
    let junk = |parent: &GroupState, n: usize| {
        next(parent, OWNER, |draft| {
            draft.title = format!("junk {n}");
            make_owner(draft, DOCTOR);
        })
    };
    let mut states: Vec<_> = chain[..5].iter().flat_map(|parent| (0..16).map(|n| junk(parent, n))).collect();
    states.push(other.clone());
    let roster = accepted(&chain.iter().collect::<Vec<_>>(), &known);
    let flooded = applied(&roster, &states.iter().collect::<Vec<_>>(), &known).roster;
    assert_eq!(flooded.tree.beside(&flooded.chain), COMPETING_STATES_OF_GROUP);
    assert!(flooded.is_stopped() && flooded.state(other.hash()).is_some());
    ROSTER.comes_back(&flooded);
}

/// A chain after `base` by its owner, the doctor, that is nearly as heavy as a group may be.
fn nearly_full(base: &GroupState) -> Vec<GroupState> {
    let mut states = vec![base.clone()];
    let mut weight = base.weight();
    while weight + 70_000 < GROUP_TREE_BYTES {
        states.push(heavy(states.last().unwrap(), DOCTOR, &format!("{}", states.len())));
        weight += states.last().unwrap().weight();
    }
    states
}

#[test]
fn t117_a_former_custodian_does_not_set_a_stopped_group_going() {
    let base = clinical();
    let known = Known::all().after_directory(&staff_without(&[DEPUTY]));
    let (one, other) = (hand_over(&base, OWNER, DOCTOR), hand_over(&base, OWNER, CUSTODIAN));
    let stopped = applied(&accepted(&[&base, &one], &known), &[&other], &known).roster;
    assert!(stopped.is_stopped());
    // The owner of one branch vouches for the states of a custodian whom the practice removed.
    let rogue = titled(&one, DEPUTY, "rogue");
    let vouched = titled(&rogue, DOCTOR, "vouched for");
    let after = sent(&stopped, &[&rogue, &vouched], DOCTOR, &known).roster;
    assert_eq!((after.current(), after.is_stopped()), (&one, true));
    // Control: a listed custodian vouches for them, and where nothing stops the group its owner.
    let by_custodian = titled(&rogue, CUSTODIAN, "by a custodian");
    let going = applied(&after, &[&rogue, &by_custodian], &known).roster;
    assert_eq!((going.current(), going.is_stopped()), (&by_custodian, false));
    let going = sent(&accepted(&[&base, &one], &known), &[&rogue, &vouched], DOCTOR, &known).roster;
    assert_eq!(going.current(), &vouched);
}

#[test]
fn a_custodian_sets_a_group_going_that_is_stopped_and_full_by_building_on_what_has_no_room() {
    let (base, all) = (clinical(), Known::all());
    let (old, new) = (device(DOCTOR), second_device(DOCTOR, 2));
    let known = all.with(keys_with(DOCTOR, &[(&old, Listing::Current), (&new, Listing::Older)]));
    let (one, other) = (hand_over(&base, OWNER, DOCTOR), hand_over(&base, OWNER, CUSTODIAN));
    let chain = nearly_full(&one);
    let held: Vec<_> = [&base].into_iter().chain(&chain).collect();
    let mut stopped = applied(&accepted(&held, &known), &[&other], &known).roster;
    for n in 0..3 {
        stopped = applied(&stopped, &[&heavy(stopped.current(), DOCTOR, &format!("full {n}"))], &known).roster;
    }
    assert!(stopped.is_stopped());
    for device in [&old, &new] {
        let no_room = by_device(stopped.current(), device, |draft| draft.title = "no room".into());
        let by_custodian = titled(&no_room, CUSTODIAN, "by a custodian");
        assert_eq!(applied(&stopped, &[&no_room], &known).roster.current(), stopped.current());
        let going = applied(&stopped, &[&no_room, &by_custodian], &known).roster;
        assert_eq!((going.current(), going.is_stopped()), (&by_custodian, false));
        ROSTER.comes_back(&going);
    }
}

#[test]
fn t117_a_group_that_is_stopped_by_states_that_waited_comes_back_from_the_store() {
    let (base, all) = (personal(), Known::all());
    let (old, new) = (device(OWNER), second_device(OWNER, 2));
    let listed = all.with(keys_with(OWNER, &[(&old, Listing::Current), (&new, Listing::Current)]));
    let gone = all.with(keys_with(OWNER, &[(&old, Listing::Current), (&new, Listing::Older)]));
    let one = hand_over(&base, OWNER, DOCTOR);
    let chain = nearly_full(&one);
    let held: Vec<_> = [&base].into_iter().chain(&chain).collect();
    let mut roster = accepted(&held, &gone);
    // The second hand-over is by a device that is not listed, until the owner lists it again.
    let other = by_device(&base, &new, |draft| make_owner(draft, PATIENT));
    let mut waiting = vec![other.clone()];
    for n in 0..8 {
        waiting.push(heavy(waiting.last().unwrap(), PATIENT, &format!("{n}")));
    }
    let shares = [(OWNER, 1..3), (DOCTOR, 3..5), (PATIENT, 5..7), (STRANGER, 7..9)];
    roster = sent(&roster, &[&other], OWNER, &gone).roster;
    for (from, range) in shares {
        let part: Vec<_> = waiting[range].iter().collect();
        roster = sent(&roster, &part, from, &gone).roster;
    }
    assert_eq!(roster.waiting().count(), 9);
    let stopped = roster.judge_waiting(&listed.evidence()).roster;
    assert!(stopped.is_stopped());
    ROSTER.comes_back(&stopped);
}
