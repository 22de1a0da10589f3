//! Whatever a device does and its clock says, B12.8 can store it: it loads again, and goes on as if it never had been
//! stored.

use core::fmt::Debug;

use proptest::prelude::*;

use super::super::*;
use super::stored::{SEEN, SESSIONS};
use super::stored_counts::{DAILY, HOURLY, SECOND, TALLY, TRAFFIC};
use crate::ids::SessionId;
use crate::limits::RETRY_REQUESTS_PER_DAY;
use crate::prekey::KeyId;
use crate::testing::{Stored, at};
use crate::time::{DAY_MS, HOUR_MS, Timestamp};

/// What the clock did since the step before.
#[derive(Clone, Copy, Debug)]
enum Clock {
    Went(u64),
    Fell(u64),
    Showed(u64),
}

/// What a step does; numbers choose among what there is.
#[derive(Clone, Copy, Debug)]
enum Step {
    Place { origin: Origin, generation: Height, sid: u8 },
    Confirm(usize),
    Close(usize),
    Fail(usize),
    CloseAll,
    Expire,
    Accept(AcceptedMessage),
    AcceptOnArchived(AcceptedMessage),
    Send,
    See { signed: u32, last_resort: u32 },
    ForgetSigned(u32),
    ForgetLastResort(u32),
    Count,
}

/// A generation.
#[derive(Clone, Copy, Debug)]
enum Height {
    Of(u32),
    AboveAll,
}

#[derive(Clone, PartialEq, Debug)]
struct Device {
    sessions: DeviceSessions,
    seen: SeenSet,
    daily: DailyCount,
    second: SecondRate,
    hourly: HourlyRate,
    tally: AcknowledgementTally,
    traffic: AccountTraffic,
}

impl Device {
    fn new() -> Self {
        Self {
            sessions: DeviceSessions::default(),
            seen: SeenSet::default(),
            daily: DailyCount::default(),
            second: SecondRate::default(),
            hourly: HourlyRate::default(),
            tally: AcknowledgementTally::NEW,
            traffic: AccountTraffic { contents_since_arrival: u32::MAX - 2, last_arrival: None },
        }
    }

    fn reloaded(&self) -> Self {
        fn again<T: PartialEq + Debug>(stored: &Stored<T>, state: &T) -> T {
            (stored.read)(&stored.comes_back(state)).unwrap()
        }
        Self {
            sessions: again(&SESSIONS, &self.sessions),
            seen: again(&SEEN, &self.seen),
            daily: again(&DAILY, &self.daily),
            second: again(&SECOND, &self.second),
            hourly: again(&HOURLY, &self.hourly),
            tally: again(&TALLY, &self.tally),
            traffic: again(&TRAFFIC, &self.traffic),
        }
    }

    /// Does it, and what it says of it; `placed` are the sessions of all time.
    fn step(&mut self, step: Step, placed: &mut Vec<SessionId>, now: Timestamp) -> String {
        let chosen = |number: usize| placed.get(number % placed.len().max(1)).copied().unwrap_or(sid_of(0, 0));
        match step {
            Step::Place { origin, generation, sid } => {
                let above = self.sessions.next_generation().unwrap_or(u32::MAX);
                let generation = match generation {
                    Height::Of(generation) => generation,
                    Height::AboveAll => above,
                };
                let sid = sid_of(sid, placed.len());
                let new = SessionSummary { sid, generation, origin, created_at: now };
                let placement = self.sessions.place(new, now);
                placed.push(sid);
                self.sessions = placement.next.clone();
                return format!("{placement:?}");
            }
            Step::Confirm(number) => self.sessions = self.sessions.confirmed(&chosen(number), now),
            Step::Close(number) => self.sessions = self.sessions.closed(&chosen(number)),
            Step::Fail(number) => self.sessions = self.sessions.failed(&chosen(number)),
            Step::CloseAll => self.sessions = self.sessions.all_closed(),
            Step::Expire => self.sessions = self.sessions.expired(now),
            Step::Accept(message) => {
                self.tally = self.tally.accepted(message, now);
                self.traffic = AccountTraffic { contents_since_arrival: 0, last_arrival: Some(now) };
            }
            Step::AcceptOnArchived(message) => self.tally = self.tally.archived_accepted(message, now),
            Step::Send => {
                self.tally = AcknowledgementTally::SENT;
                let sent = &mut self.traffic.contents_since_arrival;
                *sent = sent.saturating_add(1);
            }
            Step::See { signed, last_resort } => {
                let served = ServedBy { signed: KeyId(signed), last_resort: KeyId(last_resort) };
                return format!("{:?}", self.seen.insert(chosen(signed as usize), served));
            }
            Step::ForgetSigned(key) => self.seen.forget_signed(KeyId(key)),
            Step::ForgetLastResort(key) => self.seen.forget_last_resort(KeyId(key)),
            Step::Count => {
                let daily = self.daily.count(RETRY_REQUESTS_PER_DAY, now);
                let (second, hourly) = (self.second.count(now), self.hourly.count(now));
                self.daily = daily.unwrap_or(self.daily);
                self.second = second.unwrap_or(self.second);
                self.hourly = hourly.clone().unwrap_or_else(|_| self.hourly.clone());
                return format!("{daily:?} {second:?} {hourly:?}");
            }
        }
        String::new()
    }
}

/// The sid of the `number`-th session: before or after others as `first` says.
fn sid_of(first: u8, number: usize) -> SessionId {
    let mut bytes = [first; 32];
    bytes[24..].copy_from_slice(&(number as u64).to_be_bytes());
    SessionId::from_bytes(bytes)
}

fn clock() -> impl Strategy<Value = Clock> {
    prop_oneof![
        8 => (0_u64..200).prop_map(Clock::Went),
        4 => (0_u64..2 * HOUR_MS).prop_map(Clock::Went),
        2 => (0_u64..60 * DAY_MS).prop_map(Clock::Went),
        2 => (0_u64..2 * HOUR_MS).prop_map(Clock::Fell),
        1 => (0_u64..60 * DAY_MS).prop_map(Clock::Fell),
        1 => prop_oneof![Just(0), Just(1), Just(u64::MAX - 1), Just(u64::MAX), any::<u64>()].prop_map(Clock::Showed),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let height = prop_oneof![
        2 => (1_u32..5).prop_map(Height::Of),
        2 => Just(Height::AboveAll),
        1 => prop_oneof![Just(u32::MAX - 1), Just(u32::MAX)].prop_map(Height::Of),
    ];
    let message = prop_oneof![
        4 => Just(AcceptedMessage::Content),
        4 => Just(AcceptedMessage::Receipt),
        1 => Just(AcceptedMessage::Nothing),
    ];
    let origin = prop_oneof![Just(Origin::Theirs), Just(Origin::Ours { confirmed_at: None })];
    let place = (origin, height, 0_u8..4).prop_map(|(origin, generation, sid)| Step::Place { origin, generation, sid });
    let key = prop_oneof![8 => 0_u32..4, 1 => Just(u32::MAX)];
    prop_oneof![
        8 => place,
        3 => any::<usize>().prop_map(Step::Confirm),
        2 => any::<usize>().prop_map(Step::Close),
        2 => any::<usize>().prop_map(Step::Fail),
        1 => Just(Step::CloseAll),
        2 => Just(Step::Expire),
        12 => message.clone().prop_map(Step::Accept),
        2 => message.prop_map(Step::AcceptOnArchived),
        1 => Just(Step::Send),
        3 => (key.clone(), key.clone()).prop_map(|(signed, last_resort)| Step::See { signed, last_resort }),
        1 => key.clone().prop_map(Step::ForgetSigned),
        1 => key.prop_map(Step::ForgetLastResort),
        12 => Just(Step::Count),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// One device is stored and loaded after each step, the other never.
    #[test]
    fn what_was_loaded_after_each_step_does_what_was_never_stored(
        steps in proptest::collection::vec((clock(), step()), 1..100),
    ) {
        let mut now = at(0);
        let (mut stored, mut kept) = (Device::new(), Device::new());
        let mut placed = (Vec::new(), Vec::new());
        for (clock, step) in steps {
            now = match clock {
                Clock::Went(ms) => now.plus(ms),
                Clock::Fell(ms) => now.minus(ms),
                Clock::Showed(ms) => Timestamp::from_millis(ms),
            };
            let says = kept.step(step, &mut placed.0, now);
            prop_assert_eq!(stored.step(step, &mut placed.1, now), says);
            stored = stored.reloaded();
            prop_assert_eq!(&stored, &kept);
        }
    }
}
