//! The header as bytes: T27, T30, T36, T3 and T5 for its keys.

use crate::errors::DecryptError::{self, DecryptFailed, UnsupportedVersion};
use crate::handshake::{Generation, INIT_HEADER_BYTES, InitMessage, Initiator, Recipient};
use crate::identity::DevicePublic;
use crate::ratchet::tests::fixture::{Device, Offer, flipped, send};
use crate::ratchet::{SendOptions, Session};
use crate::testing::{at, rng};

/// Offsets in InitHeader (B4.2).
const FLAGS: usize = 4;
const GENERATION: usize = 5;
const DDK_A: usize = 99;
const CT: usize = 233;
const EK_A: usize = 200;

struct Init {
    alice: Device,
    bob: Device,
    bytes: Vec<u8>,
    offer: Offer,
}

fn init(offer: Offer) -> Init {
    let (alice, bob) = (Device::new(1), Device::new(2));
    let (message, _) = send(&alice.initiate(&bob, offer, 27), b"hello", 28);
    Init { bytes: message.as_bytes().to_vec(), alice, bob, offer }
}

impl Init {
    fn accept(&self, bytes: &[u8]) -> Result<Vec<u8>, DecryptError> {
        Ok(self.bob.accept(bytes, &self.alice, self.offer)?.opened.content().to_vec())
    }

    fn changed(&self, at: usize, to: &[u8]) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        bytes[at..at + to.len()].copy_from_slice(to);
        bytes
    }
}

#[test]
fn t027_each_flipped_bit_before_the_ciphertext_fails() {
    let init = init(Offer::OneTime);
    for bit in 0..CT * 8 {
        let expected = if bit < FLAGS * 8 { UnsupportedVersion } else { DecryptFailed };
        assert_eq!(init.accept(&flipped(&init.bytes, bit)).unwrap_err(), expected, "bit {bit}");
    }
    assert_eq!(init.accept(&init.bytes).unwrap(), b"hello");
}

#[test]
fn t027_a_flipped_bit_of_each_byte_of_the_ciphertext_fails() {
    let init = init(Offer::OneTime);
    for byte in CT..INIT_HEADER_BYTES {
        let bytes = flipped(&init.bytes, byte * 8 + byte % 8);
        assert_eq!(init.accept(&bytes).unwrap_err(), DecryptFailed, "byte {byte}");
    }
    assert_eq!(init.accept(&init.bytes).unwrap(), b"hello");
}

#[test]
fn t027_cut_off_header_fails() {
    let init = init(Offer::OneTime);
    for length in (0..INIT_HEADER_BYTES + 126).step_by(7) {
        assert_eq!(init.accept(&init.bytes[..length]).unwrap_err(), DecryptFailed, "{length}");
    }
}

#[test]
fn t030_cleared_one_time_flag_fails() {
    let init = init(Offer::OneTime);
    assert_eq!(init.bytes[FLAGS], 0b01);
    assert_eq!(init.accept(&init.changed(FLAGS, &[0b00])).unwrap_err(), DecryptFailed);
}

#[test]
fn t030_header_without_opk_that_names_one_does_not_parse() {
    let init = init(Offer::OneTime);
    let bytes = init.changed(FLAGS, &[0b00]);
    assert_eq!(InitMessage::parse(&bytes).unwrap_err(), DecryptFailed);
}

#[test]
fn t030_last_resort_flag_on_a_one_time_key_fails() {
    let init = init(Offer::OneTime);
    assert_eq!(init.accept(&init.changed(FLAGS, &[0b11])).unwrap_err(), DecryptFailed);
}

#[test]
fn t030_missing_last_resort_flag_fails() {
    let init = init(Offer::LastResort);
    assert_eq!(init.bytes[FLAGS], 0b10);
    assert_eq!(init.accept(&init.changed(FLAGS, &[0b00])).unwrap_err(), DecryptFailed);
    assert_eq!(init.accept(&init.bytes).unwrap(), b"hello");
}

#[test]
fn t030_reserved_flags_do_not_parse() {
    let init = init(Offer::OneTime);
    for bit in 2..8 {
        let bytes = init.changed(FLAGS, &[0b01 | 1 << bit]);
        assert_eq!(InitMessage::parse(&bytes).unwrap_err(), DecryptFailed);
    }
}

#[test]
fn t030_generation_0_does_not_parse() {
    let init = init(Offer::OneTime);
    let bytes = init.changed(GENERATION, &[0; 4]);
    assert_eq!(InitMessage::parse(&bytes).unwrap_err(), DecryptFailed);
}

#[test]
fn t030_generation_too_far_above_the_highest_known_fails() {
    let (alice, bob) = (Device::new(1), Device::new(2));
    let accept = |generation: u32, highest: Option<u32>| {
        let generation = Generation::new(generation).unwrap();
        let bundle = bob.bundle(Offer::OneTime);
        let session = Session::initiate(&alice.party.device, bundle.clone(), generation, at(0), &mut rng(1)).unwrap();
        let (message, _) = session.encrypt(b"hello", SendOptions::CLINICAL, at(0), &mut rng(2)).unwrap();
        let recipient = Recipient { device: &bob.party.device, previous_aiks: &[] };
        let highest_generation = highest.and_then(Generation::new);
        let initiator = Initiator { device: alice.party.public(), other_aiks: &[], highest_generation };
        let init = InitMessage::parse(message.as_bytes()).unwrap();
        init.accept(recipient, initiator, bob.prekeys(Offer::OneTime), at(1))
            .map(|accepted| accepted.session.generation())
    };
    assert_eq!(accept(65_537, None).unwrap_err(), DecryptFailed);
    assert_eq!(accept(65_536, None).unwrap(), Generation::new(65_536).unwrap());
    assert_eq!(accept(65_543, Some(6)).unwrap_err(), DecryptFailed);
    assert_eq!(accept(65_542, Some(6)).unwrap(), Generation::new(65_542).unwrap());
    assert_eq!(accept(u32::MAX, Some(u32::MAX)).unwrap(), Generation::new(u32::MAX).unwrap());
}

#[test]
fn t036_header_with_other_device_keys_than_the_certificate_fails() {
    let init = init(Offer::OneTime);
    let other = Device::new(3);
    let accept = |device: &DevicePublic| {
        let recipient = Recipient { device: &init.bob.party.device, previous_aiks: &[] };
        let initiator = Initiator { device, other_aiks: &[], highest_generation: None };
        let message = InitMessage::parse(&init.bytes).unwrap();
        message.accept(recipient, initiator, init.bob.prekeys(Offer::OneTime), at(1)).map(|_| ())
    };
    let (real, foreign) = (*init.alice.party.public(), other.party.public());
    let changes: [fn(&mut DevicePublic, &DevicePublic); 6] = [
        |device, other| device.aik = other.aik,
        |device, other| device.dsk = other.dsk,
        |device, other| device.ddk = other.ddk,
        |device, other| device.address.account = other.address.account,
        |device, other| device.address.reg = other.address.reg,
        |device, _| device.address.device = crate::ids::DeviceId::new(9).unwrap(),
    ];
    for change in changes {
        let mut certificate = real;
        change(&mut certificate, foreign);
        assert_eq!(accept(&certificate).unwrap_err(), DecryptFailed);
    }
    accept(&real).unwrap();
}

#[test]
fn t036_predecessor_of_the_certificates_identity_key_is_accepted() {
    let init = init(Offer::OneTime);
    let successor = Device::new(3);
    let mut certificate = *init.alice.party.public();
    let predecessor = [certificate.aik];
    certificate.aik = successor.party.public().aik;
    let recipient = Recipient { device: &init.bob.party.device, previous_aiks: &[] };
    let initiator = Initiator { device: &certificate, other_aiks: &predecessor, highest_generation: None };
    let message = InitMessage::parse(&init.bytes).unwrap();
    assert!(message.accept(recipient, initiator, init.bob.prekeys(Offer::OneTime), at(1)).is_ok());
}

/// Points of small order as EK_A and as DDK_A: the DH refuses them, or the parser does.
#[test]
fn t003_low_order_keys_in_the_header_fail() {
    let init = init(Offer::OneTime);
    for point in crate::primitives::LOW_ORDER_ENCODINGS {
        for at in [EK_A + 1, DDK_A + 1] {
            assert_eq!(init.accept(&init.changed(at, &point)).unwrap_err(), DecryptFailed);
        }
    }
}

/// Even with a header key that the adversary knows: the handshake itself refuses the point.
#[test]
fn t003_low_order_ephemeral_key_is_refused_by_the_dh() {
    let ddk = Device::new(2);
    for point in crate::primitives::LOW_ORDER_ENCODINGS {
        use crate::primitives::PublicKey as _;
        if let Ok(key) = crate::primitives::X25519PublicKey::from_raw(&point) {
            assert!(ddk.party.device.ddk().diffie_hellman(&key).is_err());
        }
    }
}

#[test]
fn t005_torsion_shifted_ephemeral_key_gives_another_session() {
    use curve25519_dalek::constants::EIGHT_TORSION;
    use curve25519_dalek::montgomery::MontgomeryPoint;
    let init = init(Offer::OneTime);
    let ek: [u8; 32] = init.bytes[EK_A + 1..EK_A + 33].try_into().unwrap();
    let point = MontgomeryPoint(ek).to_edwards(0).unwrap();
    let mut shifted = 0;
    for torsion in &EIGHT_TORSION[1..] {
        let moved = (point + torsion).to_montgomery().to_bytes();
        // DH clears the cofactor: every result is the same, only the transcript differs.
        let bytes = init.changed(EK_A + 1, &moved);
        if let Ok(message) = InitMessage::parse(&bytes) {
            assert_ne!(message.header().sid(), InitMessage::parse(&init.bytes).unwrap().header().sid());
            shifted += 1;
        }
        assert_eq!(init.accept(&bytes).unwrap_err(), DecryptFailed);
    }
    assert_eq!(shifted, 7);
}
