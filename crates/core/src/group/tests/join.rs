//! Coming into a group: B13.4.

use super::fixture::*;
use super::*;
use crate::content::BodyKind;
use crate::group::tests::stored::ROSTER;
use crate::group::{JoinError, Joined, MessageVerdict, Rejoining, SentIn};
use crate::malicious;
use crate::testing::{at, ed25519};
use crate::time::DAY_MS;

fn join(state: &GroupState, own: u8, from: u8, known: &Known) -> Result<Joined, JoinError> {
    Roster::join(&state.to_signed(), id_of(own), id_of(from), &known.evidence())
}

#[test]
fn a_joining_member_takes_a_state_from_its_actor_or_its_owner_only() {
    let (base, known) = (clinical(), Known::all());
    let by_custodian = titled(&base, CUSTODIAN, "by the custodian");
    for from in [CUSTODIAN, OWNER] {
        assert_eq!(join(&by_custodian, PATIENT, from, &known).unwrap().roster.current(), &by_custodian);
    }
    assert_eq!(join(&by_custodian, PATIENT, DOCTOR, &known).unwrap_err(), JoinError::Sender);
    assert_eq!(join(&base, STRANGER, OWNER, &known).unwrap_err(), JoinError::NotMember);
    // A state whose actor is neither member nor custodian is nobody's.
    let outsider =
        malicious::group_state(&by_custodian, &device(STRANGER), |state| state.actor_account = vec![STRANGER; 16]);
    let refused = Roster::join(&outsider, id_of(PATIENT), id_of(STRANGER), &known.evidence());
    assert_eq!(refused.unwrap_err(), JoinError::Lacking(Lack::Custodian));
    let forged = malicious::group_state(&base, &device(STRANGER), |_| ());
    let refused = Roster::join(&forged, id_of(PATIENT), id_of(OWNER), &known.evidence());
    assert_eq!(refused.unwrap_err(), JoinError::Rejected(StateRejected::Signature));
}

#[test]
fn an_expired_directory_judges_groups_that_exist_and_starts_none() {
    let (base, known) = (clinical(), Known::all().at(at(0).plus(91 * DAY_MS)));
    assert_eq!(join(&base, PATIENT, OWNER, &known).unwrap_err(), JoinError::Lacking(Lack::Directory));
    let one = titled(&base, OWNER, "one");
    assert_eq!(accepted(&[&base, &one], &known).current(), &one);
    assert!(join(&base, PATIENT, OWNER, &Known::all()).is_ok());
}

#[test]
fn a_removed_member_comes_back_by_a_newer_state_only() {
    let (base, known) = (clinical(), Known::all());
    let without = next(&base, OWNER, |draft| draft.members.retain(|member| member.account != id_of(DOCTOR)));
    let between = titled(&without, OWNER, "without the doctor");
    let again = next(&between, OWNER, |draft| draft.members.push(member(DOCTOR, Role::Member)));
    let evidence = known.evidence();
    let back = |roster: &Roster, state: &GroupState| {
        roster.rejoin(&state.to_signed(), id_of(DOCTOR), id_of(OWNER), Rejoining::Absent, &evidence)
    };
    let removed = accepted(&[&base, &without], &known);
    assert_eq!(back(&removed, &again).unwrap().roster.current(), &again);
    assert_eq!(back(&removed, &base).unwrap_err(), JoinError::NotNewer);
    // Who is still a member needs every state between.
    assert_eq!(back(&accepted(&[&base], &known), &again).unwrap_err(), JoinError::Between);
    // What was known stays as context, and with it what a replaced state promised.
    let rejoined = back(&removed, &again).unwrap().roster;
    assert_eq!(rejoined.state(base.hash()), Some(&base));
    let message = SentIn {
        sender: id_of(PATIENT),
        aik: &ed25519(PATIENT).public_key(),
        state: Some(base.hash()),
        kind: BodyKind::Text,
    };
    assert_eq!(rejoined.judge_message(&message, &evidence), Ok(MessageVerdict::Stale));
}

#[test]
fn t117_after_seven_days_without_an_answer_only_the_owner_or_a_custodian_is_believed() {
    let (base, known) = (clinical(), Known::all());
    let roster = Roster::created(base.clone(), known.now);
    let far = |by: u8| {
        let owner = if by == CUSTODIAN { OWNER } else { by };
        malicious::group_state(&hand_over(&base, OWNER, owner), &device(by), |state| {
            state.epoch = 99;
            state.prev_hash = vec![9; 32];
            state.actor_account = vec![by; 16];
        })
    };
    let late = known.at(known.now.plus(7 * DAY_MS));
    let asked = Rejoining::Unanswered(known.now);
    let rejoin = |by: u8, known: &Known| roster.rejoin(&far(by), id_of(PATIENT), id_of(by), asked, &known.evidence());
    assert_eq!(rejoin(DOCTOR, &late).unwrap_err(), JoinError::Issuer);
    assert_eq!(rejoin(OWNER, &known.at(known.now.plus(7 * DAY_MS - 1))).unwrap_err(), JoinError::Between);
    for by in [OWNER, CUSTODIAN] {
        let joined = rejoin(by, &late).unwrap();
        assert_eq!(joined.roster.current().epoch(), 99);
        assert_eq!(forks(&joined.events), [Fork::Rejoined(*joined.roster.current().hash())]);
    }
    // Personal groups have no such way.
    let personal_roster = Roster::created(personal(), known.now);
    assert!(!personal_roster.may_rejoin(known.now, late.now));
    // Who is not the owner of what it presents, or no custodian, is waited for.
    let actor = hand_over(&base, OWNER, DOCTOR).to_signed();
    let refused = roster.rejoin(&actor, id_of(PATIENT), id_of(OWNER), asked, &late.evidence());
    assert_eq!(refused.unwrap_err(), JoinError::Lacking(Lack::Custodian));
}

#[test]
fn t121_a_member_that_joined_later_takes_an_older_state_as_context_only() {
    let (base, known) = (clinical(), Known::all());
    let one = titled(&base, OWNER, "one");
    let two = titled(&one, OWNER, "two");
    let joined = join(&two, PATIENT, OWNER, &known).unwrap().roster;
    let message = SentIn {
        sender: id_of(DOCTOR),
        aik: &ed25519(DOCTOR).public_key(),
        state: Some(one.hash()),
        kind: BodyKind::Text,
    };
    assert_eq!(joined.judge_message(&message, &known.evidence()), Ok(MessageVerdict::Unseen));
    // Not its parent: not taken. Its parent: context, and the current state stays.
    let forged = titled(&base, OWNER, "another one");
    assert_eq!(applied(&joined, &[&forged], &known).roster, joined);
    let knowing = applied(&joined, &[&one], &known).roster;
    assert_eq!((knowing.current(), knowing.state(one.hash())), (&two, Some(&one)));
    assert_eq!(knowing.judge_message(&message, &known.evidence()), Ok(MessageVerdict::Stale));
    // Nothing is built on it: a sibling of the state that we joined by does not compete.
    let sibling = ground_below(&one, OWNER, two.hash());
    assert_eq!(applied(&knowing, &[&sibling], &known).roster.current(), &two);
}

#[test]
fn a_member_rejoins_by_a_state_that_had_lost_here() {
    let (base, known) = (clinical(), Known::all());
    let lost = titled(&base, OWNER, "lost");
    let further = titled(&lost, OWNER, "further");
    let custodian = titled(&base, CUSTODIAN, "by the custodian");
    let roster = applied(&accepted(&[&base, &custodian], &known), &[&lost, &further], &known).roster;
    assert_eq!((roster.current(), roster.state(further.hash())), (&custodian, Some(&further)));
    let late = known.at(known.now.plus(7 * DAY_MS));
    let asked = Rejoining::Unanswered(known.now);
    let joined = roster.rejoin(&further.to_signed(), id_of(PATIENT), id_of(OWNER), asked, &late.evidence()).unwrap();
    assert_eq!(joined.roster.current(), &further);
    ROSTER.comes_back(&joined.roster);
    let message = SentIn {
        sender: id_of(DOCTOR),
        aik: &ed25519(DOCTOR).public_key(),
        state: Some(custodian.hash()),
        kind: BodyKind::Text,
    };
    assert_eq!(joined.roster.judge_message(&message, &late.evidence()), Ok(MessageVerdict::Stale));
}

#[test]
fn t120_states_are_given_to_members_and_listed_custodians_only() {
    let known = Known::all();
    for (base, answered) in
        [(clinical(), vec![OWNER, DOCTOR, OBSERVER, ARCHIVE, CUSTODIAN]), (personal(), vec![OWNER, DOCTOR])]
    {
        let without = next(&base, OWNER, |draft| draft.members.retain(|member| member.account != id_of(PATIENT)));
        let roster = accepted(&[&base, &without], &known);
        let asks = |person: u8, known: &Known| roster.answers(id_of(person), &known.evidence());
        answered.iter().for_each(|person| assert!(asks(*person, &known), "{person}"));
        // Who was removed, and who never was one.
        assert!(!asks(PATIENT, &known) && !asks(STRANGER, &known));
        assert!(accepted(&[&base], &known).answers(id_of(PATIENT), &known.evidence()), "control");
        let gone = known.after_directory(&staff_without(&[DOCTOR, CUSTODIAN]));
        assert_eq!((asks(DOCTOR, &gone), asks(CUSTODIAN, &gone)), (base.org().is_none(), false));
    }
}

#[test]
fn t117_the_owner_of_one_branch_does_not_set_a_stopped_group_going_by_not_answering() {
    let (base, known) = (clinical(), Known::all());
    let (one, other) = (hand_over(&base, OWNER, DOCTOR), hand_over(&base, OWNER, CUSTODIAN));
    let held = accepted(&[&base, &one], &known);
    let stopped = applied(&held, &[&other], &known).roster;
    assert!(stopped.is_stopped());
    let withheld = titled(&one, DOCTOR, "nobody gets it");
    let (after, by_deputy) = (titled(&withheld, DOCTOR, "after"), titled(&withheld, DEPUTY, "after"));
    let late = known.at(known.now.plus(8 * DAY_MS));
    let takes = |roster: &Roster, state: &GroupState, from: u8| {
        let why = Rejoining::Unanswered(known.now);
        roster.rejoin(&state.to_signed(), id_of(PATIENT), id_of(from), why, &late.evidence())
    };
    assert_eq!(takes(&stopped, &after, DOCTOR).unwrap_err(), JoinError::Issuer);
    assert_eq!(takes(&held, &after, DOCTOR).unwrap().roster.current(), &after, "control: not stopped");
    assert_eq!(takes(&stopped, &by_deputy, DEPUTY).unwrap().roster.current(), &by_deputy, "control: a custodian");
}
