//! Times, changes by others, and keeping against deleting: T92, T94, T95.

use super::*;
use crate::ids::ConversationId;
use crate::time::{DAY_MS, HOUR_MS, Timestamp};

#[test]
fn t092_a_time_48_hours_off_is_flagged_and_nothing_else() {
    let server = at(10 * 86_400);
    let sent_at = |time: Timestamp| {
        let mut wire = content(text("x"));
        wire.sent_at_ms = time.as_millis();
        let parsed = parse(&wire).unwrap();
        assert_eq!(parsed.route(&account(BOB), &account(ALICE)).unwrap(), Route::Pair);
        parsed.judge_sent_at(server)
    };
    let two_days = 48 * HOUR_MS;
    for wrong in [server.plus(two_days), server.minus(two_days), Timestamp::default(), Timestamp::from_millis(u64::MAX)]
    {
        assert_eq!(sent_at(wrong), SentAt::Doubtful);
    }
    assert_eq!(sent_at(server.plus(DAY_MS + 1)), SentAt::Doubtful);
    assert_eq!(sent_at(server.minus(DAY_MS + 1)), SentAt::Doubtful);
    for right in [server, server.plus(DAY_MS), server.minus(DAY_MS)] {
        assert_eq!(sent_at(right), SentAt::Plausible);
    }
}

fn edit() -> Content {
    parse_body(Wire::Edit(v1::Edit { target: vec![8; 16], text: Some(v1::Text::default()) })).unwrap()
}

fn delete() -> Content {
    parse_body(Wire::Del(v1::Delete { target: vec![8; 16], reason: 1 })).unwrap()
}

fn original(author: u8, conversation: ConversationId, kind: BodyKind) -> Original {
    Original { author: account(author), conversation, kind }
}

/// Alice's change of what is stored on a copy.
fn changed(change: &Content, originals: &[Original], keeper: Keeper) -> Result<Change, ContentRejected> {
    change.change(&account(ALICE), originals, keeper).unwrap()
}

#[test]
fn t094_changes_by_others_than_the_author_are_rejected() {
    let foreign = [original(BOB, pair(), BodyKind::Text)];
    let own = [original(ALICE, pair(), BodyKind::Text)];
    for keeper in [Keeper::Other, Keeper::OrgMember, Keeper::Archive] {
        for change in [edit(), delete()] {
            assert_eq!(changed(&change, &foreign, keeper), Err(ContentRejected::NotAuthor));
            assert!(changed(&change, &own, keeper).is_ok());
        }
    }
    // Nor does a message of one's own with the same id give power over the other one.
    let both = [foreign[0], original(ALICE, ConversationId::from_bytes([1; 16]), BodyKind::Text)];
    assert_eq!(changed(&edit(), &both, Keeper::Other), Err(ContentRejected::ForeignTarget));
}

#[test]
fn t094_a_change_from_another_conversation_is_rejected() {
    let elsewhere = [original(ALICE, ConversationId::from_bytes([1; 16]), BodyKind::Text)];
    for change in [edit(), delete()] {
        assert_eq!(changed(&change, &elsewhere, Keeper::Other), Err(ContentRejected::ForeignTarget));
    }
    let here = [elsewhere[0], original(ALICE, pair(), BodyKind::Text)];
    assert_eq!(changed(&edit(), &here, Keeper::Other), Ok(Change::Replace));
    assert_eq!(changed(&delete(), &here, Keeper::Other), Ok(Change::Remove));
}

#[test]
fn t094_the_archive_keeps_every_version() {
    let own = [original(ALICE, pair(), BodyKind::Text)];
    for change in [edit(), delete()] {
        assert_eq!(changed(&change, &own, Keeper::Archive), Ok(Change::Append));
    }
    assert_eq!(changed(&edit(), &own, Keeper::OrgMember), Ok(Change::Replace));
}

#[test]
fn t094_only_a_text_becomes_another_text() {
    for kind in [BodyKind::Statement, BodyKind::Attachment, BodyKind::Clinical, BodyKind::Edit, BodyKind::Unsupported] {
        let own = [original(ALICE, pair(), kind)];
        for keeper in [Keeper::Other, Keeper::Archive] {
            assert_eq!(changed(&edit(), &own, keeper), Err(ContentRejected::NotEditable));
        }
        assert_eq!(changed(&delete(), &own, Keeper::Other), Ok(Change::Remove));
    }
}

#[test]
fn t094_a_change_that_comes_before_its_original_waits() {
    for change in [edit(), delete()] {
        assert_eq!(changed(&change, &[], Keeper::Other), Ok(Change::Await));
    }
    let reaction =
        parse_body(Wire::Reaction(v1::Reaction { target: vec![8; 16], emoji: "+".into(), remove: false })).unwrap();
    assert_eq!(reaction.change(&account(ALICE), &[], Keeper::Other), None);
    assert_eq!(reaction.reaction_to(&[]), Some(ReactionTo::Unknown));
    let elsewhere = [original(BOB, ConversationId::from_bytes([1; 16]), BodyKind::Text)];
    assert_eq!(reaction.reaction_to(&elsewhere), Some(ReactionTo::Unknown));
    assert_eq!(reaction.reaction_to(&[original(BOB, pair(), BodyKind::Text)]), Some(ReactionTo::Known));
    assert_eq!(edit().reaction_to(&[]), None);
}

/// A copy that was received on day 0 and read on day 1.
fn holding(keeper: Keeper) -> Holding {
    Holding { received: day(0), read: Some(day(1)), keeper, hold: Hold::None, policy: GroupRetention::default() }
}

fn day(day: u64) -> Timestamp {
    at(day * 86_400)
}

/// What binds everybody, what binds the sender, and when the copy goes by itself.
fn fate(floor: Floor, sender_floor: Floor, delete_at: Option<Timestamp>) -> Fate {
    Fate { floor, sender_floor, delete_at }
}

const ALL: [Keeper; 3] = [Keeper::Archive, Keeper::OrgMember, Keeper::Other];

/// Delete five days after reading: day 6.
fn timer() -> Retention {
    Retention { keep_until: None, delete_after_read_ms: Some(5 * DAY_MS) }
}

#[test]
fn t095_keep_until_beats_the_timer() {
    for keeper in ALL {
        let both = Retention { keep_until: Some(day(30)), ..timer() };
        let kept = both.resolve(&holding(keeper));
        assert_eq!(kept, fate(Floor::None, Floor::Until(day(30)), Some(day(30))));
        assert!(!kept.allows_deletion_by_sender(day(6)) && kept.allows_deletion_by_sender(day(30)));
        // Where it ends before the timer does, the timer counts; without it, too; unread, nothing.
        let early = Retention { keep_until: Some(day(2)), ..timer() };
        assert_eq!(early.resolve(&holding(keeper)).delete_at, Some(day(6)));
        let alone = timer().resolve(&holding(keeper));
        assert_eq!(alone, fate(Floor::None, Floor::None, Some(day(6))));
        assert!(alone.allows_deletion_by_sender(day(0)));
        let unread = Holding { read: None, ..holding(keeper) };
        assert_eq!(both.resolve(&unread), fate(Floor::None, Floor::Until(day(30)), None));
    }
}

#[test]
fn t095_a_senders_wish_does_not_bind_who_keeps_the_copy() {
    for keeper in ALL {
        let forever = Retention { keep_until: Some(Timestamp::from_millis(u64::MAX)), delete_after_read_ms: None };
        let fate = forever.resolve(&holding(keeper));
        assert!(fate.allows_deletion(day(0)));
        assert!(!fate.allows_deletion_by_sender(day(36_500)), "control");
    }
}

#[test]
fn t095_a_legal_hold_beats_everything() {
    for keeper in ALL {
        let free = Holding { policy: GroupRetention { keep_at_least_ms: 1, expire_after_ms: 1 }, ..holding(keeper) };
        let held = Holding { hold: Hold::Legal, ..free };
        let kept = timer().resolve(&held);
        assert_eq!(kept, fate(Floor::Held, Floor::Held, None));
        assert!(!kept.allows_deletion(Timestamp::from_millis(u64::MAX)));
        assert!(!kept.allows_deletion_by_sender(Timestamp::from_millis(u64::MAX)));
        assert!(timer().resolve(&free).delete_at.is_some());
    }
}

#[test]
fn t095_the_floor_of_the_policy_binds_the_organization() {
    let policy = GroupRetention { keep_at_least_ms: 100 * DAY_MS, expire_after_ms: 0 };
    for keeper in [Keeper::Archive, Keeper::OrgMember] {
        let bound = Holding { policy, ..holding(keeper) };
        assert_eq!(timer().resolve(&bound), fate(Floor::Until(day(100)), Floor::Until(day(100)), Some(day(100))));
        // A sender's keep_until neither shortens nor prolongs it.
        for keep in [day(10), day(36_500)] {
            let keep = Retention { keep_until: Some(keep), delete_after_read_ms: None };
            assert_eq!(keep.resolve(&bound), fate(Floor::Until(day(100)), Floor::Until(day(100)), None));
        }
    }
    let other = Holding { policy, ..holding(Keeper::Other) };
    assert_eq!(timer().resolve(&other), fate(Floor::None, Floor::None, Some(day(6))));
}

#[test]
fn t095_the_expiry_of_the_policy_binds_all_others() {
    let policy = GroupRetention { keep_at_least_ms: 0, expire_after_ms: 10 * DAY_MS };
    let other = Holding { policy, ..holding(Keeper::Other) };
    let keep = Retention { keep_until: Some(day(30)), delete_after_read_ms: None };
    assert_eq!(keep.resolve(&other), fate(Floor::None, Floor::Until(day(10)), Some(day(10))));
    assert_eq!(timer().resolve(&other), fate(Floor::None, Floor::None, Some(day(6))));
    let late = Retention { keep_until: None, delete_after_read_ms: Some(50 * DAY_MS) };
    assert_eq!(late.resolve(&other).delete_at, Some(day(10)));
    assert_eq!(Retention::default().resolve(&other).delete_at, Some(day(10)));
    for keeper in [Keeper::Archive, Keeper::OrgMember] {
        let bound = Holding { policy, ..holding(keeper) };
        assert_eq!(keep.resolve(&bound), fate(Floor::None, Floor::Until(day(30)), None));
    }
}

#[test]
fn t095_times_at_the_end_of_time_do_not_wrap() {
    let never = Retention { keep_until: Some(Timestamp::from_millis(u64::MAX)), delete_after_read_ms: Some(u64::MAX) };
    for keeper in ALL {
        let end = Timestamp::from_millis(u64::MAX);
        assert_eq!(never.resolve(&holding(keeper)), fate(Floor::None, Floor::Until(end), Some(end)));
    }
}
