//! Where a content may belong, and who may send it: T96, T142.

use super::*;
use crate::ids::{AccountId, GroupId};

fn group() -> GroupId {
    GroupId::from_bytes([0x66; 16])
}

fn routed(wire: &v1::Content, own: u8, sender: u8) -> Result<String, ContentRejected> {
    let parsed = parse(wire).unwrap();
    parsed.route(&account(own), &account(sender)).map(|route| match route {
        Route::Pair => "pair".into(),
        Route::Control => "control".into(),
        Route::Own => "own".into(),
        Route::Group { group: id, state } => format!("group {} {}", id == group(), *state == STATE),
        Route::GroupUpdate { group: id, state } => format!("update {} {}", id == group(), *state == STATE),
    })
}

fn ok(route: &str) -> Result<String, ContentRejected> {
    Ok(route.into())
}

#[test]
fn t096_the_conversation_of_another_pair_is_rejected() {
    let carol = 0xca;
    for body in every_body()
        .into_iter()
        .filter(|body| !matches!(body, Wire::Sync(_) | Wire::GroupUpdate(_)))
    {
        let mut bad = content(body);
        let good = bad.clone();
        for (one, other) in [(carol, BOB), (carol, ALICE), (ALICE, ALICE), (BOB, BOB)] {
            bad.conversation_id = pair_id(&account(one), &account(other)).as_bytes().to_vec();
            assert_eq!(routed(&bad, BOB, ALICE), Err(ContentRejected::Conversation));
        }
        let expected = if matches!(good.body, Some(Wire::Control(_))) {
            "control"
        } else {
            "pair"
        };
        assert_eq!(routed(&good, BOB, ALICE), ok(expected));
        // The same bytes from a session with somebody else.
        assert_eq!(routed(&good, BOB, carol), Err(ContentRejected::Conversation));
    }
}

#[test]
fn t096_the_state_of_another_group_is_rejected() {
    let parsed = parse(&in_group(content(text("x")))).unwrap();
    let voice = Some(Voice::Full);
    let other = Standing {
        group: GroupId::from_bytes([0x67; 16]),
        voice,
    };
    assert_eq!(parsed.judge_sender(&other), Err(ContentRejected::Conversation));
    let outsider = Standing {
        group: group(),
        voice: None,
    };
    assert_eq!(parsed.judge_sender(&outsider), Err(ContentRejected::NotMember));
    assert_eq!(parsed.judge_sender(&Standing { group: group(), voice }), Ok(()));
}

#[test]
fn t096_control_is_of_the_pair_and_of_no_group() {
    let control = content(control(v1::control::C::DeliveryToken(vec![1; 16])));
    let mut grouped = control.clone();
    grouped.group = Some(v1::GroupContext {
        state_hash: STATE.to_vec(),
    });
    assert_eq!(routed(&grouped, BOB, ALICE), Err(ContentRejected::GroupContext));
    assert_eq!(
        routed(&in_group(control.clone()), BOB, ALICE),
        Err(ContentRejected::GroupContext)
    );
    assert_eq!(routed(&control, BOB, ALICE), ok("control"));
}

#[test]
fn t096_sync_comes_from_the_own_account_only() {
    for body in every_body().into_iter().filter(|body| matches!(body, Wire::Sync(_))) {
        let wire = content(body);
        assert_eq!(routed(&wire, BOB, ALICE), Err(ContentRejected::ForeignSync));
        assert_eq!(routed(&wire, ALICE, ALICE), ok("own"));
    }
}

#[test]
fn t096_what_was_sent_to_a_peer_is_of_the_conversation_with_it() {
    let sent = content(sync(v1::sync::S::Sent(sent(&content(text("hello"))))));
    let mut bad = sent.clone();
    if let Some(Wire::Sync(v1::Sync {
        s: Some(v1::sync::S::Sent(sent)),
    })) = &mut bad.body
    {
        sent.peer_account_id = vec![0xca; 16];
    }
    assert_eq!(routed(&bad, ALICE, ALICE), Err(ContentRejected::Conversation));
    assert_eq!(routed(&sent, ALICE, ALICE), ok("own"));
}

#[test]
fn t142_a_message_without_group_context_in_a_group_is_rejected() {
    let good = in_group(content(text("x")));
    let mut bad = good.clone();
    bad.group = None;
    assert_eq!(routed(&bad, BOB, ALICE), Err(ContentRejected::Conversation));
    let update = content(every_body().pop().unwrap());
    let mut bare = update.clone();
    bare.group = None;
    assert_eq!(routed(&bare, BOB, ALICE), Err(ContentRejected::GroupContext));
    assert_eq!(routed(&good, BOB, ALICE), ok("group true true"));
    assert_eq!(routed(&update, BOB, ALICE), ok("update true true"));
}

#[test]
fn t142_a_group_with_the_id_of_a_pair_is_rejected() {
    let good = in_group(content(text("x")));
    let mut bad = good.clone();
    bad.conversation_id = pair().as_bytes().to_vec();
    assert_eq!(routed(&bad, BOB, ALICE), Err(ContentRejected::GroupIdOfPair));
    assert_eq!(routed(&good, BOB, ALICE), ok("group true true"));
    // Of any two members, or of one with itself: the state is refused before there are messages.
    let members = [ALICE, BOB, 0xca].map(account);
    let id = |one: &AccountId, other: &AccountId| GroupId::from_bytes(*pair_id(one, other).as_bytes());
    for one in &members {
        for other in &members {
            assert!(collides_with_pair(&id(one, other), &members));
            assert!(!collides_with_pair(&id(one, &account(1)), &members));
        }
    }
    assert!(!collides_with_pair(&group(), &members));
}

#[test]
fn t142_archive_and_observer_say_only_what_they_must() {
    let standing = |role| Standing {
        group: group(),
        voice: Voice::of_role(role),
    };
    for body in every_body() {
        let allowed = matches!(body, Wire::Receipt(_) | Wire::Control(_) | Wire::GroupUpdate(_));
        // Sync.sent must fit the content in it, and comes from no member but oneself.
        let mut wire = content(body);
        if matches!(wire.body, Some(Wire::Sync(_))) {
            continue;
        }
        wire = in_group(wire);
        let parsed = parse(&wire).unwrap();
        for role in [3, 4] {
            let expected = if allowed { Ok(()) } else { Err(ContentRejected::Role) };
            assert_eq!(parsed.judge_sender(&standing(role)), expected, "{:?}", parsed.kind());
        }
        for role in [1, 2, 5, 6] {
            assert_eq!(parsed.judge_sender(&standing(role)), Ok(()), "{:?}", parsed.kind());
        }
        for unknown in [0, 7, u32::MAX] {
            assert_eq!(parsed.judge_sender(&standing(unknown)), Err(ContentRejected::NotMember));
        }
    }
}

#[test]
fn t142_archive_says_nothing_that_v1_cannot_read() {
    let mut wire = in_group(content(text("x")));
    wire.required_features = vec![5];
    let parsed = parse(&wire).unwrap();
    let standing = |voice| Standing {
        group: group(),
        voice: Some(voice),
    };
    assert_eq!(
        parsed.judge_sender(&standing(Voice::Silent)),
        Err(ContentRejected::Role)
    );
    assert_eq!(parsed.judge_sender(&standing(Voice::Full)), Ok(()));
}
