use super::*;
use crate::identity::DeviceKind;
use crate::ids::DeviceId;
use crate::random::RandomError;
use crate::testing::{Broken, address, at, rng};
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS};

fn delay(window: Window) -> Delay {
    window.draw(&mut rng(1)).unwrap()
}

#[test]
fn delays_lie_in_their_windows_and_a_failing_source_gives_none() {
    for (window, from, to) in [
        (Window::RECEIPT, 1_000, 30_000),
        (Window::RECEIPT_FALLBACK, 15 * MINUTE_MS, 30 * MINUTE_MS),
        (Window::ACKNOWLEDGEMENT, 0, 6 * HOUR_MS),
        (Window::REPLY, 5_000, 60_000),
    ] {
        let drawn: Vec<u64> =
            (0..200).map(|seed| window.draw(&mut rng(seed)).unwrap().after(at(0)).since(at(0))).collect();
        assert!(drawn.iter().all(|ms| (from..=to).contains(ms)));
        assert!(drawn.iter().max().unwrap() - drawn.iter().min().unwrap() > (to - from) / 2);
        assert_eq!(window.draw(&mut Broken), Err(RandomError));
    }
}

const ACTIVE: SessionTraffic =
    SessionTraffic { messages_since_arrival: 0, last_arrival: at(0), archived: ArchivedArrival::Absent };

fn account_traffic(contents: u32) -> AccountTraffic {
    AccountTraffic { contents_since_arrival: contents, last_arrival: Some(at(0)) }
}

#[test]
fn sealed_when_the_peer_may_have_lost_its_state() {
    use EnvelopeForm::{Sealed, Session, Wait};
    let form = |outgoing, account: AccountTraffic, session, now| {
        envelope_form(outgoing, &account, &session, EnvRecord::Valid, now)
    };
    let content = |contents, session, now| form(Outgoing::Content, account_traffic(contents), session, now);
    assert_eq!(form(Outgoing::Init, account_traffic(0), ACTIVE, at(1)), Sealed);
    assert_eq!(content(1, ACTIVE, at(1)), Session, "control: the second content");
    assert_eq!(content(2, ACTIVE, at(1)), Sealed, "the third");
    assert_eq!(content(0, ACTIVE, at(0).plus(DAY_MS).minus(1)), Session, "control");
    assert_eq!(content(0, ACTIVE, at(0).plus(DAY_MS)), Sealed, "24 h of silence");
    let never = AccountTraffic { last_arrival: None, ..account_traffic(0) };
    assert_eq!(form(Outgoing::Content, never, ACTIVE, at(1)), Sealed);
    // What has no content looks at the session alone.
    let empty = |session, now| form(Outgoing::Empty, account_traffic(9), session, now);
    assert_eq!(empty(ACTIVE, at(0).plus(2 * DAY_MS).minus(1)), Session, "control");
    assert_eq!(empty(ACTIVE, at(0).plus(2 * DAY_MS)), Sealed, "48 h");
    let messages = |n| SessionTraffic { messages_since_arrival: n, ..ACTIVE };
    assert_eq!(empty(messages(19), at(1)), Session, "control");
    assert_eq!(empty(messages(20), at(1)), Sealed, "20 messages");
    let stale = SessionTraffic { archived: ArchivedArrival::Accepted, ..ACTIVE };
    assert_eq!(empty(stale, at(1)), Sealed, "the peer still uses an archived one");
    // Without an ENV record a message goes as it is, and an INIT waits.
    let without = |outgoing| envelope_form(outgoing, &account_traffic(2), &ACTIVE, EnvRecord::Unavailable, at(1));
    assert_eq!((without(Outgoing::Content), without(Outgoing::Init)), (Session, Wait));
}

fn acknowledged(tally: &AcknowledgementTally) -> Option<Acknowledgement> {
    tally.acknowledgement(Conversation::Established, delay(Window::ACKNOWLEDGEMENT), SenderInfoDue::NotDue)
}

#[test]
fn t113_device_that_never_writes_confirms_and_heals() {
    use AcceptedMessage::{Content, Receipt};
    let first = AcknowledgementTally::NEW.accepted(Content, at(0));
    assert_eq!(first.due_since(), Some(at(0)), "it has never sent on this session");
    let Some(Acknowledgement::Empty(when)) = acknowledged(&first) else { panic!() };
    assert!(when.since(at(0)) <= 6 * HOUR_MS);
    assert_eq!(AcknowledgementTally::NEW.accepted(Receipt, at(0)).due_since(), Some(at(0)));

    let twenty = |n: u64| (1..=n).fold(AcknowledgementTally::SENT, |tally, s| tally.accepted(Content, at(s)));
    assert_eq!(twenty(19).due_since(), Some(at(1).plus(16 * HOUR_MS)), "16 h after the first");
    assert_eq!(twenty(20).due_since(), Some(at(20)), "at the 20th");
    let receipts = (1..=20).fold(AcknowledgementTally::SENT, |tally, s| tally.accepted(Receipt, at(s)));
    assert_eq!(receipts.due_since(), Some(at(20)), "receipts count towards the 20");
    let receipt = AcknowledgementTally::SENT.accepted(Receipt, at(1));
    assert_eq!(receipt.due_since(), None, "and do nothing alone");
    let stale = AcknowledgementTally::SENT.archived_accepted(Content, at(3));
    assert_eq!(stale.due_since(), Some(at(3)), "a message on an archived session");
}

#[test]
fn t113_nothing_is_acknowledged_that_must_not_be() {
    use AcceptedMessage::{Content, Nothing};
    let nothing = (0..100).fold(AcknowledgementTally::NEW, |tally, s| tally.accepted(Nothing, at(s)));
    assert_eq!(acknowledged(&nothing), None, "duplicates, failures, empty messages, SenderInfo");
    assert_eq!(acknowledged(&AcknowledgementTally::SENT.archived_accepted(Nothing, at(1))), None);
    let first = AcknowledgementTally::NEW.accepted(Content, at(0));
    let drawn = delay(Window::ACKNOWLEDGEMENT);
    let request = first.acknowledgement(Conversation::ContactRequest, drawn, SenderInfoDue::NotDue);
    assert_eq!(request, None, "contact request");
    let instead = first.acknowledgement(Conversation::Established, drawn, SenderInfoDue::Due);
    assert_eq!(instead, Some(Acknowledgement::SenderInfo(drawn.after(at(0)))));
    assert!(acknowledged(&first).is_some(), "control");
    assert_eq!(acknowledged(&AcknowledgementTally::SENT), None, "never a second without a further message");
}

/// Two devices that only acknowledge: each message sets off at most one, and that one nothing.
#[test]
fn t113_acknowledgements_do_not_loop() {
    let mut tallies = [AcknowledgementTally::NEW, AcknowledgementTally::SENT];
    tallies[0] = tallies[0].accepted(AcceptedMessage::Content, at(0));
    let mut sent = 0;
    for round in 0..100 {
        let side = round % 2;
        if acknowledged(&tallies[side]).is_some() {
            sent += 1;
            tallies[side] = AcknowledgementTally::SENT;
            // content_len 0 arrives at the other side.
            tallies[1 - side] = tallies[1 - side].accepted(AcceptedMessage::Nothing, at(1));
        }
    }
    assert_eq!(sent, 1);
}

fn resend(change: impl Fn(&mut ResendFacts<'_>)) -> Result<(), ResendRefused> {
    let addressed = [address(0xb0, 1, 10), address(0xb0, 2, 20)];
    let mut facts = ResendFacts {
        trigger: ResendTrigger::RetryRequest,
        addressed: &addressed,
        device: addressed[0],
        listed: Some(addressed[0].reg),
        aik: AikStanding::Same,
        conversation: Ok(()),
        attempts: 2,
    };
    change(&mut facts);
    may_resend(&facts)
}

#[test]
fn t113_resend_only_to_who_was_addressed_and_still_may_have_it() {
    assert_eq!(resend(|facts| facts.device = address(0xb0, 3, 10)), Err(ResendRefused::NotAddressed), "linked later");
    assert_eq!(resend(|facts| facts.device = address(0xb1, 1, 10)), Err(ResendRefused::NotAddressed));
    assert_eq!(resend(|facts| facts.device = address(0xb0, 1, 11)), Err(ResendRefused::NotListed), "wrong reg_nonce");
    assert_eq!(resend(|facts| facts.listed = None), Err(ResendRefused::NotListed));
    assert_eq!(resend(|facts| facts.attempts = 3), Err(ResendRefused::TooOften), "4th attempt");
    assert_eq!(resend(|facts| facts.aik = AikStanding::Unacknowledged), Err(ResendRefused::IdentityChanged));
    for refused in [ResendRefused::NotMember, ResendRefused::Erased, ResendRefused::ConsentWithdrawn] {
        assert_eq!(resend(|facts| facts.conversation = Err(refused)), Err(refused));
    }
    assert_eq!(resend(|_| {}), Ok(()), "control");
    for aik in [AikStanding::Successor, AikStanding::Acknowledged] {
        assert_eq!(resend(|facts| facts.aik = aik), Ok(()), "control");
    }
    let again = |facts: &mut ResendFacts<'_>| {
        facts.trigger = ResendTrigger::NewRegistration;
        facts.device = address(0xb0, 1, 11);
        facts.listed = Some(facts.device.reg);
    };
    assert_eq!(resend(again), Ok(()), "control: registered anew");
    assert_eq!(
        resend(|facts| facts.trigger = ResendTrigger::NewRegistration),
        Err(ResendRefused::NotAddressed),
        "nothing is new"
    );
}

fn failure() -> AuthenticatedFailure {
    AuthenticatedFailure {
        cause: FailureCause::Inner,
        envelope: EnvelopeSeen::New,
        sender: SenderStanding::Pinned,
        valid_from: at(0),
        valid_until: at(0).plus(DAY_MS),
    }
}

fn retry(failure: AuthenticatedFailure, now: Timestamp) -> Option<Timestamp> {
    retry_request(&failure, &DailyCount::default(), delay(Window::REPLY), now).map(|(when, _)| when)
}

#[test]
fn t137_replayed_envelope_triggers_nothing() {
    assert_eq!(retry(AuthenticatedFailure { envelope: EnvelopeSeen::Known, ..failure() }, at(1)), None);
    // After 48 h the id is forgotten, and the certificate has run out at the local clock, whatever the server says.
    assert_eq!(retry(failure(), at(0).plus(DAY_MS)), None);
    assert_eq!(retry(failure(), at(0).minus(1)), None, "a certificate from the future");
    assert!(retry(failure(), at(0).plus(DAY_MS).minus(1)).is_some(), "control");
}

#[test]
fn t138_authenticated_failure_sends_one_request_after_5_to_60_seconds() {
    let when = retry(failure(), at(100)).unwrap();
    assert!((5_000..=60_000).contains(&when.since(at(100))));
    assert_eq!(retry(AuthenticatedFailure { cause: FailureCause::Other, ..failure() }, at(100)), None);
    assert_eq!(retry(AuthenticatedFailure { sender: SenderStanding::Stranger, ..failure() }, at(100)), None);
}

#[test]
fn t114_three_retry_requests_a_day() {
    let mut today = DailyCount::default();
    for second in 1..=3 {
        today = retry_request(&failure(), &today, delay(Window::REPLY), at(second)).unwrap().1;
    }
    assert!(retry_request(&failure(), &today, delay(Window::REPLY), at(4)).is_none());
    let tomorrow = AuthenticatedFailure { valid_until: at(0).plus(3 * DAY_MS), ..failure() };
    assert!(retry_request(&tomorrow, &today, delay(Window::REPLY), at(0).plus(DAY_MS)).is_some(), "control");
}

#[test]
fn new_sids_are_10_a_second_and_30_an_hour() {
    let mut second = SecondRate::default();
    let mut hour = HourlyRate::default();
    for n in 0..30 {
        second = second.count(at(n / 10)).unwrap();
        hour = hour.count(at(n)).unwrap();
    }
    assert_eq!(second.count(at(2)), Err(RateExceeded { until: at(3) }));
    assert!(second.count(at(3)).is_ok());
    assert_eq!(hour.count(at(30)), Err(RateExceeded { until: at(0).plus(HOUR_MS) }));
    assert_eq!(hour.count(at(0).minus(HOUR_MS / 2)), Err(RateExceeded { until: at(0).plus(HOUR_MS) }), "set back");
    assert!(hour.count(at(0).plus(HOUR_MS)).is_ok());
}

#[test]
fn a_clock_that_was_wrong_once_blocks_nothing_afterwards() {
    let wrong = at(0).plus(3_650 * DAY_MS);
    let (mut second, mut hour, mut day) = (SecondRate::default(), HourlyRate::default(), DailyCount::default());
    for _ in 0..10 {
        second = second.count(wrong).unwrap();
    }
    for _ in 0..30 {
        hour = hour.count(wrong).unwrap();
    }
    for _ in 0..3 {
        day = day.count(3, wrong).unwrap();
    }
    let full = (second.count(wrong).is_err(), hour.count(wrong).is_err(), day.count(3, wrong).is_err());
    assert_eq!(full, (true, true, true), "control");
    // The clock is right again, and the limits hold as from the beginning.
    for n in 0..10 {
        second = second.count(at(n / 10)).unwrap();
    }
    for n in 0..30 {
        hour = hour.count(at(n)).unwrap();
    }
    for n in 0..3 {
        day = day.count(3, at(n)).unwrap();
    }
    assert_eq!(second.count(at(0)), Err(RateExceeded { until: at(1) }));
    assert_eq!(hour.count(at(30)), Err(RateExceeded { until: at(0).plus(HOUR_MS) }));
    assert_eq!(day.count(3, at(4)), Err(RateExceeded { until: at(0).plus(DAY_MS) }));
}

#[test]
fn t090_receipt_comes_from_the_lowest_device_and_from_others_only_if_it_is_silent() {
    let id = |n| DeviceId::new(n).unwrap();
    let devices = [
        (id(1), DeviceKind::Archive),
        (id(2), DeviceKind::Mobile),
        (id(3), DeviceKind::Desktop),
        (id(4), DeviceKind::Archive),
    ];
    let delays = ReceiptDelays { answering: delay(Window::RECEIPT), fallback: delay(Window::RECEIPT_FALLBACK) };
    let decide = |occurrence, conversation, me| receipt(occurrence, conversation, id(me), &devices, &delays, at(0));
    let new = |me| decide(Occurrence::New, Conversation::Established, me);
    let (soon, late) = (delays.answering.after(at(0)), delays.fallback.after(at(0)));
    assert_eq!(new(2), ReceiptDecision::At(soon));
    assert_eq!(new(3), ReceiptDecision::UnlessSynced(late));
    assert_eq!(new(1), ReceiptDecision::At(soon), "archives among themselves");
    assert_eq!(new(4), ReceiptDecision::UnlessSynced(late));
    assert!((1_000..=30_000).contains(&soon.since(at(0))));
    assert!((15 * MINUTE_MS..=30 * MINUTE_MS).contains(&late.since(at(0))));
    assert_eq!(decide(Occurrence::Nothing, Conversation::Established, 2), ReceiptDecision::Never);
    assert_eq!(decide(Occurrence::New, Conversation::ContactRequest, 2), ReceiptDecision::Never);
    let resent = |last| decide(Occurrence::Resent(last), Conversation::Established, 2);
    assert_eq!(resent(Some(at(0).minus(DAY_MS - 1))), ReceiptDecision::Never, "once a day");
    assert_eq!(resent(Some(at(0).minus(DAY_MS))), ReceiptDecision::At(soon));
    assert_eq!(resent(None), ReceiptDecision::At(soon));
}
