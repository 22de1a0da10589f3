//! What a roster answers, and how it catches up.

use super::fixture::*;
use super::*;
use crate::identity::LocalDevice;
use zeroize::Zeroizing;

fn chain(length: usize) -> Vec<GroupState> {
    (1..length).fold(vec![clinical()], |mut states, n| {
        states.push(titled(states.last().unwrap(), OWNER, &format!("{n}")));
        states
    })
}

fn references(states: &[GroupState]) -> Vec<&GroupState> {
    states.iter().collect()
}

#[test]
fn what_follows_a_state_brings_another_member_up_to_date() {
    let (states, known) = (chain(6), Known::all());
    let full = accepted(&references(&states), &known);
    let behind = accepted(&references(&states[..3]), &known);
    let answer = full.after(behind.current().hash());
    assert_eq!(answer, signed(&references(&states[3..])));
    assert_eq!(behind.apply(&answer, id_of(OWNER), &known.evidence()).roster.current(), full.current());
    assert_eq!(full.after(full.current().hash()), []);
    assert_eq!(full.state(states[2].hash()), Some(&states[2]));
    assert_eq!(full.state(&[7; 32]), None);
}

#[test]
fn a_member_on_a_branch_that_lost_or_is_unknown_is_brought_back() {
    let (states, known) = (chain(2), Known::all());
    let other = ground_above(&states[0], OWNER, states[1].hash());
    let full = accepted(&references(&states), &known);
    let astray = accepted(&[&states[0], &other], &known);
    // Unknown here: the newest states, among which is the parent.
    let answer = full.after(other.hash());
    assert_eq!(answer, signed(&references(&states)));
    assert_eq!(astray.apply(&answer, id_of(OWNER), &known.evidence()).roster.current(), &states[1]);
    // Known as a loser: what follows the last state that both have.
    let knowing = applied(&full, &[&other], &known).roster;
    assert_eq!(knowing.after(other.hash()), signed(&[&states[1]]));
}

#[test]
fn an_answer_fits_into_one_content() {
    let base = clinical();
    let big = |parent: &GroupState, n: usize| {
        next(parent, OWNER, |draft| {
            draft.title = format!("{n}");
            let extra = (0..40).map(|n| member(0x80 + n as u8, Role::Member));
            draft.members.truncate(5);
            draft.members.extend(extra);
        })
    };
    let states = (0..100).fold(vec![base], |mut states, n| {
        states.push(big(states.last().unwrap(), n));
        states
    });
    let known = Known::all();
    let full = applied(&Roster::created(states[0].clone(), known.now), &references(&states[1..]), &known).roster;
    assert_eq!(full.current(), states.last().unwrap());
    let mut behind = Roster::created(states[0].clone(), known.now);
    let mut rounds = 0;
    while behind.current() != full.current() {
        let answer = full.after(behind.current().hash());
        let bytes: usize = answer.iter().map(|signed| signed.body.len() + signed.sig.len()).sum();
        assert!(bytes <= crate::limits::GROUP_UPDATE_BYTES && !answer.is_empty());
        behind = behind.apply(&answer, id_of(OWNER), &known.evidence()).roster;
        rounds += 1;
    }
    assert_eq!(rounds, 2);
}

#[test]
fn states_in_any_order_within_one_update_are_accepted() {
    let (states, known) = (chain(4), Known::all());
    let roster = Roster::created(states[0].clone(), known.now);
    for order in orders(&references(&states[1..])) {
        let applied = applied(&roster, &order, &known);
        assert_eq!((applied.roster.current(), applied.want_after), (&states[3], None));
    }
}

#[test]
fn a_long_run_of_states_by_a_device_that_is_gone_is_judged_in_bounded_time() {
    let (known, old, new) = (Known::all(), device(OWNER), second_device(OWNER, 2));
    let replaced = known.with(keys_with(OWNER, &[(&old, Listing::Older), (&new, Listing::Current)]));
    let mut states = vec![clinical()];
    for n in 0..60 {
        states.push(by_device(states.last().unwrap(), &old, |draft| draft.title = format!("{n}")));
    }
    let roster = Roster::created(states[0].clone(), known.now);
    let stuck = applied(&roster, &references(&states[1..]), &replaced);
    assert_eq!((stuck.roster.current(), stuck.roster.waiting().count()), (&states[0], 16));
    states.push(by_device(states.last().unwrap(), &new, |draft| draft.title = "new".into()));
    assert_eq!(applied(&roster, &references(&states[1..]), &replaced).roster.current(), states.last().unwrap());
}

#[test]
fn t117_a_run_of_states_that_were_each_signed_twice_is_looked_at_once() {
    let known = Known::all();
    let (one, new) = (device(OWNER), second_device(OWNER, 2));
    let other = LocalDevice::from_seeds(
        one.public().address,
        one.public().aik,
        &Zeroizing::new([0x31; 32]),
        &Zeroizing::new([0x32; 32]),
    );
    let listed = [(&one, Listing::Older), (&other, Listing::Older), (&new, Listing::Current)];
    let gone = known.with(keys_with(OWNER, &listed));
    let base = personal();
    let (mut tip, mut states) = (base.clone(), Vec::new());
    for n in 0..12 {
        let twins = [&one, &other].map(|device| by_device(&tip, device, |draft| draft.title = format!("{n}")));
        assert_eq!(twins[0].hash(), twins[1].hash());
        tip = twins[0].clone();
        states.extend(twins);
    }
    let roster = Roster::created(base, known.now);
    let stuck = applied(&roster, &references(&states), &gone);
    assert!(stuck.looked_at <= 4 * states.len(), "{}", stuck.looked_at);
    // Control: a state that vouches is found behind them.
    states.push(by_device(&tip, &new, |draft| draft.title = "new".into()));
    assert_eq!(applied(&roster, &references(&states), &gone).roster.current(), states.last().unwrap());
}
