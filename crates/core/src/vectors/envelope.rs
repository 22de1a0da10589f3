//! SEALED envelopes: `docs/protocol.md` B7.2.

use prost::Message as _;

use super::area::Area;
use super::bytes::{cut, flipped, longer, written};
use super::cast::{MADE, Offer, Person};
use super::handshake::begun;
use super::node::{Node, fields};
use super::script::{ScriptedRng, seed};
use crate::envelope::{Envelope, Inner, LiveEnvelopeKey, SealTo, SealedBy, envelope_id};
use crate::errors::DecryptError;
use crate::handshake::Recipient;
use crate::identity::{JudgedAt, Trust};
use crate::labels::Label;
use crate::primitives::{kdf, setup_sender};
use crate::ratchet::{Outgoing, SendOptions};
use crate::testing::{Certificates, Service};
use crate::wire::{lp, v1};

struct World {
    alice: Person,
    bob: Person,
    certificates: Certificates,
    trust: Trust,
}

pub(super) fn area() -> Area {
    let mut area = Area::new("envelope");
    let (alice, bob) = (Person::alice(), Person::bob());
    let begun = begun(&alice, &bob, Offer::OneTime, "envelope");
    let world = World { certificates: alice.party.certificates(MADE), trust: Service::new().trust(), alice, bob };
    let init = Outgoing::Init(begun.init.clone());
    let accepted = world.bob.accept(&begun.init, &world.alice, Offer::OneTime).unwrap();
    // Bob answers, so that what Alice sends next is a bare session message.
    let mut rng = ScriptedRng::named("envelope answer");
    let (answer, _) = accepted.session.encrypt(b"", SendOptions::COMPACT, MADE, &mut rng).unwrap();
    let answer = crate::ratchet::SessionMessage::parse(answer.as_bytes()).unwrap();
    let (_, confirmed) = begun.session.decrypt(&answer, MADE).unwrap();
    let mut rng = ScriptedRng::named("envelope session message");
    let (session, _) = confirmed.encrypt(b"sealed", SendOptions::COMPACT, MADE, &mut rng).unwrap();
    let sealed = world.seals(&mut area, "INIT", &init);
    world.seals(&mut area, "SESSION", &session);
    world.refused(&mut area, &sealed);
    world.refused_bodies(&mut area, &begun.init);
    area
}

impl World {
    fn to(
        &self,
        env: &crate::prekey::PublishedRecord<crate::primitives::XWingPublicKey>,
        sealing: impl FnOnce(SealedBy<'_>, SealTo<'_>) -> Vec<u8>,
    ) -> Vec<u8> {
        let manifest = self.alice.party.manifest.to_signed();
        let by = SealedBy {
            device: &self.alice.party.device,
            device_cert: &self.certificates.device,
            issuer_cert: &self.certificates.issuer,
            manifest: &manifest,
        };
        sealing(by, SealTo::new(self.bob.public(), env, MADE).unwrap())
    }

    fn seals(&self, area: &mut Area, name: &str, message: &Outgoing) -> Vec<u8> {
        let randomness = seed(&format!("envelope {name}"));
        let env = self.bob.bundle(Offer::OneTime).env;
        let envelope = self.to(&env, |by, to| by.seal_with(message, to, &randomness).unwrap());
        let kind = if matches!(message, Outgoing::Init(_)) { 1_u32 } else { 2 };
        let input = fields! {
            "kind" => kind,
            "sender" => self.alice.described(),
            "recipient" => self.bob.described(),
            "env" => self.bob.env_described(),
            "device_cert" => &self.certificates.device,
            "issuer_cert" => &self.certificates.issuer,
            "manifest" => (kind == 1).then(|| Node::from(&self.alice.party.manifest.to_signed())),
            "inner" => message.as_bytes(),
            "encapsulation" => &*randomness,
        };
        // A second reading, from the formulas.
        let record = kdf::hash(Label::EnvRecord, &[&env.record]);
        let info = [Label::Sealed.framed(), &self.bob.public().address.to_bytes(), &record].concat();
        let (enc, context) = setup_sender(&env.key, &info, &randomness).unwrap();
        let export = context.export(Label::SealedExport).unwrap();
        let dh = self.alice.party.device.ddk().diffie_hellman(&self.bob.public().ddk).unwrap();
        let hint = env.key_id.hint();
        let key = kdf::kdf::<32>(&[0; 32], &[&*export, &*dh], Label::SealedAuth, &[&enc, &[hint]]);
        let content = v1::SealedContent {
            kind,
            device_cert: Some(self.certificates.device.clone()),
            issuer_cert: Some(self.certificates.issuer.clone()),
            inner: message.as_bytes().to_vec(),
            manifest: (kind == 1).then(|| self.alice.party.manifest.to_signed()),
        }
        .encode_to_vec();
        let mut body = [lp(&content).as_slice(), &content].concat();
        body.resize(envelope.len() - 1139 - 32, 0);
        let (from, to) = (self.alice.public().id_bytes(), self.bob.public().id_bytes());
        let tag = kdf::mac(&key, Label::SealedTag, &[&kdf::sha256(&[&body]), &from, &to]);
        let ct = context.seal(&[1, 1, hint], &[tag.as_slice(), &body].concat()).unwrap();
        assert_eq!([&[1, 1, hint], enc.as_slice(), &ct].concat(), envelope);
        let output = fields! {
            "env_hint" => u32::from(hint), "info" => info, "enc" => enc, "export" => &*export, "dh" => &*dh,
            "tag_key" => &*key, "id_a" => from, "id_b" => to, "sealed_content" => content,
            "padded_pt_length" => envelope.len() - 1139, "tag" => tag,
            "envelope" => &envelope, "envelope_id" => envelope_id(&envelope),
        };
        let comment = "`export` is ctx.Export(lbl(\"sealed-export\"), 32), `dh` is DH(DDK_A, DDK_B).";
        area.gives(format!("SEALED {name}"), comment, input, output);
        envelope
    }

    fn open(&self, envelope: &[u8]) -> Result<Vec<u8>, DecryptError> {
        let Envelope::Sealed(sealed) = Envelope::parse(envelope)? else {
            return Err(DecryptError::NoSession);
        };
        let recipient = Recipient { device: &self.bob.party.device, previous_aiks: &[] };
        let keys = [LiveEnvelopeKey::new(&self.bob.party.env, None, MADE).unwrap()];
        let tagged = sealed.open(recipient, &keys, &self.trust)?;
        let at = JudgedAt::Received { server: MADE, local: MADE };
        match tagged.judge(at, &self.trust, crate::envelope::Pinned::Stranger)? {
            crate::envelope::Judged::Delivered(envelope) => match &envelope.inner {
                Inner::Init(inner) | Inner::Session(inner) => Ok(inner.clone()),
            },
            crate::envelope::Judged::Held(..) | crate::envelope::Judged::Forked => panic!("not of a stranger"),
        }
    }

    fn judge(&self, area: &mut Area, name: &str, comment: &str, envelope: &[u8]) {
        let service = Service::new();
        let input = fields! {
            "recipient" => self.bob.described(),
            "env" => self.bob.env_described(),
            "root" => service.root.public_key().tagged(),
            "revocation_list" => &service.revocation_list(1, |_| ()),
            "server_ms" => MADE,
            "local_ms" => MADE,
            "envelope" => envelope,
        };
        let result = self.open(envelope).map(|inner| fields! { "inner" => inner });
        area.judged(format!("open: {name}"), comment, input, result);
    }

    fn refused(&self, area: &mut Area, honest: &[u8]) {
        self.judge(area, "control", "The sender is a stranger; nothing of it is pinned.", honest);
        self.judge(area, "type 0x02", "Reserved.", &written(honest, 0, &[2]));
        self.judge(area, "type 0x33", "Reserved.", &written(honest, 0, &[0x33]));
        self.judge(area, "type 0x31", "An INIT never travels bare.", &written(honest, 0, &[0x31]));
        self.judge(area, "version 2", "", &written(honest, 1, &[2]));
        self.judge(area, "hint flipped", "It is bound by aad and tag key.", &flipped(honest, 2));
        self.judge(area, "enc flipped, ML-KEM part", "", &flipped(honest, 3));
        self.judge(area, "enc flipped, X25519 part", "", &flipped(honest, 3 + 1088));
        self.judge(area, "ciphertext flipped", "", &flipped(honest, 1123));
        self.judge(area, "one byte short", "", &cut(honest));
        self.judge(area, "one byte long", "", &longer(honest));
        self.judge(area, "enc only", "", &honest[..1123]);
        self.judge(area, "type only", "", &honest[..1]);
        self.judge(area, "empty", "", &[]);
    }

    /// Bodies that an honest sender never makes, under a tag that verifies.
    fn refused_bodies(&self, area: &mut Area, init: &[u8]) {
        let manifest = self.alice.party.manifest.to_signed();
        let content = v1::SealedContent {
            kind: 1,
            device_cert: Some(self.certificates.device.clone()),
            issuer_cert: Some(self.certificates.issuer.clone()),
            inner: init.to_vec(),
            manifest: Some(manifest),
        };
        let framed = |content: &[u8], length: usize| {
            let mut body = [lp(content).as_slice(), content].concat();
            body.resize(length - 32, 0);
            body
        };
        let encoded = content.encode_to_vec();
        let length = (encoded.len() + 36).next_multiple_of(1024);
        let honest = framed(&encoded, length);
        let last = honest.len() - 1;
        let edited = |edit: fn(&mut v1::SealedContent)| {
            let mut content = content.clone();
            edit(&mut content);
            framed(&content.encode_to_vec(), length)
        };
        let bodies = [
            ("control, sealed again", honest.clone()),
            ("length not a multiple of 1024", honest[..last].to_vec()),
            ("padding not zero", written(&honest, last, &[1])),
            ("length beyond the end", written(&honest, 0, &[0xff; 4])),
            ("unknown field", framed(&[&encoded[..], &[0x30, 0x01]].concat(), length)),
            ("duplicate kind", framed(&[&[0x08, 0x01], &encoded[..]].concat(), length)),
            ("kind 0", edited(|content| content.kind = 0)),
            ("kind 3", edited(|content| content.kind = 3)),
            ("kind 1 without manifest", edited(|content| content.manifest = None)),
            ("kind 2 with manifest", edited(|content| content.kind = 2)),
            ("no device certificate", edited(|content| content.device_cert = None)),
            ("no issuer certificate", edited(|content| content.issuer_cert = None)),
            ("certificate signature flipped", edited(|content| content.device_cert.as_mut().unwrap().sig[0] ^= 1)),
            ("manifest signature flipped", edited(|content| content.manifest.as_mut().unwrap().sig[0] ^= 1)),
        ];
        let env = self.bob.bundle(Offer::OneTime).env;
        for (name, body) in bodies {
            let randomness = seed(&format!("envelope body {name}"));
            let envelope = self.to(&env, |by, to| by.seal_body(&body, to, &randomness).unwrap());
            self.judge(area, &format!("body, {name}"), "The tag is right for this body.", &envelope);
        }
    }
}
