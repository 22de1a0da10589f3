//! What is kept of placement: `docs/protocol.md` B12.8.

use prost::Message;

use super::area::Area;
use super::node::{Fields, Node, fields};
use super::script::seed;
use crate::at_rest::AtRestError;
use crate::ids::SessionId;
use crate::limits::RETRY_REQUESTS_PER_DAY;
use crate::placement::{
    AcceptedMessage, AccountTraffic, AcknowledgementTally, DailyCount, DeviceSessions, HourlyRate, Origin, SecondRate,
    SeenSet, ServedBy, SessionSummary,
};
use crate::prekey::KeyId;
use crate::testing::at;
use crate::time::{HOUR_MS, Timestamp};
use crate::wire::v1;

/// A state: its kind, its name, its bytes.
type State = (&'static str, &'static str, Vec<u8>);

pub(super) fn area() -> Area {
    let mut area = Area::new("placement");
    let states = states();
    for (kind, name, state) in &states {
        let input = described(kind, state);
        area.gives(format!("at rest: {kind}, {name}"), "Format 1.", input, fields! { "state" => state });
    }
    let mut load = |kind: &str, name: &str, state: &[u8]| {
        let input = fields! { "kind" => kind, "state" => state };
        area.judged(format!("loaded: {kind}, {name}"), "", input, read(kind, state).map(|()| fields! {}));
    };
    for (kind, name, state) in &states {
        load(kind, &format!("{name} good"), state);
    }
    let find = |kind: &str, name: &str| {
        states.iter().find(|state| (state.0, state.1) == (kind, name)).map(|(.., state)| state.clone()).unwrap()
    };
    for (kind, name) in ONE_OF_EACH {
        let whole = find(kind, name);
        let (start, end) = (&whole[2..], &whole[..whole.len() - 2]);
        load(kind, "format 2", &[&[0x08, 2], start].concat());
        load(kind, "no format", start);
        load(kind, "format in two bytes", &[&[0x08, 0x81, 0x00], start].concat());
        load(kind, "cut off before its last field", end);
        load(kind, "cut off in its last field", &whole[..whole.len() - 1]);
        load(kind, "not complete", &[end, &[0x78, 2]].concat());
        load(kind, "twice complete", &[whole.as_slice(), &[0x78, 1]].concat());
        load(kind, "unknown field", &[whole.as_slice(), &[0x80, 0x01, 1]].concat());
    }
    sessions(&mut load, &find("sessions", "every place taken"), &find("sessions", "without an active one"));
    seen(&mut load, &find("seen", "four"));
    counts(&mut load);
    acknowledgements(&mut load, find);
    let unknown = |state: &mut v1::AccountTrafficState| state.arrived_at_ms = 1;
    load("traffic", "a time at which nothing arrived", &edited(&find("traffic", "first contact"), unknown));
    area
}

/// The kinds, each with the state that is spoilt.
const ONE_OF_EACH: [(&str, &str); 7] = [
    ("sessions", "every place taken"),
    ("seen", "four"),
    ("day", "full"),
    ("second", "full"),
    ("hour", "with a clock that went back"),
    ("acknowledgement", "first of all"),
    ("traffic", "two unanswered"),
];

fn read(kind: &str, state: &[u8]) -> Result<(), AtRestError> {
    match kind {
        "sessions" => DeviceSessions::from_bytes(state).map(drop),
        "seen" => SeenSet::from_bytes(state).map(drop),
        "day" => DailyCount::from_bytes(state, RETRY_REQUESTS_PER_DAY).map(|_| ()),
        "second" => SecondRate::from_bytes(state).map(|_| ()),
        "hour" => HourlyRate::from_bytes(state).map(drop),
        "acknowledgement" => AcknowledgementTally::from_bytes(state).map(|_| ()),
        "traffic" => AccountTraffic::from_bytes(state).map(|_| ()),
        _ => unreachable!("seven kinds"),
    }
}

fn sid(name: &str) -> SessionId {
    SessionId::from_bytes(*seed(name))
}

fn states() -> Vec<State> {
    let init = |name, generation, origin, second| SessionSummary {
        sid: sid(name),
        generation,
        origin,
        created_at: at(second),
    };
    let ours = |name, generation, second| init(name, generation, Origin::Ours { confirmed_at: None }, second);
    let theirs = |name, generation, second| init(name, generation, Origin::Theirs, second);
    let placed = |sessions: &[SessionSummary]| {
        sessions.iter().fold(DeviceSessions::default(), |all, new| all.place(*new, new.created_at).next)
    };
    let three = [ours("sid 1", 1, 0), ours("sid 2", 2, 60), theirs("sid 3", 3, 120), theirs("sid 4", 70, 180)];
    let full = placed(&three).confirmed(&sid("sid 1"), at(30)).place(theirs("sid 5", 2, 240), at(241)).next;
    let at_zero = SessionSummary { created_at: Timestamp::default(), ..ours("sid 1", u32::MAX, 0) };
    let at_zero = DeviceSessions::default().place(at_zero, Timestamp::default()).next;
    let sessions = [
        ("none", DeviceSessions::default()),
        ("our INIT, unconfirmed", placed(&three[..1])),
        ("our INIT, confirmed", placed(&three[..1]).confirmed(&sid("sid 1"), at(30))),
        ("theirs", placed(&three[3..])),
        ("ours, that came too low", placed(&three[3..]).place(ours("sid 5", 7, 240), at(240)).next),
        ("without an active one", full.closed(&sid("sid 4"))),
        ("all closed", full.all_closed()),
        ("the highest generation, confirmed by a clock at 0", at_zero.confirmed(&sid("sid 1"), Timestamp::default())),
        ("every place taken", full),
    ];
    let mut states: Vec<State> =
        sessions.iter().map(|(name, sessions)| ("sessions", *name, sessions.to_bytes())).collect();

    let mut seen = SeenSet::default();
    states.push(("seen", "none", seen.to_bytes()));
    for (name, signed, last_resort) in [("sid 1", 1, 2), ("sid 2", 0, 0), ("sid 3", u32::MAX, 1), ("sid 4", 1, 1)] {
        seen.insert(sid(name), ServedBy { signed: KeyId(signed), last_resort: KeyId(last_resort) }).unwrap();
    }
    states.push(("seen", "four", seen.to_bytes()));

    let day =
        |count| (0..count).fold(DailyCount::default(), |day, n| day.count(RETRY_REQUESTS_PER_DAY, at(n)).unwrap());
    let second = |count| (0..count).fold(SecondRate::default(), |rate, _| rate.count(at(0)).unwrap());
    let hour = |minutes: &[u64]| minutes.iter().fold(HourlyRate::default(), |rate, n| rate.count(at(60 * n)).unwrap());
    states.extend([("never", 0), ("once", 1), ("full", 3)].map(|(name, count)| ("day", name, day(count).to_bytes())));
    states.extend([("never", 0), ("once", 1), ("full", 10)].map(|(name, n)| ("second", name, second(n).to_bytes())));
    states.push(("hour", "never", hour(&[]).to_bytes()));
    states.push(("hour", "with a clock that went back", hour(&[60, 61, 3, 62]).to_bytes()));
    states.push(("hour", "full", hour(&[7; 30]).to_bytes()));

    let (new, sent) = (AcknowledgementTally::NEW, AcknowledgementTally::SENT);
    let twenty = (0..20).fold(sent, |tally, second| tally.accepted(AcceptedMessage::Receipt, at(second)));
    let tallies = [
        ("accepted from the other side", new),
        ("sent on", sent),
        ("first of all", new.accepted(AcceptedMessage::Content, at(0))),
        ("first of all, a receipt, by a clock at 0", new.accepted(AcceptedMessage::Receipt, Timestamp::default())),
        ("one that waits 16 h", sent.accepted(AcceptedMessage::Content, at(0))),
        ("twenty receipts", twenty),
        ("content on an archived session", sent.archived_accepted(AcceptedMessage::Content, at(0))),
        ("SenderInfo on an archived session", sent.archived_accepted(AcceptedMessage::Nothing, at(0))),
    ];
    states.extend(tallies.map(|(name, tally)| ("acknowledgement", name, tally.to_bytes())));

    let traffic = |contents_since_arrival, last_arrival| AccountTraffic { contents_since_arrival, last_arrival };
    states.push(("traffic", "first contact", traffic(1, None).to_bytes()));
    states.push(("traffic", "two unanswered", traffic(2, Some(at(0))).to_bytes()));
    states.push(("traffic", "arrived by a clock at 0", traffic(0, Some(Timestamp::default())).to_bytes()));
    states
}

/// What a state says, with `null` for what is not there.
fn described(kind: &'static str, state: &[u8]) -> Fields {
    fn decoded<M: Message + Default>(state: &[u8]) -> M {
        M::decode(state).unwrap()
    }
    let known = fields! { "kind" => kind };
    match kind {
        "sessions" => {
            let state: v1::DeviceSessionsState = decoded(state);
            let highest = (state.highest_generation != 0)
                .then(|| fields! { "generation" => state.highest_generation, "sid" => &state.highest_sid });
            let archived: Vec<Node> = state.archived.iter().map(|old| session(old, true).into()).collect();
            known
                .with("active", state.active.as_ref().map(|active| session(active, false)))
                .with("archived", archived)
                .with("low", state.low.as_ref().map(|low| session(low, true)))
                .with("highest", highest)
        }
        "seen" => {
            let init = |init: &v1::SeenInit| {
                fields! { "sid" => &init.sid, "spk_id" => init.spk_id, "kem_id" => init.kem_id }.into()
            };
            // In another order than that of the state.
            known.with("inits", decoded::<v1::SeenState>(state).inits.iter().rev().map(init).collect::<Vec<Node>>())
        }
        "day" => {
            let state: v1::DailyCountState = decoded(state);
            known.with("day", state.day).with("count", state.count)
        }
        "second" => {
            let state: v1::SecondRateState = decoded(state);
            known.with("began_ms", state.began_ms).with("count", state.count)
        }
        "hour" => {
            let state: v1::HourlyRateState = decoded(state);
            known.with("at_ms", state.at_ms.iter().map(|at| Node::from(*at)).collect::<Vec<Node>>())
        }
        "acknowledgement" => {
            let state: v1::AcknowledgementState = decoded(state);
            known
                .with("sent_before", state.sent_before)
                .with("received", state.received)
                .with("content_at_ms", state.has_content.then_some(state.content_at_ms))
                .with("due_at_ms", state.due.then_some(state.due_at_ms))
                .with("on_archived", state.on_archived)
        }
        _ => {
            let state: v1::AccountTrafficState = decoded(state);
            known.with("contents", state.contents).with("arrived_at_ms", state.arrived.then_some(state.arrived_at_ms))
        }
    }
}

fn session(placed: &v1::PlacedSession, archived: bool) -> Fields {
    let made = ["", "here, unconfirmed", "here, confirmed", "there"][placed.made as usize];
    fields! {
        "sid" => &placed.sid, "generation" => placed.generation, "made" => made,
        "confirmed_at_ms" => (placed.made == 2).then_some(placed.confirmed_at_ms),
        "created_at_ms" => placed.created_at_ms,
        "archived_at_ms" => archived.then_some(placed.archived_at_ms),
    }
}

fn edited<M: Message + Default>(state: &[u8], edit: impl FnOnce(&mut M)) -> Vec<u8> {
    let mut state = M::decode(state).unwrap();
    edit(&mut state);
    state.encode_to_vec()
}

/// `full` has every place taken; in `closed` the active one of it was closed.
fn sessions(load: &mut impl FnMut(&str, &str, &[u8]), full: &[u8], closed: &[u8]) {
    type Edit = fn(&mut v1::DeviceSessionsState);
    let edits: [(&str, &[u8], Edit); 27] = [
        ("another highest generation", full, |state| state.highest_generation = 71),
        ("another highest sid", full, |state| state.highest_sid = vec![0; 32]),
        ("no highest", full, |state| (state.highest_generation, state.highest_sid) = (0, Vec::new())),
        ("a highest without sid", closed, |state| state.highest_sid.clear()),
        ("a highest without generation", closed, |state| state.highest_generation = 0),
        ("a highest of 31 bytes", closed, |state| state.highest_sid.truncate(31)),
        ("archived in another order", full, |state| state.archived.swap(0, 1)),
        ("archived of two generations that are the same, the smaller sid first", full, |state| {
            same_generation(state);
            state.archived[..2].sort_by(|one, next| one.sid.cmp(&next.sid));
        }),
        ("archived of two generations that are the same, the larger sid first: control", full, |state| {
            same_generation(state);
            state.archived[..2].sort_by(|one, next| next.sid.cmp(&one.sid));
        }),
        ("archived above the highest", full, |state| state.archived[2].generation = 71),
        ("archived above the highest, which was closed", closed, |state| state.archived[2].generation = 71),
        ("archived of another generation: control", closed, |state| state.archived[2].generation = 69),
        ("low above the highest", full, |state| state.low.as_mut().unwrap().generation = 71),
        ("low above the archived: control", full, |state| state.low.as_mut().unwrap().generation = 69),
        ("four archived", full, |state| {
            let fourth = v1::PlacedSession { sid: vec![0; 32], generation: 69, ..state.archived[2].clone() };
            state.archived.push(fourth);
        }),
        ("archived twice", full, |state| state.archived[1].sid = state.archived[0].sid.clone()),
        ("active and archived", full, |state| state.archived[0].sid = state.highest_sid.clone()),
        ("the highest, which was closed, and low", closed, |state| {
            state.low.as_mut().unwrap().sid = state.highest_sid.clone();
        }),
        ("archived and low", full, |state| state.low.as_mut().unwrap().sid = state.archived[0].sid.clone()),
        ("generation 0", full, |state| state.archived[0].generation = 0),
        ("made 0", full, |state| state.archived[0].made = 0),
        ("made 4", full, |state| state.archived[0].made = 4),
        ("unconfirmed, with a time of it", full, |state| state.archived[1].confirmed_at_ms = 1),
        ("theirs, with a time of confirmation", full, |state| state.archived[2].confirmed_at_ms = 1),
        ("active, archived since", full, |state| state.active.as_mut().unwrap().archived_at_ms = 1),
        ("a sid of 31 bytes", full, |state| state.archived[0].sid.truncate(31)),
        ("low without fields", full, |state| state.low = Some(v1::PlacedSession::default())),
    ];
    for (name, state, edit) in edits {
        load("sessions", name, &edited(state, edit));
    }
}

fn same_generation(state: &mut v1::DeviceSessionsState) {
    state.archived[1].generation = state.archived[0].generation;
}

fn seen(load: &mut impl FnMut(&str, &str, &[u8]), four: &[u8]) {
    type Edit = fn(&mut v1::SeenState);
    let edits: [(&str, Edit); 5] = [
        ("another order", |state| state.inits.swap(1, 2)),
        ("a sid twice", |state| state.inits[1].sid = state.inits[0].sid.clone()),
        ("a sid of 31 bytes", |state| state.inits[3].sid.truncate(31)),
        ("a sid of 33 bytes", |state| state.inits[3].sid.push(0)),
        ("without one: control", |state| drop(state.inits.remove(1))),
    ];
    for (name, edit) in edits {
        load("seen", name, &edited(four, edit));
    }
}

fn counts(load: &mut impl FnMut(&str, &str, &[u8])) {
    let day = |day, count| v1::DailyCountState { format: 1, day, count, complete: 1 }.encode_to_vec();
    load("day", "more than the limit", &day(20_000, 4));
    load("day", "a day on which nothing was counted", &day(20_000, 0));
    load("day", "the last one: control", &day(213_503_982_334, 1));
    load("day", "after the last one", &day(213_503_982_335, 1));
    let second = |began_ms, count| v1::SecondRateState { format: 1, began_ms, count, complete: 1 }.encode_to_vec();
    load("second", "11", &second(1_000, 11));
    load("second", "a second in which nothing was counted", &second(1_000, 0));
    load("second", "the first of all: control", &second(0, 1));
    let hour = |at_ms| v1::HourlyRateState { format: 1, at_ms, complete: 1 }.encode_to_vec();
    load("hour", "31", &hour(vec![HOUR_MS; 31]));
    load("hour", "one hour before the last", &hour(vec![HOUR_MS, 2 * HOUR_MS]));
    load("hour", "less than one hour before the last: control", &hour(vec![HOUR_MS + 1, 2 * HOUR_MS]));
    load("hour", "one hour after the last", &hour(vec![2 * HOUR_MS, HOUR_MS]));
    load("hour", "less than one hour after the last: control", &hour(vec![2 * HOUR_MS - 1, HOUR_MS]));
    load("hour", "two hours apart, and each within one of the last: control", &hour(vec![1, 2 * HOUR_MS - 1, HOUR_MS]));
    load("hour", "a field for each", &[0x08, 1, 0x10, 5, 0x10, 6, 0x78, 1]);
    load("hour", "both in one: control", &[0x08, 1, 0x12, 2, 5, 6, 0x78, 1]);
    load("hour", "an empty list that is there", &[0x08, 1, 0x12, 0, 0x78, 1]);
}

fn acknowledgements(load: &mut impl FnMut(&str, &str, &[u8]), find: impl Fn(&str, &str) -> Vec<u8>) {
    type Edit = fn(&mut v1::AcknowledgementState);
    let edits: [(&str, &str, Edit); 9] = [
        ("due for nothing", "accepted from the other side", |state| state.due = true),
        ("due at the first of 20", "one that waits 16 h", |state| (state.due, state.due_at_ms) = (true, 1)),
        ("the first of all, nothing due", "first of all", |state| (state.due, state.due_at_ms) = (false, 0)),
        ("twenty, nothing due", "twenty receipts", |state| (state.due, state.due_at_ms) = (false, 0)),
        ("due at the 19th", "twenty receipts", |state| state.received = 19),
        ("a time at which nothing is due", "one that waits 16 h", |state| state.due_at_ms = 1),
        ("a content among none", "SenderInfo on an archived session", |state| state.has_content = true),
        ("a time of no content", "twenty receipts", |state| state.content_at_ms = 1),
        ("due on an archived session at a clock of 0: control", "SenderInfo on an archived session", |state| {
            state.due = true;
        }),
    ];
    for (name, of, edit) in edits {
        load("acknowledgement", name, &edited(&find("acknowledgement", of), edit));
    }
}
