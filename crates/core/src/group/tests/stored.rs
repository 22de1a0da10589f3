//! Groups at rest: B13.8 and T130.

use prost::Message as _;

use super::fixture::*;
use super::*;
use crate::at_rest::AtRestError;
use crate::group::{Acknowledged, AwaitedCopies, StaleAnswers, StaleSender, Unseen, UnseenContents};
use crate::ids::{DeviceId, MessageId};
use crate::limits::{
    AWAITED_COPIES, AWAITED_COPIES_OF_MEMBER, COMPETING_STATES, STALE_DEVICES, UNSEEN_OF_ACCOUNT, WAITING_STATES,
};
use crate::placement::Window;
use crate::testing::{Stored, at, rng};
use crate::time::DAY_MS;
use crate::wire::v1;

pub(super) const ROSTER: Stored<Roster> = Stored { read: Roster::from_bytes, write: Roster::to_bytes };
const UNSEEN: Stored<UnseenContents> = Stored { read: UnseenContents::from_bytes, write: UnseenContents::to_bytes };
const STALE: Stored<StaleAnswers> = Stored { read: StaleAnswers::from_bytes, write: StaleAnswers::to_bytes };
const AWAITED: Stored<AwaitedCopies> = Stored { read: AwaitedCopies::from_bytes, write: AwaitedCopies::to_bytes };

/// Rosters with a bit of everything: earlier states, a fork, every standing, states that wait, leavers, a stop.
fn rosters() -> Vec<Roster> {
    let known = Known::all();
    let base = clinical();
    let one = titled(&base, OWNER, "one");
    let custodian = titled(&base, CUSTODIAN, "by the custodian");
    let forked = applied(&accepted(&[&base, &one], &known), &[&custodian], &known).roster;
    let waiting = applied(&forked, &[&titled(&custodian, DOCTOR, "unlisted")], &known).roster;
    let former = titled(&base, DEPUTY, "when it was listed");
    let delisted = known.after_directory(&staff_without(&[DEPUTY]));
    let caught_up = Roster::created(base.clone(), known.now);
    let caught_up = applied(&caught_up, &[&former, &titled(&former, OWNER, "by the owner")], &delisted).roster;
    let joined = Roster::join(&one.to_signed(), id_of(PATIENT), id_of(OWNER), &known.evidence()).unwrap().roster;
    let knowing = applied(&joined, &[&base], &known).roster;
    vec![
        accepted(&[&personal()], &known),
        waiting.left(id_of(PATIENT), waiting.current().hash()).unwrap(),
        caught_up,
        knowing,
        stopped(),
    ]
}

/// The owner of a personal group handed over twice.
fn stopped() -> Roster {
    let (base, known) = (personal(), Known::all());
    let (one, other) = (hand_over(&base, OWNER, DOCTOR), hand_over(&base, OWNER, PATIENT));
    let stopped = applied(&accepted(&[&base, &one], &known), &[&other], &known).roster;
    assert!(fan_out(&stopped, &known).is_err());
    stopped
}

#[test]
fn a_roster_comes_back_as_it_was_stored() {
    for roster in rosters() {
        let bytes = ROSTER.comes_back(&roster);
        assert_eq!(v1::RosterState::decode(bytes.as_slice()).unwrap().encode_to_vec(), bytes);
    }
}

#[test]
fn t130_a_roster_that_was_cut_off_extended_or_is_of_another_format_is_not_loaded() {
    let bytes = stopped().to_bytes();
    ROSTER.refuses_every_prefix(&bytes);
    for roster in rosters() {
        ROSTER.refuses_other_formats(&roster.to_bytes());
        ROSTER.refuses_more(&roster.to_bytes());
    }
}

#[test]
fn t130_a_roster_with_any_byte_changed_is_refused_or_another_one() {
    let roster = stopped();
    ROSTER.is_canonical_with_any_byte_changed(&roster.to_bytes(), &roster);
}

/// Reads `roster` after an edit of what is stored.
fn edited(roster: &Roster, edit: impl FnOnce(&mut v1::RosterState)) -> Result<Roster, AtRestError> {
    let mut stored = v1::RosterState::decode(roster.to_bytes().as_slice()).unwrap();
    edit(&mut stored);
    Roster::from_bytes(&stored.encode_to_vec())
}

type Edit = fn(&mut v1::RosterState);

#[test]
fn t130_a_roster_whose_parts_do_not_fit_is_not_loaded() {
    let roster = &rosters()[1];
    let edits: [(&str, Edit); 17] = [
        ("no state", |stored| stored.nodes.clear()),
        ("the first one missing", |stored| drop(stored.nodes.remove(0))),
        ("states in another order", |stored| stored.nodes.swap(1, 2)),
        ("a state twice", |stored| stored.nodes.insert(1, stored.nodes[1].clone())),
        ("two that are the first", |stored| stored.nodes[1].standing = 1),
        ("a first one by the owner", |stored| stored.nodes[0].standing = 2),
        ("an unknown standing", |stored| stored.nodes[1].standing = 5),
        ("the owner's as a custodian's", |stored| stored.nodes.iter_mut().skip(1).for_each(|node| node.standing = 3)),
        ("another current state", |stored| stored.current = stored.nodes[0].state.as_ref().map(hash_of).unwrap()),
        ("an unknown current state", |stored| stored.current = vec![7; 32]),
        ("a current state of another length", |stored| stored.current.push(0)),
        ("a current state that was superseded", |stored| {
            stored.nodes.iter_mut().for_each(|node| node.superseded_ms = 5);
        }),
        ("a floor below a state", |stored| stored.floor_keep_at_least_ms = 999),
        ("a class below a state", |stored| stored.floor_class = 1),
        ("a leaver who is no member", |stored| stored.leavers.push(vec![0xff; 16])),
        ("a stop that nothing causes", |stored| stored.double_hand_over = true),
        ("an unknown lack", |stored| stored.waiting[0].lack = 7),
    ];
    for (name, edit) in edits {
        assert_eq!(edited(roster, edit), Err(AtRestError::Corrupted), "{name}");
    }
    assert_eq!(edited(roster, |_| ()).as_ref(), Ok(roster), "control");
    assert_eq!(edited(roster, |stored| stored.floor_keep_at_least_ms += 1).map(drop), Ok(()), "control");
    assert_eq!(edited(&stopped(), |stored| stored.double_hand_over = false), Err(AtRestError::Corrupted));
}

fn hash_of(signed: &v1::Signed) -> Vec<u8> {
    crate::primitives::kdf::sha256(&[&signed.body]).to_vec()
}

#[test]
fn t130_a_roster_with_states_of_another_group_or_in_two_places_is_not_loaded() {
    let known = Known::all();
    let roster = rosters().swap_remove(3);
    assert_eq!(roster.earlier.len(), 1);
    let foreign = v1::EarlierState { state: Some(personal().to_signed()), superseded_ms: 1, lost: false };
    assert_eq!(edited(&roster, |stored| stored.earlier = vec![foreign]), Err(AtRestError::Corrupted));
    let twice = |stored: &mut v1::RosterState| stored.earlier[0].state = stored.nodes[0].state.clone();
    assert_eq!(edited(&roster, twice), Err(AtRestError::Corrupted));
    let again = |stored: &mut v1::RosterState| stored.earlier.push(stored.earlier[0].clone());
    assert_eq!(edited(&roster, again), Err(AtRestError::Corrupted));
    let waiting =
        |state: &GroupState| v1::WaitingState { state: Some(state.to_signed()), lack: 1, from: vec![vec![1; 16]] };
    let next = titled(roster.current(), DOCTOR, "waits");
    for (state, loaded) in [(personal(), false), (roster.current().clone(), false), (next, true)] {
        let with = edited(&roster, |stored| stored.waiting = vec![waiting(&state)]);
        assert_eq!(with.is_ok(), loaded, "{known:?}", known = known.now);
    }
}

#[test]
fn t130_a_roster_beyond_a_limit_is_not_loaded() {
    let (base, known) = (clinical(), Known::all());
    let competing: Vec<_> = (0..=COMPETING_STATES + 1).map(|n| titled(&base, OWNER, &format!("{n}"))).collect();
    let roster =
        applied(&Roster::created(base.clone(), known.now), &competing.iter().collect::<Vec<_>>(), &known).roster;
    assert_eq!(roster.tree.children(base.hash()).len(), COMPETING_STATES + 1);
    let dropped = competing.iter().find(|state| roster.state(state.hash()).is_none()).unwrap();
    let one_more = |stored: &mut v1::RosterState| {
        let mut node = stored.nodes[1].clone();
        (node.state, node.superseded_ms) = (Some(dropped.to_signed()), 1);
        stored.nodes.push(node);
        stored.nodes[1..].sort_by_key(|node| node.state.as_ref().map(hash_of));
    };
    assert_eq!(edited(&roster, one_more), Err(AtRestError::Corrupted));
    assert_eq!(edited(&roster, |_| ()).as_ref(), Ok(&roster), "control");
    let waiting = |count: usize| {
        let state = |n| {
            let state = titled(&base, DOCTOR, &format!("{n}")).to_signed();
            v1::WaitingState { state: Some(state), lack: 3, from: vec![vec![1; 16]] }
        };
        edited(&roster, |stored| stored.waiting = (0..count).map(state).collect()).map(drop)
    };
    assert_eq!(waiting(WAITING_STATES + 1), Err(AtRestError::Corrupted));
    assert_eq!(waiting(WAITING_STATES), Ok(()), "control");
}

fn unseen(count: usize, sender: u8) -> impl Iterator<Item = Unseen> {
    (0..count).map(move |n| Unseen {
        sender: id_of(sender),
        device: DeviceId::new(1).unwrap(),
        message: MessageId::from_bytes([n as u8; 16]),
        group: group_of(&personal()),
        state: [9; 32],
        since: at(n as u64),
        bytes: 300,
    })
}

fn stored_unseen(contents: impl Iterator<Item = Unseen>) -> UnseenContents {
    contents.fold(UnseenContents::default(), |queue, content| queue.store(content).unwrap().contents)
}

#[test]
fn t130_contents_that_wait_are_stored_and_damaged_ones_are_not_loaded() {
    UNSEEN.withstands(&UnseenContents::default());
    let (raised, _) = stored_unseen(unseen(3, DOCTOR)).due(at(1).plus(DAY_MS));
    UNSEEN.withstands(&raised);
    let full = stored_unseen(unseen(UNSEEN_OF_ACCOUNT, DOCTOR).chain(unseen(UNSEEN_OF_ACCOUNT, PATIENT)));
    let bytes = UNSEEN.comes_back(&full);
    let mut stored = v1::UnseenState::decode(bytes.as_slice()).unwrap();
    stored.waiting.push(stored.waiting[0].clone());
    assert_eq!(UnseenContents::from_bytes(&stored.encode_to_vec()), Err(AtRestError::Corrupted), "101 of one account");
    // Ten accounts have a hundred each; another one, or another byte, is too much.
    let full = stored_unseen((1..11).flat_map(|person| unseen(UNSEEN_OF_ACCOUNT, person)));
    let edited = |edit: fn(&mut v1::UnseenState)| {
        let mut stored = v1::UnseenState::decode(UNSEEN.comes_back(&full).as_slice()).unwrap();
        edit(&mut stored);
        UnseenContents::from_bytes(&stored.encode_to_vec()).map(drop)
    };
    assert_eq!(edited(|_| ()), Ok(()), "control");
    let another = |stored: &mut v1::UnseenState| {
        stored.waiting.push(v1::UnseenContent { account_id: vec![0x20; 16], ..stored.waiting[0].clone() });
    };
    assert_eq!(edited(another), Err(AtRestError::Corrupted), "1 001");
    let longest = |stored: &mut v1::UnseenState| stored.waiting[0].bytes = 262_144;
    assert_eq!(edited(longest), Ok(()), "control");
    assert_eq!(edited(|stored| stored.waiting[0].bytes = 262_145), Err(AtRestError::Corrupted), "no content is longer");
    let heavy = |stored: &mut v1::UnseenState| stored.waiting[..17].iter_mut().for_each(|one| one.bytes = 262_144);
    assert_eq!(edited(heavy), Err(AtRestError::Corrupted), "of one account");
    let all = |stored: &mut v1::UnseenState| stored.waiting.iter_mut().for_each(|one| one.bytes = 41_000);
    assert_eq!(edited(all), Err(AtRestError::Corrupted), "of all");
}

#[test]
fn t130_answers_to_stale_senders_are_stored_and_damaged_ones_are_not_loaded() {
    let delay = Window::REPLY.draw(&mut rng(1)).unwrap();
    let one = titled(&clinical(), OWNER, "one");
    let sender = |person: u8, device| StaleSender { account: id_of(person), device: DeviceId::new(device).unwrap() };
    let seen = |answers: StaleAnswers, sender, own| answers.stale(sender, &one, id_of(own), delay, at(5)).0;
    let answers = seen(
        seen(seen(StaleAnswers::default(), sender(PATIENT, 1), OWNER), sender(DOCTOR, 2), PATIENT),
        sender(DOCTOR, 1),
        PATIENT,
    );
    STALE.withstands(&StaleAnswers::default());
    STALE.withstands(&answers);
    let edited = |edit: fn(&mut v1::StaleState)| {
        let mut stored = v1::StaleState::decode(answers.to_bytes().as_slice()).unwrap();
        edit(&mut stored);
        StaleAnswers::from_bytes(&stored.encode_to_vec()).map(drop)
    };
    assert_eq!(edited(|stored| stored.devices.swap(0, 1)), Err(AtRestError::Corrupted));
    assert_eq!(edited(|stored| stored.devices.insert(0, stored.devices[0].clone())), Err(AtRestError::Corrupted));
    assert_eq!(edited(|stored| stored.devices[2].first_ms = 7), Err(AtRestError::Corrupted), "answered, and not yet");
    assert_eq!(edited(|stored| stored.devices[0].device_id = 0), Err(AtRestError::Corrupted));
    assert_eq!(edited(|_| ()), Ok(()), "control");
    // No more devices than a group has are remembered.
    let full = (1..=STALE_DEVICES)
        .fold(StaleAnswers::default(), |answers, n| seen(answers, sender(DOCTOR, n as u32), PATIENT));
    STALE.comes_back(&full);
    assert_eq!(seen(full.clone(), sender(PATIENT, 1), OWNER), full);
    let mut stored = v1::StaleState::decode(full.to_bytes().as_slice()).unwrap();
    stored.devices.push(v1::StaleDevice { device_id: 9_999, ..stored.devices[0].clone() });
    assert_eq!(StaleAnswers::from_bytes(&stored.encode_to_vec()), Err(AtRestError::Corrupted));
}

#[test]
fn t130_awaited_copies_are_stored_and_damaged_ones_are_not_loaded() {
    AWAITED.withstands(&AwaitedCopies::default());
    let id = |n: usize| MessageId::from_bytes((n as u128).to_be_bytes());
    let awaiting = |count: usize| {
        let by = |n: usize| id_of((n / AWAITED_COPIES_OF_MEMBER) as u8);
        let copy = |n| Acknowledged { message: id(n), digest: [1; 32], by: by(n), copies: &[] };
        AwaitedCopies::default().receipts(&(0..count).map(copy).collect::<Vec<_>>(), at(0)).0
    };
    AWAITED.withstands(&awaiting(3));
    let edited = |count: usize, more: v1::AwaitedCopy| {
        let mut stored = v1::AwaitedState::decode(awaiting(count).to_bytes().as_slice()).unwrap();
        stored.copies.push(more);
        AwaitedCopies::from_bytes(&stored.encode_to_vec()).map(drop)
    };
    let copy = |message: u8, by: u8| v1::AwaitedCopy {
        message_id: vec![message; 16],
        digest: vec![1; 32],
        account_id: id_of(by).as_bytes().to_vec(),
        since_ms: 0,
    };
    assert_eq!(edited(3, copy(9, 0)), Ok(()), "control");
    assert_eq!(edited(3, copy(0, 0)), Err(AtRestError::Corrupted), "twice");
    assert_eq!(edited(AWAITED_COPIES_OF_MEMBER - 1, copy(9, 0)), Ok(()), "control");
    assert_eq!(edited(AWAITED_COPIES_OF_MEMBER, copy(9, 0)), Err(AtRestError::Corrupted), "too many of a member");
    assert_eq!(edited(AWAITED_COPIES, copy(9, 99)), Err(AtRestError::Corrupted), "too many");
}
