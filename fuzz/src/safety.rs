//! What people compare: `docs/protocol.md` B11.

use std::sync::LazyLock;

use carevow_core::safety_number::{Comparison, Fingerprint, SafetyNumber, TypedCode};

use crate::input::Input;
use crate::world::{Party, WORLD};
use crate::{Depth, Seed, Target};

/// The bytes of a QR code, or the six digits that somebody typed.
pub const TARGET: Target = Target {
    name: "safety_number",
    run,
    deepest: 2,
    success: "the QR code is the other side's and matches; six digits",
    seeds: || {
        vec![
            Seed::new("match", 2, [&[0][..], &NUMBERS[1].qr()].concat()),
            Seed::new("own", 1, [&[0][..], &NUMBERS[0].qr()].concat()),
            Seed::new("digits", 2, *b"\x01000 042"),
            Seed::new("seven-digits", 0, *b"\x010000042"),
        ]
    },
};

/// As Alice and as Bob sees it.
static NUMBERS: LazyLock<[SafetyNumber; 2]> = LazyLock::new(|| {
    let of = |party: &Party| Fingerprint::of(&party.account.account(), &party.account.public_key());
    let (alice, bob) = (of(&WORLD.alice), of(&WORLD.bob));
    [SafetyNumber::new(alice.clone(), bob.clone()), SafetyNumber::new(bob, alice)]
});

fn run(data: &[u8]) -> Depth {
    let mut input = Input::new(data);
    if input.byte() & 1 == 0 {
        let scanned = input.rest();
        return match NUMBERS[0].compare(scanned) {
            Err(_) => 0,
            Ok(Comparison::Mismatch) => 1,
            Ok(Comparison::Match) => {
                assert_eq!(scanned, NUMBERS[1].qr());
                2
            }
        };
    }
    match str::from_utf8(input.rest()).map(TypedCode::parse) {
        Ok(Ok(_)) => 2,
        _ => 0,
    }
}
