use super::super::*;
use super::device;
use crate::ids::{ContentKeyId, ConversationId, StoreId};
use crate::primitives::Ed25519PublicKey;
use crate::testing::at;
use crate::wire::{SignedBody as _, v1};

const CONVERSATION: ConversationId = ConversationId::from_bytes([5; 16]);

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
    let head_of = |store, seq| {
        let signed =
            AuditHead::sign(&owner, StoreId::from_bytes([store; 16]), None, ChainPoint { seq, h: [1; 32] }, at(9));
        let address = owner.public().address;
        AuditHead::verify(&signed, (address.account, address.device), &owner.public().dsk).unwrap()
    };
    let verified = ErasureCertificate::verify(&signed, &owner.public().dsk, &head_of(7, 40)).unwrap();
    assert!(verified == certificate());
    // Of a store that is not this device's, or of an entry that its chain has not reached.
    for head in [head_of(8, 40), head_of(7, 39)] {
        let refused = ErasureCertificate::verify(&signed, &owner.public().dsk, &head);
        assert_eq!(refused.map(|_| ()).unwrap_err(), RecordError::OtherOrigin);
    }
    let stranger = device(0xa2);
    let refused = |signed: &v1::Signed, dsk: &Ed25519PublicKey| {
        ErasureCertificate::verify(signed, dsk, &head_of(7, 40)).map(|_| ()).unwrap_err()
    };
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
    // Signed, and it names no destroyed key.
    let nothing = ErasureCertificate { keys: Vec::new(), ..certificate() }.sign(&owner);
    assert_eq!(refused(&nothing, &owner.public().dsk), RecordError::Malformed);
}

#[test]
fn erasure_is_refused_below_the_floor_and_under_legal_hold() {
    assert_eq!(may_erase(Some(at(10)), Hold::Free, at(9)), Err(ErasureRefused::Retention));
    assert_eq!(may_erase(None, Hold::Held, at(9)), Err(ErasureRefused::LegalHold));
    assert_eq!(may_erase(Some(at(1)), Hold::Held, at(9)), Err(ErasureRefused::LegalHold));
    assert_eq!(may_erase(Some(at(10)), Hold::Free, at(10)), Ok(()));
    assert_eq!(may_erase(None, Hold::Free, at(9)), Ok(()));
}
