//! When lane keys travel: B6.5 Policy, T89 for the body.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::primitives::MlKem768Secret;
use crate::ratchet::lane::{LaneContext, LaneCounters, Offer, OwnLane, PeerLane};
use crate::ratchet::policy::{Attach, Plan, Position, Situation};
use crate::ratchet::{LaneOffer, SendOptions};
use crate::testing::at;
use crate::time::DAY_MS;

fn secret() -> MlKem768Secret {
    MlKem768Secret::from_seed(&Zeroizing::new([1; 64]))
}

fn offered() -> OwnLane {
    OwnLane::Offered { epoch: 1, offer: Arc::new(Offer::new(secret())) }
}

fn pending() -> PeerLane {
    let sid = crate::ids::SessionId::from_bytes([1; 32]);
    let context = LaneContext { sid: &sid, owner: crate::ratchet::chain::Direction::FromInitiator };
    PeerLane::answer(1, &secret().public_key(), &Zeroizing::new([2; 32]), context).unwrap()
}

const IDLE: OwnLane = OwnLane::Idle { next: 1 };
const SILENT: PeerLane = PeerLane::Idle { last: 0 };

/// A later message of `length` bytes in a session that began a second ago.
fn plan(own: &OwnLane, peer: &PeerLane, length: usize, change: impl Fn(&mut Situation<'_>)) -> Plan {
    let counters = LaneCounters { mixed_at: at(0), ..LaneCounters::default() };
    let mut situation = Situation {
        content_len: length,
        options: SendOptions::CLINICAL,
        position: Position::Later,
        own,
        peer,
        counters,
        now: at(1),
    };
    change(&mut situation);
    situation.plan()
}

fn travels(plan: Plan) -> (bool, bool, usize) {
    (plan.ek == Attach::Yes, plan.ct == Attach::Yes, plan.padded)
}

#[test]
fn offer_hides_in_the_padding_of_342_bytes_and_not_of_343() {
    assert_eq!(travels(plan(&IDLE, &SILENT, 342, |_| {})), (true, false, 1536));
    assert_eq!(travels(plan(&IDLE, &SILENT, 343, |_| {})), (false, false, 1536));
}

#[test]
fn answer_hides_in_the_padding_of_438_bytes_and_not_of_439() {
    assert_eq!(travels(plan(&IDLE, &pending(), 438, |_| {})), (false, true, 1536));
    assert_eq!(travels(plan(&IDLE, &pending(), 439, |_| {})), (false, false, 1536));
}

#[test]
fn answer_goes_first_where_only_one_is_free() {
    assert_eq!(travels(plan(&offered(), &pending(), 100, |_| {})), (false, true, 1536));
}

#[test]
fn new_answer_travels_at_any_size() {
    let asked = PeerLane::Asked { epoch: 1, ek: Arc::new(secret().public_key()) };
    assert_eq!(travels(plan(&IDLE, &asked, 1_500, |_| {})), (false, true, 2_688));
    let compact = plan(&IDLE, &asked, 10, |situation| situation.options = SendOptions::COMPACT);
    assert_eq!(travels(compact), (false, true, 1_152));
}

#[test]
fn open_keys_travel_with_the_first_message_of_a_chain() {
    let first = |situation: &mut Situation<'_>| situation.position = Position::FirstOfChain;
    let (ek, ct, _) = travels(plan(&offered(), &pending(), 1_500, first));
    assert_eq!((ek, ct), (true, true));
    assert_eq!(travels(plan(&offered(), &pending(), 1_500, |_| {})), (false, false, 1_536));
}

#[test]
fn open_keys_travel_when_eight_messages_went_without() {
    let since = |messages| {
        move |situation: &mut Situation<'_>| {
            (situation.counters.since_ek, situation.counters.since_ct) = (messages, messages);
        }
    };
    let (ek, ct, _) = travels(plan(&offered(), &pending(), 1_500, since(8)));
    assert_eq!((ek, ct), (true, true));
    let (ek, ct, _) = travels(plan(&offered(), &pending(), 1_500, since(7)));
    assert_eq!((ek, ct), (false, false));
}

#[test]
fn offer_is_due_after_50_messages_or_a_day_or_when_asked_for() {
    let compact = |situation: &mut Situation<'_>| situation.options = SendOptions::COMPACT;
    let offers = |change: &dyn Fn(&mut Situation<'_>)| {
        travels(plan(&IDLE, &SILENT, 10, |situation| {
            compact(situation);
            change(situation);
        }))
        .0
    };
    assert!(!offers(&|_| {}));
    assert!(!offers(&|situation| situation.counters.messages = 49));
    assert!(offers(&|situation| situation.counters.messages = 50));
    assert!(!offers(&|situation| situation.now = at(0).plus(DAY_MS - 1)));
    assert!(offers(&|situation| situation.now = at(0).plus(DAY_MS)));
    assert!(offers(&|situation| situation.options.offer = LaneOffer::Now));
}

#[test]
fn sender_info_is_padded_to_3072() {
    let wide = plan(&IDLE, &SILENT, 700, |situation| situation.options.minimum_body = 3_072);
    assert_eq!(travels(wide), (true, false, 3_072));
}

#[test]
fn ready_lane_and_last_epoch_offer_nothing() {
    let ready = OwnLane::Ready { epoch: 1, secret: Arc::new(crate::primitives::Secret::copy_of(&[1; 32])) };
    assert_eq!(travels(plan(&ready, &SILENT, 10, |_| {})), (false, false, 1_536));
    let last = OwnLane::Idle { next: u32::MAX };
    assert_eq!(travels(plan(&last, &SILENT, 10, |_| {})), (false, false, 1_536));
}
