//! Known answers for an independent implementation, written to `docs/vectors/`: `docs/vectors/README.md`.
//!
//! Everything comes from fixed seeds, so that the files are the same on every run; `cargo xtask vectors` writes them.

mod area;
mod attachment;
mod bytes;
mod cast;
mod content;
mod encodings;
mod envelope;
mod group;
mod handshake;
mod identity;
mod invitation;
mod kdf;
mod lanes;
mod linking;
mod node;
mod organization;
mod padding;
mod placement;
mod practice;
mod prekey;
mod ratchet;
mod records;
mod safety_number;
mod script;
mod signatures;
mod statements;
mod stored_invitations;
mod trace;

use std::path::PathBuf;
use std::{env, fs};

use area::Area;

/// Writes the files instead of comparing them.
const WRITE: &str = "CAREVOW_WRITE_VECTORS";

fn areas() -> Vec<Area> {
    vec![
        encodings::area(),
        kdf::area(),
        signatures::area(),
        identity::area(),
        prekey::area(),
        handshake::area(),
        lanes::area(),
        ratchet::area(),
        padding::area(),
        envelope::area(),
        content::area(),
        attachment::area(),
        safety_number::area(),
        linking::area(),
        placement::area(),
        invitation::area(),
        records::area(),
        group::area(),
        organization::area(),
    ]
}

fn path(area: &Area) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/vectors").join(area.name()).with_extension("json")
}

#[test]
fn vectors_are_what_the_code_gives() {
    let write = env::var_os(WRITE).is_some_and(|value| value == "1");
    for area in areas() {
        assert!(area.controls_succeed(), "{}", area.name());
        let path = path(&area);
        if write {
            fs::write(&path, area.to_json()).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == area.to_json(), "{}: run `cargo xtask vectors`", path.display());
    }
}
