//! Two simulated parties: whatever is made, lost and reordered, both end on the same session (T108).

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::*;
use crate::ids::SessionId;
use crate::primitives::kdf::sha256;
use crate::testing::at;
use crate::time::Timestamp;

const NOW: Timestamp = at(0);

#[derive(Clone, Copy, Debug)]
enum Op {
    /// A side makes a session, announced on the old one.
    Init(usize),
    /// A side sends on `active`.
    Say(usize),
    /// A side receives one of the messages under way.
    Deliver(usize, usize),
    /// A message is lost.
    Lose(usize, usize),
    /// A side cannot read an INIT under way, and asks with an INIT of its own.
    Fail(usize, usize),
}

#[derive(Clone)]
struct Message {
    sid: SessionId,
    /// The InitHeader goes with it while the session is unconfirmed.
    init: Option<u32>,
    announces: Option<SessionId>,
    failed: Option<SessionId>,
}

#[derive(Default)]
struct Party {
    sessions: DeviceSessions,
    /// What was accepted: its one-time keys are gone.
    accepted: Vec<SessionId>,
    notices: BTreeMap<SessionId, Timestamp>,
    /// What showed.
    shown: Vec<Visibility>,
}

#[derive(Default)]
struct World {
    parties: [Party; 2],
    /// Messages to each side.
    wire: [Vec<Message>; 2],
    made: Vec<SessionSummary>,
    salt: u8,
}

impl World {
    fn say(&mut self, side: usize, announces: Option<SessionId>, failed: Option<SessionId>) {
        let Some(active) = self.parties[side].sessions.active() else {
            return;
        };
        let init = active.is_unconfirmed_init().then_some(active.generation);
        self.wire[1 - side].push(Message { sid: active.sid, init, announces, failed });
    }

    fn init(&mut self, side: usize, failed: Option<SessionId>) {
        let number = u8::try_from(self.made.len()).unwrap();
        let sid = SessionId::from_bytes(sha256(&[&[self.salt, number]]));
        let new = SessionSummary {
            sid,
            generation: self.parties[side].sessions.next_generation().unwrap(),
            origin: Origin::Ours { confirmed_at: None },
            created_at: NOW,
        };
        self.say(side, Some(sid), None);
        self.parties[side].sessions = self.parties[side].sessions.place(new, NOW).next;
        self.made.push(new);
        self.say(side, None, failed);
    }

    fn deliver(&mut self, side: usize, index: usize) {
        if self.wire[side].is_empty() {
            return;
        }
        let index = index % self.wire[side].len();
        let message = self.wire[side].remove(index);
        let party = &mut self.parties[side];
        if party.sessions.opened(&message.sid, NOW).is_some() {
            party.sessions = party.sessions.confirmed(&message.sid, NOW);
        } else {
            let (Some(generation), false) = (message.init, party.accepted.contains(&message.sid)) else {
                return;
            };
            party.sessions.admit_generation(generation).unwrap();
            party.accepted.push(message.sid);
            let session = SessionSummary { sid: message.sid, generation, origin: Origin::Theirs, created_at: NOW };
            let placement = party.sessions.place(session, NOW);
            let arrival = Arrival { session, position: placement.position, at: NOW };
            let notice = party.notices.get(&message.sid).copied();
            party.shown.push(visibility(&party.sessions, &arrival, notice, NOW));
            party.sessions = placement.next;
        }
        party.notices.extend(message.announces.map(|sid| (sid, NOW)));
        if let Some(failed) = message.failed {
            party.sessions = party.sessions.failed(&failed);
        }
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Init(side) => self.init(side, None),
            Op::Say(side) => self.say(side, None, None),
            Op::Deliver(side, index) => self.deliver(side, index),
            Op::Lose(side, index) if !self.wire[side].is_empty() => {
                let index = index % self.wire[side].len();
                self.wire[side].remove(index);
            }
            Op::Fail(side, index) if !self.wire[side].is_empty() => {
                let index = index % self.wire[side].len();
                let message = self.wire[side].remove(index);
                let unknown = self.parties[side].sessions.opened(&message.sid, NOW).is_none();
                if unknown && message.init.is_some() {
                    self.init(side, Some(message.sid));
                }
            }
            Op::Lose(..) | Op::Fail(..) => {}
        }
    }

    /// Both go on talking; nothing is lost any more.
    fn settle(&mut self) {
        for _ in 0..4 {
            for side in [0, 1] {
                match self.parties[side].sessions.active() {
                    Some(_) => self.say(side, None, None),
                    None if !self.made.is_empty() => self.init(side, None),
                    None => {}
                }
                while !self.wire[1 - side].is_empty() {
                    self.deliver(1 - side, 0);
                }
            }
        }
    }

    fn active(&self, side: usize) -> Option<SessionId> {
        self.parties[side].sessions.active().map(|active| active.sid)
    }
}

fn op() -> impl Strategy<Value = Op> {
    let side = 0..2_usize;
    prop_oneof![
        2 => side.clone().prop_map(Op::Init),
        2 => side.clone().prop_map(Op::Say),
        6 => (side.clone(), 0..8_usize).prop_map(|(side, index)| Op::Deliver(side, index)),
        1 => (side.clone(), 0..8_usize).prop_map(|(side, index)| Op::Lose(side, index)),
        1 => (side, 0..8_usize).prop_map(|(side, index)| Op::Fail(side, index)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn t108_both_end_on_the_highest_generation_and_at_a_tie_on_the_smaller_sid(
        salt in any::<u8>(),
        ops in prop::collection::vec(op(), 1..60),
    ) {
        let mut world = World { salt, ..World::default() };
        ops.into_iter().for_each(|op| world.apply(op));
        world.settle();
        let highest = world.made.iter().map(SessionSummary::rank).max();
        for side in [0, 1] {
            let sessions = &world.parties[side].sessions;
            prop_assert_eq!(sessions.active().map(SessionSummary::rank), highest);
            prop_assert!(sessions.archived().count() <= 4);
        }
        prop_assert_eq!(world.active(0), world.active(1));
    }

    #[test]
    fn t108_crossings_and_refreshes_are_silent(
        salt in any::<u8>(),
        ops in prop::collection::vec(op(), 1..60),
    ) {
        let mut world = World { salt, ..World::default() };
        for op in ops {
            match op {
                // Mailboxes keep the order, and nothing is lost.
                Op::Deliver(side, _) => world.deliver(side, 0),
                Op::Lose(..) | Op::Fail(..) => {}
                op => world.apply(op),
            }
        }
        world.settle();
        for party in &world.parties {
            let silent = |seen: &Visibility| matches!(seen, Visibility::First | Visibility::Crossed | Visibility::Warm);
            prop_assert!(party.shown.iter().all(silent), "{:?}", party.shown);
        }
    }
}

/// A reply on the session overtakes nothing that matters: the side that made the lower INIT gives it up.
#[test]
fn t108_reply_that_overtakes_the_init_changes_nothing() {
    let mut world = World::default();
    world.init(0, None);
    world.init(1, None);
    let crossing = world.wire[0].remove(0);
    world.deliver(1, 0);
    world.say(1, None, None);
    world.deliver(0, 0);
    world.wire[0].push(crossing);
    world.deliver(0, 0);
    world.settle();
    assert_eq!(world.active(0), world.active(1));
    assert_eq!(world.active(0), world.made.iter().max_by_key(|made| made.rank()).map(|made| made.sid));
}
