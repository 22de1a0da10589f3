//! Messages of a session, and its stored state: `docs/protocol.md` B6.

use carevow_core::ratchet::{SendOptions, Session, SessionMessage};
use carevow_core::wire::v1;
use prost::Message as _;

use crate::conversation::{CONVERSATION, HELLO, copy, open, send};
use crate::input::{Input, edit};
use crate::world::NOW;
use crate::{Depth, Seed, Target};

/// Raw bytes, or one of the messages of [`CONVERSATION`] with edits, to a session that waits for it.
pub const DECRYPT: Target = Target {
    name: "decrypt",
    run: decrypt,
    deepest: 4,
    success: "opened; the next state is stored, read back, and its answer opens at the peer",
    seeds: || {
        let mut seeds: Vec<_> = ["skipped-0", "skipped-1", "next", "empty-ahead", "new-chain", "new-chain-ahead"]
            .into_iter()
            .zip(1..)
            .map(|(name, which)| Seed::new(name, 4, [which]))
            .collect();
        seeds.push(Seed::new("duplicate", 2, [7]));
        seeds.push(Seed::new("own", 1, [8]));
        seeds.push(Seed::new("altered-body", 2, [&[3][..], &edit(0, 200, 1)].concat()));
        seeds.push(Seed::new("altered-commitment", 2, [&[5][..], &edit(0, 100, 1)].concat()));
        seeds.push(Seed::new("altered-header", 1, [&[3][..], &edit(0, 20, 1)].concat()));
        seeds.push(Seed::new("raw", 4, [&[0][..], &CONVERSATION.messages[2].bytes].concat()));
        seeds
    },
};

/// Raw bytes, or the state of a session with edits.
pub const STATE: Target = Target {
    name: "session_state",
    run: state,
    deepest: 3,
    success: "read, written again as the same bytes, used to send, and a waiting message opens on it",
    seeds: || {
        vec![
            Seed::new("receiver", 3, [1]),
            Seed::new("sender", 2, [2]),
            Seed::new("unconfirmed", 2, [3]),
            Seed::new("altered", 0, [&[1][..], &edit(0, 0, 1)].concat()),
            // Found by fuzzing: loaded, and after the next message the state could not be read.
            Seed::new("skipped-ahead", 0, [&[0][..], &skipped_ahead()].concat()),
            Seed::new("raw-receiver", 3, [&[0][..], &CONVERSATION.bob.to_bytes()].concat()),
            Seed::new("raw-unconfirmed", 2, [&[0][..], &HELLO.alice.to_bytes()].concat()),
        ]
    },
};

/// Bob's state with a skipped key that its chain has not reached.
fn skipped_ahead() -> Vec<u8> {
    let mut state = v1::SessionState::decode(CONVERSATION.bob.to_bytes().as_slice()).expect("a state");
    state.skipped[0].keys.truncate(1);
    state.skipped[0].keys[0].n = 34;
    state.encode_to_vec()
}

fn decrypt(data: &[u8]) -> Depth {
    let mut input = Input::new(data);
    let conversation = &*CONVERSATION;
    let bytes = match usize::from(input.byte()) % (conversation.messages.len() + 1) {
        0 => input.rest().to_vec(),
        which => input.edited(&conversation.messages[which - 1].bytes),
    };
    let Ok(message) = SessionMessage::parse(&bytes) else { return 0 };
    let bob = &conversation.bob;
    let before = bob.to_bytes();
    let header_opens = bob.open_header(&message, NOW).is_some();
    let opened = bob.decrypt(&message, NOW);
    assert!(*bob.to_bytes() == *before, "decrypting changed the state");
    let Ok((opened, next)) = opened else { return 1 + u32::from(header_opens) };
    let honest = conversation.messages[..conversation.fresh].iter().find(|honest| honest.bytes == bytes);
    let honest = honest.expect("only an unaltered message opens");
    assert_eq!(opened.content(), honest.content);
    let next = copy(&next);
    assert!(open(&next, &bytes).is_err(), "a message opens twice");
    let (answer, _) = send(&next, b"answer", SendOptions::COMPACT, 9);
    let (opened, _) = open(&conversation.alice, answer.as_bytes()).expect("an honest answer");
    assert_eq!(opened.content(), b"answer");
    4
}

fn state(data: &[u8]) -> Depth {
    let mut input = Input::new(data);
    let conversation = &*CONVERSATION;
    let bytes = match input.byte() % 4 {
        0 => input.rest().to_vec(),
        1 => input.edited(&conversation.bob.to_bytes()),
        2 => input.edited(&conversation.alice.to_bytes()),
        _ => input.edited(&HELLO.alice.to_bytes()),
    };
    let Ok(session) = Session::from_bytes(&bytes) else { return 0 };
    assert!(*session.to_bytes() == *bytes, "a state is read back as another one");
    let mut depth = 1;
    if let Ok((message, next)) = session.encrypt(b"content", SendOptions::COMPACT, NOW, &mut crate::world::rng(5)) {
        depth = 2;
        copy(&next);
        // What a strange state sends is a strange message for an honest peer.
        for peer in [&conversation.alice, &conversation.bob, &HELLO.alice] {
            if let Ok((opened, next)) = open(peer, message.as_bytes()) {
                assert_eq!(opened.content(), b"content");
                copy(&next);
            }
        }
    }
    for honest in &conversation.messages {
        if let Ok((opened, next)) = open(&session, &honest.bytes) {
            assert_eq!(opened.content(), honest.content);
            copy(&next);
            depth = 3;
        }
    }
    depth
}
