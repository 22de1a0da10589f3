//! A deterministic simulator: people, a service that loses answers, delays, reorders, doubles and forges, processes that
//! die, sources of randomness that fail, clocks that jump. From one seed always the same story.

mod tally;

use std::collections::{BTreeMap, BTreeSet};

pub use tally::Tally;

use carevow::{Access, ClientError, Delivery, Event, Operation, Outcome, Request, Response, StoreError};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use crate::failing::FailingRng;
use crate::keystore::SharedKeystore;
use crate::service::Mail;
use crate::world::{Person, World};

/// One story.
pub struct Simulation {
    world: World,
    dice: ChaCha20Rng,
    people: Vec<Actor>,
    /// Texts, by sender and recipient.
    sent: BTreeMap<(usize, usize), Vec<String>>,
    tally: Tally,
    trace: Vec<String>,
}

struct Actor {
    person: Person,
    pending: Vec<Request>,
    locked: bool,
}

/// What is kept of the trace.
const TRACE: usize = 200;

impl Simulation {
    /// `people` people who know each other.
    pub fn new(seed: u64, people: usize) -> Self {
        let mut world = World::new(seed);
        let mut actors: Vec<_> =
            (0..people).map(|_| Actor { person: world.person(), pending: Vec::new(), locked: false }).collect();
        let accounts: Vec<_> = actors.iter().map(|actor| actor.person.address.account).collect();
        for actor in &mut actors {
            for account in accounts.iter().filter(|account| **account != actor.person.address.account) {
                actor.person.client.add_contact(*account, world.now, &mut world.rng).unwrap();
            }
        }
        let dice = ChaCha20Rng::seed_from_u64(seed ^ 0x5eed);
        let (sent, tally, trace) = (BTreeMap::new(), Tally::default(), Vec::new());
        Self { world, dice, people: actors, sent, tally, trace }
    }

    /// Takes so many steps, then lets everything arrive, and looks whether all of it did.
    pub fn run(&mut self, steps: usize) -> Result<Tally, String> {
        for step in 0..steps {
            self.step().map_err(|error| self.failure(step, &error))?;
        }
        self.come_to_rest().map_err(|error| self.failure(steps, &error))?;
        self.judge().map_err(|error| self.failure(steps, &error))?;
        Ok(self.tally)
    }

    fn failure(&self, step: usize, error: &str) -> String {
        let trace = self.trace.join("\n");
        format!("{trace}\nstep {step}: {error}")
    }

    fn note(&mut self, what: String) {
        self.trace.push(what);
        if self.trace.len() > TRACE {
            self.trace.remove(0);
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.dice.next_u64() % bound.max(1) as u64) as usize
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.dice.next_u64() % 100 < percent
    }

    fn step(&mut self) -> Result<(), String> {
        let who = self.below(self.people.len());
        match self.below(100) {
            0..20 => self.send(who),
            20..45 => self.poll(who),
            45..70 => self.answer(who),
            70..88 => self.deliver(who),
            88..93 => self.time(),
            93..96 => self.crash(who),
            _ => self.lock(who),
        }
    }

    fn send(&mut self, who: usize) -> Result<(), String> {
        if self.people[who].locked {
            return Ok(());
        }
        let to = (who + 1 + self.below(self.people.len() - 1)) % self.people.len();
        let account = self.people[to].person.address.account;
        let texts = self.sent.entry((who, to)).or_default();
        let text = format!("{who} to {to}: {}", texts.len());
        let fails = self.dice.next_u64() % 100 < 5;
        let client = &mut self.people[who].person.client;
        if fails {
            let mut failing = FailingRng::after(self.dice.next_u64() % 20, &mut self.world.rng);
            match client.send_text(account, &text, None, self.world.now, &mut failing) {
                Err(ClientError::Store(StoreError::Random)) => {
                    self.tally.random_failures += 1;
                    return Ok(());
                }
                Ok(_) => {}
                Err(other) => return Err(format!("send: {other}")),
            }
        } else {
            client.send_text(account, &text, None, self.world.now, &mut self.world.rng).map_err(|e| e.to_string())?;
        }
        self.sent.entry((who, to)).or_default().push(text);
        self.tally.sent += 1;
        self.note(format!("{who} sends to {to}"));
        Ok(())
    }

    fn poll(&mut self, who: usize) -> Result<(), String> {
        if self.people[who].locked {
            return Ok(());
        }
        let actor = &mut self.people[who];
        let polled = actor.person.client.poll_request(self.world.now, &mut self.world.rng);
        if let Some(request) = polled.map_err(|error| format!("poll: {error}"))? {
            actor.pending.push(request);
        }
        Ok(())
    }

    fn answer(&mut self, who: usize) -> Result<(), String> {
        if self.people[who].locked || self.people[who].pending.is_empty() {
            return Ok(());
        }
        let at = self.below(self.people[who].pending.len());
        let request = self.people[who].pending.swap_remove(at);
        let response = match self.below(10) {
            0 => {
                self.tally.requests_lost += 1;
                Response::Failed
            }
            lost => {
                let done = self.perform(who, &request.operation);
                match lost {
                    1 => {
                        self.tally.answers_lost += 1;
                        Response::Failed
                    }
                    _ => done,
                }
            }
        };
        self.note(format!("{who}: {} is answered {}", name(&request.operation), answer_name(&response)));
        self.complete(who, &request, response)
    }

    fn perform(&mut self, who: usize, operation: &Operation) -> Response {
        let by = self.people[who].person.address;
        self.world.service.perform(by, operation, self.world.now.wall, &mut self.world.rng)
    }

    fn complete(&mut self, who: usize, request: &Request, response: Response) -> Result<(), String> {
        let client = &mut self.people[who].person.client;
        let completed = client.complete(request.id, response, self.world.now, &mut self.world.rng);
        completed.map_err(|error| format!("complete {}: {error}", name(&request.operation)))
    }

    fn deliver(&mut self, who: usize) -> Result<(), String> {
        let address = self.people[who].person.address;
        let mut mail = self.world.service.mail(address);
        if mail.is_empty() {
            return Ok(());
        }
        if mail.len() > 1 && self.chance(30) {
            let (one, other) = (self.below(mail.len()), self.below(mail.len()));
            mail.swap(one, other);
            self.tally.reordered += u64::from(one != other);
        }
        let take = 1 + self.below(mail.len());
        mail.truncate(take);
        if self.chance(20) {
            let again = mail[self.below(mail.len())].clone();
            mail.push(again);
            self.tally.doubled += 1;
        }
        let mut forged = BTreeSet::new();
        if self.chance(10) {
            let mut copy: Mail = mail[self.below(mail.len())].clone();
            let bit = self.below(copy.envelope.len() * 8);
            copy.envelope[bit / 8] ^= 1 << (bit % 8);
            let place = self.below(mail.len() + 1);
            mail.insert(place, copy);
            forged.insert(place);
            self.tally.forged += 1;
        }
        let deliveries: Vec<_> =
            mail.iter().map(|mail| Delivery { received: mail.received, envelope: &mail.envelope }).collect();
        let actor = &mut self.people[who];
        let received = actor.person.client.receive(&deliveries, self.world.now, &mut self.world.rng);
        let outcomes = received.map_err(|error| format!("receive: {error}"))?;
        self.tally.locked += if actor.locked { outcomes.len() as u64 } else { 0 };
        let locked = actor.locked;
        for (index, outcome) in outcomes.iter().enumerate() {
            if forged.contains(&index) && !locked && *outcome == Outcome::Accepted {
                return Err("a forged envelope was accepted".to_owned());
            }
        }
        self.note(format!("{who} gets {outcomes:?}"));
        let forget = !self.chance(15);
        for (index, mail) in mail.iter().enumerate().filter(|(index, _)| outcomes[*index].is_final() && forget) {
            if !forged.contains(&index) {
                self.world.service.acknowledge(address, &mail.envelope);
            }
        }
        Ok(())
    }

    fn time(&mut self) -> Result<(), String> {
        let ms = match self.below(20) {
            0 => 3_600_000,
            1 => 600_000,
            2 => {
                // The clock was wrong for a moment.
                let back = self.below(120_000) as u64;
                self.world.now.wall = self.world.now.wall.minus(back);
                self.tally.jumps_back += 1;
                return Ok(());
            }
            _ => self.below(60_000) as u64,
        };
        self.world.wait(ms);
        Ok(())
    }

    fn crash(&mut self, who: usize) -> Result<(), String> {
        self.tally.crashes += 1;
        self.note(format!("{who} dies"));
        self.people[who].pending.clear();
        self.people[who].locked = false;
        let outcomes = self.world.restart(&mut self.people[who].person);
        self.note(format!("{who} is back and takes {outcomes:?}"));
        Ok(())
    }

    fn lock(&mut self, who: usize) -> Result<(), String> {
        let actor = &mut self.people[who];
        if actor.locked {
            let access = Access::Platform(&SharedKeystore);
            let unlocked = actor.person.client.unlock(access, self.world.now, &mut self.world.rng);
            unlocked.map_err(|error| format!("unlock: {error}"))?;
        } else {
            actor.person.client.lock().map_err(|error| format!("lock: {error}"))?;
        }
        actor.locked = !actor.locked;
        let state = if actor.locked { "locks" } else { "unlocks" };
        self.note(format!("{who} {state}"));
        Ok(())
    }

    /// The service does what it should for as long as anything moves.
    fn come_to_rest(&mut self) -> Result<(), String> {
        for who in 0..self.people.len() {
            if self.people[who].locked {
                self.lock(who)?;
            }
            for request in core::mem::take(&mut self.people[who].pending) {
                let response = self.perform(who, &request.operation);
                self.complete(who, &request, response)?;
            }
        }
        // Retries wait for up to an hour and a half, receipts for half a minute, acknowledgements for 22 hours.
        for hours in [1, 1, 1, 1, 1, 1, 1, 1, 12, 12, 12] {
            for _ in 0..20 {
                let mut moved = false;
                for actor in &mut self.people {
                    moved |= !self.world.requests(&mut actor.person).is_empty();
                    let outcomes = self.world.mail(&mut actor.person);
                    moved |= !outcomes.is_empty();
                }
                if !moved {
                    break;
                }
            }
            self.world.wait(hours * 3_600_000);
        }
        Ok(())
    }

    /// Every message once at its recipient, and nothing else.
    fn judge(&mut self) -> Result<(), String> {
        for from in 0..self.people.len() {
            for to in (0..self.people.len()).filter(|to| *to != from) {
                let mut expected = self.sent.get(&(from, to)).cloned().unwrap_or_default();
                let (one, other) = (from.min(to), from.max(to));
                let (left, right) = self.people.split_at_mut(other);
                let (reader, writer) =
                    if to < from { (&mut left[one], &mut right[0]) } else { (&mut right[0], &mut left[one]) };
                let texts = reader.person.texts(&writer.person, &mut self.world);
                let prefix = format!("{from} to ");
                let mut got: Vec<_> = texts.into_iter().filter(|text| text.starts_with(&prefix)).collect();
                got.sort();
                expected.sort();
                if got != expected {
                    let missing: Vec<_> = expected.iter().filter(|text| !got.contains(text)).collect();
                    return Err(format!(
                        "{from} to {to}: {} of {} came, missing {missing:?}",
                        got.len(),
                        expected.len()
                    ));
                }
            }
        }
        for (who, actor) in self.people.iter_mut().enumerate() {
            let events = actor.person.events();
            if let Some(alarm) =
                events.iter().find(|event| matches!(event, Event::PossibleClone(_) | Event::HeldDropped))
            {
                return Err(format!("{who} was told {alarm:?}"));
            }
        }
        Ok(())
    }
}

fn name(operation: &Operation) -> &'static str {
    match operation {
        Operation::PublishManifest(_) => "publish manifest",
        Operation::PublishPrekeys(_) => "publish prekeys",
        Operation::CountPrekeys => "count prekeys",
        Operation::FetchCertificate => "fetch certificate",
        Operation::FetchRevocations => "fetch revocations",
        Operation::FetchManifest(_) => "fetch manifest",
        Operation::FetchManifests(..) => "fetch manifests",
        Operation::FetchBundles(..) => "fetch bundles",
        Operation::Submit(_) => "submit",
        Operation::FetchBox(_) | Operation::AppendBox(..) => "box",
    }
}

fn answer_name(response: &Response) -> &'static str {
    match response {
        Response::Done => "done",
        Response::PrekeysLeft { .. } => "prekeys left",
        Response::Certificate { .. } => "certificate",
        Response::Revocations(_) => "revocations",
        Response::Manifest(_) => "manifest",
        Response::Manifests(_) => "manifests",
        Response::Bundles(_) => "bundles",
        Response::Box(_) => "box",
        Response::Failed => "failed",
        Response::NotFound => "not found",
    }
}
