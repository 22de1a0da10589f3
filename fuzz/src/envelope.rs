//! Envelopes: `docs/protocol.md` B7.

use std::sync::LazyLock;

use carevow_core::envelope::{
    AuthenticatedEnvelope, Envelope, Inner, Judged, LiveEnvelopeKey, Pinned, SealTo, SealedBy, open_on,
};
use carevow_core::identity::ManifestPin;
use carevow_core::ratchet::{Outgoing, SendOptions};

use crate::conversation::{CONVERSATION, HELLO, open, send};
use crate::input::{Input, edit};
use crate::world::{JUDGED, NOW, WORLD, rng};
use crate::{Depth, Seed, Target};

/// Raw bytes, or an honest envelope with edits.
pub const TARGET: Target = Target {
    name: "envelope",
    run,
    deepest: 5,
    success: "opened, its tag verified, its sender judged, its INIT accepted or its message decrypted",
    seeds: || {
        let mut seeds = vec![
            Seed::new("init-stranger", 5, [1, 0]),
            Seed::new("init-contact", 5, [1, 1]),
            Seed::new("session-contact", 5, [2, 1]),
            Seed::new("session-stranger", 2, [2, 0]),
            Seed::new("bare", 5, [3, 0]),
            Seed::new("raw-init", 5, [&[0, 0][..], &HONEST[0]].concat()),
            Seed::new("raw-session", 5, [&[0, 1][..], &HONEST[1]].concat()),
        ];
        for (name, at) in [("altered-hint", 2), ("altered-enc", 40), ("altered-ct", 2000)] {
            seeds.push(Seed::new(name, 1, [&[1, 0][..], &edit(0, at, 1)].concat()));
        }
        seeds
    },
};

/// A sealed INIT, a sealed message, a bare message, all from Alice to Bob.
static HONEST: LazyLock<[Vec<u8>; 3]> = LazyLock::new(|| {
    let (alice, manifest) = (&WORLD.alice, WORLD.alice.manifest.to_signed());
    let by = SealedBy {
        device: &alice.device,
        device_cert: &alice.device_cert,
        issuer_cert: &alice.issuer_cert,
        manifest: &manifest,
    };
    let to = SealTo::new(&WORLD.bundle.device, &WORLD.bundle.env, NOW).expect("a key that is valid now");
    let seal = |message: &Outgoing, seed| by.seal(message, to, &mut rng(seed)).expect("an honest envelope");
    let (message, _) = send(&CONVERSATION.alice, b"sealed", SendOptions::CLINICAL, 20);
    [seal(&HELLO.outgoing, 21), seal(&message, 22), message.as_bytes().to_vec()]
});

static PIN: LazyLock<ManifestPin> = LazyLock::new(|| ManifestPin::first(WORLD.alice.manifest.clone()));

fn run(data: &[u8]) -> Depth {
    let mut input = Input::new(data);
    let (which, pinned) = (input.byte() % 4, input.byte() & 1);
    let pinned = if pinned == 0 { Pinned::Stranger } else { Pinned::Contact(&PIN) };
    let bytes = match which {
        0 => input.rest().to_vec(),
        which => input.edited(&HONEST[usize::from(which) - 1]),
    };
    let sealed = match Envelope::parse(&bytes) {
        Err(_) => return 0,
        Ok(Envelope::Session(message)) => {
            let sessions = [&CONVERSATION.alice, &CONVERSATION.bob];
            let Ok(matched) = open_on(&message, sessions, NOW) else { return 1 };
            let Ok((opened, _)) = matched.session.decrypt_opened(&message, matched.header, NOW) else { return 2 };
            let waiting = CONVERSATION.messages.iter().any(|honest| honest.bytes == bytes);
            assert!(waiting || (bytes == HONEST[2] && opened.content() == b"sealed"), "a forgery opened");
            return 5;
        }
        Ok(Envelope::Sealed(sealed)) => sealed,
    };
    let keys = [LiveEnvelopeKey::new(&WORLD.bob.env, None, NOW).expect("not replaced")];
    let Ok(tagged) = sealed.open(WORLD.bob.recipient(), &keys, &WORLD.trust) else { return 1 };
    assert!(HONEST.contains(&bytes), "an altered envelope opened");
    match tagged.judge(JUDGED, &WORLD.trust, pinned) {
        Ok(Judged::Delivered(envelope)) => delivered(&envelope),
        Ok(Judged::Held(..) | Judged::Forked) | Err(_) => 2,
    }
}

fn delivered(envelope: &AuthenticatedEnvelope) -> Depth {
    match &envelope.inner {
        Inner::Init(_) => {
            let init = envelope.init().expect("an honest INIT");
            let accepted = init.accept(WORLD.bob.recipient(), envelope.initiator(None), WORLD.bob.prekeys(), NOW);
            assert_eq!(accepted.expect("an honest INIT").opened.content(), b"hello");
        }
        Inner::Session(bytes) => {
            let message = envelope.session_message().expect("an honest message");
            envelope.open_on(&message, [&CONVERSATION.bob], NOW).expect("the sender's session");
            assert_eq!(open(&CONVERSATION.bob, bytes).expect("an honest message").0.content(), b"sealed");
        }
    }
    5
}
