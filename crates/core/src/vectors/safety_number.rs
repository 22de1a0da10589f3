//! Safety numbers: `docs/protocol.md` B11.

use super::area::Area;
use super::bytes::{cut, flipped};
use super::node::fields;
use super::script::seed;
use crate::ids::AccountId;
use crate::primitives::Ed25519Secret;
use crate::safety_number::{Comparison, Fingerprint, SafetyNumber};

pub(super) fn area() -> Area {
    let mut area = Area::new("safety_number");
    for (one, other) in [("one", "two"), ("two", "one"), ("three", "four")] {
        let side = |name: &str| {
            let account = AccountId::from_bytes(*seed(&format!("safety {name} account")));
            let aik = Ed25519Secret::from_seed(&seed(&format!("safety {name} aik"))).public_key();
            (Fingerprint::of(&account, &aik), fields! { "account_id" => account.as_bytes(), "aik" => aik.tagged() })
        };
        let ((local, local_fields), (remote, remote_fields)) = (side(one), side(other));
        let theirs = SafetyNumber::new(remote.clone(), local.clone());
        let ours = SafetyNumber::new(local, remote);
        let input = fields! { "local" => local_fields, "remote" => remote_fields };
        let output = fields! { "digits" => ours.digits(), "qr" => ours.qr(), "their_qr" => theirs.qr() };
        let comment =
            "`digits` are 60, the same on both sides; `qr` is what local shows, `their_qr` what remote shows.";
        area.gives(format!("{one} and {other}"), comment, input.clone(), output);
        if one == "one" {
            let mut judge = |name: &str, scanned: Vec<u8>| {
                let given = input.clone().with("scanned", &scanned);
                match ours.compare(&scanned) {
                    Ok(Comparison::Match) => area.gives(name, "", given, fields! { "same" => true }),
                    Ok(Comparison::Mismatch) => area.gives(name, "", given, fields! { "same" => false }),
                    Err(error) => area.fails(name, "", given, format!("{error:?}")),
                }
            };
            judge("scanned: theirs", theirs.qr());
            judge("scanned: our own", ours.qr());
            judge("scanned: one bit", flipped(&theirs.qr(), 10));
            judge("scanned: cut off", cut(&theirs.qr()));
            judge("scanned: version 2", super::bytes::written(&theirs.qr(), 1, &[2]));
            judge("scanned: empty", Vec::new());
        }
    }
    area
}
