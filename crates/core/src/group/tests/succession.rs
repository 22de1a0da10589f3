//! When a state is valid on another: the rules of B13.2, case by case.

use super::fixture::*;
use super::*;
use crate::group::Applied;
use crate::malicious;
use crate::organization::{AikVerdict, OrgRole};
use crate::testing::ed25519;
use crate::wire::v1;

/// Asserts that `state` is refused for `reason` and nothing else has changed, and that `control` is accepted.
fn refused(base: &GroupState, state: &v1::Signed, reason: StateRejected, control: &GroupState) {
    let known = Known::all();
    let roster = Roster::created(base.clone(), known.now);
    let Applied { roster: next, events, refused, .. } =
        roster.apply(std::slice::from_ref(state), id_of(OWNER), &known.evidence());
    assert_eq!(refused.iter().map(|(_, reason)| *reason).collect::<Vec<_>>(), [reason]);
    assert_eq!((next, events), (roster.clone(), Vec::new()));
    assert_eq!(applied(&roster, &[control], &known).roster.current(), control);
}

/// Asserts that `state` waits for `lack` and is not accepted.
fn waits(roster: &Roster, state: &GroupState, lack: Lack, known: &Known) -> Roster {
    let Applied { roster: next, events, refused, .. } = applied(roster, &[state], known);
    assert_eq!(next.waiting().collect::<Vec<_>>(), [(state.hash(), lack)]);
    assert_eq!((next.current(), events, refused), (roster.current(), Vec::new(), Vec::new()));
    next
}

#[test]
fn t117_a_member_other_than_the_owner_changes_nothing() {
    let (base, owner) = (personal(), titled(&personal(), OWNER, "by the owner"));
    refused(&base, &titled(&base, DOCTOR, "mine").to_signed(), StateRejected::NotOwner, &owner);
    // In a clinical group the member may be listed as custodian by a directory that is not here: it waits.
    let known = Known::all();
    let roster = Roster::created(clinical(), known.now);
    let waiting = waits(&roster, &titled(&clinical(), DOCTOR, "mine"), Lack::Custodian, &known);
    assert_eq!(waiting.judge_waiting(&known.evidence()).roster, waiting);
    let promoted =
        known.after_directory(&[staff_without(&[DOCTOR]), vec![(DOCTOR, OrgRole::RecordsCustodian)]].concat());
    assert_eq!(waiting.judge_waiting(&promoted.evidence()).roster.current().title(), "mine");
}

#[test]
fn t117_a_former_owner_changes_nothing() {
    let base = hand_over(&personal(), OWNER, DOCTOR);
    let known = Known::all();
    let roster = accepted(&[&personal(), &base], &known);
    let late = titled(&base, OWNER, "still mine");
    let Applied { roster: next, refused, .. } = applied(&roster, &[&late], &known);
    assert_eq!((next, refused), (roster.clone(), vec![(*late.hash(), StateRejected::NotOwner)]));
    let control = titled(&base, DOCTOR, "mine now");
    assert_eq!(applied(&roster, &[&control], &known).roster.current(), &control);
}

#[test]
fn t117_an_epoch_gap_is_refused_and_a_missing_parent_is_asked_for() {
    let (base, one) = (clinical(), titled(&clinical(), OWNER, "one"));
    let jumped = malicious::group_state(&one, &device(OWNER), |state| state.epoch = 2);
    refused(&base, &jumped, StateRejected::Epoch, &one);
    let known = Known::all();
    let roster = Roster::created(base.clone(), known.now);
    let two = titled(&one, OWNER, "two");
    let missing = applied(&roster, &[&two], &known);
    assert_eq!((missing.want_after, &missing.roster), (Some(*base.hash()), &roster));
    let both = applied(&roster, &[&one, &two], &known);
    assert_eq!((both.want_after, both.roster.current()), (None, &two));
}

#[test]
fn t117_a_replayed_old_state_changes_nothing() {
    let (base, known) = (clinical(), Known::all());
    let one = titled(&base, OWNER, "one");
    let two = titled(&one, OWNER, "two");
    let roster = accepted(&[&base, &one, &two], &known);
    let replayed = applied(&roster, &[&base, &one], &known);
    assert_eq!((replayed.roster, replayed.events), (roster.clone(), Vec::new()));
    // The same bytes under another epoch are another state, which does not follow.
    let moved = malicious::group_state(&one, &device(OWNER), |state| state.epoch = 3);
    let next = roster.apply(&[moved], id_of(OWNER), &known.evidence());
    assert_eq!((next.roster, next.refused[0].1), (roster.clone(), StateRejected::Epoch));
    let three = titled(&two, OWNER, "three");
    assert_eq!(applied(&roster, &[&three], &known).roster.current(), &three);
}

#[test]
fn t117_the_class_does_not_fall() {
    let base = clinical();
    let lower = next(&base, OWNER, |draft| {
        draft.policy.class = Class::Personal;
        draft.org = None;
        draft.members.retain(|member| member.role != Role::Archive);
    });
    refused(&base, &lower.to_signed(), StateRejected::ClassFell, &titled(&base, OWNER, "same class"));
}

#[test]
fn t117_the_retention_does_not_fall() {
    let base = clinical();
    let with = |ms| next(&base, OWNER, |draft| draft.policy.retention.keep_at_least_ms = ms);
    refused(&base, &with(999).to_signed(), StateRejected::RetentionFell, &with(1_001));
}

#[test]
fn t117_the_practice_does_not_change() {
    let base = clinical();
    let other = next(&base, OWNER, |draft| draft.org = Some(crate::ids::OrgId::from_bytes([0x0b; 16])));
    refused(&base, &other.to_signed(), StateRejected::OrgChanged, &titled(&base, OWNER, "same practice"));
}

#[test]
fn t117_a_clinical_group_has_an_archive_that_the_directory_lists() {
    let (base, known) = (clinical(), Known::all());
    let without = next(&base, OWNER, |draft| draft.members.retain(|member| member.role != Role::Archive));
    refused(&base, &without.to_signed(), StateRejected::NoArchive, &titled(&base, OWNER, "with archive"));
    let foreign = next(&base, OWNER, |draft| draft.members.push(member(STRANGER, Role::Archive)));
    let roster = Roster::created(base, known.now);
    let waiting = waits(&roster, &foreign, Lack::Archive, &known);
    let listed = known.after_directory(&[STAFF.to_vec(), vec![(STRANGER, OrgRole::Archive)]].concat());
    assert_eq!(waiting.judge_waiting(&listed.evidence()).roster.current(), &foreign);
}

#[test]
fn a_clinical_group_has_an_owner_whom_the_practice_lists_as_clinical() {
    let (base, known) = (clinical(), Known::all());
    let roster = Roster::created(base.clone(), known.now);
    waits(&roster, &hand_over(&base, OWNER, PATIENT), Lack::Owner, &known);
    let nobody = Known { pin: None, ..known.clone() };
    waits(&roster, &titled(&base, OWNER, "no directory"), Lack::Directory, &nobody);
    let doctor = hand_over(&base, OWNER, DOCTOR);
    assert_eq!(applied(&roster, &[&doctor], &known).roster.current(), &doctor);
    let unbound = next(&base, OWNER, |draft| draft.org = None);
    assert_eq!(applied(&roster, &[&unbound], &known).refused[0].1, StateRejected::OrgChanged);
    let raised = next(&personal(), OWNER, |draft| draft.policy.class = Class::Clinical);
    let personal = Roster::created(personal(), known.now);
    assert_eq!(applied(&personal, &[&raised], &known).refused[0].1, StateRejected::NoOrg);
}

#[test]
fn t117_a_foreign_custodian_does_not_make_a_personal_group_clinical() {
    let base = personal();
    let clinical = |by| {
        next(&base, by, |draft| {
            draft.policy.class = Class::Clinical;
            draft.org = Some(ORG);
            draft.members.push(member(ARCHIVE, Role::Archive));
        })
    };
    refused(&base, &clinical(CUSTODIAN).to_signed(), StateRejected::NotOwner, &clinical(OWNER));
}

#[test]
fn t117_an_epoch_99_of_a_listed_clinician_is_refused() {
    let (base, one) = (clinical(), titled(&clinical(), OWNER, "one"));
    let far = malicious::group_state(&one, &device(DOCTOR), |state| {
        state.epoch = 99;
        state.actor_account = vec![DOCTOR; 16];
    });
    refused(&base, &far, StateRejected::Epoch, &one);
}

#[test]
fn t117_a_custodian_that_is_no_member_may_change_a_clinical_group() {
    let (base, known) = (clinical(), Known::all());
    let roster = Roster::created(base.clone(), known.now);
    let changed = hand_over(&base, CUSTODIAN, DOCTOR);
    let Applied { roster: next, events, .. } = applied(&roster, &[&changed], &known);
    assert_eq!(next.current(), &changed);
    let shown = GroupEvent::CustodianState { account: id_of(CUSTODIAN), state: *changed.hash() };
    assert_eq!(events, [shown, GroupEvent::Advanced { epoch: 1 }]);
    // Without the role in the directory it waits.
    let delisted = known.after_directory(&staff_without(&[CUSTODIAN]));
    waits(&roster, &changed, Lack::Custodian, &delisted);
}

#[test]
fn t117_a_device_that_is_gone_is_vouched_for_by_a_valid_successor() {
    let (base, known) = (clinical(), Known::all());
    let (old, new) = (device(OWNER), second_device(OWNER, 2));
    let replaced = known.with(keys_with(OWNER, &[(&old, Listing::Older), (&new, Listing::Current)]));
    let one = by_device(&base, &old, |draft| draft.title = "by the old device".into());
    let two = by_device(&one, &new, |draft| draft.title = "by the new device".into());
    let roster = Roster::created(base.clone(), known.now);
    // Alone it waits for a manifest; with its successor both are accepted.
    let waiting = waits(&roster, &one, Lack::Manifest, &replaced);
    assert_eq!(applied(&waiting, &[&two], &replaced).roster.current(), &two);
    assert_eq!(applied(&roster, &[&one, &two], &replaced).roster.current(), &two);
    // A key that no manifest ever listed is not vouched for by anybody.
    let never = known.with(keys_with(OWNER, &[(&new, Listing::Current)]));
    assert_eq!(applied(&roster, &[&one, &two], &never).roster.current(), &base);
}

#[test]
fn t117_a_device_that_is_gone_does_not_hand_the_group_to_a_stranger() {
    let (base, known) = (personal(), Known::all());
    let (old, new) = (device(OWNER), second_device(OWNER, 2));
    let replaced = known.with(keys_with(OWNER, &[(&old, Listing::Older), (&new, Listing::Current)]));
    let roster = Roster::created(base.clone(), known.now);
    let stolen = |to| by_device(&base, &old, move |draft| make_owner(draft, to));
    let (to_stranger, to_doctor, kept) = (stolen(STRANGER), stolen(DOCTOR), stolen(OWNER));
    let accomplice = titled(&to_stranger, STRANGER, "mine");
    assert_eq!(applied(&roster, &[&to_stranger, &accomplice], &replaced).roster.current(), &base);
    // A member of the state that is here cannot vouch either: what it says waits.
    let doctor = titled(&to_doctor, DOCTOR, "as agreed");
    let waiting = applied(&roster, &[&to_doctor, &doctor], &replaced).roster;
    assert_eq!((waiting.current(), waiting.waiting().count()), (&base, 2));
    // The owner of the state that is here can.
    let owner = by_device(&kept, &new, |draft| draft.title = "by the new device".into());
    assert_eq!(applied(&roster, &[&kept, &owner], &replaced).roster.current(), &owner);
}

#[test]
fn t117_a_member_key_other_than_the_pinned_one_is_a_changed_identity() {
    let (base, known) = (clinical(), Known::all());
    let roster = Roster::created(base.clone(), known.now);
    let foreign = ed25519(0x77).public_key();
    let swapped = next(&base, OWNER, |draft| draft.members[1].aik = foreign);
    let Applied { roster: next_roster, events, .. } = applied(&roster, &[&swapped], &known);
    let changes: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            GroupEvent::MemberKeyChanged(change) => Some(*change),
            _ => None,
        })
        .collect();
    assert_eq!(changes.len(), 1);
    assert_eq!((changes[0].account, changes[0].new), (id_of(DOCTOR), foreign));
    let verdict = known.pin.as_ref().unwrap().judge_aik_change(&changes[0], None, known.now);
    assert_eq!(verdict, AikVerdict::IdentityChanged);
    assert_eq!(fan_out(&next_roster, &known).unwrap().blocked, [id_of(DOCTOR)]);
    // Control: a key from which the chain leads to the pinned one is no change.
    let mut rotated = keys(DOCTOR);
    rotated.predecessors = [foreign].into_iter().collect();
    let rotated = known.with(rotated);
    assert!(
        applied(&roster, &[&swapped], &rotated).events.iter().all(|event| *event == GroupEvent::Advanced { epoch: 1 })
    );
    assert_eq!(fan_out(&next_roster, &rotated).unwrap().blocked, []);
}

#[test]
fn t119_an_unsigned_state_and_one_of_an_outsider_are_refused() {
    let (base, control) = (clinical(), titled(&clinical(), OWNER, "control"));
    let mut unsigned = control.to_signed();
    unsigned.sig.clear();
    refused(&base, &unsigned, StateRejected::State(StateError::Wire(crate::wire::WireError::Field)), &control);
    // In the owner's name, signed by an outsider.
    let forged = malicious::group_state(&control, &device(STRANGER), |_| ());
    refused(&base, &forged, StateRejected::Signature, &control);
    let mut flipped = control.to_signed();
    flipped.sig[40] ^= 1;
    refused(&base, &flipped, StateRejected::Signature, &control);
    // In its own name, in a personal group.
    let (base, control) = (personal(), titled(&personal(), OWNER, "control"));
    refused(&base, &titled(&base, STRANGER, "mine").to_signed(), StateRejected::NotOwner, &control);
}

#[test]
fn the_key_of_the_actor_is_the_listed_one_or_one_that_it_led_to() {
    let (base, known) = (personal(), Known::all());
    let roster = Roster::created(base.clone(), known.now);
    let one = titled(&base, OWNER, "one");
    // Another identity under the same account, with the same device key: the listed key does not lead to it.
    let mut other = keys(OWNER);
    other.aik = ed25519(0x55).public_key();
    waits(&roster, &one, Lack::Manifest, &known.with(other.clone()));
    other.predecessors = former(OWNER);
    assert_eq!(applied(&roster, &[&one], &known.with(other)).roster.current(), &one);
}

#[test]
fn states_of_another_group_are_refused() {
    let known = Known::all();
    let roster = Roster::created(clinical(), known.now);
    let foreign = titled(&personal(), OWNER, "elsewhere");
    let applied = applied(&roster, &[&foreign], &known);
    assert_eq!((applied.roster, applied.refused[0].1), (roster, StateRejected::OtherGroup));
}
