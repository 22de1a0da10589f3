//! Signed statements, and who signed them.

use super::super::*;
use super::fixture::{PLACE, evidence, sign, verified};
use crate::identity::{
    AccountKey, CertificateError, DeviceKind, DevicePublic, ListedDevice, LocalDevice, Manifest, ManifestDraft,
    ManifestError, ManifestPin, Source, Trust,
};
use crate::ids::{ConversationId, MessageId};
use crate::malicious;
use crate::primitives::kdf::sha256;
use crate::testing::{Certificates, Party, Service, at};
use crate::time::{DAY_MS, HOUR_MS, Timestamp};
use crate::wire::v1;

/// A signer, and a recipient who knows its account.
struct Case {
    signer: Party,
    trust: Trust,
    pin: ManifestPin,
}

impl Case {
    fn new() -> Self {
        let signer = Party::new(0xa1);
        Self { trust: Service::new().trust(), pin: signer.pin(), signer }
    }

    fn order(&self) -> v1::SignedStatement {
        sign(&self.signer, StatementKind::Order, b"x-ray".to_vec())
    }

    fn evidence(&self) -> StatementEvidence<'_> {
        evidence(&self.signer, &self.pin, &self.trust, at(60))
    }

    fn judge(&self, statement: &v1::SignedStatement) -> Result<VerifiedStatement, StatementError> {
        VerifiedStatement::verify(statement, PLACE, &self.evidence())
    }

    fn at(&self, received_at: Timestamp) -> Result<VerifiedStatement, StatementError> {
        VerifiedStatement::verify(&self.order(), PLACE, &StatementEvidence { received_at, ..self.evidence() })
    }

    /// For a third party, who has neither session nor pin.
    fn unbound(&self) -> StatementEvidence<'_> {
        StatementEvidence { signer: ExpectedSigner::Certified, ..self.evidence() }
    }
}

fn refused(error: impl Into<SignerError>) -> Result<VerifiedStatement, StatementError> {
    Err(StatementError::Signer(error.into()))
}

#[test]
fn verified_statement_names_signer_time_and_digest() {
    let case = Case::new();
    let verified = case.judge(&case.order()).unwrap();
    assert_eq!(verified.signer(), case.signer.public().address);
    assert_eq!(verified.received_at(), at(60));
    assert_eq!((verified.kind(), verified.body(), verified.place()), (StatementKind::Order, &b"x-ray"[..], PLACE));
    assert_eq!(*verified.digest(), sha256(&[b"x-ray"]));
    assert!(verified.certificate().device == *case.signer.public());
}

#[test]
fn t103_statement_moved_elsewhere_is_invalid() {
    let case = Case::new();
    let statement = case.order();
    let verify = |statement, place| VerifiedStatement::verify(statement, place, &case.evidence());
    let elsewhere = StatementPlace { conversation: ConversationId::from_bytes([9; 16]), ..PLACE };
    assert_eq!(verify(&statement, elsewhere), Err(StatementError::Signature));
    let elsewhere = StatementPlace { message: MessageId::from_bytes([9; 16]), ..PLACE };
    assert_eq!(verify(&statement, elsewhere), Err(StatementError::Signature));
    let other_kind = v1::SignedStatement { kind: StatementKind::Prescription.as_u32(), ..statement.clone() };
    assert_eq!(verify(&other_kind, PLACE), Err(StatementError::Signature));
    let mut other_body = statement.clone();
    other_body.body[0] ^= 1;
    assert_eq!(verify(&other_body, PLACE), Err(StatementError::Signature));
    assert!(verify(&statement, PLACE).is_ok(), "control");
}

/// The first bytes of a body cannot slide into the kind, nor those of the message into the conversation.
#[test]
fn t103_fields_cannot_lend_bytes_to_each_other() {
    let case = Case::new();
    let statement = sign(&case.signer, StatementKind::Order, vec![0, 0, 0, 2, 7]);
    let shifted = v1::SignedStatement { body: statement.body[4..].to_vec(), kind: 2, ..statement.clone() };
    assert_eq!(case.judge(&shifted), Err(StatementError::Signature));
    assert!(case.judge(&statement).is_ok(), "control");
}

#[test]
fn statement_of_nothing_or_of_unknown_kind_or_length_is_refused() {
    let case = Case::new();
    let (signer, certificates) = (&case.signer, case.signer.certificates(at(0)));
    let manifest = signer.manifest.to_signed();
    let proof =
        SignerProof { device_cert: &certificates.device, issuer_cert: &certificates.issuer, manifest: &manifest };
    let made = |body: Vec<u8>| sign_statement(&signer.device, PLACE, StatementKind::Form, body, proof);
    let limit = 256 * 1024;
    for (body, error) in [(Vec::new(), StatementError::Empty), (vec![0; limit + 1], StatementError::TooLong)] {
        assert_eq!(made(body.clone()).err(), Some(error));
        // Rightly signed by other software.
        assert_eq!(case.judge(&resigned(signer, v1::SignedStatement { body, ..case.order() })), Err(error));
    }
    assert!(case.judge(&made(vec![0; limit]).unwrap()).is_ok(), "control");
    for kind in [0, 6] {
        let later = resigned(signer, v1::SignedStatement { kind, ..case.order() });
        assert_eq!(case.judge(&later), Err(StatementError::UnknownKind));
    }
    assert!(case.judge(&resigned(signer, case.order())).is_ok(), "control");
}

/// Signed again for [`PLACE`], whatever it says.
fn resigned(signer: &Party, statement: v1::SignedStatement) -> v1::SignedStatement {
    let kind = statement.kind.to_be_bytes();
    let parts: [&[u8]; 4] = [PLACE.conversation.as_bytes(), PLACE.message.as_bytes(), &kind, &statement.body];
    let sig = signer.device.dsk().sign(crate::labels::Label::Statement, &parts).to_vec();
    v1::SignedStatement { sig, ..statement }
}

#[test]
fn statement_without_certificates_or_manifest_is_refused() {
    let case = Case::new();
    let parts: [fn(&mut v1::SignedStatement) -> &mut Option<v1::Signed>; 3] =
        [|s| &mut s.device_cert, |s| &mut s.issuer_cert, |s| &mut s.manifest];
    for part in parts {
        let mut statement = case.order();
        part(&mut statement).take();
        assert_eq!(case.judge(&statement), Err(StatementError::Incomplete));
    }
    assert!(case.judge(&case.order()).is_ok(), "control");
}

#[test]
fn signer_of_another_service_is_refused() {
    let case = Case::new();
    let stranger = Service::seeded(0x30);
    let mut statement = case.order();
    statement.issuer_cert = Some(stranger.issuer_cert());
    assert_eq!(case.judge(&statement), refused(CertificateError::Issuer));
    let mut statement = case.order();
    let terms = stranger.device_terms(at(0));
    statement.device_cert = Some(stranger.issuer.certify(case.signer.public(), &terms));
    assert_eq!(case.judge(&statement), refused(CertificateError::Signature));
    assert!(case.judge(&case.order()).is_ok(), "control");
}

#[test]
fn revoked_signer_is_refused() {
    let case = Case::new();
    let service = Service::new();
    let with = |list| Trust { revocations: Some(list), ..case.trust.clone() };
    let device = with(service.revoke(2, |list| list.devices.push(case.signer.public().address)));
    let issuer = with(service.revoke(2, |list| list.issuers.push(7)));
    for trust in [&device, &issuer] {
        let verdict = VerifiedStatement::verify(&case.order(), PLACE, &StatementEvidence { trust, ..case.evidence() });
        assert_eq!(verdict, refused(CertificateError::Revoked));
    }
    let other = with(service.revoke(2, |list| list.devices.push(Party::new(0xa2).public().address)));
    let evidence = StatementEvidence { trust: &other, ..case.evidence() };
    assert!(VerifiedStatement::verify(&case.order(), PLACE, &evidence).is_ok(), "control");
}

/// The certificate of `at(0)` begins an hour before and lasts a day.
#[test]
fn certificate_must_be_valid_when_the_message_was_received() {
    let case = Case::new();
    let (begins, ends) = (at(0).minus(HOUR_MS), at(0).minus(HOUR_MS).plus(DAY_MS));
    for outside in [begins.minus(1), ends, ends.plus(365 * DAY_MS), Timestamp::from_millis(0)] {
        assert_eq!(case.at(outside), refused(SignerError::Time), "{outside:?}");
    }
    for inside in [begins, at(0), ends.minus(1)] {
        assert_eq!(case.at(inside).map(|statement| statement.received_at()), Ok(inside), "control");
    }
}

#[test]
fn manifest_must_list_the_device_as_certified() {
    let case = Case::new();
    let with = |manifest: v1::Signed| v1::SignedStatement { manifest: Some(manifest), ..case.order() };
    let other_account = Party::new(0xa2);
    // The same account, whose manifest lists another registration, another device, or the same one with other keys.
    let other_reg = Party::keyed(0xa1, 0xa1, 1, 5);
    let other_device = Party::keyed(0xa1, 0xa1, 2, 1000 + 0xa1);
    let other_keys = DevicePublic { dsk: other_reg.public().dsk, ..*case.signer.public() };
    let posing = other_reg.device.posing_as(&other_keys);
    let issued = |account: &AccountKey, device: &LocalDevice| {
        let listed = ListedDevice::of(device, DeviceKind::Mobile, at(0), &account.public_key());
        Manifest::issue(account, None, ManifestDraft { devices: vec![listed], next_aik: None }, at(0)).unwrap()
    };
    let with_other_keys = issued(&case.signer.account, &posing);
    // The same account and device under another identity key.
    let under_other_aik = issued(&Party::keyed(0xa1, 0x77, 1, 1).account, &case.signer.device);
    for manifest in
        [&other_account.manifest, &other_reg.manifest, &other_device.manifest, &with_other_keys, &under_other_aik]
    {
        for evidence in [case.evidence(), case.unbound()] {
            let verdict = VerifiedStatement::verify(&with(manifest.to_signed()), PLACE, &evidence);
            assert_eq!(verdict, refused(SignerError::NotListed));
        }
    }
    let longer = case.signer.next_manifest(&case.signer.manifest, &[&case.signer, &other_device], at(9));
    assert!(case.judge(&with(longer.to_signed())).is_ok(), "control");
}

#[test]
fn manifest_that_is_none_is_refused() {
    let case = Case::new();
    let with = |manifest: v1::Signed| v1::SignedStatement { manifest: Some(manifest), ..case.order() };
    let mut forged = case.signer.manifest.to_signed();
    forged.sig[0] ^= 1;
    assert_eq!(case.judge(&with(forged)), refused(ManifestError::Signature));
    let unasked = malicious::manifest(&case.signer.manifest, &case.signer.account, |manifest| {
        manifest.devices[0].pop = vec![7; 64];
    });
    assert_eq!(case.judge(&with(unasked)), refused(ManifestError::ProofOfPossession));
    assert!(case.judge(&with(case.signer.manifest.to_signed())).is_ok(), "control");
}

/// A device of the same service, rightly certified and listed by its own account, is not the sender.
#[test]
fn statement_of_another_device_than_the_sender_is_refused() {
    let case = Case::new();
    let others = sign(&Party::new(0xa2), StatementKind::Order, b"x-ray".to_vec());
    assert_eq!(case.judge(&others), refused(SignerError::OtherDevice));
    let second = Party::keyed(0xa1, 0xa1, 2, 7);
    let second = sign(&second, StatementKind::Order, b"x-ray".to_vec());
    assert_eq!(case.judge(&second), refused(SignerError::OtherDevice));
    let third_party = VerifiedStatement::verify(&others, PLACE, &case.unbound()).unwrap();
    assert_eq!(third_party.signer().account, crate::testing::account(0xa2), "control: a third party sees who it was");
}

/// The service certifies the sender's device under an identity key that nobody has pinned: the sender could deny the
/// statement later.
#[test]
fn statement_under_another_identity_key_is_refused() {
    let case = Case::new();
    let mut hidden = Party::keyed(0xa1, 0x77, 1, 1000 + 0xa1);
    hidden.device = case.signer.device.posing_as(&DevicePublic { aik: hidden.public().aik, ..*case.signer.public() });
    hidden.manifest = hidden.first_manifest(&[&hidden]);
    let statement = sign(&hidden, StatementKind::Order, b"x-ray".to_vec());
    assert_eq!(case.judge(&statement), refused(SignerError::OtherIdentity));
    // Nor does the pin of another account help.
    let other = Party::new(0xa2).pin();
    let signer = ExpectedSigner::Sender { device: case.signer.public(), pin: &other };
    let verdict = VerifiedStatement::verify(&case.order(), PLACE, &StatementEvidence { signer, ..case.evidence() });
    assert_eq!(verdict, refused(SignerError::OtherIdentity));
    assert!(case.judge(&case.order()).is_ok(), "control");
}

#[test]
fn statement_under_the_predecessor_of_a_rotated_key_counts_for_30_days() {
    let case = Case::new();
    let successor = Party::keyed(0xa1, 0x77, 1, 1000 + 0xa1);
    let announce = ManifestDraft { devices: vec![case.signer.listed()], next_aik: Some(successor.public().aik) };
    let second = Manifest::issue(&case.signer.account, Some(&case.signer.manifest), announce, at(1)).unwrap();
    let draft = ManifestDraft { devices: vec![successor.listed()], next_aik: None };
    let third = Manifest::issue(&successor.account, Some(&second), draft, at(2)).unwrap();
    let adopt = |pin: &ManifestPin, manifest, now| pin.judge(manifest, Source::Message, now).unwrap().pin;
    let rotated = |now| adopt(&adopt(&case.pin, &second, now), &third, now);
    let judge = |pin: &ManifestPin| {
        VerifiedStatement::verify(&case.order(), PLACE, &evidence(&case.signer, pin, &case.trust, at(60)))
    };
    assert!(judge(&rotated(at(50))).is_ok());
    let long_ago = at(60).minus(30 * DAY_MS);
    assert!(judge(&rotated(long_ago)).is_ok());
    assert_eq!(judge(&rotated(long_ago.minus(1))), refused(SignerError::OtherIdentity));
}

#[test]
fn signature_of_another_key_or_length_is_refused() {
    let case = Case::new();
    let by_other = resigned(&Party::new(0xa2), case.order());
    assert_eq!(case.judge(&by_other), Err(StatementError::Signature));
    for length in [0, 63, 65] {
        let sig = [case.order().sig, vec![0]].concat()[..length].to_vec();
        assert_eq!(case.judge(&v1::SignedStatement { sig, ..case.order() }), Err(StatementError::Signature));
    }
    assert!(case.judge(&case.order()).is_ok(), "control");
}

#[test]
fn certificate_that_lasts_too_long_is_refused() {
    let case = Case::new();
    let service = Service::new();
    let mut terms = service.device_terms(at(0));
    terms.validity.until = terms.validity.until.plus(1);
    let device = service.issuer.certify(case.signer.public(), &terms);
    let Certificates { issuer, .. } = case.signer.certificates(at(0));
    let statement = v1::SignedStatement { device_cert: Some(device), issuer_cert: Some(issuer), ..case.order() };
    assert_eq!(case.judge(&statement), refused(CertificateError::Lifetime));
    assert!(verified(&case.signer, StatementKind::Order, vec![1], at(60)).body() == [1], "control");
}
