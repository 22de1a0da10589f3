use super::*;
use crate::limits::CHAIN_MESSAGES;
use crate::testing::at;
use crate::time::DAY_MS;

fn decide(session: SessionSummary, chain: SendingChain, now: Timestamp) -> SendDecision {
    before_send(&session, &chain, InitAik::Current, now)
}

#[test]
fn t061_full_chain_refuses_and_demands_a_refresh() {
    let chain = |n| SendingChain { n, ..SendingChain::default() };
    let refused = decide(theirs(1, 1, at(0)), chain(CHAIN_MESSAGES), at(1));
    assert_eq!(refused, SendDecision::Refuse(RefreshReason::ChainFull));
    assert_eq!(refused.without_bundle(at(1)), AfterFailedFetch::Wait(at(1).plus(DAY_MS)), "it never goes on");
    assert_eq!(decide(theirs(1, 1, at(0)), chain(u32::MAX), at(1)), refused);
    assert_eq!(decide(theirs(1, 1, at(0)), chain(CHAIN_MESSAGES - 1), at(1)), SendDecision::Send, "control");
}

#[test]
fn t062_unanswered_messages_or_days_demand_a_refresh() {
    let chain = |unanswered| SendingChain { n: unanswered, unanswered, unanswered_since: Some(at(0)) };
    let refresh = SendDecision::RefreshFirst(RefreshReason::Unanswered);
    assert_eq!(decide(theirs(1, 1, at(0)), chain(1_000), at(1)), refresh, "the 1 001st");
    assert_eq!(decide(theirs(1, 1, at(0)), chain(999), at(1)), SendDecision::Send, "control");
    assert_eq!(decide(theirs(1, 1, at(0)), chain(1), at(0).plus(7 * DAY_MS)), refresh);
    let almost = at(0).plus(7 * DAY_MS).minus(1);
    assert_eq!(decide(theirs(1, 1, at(0)), chain(1), almost), SendDecision::Send, "control");
    let answered = SendingChain::default();
    assert_eq!(decide(theirs(1, 1, at(0)), answered, at(0).plus(90 * DAY_MS)), SendDecision::Send, "control");
}

#[test]
fn t062_unanswered_messages_on_a_session_that_nobody_confirmed_demand_none() {
    let chain = SendingChain { n: 1_000, unanswered: 1_000, unanswered_since: Some(at(0)) };
    let (init, old) = (ours(1, 1, at(0)), at(0).plus(14 * DAY_MS));
    assert_eq!(decide(init, chain, at(1)), SendDecision::Send);
    assert_eq!(decide(init, chain, old), SendDecision::Send);
    assert_eq!(decide(init, chain, old.plus(1)), SendDecision::RefreshFirst(RefreshReason::UnconfirmedTooOld));
    let confirmed = SessionSummary { origin: Origin::Ours { confirmed_at: Some(at(1)) }, ..init };
    assert_eq!(decide(confirmed, chain, at(2)), SendDecision::RefreshFirst(RefreshReason::Unanswered), "control");
}

#[test]
fn t062_without_a_bundle_it_goes_on_and_tries_again_daily() {
    let refresh = SendDecision::RefreshFirst(RefreshReason::Unanswered);
    assert_eq!(refresh.without_bundle(at(5)), AfterFailedFetch::GoOn(at(5).plus(DAY_MS)));
}

#[test]
fn unconfirmed_init_is_refreshed_after_14_days_or_when_its_key_was_rotated() {
    let (init, chain) = (ours(1, 1, at(0)), SendingChain { unanswered_since: Some(at(0)), unanswered: 1, n: 1 });
    let old = at(0).plus(14 * DAY_MS);
    assert_eq!(decide(init, chain, old), SendDecision::Send);
    assert_eq!(decide(init, chain, old.plus(1)), SendDecision::RefreshFirst(RefreshReason::UnconfirmedTooOld));
    assert_eq!(
        before_send(&init, &chain, InitAik::Rotated, at(1)),
        SendDecision::RefreshFirst(RefreshReason::RotatedAik)
    );
    let confirmed = SessionSummary { origin: Origin::Ours { confirmed_at: Some(at(2)) }, ..init };
    assert_eq!(before_send(&confirmed, &SendingChain::default(), InitAik::Rotated, old.plus(1)), SendDecision::Send);
}
