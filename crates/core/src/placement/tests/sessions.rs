use super::*;
use crate::testing::at;
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS};

#[test]
fn t107_message_on_an_archived_session_changes_no_active() {
    let sessions = placed(&[theirs(1, 1, at(0)), theirs(2, 2, at(10))]);
    assert_eq!(sessions.opened(&sid(1), at(20)), Some(OpenedOn::Stale));
    let later = at(10).plus(DAY_MS);
    assert_eq!(sessions.opened(&sid(1), later), Some(OpenedOn::Stale));
    assert_eq!(sessions.opened(&sid(1), later.plus(1)), Some(OpenedOn::StaleLate));
    // Nothing that is known of an archived session brings it back.
    assert_eq!(active(&sessions.confirmed(&sid(1), at(20))), Some(sid(2)));
    let none = sessions.closed(&sid(2));
    assert_eq!(active(&none), None, "when active is closed there is none");
    assert_eq!(none.opened(&sid(1), at(20)), Some(OpenedOn::Stale));
    assert_eq!(none.next_generation(), Some(3));
    assert_eq!(sessions.opened(&sid(2), at(20)), Some(OpenedOn::Active), "control");
    assert_eq!(sessions.opened(&sid(9), at(20)), None, "control");
}

#[test]
fn t107_session_below_a_closed_one_is_not_active_either() {
    let closed = placed(&[theirs(1, 1, at(0)), ours(2, 5, at(10))]).closed(&sid(2));
    let low = closed.place(theirs(3, 4, at(20)), at(20));
    assert_eq!((low.position, active(&low.next)), (Position::Archived, None));
    let high = closed.place(theirs(3, 6, at(20)), at(20));
    assert_eq!((high.position, active(&high.next)), (Position::Active, Some(sid(3))), "control");
    let deleted = placed(&[ours(2, 5, at(10))]).all_closed();
    assert!(deleted.is_empty());
    assert_eq!(deleted.next_generation(), Some(6), "the count belongs to the contact");
}

#[test]
fn t108_highest_generation_is_active_and_at_a_tie_the_smaller_sid() {
    for order in [[1, 2], [2, 1]] {
        let same = placed(&order.map(|byte| theirs(byte, 7, at(0))));
        assert_eq!(active(&same), Some(sid(1)), "{order:?}");
        let generations = placed(&order.map(|byte| theirs(byte, u32::from(byte), at(0))));
        assert_eq!(active(&generations), Some(sid(2)), "{order:?}");
    }
}

#[test]
fn archived_sessions_are_three_and_the_first_archived_goes_first() {
    let mut sessions = placed(&(1..=4).map(|n| theirs(n, n.into(), at(n.into()))).collect::<Vec<_>>());
    assert_eq!(archived(&sessions), [sid(1), sid(2), sid(3)]);
    let placement = sessions.place(theirs(5, 5, at(5)), at(5));
    assert_eq!(placement.dropped, [sid(1)]);
    sessions = placement.next;
    assert_eq!(archived(&sessions), [sid(2), sid(3), sid(4)]);
    // One that comes too low has one place more, and pushes out none of the three.
    let low = sessions.place(theirs(10, 1, at(6)), at(6));
    assert!(low.dropped.is_empty());
    assert_eq!(archived(&low.next), [sid(2), sid(3), sid(4), sid(10)]);
    let lower = low.next.place(theirs(11, 2, at(7)), at(7));
    assert_eq!(lower.dropped, [sid(10)]);
    assert_eq!(archived(&lower.next), [sid(2), sid(3), sid(4), sid(11)]);
}

#[test]
fn archived_sessions_end_after_14_days_and_our_unconfirmed_init_45_days_after_it_was_made() {
    let sessions = placed(&[theirs(1, 1, at(0)), ours(2, 2, at(10)), ours(3, 3, at(20))]);
    let ends = at(10).plus(14 * DAY_MS);
    assert_eq!(archived(&sessions.expired(ends.minus(1))), [sid(1), sid(2)]);
    assert_eq!(archived(&sessions.expired(ends)), [sid(2)]);
    let ends = at(10).plus(45 * DAY_MS);
    assert_eq!(archived(&sessions.expired(ends.minus(1))), [sid(2)]);
    assert!(archived(&sessions.expired(ends)).is_empty());
    assert_eq!(active(&sessions.expired(at(20).plus(45 * DAY_MS).minus(1))), Some(sid(3)));
    assert_eq!(active(&sessions.expired(at(20).plus(45 * DAY_MS))), None);
    let confirmed = sessions.confirmed(&sid(3), at(30));
    assert_eq!(active(&confirmed.expired(at(0).plus(400 * DAY_MS))), Some(sid(3)), "control");
}

#[test]
fn t030_generation_0_or_too_far_ahead_is_refused() {
    let sessions = placed(&[theirs(1, 10, at(0))]);
    assert_eq!(sessions.admit_generation(0), Err(GenerationRefused));
    assert_eq!(sessions.admit_generation(10 + 65_537), Err(GenerationRefused));
    assert_eq!(sessions.admit_generation(u32::MAX), Err(GenerationRefused));
    assert_eq!(sessions.admit_generation(10 + 65_536), Ok(()), "control");
    assert_eq!(sessions.admit_generation(1), Ok(()), "control");
    assert_eq!(DeviceSessions::default().admit_generation(65_537), Err(GenerationRefused));
    assert_eq!(DeviceSessions::default().admit_generation(65_536), Ok(()), "control");
    assert_eq!(placed(&[theirs(1, u32::MAX, at(0))]).next_generation(), None);
}

fn judge(before: &DeviceSessions, new: SessionSummary, notice: Option<Timestamp>, now: Timestamp) -> Visibility {
    let position = before.place(new, new.created_at).position;
    let arrival = Arrival { session: new, position, at: new.created_at };
    visibility(before, &arrival, notice, now)
}

#[test]
fn t108_crossing_init_is_silent() {
    let unconfirmed = placed(&[ours(5, 3, at(0))]);
    for new in [theirs(1, 3, at(60)), theirs(9, 3, at(60)), theirs(9, 1, at(60))] {
        assert_eq!(judge(&unconfirmed, new, None, at(60)), Visibility::Crossed);
    }
    let confirmed = unconfirmed.confirmed(&sid(5), at(50));
    let new = |second| theirs(9, 3, at(second));
    assert_eq!(judge(&confirmed, new(649), None, at(649)), Visibility::Crossed);
    assert_eq!(judge(&confirmed, new(650), None, at(650)), Visibility::Cold, "10 minutes after");
    let higher = theirs(9, 4, at(60));
    assert_eq!(judge(&unconfirmed, higher, None, at(661)), Visibility::Cold, "a higher one crosses nothing");
    let accepted = placed(&[theirs(5, 3, at(0))]);
    assert_eq!(judge(&accepted, theirs(9, 3, at(60)), None, at(60)), Visibility::Cold, "not our INIT");
    assert_eq!(judge(&DeviceSessions::default(), new(60), None, at(60)), Visibility::First);
}

#[test]
fn t109_cold_init_shows_and_archives_the_old_session() {
    let before = placed(&[theirs(1, 1, at(0))]);
    let new = theirs(2, 2, at(100));
    let until = at(100).plus(10 * MINUTE_MS);
    assert_eq!(judge(&before, new, None, at(100)), Visibility::Undecided(until));
    assert_eq!(judge(&before, new, None, until.plus(1)), Visibility::Cold);
    let after = before.place(new, at(100)).next;
    assert_eq!(after.opened(&sid(1), at(101)), Some(OpenedOn::Stale), "receive-only");
    let archived_only = before.closed(&sid(1)).place(theirs(3, 1, at(1)), at(1)).next;
    assert_eq!(judge(&archived_only, new, None, until.plus(1)), Visibility::Cold, "any session counts");
}

#[test]
fn t109_fourth_cold_session_of_a_day_is_held_until_the_next() {
    let limit = crate::limits::COLD_SESSIONS_PER_DAY;
    let mut count = DailyCount::default();
    for second in 0..3 {
        count = count.count(limit, at(second)).unwrap();
    }
    let midnight = at(0).plus(DAY_MS);
    assert_eq!(count.count(limit, at(4)), Err(RateExceeded { until: midnight }));
    assert_eq!(count.count(limit, midnight.minus(1)), Err(RateExceeded { until: midnight }));
    assert_eq!(count.count(limit, at(0).minus(1)), Err(RateExceeded { until: midnight }), "a clock set back");
    assert!(count.count(limit, midnight).is_ok(), "control");
}

#[test]
fn t109_init_that_came_too_low_is_cold_and_answered_by_a_higher_one() {
    let confirmed = placed(&[theirs(1, 5, at(0))]);
    let low = theirs(2, 1, at(100));
    let placement = confirmed.place(low, at(100));
    assert_eq!((placement.position, active(&placement.next)), (Position::Archived, Some(sid(1))));
    // Archived on arrival: no announcement makes it warm.
    let seen = judge(&confirmed, low, Some(at(99)), at(100));
    assert_eq!(seen, Visibility::Cold);
    let answer = |sessions, position, seen, with| answer_to_low(sessions, position, seen, with);
    let (archived, established) = (Position::Archived, Conversation::Established);
    assert_eq!(answer(&placement.next, archived, seen, established), Some(Answer::NewInit));
    assert_eq!(placement.next.next_generation(), Some(6), "the answer is higher");
    assert_eq!(answer(&placement.next, archived, seen, Conversation::ContactRequest), None);
    assert_eq!(answer(&placement.next, Position::Active, seen, established), None);
    assert_eq!(answer(&placement.next, archived, Visibility::Crossed, established), None);
    let waiting = confirmed.place(ours(3, 6, at(50)), at(50)).next;
    assert_eq!(answer(&waiting, archived, seen, established), Some(Answer::ActiveInit));
}

#[test]
fn t109_init_that_waited_weeks_and_its_answer_are_not_cold() {
    // Made on day 0, accepted on day 20: nothing was there before.
    let arrived = at(0).plus(20 * DAY_MS);
    assert_eq!(judge(&DeviceSessions::default(), theirs(1, 1, arrived), None, arrived), Visibility::First);
    // Its maker refreshed it on day 15: both and the announcement arrive together.
    let first = placed(&[theirs(1, 1, arrived)]);
    assert_eq!(judge(&first, theirs(2, 2, arrived), Some(arrived), arrived), Visibility::Warm);
    // The answer arrives at the maker on the session of day 0, which still receives.
    let maker = placed(&[ours(1, 1, at(0)), ours(2, 2, at(0).plus(15 * DAY_MS))]).expired(arrived);
    assert_eq!(maker.opened(&sid(1), arrived), Some(OpenedOn::StaleLate));
    // An INIT that the other side made meanwhile crosses the unconfirmed one.
    assert_eq!(judge(&maker, theirs(3, 1, arrived), None, arrived), Visibility::Crossed);
}

#[test]
fn t110_announced_refresh_is_silent_before_and_after() {
    let before = placed(&[theirs(1, 1, at(0))]);
    let made = at(0).plus(20 * DAY_MS);
    let new = theirs(2, 2, made);
    let until = made.plus(10 * MINUTE_MS);
    for notice in [made.minus(14 * DAY_MS), made.minus(1), made, made.plus(1), until] {
        assert_eq!(judge(&before, new, Some(notice), until.plus(HOUR_MS)), Visibility::Warm);
    }
    for notice in [made.minus(14 * DAY_MS).minus(1), until.plus(1)] {
        assert_eq!(judge(&before, new, Some(notice), until.plus(HOUR_MS)), Visibility::Cold);
    }
    assert_eq!(judge(&before, new, None, until), Visibility::Undecided(until), "it may still come");
    assert_eq!(judge(&before, new, None, until.plus(1)), Visibility::Cold);
}

#[test]
fn t111_failed_sid_closes_only_our_own_unconfirmed_init() {
    let sessions = placed(&[theirs(1, 1, at(0)), ours(2, 2, at(1))]);
    let confirmed = sessions.confirmed(&sid(2), at(5));
    assert_eq!(sessions.failed(&sid(1)), sessions, "theirs");
    assert_eq!(sessions.failed(&sid(9)), sessions, "unknown");
    assert_eq!(confirmed.failed(&sid(2)), confirmed, "confirmed");
    assert_eq!(active(&sessions.failed(&sid(2))), None, "control");
    assert_eq!(sessions.failed(&sid(2)).next_generation(), Some(3), "control");
}
