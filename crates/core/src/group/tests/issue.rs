//! Issuing states and leaving: B13.3.

use super::fixture::*;
use super::*;
use crate::group::{FanOutError, IssueError, Mailbox};
use crate::identity::FormerKeys;
use crate::testing::ed25519;

#[test]
fn the_owner_changes_a_group_and_hands_it_over() {
    let known = Known::all();
    let roster = Roster::created(clinical(), known.now);
    let mut draft = roster.draft(&known.evidence());
    draft.title = "Ward 2".into();
    let issued = roster.update(&device(OWNER), draft, Mailbox::Unchecked, &known.evidence()).unwrap();
    assert_eq!(issued.roster.current().title(), "Ward 2");
    assert_eq!(issued.update.states, [issued.roster.current().to_signed()]);
    let handed = issued.roster.hand_over(&device(OWNER), id_of(DOCTOR), Mailbox::Unchecked, &known.evidence()).unwrap();
    assert_eq!(handed.roster.current().owner(), Some(id_of(DOCTOR)));
    assert_eq!(handed.roster.current().member(id_of(OWNER)).unwrap().role, Role::Member);
    let stranger = roster.hand_over(&device(OWNER), id_of(STRANGER), Mailbox::Unchecked, &known.evidence());
    assert_eq!(stranger.unwrap_err(), IssueError::NotMember);
}

#[test]
fn nobody_issues_what_others_would_refuse() {
    let known = Known::all();
    let roster = Roster::created(clinical(), known.now);
    let issue = |person: u8, edit: fn(&mut GroupDraft)| {
        let mut draft = roster.draft(&known.evidence());
        edit(&mut draft);
        roster.update(&device(person), draft, Mailbox::Emptied, &known.evidence()).unwrap_err()
    };
    assert_eq!(issue(DOCTOR, |_| ()), IssueError::Lacking(Lack::Custodian));
    assert_eq!(issue(OWNER, |draft| draft.policy.class = Class::Personal), IssueError::State(StateError::Role));
    let lower = issue(OWNER, |draft| draft.policy.retention.keep_at_least_ms = 0);
    assert_eq!(lower, IssueError::Rejected(StateRejected::RetentionFell));
    assert_eq!(issue(OWNER, |draft| draft.members.clear()), IssueError::State(StateError::Members));
}

#[test]
fn another_device_of_the_owner_empties_its_mailbox_first() {
    let (old, new) = (device(OWNER), second_device(OWNER, 2));
    let known = Known::all().with(keys_with(OWNER, &[(&old, Listing::Current), (&new, Listing::Current)]));
    let roster = Roster::created(clinical(), known.now);
    let issue = |mailbox| {
        let draft = roster.draft(&known.evidence());
        roster.update(&new, draft, mailbox, &known.evidence())
    };
    assert_eq!(issue(Mailbox::Unchecked).unwrap_err(), IssueError::MailboxUnchecked);
    assert!(issue(Mailbox::Emptied).is_ok());
    // The device that signed the newest state is removed: the account issues the next one.
    assert!(!roster.must_reissue(id_of(OWNER), &known.evidence()));
    let removed = known.with(keys_with(OWNER, &[(&old, Listing::Older), (&new, Listing::Current)]));
    assert!(roster.must_reissue(id_of(OWNER), &removed.evidence()));
    assert!(!roster.must_reissue(id_of(DOCTOR), &removed.evidence()));
}

#[test]
fn a_new_state_brings_the_keys_of_members_up_to_date() {
    let known = Known::all();
    let roster = Roster::created(clinical(), known.now);
    let mut rotated = keys(DOCTOR);
    rotated.predecessors = former(DOCTOR);
    rotated.aik = ed25519(0x66).public_key();
    let known = known.with(rotated.clone());
    let draft = roster.draft(&known.evidence());
    let issued = roster.update(&device(OWNER), draft, Mailbox::Unchecked, &known.evidence()).unwrap();
    assert_eq!(issued.roster.current().member(id_of(DOCTOR)).unwrap().aik, rotated.aik);
    // A key that nothing leads to is not taken over.
    rotated.predecessors = FormerKeys::default();
    let draft = roster.draft(&known.with(rotated).evidence());
    assert_eq!(draft.members[1].aik, ed25519(DOCTOR).public_key());
}

#[test]
fn who_leaves_gets_nothing_more_and_the_next_state_is_without() {
    let known = Known::all();
    let roster = Roster::created(clinical(), known.now);
    assert!(roster.leave(id_of(PATIENT)).unwrap().leave);
    assert_eq!(roster.leave(id_of(OWNER)).err(), Some(IssueError::Owner));
    assert_eq!(roster.leave(id_of(STRANGER)).err(), Some(IssueError::NotMember));
    assert_eq!(roster.left(id_of(STRANGER), roster.current().hash()).unwrap_err(), IssueError::NotMember);
    assert_eq!(roster.left(id_of(OWNER), roster.current().hash()).unwrap_err(), IssueError::Owner);
    let left = roster.left(id_of(PATIENT), roster.current().hash()).unwrap();
    let recipients = |roster: &Roster| fan_out(roster, &known).unwrap().recipients;
    assert!(recipients(&roster).contains(&id_of(PATIENT)));
    assert_eq!(recipients(&left), [OWNER, DOCTOR, ARCHIVE, OBSERVER].map(id_of));
    assert_eq!(left.leavers().collect::<Vec<_>>(), [id_of(PATIENT)]);
    assert!(left.draft(&known.evidence()).members.iter().all(|member| member.account != id_of(PATIENT)));
    let to_leaver = left.hand_over(&device(OWNER), id_of(PATIENT), Mailbox::Emptied, &known.evidence());
    assert_eq!(to_leaver.unwrap_err(), IssueError::NotMember);
    // A state that still lists it does not bring it back; one without it ends the matter; then it may be added again.
    let still = titled(left.current(), OWNER, "still listed");
    let left = applied(&left, &[&still], &known).roster;
    assert!(!recipients(&left).contains(&id_of(PATIENT)));
    let gone = next(&still, OWNER, |draft| draft.members.retain(|member| member.account != id_of(PATIENT)));
    let back = next(&gone, OWNER, |draft| draft.members.push(member(PATIENT, Role::Patient)));
    assert!(recipients(&applied(&left, &[&gone, &back], &known).roster).contains(&id_of(PATIENT)));
}

#[test]
fn in_a_group_that_is_stopped_only_a_custodian_issues_a_state() {
    let (base, known) = (clinical(), Known::all());
    let (one, other) = (hand_over(&base, OWNER, DOCTOR), hand_over(&base, OWNER, CUSTODIAN));
    let stopped = applied(&accepted(&[&base, &one], &known), &[&other], &known).roster;
    assert_eq!(fan_out(&stopped, &known).unwrap_err(), FanOutError::Stopped);
    let issue = |person: u8| {
        let draft = stopped.draft(&known.evidence());
        stopped.update(&device(person), draft, Mailbox::Emptied, &known.evidence())
    };
    assert_eq!(issue(DOCTOR).unwrap_err(), IssueError::Stopped);
    assert!(fan_out(&issue(DEPUTY).unwrap().roster, &known).is_ok());
    assert!(stopped.leave(id_of(DOCTOR)).is_ok(), "its members may leave, the owner too");
}

#[test]
fn members_of_whom_nothing_is_pinned_are_fetched_first() {
    let mut known = Known::all();
    known.accounts.retain(|keys| keys.account != id_of(PATIENT));
    let roster = Roster::created(clinical(), known.now);
    let fan_out = fan_out(&roster, &known).unwrap();
    assert_eq!((fan_out.unknown.as_slice(), fan_out.recipients.len()), ([id_of(PATIENT)].as_slice(), 4));
}

#[test]
fn a_leave_that_was_held_back_does_not_shut_out_who_was_added_again() {
    let (base, known) = (clinical(), Known::all());
    let without = next(&base, OWNER, |draft| draft.members.retain(|member| member.account != id_of(PATIENT)));
    let again = next(&without, OWNER, |draft| draft.members.push(member(PATIENT, Role::Patient)));
    let after = titled(&again, OWNER, "after");
    let roster = accepted(&[&base, &without, &again, &after], &known);
    assert_eq!(roster.left(id_of(PATIENT), base.hash()).unwrap_err(), IssueError::CameBack);
    // The same in a state that lost.
    let lost = ground_above(&base, OWNER, without.hash());
    let forked = applied(&roster, &[&lost], &known).roster;
    assert_eq!(forked.current(), &after);
    assert_eq!(forked.left(id_of(PATIENT), lost.hash()).unwrap_err(), IssueError::CameBack);
    // Control: said since then, or in a state that is not here yet.
    for state in [again.hash(), after.hash(), &[7; 32]] {
        assert!(!gets(&roster.left(id_of(PATIENT), state).unwrap(), PATIENT, &known));
    }
    // Who was added after the state that is named has not come back.
    let doctor = accepted(&[&without, &again], &known);
    assert!(doctor.left(id_of(PATIENT), without.hash()).is_ok());
}
