//! Groups: states, rosters at rest, and three members between whom states are lost, reordered and forked:
//! `docs/protocol.md` B13.

mod cast;

use carevow_core::Timestamp;
use carevow_core::content::BodyKind;
use carevow_core::group::{Applied, Class, Evidence, GroupEvent, Mailbox, Roster, SentIn, UnverifiedState};
use carevow_core::wire::v1;
use prost::Message as _;

use self::cast::{CAST, DOCTOR, KEEPER, OWNER, PATIENT, aik, first, make_owner, toggle};
use crate::input::{Input, edit};
use crate::world::{HOUR, NOW, account};
use crate::{Depth, Seed, Target};

/// One byte for what the rest is: 0 edits of an honest state, 1 edits of a stored roster, 2 a program for a clinical
/// group, 3 one for a personal group.
pub const TARGET: Target = Target {
    name: "group",
    run,
    deepest: 5,
    success: "a state accepted, a fork seen, an altered state refused, a roster read back, and after everything was \
              delivered all members agree",
    seeds: || {
        let meet = [ISSUE, 0, TITLE, DELIVER | B, 1, DELIVER | C, 1];
        let fork = [ISSUE, 0, TITLE | OTHER, DELIVER | B, 2, DELIVER | A, 1];
        let alter = [ALTER | B, 1, 0, 60];
        let end = [RELOAD | B, 0];
        let honest = [&meet[..], &fork, &alter, &end].concat();
        let program = |class: u8, program: &[u8]| [&[class][..], program].concat();
        let long: Vec<u8> =
            (0..12).flat_map(|n| [ISSUE, n, TITLE]).chain([DELIVER_ALL | B, 0, RELOAD | B, 0]).collect();
        vec![
            Seed::new("state", 1, [0]),
            Seed::new("altered-state", 0, [&[0][..], &edit(0, 80, 1)].concat()),
            Seed::new("stored", 3, [1]),
            Seed::new("altered-stored", 0, [&[1][..], &edit(0, 80, 1)].concat()),
            Seed::new("clinical", 5, program(2, &honest)),
            Seed::new("personal", 5, program(3, &honest)),
            Seed::new("meet", 1, program(2, &meet)),
            Seed::new("long", 1, program(3, &long)),
            Seed::new("raw", 0, program(3, &[RAW | C, 3, 8, 1, 0])),
            Seed::new(
                "custodian",
                2,
                program(
                    2,
                    &[ISSUE, 0, TITLE, DELIVER | B, 1, ISSUE, 0, CUSTODIAN, ISSUE, 1, HAND_OVER, DELIVER | C, 2],
                ),
            ),
            Seed::new(
                "two-hand-overs",
                2,
                program(3, &[ISSUE, 0, HAND_OVER, ISSUE, 0, HAND_OVER | OTHER, DELIVER | B, 1, DELIVER | C, 2]),
            ),
            Seed::new(
                "retained-in-a-branch-that-lost",
                2,
                [2, 71, 1, 2, 0, 0, 0, 2, 0, 0, 1, 129, 0, 0, 0, 65, 1, 71, 0, 72, 0],
            ),
            Seed::new(
                "waiting",
                1,
                program(2, &[LOSE | B, OWNER, ISSUE, 0, TITLE, DELIVER | B, 1, LOSE | B, 0, RETRY | B, 0]),
            ),
            Seed::new(
                "leave",
                1,
                program(
                    3,
                    &[ISSUE, 0, REMOVE, DELIVER | B, 1, LEAVE | B, 1, MESSAGE | B, 1, ISSUE, 1, REMOVE, DELIVER | B, 2],
                ),
            ),
        ]
    },
};

const ISSUE: u8 = 0;
const DELIVER: u8 = 1;
const DELIVER_ALL: u8 = 2;
const ALTER: u8 = 3;
const RELOAD: u8 = 4;
const MESSAGE: u8 = 5;
const LEAVE: u8 = 6;
const LOSE: u8 = 7;
const RETRY: u8 = 8;
const RAW: u8 = 9;
const OPERATIONS: u8 = 10;
/// Whose roster: the two highest bits.
const A: u8 = 0;
const B: u8 = 0x40;
const C: u8 = 0x80;

/// What a new state changes, and by whom.
const TITLE: u8 = 0;
const HAND_OVER: u8 = 1;
const REMOVE: u8 = 2;
const CUSTODIAN: u8 = 3;
const CUSTODIAN_HANDS_OVER: u8 = 4;
const RETAIN: u8 = 5;
const EDITS: u8 = 6;
/// Another state of the same kind.
const OTHER: u8 = 0x80;

/// Operations and states at most: bounds a run, and no parent has more states than are kept.
const STEPS: usize = 48;
const STATES: usize = 16;

fn run(data: &[u8]) -> Depth {
    let mut input = Input::new(data);
    match input.byte() % 4 {
        0 => state(&mut input),
        1 => stored(&mut input),
        2 => Run::new(Class::Clinical).all(&mut input),
        _ => Run::new(Class::Personal).all(&mut input),
    }
}

/// Edits of an honest state: what parses is written as it came, and nobody joins by one that was altered.
fn state(input: &mut Input<'_>) -> Depth {
    let honest = first(Class::Clinical).to_signed();
    let bytes = input.edited(&honest.encode_to_vec());
    let Ok(signed) = v1::Signed::decode(bytes.as_slice()) else { return 0 };
    if UnverifiedState::parse(&signed).is_err() {
        return 0;
    }
    let evidence = Evidence { accounts: &CAST.keys, directory: Some(&CAST.pin), older_directories: &[], now: NOW };
    match Roster::join(&signed, account(PATIENT), account(OWNER), &evidence) {
        Ok(joined) => {
            assert_eq!(joined.roster.current().to_signed(), signed);
            assert!(signed == honest, "an altered state was joined by");
            1
        }
        Err(_) => 0,
    }
}

/// Edits of a stored roster with a fork: what is read is written again as the same bytes, and goes on.
fn stored(input: &mut Input<'_>) -> Depth {
    let mut run = Run::new(Class::Clinical);
    for (base, kind) in [(0, TITLE), (0, TITLE | OTHER), (1, CUSTODIAN), (0, RETAIN)] {
        run.issue(base, kind);
    }
    run.deliver_all(0);
    let bytes = input.edited(&run.ends[0].to_bytes());
    let Ok(roster) = Roster::from_bytes(&bytes) else { return 0 };
    assert!(roster.to_bytes() == bytes, "a stored roster has two forms");
    run.ends[0] = roster;
    let before = run.ends[0].current().epoch();
    for index in 0..run.states.len() {
        run.deliver(0, &[index]);
    }
    if run.ends[0].current().epoch() < before {
        return 1;
    }
    2 + Depth::from(!run.ends[0].is_stopped())
}

/// A state that somebody issued, and the roster of one who has nothing but its chain.
struct State {
    signed: v1::Signed,
    roster: Roster,
}

struct Run {
    class: Class,
    /// The owner, the doctor and the patient of the first state.
    ends: [Roster; 3],
    /// Who is not pinned at each; 0: nobody is missing.
    lost: [u8; 3],
    states: Vec<State>,
    now: Timestamp,
    reached: Reached,
}

/// What happened, each after the one before.
#[derive(Default)]
struct Reached {
    accepted: bool,
    forked: bool,
    refused: bool,
    reloaded: bool,
}

impl Run {
    fn new(class: Class) -> Self {
        let first = first(class);
        let roster = Roster::created(first.clone(), NOW);
        Self {
            class,
            ends: [roster.clone(), roster.clone(), roster.clone()],
            lost: [0; 3],
            states: vec![State { signed: first.to_signed(), roster }],
            now: NOW,
            reached: Reached::default(),
        }
    }

    fn all(mut self, input: &mut Input<'_>) -> Depth {
        for _ in 0..STEPS {
            if input.is_empty() {
                break;
            }
            let (operation, argument) = (input.byte(), input.byte());
            let who = usize::from(operation >> 6) % 3;
            self.step((operation & 0x3f) % OPERATIONS, who, argument, input);
        }
        self.agree();
        let Reached { accepted, forked, refused, reloaded } = self.reached;
        let steps = [accepted, forked, refused, reloaded];
        let done: Depth = steps.into_iter().take_while(|reached| *reached).map(|_| 1).sum();
        done + Depth::from(done == 4)
    }

    fn step(&mut self, operation: u8, who: usize, argument: u8, input: &mut Input<'_>) {
        let index = usize::from(argument) % self.states.len();
        self.now = self.now.plus(1_000);
        match operation {
            ISSUE => self.issue(index, input.byte()),
            DELIVER => self.deliver(who, &[index]),
            DELIVER_ALL => self.deliver_all(who),
            ALTER => {
                let mut signed = self.states[index].signed.clone();
                let (field, at) = (input.byte(), usize::from(input.byte()));
                let bytes = if field & 1 == 0 { &mut signed.body } else { &mut signed.sig };
                let at = at % bytes.len();
                bytes[at] ^= 1 << (field >> 5);
                self.refuse(who, &signed);
            }
            RELOAD => {
                self.ends[who] = reloaded(&self.ends[who]);
                self.reached.reloaded |= self.reached.refused;
            }
            MESSAGE => {
                let state = self.states[index].roster.current().hash();
                let sender = account(1 + argument % 5);
                let aik = aik(1 + argument % 5).public_key();
                let message = SentIn { sender, aik: &aik, state: Some(state), kind: BodyKind::Text };
                let evidence = Evidence { now: self.now.plus(u64::from(argument) * 6 * HOUR), ..self.evidence(who) };
                let verdict = self.ends[who].judge_message(&message, &evidence);
                let is_member = self.ends[who].current().member(sender).is_some();
                let is_known = self.ends[who].state(state).is_some();
                assert!(verdict.is_err() || is_member || !is_known, "somebody who is no member was heard");
            }
            LEAVE => {
                let state = self.states[index].roster.current().hash();
                if let Ok(next) = self.ends[who].left(account(1 + argument % 5), state) {
                    self.ends[who] = next;
                }
            }
            LOSE => self.lost[who] = argument % 6,
            RETRY => {
                let applied = self.ends[who].judge_waiting(&self.evidence(who));
                self.took(who, applied);
            }
            RAW => {
                let body = input.take(argument.into()).to_vec();
                self.refuse(who, &v1::Signed { body, sig: vec![0; 64] });
            }
            _ => {}
        }
    }

    /// What a member knows: everybody but whom it lost.
    fn evidence(&self, who: usize) -> Evidence<'static> {
        let accounts = &CAST.without[usize::from(self.lost[who])];
        Evidence { accounts, directory: Some(&CAST.pin), older_directories: &[], now: self.now }
    }

    fn issue(&mut self, base: usize, kind: u8) {
        if self.states.len() >= STATES {
            return;
        }
        let roster = &self.states[base].roster;
        let current = roster.current();
        let other = if current.owner() == Some(account(OWNER)) { DOCTOR } else { OWNER };
        let owner = if other == DOCTOR { OWNER } else { DOCTOR };
        let (edit, to) =
            (kind % OTHER % EDITS, if kind & OTHER == 0 || self.class == Class::Clinical { other } else { PATIENT });
        let by = if matches!(edit, CUSTODIAN | CUSTODIAN_HANDS_OVER) { KEEPER } else { owner };
        let mut draft = current.to_draft();
        draft.title = format!("{} {kind}", self.states.len());
        match edit {
            HAND_OVER | CUSTODIAN_HANDS_OVER => make_owner(&mut draft, to),
            REMOVE => toggle(&mut draft, PATIENT),
            RETAIN => draft.policy.retention.keep_at_least_ms += u64::from(kind),
            _ => {}
        }
        let evidence =
            Evidence { accounts: &CAST.keys, directory: Some(&CAST.pin), older_directories: &[], now: self.now };
        // The patient may be the owner of a personal group: nobody here issues for it.
        if let Ok(issued) = roster.update(&CAST.devices[usize::from(by) - 1], draft, Mailbox::Emptied, &evidence) {
            let signed = issued.roster.current().to_signed();
            assert_eq!(issued.update.states, std::slice::from_ref(&signed));
            self.states.push(State { signed, roster: issued.roster });
        }
    }

    fn deliver(&mut self, who: usize, indices: &[usize]) {
        let states: Vec<_> = indices.iter().map(|index| self.states[*index].signed.clone()).collect();
        let applied = self.ends[who].apply(&states, account(OWNER), &self.evidence(who));
        self.took(who, applied);
    }

    fn deliver_all(&mut self, who: usize) {
        self.deliver(who, &(0..self.states.len()).collect::<Vec<_>>());
    }

    /// A state that nobody issued: refused, or it waits, and what was accepted is as it was.
    fn refuse(&mut self, who: usize, signed: &v1::Signed) {
        if self.states.iter().any(|state| state.signed == *signed) {
            return;
        }
        // What waits is judged again with every GroupUpdate: first by itself.
        self.step(RETRY, who, 0, &mut Input::new(&[]));
        let before = self.ends[who].to_bytes();
        let applied = self.ends[who].apply(std::slice::from_ref(signed), account(DOCTOR), &self.evidence(who));
        let genuine = self.states.iter().any(|state| state.signed.body == signed.body);
        if !applied.refused.is_empty() {
            self.reached.refused |= self.reached.forked;
            assert!(applied.roster.to_bytes() == before, "a refusal changed the roster");
        }
        assert_eq!(applied.roster.current(), self.ends[who].current(), "a state that nobody issued was taken");
        assert!(applied.events.is_empty() || genuine);
        self.took(who, applied);
    }

    fn took(&mut self, who: usize, applied: Applied) {
        let before = &self.ends[who];
        self.reached.accepted |= applied.roster.current() != before.current();
        let forks = applied.events.iter().any(|event| matches!(event, GroupEvent::GroupFork(_)));
        self.reached.forked |= self.reached.accepted && forks;
        let issued = |hash: &[u8; 32]| self.states.iter().any(|state| state.roster.current().hash() == hash);
        assert!(issued(applied.roster.current().hash()), "nobody issued the current state");
        assert!(applied.roster.policy().retention.keep_at_least_ms >= before.policy().retention.keep_at_least_ms);
        self.ends[who] = applied.roster;
    }

    /// Everything is delivered: all take the same state, or all are stopped.
    fn agree(&mut self) {
        self.lost = [0; 3];
        for who in 0..3 {
            self.deliver_all(who);
            let settled = self.ends[who].clone();
            self.deliver_all(who);
            assert!(settled == self.ends[who], "what was known changed something");
            self.ends[who] = reloaded(&settled);
        }
        let stopped = |who: usize| self.ends[who].is_stopped();
        let all = [0, 1, 2].map(stopped);
        assert!(all == [true; 3] || all == [false; 3], "some are stopped");
        if !all[0] {
            let current = self.ends[0].current();
            assert!(self.ends.iter().all(|end| end.current() == current), "members disagree");
        }
        // Whoever held a branch that lost goes on keeping what that branch promised: no member keeps for less time than
        // the state says, and some may keep for longer.
        for end in &self.ends {
            let (kept, stated) = (end.policy().retention, end.current().policy().retention);
            assert!(kept.keep_at_least_ms >= stated.keep_at_least_ms, "a member keeps for less time than was promised");
        }
        // Whoever is behind is brought here by what one who is not answers.
        let behind = &self.states[0].roster;
        let answer = self.ends[0].after(behind.current().hash());
        let brought = behind.apply(&answer, account(OWNER), &self.evidence(0)).roster;
        assert_eq!(brought.current(), self.ends[0].current());
    }
}

/// As the store gives it back.
fn reloaded(roster: &Roster) -> Roster {
    let bytes = roster.to_bytes();
    let read = Roster::from_bytes(&bytes).expect("a roster that was stored loads");
    assert!(read == *roster && read.to_bytes() == bytes, "a roster changes in the store");
    read
}
