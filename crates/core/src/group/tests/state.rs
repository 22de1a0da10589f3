//! What a state must be by itself: rule 5, one owner, the first state.

use super::fixture::*;
use super::*;
use crate::content::pair_id;
use crate::group::{Policy, UnverifiedState};
use crate::limits::{GROUP_MEMBERS, GROUP_TITLE_BYTES};
use crate::malicious;
use crate::testing::{Broken, at, rng};
use crate::wire::{WireError, v1};

type Edit = fn(&mut v1::GroupState);

fn edited(edit: impl FnOnce(&mut v1::GroupState)) -> Result<UnverifiedState, StateError> {
    UnverifiedState::parse(&malicious::group_state(&clinical(), &device(OWNER), edit))
}

#[test]
fn a_state_is_read_as_it_was_issued() {
    let state = clinical();
    let read = UnverifiedState::parse(&state.to_signed()).unwrap();
    assert!(read.verifies(&device(OWNER).public().dsk));
    assert!(!read.verifies(&device(DOCTOR).public().dsk));
    assert_eq!(read.into_verified(), state);
    assert_eq!((state.epoch(), state.owner(), state.title()), (0, Some(id_of(OWNER)), "Ward"));
    assert_eq!((state.org(), state.policy().class), (Some(ORG), Class::Clinical));
    assert_eq!(state.members().len(), 5);
}

#[test]
fn t117_two_owners_or_none_are_refused() {
    assert_eq!(edited(|state| state.members[1].role = 2).unwrap_err(), StateError::Owners);
    assert_eq!(edited(|state| state.members[0].role = 1).unwrap_err(), StateError::Owners);
    assert!(edited(|_| ()).is_ok());
}

#[test]
fn members_roles_class_title_and_org_keep_rule_5() {
    let cases: [(Edit, StateError); 12] = [
        (|state| state.members.clear(), StateError::Members),
        (|state| state.members.swap(0, 1), StateError::Members),
        (|state| state.members[1] = state.members[0].clone(), StateError::Members),
        (|state| state.members[1].role = 0, StateError::Role),
        (|state| state.members[1].role = 7, StateError::Role),
        (|state| state.policy.as_mut().unwrap().class = 3, StateError::Class),
        (|state| state.policy = None, StateError::Wire(WireError::Field)),
        (|state| state.title = "x".repeat(GROUP_TITLE_BYTES + 1), StateError::Title),
        (|state| state.org_id = vec![1; 15], StateError::Wire(WireError::Field)),
        (|state| state.actor_device = 0, StateError::Wire(WireError::Field)),
        (|state| state.prev_hash = vec![1; 32], StateError::First),
        (|state| state.actor_account = vec![DOCTOR; 16], StateError::First),
    ];
    for (index, (edit, error)) in cases.into_iter().enumerate() {
        assert_eq!(edited(edit).unwrap_err(), error, "case {index}");
    }
    let personal_org = |state: &mut v1::GroupState| {
        state.policy.as_mut().unwrap().class = 1;
        state.members.remove(3);
    };
    assert_eq!(edited(personal_org).unwrap_err(), StateError::Org);
    assert_eq!(edited(|state| state.policy.as_mut().unwrap().class = 1).unwrap_err(), StateError::Role);
    assert!(edited(|state| state.title = "x".repeat(GROUP_TITLE_BYTES)).is_ok());
}

#[test]
fn a_group_has_at_most_fifty_members() {
    let many = |count: usize| {
        edited(move |state| {
            let one = state.members[1].clone();
            let extra = (0..count - 5).map(|n| v1::Member { account_id: vec![100 + n as u8; 16], ..one.clone() });
            state.members.extend(extra);
        })
    };
    assert!(many(GROUP_MEMBERS).is_ok());
    assert_eq!(many(GROUP_MEMBERS + 1).unwrap_err(), StateError::Members);
}

#[test]
fn a_group_of_one_is_legal_and_a_source_that_fails_makes_none() {
    let alone = |rng: &mut dyn FnMut(GroupDraft) -> Result<GroupState, StateError>| {
        let members = vec![member(OWNER, Role::Owner)];
        rng(GroupDraft { members, title: String::new(), policy: Policy::of(Class::Personal), org: None })
    };
    assert!(alone(&mut |draft| GroupState::create(&device(OWNER), draft, at(0), &mut rng(1))).is_ok());
    let failed = alone(&mut |draft| GroupState::create(&device(OWNER), draft, at(0), &mut Broken));
    assert_eq!(failed.unwrap_err(), StateError::Random(crate::random::RandomError));
}

#[test]
fn t142_a_group_with_the_id_of_a_pair_of_its_members_is_refused() {
    for (one, other) in [(DOCTOR, PATIENT), (OWNER, ARCHIVE), (PATIENT, PATIENT)] {
        let pair = pair_id(&id_of(one), &id_of(other));
        let refused = edited(|state| state.group_id = pair.as_bytes().to_vec());
        assert_eq!(refused.unwrap_err(), StateError::GroupIdOfPair);
    }
    // The pair of others is no pair here: their conversation is not seen by these members.
    let elsewhere = pair_id(&id_of(CUSTODIAN), &id_of(STRANGER));
    assert!(edited(|state| state.group_id = elsewhere.as_bytes().to_vec()).is_ok());
}

#[test]
fn unknown_fields_versions_and_critical_extensions_are_refused() {
    assert_eq!(edited(|state| state.version = 2).unwrap_err(), StateError::Wire(WireError::UnsupportedVersion));
    let critical = v1::Ext { id: 1, critical: true, data: Vec::new() };
    assert_eq!(edited(|state| state.ext = vec![critical]).unwrap_err(), StateError::Wire(WireError::Extension));
    let mut trailing = clinical().to_signed();
    trailing.body.extend_from_slice(&[0xa8, 0x1f, 0x01]);
    assert!(matches!(UnverifiedState::parse(&trailing).unwrap_err(), StateError::Wire(_)));
    let mut unsigned = clinical().to_signed();
    unsigned.sig.clear();
    assert_eq!(UnverifiedState::parse(&unsigned).unwrap_err(), StateError::Wire(WireError::Field));
}
