//! What is bounded, and what that costs nobody: B13.2, B13.3, B13.4 and B16.

use super::fixture::*;
use super::*;
use crate::group::roster::Earlier;
use crate::group::tests::stored::ROSTER;
use crate::group::{DeviceKey, FanOutError};
use crate::identity::LocalDevice;
use crate::limits::{
    EARLIER_STATES, EARLIER_STATES_BYTES, FULL_ANSWER_BYTES, GROUP_TREE_BYTES, GROUP_UPDATE_BYTES, WAITING_STATES,
    WAITING_STATES_OF_OTHERS,
};
use crate::testing::ed25519;
use crate::wire::v1;

/// A chain of states by one device that are together longer than two answers.
fn long(base: &GroupState, device: &LocalDevice) -> Vec<GroupState> {
    let big = |parent: &GroupState, n: usize| {
        by_device(parent, device, |draft| {
            draft.title = format!("{n}");
            draft.members.retain(|member| member.account < id_of(0x80));
            draft.members.extend((0..40).map(|n| member(0x80 + n as u8, Role::Member)));
        })
    };
    (0..180).fold(vec![base.clone()], |mut states, n| {
        states.push(big(states.last().unwrap(), n));
        states
    })
}

/// Everybody knows the owner's second device; whether its first one is listed is said by `old`.
fn with_devices(old: Listing) -> Known {
    Known::all().with(keys_with(OWNER, &[(&device(OWNER), old), (&second_device(OWNER, 2), Listing::Current)]))
}

/// Catches up from `behind` with what `full` answers, each time sent by `from`, until nothing more is asked for.
fn caught_up(behind: &Roster, full: &Roster, from: u8, known: &Known) -> (Roster, usize) {
    let mut roster = behind.clone();
    for round in 1..20 {
        let answer = full.after(roster.current().hash());
        let next = roster.apply(&answer, id_of(from), &known.evidence());
        ROSTER.comes_back(&next.roster);
        roster = next.roster;
        if next.want_after.is_none() {
            return (roster, round);
        }
    }
    panic!("it asks for ever");
}

#[test]
fn t117_catching_up_with_more_than_one_answer_of_states_by_a_device_that_is_gone() {
    let (listed, gone) = (with_devices(Listing::Current), with_devices(Listing::Older));
    for (base, voucher, nobody) in
        [(personal(), OWNER, PATIENT), (clinical(), OWNER, DOCTOR), (clinical(), CUSTODIAN, PATIENT)]
    {
        let mut states = long(&base, &device(OWNER));
        let weight: usize = states.iter().map(GroupState::weight).sum();
        assert!(weight > 2 * GROUP_UPDATE_BYTES);
        states.push(by_device(states.last().unwrap(), &second_device(OWNER, 2), |draft| draft.title = "new".into()));
        let full = applied(&Roster::created(base.clone(), listed.now), &states.iter().collect::<Vec<_>>(), &listed);
        let behind = Roster::created(base.clone(), gone.now);
        let (end, rounds) = caught_up(&behind, &full.roster, voucher, &gone);
        assert_eq!((end.current(), rounds), (states.last().unwrap(), 3));
        // Who may not vouch by a signature may not by a session, as a member of the state that is here.
        assert_eq!(caught_up(&behind, &full.roster, nobody, &gone).0.current(), &base);
        // What one answer has room for needs a state that vouches.
        let short: Vec<_> = states[1..40].iter().collect();
        assert!(short.iter().map(|state| state.weight()).sum::<usize>() < FULL_ANSWER_BYTES);
        assert_eq!(sent(&behind, &short, voucher, &gone).roster.current(), &base);
    }
}

#[test]
fn t117_a_full_answer_that_ends_where_the_practice_lists_no_owner_is_not_taken() {
    let gone = with_devices(Listing::Older);
    let base = clinical();
    let mut states = long(&base, &device(OWNER));
    let behind = Roster::created(base.clone(), gone.now);
    states.truncate(60);
    let to_patient = by_device(states.last().unwrap(), &device(OWNER), |draft| make_owner(draft, PATIENT));
    states.push(to_patient.clone());
    let all: Vec<_> = states[1..].iter().collect();
    // The last one before it is.
    let taken = sent(&behind, &all, OWNER, &gone);
    assert_eq!((taken.roster.current(), taken.want_after), (&states[59], Some(*states[59].hash())));
}

#[test]
fn t117_a_removed_device_replaces_nothing_by_a_full_answer() {
    let gone = with_devices(Listing::Older);
    let base = personal();
    let states = long(&base, &device(OWNER));
    let by_the_new_device = |n| by_device(&base, &second_device(OWNER, 2), |draft| draft.title = format!("{n}"));
    // By its hash it would lose.
    let kept = (0..100).map(by_the_new_device).find(|kept| kept.hash() > states[1].hash()).unwrap();
    let roster = accepted(&[&base, &kept], &gone);
    let all: Vec<_> = states[1..70].iter().collect();
    assert_eq!(sent(&roster, &all, OWNER, &gone).roster.current(), &kept);
    assert_ne!(sent(&Roster::created(base, gone.now), &all, OWNER, &gone).roster.current(), &states[0], "control");
}

/// Hashes of what waits.
fn waiting(roster: &Roster) -> Vec<[u8; 32]> {
    roster.waiting().map(|(hash, _)| *hash).collect()
}

fn hashes(states: &[GroupState]) -> Vec<[u8; 32]> {
    states.iter().map(|state| *state.hash()).collect()
}

/// States that lack something, all on the same one.
fn lacking(base: &GroupState, count: usize, name: &str) -> Vec<GroupState> {
    (0..count).map(|n| titled(base, DOCTOR, &format!("{name} {n}"))).collect()
}

#[test]
fn t117_of_each_sender_four_states_wait_of_the_owner_sixteen_and_the_oldest_goes_first() {
    let (base, known) = (clinical(), Known::all());
    let roster = Roster::created(base.clone(), known.now);
    let states = lacking(&base, 20, "state");
    for (sender, first) in [(OWNER, 4), (DOCTOR, 16), (CUSTODIAN, 4), (STRANGER, 16)] {
        let kept = states.iter().fold(roster.clone(), |roster, state| sent(&roster, &[state], sender, &known).roster);
        assert_eq!(waiting(&kept), hashes(&states[first..]), "{sender}");
        ROSTER.comes_back(&kept);
    }
}

#[test]
fn t117_no_sender_pushes_out_what_another_sent() {
    let (base, known) = (clinical(), Known::all());
    let roster = Roster::created(base.clone(), known.now);
    let honest = lacking(&base, 3, "honest");
    let flood = lacking(&base, 3 * WAITING_STATES, "flood");
    for victim in [OWNER, DOCTOR, CUSTODIAN, STRANGER] {
        for attacker in [PATIENT, OBSERVER, DEPUTY, 0x99] {
            let before = sent(&roster, &honest.iter().collect::<Vec<_>>(), victim, &known).roster;
            let after = flood.iter().fold(before, |roster, state| sent(&roster, &[state], attacker, &known).roster);
            let kept = waiting(&after).iter().filter(|hash| hashes(&honest).contains(hash)).count();
            // Custodians who are no members have one share, everybody else has one.
            let shared = (victim, attacker) == (CUSTODIAN, DEPUTY) || (victim, attacker) == (STRANGER, 0x99);
            assert_eq!(kept, if shared { 0 } else { honest.len() }, "{victim} {attacker}");
            let flooded = if attacker == DEPUTY { WAITING_STATES } else { WAITING_STATES_OF_OTHERS };
            assert_eq!(waiting(&after).len(), kept + flooded);
            ROSTER.comes_back(&after);
        }
    }
}

#[test]
fn t117_a_state_that_several_sent_stays_while_one_of_them_has_room_for_it() {
    let (base, known) = (clinical(), Known::all());
    let state = titled(&base, DOCTOR, "state");
    let flood = lacking(&base, 2 * WAITING_STATES, "flood");
    let flooded =
        |roster: Roster| flood.iter().fold(roster, |roster, state| sent(&roster, &[state], PATIENT, &known).roster);
    // The attacker sends it first and then pushes it out of its own room: the owner's copy stays.
    let roster = sent(&Roster::created(base.clone(), known.now), &[&state], PATIENT, &known).roster;
    assert!(!waiting(&flooded(roster.clone())).contains(state.hash()));
    let both = sent(&roster, &[&state], OWNER, &known).roster;
    assert!(waiting(&flooded(both)).contains(state.hash()));
}

#[test]
fn what_waits_for_a_sender_is_bounded_in_bytes_and_one_state_always_has_room() {
    let (base, known) = (clinical(), Known::all());
    let roster = Roster::created(base.clone(), known.now);
    let states: Vec<_> = (0..5).map(|n| heavy(&base, DOCTOR, &format!("{n}"))).collect();
    let kept = sent(&roster, &states.iter().collect::<Vec<_>>(), OWNER, &known).roster;
    assert_eq!(waiting(&kept), hashes(&states[2..]));
    ROSTER.comes_back(&kept);
}

/// A roster that took `count` heavy states of the owner, one by one, and all states.
fn grown(base: &GroupState, count: usize, known: &Known) -> (Roster, Vec<GroupState>) {
    let mut states = vec![base.clone()];
    let mut roster = Roster::created(base.clone(), known.now);
    for n in 0..count {
        states.push(heavy(states.last().unwrap(), OWNER, &format!("{n}")));
        roster = applied(&roster, &[states.last().unwrap()], known).roster;
    }
    (roster, states)
}

#[test]
fn a_long_chain_keeps_its_newest_states_and_messages_may_name_some_more() {
    let (base, known) = (personal(), Known::all());
    let (roster, states) = grown(&base, 90, &known);
    assert_eq!(roster.current(), states.last().unwrap());
    assert!(roster.tree.weight() <= GROUP_TREE_BYTES && roster.tree.weight() > GROUP_TREE_BYTES - 70_000);
    let earlier: usize = roster.earlier.values().map(|earlier| earlier.state.weight()).sum();
    assert!(earlier <= EARLIER_STATES_BYTES && earlier > EARLIER_STATES_BYTES - 70_000);
    // The newest of the chain, then the newest of those that went.
    let known_here: Vec<_> = states.iter().map(|state| roster.state(state.hash()).is_some()).collect();
    assert!(known_here.is_sorted());
    ROSTER.comes_back(&roster);
    // What competes with a state that went competes with nothing; the newest ones are still chosen among.
    let old = titled(&states[3], OWNER, "too old");
    assert_eq!(applied(&roster, &[&old], &known).roster.current(), roster.current());
    let last = &states[states.len() - 2];
    let ground = ground_below(last, OWNER, roster.current().hash());
    assert_eq!(applied(&roster, &[&ground], &known).roster.current(), &ground);
    // Who is behind by less gets everything from here.
    let behind = Roster::created(states[60].clone(), known.now);
    assert_eq!(caught_up_by_asking(&behind, &roster, &known), *roster.current());
}

fn caught_up_by_asking(behind: &Roster, full: &Roster, known: &Known) -> GroupState {
    let mut roster = behind.clone();
    loop {
        let answer = full.after(roster.current().hash());
        if answer.is_empty() {
            return roster.current().clone();
        }
        roster = roster.apply(&answer, id_of(OWNER), &known.evidence()).roster;
    }
}

#[test]
fn a_group_that_is_stopped_is_not_set_going_by_more_states_and_a_custodian_still_speaks() {
    let (base, known) = (clinical(), Known::all());
    let (one, other) = (hand_over(&base, OWNER, DOCTOR), hand_over(&base, OWNER, CUSTODIAN));
    let mut roster = applied(&accepted(&[&base, &one], &known), &[&other], &known).roster;
    let mut last = one;
    let mut refused: Vec<([u8; 32], StateRejected)> = Vec::new();
    for n in 0..80 {
        last = heavy(&last, DOCTOR, &format!("{n}"));
        let next = applied(&roster, &[&last], &known);
        roster = next.roster;
        refused.extend(next.refused);
        if !refused.is_empty() {
            break;
        }
    }
    assert_eq!(refused, [(*last.hash(), StateRejected::Full)]);
    assert_eq!(fan_out(&roster, &known), Err(FanOutError::Stopped));
    ROSTER.comes_back(&roster);
    let spoken = titled(&base, DEPUTY, "by a custodian");
    let open = applied(&roster, &[&spoken], &known).roster;
    assert_eq!((open.current(), fan_out(&open, &known).is_ok()), (&spoken, true));
    ROSTER.comes_back(&open);
}

#[test]
fn a_stopped_group_is_not_filled_by_a_custodian_whose_branch_has_lost() {
    let (base, known) = (clinical(), Known::all());
    let (one, other) = (titled(&base, CUSTODIAN, "one"), titled(&base, DEPUTY, "other"));
    let (kept, lost, by) = if one.hash() < other.hash() { (one, other, DEPUTY) } else { (other, one, CUSTODIAN) };
    let (to_doctor, to_keeper) = (hand_over(&kept, OWNER, DOCTOR), hand_over(&kept, OWNER, CUSTODIAN));
    let mut roster = applied(&accepted(&[&base, &kept, &to_doctor], &known), &[&lost, &to_keeper], &known).roster;
    let mut last = lost;
    for n in 0..70 {
        last = heavy(&last, by, &format!("{n}"));
        roster = applied(&roster, &[&last], &known).roster;
        assert!(roster.tree.weight() <= GROUP_TREE_BYTES);
    }
    ROSTER.comes_back(&roster);
    assert_eq!(fan_out(&roster, &known), Err(FanOutError::Stopped));
    assert!(roster.state(to_keeper.hash()).is_some());
}

#[test]
fn t117_two_answers_that_are_not_full_are_no_full_one() {
    let gone = with_devices(Listing::Older);
    let states = long(&personal(), &device(OWNER));
    let behind = Roster::created(personal(), gone.now);
    let (one, other): (Vec<_>, Vec<_>) = (states[1..11].iter().collect(), states[11..60].iter().collect());
    let waiting = sent(&behind, &one, OWNER, &gone).roster;
    assert_eq!(waiting.waiting().count(), one.len());
    assert_eq!(sent(&waiting, &other, OWNER, &gone).roster.current(), &states[0]);
    let whole: Vec<_> = states[1..60].iter().collect();
    assert_eq!(sent(&waiting, &whole, OWNER, &gone).roster.current(), &states[59], "control");
}

#[test]
fn a_state_under_another_signature_does_not_wait_beside_itself() {
    let (listed, gone) = (with_devices(Listing::Current), with_devices(Listing::Older));
    let base = personal();
    let one = by_device(&base, &device(OWNER), |draft| draft.title = "by the old device".into());
    let two = by_device(&one, &second_device(OWNER, 2), |draft| draft.title = "by the new device".into());
    let mut forged = one.to_signed();
    forged.sig[0] ^= 1;
    let roster = Roster::created(base, listed.now);
    let states: Vec<v1::Signed> = vec![forged, one.to_signed(), two.to_signed()];
    let next = roster.apply(&states, id_of(OWNER), &gone.evidence()).roster;
    assert_eq!((next.current(), next.waiting().count()), (&two, 0));
    ROSTER.comes_back(&next);
}

#[test]
fn states_that_messages_may_name_are_bounded_in_number() {
    let (base, known) = (personal(), Known::all());
    let mut roster = Roster::created(base.clone(), known.now);
    let states: Vec<_> = (0..EARLIER_STATES + 3).map(|n| titled(&base, OWNER, &format!("{n}"))).collect();
    let earlier = |state: &GroupState| Earlier { state: state.clone(), superseded: known.now, lost: false };
    roster.earlier = states.iter().map(|state| (*state.hash(), earlier(state))).collect();
    roster.bound_earlier();
    assert_eq!(roster.earlier.len(), EARLIER_STATES);
}

#[test]
fn t117_states_that_lose_push_out_none_under_which_members_wrote() {
    let (base, known) = (personal(), Known::all());
    let (roster, states) = grown(&base, 66, &known);
    assert!(roster.earlier.contains_key(states[1].hash()), "the oldest have gone to those that messages may name");
    // A former owner makes states that lose, late, on the oldest parent that is left.
    let oldest = roster.tree.node(&roster.chain[0]).unwrap().state.clone();
    let followed = roster.chain[1];
    let above = |state: &GroupState| state.hash() > &followed;
    let losing = (0..).map(|n| heavy(&oldest, OWNER, &format!("lost {n}"))).filter(above).take(16).collect::<Vec<_>>();
    let later = known.at(known.now.plus(crate::time::DAY_MS));
    let mut roster = applied(&roster, &losing.iter().collect::<Vec<_>>(), &later).roster;
    let mut states = states;
    for n in 0..6 {
        states.push(heavy(states.last().unwrap(), OWNER, &format!("later {n}")));
        roster = applied(&roster, &[states.last().unwrap()], &later).roster;
    }
    let weight = |lost: bool| -> usize {
        let those = roster.earlier.values().filter(|earlier| earlier.lost == lost);
        those.map(|earlier| earlier.state.weight()).sum()
    };
    assert!(
        weight(true) > 0 && weight(true) + weight(false) > EARLIER_STATES_BYTES - 70_000,
        "there was no room for all"
    );
    let of_chain =
        states.iter().filter(|state| state.epoch() < roster.tree.node(&roster.chain[0]).unwrap().state.epoch());
    assert!(of_chain.clone().count() > 0);
    for state in of_chain {
        assert!(roster.state(state.hash()).is_some(), "{}", state.epoch());
    }
    ROSTER.comes_back(&roster);
}

#[test]
fn t117_states_under_a_wrong_signature_or_by_nobody_known_do_not_wait() {
    let (base, known) = (clinical(), Known::all());
    let delisted = known.after_directory(&staff_without(&[CUSTODIAN]));
    let real = titled(&base, CUSTODIAN, "by a custodian, once");
    let roster = applied(&Roster::created(base.clone(), known.now), &[&real], &delisted).roster;
    assert_eq!(waiting(&roster), [*real.hash()], "control");
    let junk = |by: u8| -> Vec<v1::Signed> {
        let wrong = |n: usize| v1::Signed { sig: vec![n as u8; 64], ..titled(&base, by, &format!("{n}")).to_signed() };
        (0..40).map(wrong).collect()
    };
    let flooded = roster.apply(&junk(DOCTOR), id_of(OWNER), &delisted.evidence());
    assert_eq!((waiting(&flooded.roster), flooded.refused.len()), (vec![*real.hash()], 40));
    assert!(flooded.refused.iter().all(|(_, reason)| *reason == StateRejected::Signature));
    // Of somebody of whom no device is known nothing can be said: it is asked for again.
    let flooded = roster.apply(&junk(0x77), id_of(OWNER), &delisted.evidence());
    assert_eq!((waiting(&flooded.roster), flooded.refused.len()), (vec![*real.hash()], 0));
    assert_eq!(flooded.want_after, Some(*base.hash()));
}

#[test]
fn t117_of_a_device_eight_keys_are_tried() {
    let (base, known) = (personal(), Known::all());
    let real = DeviceKey { listing: Listing::Older, ..keys(OWNER).devices[0] };
    let with = |others: u8| {
        let key = |n: u8| DeviceKey { dsk: ed25519(100 + n).public_key(), ..real };
        let devices = (0..others).map(key).chain([real]).collect();
        known.with(AccountKeys { devices, ..keys(OWNER) })
    };
    let roster = Roster::created(base.clone(), known.now);
    let one = titled(&base, OWNER, "one");
    assert_eq!(applied(&roster, &[&one], &with(7)).roster.waiting().count(), 1, "control: the eighth verifies it");
    assert_eq!(applied(&roster, &[&one], &with(8)).roster.waiting().count(), 0);
}
