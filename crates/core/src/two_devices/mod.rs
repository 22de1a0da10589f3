//! Two devices against a simple model: arbitrary sends, loss, duplication, reordering, rollback, clones, simultaneous
//! initiation and re-initiation. What arrives must be what was sent, once; what can be recovered must not be lost; a
//! refusal changes nothing; in the end both sides are on one session.

mod endpoint;

use std::collections::BTreeSet;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::Rng as _;

use self::endpoint::{Endpoint, Flight, Outcome, Snapshot};
use crate::errors::DecryptError::{DecryptFailed, Duplicate, NoSession};
use crate::ids::SessionId;
use crate::limits::SKIP_CHAINS;
use crate::placement::{Answer, Visibility};
use crate::testing::{at, rng};
use crate::time::Timestamp;

/// What happened in all runs together: a zero anywhere would mean that the test never tried it.
#[derive(Default, Debug)]
struct Tallies {
    delivered: u64,
    lost: u64,
    reordered: u64,
    duplicated: u64,
    rolled_back: u64,
    cloned: u64,
    crossed: u64,
    cold: u64,
    refused: u64,
}

struct Run {
    seed: u64,
    random: ChaCha20Rng,
    ends: [Endpoint; 2],
    /// What flies towards each end.
    queues: [Vec<Flight>; 2],
    /// An older copy of each end's store.
    copies: [Option<Snapshot>; 2],
    /// Sessions of which some state was rolled back or cloned: they may fail, they may not deliver anything wrong.
    tainted: BTreeSet<SessionId>,
    sent: u64,
    clock: u64,
    tallies: Tallies,
}

const STEPS: usize = 1_500;
const QUEUE: usize = 40;

impl Run {
    fn new(seed: u64) -> Self {
        Self {
            seed,
            random: rng(seed),
            ends: [Endpoint::new(1), Endpoint::new(2)],
            queues: [Vec::new(), Vec::new()],
            copies: [None, None],
            tainted: BTreeSet::new(),
            sent: 0,
            clock: 10,
            tallies: Tallies::default(),
        }
    }

    fn now(&self) -> Timestamp {
        at(self.clock)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.random.next_u64() % bound as u64) as usize
    }

    fn step(&mut self) {
        self.clock += 1;
        let who = self.below(2);
        match self.below(1_000) {
            0..=419 if self.queues[1 - who].len() < QUEUE => self.send(who, Network::Lossy),
            420..=979 => self.deliver(who, Order::Any),
            980..=985 => self.initiate(who),
            986..=987 => (0..2).for_each(|end| self.initiate(end)),
            988..=993 => self.copies[who] = Some(self.ends[who].snapshot()),
            994..=996 => self.roll_back(who),
            997..=998 => self.clone_speaks(who),
            _ => {}
        }
    }

    fn two(&mut self, who: usize) -> (&mut Endpoint, &mut Endpoint, &mut ChaCha20Rng) {
        let [one, other] = &mut self.ends;
        match who {
            0 => (one, other, &mut self.random),
            _ => (other, one, &mut self.random),
        }
    }

    fn send(&mut self, who: usize, network: Network) {
        let (now, id) = (self.now(), self.sent);
        self.sent += 1;
        let (me, peer, random) = self.two(who);
        let flight = me.send(peer, id, now, random);
        match (network, self.below(10)) {
            (Network::Lossy, 0) => self.tallies.lost += 1,
            (Network::Lossy, 1) => {
                self.tallies.duplicated += 1;
                self.queues[1 - who].extend([flight.clone(), flight]);
            }
            _ => self.queues[1 - who].push(flight),
        }
    }

    fn initiate(&mut self, who: usize) {
        let now = self.now();
        let (me, peer, random) = self.two(who);
        me.initiate(peer, now, random);
        self.send(who, Network::Lossless);
    }

    /// An older copy of the store comes back. Half of the time the device notices and wipes its sessions.
    fn roll_back(&mut self, who: usize) {
        let Some(copy) = self.copies[who].take() else { return };
        self.tallies.rolled_back += 1;
        self.taint(who);
        self.ends[who].restore(&copy);
        self.taint(who);
        if self.below(2) == 0 {
            self.ends[who].wipe();
        }
    }

    fn taint(&mut self, who: usize) {
        self.tainted.extend(self.ends[who].sessions.keys());
    }

    /// A thief with a copy of the store speaks on its active session, and is heard or not.
    fn clone_speaks(&mut self, who: usize) {
        let Some(copy) = &self.copies[who] else { return };
        let mut thief = Endpoint::new(who as u8 + 1);
        thief.restore(copy);
        let Some(active) = thief.placed.active() else { return };
        self.tallies.cloned += 1;
        self.tainted.insert(active.sid);
        let (now, id) = (self.now(), self.sent);
        self.sent += 1;
        let (_, peer, random) = self.two(who);
        let flight = thief.send(peer, id, now, random);
        self.queues[1 - who].push(flight);
    }

    fn deliver(&mut self, who: usize, order: Order) {
        if self.queues[who].is_empty() {
            return;
        }
        let index = match order {
            Order::Any => {
                let window = self.queues[who].len().min(16);
                self.below(window)
            }
            Order::First => 0,
        };
        self.tallies.reordered += u64::from(index > 0);
        let flight = self.queues[who].remove(index);
        self.tallies.delivered += 1;
        let now = self.now();
        let before = self.ends[who].state();
        let (me, peer, _) = self.two(who);
        match me.receive(&peer.party, &flight, now) {
            Outcome::Delivered { id, visibility, answer } => {
                assert_eq!(id, flight.id, "seed {}: another content than was sent", self.seed);
                let fresh = self.ends[who].delivered.insert(id);
                assert!(fresh || self.is_tainted(&flight), "seed {}: {id} delivered twice", self.seed);
                self.note(who, visibility, answer);
            }
            Outcome::Refused(error) => {
                self.tallies.refused += 1;
                assert!(self.ends[who].state() == before, "seed {}: a refusal changed a state", self.seed);
                assert!(matches!(error, DecryptFailed | Duplicate | NoSession), "seed {}: {error:?}", self.seed);
                self.judge_refusal(who, &flight);
            }
        }
    }

    fn note(&mut self, who: usize, visibility: Option<Visibility>, answer: Option<Answer>) {
        match visibility {
            Some(Visibility::Crossed) => self.tallies.crossed += 1,
            Some(Visibility::Cold) => self.tallies.cold += 1,
            _ => {}
        }
        match answer {
            Some(Answer::NewInit) => self.initiate(who),
            Some(Answer::ActiveInit) => self.send(who, Network::Lossless),
            None => {}
        }
    }

    fn is_tainted(&self, flight: &Flight) -> bool {
        self.tainted.contains(&flight.sid)
    }

    /// A message that never was delivered may be refused only if its session is gone here, its chain is more than five
    /// chains behind, or its session is tainted (then the device begins anew, as after a RetryRequest).
    fn judge_refusal(&mut self, who: usize, flight: &Flight) {
        if self.is_tainted(flight) {
            // As an authenticated failure would make it do (B7.2), if nothing of it was ever delivered.
            if !self.ends[who].delivered.contains(&flight.id) && self.below(2) == 0 {
                self.initiate(who);
            }
            return;
        }
        let end = &self.ends[who];
        let known = end.delivered.contains(&flight.id);
        let gone = !end.sessions.contains_key(&flight.sid);
        let behind = end.chains.get(&flight.sid).is_some_and(|chains| {
            let at = chains.iter().position(|chain| *chain == flight.chain);
            at.is_none_or(|at| chains.len() - 1 - at > SKIP_CHAINS)
        });
        assert!(known || gone || behind, "seed {}: message {} could have been recovered", self.seed, flight.id);
    }

    /// Everything arrives, a few words go back and forth, and both sides are on one session.
    fn settle(&mut self) {
        for round in 0..24 {
            for who in 0..2 {
                while !self.queues[who].is_empty() {
                    self.deliver(who, Order::First);
                }
                self.clock += 1;
                if round < 20 {
                    self.send(who, Network::Lossless);
                }
            }
        }
        let active = |end: &Endpoint| end.placed.active().map(|session| session.sid);
        assert_eq!(active(&self.ends[0]), active(&self.ends[1]), "seed {}: not on one session", self.seed);
        for who in 0..2 {
            let id = self.sent;
            self.send(who, Network::Lossless);
            self.deliver(1 - who, Order::First);
            assert!(self.ends[1 - who].delivered.contains(&id), "seed {}: no word gets through", self.seed);
        }
    }
}

#[derive(Clone, Copy)]
enum Network {
    Lossy,
    Lossless,
}

#[derive(Clone, Copy)]
enum Order {
    Any,
    First,
}

#[test]
fn two_devices_lose_nothing_that_can_be_recovered_in_100_000_deliveries() {
    let mut total = Tallies::default();
    for seed in 0.. {
        let mut run = Run::new(seed);
        (0..STEPS).for_each(|_| run.step());
        run.settle();
        let Tallies { delivered, lost, reordered, duplicated, rolled_back, cloned, crossed, cold, refused } =
            run.tallies;
        total.delivered += delivered;
        total.lost += lost;
        total.reordered += reordered;
        total.duplicated += duplicated;
        total.rolled_back += rolled_back;
        total.cloned += cloned;
        total.crossed += crossed;
        total.cold += cold;
        total.refused += refused;
        if total.delivered >= 100_000 {
            break;
        }
    }
    println!("{total:?}");
    let Tallies { delivered: _, lost, reordered, duplicated, rolled_back, cloned, crossed, cold, refused } = total;
    let tried = [lost, reordered, duplicated, rolled_back, cloned, crossed, cold, refused];
    assert!(tried.iter().all(|count| *count > 0), "something was never tried: {total:?}");
}
