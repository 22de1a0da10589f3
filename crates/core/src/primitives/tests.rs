//! Known answers of others, and what must be refused: `docs/protocol.md` B1 and B1.1.

mod aead;
mod curve;
mod encodings;
mod hashes;
mod hpke;
mod ml_kem;
mod secrets;
mod signatures;

use serde::de::DeserializeOwned;

/// A file of `testdata/` (its `README.md` names the sources).
fn data<T: DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).unwrap()
}

/// Bytes that are written in hexadecimal.
#[derive(serde::Deserialize)]
struct Hex(#[serde(with = "hex::serde")] Vec<u8>);

impl Hex {
    fn array<const N: usize>(&self) -> zeroize::Zeroizing<[u8; N]> {
        zeroize::Zeroizing::new(self.0.as_slice().try_into().unwrap())
    }
}
