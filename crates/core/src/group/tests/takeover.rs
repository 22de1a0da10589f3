//! Removed people, stolen devices and outsiders take nothing over: B13.2, B13.5. Each test shows that the honest case
//! beside the attack works.

use super::fixture::*;
use super::*;
use crate::content::BodyKind;
use crate::group::{FanOutError, IssueError, Mailbox, MessageVerdict, SentIn, Unseen, UnseenContents};
use crate::ids::{DeviceId, MessageId};
use crate::organization::OrgRole;
use crate::testing::{Party, at, ed25519};
use crate::time::DAY_MS;

/// Adds the stranger, and gives the group to the doctor.
fn takes_over(draft: &mut GroupDraft) {
    make_owner(draft, DOCTOR);
    draft.members.retain(|member| member.account != id_of(OBSERVER));
    draft.members.push(member(STRANGER, Role::Proxy));
}

/// Asserts that `states` change nothing at a device that holds `base`, together, one by one, and in any order.
fn changes_nothing(base: &GroupState, states: &[&GroupState], known: &Known) -> Roster {
    let roster = Roster::created(base.clone(), known.now);
    for from in [OWNER, DEPUTY, DOCTOR] {
        assert_eq!(sent(&roster, states, from, known).roster.current(), base);
    }
    for order in orders(states) {
        assert_eq!(delivered(&roster, &order, known).current(), base);
    }
    applied(&roster, states, known).roster
}

#[test]
fn t117_an_owner_whom_the_practice_removed_writes_nothing() {
    let base = clinical();
    let known = Known::all();
    let fired = known.after_directory(&staff_without(&[OWNER]));
    let forged = next(&base, OWNER, takes_over);
    let waiting = changes_nothing(&base, &[&forged], &fired);
    assert_eq!(waiting.waiting().collect::<Vec<_>>(), [(forged.hash(), Lack::Owner)]);
    assert!(!gets(&waiting, STRANGER, &fired));
    // Nor does it itself, and a custodian gives the group to another.
    let draft = waiting.draft(&fired.evidence());
    let issued = waiting.update(&device(OWNER), draft, Mailbox::Emptied, &fired.evidence());
    assert_eq!(issued.unwrap_err(), IssueError::Lacking(Lack::Owner));
    let healed = hand_over(&base, CUSTODIAN, DOCTOR);
    assert_eq!(applied(&waiting, &[&healed], &fired).roster.current(), &healed);
    // Control: listed, it may, as clinical or as custodian.
    let custodian = [staff_without(&[OWNER]), vec![(OWNER, OrgRole::RecordsCustodian)]].concat();
    for listed in [known.clone(), known.after_directory(&custodian)] {
        assert_eq!(applied(&Roster::created(base.clone(), known.now), &[&forged], &listed).roster.current(), &forged);
    }
    let supervisor = [staff_without(&[OWNER]), vec![(OWNER, OrgRole::Supervisor)]].concat();
    changes_nothing(&base, &[&forged], &known.after_directory(&supervisor));
}

#[test]
fn t117_a_custodian_whom_the_practice_removed_takes_nothing_over_alone() {
    let base = next(&clinical(), OWNER, |draft| draft.members.push(member(DEPUTY, Role::Member)));
    let known = Known::all();
    let removed = known.after_directory(&staff_without(&[DEPUTY]));
    let first = next(&base, DEPUTY, |draft| make_owner(draft, DEPUTY));
    let second = next(&first, DEPUTY, takes_over);
    let waiting = changes_nothing(&base, &[&first, &second], &removed);
    assert!(!gets(&waiting, STRANGER, &removed));
    // Control: what it did while it was listed is caught up with, when somebody vouches who is listed now.
    let owner = titled(&titled(&base, DEPUTY, "once"), OWNER, "and the owner went on");
    let once = titled(&base, DEPUTY, "once");
    assert_eq!(applied(&waiting, &[&once, &owner], &removed).roster.current(), &owner);
}

#[test]
fn t117_a_custodian_whom_the_practice_removed_takes_nothing_over_with_a_member() {
    let base = clinical();
    let removed = Known::all().after_directory(&staff_without(&[DEPUTY]));
    for helper in [PATIENT, DOCTOR, OBSERVER] {
        let first = next(&base, DEPUTY, |draft| make_owner(draft, helper));
        let second = next(&first, helper, takes_over);
        changes_nothing(&base, &[&first, &second], &removed);
    }
}

#[test]
fn t117_a_stolen_device_that_was_removed_takes_nothing_over_with_a_member() {
    let (old, new) = (device(OWNER), second_device(OWNER, 2));
    let known = Known::all().with(keys_with(OWNER, &[(&old, Listing::Older), (&new, Listing::Current)]));
    for base in [clinical(), personal()] {
        for helper in [PATIENT, DOCTOR] {
            let first = by_device(&base, &old, |draft| make_owner(draft, helper));
            let second = next(&first, helper, takes_over);
            changes_nothing(&base, &[&first, &second], &known);
        }
        // Control: the owner's own device vouches, and in a clinical group a custodian.
        let first = by_device(&base, &old, |draft| draft.title = "before it was removed".into());
        let second = by_device(&first, &new, |draft| draft.title = "after".into());
        let roster = Roster::created(base.clone(), known.now);
        assert_eq!(applied(&roster, &[&first, &second], &known).roster.current(), &second);
    }
    let first = by_device(&clinical(), &old, |draft| draft.title = "before it was removed".into());
    let custodian = titled(&first, CUSTODIAN, "by a custodian");
    let roster = Roster::created(clinical(), known.now);
    assert_eq!(applied(&roster, &[&first, &custodian], &known).roster.current(), &custodian);
}

#[test]
fn t117_an_offline_member_is_not_captured_by_a_removed_owner_after_a_change_of_custodians() {
    let (base, all) = (clinical(), Known::all());
    let taken = next(&base, DEPUTY, |draft| {
        make_owner(draft, DOCTOR);
        draft.members.retain(|member| member.account != id_of(OWNER));
    });
    let real = titled(&taken, DOCTOR, "real");
    let gone = all.after_directory(&staff_without(&[DEPUTY, OWNER]));
    let forged = next(&base, OWNER, takes_over);
    let end = delivered(&Roster::created(base, gone.now), &[&forged, &taken, &real], &gone);
    assert_eq!((end.current().owner(), gets(&end, STRANGER, &gone)), (Some(id_of(OWNER)), false));
    // A custodian who is listed vouches for what happened.
    let vouched = titled(&real, CUSTODIAN, "vouched for");
    assert_eq!(delivered(&end, &[&taken, &real, &vouched], &gone).current(), &vouched);
}

/// The owner's account under another identity key, which was taken over into the pin.
fn another_identity(person: u8) -> AccountKeys {
    AccountKeys { aik: ed25519(0x55).public_key(), ..keys(person) }
}

#[test]
fn t117_another_identity_key_of_the_owner_takes_nothing_over_with_two_states() {
    for (base, by) in [(personal(), OWNER), (clinical(), OWNER), (clinical(), DEPUTY)] {
        let known = Known::all().with(another_identity(by));
        let first = next(&base, by, |draft| {
            let named = draft.members.iter_mut().filter(|member| member.account == id_of(by));
            named.for_each(|member| member.aik = ed25519(0x55).public_key());
        });
        let second = next(&first, by, |draft| draft.members.push(member(STRANGER, Role::Member)));
        changes_nothing(&base, &[&first, &second], &known);
        // Control: the chain led to it.
        let rotated = AccountKeys { predecessors: former(by), ..another_identity(by) };
        let rotated = Known::all().with(rotated);
        let roster = Roster::created(base, known.now);
        assert_eq!(applied(&roster, &[&first, &second], &rotated).roster.current(), &second);
    }
}

#[test]
fn t120_a_message_of_another_identity_under_a_members_account_is_held() {
    let (base, known) = (clinical(), Known::all());
    let one = titled(&base, OWNER, "one");
    let roster = accepted(&[&base, &one], &known);
    let foreign = ed25519(0x55).public_key();
    let own = ed25519(DOCTOR).public_key();
    let judged = |known: &Known, aik, state: &GroupState| {
        let message = SentIn { sender: id_of(DOCTOR), aik, state: Some(state.hash()), kind: BodyKind::Text };
        roster.judge_message(&message, &known.evidence()).unwrap()
    };
    let taken_over = known.with(another_identity(DOCTOR));
    for state in [&base, &one] {
        assert!(matches!(judged(&taken_over, &foreign, state), MessageVerdict::IdentityChanged(change)
            if change.account == id_of(DOCTOR) && change.pinned == foreign));
        assert!(matches!(judged(&known, &foreign, state), MessageVerdict::IdentityChanged(change)
            if change.new == foreign));
    }
    // Control: the listed key, and a key that it led to.
    assert_eq!(judged(&known, &own, &one), MessageVerdict::Accepted);
    let mut rotated = another_identity(DOCTOR);
    rotated.predecessors = former(DOCTOR);
    assert_eq!(judged(&known.with(rotated), &foreign, &base), MessageVerdict::Stale);
    // It is kept unseen until the pin or the current state changes.
    let held = Unseen {
        sender: id_of(DOCTOR),
        device: DeviceId::new(1).unwrap(),
        message: MessageId::from_bytes([1; 16]),
        group: group_of(&base),
        state: *one.hash(),
        since: at(1),
        bytes: 300,
    };
    let (left, released) =
        UnseenContents::default().store(held).unwrap().contents.release_of(group_of(&base), id_of(DOCTOR));
    assert_eq!((left, released), (UnseenContents::default(), vec![held]));
}

#[test]
fn t117_an_expired_manifest_or_directory_decides_nothing() {
    let (base, party) = (personal(), Party::new(OWNER));
    let state = by_device(&base, &party.device, |draft| draft.members.push(member(STRANGER, Role::Member)));
    let at_age = |days: u64| {
        let now = at(0).plus(days * DAY_MS);
        let known = Known::all().at(now).with(AccountKeys::from_pin(&party.pin(), &[], now));
        applied(&Roster::created(base.clone(), now), &[&state], &known).roster
    };
    assert_eq!(at_age(400).waiting().collect::<Vec<_>>(), [(state.hash(), Lack::Manifest)]);
    assert_eq!(at_age(1).current(), &state, "control");
    let (base, state) = (clinical(), titled(&clinical(), OWNER, "one"));
    for (days, taken) in [(96, true), (98, false)] {
        let known = Known::all().at(at(0).plus(days * DAY_MS));
        let roster = applied(&Roster::created(base.clone(), known.now), &[&state], &known).roster;
        assert_eq!(roster.current() == &state, taken, "{days}");
    }
}

#[test]
fn t144_a_patient_who_once_worked_at_the_practice_is_not_closed() {
    let (base, known) = (clinical(), Known::all());
    let hired = known.after_directory(&[STAFF.to_vec(), vec![(PATIENT, OrgRole::Billing)]].concat());
    let gone = hired.after_directory(&STAFF);
    let roster = Roster::created(base.clone(), known.now);
    assert!(gets(&roster, PATIENT, &gone) && !roster.closes(id_of(PATIENT), &gone.evidence()));
    let as_member = next(&base, OWNER, |draft| {
        draft.members.iter_mut().filter(|member| member.account == id_of(PATIENT)).for_each(|m| m.role = Role::Member);
    });
    assert!(Roster::created(as_member, known.now).closes(id_of(PATIENT), &gone.evidence()), "control");
}

#[test]
fn t148_without_an_archive_nothing_is_sent_in_a_clinical_group() {
    let (base, known) = (clinical(), Known::all());
    let roster = Roster::created(base.clone(), known.now);
    assert_eq!(roster.left(id_of(ARCHIVE), roster.current().hash()).unwrap_err(), IssueError::Archive);
    assert_eq!(roster.leave(id_of(ARCHIVE)).err(), Some(IssueError::Archive));
    let text = |known: &Known| roster.fan_out(id_of(PATIENT), BodyKind::Text, &known.evidence());
    let without = known.after_directory(&staff_without(&[ARCHIVE]));
    assert_eq!(text(&without), Err(FanOutError::NoArchive));
    assert_eq!(text(&known.with(AccountKeys { devices: Vec::new(), ..keys(ARCHIVE) })), Err(FanOutError::NoArchive));
    assert!(text(&known).unwrap().recipients.contains(&id_of(ARCHIVE)), "control");
}

#[test]
fn t117_who_is_no_member_or_may_not_speak_sends_nothing() {
    let (base, known) = (clinical(), Known::all());
    let roster = Roster::created(base, known.now);
    let sends = |person: u8, kind, known: &Known| roster.fan_out(id_of(person), kind, &known.evidence()).map(drop);
    assert_eq!(sends(STRANGER, BodyKind::Text, &known), Err(FanOutError::NotMember));
    assert_eq!(sends(OBSERVER, BodyKind::Text, &known), Err(FanOutError::Role));
    assert_eq!(sends(OBSERVER, BodyKind::Receipt, &known), Ok(()));
    let fired = known.after_directory(&staff_without(&[DOCTOR]));
    assert_eq!(sends(DOCTOR, BodyKind::Text, &fired), Err(FanOutError::Closed));
    assert_eq!(sends(DOCTOR, BodyKind::Text, &known), Ok(()));
    let left = roster.left(id_of(DOCTOR), roster.current().hash()).unwrap();
    let refused = left.fan_out(id_of(DOCTOR), BodyKind::Text, &known.evidence());
    assert_eq!(refused.unwrap_err(), FanOutError::NotMember);
}

#[test]
fn t117_a_former_owner_promises_nothing_on_behalf_of_the_group() {
    let (base, known) = (personal(), Known::all());
    let handed = hand_over(&base, OWNER, DOCTOR);
    let without = next(&handed, DOCTOR, |draft| draft.members.retain(|member| member.account != id_of(OWNER)));
    let roster = accepted(&[&base, &handed, &without], &known);
    let spite = next(&base, OWNER, |draft| draft.policy.retention.keep_at_least_ms = u64::MAX);
    let raised = next(&base, OWNER, |draft| {
        draft.policy.class = Class::Clinical;
        draft.org = Some(ORG);
        draft.members.push(member(ARCHIVE, Role::Archive));
    });
    let after = applied(&roster, &[&spite, &raised], &known).roster;
    assert_eq!((after.current(), after.policy()), (&without, *without.policy()));
    assert!(after.state(raised.hash()).is_some(), "control: they are kept");
    let own = next(&without, DOCTOR, |draft| draft.policy.retention.keep_at_least_ms = 7);
    assert_eq!(applied(&after, &[&own], &known).roster.policy().retention.keep_at_least_ms, 7, "control");
}

#[test]
fn t117_a_custodian_replaces_what_one_that_was_removed_since_had_issued_whatever_the_hashes() {
    let (base, all) = (clinical(), Known::all());
    let gone = all.after_directory(&staff_without(&[DEPUTY]));
    let rogue = next(&base, DEPUTY, takes_over);
    // Nothing competes when the directory changes.
    let held = accepted(&[&base, &rogue], &all).judge_waiting(&gone.evidence()).roster;
    let healed = ground_above(&base, CUSTODIAN, rogue.hash());
    assert_eq!(applied(&held, &[&healed], &gone).roster.current(), &healed);
    assert_eq!(applied(&held, &[&healed], &all).roster.current(), &rogue, "control: both are listed");
}
