//! Two sessions and a hostile network between them, as a program of bytes: `docs/protocol.md` B4 to B6.

use std::collections::HashMap;

use carevow_core::handshake::InitMessage;
use carevow_core::ratchet::{LaneOffer, SendOptions, Session, SessionMessage};
use carevow_core::{DecryptError, Timestamp};
use rand_chacha::ChaCha20Rng;

use crate::conversation::{HELLO, copy};
use crate::input::Input;
use crate::world::{HOUR, NOW, WORLD, rng};
use crate::{Depth, Seed, Target};

/// Two bytes for an operation: what and who, and its argument.
pub const TARGET: Target = Target {
    name: "two_sessions",
    run,
    deepest: 5,
    success: "INIT accepted, confirmed, a skipped message opened, an altered one refused, a state restored, and then a \
              fresh message opened",
    seeds: || {
        let meet = [DELIVER | B, 0, SEND | B, 0, DELIVER | A, 0];
        let skip = [SEND | A, 0, SEND | A, 9, SEND | A, 0, DELIVER | B, 2, DELIVER | B, 0];
        let alter = [SEND | A, 0, FLIP | B, 1, 0, 120, DELIVER | B, 1];
        let restore = [SAVE | B, 0, RESTORE | B, 0, SEND | A, 0, DELIVER | B, 1];
        let lanes: Vec<u8> = [SEND | A, 8, DELIVER | B, 0, SEND | B, 8, DELIVER | A, 0].repeat(6);
        let all = [&meet[..], &skip, &alter, &restore].concat();
        vec![
            Seed::new("meet", 2, meet),
            Seed::new("skip", 3, [&meet[..], &skip].concat()),
            Seed::new("alter", 4, [&meet[..], &skip, &alter].concat()),
            Seed::new("all", 5, all),
            Seed::new("lanes", 2, [&meet[..], &lanes].concat()),
            Seed::new(
                "duplicates",
                2,
                [&meet[..], &[SEND | A, 0, DUPLICATE | B, 0, DELIVER | B, 0, DELIVER | B, 0]].concat(),
            ),
            Seed::new(
                "before-the-init",
                3,
                [SEND | A, 0, SEND | A, 0, DELIVER | B, 1, DELIVER | B, 0, SEND | B, 0, DELIVER | A, 0],
            ),
            Seed::new("old", 2, [&meet[..], &[SEND | A, 0, WAIT, 200, DELIVER | B, 0, REPLAY | B, 0]].concat()),
            Seed::new("raw", 1, [DELIVER | B, 0, RAW | B, 4, 3, 1, 0, 0, DELIVER | B, 0]),
        ]
    },
};

const SEND: u8 = 0;
const DELIVER: u8 = 1;
const DROP: u8 = 2;
const DUPLICATE: u8 = 3;
const FLIP: u8 = 4;
const SAVE: u8 = 5;
const RESTORE: u8 = 6;
const WAIT: u8 = 7;
const REPLAY: u8 = 8;
const RAW: u8 = 9;
const OPERATIONS: u8 = 10;
/// Who sends, receives or is restored.
const A: u8 = 0;
const B: u8 = 0x80;
/// Operations and queued messages at most: bounds a run.
const STEPS: usize = 64;
const QUEUE: usize = 16;

/// One side.
struct End {
    /// Bob has none before the INIT.
    session: Option<Session>,
    /// What flies towards it.
    queue: Vec<Vec<u8>>,
    /// What the network ever carried to it.
    seen: Vec<Vec<u8>>,
    /// What was honestly sent to it: number and content.
    sent: HashMap<Vec<u8>, (usize, Vec<u8>)>,
    delivered: Vec<usize>,
    saved: Option<Session>,
    /// Its state or its peer's went back: what was opened before may open again.
    tainted: bool,
}

impl End {
    fn new(session: Option<Session>) -> Self {
        Self {
            session,
            queue: Vec::new(),
            seen: Vec::new(),
            sent: HashMap::new(),
            delivered: Vec::new(),
            saved: None,
            tainted: false,
        }
    }

    fn carry(&mut self, bytes: Vec<u8>) {
        if self.queue.len() < QUEUE {
            self.seen.push(bytes.clone());
            self.queue.push(bytes);
        }
    }
}

struct Run {
    ends: [End; 2],
    now: Timestamp,
    random: ChaCha20Rng,
    reached: Reached,
}

/// What happened, each after the one before.
#[derive(Default)]
struct Reached {
    skipped: bool,
    refused: bool,
    restored: bool,
    afterwards: bool,
}

fn run(data: &[u8]) -> Depth {
    let mut run = Run {
        ends: [End::new(Some(copy(&HELLO.alice))), End::new(None)],
        now: NOW,
        random: rng(7),
        reached: Reached::default(),
    };
    run.ends[1].sent.insert(HELLO.init.clone(), (0, b"hello".to_vec()));
    run.ends[1].carry(HELLO.init.clone());
    let mut input = Input::new(data);
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        let operation = input.byte();
        let who = usize::from(operation >> 7);
        run.step(operation & 0x7f, who, &mut input);
    }
    run.depth()
}

impl Run {
    fn step(&mut self, operation: u8, who: usize, input: &mut Input<'_>) {
        let argument = input.byte();
        let end = &mut self.ends[who];
        let index = usize::from(argument).checked_rem(end.queue.len());
        match (operation % OPERATIONS, index) {
            (SEND, _) => self.send(who, argument),
            (DELIVER, Some(index)) => self.deliver(who, index),
            (DROP, Some(index)) => drop(end.queue.remove(index)),
            (DUPLICATE, Some(index)) => end.carry(end.queue[index].clone()),
            (FLIP, Some(index)) => {
                let at = input.number(2) % end.queue[index].len().max(1);
                if let Some(byte) = end.queue[index].get_mut(at) {
                    *byte ^= 1 << (argument % 8);
                }
            }
            (SAVE, _) => end.saved = end.session.as_ref().map(copy),
            (RESTORE, _) => {
                if let Some(saved) = &end.saved {
                    end.session = Some(copy(saved));
                    self.ends.iter_mut().for_each(|end| end.tainted = true);
                    self.reached.restored |= self.reached.refused;
                }
            }
            (WAIT, _) => self.now = self.now.plus(u64::from(argument) * 2 * HOUR),
            (REPLAY, _) => {
                let bytes = usize::from(argument).checked_rem(end.seen.len()).map(|at| end.seen[at].clone());
                bytes.into_iter().for_each(|bytes| end.carry(bytes));
            }
            (RAW, _) => {
                let bytes = input.take(argument.into()).to_vec();
                end.carry(bytes);
            }
            _ => {}
        }
    }

    /// Bits of the argument: 1 empty content, 2 clinical padding, 8 a lane offer now.
    fn send(&mut self, who: usize, argument: u8) {
        let number = self.ends.iter().map(|end| end.sent.len()).sum::<usize>();
        let content = if argument & 1 == 1 { Vec::new() } else { format!("message {number}").into_bytes() };
        let base = if argument & 2 == 2 { SendOptions::CLINICAL } else { SendOptions::COMPACT };
        let offer = if argument & 8 == 8 { LaneOffer::Now } else { LaneOffer::ByPolicy };
        let [one, other] = &mut self.ends;
        let (me, peer) = if who == 0 { (one, other) } else { (other, one) };
        let Some(session) = &me.session else { return };
        let sent = session.encrypt(&content, SendOptions { offer, ..base }, self.now, &mut self.random);
        let (message, next) = sent.expect("a session sends");
        me.session = Some(copy(&next));
        let bytes = message.as_bytes().to_vec();
        peer.sent.insert(bytes.clone(), (number, content));
        peer.carry(bytes);
    }

    fn deliver(&mut self, who: usize, index: usize) {
        let end = &mut self.ends[who];
        let bytes = end.queue.remove(index);
        let before = end.session.as_ref().map(Session::to_bytes);
        match receive(end.session.as_ref(), &bytes, self.now) {
            Ok((content, next)) => {
                let (number, honest) = end.sent.get(&bytes).expect("only what was honestly sent opens");
                assert!(content == *honest, "another content than was sent");
                assert!(end.tainted || !end.delivered.contains(number), "a message was opened twice");
                self.reached.afterwards |= self.reached.restored;
                self.reached.skipped |= end.delivered.iter().any(|later| later > number);
                end.delivered.push(*number);
                end.session = Some(copy(&next));
            }
            Err(error) => {
                let after = end.session.as_ref().map(Session::to_bytes);
                assert!(before.as_deref() == after.as_deref(), "a refusal changed the state");
                assert_ne!(error, DecryptError::LimitExceeded, "nothing here is limited");
                self.reached.refused |= self.reached.skipped && !end.sent.contains_key(&bytes);
            }
        }
    }

    fn depth(&self) -> Depth {
        let confirmed = self.ends[0].session.as_ref().is_some_and(|session| session.confirmed_at().is_some());
        let Reached { skipped, refused, restored: _, afterwards } = self.reached;
        let steps = [self.ends[1].session.is_some(), confirmed, skipped, refused, afterwards];
        steps.into_iter().take_while(|reached| *reached).map(|_| 1).sum()
    }
}

/// What the receiver of a sealed or bare message does (B4.5, B7.1), Bob being the responder.
fn receive(session: Option<&Session>, bytes: &[u8], now: Timestamp) -> Result<(Vec<u8>, Session), DecryptError> {
    let init = InitMessage::parse(bytes);
    let (opened, next) = match (&init, session) {
        (Ok(init), Some(session)) if init.header().sid() == session.sid() => session.decrypt(init.message(), now)?,
        (Ok(init), None) => {
            let from = WORLD.initiator();
            let accepted = init.accept(WORLD.bob.recipient(), from, WORLD.bob.prekeys(), now)?;
            (accepted.opened, accepted.session)
        }
        (_, Some(session)) => session.decrypt(&SessionMessage::parse(bytes)?, now)?,
        (Err(_), None) => return Err(DecryptError::NoSession),
    };
    Ok((opened.content().to_vec(), next))
}
