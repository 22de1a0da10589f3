//! Sessions between Alice and Bob, the same in every run.

use std::sync::LazyLock;

use carevow_core::DecryptError;
use carevow_core::handshake::{Generation, InitMessage};
use carevow_core::ratchet::{LaneOffer, Opened, Outgoing, SendOptions, Session, SessionMessage};

use crate::world::{NOW, WORLD, rng};

/// What Alice's first message made.
pub struct Hello {
    /// Her session, unconfirmed.
    pub alice: Session,
    /// The INIT.
    pub init: Vec<u8>,
    /// The same, to be sealed.
    pub outgoing: Outgoing,
}

/// Alice's first message.
pub static HELLO: LazyLock<Hello> = LazyLock::new(|| {
    let session = Session::initiate(&WORLD.alice.device, WORLD.fresh_bundle(), Generation::FIRST, NOW, &mut rng(1));
    let session = session.expect("a verified bundle makes a session");
    let (outgoing, alice) = send(&session, b"hello", SendOptions::CLINICAL, 2);
    Hello { alice, init: outgoing.as_bytes().to_vec(), outgoing }
});

/// A message and what it says.
pub struct Honest {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What is in it.
    pub content: &'static [u8],
}

/// A confirmed session, with messages on their way to Bob.
pub struct Conversation {
    /// Alice, who sent all of them.
    pub alice: Session,
    /// Bob, who has skipped two messages of the current chain and not seen the next one.
    pub bob: Session,
    /// 0, 1: skipped. 2, 3: next in the chain. 4, 5: of the next chain, with a lane offer. The last two do not open:
    /// 6 was opened before, 7 is of another session.
    pub messages: Vec<Honest>,
    /// How many of them open.
    pub fresh: usize,
}

/// The conversation of all runs.
pub static CONVERSATION: LazyLock<Conversation> = LazyLock::new(|| {
    let mut alice = copy(&HELLO.alice);
    let mut bob = accept(&HELLO.init).expect("an honest INIT");
    let mut said = Vec::new();
    let mut say = |alice: &mut Session, content: &'static [u8], options| {
        let (message, next) = send(alice, content, options, 100 + said.len() as u64);
        *alice = next;
        said.push(Honest { bytes: message.as_bytes().to_vec(), content });
        said.len() - 1
    };
    let (back, next) = send(&bob, b"hello back", SendOptions::CLINICAL, 3);
    bob = next;
    alice = open(&alice, back.as_bytes()).expect("honest").1;
    let lane = SendOptions { offer: LaneOffer::Now, ..SendOptions::COMPACT };
    for content in [&b"one"[..], b"two", b"three", b"four", b""] {
        say(&mut alice, content, SendOptions::COMPACT);
    }
    bob = open(&bob, &said[2].bytes).expect("honest").1;
    let (back, next) = send(&bob, b"go on", lane, 4);
    bob = next;
    alice = open(&alice, back.as_bytes()).expect("honest").1;
    let mut say = |alice: &mut Session, content: &'static [u8], options| {
        let (message, next) = send(alice, content, options, 100 + said.len() as u64);
        *alice = next;
        said.push(Honest { bytes: message.as_bytes().to_vec(), content });
    };
    say(&mut alice, b"five", lane);
    say(&mut alice, b"six", SendOptions::CLINICAL);
    let opened = said.remove(2);
    let fresh = said.len();
    said.push(opened);
    said.push(Honest { bytes: back.as_bytes().to_vec(), content: b"go on" });
    Conversation { alice, bob, messages: said, fresh }
});

/// Encrypts with its own seed.
pub fn send(session: &Session, content: &[u8], options: SendOptions, seed: u64) -> (Outgoing, Session) {
    session.encrypt(content, options, NOW, &mut rng(seed)).expect("a session that sends")
}

/// Opens a message.
pub fn open(session: &Session, bytes: &[u8]) -> Result<(Opened, Session), DecryptError> {
    session.decrypt(&SessionMessage::parse(bytes)?, NOW)
}

/// Bob accepts an INIT of Alice.
pub fn accept(bytes: &[u8]) -> Result<Session, DecryptError> {
    let from = WORLD.initiator();
    let accepted = InitMessage::parse(bytes)?.accept(WORLD.bob.recipient(), from, WORLD.bob.prekeys(), NOW)?;
    Ok(accepted.session)
}

/// The same session once more, through its stored form.
pub fn copy(session: &Session) -> Session {
    let bytes = session.to_bytes();
    let copy = Session::from_bytes(&bytes).expect("what was written");
    assert!(*copy.to_bytes() == *bytes, "a state is read back as another one");
    copy
}
