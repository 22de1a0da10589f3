//! INIT: `docs/protocol.md` B4.

use carevow_core::handshake::{INIT_HEADER_BYTES, InitHeader, InitMessage};

use crate::conversation::HELLO;
use crate::input::{Input, edit};
use crate::world::{NOW, WORLD};
use crate::{Depth, Seed, Target};

/// Raw bytes, or an honest INIT with edits.
pub const INIT: Target = Target {
    name: "init",
    run: init,
    deepest: 3,
    success: "accepted by the responder, its first message opened",
    seeds: || {
        let honest = &HELLO.init;
        vec![
            Seed::new("honest", 3, [1]),
            Seed::new("altered-header", 2, [&[1][..], &edit(0, 12, 1)].concat()),
            Seed::new("altered-message", 2, [&[1][..], &edit(0, honest.len() as u32 - 1, 1)].concat()),
            Seed::new("cut", 1, [&[1][..], &edit(2, INIT_HEADER_BYTES as u32 + 100, 0)].concat()),
            Seed::new("raw", 3, [&[0][..], honest].concat()),
        ]
    },
};

fn init(data: &[u8]) -> Depth {
    let mut input = Input::new(data);
    let bytes = match input.byte() & 1 {
        0 => input.rest().to_vec(),
        _ => input.edited(&HELLO.init),
    };
    let header = bytes.get(..INIT_HEADER_BYTES);
    let header = header.and_then(|bytes| InitHeader::parse(bytes).ok().filter(|header| header.as_bytes() == bytes));
    let Ok(init) = InitMessage::parse(&bytes) else { return u32::from(header.is_some()) };
    assert_eq!(header.expect("it was parsed above").sid(), init.header().sid());
    let from = WORLD.initiator();
    let Ok(accepted) = init.accept(WORLD.bob.recipient(), from, WORLD.bob.prekeys(), NOW) else { return 2 };
    assert!(bytes == HELLO.init, "an altered INIT was accepted");
    assert_eq!(accepted.opened.content(), b"hello");
    3
}
