//! Signed statements and their export: `docs/protocol.md` B9.1 and B20.

use prost::Message as _;

use super::area::Area;
use super::cast::{MADE, Person};
use super::node::{Fields, fields};
use super::script::seed;
use crate::identity::{ManifestPin, Trust};
use crate::ids::{ConsentId, ConversationId, MessageId};
use crate::labels::Label;
use crate::records::{
    Channel, Consent, ExpectedSigner, SignerProof, StatementEvidence, StatementExport, StatementKind, StatementPlace,
    VerifiedStatement, sign_statement,
};
use crate::testing::{Party, Service};
use crate::time::{DAY_MS, HOUR_MS, Timestamp};
use crate::wire::v1;

pub(super) fn add(area: &mut Area, alice: &Person) {
    let consent = consent(alice);
    for (name, kind, body) in
        [("order", StatementKind::Order, b"order".to_vec()), ("consent", StatementKind::Consent, consent.to_bytes())]
    {
        let input = fields! {
            "device" => alice.described(), "conversation_id" => place().conversation.as_bytes(),
            "message_id" => place().message.as_bytes(), "kind" => kind.as_u32(), "body" => &body,
        };
        let comment = "SIGN(DSK, \"statement\", conversation_id || message_id || u32 kind || body)";
        let sig = signed(&alice.party, kind, body).sig;
        area.gives(format!("statement: {name}"), comment, input, fields! { "sig" => sig });
    }
    let desk = Desk::new(alice);
    received(area, &desk);
    exported(area, &desk);
}

fn place() -> StatementPlace {
    StatementPlace {
        conversation: ConversationId::from_bytes(*seed("conversation")),
        message: MessageId::from_bytes(*seed("message")),
    }
}

fn consent(alice: &Person) -> Consent {
    Consent {
        id: ConsentId::from_bytes(*seed("consent")),
        scope: "messaging".into(),
        text_sha256: [7; 32],
        text_version: "2026-01".into(),
        channel: Channel::App,
        given_at: Some(MADE),
        expires_at: Some(MADE.plus(365 * DAY_MS)),
        withdrawn_at: None,
        patient: alice.public().address.account,
        alternative: "Call the practice.".into(),
    }
}

fn signed(signer: &Party, kind: StatementKind, body: Vec<u8>) -> v1::SignedStatement {
    let (certificates, manifest) = (signer.certificates(MADE), signer.manifest.to_signed());
    let proof =
        SignerProof { device_cert: &certificates.device, issuer_cert: &certificates.issuer, manifest: &manifest };
    sign_statement(&signer.device, place(), kind, body, proof).unwrap()
}

/// What a recipient of Alice's messages has, and a third party who is told the time.
struct Desk<'a> {
    alice: &'a Person,
    service: Service,
    pin: ManifestPin,
}

/// A statement to be judged, and where.
#[derive(Clone)]
struct Shown {
    statement: v1::SignedStatement,
    place: StatementPlace,
    revocations: v1::Signed,
    received_at: Timestamp,
}

impl<'a> Desk<'a> {
    fn new(alice: &'a Person) -> Self {
        Self { alice, service: Service::new(), pin: alice.party.pin() }
    }

    fn good(&self) -> Shown {
        Shown {
            statement: signed(&self.alice.party, StatementKind::Order, b"order".to_vec()),
            place: place(),
            revocations: self.service.revocation_list(1, |_| ()),
            received_at: MADE.plus(60_000),
        }
    }

    fn input(&self, shown: &Shown) -> Fields {
        fields! {
            "root" => self.service.root.public_key().tagged(), "revocation_list" => &shown.revocations,
            "received_ms" => shown.received_at,
        }
    }

    fn trust(&self, shown: &Shown) -> Trust {
        let (roots, signed) = (self.service.roots(), &shown.revocations);
        let list = crate::identity::RevocationList::verify(signed, &roots, None).unwrap();
        Trust { roots, revocations: Some(list) }
    }

    /// Signed again by Alice, whatever it says.
    fn resigned(&self, statement: v1::SignedStatement) -> v1::SignedStatement {
        let (place, kind) = (place(), statement.kind.to_be_bytes());
        let parts: [&[u8]; 4] = [place.conversation.as_bytes(), place.message.as_bytes(), &kind, &statement.body];
        let sig = self.alice.party.device.dsk().sign(Label::Statement, &parts).to_vec();
        v1::SignedStatement { sig, ..statement }
    }
}

fn described(verified: &VerifiedStatement) -> Fields {
    let signer = verified.signer();
    fields! {
        "account_id" => signer.account.as_bytes(), "device_id" => signer.device.as_u32(),
        "reg_nonce" => signer.reg.as_u32(), "kind" => verified.kind().as_u32(), "body" => verified.body(),
        "digest" => verified.digest(),
    }
}

fn received(area: &mut Area, desk: &Desk<'_>) {
    let comment = "What a recipient judges: the sender is the peer of the session, the pin is its account's.";
    let mut judge = |name: &str, shown: &Shown, sender: &Person, pin: &ManifestPin| {
        let device = sender.public();
        let input = desk
            .input(shown)
            .with("statement", shown.statement.encode_to_vec())
            .with("conversation_id", shown.place.conversation.as_bytes())
            .with("message_id", shown.place.message.as_bytes())
            .with("sender_account", device.address.account.as_bytes())
            .with("sender_device", device.address.device.as_u32())
            .with("sender_reg", device.address.reg.as_u32())
            .with("sender_dsk", device.dsk.tagged())
            .with("sender_ddk", device.ddk.tagged())
            .with("pinned_manifest", &pin.current().to_signed());
        let evidence = StatementEvidence {
            trust: &desk.trust(shown),
            received_at: shown.received_at,
            signer: ExpectedSigner::Sender { device, pin },
        };
        let verdict = VerifiedStatement::verify(&shown.statement, shown.place, &evidence);
        area.judged(format!("received: {name}"), comment, input, verdict.map(|verified| described(&verified)));
    };
    let (good, alice, bob) = (desk.good(), desk.alice, Person::bob());
    judge("good", &good, alice, &desk.pin);
    let with = |statement| Shown { statement, ..good.clone() };
    let order = || good.statement.clone();
    let elsewhere = MessageId::from_bytes([0; 16]);
    let moved = Shown { place: StatementPlace { message: elsewhere, ..place() }, ..good.clone() };
    judge("in another message", &moved, alice, &desk.pin);
    judge("as another kind", &with(v1::SignedStatement { kind: 5, ..order() }), alice, &desk.pin);
    judge("other body", &with(v1::SignedStatement { body: b"ordes".to_vec(), ..order() }), alice, &desk.pin);
    let empty = desk.resigned(v1::SignedStatement { body: Vec::new(), ..order() });
    judge("empty body, rightly signed", &with(empty), alice, &desk.pin);
    let unknown = desk.resigned(v1::SignedStatement { kind: 6, ..order() });
    judge("kind 6, rightly signed", &with(unknown), alice, &desk.pin);
    judge("no manifest", &with(v1::SignedStatement { manifest: None, ..order() }), alice, &desk.pin);
    judge("no certificate", &with(v1::SignedStatement { device_cert: None, ..order() }), alice, &desk.pin);
    let ends = MADE.minus(HOUR_MS).plus(DAY_MS);
    let at = |received_at| Shown { received_at, ..good.clone() };
    judge("last millisecond of the certificate", &at(ends.minus(1)), alice, &desk.pin);
    judge("certificate has run out", &at(ends), alice, &desk.pin);
    judge("before the certificate", &at(MADE.minus(HOUR_MS + 1)), alice, &desk.pin);
    let list = desk.service.revocation_list(2, |list| list.devices.push(alice.public().address));
    judge("device revoked", &Shown { revocations: list, ..good.clone() }, alice, &desk.pin);
    let manifest = Some(bob.party.manifest.to_signed());
    judge("manifest of another account", &with(v1::SignedStatement { manifest, ..order() }), alice, &desk.pin);
    judge("another device than the sender", &good, &bob, &bob.party.pin());
    judge("another account's pin", &good, alice, &bob.party.pin());
    let bobs = signed(&bob.party, StatementKind::Order, b"order".to_vec());
    let mixed = v1::SignedStatement { sig: bobs.sig, ..order() };
    judge("signed by another device", &with(mixed), alice, &desk.pin);
}

fn exported(area: &mut Area, desk: &Desk<'_>) {
    let comment = "What a third party judges: it is told the time, and knows no session and no pin.";
    let good = desk.good();
    let file = StatementExport::new(good.place, good.statement.clone()).unwrap().to_bytes();
    let input = fields! {
        "export_of" => good.statement.encode_to_vec(), "conversation_id" => good.place.conversation.as_bytes(),
        "message_id" => good.place.message.as_bytes(),
    };
    area.gives("export", "The bytes of StatementExport.", input, fields! { "export" => &file });
    let mut judge = |name: &str, file: &[u8], shown: &Shown| {
        let input = desk.input(shown).with("export", file);
        let name = format!("export: {name}");
        match StatementExport::from_bytes(file) {
            Err(error) => area.fails(name, comment, input, format!("Wire({error:?})")),
            Ok(read) => {
                assert_eq!(read.to_bytes(), file);
                let verdict = read.verify(&desk.trust(shown), shown.received_at);
                area.judged(name, comment, input, verdict.map(|verified| described(&verified)));
            }
        }
    };
    judge("good", &file, &good);
    judge("certificate has run out", &file, &Shown { received_at: MADE.plus(DAY_MS), ..good.clone() });
    let list = desk.service.revocation_list(2, |list| list.devices.push(desk.alice.public().address));
    judge("device revoked", &file, &Shown { revocations: list, ..good.clone() });
    let mut moved = file.clone();
    moved[2] ^= 1;
    judge("in another conversation", &moved, &good);
    judge("unknown field", &[&file[..], &[0x20, 1]].concat(), &good);
    judge("a field twice", &[&file[..], &file[..18]].concat(), &good);
    judge("reordered", &[&file[18..36], &file[..18], &file[36..]].concat(), &good);
    judge("no message id", &[&file[..18], &file[36..]].concat(), &good);
    judge("no statement", &file[..36], &good);
    judge("cut off", &file[..file.len() - 1], &good);
}
