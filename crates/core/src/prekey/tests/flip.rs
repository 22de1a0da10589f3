//! T24: no bit of a bundle can change. Every byte with one bit, and every bit of all heads and signatures.

use super::UnverifiedBundle;
use crate::prekey::{BundleError, BundleTarget};
use crate::testing::{Party, Service, at};
use crate::wire::v1;

/// What a bundle with bit `bit` flipped comes to, for somebody who has the account pinned.
struct Flipper {
    bob: Party,
    bytes: Vec<u8>,
    service: Service,
}

impl Flipper {
    fn new() -> Self {
        let bob = Party::new(2);
        Self { bytes: bob.parts(at(1)).encode(), bob, service: Service::new() }
    }

    fn judge(&self, bytes: &[u8]) -> Result<(), BundleError> {
        let pin = self.bob.pin();
        let target = BundleTarget { pin: Some(&pin), ..self.bob.target() };
        UnverifiedBundle::parse(bytes)?.verify(&self.service.trust(), &target, at(1)).map(|_| ())
    }

    fn assert_rejected(&self, bits: impl Iterator<Item = usize>) {
        assert_eq!(self.judge(&self.bytes), Ok(()), "control");
        let mut bytes = self.bytes.clone();
        let mut judged = 0;
        for bit in bits {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let error = self.judge(&bytes).unwrap_err();
            assert!(
                matches!(error, BundleError::Rejected(_) | BundleError::UnsupportedVersion),
                "bit {bit}: {error:?}"
            );
            bytes[bit / 8] ^= 1 << (bit % 8);
            judged += 1;
        }
        assert!(judged > 1_000, "{judged} bits");
    }

    /// All bits of these bytes, wherever in the bundle they stand.
    fn bits_of<'a>(&'a self, parts: &'a [&'a [u8]]) -> impl Iterator<Item = usize> + 'a {
        parts.iter().flat_map(|part| {
            let start = self.bytes.windows(part.len()).position(|window| window == *part).unwrap();
            start * 8..(start + part.len()) * 8
        })
    }
}

#[test]
fn t024_one_bit_of_the_first_half_of_the_bytes_cannot_change() {
    let flipper = Flipper::new();
    flipper.assert_rejected((0..flipper.bytes.len() / 2).map(|byte| byte * 8 + byte % 8));
}

#[test]
fn t024_one_bit_of_the_second_half_of_the_bytes_cannot_change() {
    let flipper = Flipper::new();
    flipper.assert_rejected((flipper.bytes.len() / 2..flipper.bytes.len()).map(|byte| byte * 8 + byte % 8));
}

#[test]
fn t024_no_bit_of_the_records_heads_can_change() {
    let flipper = Flipper::new();
    let v1::PrekeyBundle { spk, opk, kem, env, .. } = flipper.bob.bundle(at(1));
    let heads = [spk, opk, kem, env].map(|record| record.unwrap().record);
    flipper.assert_rejected(flipper.bits_of(&heads.each_ref().map(|record| &record[..49])));
}

#[test]
fn t024_no_bit_of_a_signature_can_change() {
    let flipper = Flipper::new();
    let v1::PrekeyBundle { manifest, device_cert, issuer_cert, spk, opk, kem, env, .. } = flipper.bob.bundle(at(1));
    let signed = [manifest, device_cert, issuer_cert].map(|signed| signed.unwrap().sig);
    let records = [spk, opk, kem, env].map(|record| record.unwrap().sig);
    let signatures: Vec<&[u8]> = signed.iter().chain(&records).map(Vec::as_slice).collect();
    flipper.assert_rejected(flipper.bits_of(&signatures));
}
