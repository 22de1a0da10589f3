//! `HASH`, `MAC`, `KDF` under every label, chain and root steps: `docs/protocol.md` B1 and B6.1.

use super::area::Area;
use super::node::fields;
use super::script::seed;
use super::trace::{self, RootInput};
use crate::labels::Label;
use crate::primitives::kdf;

pub(super) fn area() -> Area {
    let mut area = Area::new("kdf");
    let (x, key, salt) = (b"abc", seed::<32>("mac key"), seed::<32>("kdf salt"));
    let ikm = seed::<64>("kdf ikm");
    let name = |label: &Label| core::str::from_utf8(&label.framed()[1 + b"carevow/v1/".len()..]).unwrap();
    // The store's are local: no other implementation needs them.
    for label in Label::ALL.iter().filter(|label| !name(label).starts_with("store-")) {
        let name = name(label);
        let input = fields! { "label" => name, "x" => x };
        let output = fields! { "lbl" => label.framed(), "hash" => kdf::hash(*label, &[x]) };
        area.gives(format!("HASH {name}"), "HASH(s, x) = SHA-256(lbl(s) || x)", input, output);
        let input = fields! { "label" => name, "k" => &*key, "x" => x };
        let output = fields! { "mac" => kdf::mac(&key, *label, &[x]) };
        area.gives(format!("MAC {name}"), "MAC(k, s, x) = HMAC-SHA-256(k, lbl(s) || x)", input, output);
        let input = fields! { "salt" => &*salt, "ikm" => &*ikm, "label" => name, "ctx" => x, "n" => 96_u32 };
        let output = fields! { "okm" => &*kdf::kdf::<96>(&salt, &[ikm.as_slice()], *label, &[x]) };
        let comment = "KDF(salt, ikm, s, ctx, n) = HKDF-Expand(HKDF-Extract(salt, ikm), lbl(s) || ctx, n)";
        area.gives(format!("KDF {name}"), comment, input, output);
    }
    let ck = seed::<32>("chain key");
    let [mk, next_ck] = kdf::chain_macs(&ck, [1, 2]);
    let output = fields! { "mk" => &*mk, "next_ck" => &*next_ck };
    area.gives(
        "ChainStep",
        "mk = HMAC-SHA-256(ck, 0x01), ck' = HMAC-SHA-256(ck, 0x02)",
        fields! { "ck" => &*ck },
        output,
    );
    root_steps(&mut area);
    area
}

fn root_steps(area: &mut Area) {
    let (rk, dh, k, sid) = (seed::<32>("rk"), seed::<32>("dh"), seed::<32>("k"), seed::<32>("sid"));
    for (name, k, epoch, dir) in [
        ("RootStep without lane, initiator", None, 0, 0),
        ("RootStep without lane, responder", None, 0, 1),
        ("RootStep with lane, initiator", Some(&*k), 1, 0),
        ("RootStep with lane, responder", Some(&*k), 0x0102_0304, 1),
    ] {
        let given = RootInput { rk: &rk, dh: &dh, k, epoch, dir, sid: &sid };
        let step = trace::root_step(&given);
        area.gives(name, "docs/protocol.md B6.1; k is absent iff e is 0", given.described(), step.described());
    }
}
