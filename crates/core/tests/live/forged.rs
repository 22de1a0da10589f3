//! SEALED envelopes whose tag is right and whose inside is not: what only a peer could make.

use carevow_core::ratchet::Outgoing;

use crate::random::Random;

/// What is inside, and what the recipient must say to it (B7.2 step 9, B4.2, B6.3).
pub fn insides(random: &mut Random) -> Vec<(Outgoing, &'static str)> {
    let mut begins = |start: &[u8], length: usize| [start, &random.bytes(length)].concat();
    let message = begins(&[0x03, 0x01], 1_660);
    vec![
        (Outgoing::Init(message.clone()), "DecryptFailed"),
        (Outgoing::Session(begins(&[0x31, 0x01, 0, 1], 2_000)), "DecryptFailed"),
        // No header key opens it: silence is for what travels bare.
        (Outgoing::Session(message.clone()), "DecryptFailed"),
        (Outgoing::Session(message[..60].to_vec()), "DecryptFailed"),
        (Outgoing::Session(Vec::new()), "DecryptFailed"),
        (Outgoing::Session(vec![0x03]), "DecryptFailed"),
        (Outgoing::Session(vec![0x03, 0x02]), "UnsupportedVersion"),
        (Outgoing::Session(begins(&[0x02, 0x01], 1_660)), "UnsupportedVersion"),
        (Outgoing::Init(begins(&[0x31, 0x02, 0, 1], 3_460)), "UnsupportedVersion"),
        (Outgoing::Init(begins(&[0x31, 0x01, 0, 2], 3_460)), "UnsupportedVersion"),
        (Outgoing::Init(begins(&[0x32, 0x01, 0, 1], 3_460)), "UnsupportedVersion"),
        (Outgoing::Init(vec![0x32]), "DecryptFailed"),
        (Outgoing::Init(begins(&[0x31, 0x01, 0, 1], 3_460)), "DecryptFailed"),
    ]
}
