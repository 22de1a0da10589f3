//! What cannot be connected is shown, and a person may take it: B13.4. Nothing is taken that way without a person.

use super::fixture::*;
use super::*;
use crate::group::{IssueError, JoinError, Joined, Mailbox, Rejoining};
use crate::malicious;
use crate::testing::at;
use crate::time::DAY_MS;
use crate::wire::v1;

fn join(state: &GroupState, own: u8, from: u8, known: &Known) -> Result<Joined, JoinError> {
    Roster::join(&state.to_signed(), id_of(own), id_of(from), &known.evidence())
}

/// What the person at the device of `own` takes, from a session with `from`.
fn confirmed(roster: &Roster, state: &GroupState, own: u8, from: u8, known: &Known) -> Result<Joined, JoinError> {
    roster.rejoin(&state.to_signed(), id_of(own), id_of(from), Rejoining::Confirmed, &known.evidence())
}

fn unconnected(held: &GroupState, presented: &GroupState) -> Fork {
    Fork::Unconnected { held: *held.hash(), presented: *presented.hash() }
}

#[test]
fn t117_a_joiner_whose_base_lost_is_shown_the_other_chain_and_may_take_it() {
    let (first, known) = (clinical(), Known::all());
    let one = titled(&first, OWNER, "one");
    let added = next(&one, OWNER, |draft| draft.members.push(member(STRANGER, Role::Proxy)));
    let behind = titled(&first, CUSTODIAN, "by a custodian");
    let again = next(&behind, OWNER, |draft| draft.members.push(member(STRANGER, Role::Proxy)));
    let members = delivered(&accepted(&[&first, &one, &added], &known), &[&behind, &again], &known);
    assert_eq!(members.current(), &again);
    let joiner = join(&added, STRANGER, OWNER, &known).unwrap().roster;
    let shown = applied(&joiner, &[&behind, &again], &known);
    assert_eq!((shown.roster.current(), forks(&shown.events)), (&added, vec![unconnected(&added, &again)]));
    let taken = confirmed(&shown.roster, &again, STRANGER, OWNER, &known).unwrap();
    assert_eq!((taken.roster.current(), forks(&taken.events)), (&again, vec![Fork::Rejoined(*again.hash())]));
    assert!(taken.roster.state(added.hash()).is_some(), "messages may still name what was held");
    // The same in a personal group.
    let first = personal();
    let one = titled(&first, OWNER, "one");
    let other = ground_below(&first, OWNER, one.hash());
    let two = next(&one, OWNER, |draft| draft.members.push(member(STRANGER, Role::Member)));
    let real = next(&other, OWNER, |draft| draft.members.push(member(STRANGER, Role::Member)));
    let joiner = join(&two, STRANGER, OWNER, &known).unwrap().roster;
    let shown = applied(&joiner, &[&other, &real], &known);
    assert_eq!(forks(&shown.events), [unconnected(&two, &real)]);
    assert_eq!(confirmed(&joiner, &real, STRANGER, OWNER, &known).unwrap().roster.current(), &real);
}

#[test]
fn t117_a_gap_and_old_states_are_no_fork() {
    let (base, known) = (clinical(), Known::all());
    let one = titled(&base, OWNER, "one");
    let two = titled(&one, OWNER, "two");
    let three = titled(&two, OWNER, "three");
    let gap = applied(&Roster::created(base.clone(), known.now), &[&two, &three], &known);
    assert_eq!((gap.want_after, forks(&gap.events)), (Some(*base.hash()), Vec::new()));
    let joiner = join(&two, PATIENT, OWNER, &known).unwrap().roster;
    assert_eq!(forks(&applied(&joiner, &[&base], &known).events), []);
    assert_eq!(forks(&applied(&joiner, &[&base, &one, &two, &three], &known).events), []);
}

/// The group of `base` by the stranger, as of `epoch`, which made itself the owner.
fn forged_group(base: &GroupState, epoch: u64) -> v1::Signed {
    malicious::group_state(&hand_over(base, OWNER, STRANGER), &device(STRANGER), |state| {
        state.epoch = epoch;
        state.prev_hash = vec![7; 32];
        state.actor_account = vec![STRANGER; 16];
    })
}

#[test]
fn t117_an_outsider_that_was_first_does_not_lock_a_member_out() {
    let (base, known) = (personal(), Known::all());
    let evidence = known.evidence();
    // In another's name nobody joins: the actor is the owner.
    for who in [STRANGER, DOCTOR] {
        let not_owner = malicious::group_state(&base, &device(who), |state| {
            (state.epoch, state.prev_hash, state.actor_account) = (9, vec![7; 32], vec![who; 16]);
        });
        let refused = Roster::join(&not_owner, id_of(PATIENT), id_of(who), &evidence);
        assert_eq!(refused.unwrap_err(), JoinError::Rejected(StateRejected::NotOwner));
    }
    let last = Roster::join(&forged_group(&base, 1 << 32), id_of(PATIENT), id_of(STRANGER), &evidence);
    assert_eq!(last.unwrap_err(), JoinError::Rejected(StateRejected::State(StateError::Epoch)));
    // In a group that it claims as its own it can be first; the real one is shown, and taken.
    let forged = Roster::join(&forged_group(&base, (1 << 32) - 1), id_of(PATIENT), id_of(STRANGER), &evidence);
    let forged = forged.unwrap().roster;
    let real = titled(&base, OWNER, "real");
    let shown = applied(&forged, &[&real], &known);
    assert_eq!(forks(&shown.events), [unconnected(forged.current(), &real)]);
    assert_eq!(shown.roster.current(), forged.current(), "nothing is taken without a person");
    assert_eq!(confirmed(&forged, &real, PATIENT, OWNER, &known).unwrap().roster.current(), &real);
    // In a clinical group it is not first either: the practice does not list it.
    let clinical = Roster::join(&forged_group(&clinical(), 9), id_of(PATIENT), id_of(STRANGER), &evidence);
    assert_eq!(clinical.unwrap_err(), JoinError::Lacking(Lack::Owner));
}

#[test]
fn t117_an_outsider_does_not_bring_a_removed_member_into_its_own_roster() {
    let (base, known) = (personal(), Known::all());
    let without = next(&base, OWNER, |draft| draft.members.retain(|member| member.account != id_of(PATIENT)));
    let removed = accepted(&[&base, &without], &known);
    let back = |state: &v1::Signed, from: u8| {
        removed.rejoin(state, id_of(PATIENT), id_of(from), Rejoining::Absent, &known.evidence())
    };
    assert_eq!(back(&forged_group(&base, 9), STRANGER).unwrap_err(), JoinError::Issuer);
    let again = next(&without, OWNER, |draft| draft.members.push(member(PATIENT, Role::Member)));
    assert_eq!(back(&again.to_signed(), OWNER).unwrap().roster.current(), &again, "control");
    // Who owns it now and did not then is confirmed by the person.
    let handed = hand_over(&without, OWNER, DOCTOR);
    let by_doctor = next(&handed, DOCTOR, |draft| draft.members.push(member(PATIENT, Role::Member)));
    assert_eq!(back(&by_doctor.to_signed(), DOCTOR).unwrap_err(), JoinError::Issuer);
    assert_eq!(confirmed(&removed, &by_doctor, PATIENT, DOCTOR, &known).unwrap().roster.current(), &by_doctor);
}

#[test]
fn t117_a_person_takes_only_what_would_bring_a_joiner_in_and_keeps_what_was_promised() {
    let (base, known) = (clinical(), Known::all());
    let promised = next(&base, OWNER, |draft| draft.policy.retention.keep_at_least_ms = 5_000);
    let roster = accepted(&[&base, &promised], &known);
    let other = titled(&base, CUSTODIAN, "promises less");
    assert_eq!(
        confirmed(&roster, &other, PATIENT, CUSTODIAN, &known).unwrap_err(),
        JoinError::Rejected(StateRejected::RetentionFell)
    );
    let more = next(&base, CUSTODIAN, |draft| draft.policy.retention.keep_at_least_ms = 6_000);
    assert_eq!(confirmed(&roster, &more, PATIENT, DOCTOR, &known).unwrap_err(), JoinError::Sender);
    assert_eq!(confirmed(&roster, &more, STRANGER, CUSTODIAN, &known).unwrap_err(), JoinError::NotMember);
    let delisted = known.after_directory(&staff_without(&[CUSTODIAN]));
    let refused = confirmed(&roster, &more, PATIENT, CUSTODIAN, &delisted).unwrap_err();
    assert_eq!(refused, JoinError::Lacking(Lack::Custodian));
    let taken = confirmed(&roster, &more, PATIENT, CUSTODIAN, &known).unwrap().roster;
    assert_eq!((taken.current(), taken.policy().retention.keep_at_least_ms), (&more, 6_000));
}

#[test]
fn t117_who_took_a_state_follows_what_it_had_seen_of_its_successors() {
    let (base, known) = (clinical(), Known::all());
    let (mut one, mut two) = (titled(&base, CUSTODIAN, "one"), titled(&base, DEPUTY, "two"));
    if two.hash() < one.hash() {
        core::mem::swap(&mut one, &mut two);
    }
    let a = titled(&two, CUSTODIAN, "a");
    let b = titled(&a, CUSTODIAN, "b");
    let c = titled(&b, OWNER, "c");
    let roster = delivered(&accepted(&[&base, &one], &known), &[&two, &a, &b, &c], &known);
    assert_eq!(roster.current(), &one);
    let late = known.at(known.now.plus(8 * DAY_MS));
    let why = Rejoining::Unanswered(known.now);
    let taken = roster.rejoin(&b.to_signed(), id_of(PATIENT), id_of(CUSTODIAN), why, &late.evidence()).unwrap().roster;
    stored::ROSTER.comes_back(&taken);
    let d = titled(&c, OWNER, "d");
    let end = delivered(&taken, &[&c, &d], &late);
    assert_eq!(end.current(), &d);
    stored::ROSTER.comes_back(&end);
}

#[test]
fn t117_members_who_differ_after_a_device_was_removed_come_together_by_a_person() {
    let (base, all) = (personal(), Known::all());
    let (old, new) = (device(OWNER), second_device(OWNER, 2));
    let both = all.with(keys_with(OWNER, &[(&old, Listing::Current), (&new, Listing::Current)]));
    let gone = all.with(keys_with(OWNER, &[(&old, Listing::Older), (&new, Listing::Current)]));
    let other = by_device(&base, &new, |draft| draft.title = "other".into());
    let ground = (0..1_000).map(|n| by_device(&base, &old, |draft| draft.title = format!("{n}")));
    let one = ground.into_iter().find(|state| state.hash() < other.hash()).unwrap();
    let two = by_device(&one, &new, |draft| draft.title = "two".into());
    let first = delivered(&accepted(&[&base, &one], &both), &[&two, &other], &gone);
    let second = delivered(&accepted(&[&base, &other], &gone), &[&one, &two], &gone);
    assert_eq!((first.current(), second.current()), (&two, &other));
    assert_eq!(confirmed(&second, &two, PATIENT, OWNER, &gone).unwrap().roster.current(), first.current());
}

#[test]
fn t117_a_context_is_taken_under_a_good_signature_only() {
    let (base, known) = (clinical(), Known::all());
    let one = titled(&base, OWNER, "one");
    let joined = join(&one, PATIENT, OWNER, &known).unwrap().roster;
    let junk = v1::Signed { sig: vec![1; 64], ..base.to_signed() };
    let after = joined.apply(&[junk], id_of(OWNER), &known.evidence()).roster;
    assert_eq!(after.state(base.hash()), None);
    let after = applied(&after, &[&base], &known).roster;
    assert_eq!(after.state(base.hash()).map(GroupState::to_signed), Some(base.to_signed()), "control");
}

#[test]
fn nothing_is_issued_beside_what_waited_and_can_be_taken() {
    let (base, known) = (clinical(), Known::all());
    let delisted = known.after_directory(&staff_without(&[DEPUTY]));
    let roster = applied(&Roster::created(base.clone(), at(1)), &[&titled(&base, DEPUTY, "waits")], &delisted).roster;
    let issue = |known: &Known| {
        let draft = roster.draft(&known.evidence());
        roster.update(&device(OWNER), draft, Mailbox::Emptied, &known.evidence())
    };
    assert_eq!(issue(&known).unwrap_err(), IssueError::Waiting);
    assert!(issue(&delisted).is_ok(), "control");
}

#[test]
fn t141_a_listed_custodian_decides_between_branches_of_one_that_was_removed_in_any_order() {
    let (base, all) = (clinical(), Known::all());
    let gone = all.after_directory(&staff_without(&[DEPUTY]));
    let rogue = titled(&base, DEPUTY, "rogue");
    let owner = titled(&base, OWNER, "owner");
    let (heals_rogue, heals_owner) = (titled(&rogue, CUSTODIAN, "one"), titled(&owner, CUSTODIAN, "other"));
    let with_rogue = accepted(&[&base, &rogue], &all);
    let with_owner = accepted(&[&base, &owner], &gone);
    let fresh = Roster::created(base, gone.now);
    let winner = if heals_rogue.hash() < heals_owner.hash() { &heals_rogue } else { &heals_owner };
    for (spoken, winner) in [
        (vec![&heals_owner], &heals_owner),
        (vec![&heals_rogue], &heals_rogue),
        (vec![&heals_rogue, &heals_owner], winner),
    ] {
        let states = [vec![&rogue, &owner], spoken].concat();
        for order in orders(&states) {
            for begin in [&with_rogue, &with_owner, &fresh] {
                let end = delivered(begin, &order, &gone);
                assert_eq!(end.current(), winner, "{order:?}");
                stored::ROSTER.comes_back(&end);
            }
        }
    }
    // Without a listed custodian each stays where it is, and the owner's state does not replace what was accepted.
    let end = delivered(&with_rogue, &[&owner], &gone);
    assert_eq!(end.current(), &rogue);
    stored::ROSTER.comes_back(&end);
    // Control: while the deputy is listed its state replaces the owner's.
    let with_owner = accepted(&[&clinical(), &owner], &all);
    assert_eq!(applied(&with_owner, &[&rogue], &all).roster.current(), &rogue);
}
