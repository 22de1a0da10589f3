//! How many competing states are kept, and that nobody gains by more of them: B13.3 item 1.

use super::fixture::*;
use super::*;
use crate::group::tests::stored::ROSTER;
use crate::limits::COMPETING_STATES_OF_GROUP;

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
