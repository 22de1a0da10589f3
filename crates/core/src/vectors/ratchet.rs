//! A scripted conversation: `docs/protocol.md` B6.

use zeroize::Zeroizing;

use super::area::Area;
use super::bytes::{cut, flipped, longer, written};
use super::cast::{MADE, Offer, Person};
use super::handshake::begun;
use super::lanes::lane_secret;
use super::node::{Fields, fields};
use super::script::ScriptedRng;
use super::trace::{self, State};
use crate::envelope::padding::PaddingProfile;
use crate::handshake::INIT_HEADER_BYTES;
use crate::primitives::{MlKem768PublicKey, PublicKey as _};
use crate::ratchet::{LaneOffer, SendOptions, Session, SessionMessage};
use crate::time::Timestamp;

/// Who acts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Alice,
    Bob,
}
use Who::{Alice, Bob};

impl Who {
    const fn name(self) -> &'static str {
        match self {
            Self::Alice => "alice",
            Self::Bob => "bob",
        }
    }
}

/// A message that was sent and its place in the conversation.
struct Talk {
    alice: Session,
    bob: Session,
    now: Timestamp,
}

const NOW_LANES: SendOptions = SendOptions { offer: LaneOffer::Now, ..SendOptions::COMPACT };
const WIDE: SendOptions = SendOptions { minimum_body: 3_072, ..SendOptions::CLINICAL };

pub(super) fn area() -> Area {
    let mut area = Area::new("ratchet");
    let (alice, bob) = (Person::alice(), Person::bob());
    let begun = begun(&alice, &bob, Offer::OneTime, "conversation");
    let accepted = bob.accept(&begun.init, &alice, Offer::OneTime).unwrap();
    let (a, b) = (begun.session.to_bytes(), accepted.session.to_bytes());
    let output = fields! { "alice_state" => a.as_slice(), "bob_state" => b.as_slice() };
    let comment =
        "Alice is the initiator. After her INIT was accepted; `init` is its bytes. Later cases go on from here.";
    area.gives("00 start", comment, fields! { "init" => &begun.init }, output);
    let mut talk = Talk { alice: begun.session, bob: accepted.session, now: MADE.plus(2_000) };
    converse(&mut area, &mut talk);
    refused(&mut area, &talk);
    area
}

fn converse(area: &mut Area, talk: &mut Talk) {
    let m1 = talk.sends(area, 1, Bob, b"bob answers, and offers his lane", NOW_LANES);
    talk.hears(area, "01 delivered", Alice, &m1);
    // Alice's chain has begun before Bob's answer came: her next one mixes.
    let m2 = talk.sends(area, 2, Alice, b"alice begins a new chain", SendOptions::COMPACT);
    let m3 = talk.sends(area, 3, Alice, b"second of the chain", SendOptions::COMPACT);
    let m4 = talk.sends(area, 4, Alice, b"third of the chain", SendOptions::COMPACT);
    talk.hears(area, "04 before 02 and 03: two keys are skipped", Bob, &m4);
    talk.hears(area, "02 late: a skipped key of the current chain", Bob, &m2);
    talk.refuses(area, "02 again: Duplicate", Bob, &m2);
    let m5 = talk.sends(area, 5, Bob, b"bob's new chain", SendOptions::COMPACT);
    talk.hears(area, "05 delivered", Alice, &m5);
    let m6 = talk.sends(area, 6, Alice, b"", SendOptions::COMPACT);
    talk.hears(area, "06 delivered: content_len 0, nothing is shown", Bob, &m6);
    talk.hears(area, "03 late: a skipped key of an older chain", Bob, &m3);
    talk.refuses(area, "03 again: its header key is gone", Bob, &m3);
    let m7 = talk.sends(area, 7, Bob, b"clinical padding", SendOptions::CLINICAL);
    talk.hears(area, "07 delivered", Alice, &m7);
    let m8 = talk.sends(area, 8, Alice, &[0x61; 400], SendOptions::CLINICAL);
    talk.hears(area, "08 delivered", Bob, &m8);
    let m9 = talk.sends(area, 9, Bob, b"as wide as SenderInfo", WIDE);
    let m10 = talk.sends(area, 10, Bob, b"one more, lost", NOW_LANES);
    talk.hears(area, "09 delivered", Alice, &m9);
    let m11 = talk.sends(area, 11, Alice, b"answers the first of two", NOW_LANES);
    talk.hears(area, "11 delivered", Bob, &m11);
    let m12 = talk.sends(area, 12, Bob, b"pn counts the lost one", SendOptions::COMPACT);
    talk.hears(area, "12 delivered: the rest of the old chain is skipped", Alice, &m12);
    talk.hears(area, "10 late", Alice, &m10);
    let m13 = talk.sends(area, 13, Alice, b"both lanes go on", NOW_LANES);
    talk.hears(area, "13 delivered", Bob, &m13);
}

impl Talk {
    const fn session(&self, who: Who) -> &Session {
        match who {
            Alice => &self.alice,
            Bob => &self.bob,
        }
    }

    fn replace(&mut self, who: Who, next: Session) {
        match who {
            Alice => self.alice = next,
            Bob => self.bob = next,
        }
    }

    fn sends(&mut self, area: &mut Area, number: u32, who: Who, content: &[u8], options: SendOptions) -> Vec<u8> {
        self.now = self.now.plus(1_000);
        let mut rng = ScriptedRng::named(&format!("conversation message {number}"));
        let before = self.session(who).to_bytes();
        let (outgoing, next) = self.session(who).encrypt(content, options, self.now, &mut rng).unwrap();
        let after = next.to_bytes();
        let wire = outgoing.as_bytes().to_vec();
        let message = if wire[0] == 0x31 { wire[INIT_HEADER_BYTES..].to_vec() } else { wire.clone() };
        let (random, m) = random_described(&before, rng.into_draws());
        let trace::Sent { root, inside } = trace::sent(&before, &after, &message);
        let input = fields! {
            "sender" => who.name(),
            "state" => before.as_slice(),
            "content" => content,
            "options" => options_described(options),
            "now_ms" => self.now,
            "random" => random,
        };
        let output = fields! {
            "wire" => &wire, "state" => after.as_slice(), "root_step" => root, "inside" => inside,
            "lane_answer" => answered(&before, &after, &m),
        };
        area.gives(format!("{number:02} sent by {}", who.name()), "", input, output);
        self.replace(who, next);
        message
    }

    fn hears(&mut self, area: &mut Area, name: &str, who: Who, message: &[u8]) {
        let (input, result) = self.opens(who, message);
        let (content, next) = result.unwrap();
        let output = fields! { "content" => content, "state" => next.to_bytes().as_slice() };
        area.gives(name, "", input, output);
        self.replace(who, next);
    }

    fn refuses(&self, area: &mut Area, name: &str, who: Who, message: &[u8]) {
        let (input, result) = self.opens(who, message);
        area.fails(name, "The state does not change.", input, format!("{:?}", result.err().unwrap()));
    }

    fn opens(&self, who: Who, message: &[u8]) -> (Fields, Result<(Vec<u8>, Session), crate::DecryptError>) {
        let now = self.now.plus(500);
        let session = self.session(who);
        let input = fields! {
            "receiver" => who.name(), "state" => session.to_bytes().as_slice(), "message" => message, "now_ms" => now,
        };
        let result = SessionMessage::parse(message)
            .and_then(|message| session.decrypt(&message, now))
            .map(|(opened, next)| (opened.content().to_vec(), next));
        (input, result)
    }
}

fn options_described(options: SendOptions) -> Fields {
    fields! {
        "profile" => if options.profile == PaddingProfile::Clinical { "clinical" } else { "compact" },
        "minimum_body" => options.minimum_body,
        "lane_offer" => if options.offer == LaneOffer::Now { "now" } else { "by policy" },
    }
}

/// Names the draws of one message: header nonce; DH seed if a send step was needed; lane seed; m if the peer asked.
fn random_described(before: &[u8], draws: Vec<Vec<u8>>) -> (Fields, Vec<u8>) {
    let state = State::read(before);
    let mut draws = draws.into_iter().peekable();
    let nonce = draws.next();
    let dh = (state.number(14) == 1).then(|| draws.next().unwrap());
    let offer = draws.next_if(|draw| draw.len() == 64);
    let m = (state.message(17).number(1) == 2).then(|| draws.next().unwrap());
    assert!(draws.next().is_none());
    let fields =
        fields! { "header_nonce" => nonce, "dh_seed" => dh, "offer_seed" => offer, "encapsulation_m" => m.clone() };
    (fields, m.unwrap_or_default())
}

/// The answer to the peer's offer, if one was made with this message.
fn answered(before: &[u8], after: &[u8], m: &[u8]) -> Option<Fields> {
    let m = Zeroizing::new(<[u8; 32]>::try_from(m).ok()?);
    let (state, asked, pending) =
        (State::read(before), State::read(before).message(17), State::read(after).message(17));
    let ek = MlKem768PublicKey::from_raw(asked.bytes(3)).unwrap();
    let (ct, ss) = ek.encapsulate(&m).unwrap();
    // The lane is the peer's.
    let owner = u8::from(state.number(3) == 1);
    let k = lane_secret(&ss, &state.key(2), owner, asked.number(2), ek.as_bytes(), ct.as_bytes());
    assert_eq!((pending.bytes(5), pending.bytes(6)), (ct.as_bytes().as_slice(), k.as_slice()));
    Some(
        fields! { "lane_owner_dir" => u32::from(owner), "e" => asked.number(2), "ct" => ct.as_bytes(), "ss" => &*ss, "k" => k },
    )
}

/// One message of Bob's, and what must not open.
fn refused(area: &mut Area, talk: &Talk) {
    let mut rng = ScriptedRng::named("refused message");
    let (outgoing, _) = talk.bob.encrypt(b"control", SendOptions::COMPACT, talk.now, &mut rng).unwrap();
    let honest = outgoing.as_bytes().to_vec();
    let mut judge = |name: &str, message: &[u8]| {
        let (input, result) = talk.opens(Alice, message);
        let result = result.map(|(content, next)| {
            fields! { "content" => content, "state" => next.to_bytes().as_slice() }
        });
        area.judged(format!("refused: {name}"), "The state does not change.", input, result);
    };
    judge("type", &written(&honest, 0, &[0x04]));
    judge("version", &written(&honest, 1, &[0x02]));
    judge("header nonce flipped", &flipped(&honest, 2));
    judge("header flipped", &flipped(&honest, 14));
    judge("com flipped", &flipped(&honest, 78));
    judge("body flipped", &flipped(&honest, 110));
    judge("tag flipped", &flipped(&honest, honest.len() - 1));
    judge("one byte short", &cut(&honest));
    judge("one byte long", &longer(&honest));
    judge("shorter than any message", &honest[..125]);
    judge("type only", &honest[..1]);
    judge("empty", &[]);
    let forger = Forger::of(&talk.bob, talk.now);
    for (name, body) in bodies() {
        judge(&format!("body with {name}, rightly sealed"), &forger.message(&forger.header, &body));
    }
    for (name, offset, bytes) in HEADERS {
        let header = written(&forger.header, *offset, bytes);
        judge(&format!("header with {name}, rightly sealed"), &forger.message(&header, &PLAIN));
    }
    let twice = written(&forger.header, 4, State::read(&talk.alice.to_bytes()).bytes(8));
    judge("header with the DH key of the chain before, rightly sealed", &forger.message(&twice, &PLAIN));
    judge("control, a body without padding", &forger.message(&forger.header, &PLAIN));
    judge("control, unchanged", &honest);
}

/// A body of one byte of content, without padding.
const PLAIN: [u8; 7] = [1, 0, 0, 0, 0, 1, 0x61];

/// What is written where in the 48 bytes of a header.
const HEADERS: &[(&str, usize, &[u8])] = &[
    ("another version", 0, &[2]),
    ("a reserved byte", 1, &[1]),
    ("a reserved word", 3, &[1]),
    ("a DH key that is not canonical", 4, &[0xff; 32]),
    ("a DH key of small order", 4, &[0; 32]),
    ("n of 2^24", 40, &[1, 0, 0, 0]),
    ("n of 25 001", 40, &[0, 0, 0x61, 0xa9]),
    ("a mix_epoch that is not pending", 44, &[0, 0, 0, 0x63]),
];

fn bodies() -> Vec<(&'static str, Vec<u8>)> {
    let lane = |flag: u8, epoch: u32, length: usize| {
        [&[1, flag][..], &epoch.to_be_bytes(), &vec![0; length], &[0; 4]].concat()
    };
    let mut unreduced = lane(0b01, 2, 1184);
    unreduced[6..8].copy_from_slice(&[0xff, 0xff]);
    vec![
        ("another first byte", vec![2, 0, 0, 0, 0, 1, 0x61]),
        ("an unknown flag", vec![1, 4, 0, 0, 0, 1, 0x61]),
        ("content_len beyond the end", vec![1, 0, 0, 0, 0, 2, 0x61]),
        ("padding that is not zero", vec![1, 0, 0, 0, 0, 1, 0x61, 0, 1]),
        ("nothing", Vec::new()),
        ("ek of epoch 0", lane(0b01, 0, 1184)),
        ("ek far ahead", lane(0b01, 1_000, 1184)),
        ("ek that is not reduced", unreduced),
        ("ek cut off", lane(0b01, 2, 1000)),
        ("ct of epoch 0", lane(0b10, 0, 1088)),
        ("ct ahead of the offer", lane(0b10, 1_000, 1088)),
    ]
}

/// A peer that seals what an honest one never would, with the keys of its next message.
struct Forger {
    before: Vec<u8>,
    after: Vec<u8>,
    message: Vec<u8>,
    header: Vec<u8>,
}

impl Forger {
    fn of(sender: &Session, now: Timestamp) -> Self {
        let mut rng = ScriptedRng::named("forged message");
        let (outgoing, next) = sender.encrypt(b"", SendOptions::COMPACT, now, &mut rng).unwrap();
        let (before, after) = (sender.to_bytes().to_vec(), next.to_bytes().to_vec());
        let message = outgoing.as_bytes().to_vec();
        let header = trace::header(&after, &message);
        Self { before, after, message, header }
    }

    fn message(&self, header: &[u8], body: &[u8]) -> Vec<u8> {
        trace::resealed(&self.before, &self.after, &self.message, header, body)
    }
}
