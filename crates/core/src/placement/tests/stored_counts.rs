//! Counts, acknowledgements and traffic at rest: B12.8 and T130.

use prost::Message;

use super::super::*;
use crate::at_rest::AtRestError;
use crate::limits::{NEW_SESSIONS_PER_HOUR, NEW_SESSIONS_PER_SECOND, RETRY_REQUESTS_PER_DAY};
use crate::testing::{Stored, at};
use crate::time::{DAY_MS, HOUR_MS, Timestamp};
use crate::wire::v1;

pub(super) const DAILY: Stored<DailyCount> =
    Stored { read: |bytes| DailyCount::from_bytes(bytes, RETRY_REQUESTS_PER_DAY), write: DailyCount::to_bytes };
pub(super) const SECOND: Stored<SecondRate> = Stored { read: SecondRate::from_bytes, write: SecondRate::to_bytes };
pub(super) const HOURLY: Stored<HourlyRate> = Stored { read: HourlyRate::from_bytes, write: HourlyRate::to_bytes };
pub(super) const TALLY: Stored<AcknowledgementTally> =
    Stored { read: AcknowledgementTally::from_bytes, write: AcknowledgementTally::to_bytes };
pub(super) const TRAFFIC: Stored<AccountTraffic> =
    Stored { read: AccountTraffic::from_bytes, write: AccountTraffic::to_bytes };

fn daily(day: u64, count: u32) -> Result<DailyCount, AtRestError> {
    let stored = v1::DailyCountState { format: 1, day, count, complete: 1 };
    DailyCount::from_bytes(&stored.encode_to_vec(), RETRY_REQUESTS_PER_DAY)
}

#[test]
fn t130_a_daily_count_is_stored_and_an_impossible_one_is_not_loaded() {
    let one = DailyCount::default().count(RETRY_REQUESTS_PER_DAY, at(0)).unwrap();
    let two = one.count(RETRY_REQUESTS_PER_DAY, at(1)).unwrap();
    let full = two.count(RETRY_REQUESTS_PER_DAY, at(2)).unwrap();
    [DailyCount::default(), one, two, full].iter().for_each(|count| DAILY.withstands(count));
    assert!(daily(20_000, 3).unwrap().count(RETRY_REQUESTS_PER_DAY, Timestamp::from_millis(20_000 * DAY_MS)).is_err());
    let last = u64::MAX / DAY_MS;
    for (day, count) in [(20_000, 4), (20_000, u32::MAX), (20_000, 0), (last + 1, 1), (u64::MAX, 1)] {
        assert_eq!(daily(day, count), Err(AtRestError::Corrupted), "{day} {count}");
    }
    assert!(daily(last, 1).is_ok() && daily(0, 0).is_ok() && daily(0, 1).is_ok(), "control");
    assert_eq!(DailyCount::from_bytes(&full.to_bytes(), 2), Err(AtRestError::Corrupted), "another limit");
}

#[test]
fn t130_a_rate_of_a_second_is_stored_and_an_impossible_one_is_not_loaded() {
    let mut rate = SecondRate::default();
    SECOND.withstands(&rate);
    for _ in 0..NEW_SESSIONS_PER_SECOND {
        rate = rate.count(at(0)).unwrap();
        SECOND.withstands(&rate);
    }
    assert!(SecondRate::from_bytes(&rate.to_bytes()).unwrap().count(at(0)).is_err(), "it still counts");
    let read = |began_ms, count| {
        let stored = v1::SecondRateState { format: 1, began_ms, count, complete: 1 };
        SecondRate::from_bytes(&stored.encode_to_vec())
    };
    for (began_ms, count) in [(1_000, 11), (0, 11), (1_000, u32::MAX), (1, 0)] {
        assert_eq!(read(began_ms, count), Err(AtRestError::Corrupted), "{began_ms} {count}");
    }
    assert!(read(0, 10).is_ok() && read(u64::MAX, 1).is_ok(), "control");
}

fn hourly(at_ms: Vec<u64>) -> Result<HourlyRate, AtRestError> {
    HourlyRate::from_bytes(&v1::HourlyRateState { format: 1, at_ms, complete: 1 }.encode_to_vec())
}

#[test]
fn t130_a_rate_of_an_hour_is_stored_and_an_impossible_one_is_not_loaded() {
    let mut rate = HourlyRate::default();
    HOURLY.withstands(&rate);
    for n in 0..u64::from(NEW_SESSIONS_PER_HOUR) {
        // A clock that goes back now and then.
        rate = rate.count(at(1_000 + n * 60 - n % 3 * 100)).unwrap();
        HOURLY.comes_back(&rate);
    }
    HOURLY.withstands(&rate);
    assert!(HourlyRate::from_bytes(&rate.to_bytes()).unwrap().count(at(2_900)).is_err(), "it still counts");
    let impossible = [
        ("31", vec![5; 31]),
        ("a thousand", vec![5; 1_000]),
        ("an hour before the last", vec![HOUR_MS, 2 * HOUR_MS]),
        ("an hour after the last", vec![2 * HOUR_MS, HOUR_MS]),
        ("one of many", vec![HOUR_MS, 3 * HOUR_MS, HOUR_MS + 1]),
    ];
    for (name, at_ms) in impossible {
        assert_eq!(hourly(at_ms), Err(AtRestError::Corrupted), "{name}");
    }
    for at_ms in [vec![5; 30], vec![HOUR_MS + 1, 2 * HOUR_MS], vec![2 * HOUR_MS - 1, HOUR_MS], vec![0], vec![u64::MAX]]
    {
        assert!(hourly(at_ms).is_ok(), "control");
    }
    // One number for each field is another encoding of the same list; so is an empty list that is written.
    for unpacked in [&[0x08, 1, 0x10, 5, 0x10, 6, 0x78, 1][..], &[0x08, 1, 0x12, 0, 0x78, 1]] {
        assert_eq!(HourlyRate::from_bytes(unpacked), Err(AtRestError::Corrupted));
    }
    assert!(HourlyRate::from_bytes(&[0x08, 1, 0x12, 2, 5, 6, 0x78, 1]).is_ok(), "control");
}

fn tallies() -> Vec<AcknowledgementTally> {
    use AcceptedMessage::{Content, Nothing, Receipt};
    let (new, sent) = (AcknowledgementTally::NEW, AcknowledgementTally::SENT);
    let twenty = |message| (0..20).fold(sent, |tally, s| tally.accepted(message, at(s)));
    vec![
        new,
        sent,
        new.accepted(Content, at(0)),
        new.accepted(Receipt, at(0)).accepted(Content, at(1)),
        sent.accepted(Content, at(0)),
        sent.accepted(Receipt, at(0)),
        twenty(Content),
        twenty(Receipt),
        new.archived_accepted(Content, at(2)),
        sent.archived_accepted(Nothing, at(2)),
        sent.accepted(Content, at(1)).archived_accepted(Receipt, at(2)),
        twenty(Content).archived_accepted(Content, at(90)),
        // A clock that stands at 0.
        new.accepted(Content, Timestamp::default()),
    ]
}

fn edited(tally: &AcknowledgementTally, edit: fn(&mut v1::AcknowledgementState)) -> Result<(), AtRestError> {
    let mut stored = v1::AcknowledgementState::decode(tally.to_bytes().as_slice()).unwrap();
    edit(&mut stored);
    AcknowledgementTally::from_bytes(&stored.encode_to_vec()).map(drop)
}

#[test]
fn t130_an_acknowledgement_is_stored_and_an_impossible_one_is_not_loaded() {
    use AcceptedMessage::Content;
    tallies().iter().for_each(|tally| TALLY.withstands(tally));
    let (new, sent) = (AcknowledgementTally::NEW, AcknowledgementTally::SENT);
    let (first, waiting) = (new.accepted(Content, at(0)), sent.accepted(Content, at(0)));
    let twenty = (0..20).fold(sent, |tally, s| tally.accepted(Content, at(s)));
    type Edit = fn(&mut v1::AcknowledgementState);
    let edits: [(&str, AcknowledgementTally, Edit); 10] = [
        ("due for nothing", new, |stored| stored.due = true),
        ("due for nothing, on a session that was used", sent, |stored| stored.due = true),
        ("due at the first, which is not the 20th", waiting, |stored| stored.due = true),
        ("the first of all, and nothing due", first, |stored| (stored.due, stored.due_at_ms) = (false, 0)),
        ("the 20th, and nothing due", twenty, |stored| (stored.due, stored.due_at_ms) = (false, 0)),
        ("due since the 19th", twenty, |stored| stored.received = 19),
        ("a time at which nothing is due", waiting, |stored| stored.due_at_ms = 1),
        ("a content among none", sent, |stored| stored.has_content = true),
        ("a time of no content", sent, |stored| stored.content_at_ms = 1),
        ("the first of all, that was not received", first, |stored| stored.received = 0),
    ];
    for (name, tally, edit) in edits {
        assert_eq!(edited(&tally, edit), Err(AtRestError::Corrupted), "{name}");
        assert_eq!(edited(&tally, |_| ()), Ok(()), "control: {name}");
    }
    let due: Edit = |stored| (stored.due, stored.on_archived) = (true, true);
    assert_eq!(edited(&sent, due), Ok(()), "control: on an archived session");
}

#[test]
fn what_came_on_an_archived_session_is_known_until_something_is_sent() {
    use AcceptedMessage::{Content, Nothing};
    let sent = AcknowledgementTally::SENT;
    assert_eq!(sent.archived_arrival(), ArchivedArrival::Absent);
    for message in [Content, Nothing] {
        let stale = sent.archived_accepted(message, at(0)).accepted(Content, at(1));
        let loaded = AcknowledgementTally::from_bytes(&stale.to_bytes()).unwrap();
        assert_eq!((loaded, loaded.archived_arrival()), (stale, ArchivedArrival::Accepted));
    }
    assert_eq!(sent.accepted(Content, at(0)).archived_arrival(), ArchivedArrival::Absent, "control");
}

#[test]
fn t130_traffic_of_an_account_is_stored_and_a_damaged_one_is_not_loaded() {
    for contents_since_arrival in [0, 1, u32::MAX] {
        for last_arrival in [None, Some(Timestamp::default()), Some(at(0)), Some(Timestamp::from_millis(u64::MAX))] {
            TRAFFIC.withstands(&AccountTraffic { contents_since_arrival, last_arrival });
        }
    }
    let read = |arrived, arrived_at_ms| {
        let stored = v1::AccountTrafficState { format: 1, contents: 1, arrived, arrived_at_ms, complete: 1 };
        AccountTraffic::from_bytes(&stored.encode_to_vec()).map(drop)
    };
    assert_eq!(read(false, 1), Err(AtRestError::Corrupted), "a time at which nothing arrived");
    assert_eq!((read(true, 1), read(true, 0), read(false, 0)), (Ok(()), Ok(()), Ok(())), "control");
    let (wide, long) = ([0x10, 0x80, 0x80, 0x80, 0x80, 0x10], [0x10, 0x81, 0x00]);
    for number in [&wide[..], &long] {
        let bytes = [&[0x08, 1][..], number, &[0x78, 1]].concat();
        assert_eq!(AccountTraffic::from_bytes(&bytes), Err(AtRestError::Corrupted), "{number:x?}");
    }
}
