//! People with clients, and the service between them, in one process.

use carevow::{Access, Client, Config, Delivery, Event, Now, Operation, Outcome, Policy};
use carevow_core::identity::DeviceKind;
use carevow_core::{DeviceAddress, Timestamp};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use tempfile::TempDir;

use crate::keystore::SharedKeystore;
use crate::service::{Mail, Service};

/// When the stories begin.
const BEGINNING: u64 = 1_790_000_000_000;

/// A device in a folder of its own.
pub struct Person {
    /// Where its store is.
    pub folder: TempDir,
    /// What the app holds.
    pub client: Client,
    /// Its mailbox.
    pub address: DeviceAddress,
}

/// The stage.
pub struct World {
    /// Both clocks.
    pub now: Now,
    /// Randomness, from a seed.
    pub rng: ChaCha20Rng,
    /// The service.
    pub service: Service,
}

impl World {
    /// A service and nobody yet.
    pub fn new(seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let now = Now { wall: Timestamp::from_millis(BEGINNING), boot_ms: 1_000 };
        let service = Service::new(now.wall, &mut rng);
        Self { now, rng, service }
    }

    /// What clients are configured with: they never lock by themselves.
    pub fn config(&self) -> Config {
        Config { roots: self.service.roots(), policy: Policy { idle_ms: u64::MAX } }
    }

    /// A person with a new account, published.
    pub fn person(&mut self) -> Person {
        let folder = folder();
        let place = folder.path().join("store");
        let access = Access::Platform(&SharedKeystore);
        let config = self.config();
        let created = Client::create(&place, access, DeviceKind::Mobile, config, self.now, &mut self.rng);
        let mut client = created.unwrap();
        let address = client.address(self.now, &mut self.rng).unwrap();
        let mut person = Person { folder, client, address };
        self.requests(&mut person);
        person
    }

    /// Opens the store of a person again, as a process does that was killed.
    pub fn restart(&mut self, person: &mut Person) -> Vec<Outcome> {
        let place = person.folder.path().join("store");
        person.client = Client::open(&place, self.config(), None).unwrap();
        person.client.unlock(Access::Platform(&SharedKeystore), self.now, &mut self.rng).unwrap()
    }

    /// Lets time pass.
    pub fn wait(&mut self, ms: u64) {
        self.now = Now { wall: self.now.wall.plus(ms), boot_ms: self.now.boot_ms.saturating_add(ms) };
    }

    /// Carries out everything that a client asks for; what it asked.
    pub fn requests(&mut self, person: &mut Person) -> Vec<Operation> {
        let mut asked = Vec::new();
        while let Some(request) = person.client.poll_request(self.now, &mut self.rng).unwrap() {
            let response = self.service.perform(person.address, &request.operation, self.now.wall, &mut self.rng);
            person.client.complete(request.id, response, self.now, &mut self.rng).unwrap();
            asked.push(request.operation);
        }
        asked
    }

    /// Brings a client what its mailbox has, and has forgotten what it is done with.
    pub fn mail(&mut self, person: &mut Person) -> Vec<Outcome> {
        let mail = self.service.mail(person.address);
        let deliveries: Vec<_> =
            mail.iter().map(|mail| Delivery { received: mail.received, envelope: &mail.envelope }).collect();
        let outcomes = person.client.receive(&deliveries, self.now, &mut self.rng).unwrap();
        for (mail, _) in mail.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_final()) {
            self.service.acknowledge(person.address, &mail.envelope);
        }
        outcomes
    }

    /// Requests and mail of all, until nothing moves.
    pub fn settle(&mut self, people: &mut [&mut Person]) {
        for _ in 0..100 {
            let mut moved = false;
            for person in people.iter_mut() {
                moved |= !self.requests(person).is_empty();
                moved |= !self.mail(person).is_empty();
            }
            if !moved {
                return;
            }
        }
        panic!("it never ends");
    }
}

/// In memory, where the system has such a place: a story writes much, and none of it lasts.
fn folder() -> TempDir {
    let memory = std::path::Path::new("/dev/shm");
    let builder = tempfile::Builder::new();
    match memory.is_dir() {
        true => builder.tempdir_in(memory).or_else(|_| tempfile::tempdir()).unwrap(),
        false => tempfile::tempdir().unwrap(),
    }
}

impl Person {
    /// What it was told since this was last asked.
    pub fn events(&mut self) -> Vec<Event> {
        core::iter::from_fn(|| self.client.poll_event()).collect()
    }

    /// The texts of its conversation with another person, in order.
    pub fn texts(&mut self, other: &Self, world: &mut World) -> Vec<String> {
        let conversation = carevow_core::content::pair_id(&self.address.account, &other.address.account);
        let messages = self.client.messages(conversation, 0..u64::MAX, world.now, &mut world.rng).unwrap();
        messages.iter().filter_map(|message| message.text().map(str::to_owned)).collect()
    }

    /// Sends a text.
    pub fn says(&mut self, to: &Self, text: &str, world: &mut World) -> carevow::Sent {
        self.client.send_text(to.address.account, text, None, world.now, &mut world.rng).unwrap()
    }
}

impl World {
    /// Two people who know each other, and between whose devices there is a confirmed session.
    pub fn acquainted(&mut self) -> (Person, Person) {
        let (mut one, mut other) = (self.person(), self.person());
        let (a, b) = (one.address.account, other.address.account);
        one.client.add_contact(b, self.now, &mut self.rng).unwrap();
        other.client.add_contact(a, self.now, &mut self.rng).unwrap();
        one.says(&other, "hello", self);
        self.settle(&mut [&mut one, &mut other]);
        other.says(&one, "hello to you", self);
        self.settle(&mut [&mut one, &mut other]);
        self.wait(60_000);
        self.settle(&mut [&mut one, &mut other]);
        one.events();
        other.events();
        (one, other)
    }

    /// Takes everything out of a mailbox.
    pub fn steal(&mut self, person: &Person) -> Vec<Mail> {
        let mail = self.service.mail(person.address);
        mail.iter().for_each(|mail| self.service.acknowledge(person.address, &mail.envelope));
        mail
    }

    /// Brings a client these envelopes.
    pub fn bring(&mut self, person: &mut Person, mail: &[Mail]) -> Vec<Outcome> {
        let deliveries: Vec<_> =
            mail.iter().map(|mail| Delivery { received: mail.received, envelope: &mail.envelope }).collect();
        person.client.receive(&deliveries, self.now, &mut self.rng).unwrap()
    }
}
