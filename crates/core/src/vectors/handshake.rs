//! Both sides of a handshake, and every field of its header changed: `docs/protocol.md` B4.

use super::area::Area;
use super::bytes::{cut, flipped, longer, written};
use super::cast::{MADE, Offer, Person};
use super::node::{Fields, Node, fields};
use super::script::ScriptedRng;
use super::trace::State;
use crate::handshake::{Generation, INIT_HEADER_BYTES, InitHeader};
use crate::labels::Label;
use crate::primitives::{PublicKey as _, X25519PublicKey, X25519Secret, kdf};
use crate::ratchet::{SendOptions, Session};

/// A session that Alice began with Bob, and the INIT that says so.
pub(super) struct Begun {
    pub(super) session: Session,
    pub(super) init: Vec<u8>,
    ek: Vec<u8>,
    m: Vec<u8>,
    draws: Vec<Vec<u8>>,
}

pub(super) const CONTENT: &[u8] = b"hello";

pub(super) fn begun(alice: &Person, bob: &Person, offer: Offer, name: &str) -> Begun {
    let mut rng = ScriptedRng::named(&format!("{name} initiate"));
    let bundle = bob.bundle(offer);
    let session = Session::initiate(&alice.party.device, bundle.clone(), Generation::FIRST, MADE, &mut rng).unwrap();
    let [ek, m] = rng.into_draws().try_into().unwrap();
    let mut rng = ScriptedRng::named(&format!("{name} first message"));
    let (init, session) = session.encrypt(CONTENT, SendOptions::COMPACT, MADE, &mut rng).unwrap();
    Begun { session, init: init.as_bytes().to_vec(), ek, m, draws: rng.into_draws() }
}

pub(super) fn area() -> Area {
    let mut area = Area::new("handshake");
    let (alice, bob) = (Person::alice(), Person::bob());
    for (name, offer) in [
        ("with OPK and one-time ML-KEM key", Offer::OneTime),
        ("without OPK", Offer::NoOpk),
        ("without OPK, last-resort ML-KEM key", Offer::LastResort),
    ] {
        let begun = begun(&alice, &bob, offer, name);
        let output = inside(&alice, &bob, offer, &begun);
        let comment = "Generation 1. `responder_state` is Bob's session (format 1) after the first message; the header \
                       has generation, ids and flags in the clear. `rng` lists what the first message draws: header \
                       nonce, DH seed, lane seed.";
        let input = fields! {
            "initiator" => alice.described(),
            "responder" => bob.described(),
            "prekeys" => bob.prekeys_described(offer),
            "generation" => 1_u32,
            "ek_seed" => &begun.ek,
            "m" => &begun.m,
            "content" => CONTENT,
            "profile" => "compact",
            "rng" => begun.draws.iter().map(Node::from).collect::<Vec<Node>>(),
            "initiator_now_ms" => MADE,
            "responder_now_ms" => MADE.plus(1_000),
        };
        area.gives(name, comment, input, output);
    }
    refused(&mut area, &alice, &bob);
    area
}

/// What both sides compute; the session state shows that the library computed the same.
fn inside(alice: &Person, bob: &Person, offer: Offer, begun: &Begun) -> Fields {
    let header = &begun.init[..INIT_HEADER_BYTES];
    let sid = *InitHeader::parse(header).unwrap().sid().as_bytes();
    let prekeys = bob.prekeys(offer);
    let ek = X25519Secret::from_slice(&begun.ek).unwrap();
    let (ddk_a, ddk_b) = (alice.party.device.ddk(), &bob.public().ddk);
    let spk_b = prekeys.spk.secret().public_key();
    let dh = |secret: &X25519Secret, public: &X25519PublicKey| *secret.diffie_hellman(public).unwrap();
    let dhs = [
        dh(ddk_a, ddk_b),
        dh(ddk_a, &spk_b),
        dh(&ek, ddk_b),
        dh(&ek, &spk_b),
        prekeys.opk.map_or([0; 32], |opk| dh(&ek, &opk.secret().public_key())),
    ];
    let (ct, ss) = prekeys
        .kem
        .secret()
        .public_key()
        .encapsulate(&zeroize::Zeroizing::new(begun.m.as_slice().try_into().unwrap()))
        .unwrap();
    assert_eq!(header[INIT_HEADER_BYTES - 1569..], ct.to_tagged());
    let ikm = [&ss[..], &dhs.concat()].concat();
    let okm = kdf::kdf::<96>(&sid, &[&ikm], Label::Handshake, &[&sid]);
    let accepted = bob.accept(&begun.init, alice, offer).unwrap();
    assert_eq!(accepted.opened.content(), CONTENT);
    let (a, b) = (begun.session.to_bytes(), accepted.session.to_bytes());
    // HKa heads Alice's first chain; NHKb is still Bob's next one.
    assert_eq!(State::read(&a).message(9).bytes(1), &okm[32..64]);
    assert_eq!(State::read(&b).bytes(10), &okm[64..]);
    let bundle_hash = &header[INIT_HEADER_BYTES - 1569 - 33 - 32..][..32];
    fields! {
        "bundle_hash" => bundle_hash,
        "init_header" => header,
        "sid" => sid,
        "ss" => &*ss,
        "dh0" => dhs[0], "dh1" => dhs[1], "dh2" => dhs[2], "dh3" => dhs[3], "dh4" => dhs[4],
        "okm" => &*okm,
        "rk0" => &okm[..32], "hka" => &okm[32..64], "nhkb" => &okm[64..],
        "init" => &begun.init,
        "initiator_state" => a.as_slice(),
        "responder_state" => b.as_slice(),
    }
}

/// Where a field of the header begins.
const FIELDS: [(&str, usize); 22] = [
    ("suite", 2),
    ("flags", 4),
    ("generation", 5),
    ("account_A", 9),
    ("device_A", 25),
    ("reg_A", 29),
    ("AIK_A tag", 33),
    ("AIK_A", 34),
    ("DSK_A tag", 66),
    ("DSK_A", 67),
    ("DDK_A tag", 99),
    ("DDK_A", 100),
    ("account_B", 132),
    ("device_B", 148),
    ("reg_B", 152),
    ("spk_id", 156),
    ("opk_id", 160),
    ("kem_id", 164),
    ("bundle_hash", 168),
    ("EK_A tag", 200),
    ("EK_A", 201),
    ("ct", 234),
];

fn refused(area: &mut Area, alice: &Person, bob: &Person) {
    let honest = begun(alice, bob, Offer::OneTime, "refused").init;
    let mut judge = |name: &str, comment: &str, init: &[u8]| {
        let input = fields! {
            "initiator" => fields! {
                "account_id" => alice.public().address.account.as_bytes(),
                "device_id" => alice.public().address.device.as_u32(),
                "reg_nonce" => alice.public().address.reg.as_u32(),
                "aik" => alice.public().aik.tagged(), "dsk" => alice.public().dsk.tagged(),
                "ddk" => alice.public().ddk.tagged(),
            },
            "responder" => bob.described(),
            "prekeys" => bob.prekeys_described(Offer::OneTime),
            "init" => init,
        };
        let result = bob.accept(init, alice, Offer::OneTime).map(|accepted| {
            fields! { "sid" => accepted.session.sid().as_bytes(), "content" => accepted.opened.content() }
        });
        area.judged(name, comment, input, result);
    };
    judge("control: unchanged", "Every refused case below is this one with one change.", &honest);
    judge("type", "Another type than 0x31.", &written(&honest, 0, &[0x32]));
    judge("version", "Another version than 0x01.", &written(&honest, 1, &[0x02]));
    for (field, offset) in FIELDS {
        judge(&format!("{field}: lowest bit of its first byte"), "", &flipped(&honest, offset));
    }
    judge("suite 0", "", &written(&honest, 2, &[0, 0]));
    judge("flags: unknown bit", "", &written(&honest, 4, &[0b101]));
    judge("flags: last resort", "The ML-KEM key that this id names is a one-time key.", &written(&honest, 4, &[0b11]));
    judge("flags: no OPK, with an id", "bit0 = 0 with opk_id not 0.", &written(&honest, 4, &[0b00]));
    let without = written(&written(&honest, 4, &[0b00]), 160, &[0; 4]);
    judge("flags: no OPK, id 0", "The header is well-formed; another transcript, other keys.", &without);
    judge("generation 0", "", &written(&honest, 5, &[0; 4]));
    let far = 65_537_u32.to_be_bytes();
    judge("generation 65 537 above", "More than 65 536 above the highest known (none: 0).", &written(&honest, 5, &far));
    judge("device_A 0", "", &written(&honest, 25, &[0; 4]));
    judge("device_A 2^31", "", &written(&honest, 25, &[0x80, 0, 0, 0]));
    judge("reg_A 0", "", &written(&honest, 29, &[0; 4]));
    judge("EK_A of small order", "Every DH with it is zero.", &written(&honest, 201, &[0; 32]));
    judge("EK_A not canonical", "", &written(&honest, 201, &[0xff; 32]));
    let own = bob.public().id_bytes();
    judge("initiator is the responder", "(account_A, device_A) is this device.", &written(&honest, 9, &own));
    judge("one byte short", "", &cut(&honest));
    judge("one byte long", "", &longer(&honest));
    judge("header only", "", &honest[..INIT_HEADER_BYTES]);
}
