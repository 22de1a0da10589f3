//! Two ends and the network between them.

use carevow_core::envelope::padding::PaddingProfile;
use carevow_core::ratchet::{LaneEpochs, LaneOffer, SendOptions};
use carevow_core::time::Timestamp;

use crate::counts::Counts;
use crate::end::{Delivered, End, Form, Manner};
use crate::forged;
use crate::network::{Flight, Line, Network};
use crate::person::MADE;
use crate::random::Random;

/// The body of a message with SenderInfo has at least as many bytes (B8).
const SENDER_INFO_BODY: usize = 3_072;
const CONTENT_BYTES: usize = 262_144;

pub struct Conversation {
    /// The initiator first.
    pub ends: [Box<dyn End>; 2],
    pub counts: [Counts; 2],
    /// What flies towards each end.
    lines: [Line; 2],
    /// The number of the newest message that each end opened.
    newest: [Option<u32>; 2],
    random: Random,
    now: Timestamp,
    sent: u32,
}

impl Conversation {
    /// The responder's bundle is fetched, verified, and the first message leaves.
    pub fn begin(mut ends: [Box<dyn End>; 2], random: Random) -> Self {
        let now = MADE.plus(10_000);
        let bundle = ends[1].bundle();
        ends[0].connect(&bundle, now);
        let mut conversation = Self {
            ends,
            counts: Default::default(),
            lines: Default::default(),
            newest: [None; 2],
            random,
            now,
            sent: 0,
        };
        conversation.send(0, b"the first words", plain(), Network::Perfect);
        conversation.deliver(1, Network::Perfect);
        assert_eq!(conversation.counts[1].of("opened INIT"), 1);
        conversation
    }

    /// The responder learns the initiator's ENV record, and can seal from then on.
    pub fn introduce(&mut self, to: usize) {
        let record = self.ends[1 - to].person().env_record();
        self.ends[to].learn_env(&record, self.now);
    }

    /// Both say something, `times` times, over this network.
    pub fn turns(&mut self, times: usize, network: Network) {
        for _ in 0..times {
            for who in [0, 1] {
                for _ in 0..1 + self.random.below(4) {
                    let (content, manner) = (self.content(), self.manner());
                    self.send(who, &content, manner, network);
                }
                self.deliver(1 - who, network);
            }
        }
    }

    /// Nothing is lost or late any more; in the end both know of the same lanes.
    pub fn settle(&mut self) {
        self.turns(4, Network::Perfect);
        let [one, other] = [0, 1].map(|who| self.ends[who].device().active().lane_epochs());
        // What the second said last has arrived, so it knows of the first's lane all that there is to know.
        assert_eq!(one.peer, other.own);
        assert!(one.own - other.peer <= 1);
    }

    /// The lanes that each end's root key has taken in, as it counts them.
    pub fn count_lanes(&mut self) {
        for who in [0, 1] {
            let LaneEpochs { own, peer } = self.ends[who].device().active().lane_epochs();
            self.counts[who].add_many("own lanes mixed", own);
            self.counts[who].add_many("peer's lanes mixed", peer);
            assert!(own >= 3 && peer >= 3, "{own} own lanes and {peer} of the peer");
        }
    }

    /// The longest content, which no lane fits beside for free.
    pub fn longest_content(&mut self) {
        for who in [0, 1] {
            let content = self.random.bytes(CONTENT_BYTES);
            self.send(who, &content, plain(), Network::Perfect);
            self.deliver(1 - who, Network::Perfect);
        }
    }

    /// What only a peer can make wrong is refused alike, and is remembered because its tag was right.
    pub fn forge(&mut self) {
        for who in [0, 1] {
            for (inside, error) in forged::insides(&mut self.random) {
                let envelope = self.ends[1 - who].device().seal(&inside, self.now, &mut self.random);
                self.refused(who, &envelope, &[error], "forged");
                self.refused(who, &envelope, &["Duplicate"], "repeated");
            }
        }
    }

    /// The former responder makes a session the other way round, with the former initiator's bundle.
    pub fn begin_again(&mut self) {
        self.lines.swap(0, 1);
        self.newest.swap(0, 1);
        self.counts.swap(0, 1);
        self.ends.swap(0, 1);
        let inits = self.counts[1].of("opened INIT");
        let bundle = self.ends[1].bundle();
        self.ends[0].connect(&bundle, self.now);
        self.send(0, b"the other way round", plain(), Network::Perfect);
        self.deliver(1, Network::Perfect);
        assert_eq!(self.counts[1].of("opened INIT"), inits + 1);
        for end in &self.ends {
            assert_eq!(end.device().sessions.len(), 2);
            assert_eq!(end.device().active().generation().as_u32(), 2);
        }
    }

    /// Each end is played by the other implementation from now on, with the sessions that were stored.
    pub fn exchange(self) -> Self {
        Self { ends: self.ends.map(End::exchanged), ..self }
    }

    /// This content, from one end to the other; it arrives.
    pub fn carry(&mut self, who: usize, content: &[u8]) {
        self.send(who, content, plain(), Network::Perfect);
        self.deliver(1 - who, Network::Perfect);
    }

    fn content(&mut self) -> Vec<u8> {
        let length = match self.random.below(10) {
            0 => 0,
            1..6 => 1 + self.random.below(400),
            6..9 => self.random.below(2_000),
            _ => self.random.below(9_000),
        };
        self.random.bytes(length)
    }

    fn manner(&mut self) -> Manner {
        let profile = if self.random.once_in(2) { PaddingProfile::Clinical } else { PaddingProfile::Compact };
        let minimum_body = if self.random.once_in(10) { SENDER_INFO_BODY } else { 0 };
        let offer = if self.random.once_in(4) { LaneOffer::Now } else { LaneOffer::ByPolicy };
        Manner { options: SendOptions { profile, minimum_body, offer }, sealed: self.random.once_in(4) }
    }

    fn send(&mut self, who: usize, content: &[u8], manner: Manner, network: Network) {
        self.now = self.now.plus(200 + self.random.below(30_000) as u64);
        let manner = Manner { sealed: manner.sealed && self.ends[who].device().env.is_some(), ..manner };
        let envelope = self.ends[who].send(content, manner, self.now);
        self.sent += 1;
        let counts = &mut self.counts[who];
        counts.add("sent");
        counts.add(if manner.is_compact() { "compact" } else { "clinical" });
        for (happened, what) in [
            (content.is_empty(), "empty"),
            (manner.options.minimum_body > 0, "with SenderInfo's size"),
            (manner.offers_now(), "lane asked for"),
        ] {
            counts.add_many(what, happened.into());
        }
        if network == Network::Bad && self.random.once_in(8) {
            counts.add("lost");
        } else {
            self.lines[1 - who].push(Flight::new(self.sent, envelope, content.to_vec()));
        }
    }

    fn deliver(&mut self, who: usize, network: Network) {
        for flight in self.lines[who].arriving(network, &mut self.random) {
            if self.random.once_in(3) {
                let (altered, error) = flight.altered(&mut self.random);
                self.refused(who, &altered, &[error], "altered");
            }
            self.opened(who, &flight);
            if self.random.once_in(3) {
                // The last skipped key of an old chain takes its header key with it (B6.1).
                let known: &[_] = if flight.is_sealed() { &["Duplicate"] } else { &["Duplicate", "NoSession"] };
                self.refused(who, &flight.envelope, known, "repeated");
            }
        }
    }

    fn opened(&mut self, who: usize, flight: &Flight) {
        let Delivered { content, form } = self.ends[who]
            .open(&flight.envelope, self.now)
            .unwrap_or_else(|error| panic!("message {}: {error}", flight.number));
        assert!(content == flight.content, "message {} is another one", flight.number);
        let counts = &mut self.counts[who];
        counts.add("opened");
        counts.add(match form {
            Form::Init => "opened INIT",
            Form::SealedSession => "opened SEALED SESSION",
            Form::Session => "opened SESSION",
        });
        assert_eq!(flight.is_sealed(), form != Form::Session);
        counts.add_many("opened late", (self.newest[who] > Some(flight.number)).into());
        self.newest[who] = self.newest[who].max(Some(flight.number));
    }

    fn refused(&mut self, who: usize, envelope: &[u8], expected: &[&str], why: &str) {
        let error = self.ends[who].open(envelope, self.now).unwrap_err();
        assert!(expected.contains(&error.as_str()), "{why}: {error} instead of {expected:?}");
        self.counts[who].add(&format!("{why}: {error}"));
    }
}

/// Clinical, by policy, bare once the session is confirmed.
const fn plain() -> Manner {
    Manner { options: SendOptions::CLINICAL, sealed: false }
}
