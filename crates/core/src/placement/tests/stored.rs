//! Sessions of a device and the seen-set at rest: B12.8 and T130.

use prost::Message as _;

use super::super::*;
use super::{ours, placed, sid, theirs};
use crate::at_rest::AtRestError;
use crate::ids::SessionId;
use crate::limits::SEEN_SET;
use crate::prekey::KeyId;
use crate::testing::{Stored, at};
use crate::time::Timestamp;
use crate::wire::v1;

pub(super) const SESSIONS: Stored<DeviceSessions> =
    Stored { read: DeviceSessions::from_bytes, write: DeviceSessions::to_bytes };
pub(super) const SEEN: Stored<SeenSet> = Stored { read: SeenSet::from_bytes, write: SeenSet::to_bytes };

/// Every place taken: three archived, of which one is our own confirmed INIT and one an unconfirmed one, and a low one.
fn full() -> DeviceSessions {
    let all = placed(&[ours(1, 1, at(0)), ours(2, 2, at(10)), theirs(3, 2, at(20)), ours(4, 3, at(30))]);
    let confirmed = all.confirmed(&sid(1), at(5));
    let next = confirmed.place(theirs(5, 7, at(40)), at(40)).next;
    next.place(theirs(6, 3, at(50)), at(50)).next
}

/// Sessions of all kinds, with one or more places empty.
fn kinds() -> Vec<DeviceSessions> {
    let full = full();
    vec![
        DeviceSessions::default(),
        placed(&[ours(1, 1, at(0))]),
        placed(&[ours(1, 1, at(0))]).confirmed(&sid(1), at(1)),
        placed(&[theirs(9, 65_536, at(0))]),
        full.closed(&sid(5)),
        full.closed(&sid(6)),
        full.closed(&sid(2)).closed(&sid(5)),
        full.all_closed(),
        // A clock that stands at 0.
        placed(&[ours(1, 1, Timestamp::default()), theirs(2, u32::MAX, Timestamp::default())])
            .confirmed(&sid(1), Timestamp::default()),
        full,
    ]
}

#[test]
fn sessions_come_back_as_they_were_stored() {
    for sessions in kinds() {
        let bytes = SESSIONS.comes_back(&sessions);
        assert_eq!(v1::DeviceSessionsState::decode(bytes.as_slice()).unwrap().encode_to_vec(), bytes);
        let loaded = DeviceSessions::from_bytes(&bytes).unwrap();
        assert_eq!((loaded.had_any(), loaded.next_generation()), (sessions.had_any(), sessions.next_generation()));
    }
    assert_eq!(full().archived().count(), 4);
    assert!(full().to_bytes().len() < 320, "what a message would write again beside its session is small");
}

#[test]
fn t130_sessions_that_were_cut_off_extended_or_are_of_another_format_are_not_loaded() {
    kinds().iter().for_each(|sessions| SESSIONS.withstands(sessions));
}

/// Reads `sessions` after an edit of what is stored.
fn edited(
    sessions: &DeviceSessions,
    edit: impl FnOnce(&mut v1::DeviceSessionsState),
) -> Result<DeviceSessions, AtRestError> {
    let mut stored = v1::DeviceSessionsState::decode(sessions.to_bytes().as_slice()).unwrap();
    edit(&mut stored);
    DeviceSessions::from_bytes(&stored.encode_to_vec())
}

type Edit = fn(&mut v1::DeviceSessionsState);
type EditSeen = fn(&mut v1::SeenState);

fn refused(sessions: &DeviceSessions, edits: &[(&str, Edit)]) {
    assert_eq!(edited(sessions, |_| ()).as_ref(), Ok(sessions), "control");
    for (name, edit) in edits {
        assert_eq!(edited(sessions, edit), Err(AtRestError::Corrupted), "{name}");
    }
}

fn active(stored: &mut v1::DeviceSessionsState) -> &mut v1::PlacedSession {
    stored.active.as_mut().unwrap()
}

fn low(stored: &mut v1::DeviceSessionsState) -> &mut v1::PlacedSession {
    stored.low.as_mut().unwrap()
}

#[test]
fn t130_an_active_session_that_is_not_the_highest_is_not_loaded() {
    refused(
        &full(),
        &[
            ("a lower generation", |stored| active(stored).generation = 6),
            ("a higher generation", |stored| active(stored).generation = 8),
            ("another sid", |stored| active(stored).sid = vec![7; 32]),
            ("no highest", |stored| (stored.highest_generation, stored.highest_sid) = (0, Vec::new())),
            ("a highest without sid", |stored| stored.highest_sid.clear()),
            ("a highest without generation", |stored| stored.highest_generation = 0),
            ("a higher highest", |stored| stored.highest_generation = 8),
            ("a highest of 31 bytes", |stored| stored.highest_sid.truncate(31)),
        ],
    );
    // Without an active one the highest is of a session that was closed.
    let closed = full().closed(&sid(5));
    assert!(edited(&closed, |stored| stored.highest_generation = 8).is_ok(), "control");
    assert!(edited(&DeviceSessions::default(), |stored| stored.active = None).is_ok(), "control");
    refused(
        &DeviceSessions::default(),
        &[
            ("an archived one where none ever was", |stored| {
                let mut archived = placed(&[theirs(1, 1, at(0))]).to_bytes();
                archived[2] = 0x1a;
                stored.archived = v1::DeviceSessionsState::decode(archived.as_slice()).unwrap().archived;
            }),
            ("a sid of a highest that is none", |stored| stored.highest_sid = vec![1; 32]),
        ],
    );
}

#[test]
fn t130_archived_sessions_out_of_order_are_not_loaded() {
    refused(
        &full(),
        &[
            ("another order", |stored| stored.archived.swap(0, 1)),
            ("reversed", |stored| stored.archived.reverse()),
            ("one above the highest", |stored| stored.archived[2].generation = 8),
            ("the smaller sid of the same generation", |stored| {
                (stored.archived[2].generation, stored.archived[2].sid) = (7, vec![1; 32]);
            }),
            ("a low one above the highest", |stored| low(stored).generation = 8),
            ("a generation of 0", |stored| stored.archived[0].generation = 0),
            ("a low one of generation 0", |stored| low(stored).generation = 0),
        ],
    );
    let closed = full().closed(&sid(5));
    refused(&closed, &[("one above a highest that was closed", |stored| stored.archived[2].generation = 8)]);
    let larger = |stored: &mut v1::DeviceSessionsState| {
        (stored.archived[2].generation, stored.archived[2].sid) = (7, vec![9; 32]);
    };
    assert!(edited(&full(), larger).is_ok(), "control: the larger sid of the same generation lies below");
}

#[test]
fn t130_a_session_in_two_places_is_not_loaded() {
    refused(
        &full(),
        &[
            ("archived twice", |stored| stored.archived[1].sid = stored.archived[0].sid.clone()),
            ("active and archived", |stored| stored.archived[2].sid = vec![5; 32]),
            ("active and low", |stored| low(stored).sid = vec![5; 32]),
            ("archived and low", |stored| low(stored).sid = stored.archived[0].sid.clone()),
        ],
    );
    let closed = full().closed(&sid(5));
    refused(
        &closed,
        &[
            ("archived, and the highest that was closed", |stored| stored.archived[0].sid = vec![5; 32]),
            ("low, and the highest that was closed", |stored| low(stored).sid = vec![5; 32]),
            ("the highest itself, archived", |stored| {
                (stored.archived[2].generation, stored.archived[2].sid) = (7, vec![5; 32]);
            }),
        ],
    );
}

#[test]
fn t130_more_archived_sessions_than_there_are_places_are_not_loaded() {
    let one_more = |stored: &mut v1::DeviceSessionsState| {
        let mut fourth = stored.archived.last().unwrap().clone();
        (fourth.generation, fourth.sid) = (6, vec![0x77; 32]);
        stored.archived.push(fourth);
    };
    assert_eq!(edited(&full(), one_more), Err(AtRestError::Corrupted));
    let room = full().closed(&sid(2));
    assert_eq!(edited(&room, one_more).map(|read| read.archived().count()), Ok(4), "control");
    let many = |stored: &mut v1::DeviceSessionsState| stored.archived = vec![stored.archived[0].clone(); 1_000];
    assert_eq!(edited(&full(), many), Err(AtRestError::Corrupted), "too long to be read");
}

#[test]
fn t130_a_session_of_no_kind_is_not_loaded() {
    refused(
        &full(),
        &[
            ("made by nobody", |stored| active(stored).made = 0),
            ("made by a third", |stored| stored.archived[0].made = 4),
            ("unconfirmed, with a time of it", |stored| stored.archived[1].confirmed_at_ms = 1),
            ("theirs, with a time of its own", |stored| active(stored).confirmed_at_ms = 1),
            ("active, and archived since", |stored| active(stored).archived_at_ms = 1),
            ("a sid of 31 bytes", |stored| stored.archived[0].sid.truncate(31)),
            ("a sid of 33 bytes", |stored| active(stored).sid.push(0)),
            ("no sid", |stored| low(stored).sid.clear()),
            ("an empty session", |stored| stored.low = Some(v1::PlacedSession::default())),
            ("an empty archived one", |stored| stored.archived.insert(0, v1::PlacedSession::default())),
        ],
    );
    assert!(edited(&full(), |stored| stored.archived[1].made = 2).is_ok(), "control");
    assert!(edited(&full(), |stored| low(stored).made = 1).is_ok(), "control");
}

#[test]
fn what_was_loaded_goes_on_as_what_was_stored() {
    for sessions in kinds() {
        let loaded = DeviceSessions::from_bytes(&sessions.to_bytes()).unwrap();
        let (high, low) = (theirs(0x20, u32::MAX, at(90)), theirs(0x21, 1, at(90)));
        for new in [high, low] {
            let placement = loaded.place(new, at(90));
            assert_eq!(placement, sessions.place(new, at(90)));
            SESSIONS.comes_back(&placement.next);
            SESSIONS.comes_back(&placement.next.expired(at(90 + 15 * 86_400)));
        }
    }
}

const fn served(signed: u32, last_resort: u32) -> ServedBy {
    ServedBy { signed: KeyId(signed), last_resort: KeyId(last_resort) }
}

fn seen() -> SeenSet {
    let mut set = SeenSet::default();
    for (byte, by) in [(9, served(0, 0)), (1, served(1, u32::MAX)), (0, served(u32::MAX, 1)), (5, served(1, 1))] {
        set.insert(sid(byte), by).unwrap();
    }
    set
}

fn edited_seen(set: &SeenSet, edit: impl FnOnce(&mut v1::SeenState)) -> Result<SeenSet, AtRestError> {
    let mut stored = v1::SeenState::decode(set.to_bytes().as_slice()).unwrap();
    edit(&mut stored);
    SeenSet::from_bytes(&stored.encode_to_vec())
}

#[test]
fn t130_a_seen_set_is_stored_and_a_damaged_one_is_not_loaded() {
    SEEN.withstands(&SeenSet::default());
    SEEN.withstands(&seen());
    let loaded = SeenSet::from_bytes(&seen().to_bytes()).unwrap();
    assert_eq!(loaded.check(&sid(5)), Err(SeenError::Replay), "it still knows replays");
    assert_eq!(loaded.check(&sid(6)), Ok(()), "control");
    let edits: [(&str, EditSeen); 6] = [
        ("another order", |stored| stored.inits.swap(1, 2)),
        ("one twice", |stored| stored.inits.insert(1, stored.inits[1].clone())),
        ("one twice, by other keys", |stored| stored.inits[1].sid = stored.inits[0].sid.clone()),
        ("a sid of 31 bytes", |stored| stored.inits[3].sid.truncate(31)),
        ("a sid of 33 bytes", |stored| stored.inits[3].sid.push(0)),
        ("no sid", |stored| stored.inits[0].sid.clear()),
    ];
    for (name, edit) in edits {
        assert_eq!(edited_seen(&seen(), edit), Err(AtRestError::Corrupted), "{name}");
    }
    assert_eq!(edited_seen(&seen(), |_| ()), Ok(seen()), "control");
}

#[test]
fn t130_a_seen_set_beyond_its_cap_is_not_loaded() {
    let numbered = |n: usize| {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&(n as u64).to_be_bytes());
        SessionId::from_bytes(bytes)
    };
    let mut set = SeenSet::default();
    (0..SEEN_SET).for_each(|n| set.insert(numbered(n), served(u32::MAX, u32::MAX)).unwrap());
    let bytes = SEEN.comes_back(&set);
    assert!(bytes.len() <= 480_100);
    let one_more = |stored: &mut v1::SeenState| {
        let last = stored.inits[SEEN_SET - 1].clone();
        stored.inits.push(v1::SeenInit { sid: vec![0xff; 32], ..last });
    };
    assert_eq!(edited_seen(&set, one_more), Err(AtRestError::Corrupted));
    set.forget_signed(KeyId(u32::MAX));
    assert_eq!(
        edited_seen(&set, |stored| stored.inits.push(v1::SeenInit { sid: vec![1; 32], spk_id: 0, kem_id: 0 }))
            .map(|set| set.len()),
        Ok(1),
        "control"
    );
}
