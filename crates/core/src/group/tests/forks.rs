//! Two states on one parent: B13.3.

use super::fixture::*;
use super::*;
use crate::group::FanOutError;
use crate::limits::COMPETING_STATES;

/// Delivers `states` to a device that holds `base`, in every order; asserts that the current state is always `winner`.
fn one_winner(base: &GroupState, states: &[&GroupState], winner: &GroupState) {
    let known = Known::all();
    let roster = Roster::created(base.clone(), known.now);
    for order in orders(states) {
        let end = delivered(&roster, &order, &known);
        assert_eq!(end.current(), winner, "{order:?}");
        assert!(fan_out(&end, &known).is_ok(), "{order:?}");
    }
}

#[test]
fn t118_two_states_of_the_owner_fork_and_the_smaller_hash_stays_in_every_order() {
    let (base, known) = (clinical(), Known::all());
    let (one, other) = (titled(&base, OWNER, "one"), titled(&base, OWNER, "other"));
    let winner = if one.hash() < other.hash() { &one } else { &other };
    one_winner(&base, &[&one, &other], winner);
    let second = applied(&accepted(&[&base, &one], &known), &[&other], &known);
    assert_eq!(forks(&second.events), [Fork::Competing(*other.hash())]);
    // What followed the loser goes with it, and its author hears of it.
    let loser = if winner == &one { &other } else { &one };
    let followed = titled(loser, OWNER, "followed");
    one_winner(&base, &[&one, &other, &followed], winner);
    let replaced = applied(&accepted(&[&base, loser, &followed], &known), &[winner], &known);
    let lost: Vec<_> =
        [loser, &followed].map(|state| GroupEvent::Replaced { author: id_of(OWNER), state: *state.hash() }).to_vec();
    assert!(lost.iter().all(|event| replaced.events.contains(event)));
}

#[test]
fn t118_a_custodians_state_replaces_the_owners_in_every_order() {
    let base = clinical();
    let custodian = titled(&base, CUSTODIAN, "by the custodian");
    let owner = ground_below(&base, OWNER, custodian.hash());
    let followed = titled(&owner, OWNER, "followed");
    one_winner(&base, &[&owner, &custodian, &followed], &custodian);
    // Of two custodians the smaller hash stays.
    let deputy = titled(&base, DEPUTY, "by the deputy");
    let winner = if custodian.hash() < deputy.hash() { &custodian } else { &deputy };
    one_winner(&base, &[&owner, &custodian, &deputy], winner);
}

#[test]
fn t118_a_custodians_state_replaces_a_branch_of_the_owner_that_holds_another_one() {
    let base = clinical();
    let custodian = titled(&base, CUSTODIAN, "by the custodian");
    let owner = titled(&base, OWNER, "by the owner");
    let later = ground_below(&owner, DEPUTY, custodian.hash());
    one_winner(&base, &[&custodian, &owner, &later], &custodian);
    one_winner(&base, &[&owner, &later], &later);
}

#[test]
fn t117_a_hand_over_one_epoch_later_decides_in_every_order() {
    let base = clinical();
    let kept = titled(&base, OWNER, "kept");
    let ground = ground_below(&base, OWNER, kept.hash());
    let handed = hand_over(&kept, OWNER, DOCTOR);
    let more = titled(&handed, DOCTOR, "by the new owner");
    one_winner(&base, &[&kept, &ground, &handed, &more], &more);
    let unfinished = titled(&ground, OWNER, "no hand-over");
    one_winner(&base, &[&kept, &ground, &handed, &unfinished], &handed);
}

#[test]
fn t117_two_branches_that_both_hand_over_stop_the_group() {
    let (base, known) = (clinical(), Known::all());
    let (one, other) = (titled(&base, OWNER, "one"), titled(&base, OWNER, "other"));
    let to_doctor = hand_over(&one, OWNER, DOCTOR);
    // The practice lists the doctor only; the second hand-over goes to a custodian, whom it lists as well.
    let to_custodian = hand_over(&other, OWNER, CUSTODIAN);
    for (first, second) in
        [((&one, &to_doctor), (&other, &to_custodian)), ((&other, &to_custodian), (&one, &to_doctor))]
    {
        let roster = accepted(&[&base, first.0, first.1], &known);
        assert!(fan_out(&roster, &known).is_ok());
        let stopped = applied(&roster, &[second.0, second.1], &known);
        assert_eq!(stopped.roster.current(), first.1, "neither replaces the other");
        assert!(forks(&stopped.events).contains(&Fork::DoubleHandOver));
        assert_eq!(fan_out(&stopped.roster, &known).unwrap_err(), FanOutError::Stopped);
        // A custodian on the parent, or further down, sets it going again.
        for end in [titled(&base, DEPUTY, "on the parent"), titled(first.1, DEPUTY, "further down")] {
            let open = applied(&stopped.roster, &[&end], &known).roster;
            assert_eq!(open.current(), &end);
            assert!(fan_out(&open, &known).is_ok());
        }
    }
}

#[test]
fn t117_two_branches_that_both_hold_a_custodians_state_have_one_winner_in_every_order() {
    let base = clinical();
    let (one, other) = (titled(&base, OWNER, "one"), titled(&base, OWNER, "other"));
    let (first, second) = (titled(&one, CUSTODIAN, "first"), titled(&other, DEPUTY, "second"));
    let winner = if first.hash() < second.hash() { &first } else { &second };
    one_winner(&base, &[&one, &other, &first, &second], winner);
    // Also against a branch that hands over without a custodian.
    let handed = hand_over(&other, OWNER, DOCTOR);
    one_winner(&base, &[&one, &other, &first, &handed], &first);
}

#[test]
fn t117_a_branch_with_a_custodians_state_stays_against_a_ground_sibling_of_its_grandparent() {
    let base = clinical();
    let grandparent = titled(&base, OWNER, "grandparent");
    let parent = titled(&grandparent, OWNER, "parent");
    let custodian = titled(&parent, CUSTODIAN, "by the custodian");
    let ground = ground_below(&base, OWNER, grandparent.hash());
    one_winner(&base, &[&grandparent, &parent, &custodian, &ground], &custodian);
    // Control: without the custodian's state the ground sibling would have won.
    one_winner(&base, &[&grandparent, &parent, &ground], &ground);
}

#[test]
fn t117_a_delisted_custodians_old_state_with_a_forged_successor_replaces_nothing() {
    let (base, known) = (clinical(), Known::all());
    let owner = titled(&base, OWNER, "by the owner");
    let forged = hand_over(&base, DEPUTY, DOCTOR);
    let successor = titled(&forged, DOCTOR, "forged");
    let roster = accepted(&[&base, &owner], &known);
    let delisted = known.after_directory(&staff_without(&[DEPUTY]));
    let end = delivered(&roster, &[&forged, &successor], &delisted);
    assert_eq!((end.current(), end.state(forged.hash()).is_none()), (&owner, true), "it does not even compete");
    let together = applied(&roster, &[&forged, &successor], &delisted).roster;
    assert_eq!((together.current(), fan_out(&together, &delisted).is_ok()), (&owner, true));
    // Control: a custodian who is listed replaces the owner's state.
    assert_eq!(applied(&roster, &[&forged], &known).roster.current(), &forged);
}

#[test]
fn a_former_custodians_state_is_caught_up_with_and_then_defends_its_place() {
    let (base, known) = (clinical(), Known::all());
    let custodian = titled(&base, DEPUTY, "when it was listed");
    let owner = titled(&custodian, OWNER, "by the owner");
    let delisted = known.after_directory(&staff_without(&[DEPUTY]));
    let roster = Roster::created(base.clone(), known.now);
    let late = applied(&roster, &[&custodian, &owner], &delisted).roster;
    assert_eq!(late.current(), &owner);
    let ground = ground_below(&base, OWNER, custodian.hash());
    assert_eq!(applied(&late, &[&ground], &delisted).roster.current(), &owner);
    // Without the older directory nobody knows that it was one.
    let unknown = Known { older: Vec::new(), ..delisted.clone() };
    assert_eq!(applied(&roster, &[&custodian, &owner], &unknown).roster.current(), &base);
}

#[test]
fn t117_what_a_replaced_state_promised_about_retention_stays_in_force() {
    let (base, known) = (clinical(), Known::all());
    let promised = next(&base, OWNER, |draft| draft.policy.retention.keep_at_least_ms = 5_000);
    let custodian = titled(&base, CUSTODIAN, "without the promise");
    let roster = accepted(&[&base, &promised], &known);
    let replaced = applied(&roster, &[&custodian], &known).roster;
    assert_eq!(replaced.current().policy().retention.keep_at_least_ms, 1_000);
    assert_eq!(replaced.policy().retention.keep_at_least_ms, 5_000);
    // A competing state that never was the current one promised nothing.
    let roster = accepted(&[&base, &custodian], &known);
    let competing = applied(&roster, &[&promised], &known).roster;
    assert!(competing.state(promised.hash()).is_some());
    assert_eq!((competing.current(), competing.policy().retention.keep_at_least_ms), (&custodian, 1_000));
}

#[test]
fn a_former_owner_can_stop_the_group_and_nothing_more() {
    let (base, known) = (clinical(), Known::all());
    let handed = hand_over(&base, OWNER, DOCTOR);
    let roster = accepted(&[&base, &handed], &known);
    let ground = ground_below(&base, OWNER, handed.hash());
    let unmoved = applied(&roster, &[&ground], &known).roster;
    assert_eq!((unmoved.current(), fan_out(&unmoved, &known).is_ok()), (&handed, true));
    let again = next(&base, OWNER, |draft| {
        draft.title = "again".into();
        make_owner(draft, CUSTODIAN);
    });
    let stopped = applied(&roster, &[&again], &known).roster;
    assert_eq!((stopped.current(), fan_out(&stopped, &known)), (&handed, Err(FanOutError::Stopped)));
}

#[test]
fn competing_states_are_bounded_and_those_that_can_win_are_kept() {
    let (base, known) = (clinical(), Known::all());
    let roster = Roster::created(base.clone(), known.now);
    let mut states: Vec<_> = (0..COMPETING_STATES + 10).map(|n| titled(&base, OWNER, &format!("{n}"))).collect();
    states.push(titled(&base, CUSTODIAN, "by the custodian"));
    let all: Vec<&GroupState> = states.iter().collect();
    let end = applied(&roster, &all, &known).roster;
    assert_eq!(end.current().title(), "by the custodian");
    let kept = states.iter().filter(|state| end.state(state.hash()).is_some()).count();
    assert_eq!(kept, COMPETING_STATES + 1);
    let smallest = states.iter().take(COMPETING_STATES + 10).min_by_key(|state| *state.hash()).unwrap();
    assert!(end.state(smallest.hash()).is_some());
}
