//! Statements for a third party.

use prost::Message as _;

use super::super::*;
use super::fixture::{PLACE, sign};
use crate::identity::Trust;
use crate::testing::{Party, Service, at};
use crate::time::DAY_MS;
use crate::wire::{WireError, v1};

fn statement() -> v1::SignedStatement {
    sign(&Party::new(0xa1), StatementKind::Order, b"x-ray".to_vec())
}

fn export() -> StatementExport {
    StatementExport::new(PLACE, statement()).unwrap()
}

fn wire() -> v1::StatementExport {
    v1::StatementExport::decode(export().to_bytes().as_slice()).unwrap()
}

fn read(wire: &v1::StatementExport) -> Result<(), WireError> {
    let bytes = wire.encode_to_vec();
    StatementExport::from_bytes(&bytes).map(|export| assert_eq!(export.to_bytes(), bytes))
}

#[test]
fn export_is_read_as_it_was_written_and_verifies() {
    let bytes = export().to_bytes();
    let read = StatementExport::from_bytes(&bytes).unwrap();
    assert_eq!(read.to_bytes(), bytes);
    assert_eq!(read.place(), PLACE);
    let verified = read.verify(&Service::new().trust(), at(60)).unwrap();
    assert_eq!(verified.signer(), Party::new(0xa1).public().address);
    assert_eq!((verified.kind(), verified.body()), (StatementKind::Order, &b"x-ray"[..]));
}

#[test]
fn t103_exported_statement_moved_elsewhere_is_invalid() {
    let trust = Service::new().trust();
    let verdict = |wire: v1::StatementExport| {
        StatementExport::from_bytes(&wire.encode_to_vec()).unwrap().verify(&trust, at(60)).map(|_| ())
    };
    let moved = v1::StatementExport { conversation_id: vec![9; 16], ..wire() };
    assert_eq!(verdict(moved), Err(StatementError::Signature));
    let moved = v1::StatementExport { message_id: vec![9; 16], ..wire() };
    assert_eq!(verdict(moved), Err(StatementError::Signature));
    assert_eq!(verdict(wire()), Ok(()), "control");
}

#[test]
fn export_is_verified_by_the_roots_the_list_and_the_time_that_the_third_party_has() {
    let service = Service::new();
    let stranger = Trust { roots: Service::seeded(0x30).roots(), ..service.trust() };
    let refused = |trust: &Trust, time| export().verify(trust, time).unwrap_err();
    let issuer = StatementError::Signer(SignerError::Certificate(crate::identity::CertificateError::Issuer));
    assert_eq!(refused(&stranger, at(60)), issuer);
    let signer = Party::new(0xa1).public().address;
    let list = service.revoke(2, |list| list.devices.push(signer));
    let revoked = StatementError::Signer(SignerError::Certificate(crate::identity::CertificateError::Revoked));
    assert_eq!(refused(&Trust { revocations: Some(list), ..service.trust() }, at(60)), revoked);
    assert_eq!(refused(&service.trust(), at(0).plus(DAY_MS)), StatementError::Signer(SignerError::Time));
    // Without any list: what it cannot ask, it is not told.
    assert!(export().verify(&Trust { revocations: None, ..service.trust() }, at(60)).is_ok(), "control");
}

#[test]
fn export_with_ids_of_other_lengths_or_without_statement_is_refused() {
    for length in [0, 15, 17] {
        let id = vec![5; length];
        assert_eq!(read(&v1::StatementExport { conversation_id: id.clone(), ..wire() }), Err(WireError::Field));
        assert_eq!(read(&v1::StatementExport { message_id: id, ..wire() }), Err(WireError::Field));
    }
    assert_eq!(read(&v1::StatementExport { statement: None, ..wire() }), Err(WireError::Field));
    assert_eq!(read(&wire()), Ok(()), "control");
}

#[test]
fn export_that_is_not_canonical_is_refused() {
    let bytes = export().to_bytes();
    let refused = |bytes: &[u8]| StatementExport::from_bytes(bytes).unwrap_err();
    assert_eq!(refused(&[&bytes[..], &[0x20, 1]].concat()), WireError::NotCanonical, "an unknown field");
    assert_eq!(refused(&[&bytes[..], &bytes[..18]].concat()), WireError::Repeated, "a field twice");
    let reordered = [&bytes[18..36], &bytes[..18], &bytes[36..]].concat();
    assert_eq!(refused(&reordered), WireError::NotCanonical, "reordered");
    for length in 0..bytes.len() {
        let error = refused(&bytes[..length]);
        // Cut between two fields, the rest is protobuf, and an id or the statement is missing.
        let between = [0, 18, 36].contains(&length);
        assert_eq!(error, if between { WireError::Field } else { WireError::Malformed }, "{length}");
    }
    assert!(StatementExport::from_bytes(&bytes).is_ok(), "control");
}

/// Whatever still reads has one encoding, and its signature, certificates or manifest do not verify.
#[test]
fn export_with_any_flipped_byte_does_not_verify() {
    let (bytes, trust) = (export().to_bytes(), Service::new().trust());
    let before = export().verify(&trust, at(60)).unwrap();
    for place in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1 << (place % 8);
        let Ok(read) = StatementExport::from_bytes(&flipped) else { continue };
        assert_eq!(read.to_bytes(), flipped, "{place}");
        assert!(read.verify(&trust, at(60)).is_err(), "{place}");
    }
    assert!(export().verify(&trust, at(60)).unwrap() == before, "control");
}

#[test]
fn export_of_327_680_bytes_is_read_and_one_more_is_too_long() {
    let sized = |bytes: usize| {
        let mut wire = wire();
        let statement = wire.statement.as_mut().unwrap();
        let other = statement.encoded_len() - statement.body.len();
        // Keys and lengths of longer fields: 3 bytes of length instead of 1 or 2.
        statement.body = vec![1; bytes - other - 36 - 4 - 2];
        assert_eq!(wire.encoded_len(), bytes);
        wire
    };
    assert_eq!(read(&sized(327_680)), Ok(()));
    assert_eq!(read(&sized(327_681)), Err(WireError::TooLong));
    // A body beyond a content's limit reads, and is no statement.
    let long = StatementExport::from_bytes(&sized(327_680).encode_to_vec()).unwrap();
    assert_eq!(long.verify(&Service::new().trust(), at(60)), Err(StatementError::TooLong));
    let too_long = sized(327_681).statement.unwrap();
    assert!(StatementExport::new(PLACE, too_long).err() == Some(WireError::TooLong));
}

#[test]
fn export_with_a_container_beyond_its_limit_is_too_long() {
    let with = |length: usize| {
        let mut statement = statement();
        statement.manifest = Some(v1::Signed { body: vec![1; length - 4 - 66], sig: vec![2; 64] });
        assert_eq!(statement.manifest.as_ref().unwrap().encoded_len(), length);
        StatementExport::new(PLACE, statement)
    };
    assert!(with(65_792).is_ok());
    assert!(with(65_793).err() == Some(WireError::TooLong));
}
