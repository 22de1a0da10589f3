//! An end that the reference plays, with a twin in Rust that is given the same inputs: whatever the reference writes,
//! answers or stores must be, byte for byte, what its twin does.

use std::rc::Rc;

use carevow_core::ids::SessionId;
use carevow_core::ratchet::{LaneOffer, Outgoing, Session};
use carevow_core::time::Timestamp;
use carevow_core::wire::v1;
use serde_json::{Value, json};

use crate::device::Device;
use crate::end::{Delivered, End, Form, Manner};
use crate::person::{Offer, Person, signed, signed_record};
use crate::random::{Random, Script};
use crate::reference::{Reference, bytes, text};
use crate::rust::Rust;

pub struct Twins {
    reference: Reference,
    twin: Device,
    random: Random,
}

impl Twins {
    pub fn new(twin: Device, random: Random) -> Self {
        let mut reference = Reference::start();
        let person = &twin.person;
        let made = reference.ask("init", person.described.clone());
        assert_eq!(made["manifest"], signed(&person.manifest.to_signed()));
        assert_eq!(made["device_cert"], signed(&person.device_cert));
        assert_eq!(made["issuer_cert"], signed(&person.issuer_cert));
        let records = [
            ("spk", person.spk.signed(&person.device)),
            ("opk", person.opk.signed(&person.device)),
            ("kem", person.kem.signed(&person.device)),
            ("env", person.env_record()),
        ];
        for (name, record) in records {
            assert_eq!(made["records"][name], signed_record(&record), "{name}");
        }
        Self { reference, twin, random }
    }

    /// The reference takes the place of a device in Rust: it loads the sessions that Rust stored.
    pub fn take_over(device: Device, random: Random) -> Self {
        let mut twins = Self::new(device, random);
        let Self { reference, twin, .. } = &mut twins;
        reference.ask("pin", json!({ "manifest": signed(&twin.peer.manifest.to_signed()) }));
        for session in twin.sessions.values() {
            let loaded = reference.ask("load", json!({ "state": hex::encode(&*session.to_bytes()) }));
            assert_eq!(bytes(&loaded, "sid"), session.sid().as_bytes());
        }
        if twin.env.is_some() {
            let mut record = signed_record(&twin.peer.env_record());
            record["now"] = crate::person::MADE.as_millis().into();
            reference.ask("peer_env", record);
        }
        twins.compare();
        twins
    }

    /// The stored sessions of both, byte for byte.
    fn compare(&mut self) {
        for (sid, session) in &self.twin.sessions {
            assert!(stored(&mut self.reference, sid) == *session.to_bytes(), "the twins store different sessions");
        }
    }

    fn named(&mut self, draws: &[(&str, usize)]) -> (Value, Vec<(String, Vec<u8>)>) {
        let drawn: Vec<_> =
            draws.iter().map(|(name, length)| ((*name).to_owned(), self.random.bytes(*length))).collect();
        let named = drawn.iter().map(|(name, bytes)| (name.clone(), hex::encode(bytes).into()));
        (Value::Object(named.collect()), drawn)
    }
}

/// A session as the reference stores it.
fn stored(reference: &mut Reference, sid: &SessionId) -> Vec<u8> {
    bytes(&reference.ask("state", json!({ "sid": hex::encode(sid.as_bytes()) })), "state")
}

impl End for Twins {
    fn person(&self) -> &Rc<Person> {
        &self.twin.person
    }

    fn bundle(&mut self) -> Vec<u8> {
        let without_opk = self.twin.person.offer == Offer::LastResort;
        let bundle = bytes(&self.reference.ask("bundle", json!({ "without_opk": without_opk })), "bytes");
        assert_eq!(bundle, self.twin.person.bundle());
        bundle
    }

    fn connect(&mut self, bundle: &[u8], now: Timestamp) {
        let (random, draws) = self.named(&[("ek_seed", 32), ("m", 32)]);
        let peer = self.twin.peer.public().address;
        let made = self.reference.ask(
            "connect",
            json!({
                "bundle": hex::encode(bundle), "account_id": hex::encode(peer.account.as_bytes()),
                "device_id": peer.device.as_u32(), "now": now.as_millis(), "random": random,
            }),
        );
        let mut script = Script::of(draws.into_iter().map(|(_, bytes)| bytes));
        let generation = self.twin.connect(bundle, now, &mut script);
        script.finish();
        assert_eq!(made["generation"], generation.as_u32());
        assert_eq!(bytes(&made, "sid"), self.twin.active().sid().as_bytes());
        self.compare();
    }

    fn learn_env(&mut self, record: &v1::SignedRecord, now: Timestamp) {
        let mut command = signed_record(record);
        command["now"] = now.as_millis().into();
        self.reference.ask("peer_env", command);
        self.twin.learn_env(record, now);
    }

    fn send(&mut self, content: &[u8], manner: Manner, now: Timestamp) -> Vec<u8> {
        let named = [("header_nonce", 12), ("dh_seed", 32), ("offer_seed", 64), ("encapsulation_m", 32)];
        let (random, draws) = self.named(&named);
        let lane_offer = if manner.options.offer == LaneOffer::Now { "now" } else { "policy" };
        let profile = if manner.is_compact() { "compact" } else { "clinical" };
        let sent = self.reference.ask(
            "send",
            json!({
                "content": hex::encode(content), "now": now.as_millis(), "random": random, "profile": profile,
                "minimum_body": manner.options.minimum_body, "lane_offer": lane_offer,
            }),
        );
        let drawn: Vec<_> = sent["drawn"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        let draws = draws.into_iter().filter(|(name, _)| drawn.contains(&name.as_str())).map(|(_, bytes)| bytes);
        let mut script = Script::of(draws);
        let outgoing = self.twin.encrypt(content, manner.options, now, &mut script);
        script.finish();
        assert!(bytes(&sent, "bytes") == outgoing.as_bytes(), "the twins write different messages");
        self.compare();
        match (&outgoing, manner.sealed) {
            (Outgoing::Session(message), false) => message.clone(),
            _ => {
                let (random, draws) = self.named(&[("encapsulation", 64)]);
                let inner = hex::encode(outgoing.as_bytes());
                let sealed = self.reference.ask("seal", json!({ "inner": inner, "random": random }));
                let mut draws = Script::of(draws.into_iter().map(|(_, bytes)| bytes));
                let envelope = self.twin.seal(&outgoing, now, &mut draws);
                assert!(bytes(&sealed, "bytes") == envelope, "the twins seal differently");
                assert_eq!(bytes(&sealed, "envelope_id"), carevow_core::envelope::envelope_id(&envelope));
                envelope
            }
        }
    }

    fn open(&mut self, envelope: &[u8], now: Timestamp) -> Result<Delivered, String> {
        let command = json!({ "bytes": hex::encode(envelope), "now": now.as_millis() });
        let theirs = self.reference.try_ask("open", command);
        let theirs = theirs
            .map(|opened| Delivered { content: bytes(&opened, "content"), form: Form::of(text(&opened, "what")) });
        let ours = self.twin.open(envelope, now).map_err(|error| format!("{error:?}"));
        assert_eq!(theirs, ours, "the twins open differently");
        self.compare();
        ours
    }

    fn device(&self) -> &Device {
        &self.twin
    }

    fn exchanged(mut self: Box<Self>) -> Box<dyn End> {
        let sids: Vec<_> = self.twin.sessions.keys().copied().collect();
        for sid in sids {
            let loaded = Session::from_bytes(&stored(&mut self.reference, &sid)).unwrap();
            self.twin.sessions.insert(sid, loaded);
        }
        Box::new(Rust { device: self.twin, random: self.random })
    }
}
