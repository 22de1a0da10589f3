//! Ed25519, strict: `docs/protocol.md` B1.

use serde::Deserialize;

use super::area::Area;
use super::bytes::{cut, flipped, longer};
use super::node::{Fields, fields};
use super::script::seed;
use crate::labels::Label;
use crate::primitives::{Ed25519PublicKey, Ed25519Secret, PublicKey as _};

/// Signatures made with points of small and mixed order, over `lbl("manifest") || message`.
#[derive(Deserialize)]
struct Strict {
    name: String,
    #[serde(with = "hex::serde")]
    public_key: Vec<u8>,
    #[serde(with = "hex::serde")]
    message: Vec<u8>,
    #[serde(with = "hex::serde")]
    signature: Vec<u8>,
}

pub(super) fn area() -> Area {
    let mut area = Area::new("signatures");
    let secret_seed = seed("ed25519 key");
    let secret = Ed25519Secret::from_seed(&secret_seed);
    let key = secret.public_key();
    for label in [Label::Manifest, Label::DevicePop, Label::Prekey, Label::DeviceCert, Label::Statement] {
        let input = fields! { "seed" => &*secret_seed, "label" => name(label), "message" => b"message" };
        let signature = secret.sign(label, &[b"message"]);
        let output = fields! { "public_key" => key.raw(), "signature" => signature };
        area.gives(format!("sign {}", name(label)), "SIGN(sk, s, m) = Ed25519.Sign(sk, lbl(s) || m)", input, output);
    }
    let signature = secret.sign(Label::Manifest, &[b"message"]);
    verify(&mut area, "verify: good", Label::Manifest, key.raw(), b"message", &signature);
    verify(&mut area, "verify: another label", Label::Prekey, key.raw(), b"message", &signature);
    verify(&mut area, "verify: another message", Label::Manifest, key.raw(), b"messagf", &signature);
    verify(&mut area, "verify: R flipped", Label::Manifest, key.raw(), b"message", &flipped(&signature, 0));
    verify(&mut area, "verify: S flipped", Label::Manifest, key.raw(), b"message", &flipped(&signature, 32));
    verify(&mut area, "verify: one byte short", Label::Manifest, key.raw(), b"message", &cut(&signature));
    verify(&mut area, "verify: one byte long", Label::Manifest, key.raw(), b"message", &longer(&signature));
    verify(&mut area, "verify: empty", Label::Manifest, key.raw(), b"message", &[]);
    let strict: Vec<Strict> = serde_json::from_str(include_str!("../../testdata/ed25519_strict.json")).unwrap();
    for Strict { name, public_key, message, signature } in strict {
        verify(&mut area, &format!("strict: {name}"), Label::Manifest, &public_key, &message, &signature);
    }
    area
}

fn name(label: Label) -> &'static str {
    core::str::from_utf8(&label.framed()[1 + b"carevow/v1/".len()..]).unwrap()
}

fn verify(area: &mut Area, case: &str, label: Label, key: &[u8], message: &[u8], signature: &[u8]) {
    let input = fields! { "label" => name(label), "public_key" => key, "message" => message, "signature" => signature };
    let result = match Ed25519PublicKey::from_raw(key) {
        Ok(key) if key.verify(label, &[message], signature) => Ok(Fields::default().with("verified", true)),
        Ok(_) => Err("BadSignature".to_owned()),
        Err(error) => Err(format!("{error:?}")),
    };
    match result {
        Ok(output) => area.gives(case, "", input, output),
        Err(error) => area.fails(case, "", input, error),
    }
}
