//! Messages of a group: B13.5.

use super::fixture::*;
use super::*;
use crate::content::BodyKind;
use crate::group::{
    MessageRejected, MessageVerdict, SentIn, StaleAnswers, StaleSender, StaleVerdict, Unseen, UnseenContents,
    UnseenFull, judge_unknown,
};
use crate::ids::{DeviceId, MessageId};
use crate::limits::{CONTENT_BYTES, UNSEEN_BYTES, UNSEEN_BYTES_OF_ACCOUNT, UNSEEN_CONTENTS, UNSEEN_OF_ACCOUNT};
use crate::organization::OrgRole;
use crate::placement::Window;
use crate::testing::{at, ed25519, rng};
use crate::time::{DAY_MS, HOUR_MS, Timestamp};

fn judged(
    roster: &Roster,
    sender: u8,
    state: &GroupState,
    kind: BodyKind,
    known: &Known,
) -> Result<MessageVerdict, MessageRejected> {
    let message = SentIn { sender: id_of(sender), aik: &ed25519(sender).public_key(), state: Some(state.hash()), kind };
    roster.judge_message(&message, &known.evidence())
}

fn without(parent: &GroupState, person: u8) -> GroupState {
    next(parent, OWNER, |draft| draft.members.retain(|member| member.account != id_of(person)))
}

#[test]
fn t120_a_removed_member_is_refused_and_one_that_has_not_seen_the_state_is_stale() {
    let (base, known) = (clinical(), Known::all());
    let removed = without(&base, DOCTOR);
    let roster = accepted(&[&base, &removed], &known);
    for state in [&base, &removed] {
        assert_eq!(judged(&roster, DOCTOR, state, BodyKind::Text, &known), Err(MessageRejected::NotMember));
    }
    assert_eq!(judged(&roster, PATIENT, &base, BodyKind::Text, &known), Ok(MessageVerdict::Stale));
    assert_eq!(judged(&roster, PATIENT, &removed, BodyKind::Text, &known), Ok(MessageVerdict::Accepted));
    // Who was no member then is refused as well, and a state of more than 30 days ago speaks for nobody.
    let added = next(&removed, OWNER, |draft| draft.members.push(member(STRANGER, Role::Member)));
    let roster = applied(&roster, &[&added], &known).roster;
    assert_eq!(judged(&roster, STRANGER, &base, BodyKind::Text, &known), Err(MessageRejected::NotMember));
    let edge = known.at(known.now.plus(30 * DAY_MS));
    assert_eq!(judged(&roster, PATIENT, &base, BodyKind::Text, &edge), Ok(MessageVerdict::Stale));
    let late = known.at(known.now.plus(30 * DAY_MS + 1));
    assert_eq!(judged(&roster, PATIENT, &base, BodyKind::Text, &late), Err(MessageRejected::TooOld));
}

#[test]
fn t120_a_state_that_lost_speaks_for_members_of_both() {
    let (base, known) = (clinical(), Known::all());
    let owner = next(&base, OWNER, |draft| draft.members.push(member(STRANGER, Role::Member)));
    let custodian = titled(&base, CUSTODIAN, "by the custodian");
    let roster = applied(&accepted(&[&base, &owner], &known), &[&custodian], &known).roster;
    assert_eq!(judged(&roster, DOCTOR, &owner, BodyKind::Text, &known), Ok(MessageVerdict::Stale));
    assert_eq!(judged(&roster, STRANGER, &owner, BodyKind::Text, &known), Err(MessageRejected::NotMember));
    let late = known.at(known.now.plus(30 * DAY_MS + 1));
    assert_eq!(judged(&roster, DOCTOR, &owner, BodyKind::Text, &late), Err(MessageRejected::TooOld));
}

#[test]
fn t120_the_owner_answers_a_stale_sender_once_and_another_member_a_second_message() {
    let base = clinical();
    let one = titled(&base, OWNER, "one");
    let delay = Window::REPLY.draw(&mut rng(1)).unwrap();
    let sender = StaleSender { account: id_of(PATIENT), device: DeviceId::new(1).unwrap() };
    let stale = |answers: &StaleAnswers, state, own, now| answers.stale(sender, state, id_of(own), delay, now);
    let (owner, verdict) = stale(&StaleAnswers::default(), &one, OWNER, at(0));
    assert_eq!(verdict, StaleVerdict::AnswerAt(delay.after(at(0))));
    assert!((5..=60).contains(&(delay.after(at(0)).since(at(0)) / 1_000)));
    assert_eq!(stale(&owner, &one, OWNER, at(7_200)).1, StaleVerdict::Leave);
    // A new epoch is a new matter.
    let two = titled(&one, OWNER, "two");
    assert_eq!(stale(&owner, &two, OWNER, at(9)).1, StaleVerdict::AnswerAt(delay.after(at(9))));
    let (member, verdict) = stale(&StaleAnswers::default(), &one, DOCTOR, at(0));
    assert_eq!(verdict, StaleVerdict::Leave);
    let (member, verdict) = stale(&member, &one, DOCTOR, at(3_599));
    assert_eq!(verdict, StaleVerdict::Leave);
    let (member, verdict) = stale(&member, &one, DOCTOR, at(3_600));
    assert_eq!(verdict, StaleVerdict::AnswerAt(delay.after(at(3_600))));
    assert_eq!(stale(&member, &one, DOCTOR, at(99_999)).1, StaleVerdict::Leave);
}

fn unseen(sender: u8, n: u8, state: &GroupState, since: Timestamp) -> Unseen {
    Unseen {
        sender: id_of(sender),
        device: DeviceId::new(1).unwrap(),
        message: MessageId::from_bytes([n; 16]),
        group: group_of(state),
        state: *state.hash(),
        since,
        bytes: 300,
    }
}

#[test]
fn t121_a_message_under_an_unknown_state_is_kept_unseen_and_shown_when_the_state_comes() {
    let (base, known) = (clinical(), Known::all());
    let roster = Roster::created(base.clone(), known.now);
    let one = titled(&base, OWNER, "one");
    assert_eq!(judged(&roster, DOCTOR, &one, BodyKind::Text, &known), Ok(MessageVerdict::Unseen));
    // Nothing is pinned of the sender: refused.
    let message =
        SentIn { sender: id_of(0x99), aik: &ed25519(0x99).public_key(), state: Some(one.hash()), kind: BodyKind::Text };
    assert_eq!(roster.judge_message(&message, &known.evidence()), Err(MessageRejected::Stranger));
    // The same in a group of which nothing is here.
    assert_eq!(judge_unknown(&message, &known.evidence()), Err(MessageRejected::Stranger));
    let queue = UnseenContents::default().store(unseen(DOCTOR, 1, &one, known.now)).unwrap().contents;
    let queue = queue.store(unseen(DOCTOR, 2, &base, known.now)).unwrap().contents;
    let next = applied(&roster, &[&one], &known).roster;
    let (left, released) = queue.release(group_of(&one), one.hash());
    assert_eq!(released, [unseen(DOCTOR, 1, &one, known.now)]);
    assert_eq!(left.waiting().count(), 1);
    assert_eq!(judged(&next, DOCTOR, &one, BodyKind::Text, &known), Ok(MessageVerdict::Accepted));
}

#[test]
fn t121_one_hundred_wait_for_an_account_and_time_raises_an_event_and_drops() {
    let state = clinical();
    let full = (0..UNSEEN_OF_ACCOUNT).fold(UnseenContents::default(), |queue, n| {
        queue.store(unseen(DOCTOR, n as u8, &state, at(0))).unwrap().contents
    });
    assert_eq!(full.store(unseen(DOCTOR, 200, &state, at(0))).unwrap_err(), UnseenFull);
    assert!(full.store(unseen(PATIENT, 200, &state, at(0))).is_ok());
    let one = UnseenContents::default().store(unseen(DOCTOR, 1, &state, at(0))).unwrap().contents;
    let day = at(0).plus(DAY_MS);
    assert_eq!(one.due(day.minus(1)).1.missing, []);
    let (raised, due) = one.due(day);
    assert_eq!((due.missing.len(), due.dropped.len()), (1, 0));
    assert_eq!(raised.due(day.plus(HOUR_MS)).1.missing, [], "once");
    let (kept, due) = raised.due(at(0).plus(14 * DAY_MS).minus(1));
    assert_eq!((kept.waiting().count(), due.dropped.len()), (1, 0));
    let (gone, due) = raised.due(at(0).plus(14 * DAY_MS));
    assert_eq!((gone.waiting().count(), due.dropped.len()), (0, 1));
}

/// `count` contents of each of these people, of `bytes` each.
fn queue_of(people: core::ops::Range<u8>, count: usize, bytes: usize) -> UnseenContents {
    let mut queue = UnseenContents::default();
    for (person, n) in people.flat_map(|person| (0..count).map(move |n| (person, n))) {
        let content = Unseen { bytes: bytes as u32, ..unseen(person, n as u8, &personal(), at(n as u64)) };
        queue = queue.store(content).unwrap().contents;
    }
    queue
}

#[test]
fn t121_contents_of_one_account_are_bounded_in_bytes() {
    let full = queue_of(1..2, UNSEEN_BYTES_OF_ACCOUNT / CONTENT_BYTES, CONTENT_BYTES);
    let one_byte = |person: u8| Unseen { bytes: 1, ..unseen(person, 200, &personal(), at(9)) };
    assert_eq!(full.store(one_byte(1)).unwrap_err(), UnseenFull);
    let stored = full.store(one_byte(2)).unwrap();
    assert_eq!((stored.contents.waiting().count(), stored.rejected), (17, vec![]), "control");
}

#[test]
fn t121_of_all_contents_that_wait_the_newest_of_who_has_most_goes() {
    // In number: ten accounts have a hundred each, and the last of them has most by its id.
    let full = queue_of(1..11, UNSEEN_OF_ACCOUNT, 300);
    let one = |person: u8, bytes: u32| Unseen { bytes, ..unseen(person, 200, &personal(), at(500)) };
    let stored = full.store(one(0x20, 300)).unwrap();
    assert_eq!(stored.rejected, [unseen(10, 99, &personal(), at(99))]);
    assert_eq!(stored.contents.waiting().count(), UNSEEN_CONTENTS);
    assert_eq!(stored.contents.waiting().last(), Some(&one(0x20, 300)));
    // The next one hits the account that has most now.
    let next = stored.contents.store(one(0x21, 300)).unwrap();
    assert_eq!(next.rejected, [unseen(9, 99, &personal(), at(99))]);
    // In bytes: eight accounts fill 32 MiB, and a short content costs one of theirs.
    let count = UNSEEN_BYTES_OF_ACCOUNT / CONTENT_BYTES;
    let full = queue_of(1..9, count, CONTENT_BYTES);
    let stored = full.store(one(0x20, 1)).unwrap();
    let newest = unseen(8, count as u8 - 1, &personal(), at(count as u64 - 1));
    assert_eq!(stored.rejected, [Unseen { bytes: CONTENT_BYTES as u32, ..newest }]);
    assert_eq!(stored.contents.waiting().count(), 8 * count);
    assert_eq!(full.waiting().count(), 8 * count, "unchanged");
}

#[test]
fn t121_who_has_most_pushes_out_nobody() {
    // Nine have all their room in bytes but a little, and what is left is for somebody else.
    let full = queue_of(1..9, UNSEEN_BYTES_OF_ACCOUNT / CONTENT_BYTES, CONTENT_BYTES - 1);
    let left = UNSEEN_BYTES - full.waiting().map(|content| content.bytes as usize).sum::<usize>();
    let fits = |bytes: usize| Unseen { bytes: bytes as u32, ..unseen(0x20, 200, &personal(), at(500)) };
    let stored = full.store(fits(left)).unwrap();
    assert_eq!(stored.rejected, []);
    // It has least, so the next one that it sends costs another; and of who has most the next one is refused.
    let by_most = Unseen { bytes: 1, ..unseen(8, 201, &personal(), at(501)) };
    assert_eq!(stored.contents.store(by_most).unwrap_err(), UnseenFull);
    let by_least = stored.contents.store(fits(1)).unwrap();
    assert_eq!(by_least.rejected.iter().map(|content| content.sender).collect::<Vec<_>>(), [id_of(8)]);
}

#[test]
fn t142_an_archive_and_an_observer_acknowledge_and_say_nothing() {
    let (base, known) = (clinical(), Known::all());
    let roster = Roster::created(base.clone(), known.now);
    for silent in [ARCHIVE, OBSERVER] {
        for kind in [BodyKind::Text, BodyKind::Attachment, BodyKind::Edit, BodyKind::Reaction, BodyKind::Statement] {
            assert_eq!(judged(&roster, silent, &base, kind, &known), Err(MessageRejected::Role));
        }
        for kind in [BodyKind::Receipt, BodyKind::Control, BodyKind::GroupUpdate] {
            assert_eq!(judged(&roster, silent, &base, kind, &known), Ok(MessageVerdict::Accepted));
        }
    }
    assert_eq!(judged(&roster, DOCTOR, &base, BodyKind::Text, &known), Ok(MessageVerdict::Accepted));
    // A role that fell silent, or was silent then, does not speak under the other state.
    let promoted = next(&base, OWNER, |draft| {
        draft.members.iter_mut().filter(|member| member.account == id_of(OBSERVER)).for_each(|m| m.role = Role::Member);
    });
    let roster = applied(&roster, &[&promoted], &known).roster;
    assert_eq!(judged(&roster, OBSERVER, &base, BodyKind::Text, &known), Err(MessageRejected::Role));
    assert_eq!(judged(&roster, OBSERVER, &promoted, BodyKind::Text, &known), Ok(MessageVerdict::Accepted));
}

#[test]
fn t142_a_message_of_a_group_without_context_is_refused() {
    let (base, known) = (clinical(), Known::all());
    let roster = Roster::created(base, known.now);
    let message =
        SentIn { sender: id_of(DOCTOR), aik: &ed25519(DOCTOR).public_key(), state: None, kind: BodyKind::Text };
    assert_eq!(roster.judge_message(&message, &known.evidence()), Err(MessageRejected::NoContext));
    assert_eq!(judge_unknown(&message, &known.evidence()), Err(MessageRejected::NoContext));
}

#[test]
fn t144_a_member_whom_the_practice_removed_is_closed_in_its_groups_only() {
    let (base, known) = (clinical(), Known::all());
    let roster = Roster::created(base.clone(), known.now);
    let left = known.after_directory(&staff_without(&[DOCTOR]));
    assert_eq!(judged(&roster, DOCTOR, &base, BodyKind::Text, &known), Ok(MessageVerdict::Accepted));
    assert_eq!(judged(&roster, DOCTOR, &base, BodyKind::Text, &left), Err(MessageRejected::Closed));
    assert_eq!(judged(&roster, PATIENT, &base, BodyKind::Text, &left), Ok(MessageVerdict::Accepted));
    assert!(fan_out(&roster, &known).unwrap().recipients.contains(&id_of(DOCTOR)));
    assert!(!fan_out(&roster, &left).unwrap().recipients.contains(&id_of(DOCTOR)));
    // In a group of nobody's practice it stays.
    let elsewhere = Roster::created(personal(), known.now);
    assert_eq!(judged(&elsewhere, DOCTOR, &personal(), BodyKind::Text, &left), Ok(MessageVerdict::Accepted));
    // Listed again, it is open again.
    let back = left.after_directory(&[staff_without(&[DOCTOR]), vec![(DOCTOR, OrgRole::Clinical)]].concat());
    assert_eq!(judged(&roster, DOCTOR, &base, BodyKind::Text, &back), Ok(MessageVerdict::Accepted));
}
