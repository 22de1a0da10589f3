//! What is kept of placement: `docs/protocol.md` B12.8.

use carevow_core::limits::RETRY_REQUESTS_PER_DAY;
use carevow_core::placement::{
    AcceptedMessage, AccountTraffic, AcknowledgementTally, DailyCount, DeviceSessions, HourlyRate, Origin, SecondRate,
    SeenSet, ServedBy, SessionSummary,
};
use carevow_core::prekey::KeyId;
use carevow_core::{SessionId, Timestamp};

use crate::input::{Input, part};
use crate::world::NOW;
use crate::{Depth, Seed, Target};

/// One of the seven states, and then what a device does.
pub const STATE: Target = Target {
    name: "placement_state",
    run: state,
    deepest: 3,
    success: "loaded, written again as the same bytes, used, and loaded again after each step",
    seeds: || {
        let steps: Vec<u8> = (0..48).flat_map(|step: u8| [step % 8, step, 0, 0, step.wrapping_mul(37)]).collect();
        let with = |kind: u8, state: &[u8]| [&[kind], part(state).as_slice(), &steps].concat();
        let sessions = (0..5).fold(DeviceSessions::default(), |sessions, number| {
            let origin = if number % 2 == 0 { Origin::Ours { confirmed_at: None } } else { Origin::Theirs };
            sessions.place(summary(number, u32::from(number) + 1, origin, NOW), NOW).next
        });
        let low = sessions.place(summary(9, 1, Origin::Theirs, NOW), NOW).next;
        let mut seen = SeenSet::default();
        (0..9).for_each(|number| seen.insert(sid(number), served(number)).expect("room for nine"));
        let content = AcknowledgementTally::NEW.accepted(AcceptedMessage::Content, NOW);
        let traffic = AccountTraffic { contents_since_arrival: 2, last_arrival: Some(NOW) };
        vec![
            Seed::new("no-sessions", 3, with(0, &DeviceSessions::default().to_bytes())),
            Seed::new("sessions", 3, with(0, &sessions.to_bytes())),
            Seed::new("every-place", 3, with(0, &low.to_bytes())),
            Seed::new("seen", 3, with(1, &seen.to_bytes())),
            Seed::new("day", 3, with(2, &DailyCount::default().to_bytes())),
            Seed::new("second", 3, with(3, &SecondRate::default().to_bytes())),
            Seed::new("hour", 3, with(4, &HourlyRate::default().to_bytes())),
            Seed::new("acknowledgement", 3, with(5, &content.to_bytes())),
            Seed::new("traffic", 3, with(6, &traffic.to_bytes())),
            Seed::new("cut", 0, with(0, &sessions.to_bytes()[..90])),
            Seed::new("other-kind", 0, with(1, &sessions.to_bytes())),
        ]
    },
};

/// Stands in no seed's state, but in the sids of the sessions that the target makes.
const OURS: [u8; 16] = *b"made by a target";

fn sid(number: u8) -> SessionId {
    SessionId::from_bytes([number; 32])
}

fn served(number: u8) -> ServedBy {
    ServedBy { signed: KeyId(u32::from(number % 4)), last_resort: KeyId(u32::from(number % 3)) }
}

fn summary(number: u8, generation: u32, origin: Origin, now: Timestamp) -> SessionSummary {
    SessionSummary { sid: sid(number), generation, origin, created_at: now }
}

/// `u8 what || u32 when || ..`: a step of a device whose clock jumps.
struct Step {
    what: u8,
    number: u8,
    now: Timestamp,
}

impl Step {
    fn read(input: &mut Input<'_>, before: Timestamp) -> Self {
        let (what, number, ms) = (input.byte(), input.byte(), input.number(3) as u64);
        let now = match what >> 6 {
            0 => before.plus(ms),
            1 => before.minus(ms.saturating_mul(1_000)),
            2 => before.plus(ms.saturating_mul(1_000)),
            _ => Timestamp::from_millis(ms),
        };
        Self { what: what & 7, number, now }
    }
}

fn state(data: &[u8]) -> Depth {
    let mut input = Input::new(data);
    let (kind, state) = (input.byte() % 7, input.part());
    if state.windows(OURS.len()).any(|window| window == OURS) {
        return 0;
    }
    match kind {
        0 => used(&mut input, state, DeviceSessions::from_bytes, DeviceSessions::to_bytes, place),
        1 => used(&mut input, state, SeenSet::from_bytes, SeenSet::to_bytes, see),
        2 => used(
            &mut input,
            state,
            |bytes| DailyCount::from_bytes(bytes, RETRY_REQUESTS_PER_DAY),
            DailyCount::to_bytes,
            |day, step| day.count(RETRY_REQUESTS_PER_DAY, step.now).unwrap_or(*day),
        ),
        3 => used(&mut input, state, SecondRate::from_bytes, SecondRate::to_bytes, |rate, step| {
            rate.count(step.now).unwrap_or(*rate)
        }),
        4 => used(&mut input, state, HourlyRate::from_bytes, HourlyRate::to_bytes, |rate, step| {
            rate.count(step.now).unwrap_or_else(|_| rate.clone())
        }),
        5 => used(&mut input, state, AcknowledgementTally::from_bytes, AcknowledgementTally::to_bytes, acknowledge),
        _ => used(&mut input, state, AccountTraffic::from_bytes, AccountTraffic::to_bytes, |traffic, step| {
            AccountTraffic {
                contents_since_arrival: traffic.contents_since_arrival.saturating_add(u32::from(step.number)),
                last_arrival: if step.what < 4 { traffic.last_arrival } else { Some(step.now) },
            }
        }),
    }
}

/// What loads is written again as the same bytes; and whatever a device does with it can be stored again.
fn used<S: PartialEq, E>(
    input: &mut Input<'_>,
    bytes: &[u8],
    read: impl Fn(&[u8]) -> Result<S, E>,
    write: impl Fn(&S) -> Vec<u8>,
    step: impl Fn(&S, &Step) -> S,
) -> Depth {
    let Ok(mut state) = read(bytes) else { return 0 };
    assert_eq!(write(&state), bytes, "a state has one encoding");
    let mut now = NOW;
    for number in 0_u8..64 {
        if input.is_empty() {
            return if number == 0 { 2 } else { 3 };
        }
        let next = Step::read(input, now);
        now = next.now;
        state = step(&state, &next);
        let stored = write(&state);
        let loaded = read(&stored).unwrap_or_else(|_| panic!("what a device came to does not load"));
        assert!(loaded == state, "what was loaded is not what was stored");
    }
    3
}

fn place(sessions: &DeviceSessions, step: &Step) -> DeviceSessions {
    let of_state = |number: u8| {
        let placed: Vec<_> = sessions.archived().map(|old| old.session.sid).collect();
        let all: Vec<_> = placed.into_iter().chain(sessions.active().map(|active| active.sid)).collect();
        all.get(usize::from(number) % all.len().max(1)).copied().unwrap_or(sid(number))
    };
    match step.what {
        0..=2 => {
            let time = step.now.as_millis().to_be_bytes();
            let bytes = [OURS.as_slice(), &[step.number; 8], &time].concat();
            let new = SessionId::from_slice(&bytes).expect("32 bytes");
            // Closed ones included.
            let known = sessions.to_bytes().windows(bytes.len()).any(|window| window == bytes);
            let (origin, generation) = match step.what {
                0 => (Origin::Ours { confirmed_at: None }, sessions.next_generation()),
                _ => (Origin::Theirs, Some(u32::from(step.number) + 1)),
            };
            let Some(generation) = generation else { return sessions.clone() };
            if known || sessions.admit_generation(generation).is_err() {
                return sessions.clone();
            }
            let made = SessionSummary { sid: new, generation, origin, created_at: step.now };
            sessions.place(made, step.now).next
        }
        3 => sessions.confirmed(&of_state(step.number), step.now),
        4 => sessions.closed(&of_state(step.number)),
        5 => sessions.failed(&of_state(step.number)),
        6 => sessions.expired(step.now),
        _ => sessions
            .opened(&of_state(step.number), step.now)
            .map_or_else(|| sessions.all_closed(), |_| sessions.clone()),
    }
}

fn see(seen: &SeenSet, step: &Step) -> SeenSet {
    let mut next = seen.clone();
    match step.what {
        0..=4 => {
            // A sid that is there, or a full set, changes nothing.
            let _ = next.insert(sid(step.number), served(step.number));
        }
        5 => next.forget_signed(KeyId(u32::from(step.number))),
        _ => next.forget_last_resort(KeyId(u32::from(step.number))),
    }
    next
}

fn acknowledge(tally: &AcknowledgementTally, step: &Step) -> AcknowledgementTally {
    let message = match step.number % 3 {
        0 => AcceptedMessage::Content,
        1 => AcceptedMessage::Receipt,
        _ => AcceptedMessage::Nothing,
    };
    match step.what {
        0 => AcknowledgementTally::SENT,
        1 => tally.archived_accepted(message, step.now),
        _ => tally.accepted(message, step.now),
    }
}
