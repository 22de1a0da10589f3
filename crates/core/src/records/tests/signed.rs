use super::super::*;
use super::device;
use crate::ids::{ContentKeyId, ConversationId, MessageId, StoreId};
use crate::testing::at;
use crate::wire::{SignedBody as _, v1};

const CONVERSATION: ConversationId = ConversationId::from_bytes([5; 16]);
const MESSAGE: MessageId = MessageId::from_bytes([6; 16]);

#[test]
fn t103_statement_moved_elsewhere_is_invalid() {
    let signer = device(0xa1);
    let here = (&CONVERSATION, &MESSAGE);
    let statement = sign_statement(&signer, here, StatementKind::Order, b"x-ray".to_vec()).unwrap();
    let verify = |statement, place| VerifiedStatement::verify(statement, place, &signer.public().dsk);
    let (conversation, message) = (ConversationId::from_bytes([9; 16]), MessageId::from_bytes([9; 16]));
    assert_eq!(verify(&statement, (&conversation, &MESSAGE)), Err(StatementError::Signature));
    assert_eq!(verify(&statement, (&CONVERSATION, &message)), Err(StatementError::Signature));
    let mut other_kind = statement.clone();
    other_kind.kind = StatementKind::Prescription.as_u32();
    assert_eq!(verify(&other_kind, here), Err(StatementError::Signature));
    let mut other_body = statement.clone();
    other_body.body[0] ^= 1;
    assert_eq!(verify(&other_body, here), Err(StatementError::Signature));
    let other_signer = VerifiedStatement::verify(&statement, here, &device(0xa2).public().dsk);
    assert_eq!(other_signer, Err(StatementError::Signature));
    let verified = verify(&statement, here).unwrap();
    assert!(verified.kind == StatementKind::Order && verified.body == b"x-ray", "control");
}

/// The first bytes of a body cannot slide into the kind, nor those of the message into the conversation.
#[test]
fn t103_fields_cannot_lend_bytes_to_each_other() {
    let signer = device(0xa1);
    let statement = sign_statement(&signer, (&CONVERSATION, &MESSAGE), StatementKind::Order, vec![7; 8]).unwrap();
    let mut shifted = statement.clone();
    shifted.body.insert(0, 1);
    shifted.kind = 0;
    let verified = VerifiedStatement::verify(&shifted, (&CONVERSATION, &MESSAGE), &signer.public().dsk);
    assert_eq!(verified, Err(StatementError::Signature));
}

#[test]
fn statement_of_unknown_kind_or_length_is_refused() {
    let signer = device(0xa1);
    let long = vec![0; 256 * 1024 + 1];
    let signed = sign_statement(&signer, (&CONVERSATION, &MESSAGE), StatementKind::Form, long.clone());
    assert_eq!(signed.err(), Some(StatementError::TooLong));
    let long = v1::SignedStatement { body: long, kind: 4, ..Default::default() };
    let verified = VerifiedStatement::verify(&long, (&CONVERSATION, &MESSAGE), &signer.public().dsk);
    assert_eq!(verified, Err(StatementError::TooLong));
    // Signed for kind 6 by a later version.
    let parts: [&[u8]; 4] = [CONVERSATION.as_bytes(), MESSAGE.as_bytes(), &[0, 0, 0, 6], b"x"];
    let sig = signer.dsk().sign(crate::labels::Label::Statement, &parts).to_vec();
    let later = v1::SignedStatement { body: b"x".to_vec(), sig, kind: 6, ..Default::default() };
    let verified = VerifiedStatement::verify(&later, (&CONVERSATION, &MESSAGE), &signer.public().dsk);
    assert_eq!(verified, Err(StatementError::UnknownKind));
}

fn certificate() -> ErasureCertificate {
    ErasureCertificate {
        store: StoreId::from_bytes([7; 16]),
        conversation: CONVERSATION,
        basis: Basis::Request,
        at: at(9),
        keys: vec![ContentKeyId::from_bytes([8; 16])],
        chain_seq: 40,
        kept: vec![Kept { what: KeptPart::Archive, reason: KeepReason::Retention, until: at(1_000) }],
        earlier_copies: Coverage::Covered,
        emergency_shares: Coverage::NotCovered,
    }
}

#[test]
fn erasure_certificate_is_its_devices_and_says_what_is_left() {
    let owner = device(0xa1);
    let signed = certificate().sign(&owner);
    let verified = ErasureCertificate::verify(&signed, &owner.public().dsk).unwrap();
    assert!(verified == certificate());
    let stranger = device(0xa2);
    let refused = |signed, dsk| ErasureCertificate::verify(signed, dsk).unwrap_err();
    assert_eq!(refused(&signed, &stranger.public().dsk), RecordError::Signature);
    let mut altered = signed.clone();
    *altered.body.last_mut().unwrap() ^= 3;
    assert_eq!(refused(&altered, &owner.public().dsk), RecordError::Signature);
    // Another signed object of this device is no certificate.
    let head = AuditHead::sign(&owner, StoreId::from_bytes([7; 16]), None, ChainPoint::START, at(9));
    assert_eq!(refused(&head, &owner.public().dsk), RecordError::Signature);
    // Signed, and it does not say whether earlier copies stay closed.
    let mut wire = v1::ErasureCertificate::parse(&signed.body).unwrap();
    wire.earlier_copies = 0;
    assert_eq!(refused(&wire.sign(owner.dsk()), &owner.public().dsk), RecordError::Malformed);
}

#[test]
fn erasure_is_refused_below_the_floor_and_under_legal_hold() {
    assert_eq!(may_erase(Some(at(10)), Hold::Free, at(9)), Err(ErasureRefused::Retention));
    assert_eq!(may_erase(None, Hold::Held, at(9)), Err(ErasureRefused::LegalHold));
    assert_eq!(may_erase(Some(at(1)), Hold::Held, at(9)), Err(ErasureRefused::LegalHold));
    assert_eq!(may_erase(Some(at(10)), Hold::Free, at(10)), Ok(()));
    assert_eq!(may_erase(None, Hold::Free, at(9)), Ok(()));
}
