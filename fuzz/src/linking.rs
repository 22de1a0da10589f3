//! Linking: `docs/protocol.md` B2.

use std::sync::LazyLock;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use carevow_core::DeviceId;
use carevow_core::identity::{DeviceKind, UnverifiedManifest};
use carevow_core::linking::{GrantingPrimary, OfferingDevice, RelayUrl, ScannedOffer};

use crate::input::{Input, edit};
use crate::world::{NOW, WORLD, rng};
use crate::{Depth, Seed, Target};

/// An offer as text or bytes, a grant, a reply: raw, or honest ones with edits.
pub const TARGET: Target = Target {
    name: "linking",
    run,
    deepest: 3,
    success: "the offer scanned; the grant opened and its manifest verified; the reply opened and its device's consent \
              verified",
    seeds: || {
        let honest = &*HONEST;
        let encoded = honest.text.strip_prefix("carevow-link:").expect("a text form");
        let bytes = Base64UrlUnpadded::decode_vec(encoded).expect("a text form");
        vec![
            Seed::new("offer", 3, [&[0][..], honest.text.as_bytes()].concat()),
            Seed::new("offer-bytes", 3, [&[1][..], &bytes].concat()),
            Seed::new("grant", 3, [2]),
            Seed::new("altered-grant", 0, [&[2][..], &edit(0, 1200, 1)].concat()),
            Seed::new("raw-grant", 3, [&[3][..], &honest.grant].concat()),
            Seed::new("reply", 3, [4]),
            Seed::new("altered-reply", 0, [&[4][..], &edit(0, 3, 1)].concat()),
            Seed::new("raw-reply", 3, [&[5][..], &honest.reply].concat()),
        ]
    },
};

struct Honest {
    device: OfferingDevice,
    text: String,
    primary: GrantingPrimary,
    grant: Vec<u8>,
    reply: Vec<u8>,
}

static RELAYS: LazyLock<[RelayUrl; 1]> = LazyLock::new(|| [RelayUrl::new("https://relay.example").expect("short")]);

static HONEST: LazyLock<Honest> = LazyLock::new(|| {
    let manifest = &WORLD.bob.manifest;
    // The same device twice: answering uses one up.
    let begin = || OfferingDevice::begin(&RELAYS[0], NOW, &mut rng(6)).expect("seeded");
    let (device, answering) = (begin(), begin());
    let text = device.text().to_string();
    let scanned = ScannedOffer::scan(&text, &*RELAYS, NOW).expect("honest");
    let second = DeviceId::new(2).expect("in range");
    let granted = scanned.grant(&device.box_key(), (manifest, second), NOW, &mut rng(7));
    let (grant, primary) = granted.unwrap_or_else(|_| unreachable!("honest"));
    let opened = answering.open_grant(&grant, NOW).expect("honest");
    let replied = answering.reply(&opened, manifest, DeviceKind::Web, NOW, &mut rng(8));
    let (reply, _) = replied.unwrap_or_else(|_| unreachable!("honest"));
    Honest { device, text, primary, grant, reply }
});

fn run(data: &[u8]) -> Depth {
    let mut input = Input::new(data);
    match input.byte() % 6 {
        0 => str::from_utf8(input.rest()).map_or(0, scan),
        1 => scan(&format!("carevow-link:{}", Base64UrlUnpadded::encode_string(input.rest()))),
        2 => grant(&input.edited(&HONEST.grant)),
        3 => grant(input.rest()),
        4 => reply(&input.edited(&HONEST.reply)),
        _ => reply(input.rest()),
    }
}

fn scan(text: &str) -> Depth {
    match ScannedOffer::scan(text, &*RELAYS, NOW) {
        Ok(offer) => {
            assert!(offer.relay() == &RELAYS[0]);
            offer.box_id();
            3
        }
        Err(_) => 0,
    }
}

fn grant(bytes: &[u8]) -> Depth {
    let Ok(grant) = HONEST.device.open_grant(bytes, NOW) else { return 0 };
    assert!(bytes == HONEST.grant, "an altered grant opened");
    match UnverifiedManifest::parse(&grant.manifest).and_then(UnverifiedManifest::verify) {
        Ok(_) => 3,
        Err(_) => 1,
    }
}

fn reply(bytes: &[u8]) -> Depth {
    let Ok(reply) = HONEST.primary.open_reply(bytes, NOW) else { return 0 };
    assert!(bytes == HONEST.reply, "an altered reply opened");
    reply.kind();
    3
}
