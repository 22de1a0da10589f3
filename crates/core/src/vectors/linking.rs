//! Linking a device: `docs/protocol.md` B2.

use super::area::Area;
use super::bytes::{cut, edited, flipped, longer};
use super::cast::{MADE, Person};
use super::node::fields;
use super::script::{ScriptedRng, seed};
use crate::identity::{DeviceKind, Manifest, ManifestDraft, UnverifiedManifest};
use crate::ids::DeviceId;
use crate::linking::{OfferingDevice, RelayUrl, ScannedOffer};
use crate::safety_number::TypedCode;
use crate::time::MINUTE_MS;

const RELAY: &str = "https://relay.example";

pub(super) fn area() -> Area {
    let mut area = Area::new("linking");
    let alice = Person::alice();
    let relay = RelayUrl::new(RELAY).unwrap();
    let configured = [relay.clone()];
    let script = seed::<48>("link offer").to_vec();
    let offering = OfferingDevice::begin(&relay, MADE, &mut ScriptedRng::of(script.clone())).unwrap();
    let text = offering.text().to_string();
    let output = fields! {
        "text" => text.as_str(), "box_id" => offering.box_id().as_bytes(), "e" => offering.box_key(),
    };
    let input = fields! { "secret" => &script[..16], "x_wing_seed" => &script[16..], "relay" => RELAY };
    area.gives("1 offer", "E is tag || raw; the text form is the QR code", input, output);

    let scanned = ScannedOffer::scan(&text, &configured, MADE).unwrap();
    let encapsulation = seed::<64>("link grant").to_vec();
    let device = DeviceId::new(2).unwrap();
    let manifest = &alice.party.manifest;
    let mut rng = ScriptedRng::of(encapsulation.clone());
    let (grant, granting) = scanned.grant(&offering.box_key(), (manifest, device), MADE, &mut rng).unwrap();
    let input = fields! {
        "text" => text.as_str(), "e" => offering.box_key(), "device_id" => 2_u32,
        "manifest" => &manifest.to_signed(), "encapsulation" => &encapsulation,
    };
    area.gives("2 grant", "enc || ctx.Seal(aad = \"\", LinkGrant)", input, fields! { "box" => &grant });

    let mut judge = |name: &str, sealed: &[u8], now| {
        let input = fields! {
            "secret" => &script[..16], "x_wing_seed" => &script[16..], "made_at_ms" => MADE, "now_ms" => now,
            "box" => sealed,
        };
        let result = offering.open_grant(sealed, now).map(|grant| {
            fields! { "device_id" => grant.device.as_u32(), "manifest" => &grant.manifest }
        });
        area.judged(format!("grant: {name}"), "", input, result);
    };
    judge("good", &grant, MADE);
    judge("enc flipped", &flipped(&grant, 0), MADE);
    judge("ciphertext flipped", &flipped(&grant, 1_120), MADE);
    judge("one byte short", &cut(&grant), MADE);
    judge("one byte long", &longer(&grant), MADE);
    judge("too short", &grant[..1_000], MADE);
    judge("last millisecond", &grant, MADE.plus(5 * MINUTE_MS - 1));
    judge("after five minutes", &grant, MADE.plus(5 * MINUTE_MS));

    let opened = offering.open_grant(&grant, MADE).unwrap();
    let verified = UnverifiedManifest::parse(&opened.manifest).unwrap().verify().unwrap();
    let reply_script = seed::<72>("link reply").to_vec();
    let mut rng = ScriptedRng::of(reply_script.clone());
    let (reply, answered) = offering.reply(&opened, &verified, DeviceKind::Desktop, MADE, &mut rng).unwrap();
    let code = answered.code().digits();
    let input = fields! {
        "secret" => &script[..16], "x_wing_seed" => &script[16..], "box" => &grant,
        "reg_draw" => &reply_script[..8], "dsk_seed" => &reply_script[8..40], "ddk_seed" => &reply_script[40..],
        "kind" => 2_u32,
    };
    let comment = "reg_nonce = 1 + (u64 big-endian of reg_draw mod (2^32 - 1)): this library's way to draw a number \
                   that is not 0. The box holds AES-256-GCM(K, 0^12, \"\", DeviceEntry).";
    area.gives("3 reply", comment, input, fields! { "box" => &reply, "code" => code.as_str() });

    let mut judge = |name: &str, sealed: &[u8]| {
        let input = fields! { "box" => sealed };
        let result = granting.open_reply(sealed, MADE).map(|reply| fields! { "kind" => reply.kind().as_u32() });
        area.judged(format!("reply: {name}"), "Opened by the primary of case `2 grant`.", input, result);
    };
    judge("good", &reply);
    judge("flipped", &flipped(&reply, 0));
    judge("one byte short", &cut(&reply));
    let entry = granting.open_reply(&reply, MADE).unwrap();
    let typed = TypedCode::parse(&code).unwrap();
    let added = granting.confirm(entry, &typed, MADE).unwrap();
    let draft = ManifestDraft { devices: vec![alice.party.listed(), added], next_aik: None };
    let next = Manifest::issue(&alice.party.account, Some(manifest), draft, MADE).unwrap();
    let input = fields! { "typed" => code.as_str(), "now_ms" => MADE, "previous" => &manifest.to_signed() };
    area.gives(
        "4 manifest",
        "With the new device, added_at_ms = now",
        input,
        fields! { "signed" => &next.to_signed() },
    );

    let mut scan = |name: &str, text: &str| {
        let input = fields! { "text" => text, "configured" => RELAY };
        let result = ScannedOffer::scan(text, &configured, MADE).map(|scanned| {
            fields! { "box_id" => scanned.box_id().as_bytes() }
        });
        area.judged(format!("scan: {name}"), "", input, result);
    };
    scan("good", &text);
    scan("other prefix", &text.replace("carevow-link:", "carevow:"));
    scan("with padding", &format!("{text}="));
    scan("one letter short", &text[..text.len() - 1]);
    scan("version 2", &edited("carevow-link:", &text, 1, 2));
    scan("type 0x41", &edited("carevow-link:", &text, 0, 0x41));
    scan("nothing after the prefix", "carevow-link:");
    let foreign = OfferingDevice::begin(
        &RelayUrl::new("https://other.example").unwrap(),
        MADE,
        &mut ScriptedRng::of(script.clone()),
    );
    scan("foreign relay", &foreign.unwrap().text());
    area
}
