//! Manifests, certificates, revocation lists, and what is not canonical: `docs/protocol.md` B2 and B1.2.

use super::area::Area;
use super::cast::{MADE, Person};
use super::node::{Fields, Node, fields};
use super::script::seed;
use crate::identity::{
    CertificateError, CertificateTimeError, DeviceKind, JudgedAt, ListedDevice, LocalDevice, Manifest, ManifestDraft,
    RevocationList, UnverifiedCertificates, UnverifiedManifest,
};
use crate::ids::{DeviceAddress, DeviceId, RegNonce, Serial};
use crate::labels::Label;
use crate::malicious;
use crate::testing::Service;
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::wire::v1;

pub(super) fn area() -> Area {
    let mut area = Area::new("identity");
    let alice = Person::alice();
    let second = second_device(&alice);
    let two = manifests(&mut area, &alice, &second);
    encodings(&mut area, &alice, &two.to_signed().body);
    rules(&mut area, &alice, &two);
    certificates(&mut area, &alice);
    revocations(&mut area, &alice);
    area
}

/// Another device of Alice's, with its seeds.
struct Second {
    device: LocalDevice,
    fields: Fields,
}

fn second_device(alice: &Person) -> Second {
    let (dsk, ddk) = (seed("alice second dsk"), seed("alice second ddk"));
    let address = DeviceAddress {
        device: DeviceId::new(2).unwrap(),
        reg: RegNonce::new(0x0a0b_0c0d).unwrap(),
        ..alice.public().address
    };
    let device = LocalDevice::from_seeds(address, alice.public().aik, &dsk, &ddk);
    let fields = fields! {
        "device_id" => 2_u32, "reg_nonce" => 0x0a0b_0c0d_u32, "dsk_seed" => &*dsk, "ddk_seed" => &*ddk,
    };
    Second { device, fields }
}

fn manifests(area: &mut Area, alice: &Person, second: &Second) -> Manifest {
    let key = &alice.party.account;
    let first = alice.party.manifest.clone();
    let signed = first.to_signed();
    let pop = alice.party.device.proof_of_possession(&alice.public().aik);
    let input = fields! { "device" => alice.described(), "aik" => alice.public().aik.tagged() };
    let comment = "SIGN(DSK, \"device-pop\", account_id || u32 device_id || u32 reg_nonce || aik(33) || ddk(33))";
    area.gives("pop", comment, input, fields! { "pop" => pop });
    let input = fields! {
        "account" => alice.described(), "seq" => 1_u32, "prev_hash" => [0; 32], "issued_at_ms" => MADE,
        "expires_at_ms" => MADE.plus(30 * DAY_MS), "kind" => 1_u32, "added_at_ms" => MADE,
    };
    let output = fields! { "signed" => &signed, "pop" => pop, "hash" => first.hash() };
    area.gives("first manifest", "One device; hash = SHA-256(body)", input, output);

    let announced = seed("alice next aik");
    let next_aik = crate::primitives::Ed25519Secret::from_seed(&announced).public_key();
    let list = |device: &LocalDevice, kind, at| ListedDevice::of(device, kind, at, &alice.public().aik);
    let later = MADE.plus(DAY_MS);
    let devices =
        vec![list(&second.device, DeviceKind::Desktop, later), list(&alice.party.device, DeviceKind::Mobile, MADE)];
    let two = Manifest::issue(key, Some(&first), ManifestDraft { devices, next_aik: Some(next_aik) }, later).unwrap();
    let input = fields! {
        "account" => alice.described(), "second_device" => second.fields.clone(), "second_kind" => 2_u32,
        "second_added_at_ms" => later, "seq" => 2_u32, "prev_hash" => first.hash(), "issued_at_ms" => later,
        "expires_at_ms" => later.plus(30 * DAY_MS), "next_aik" => next_aik.tagged(),
    };
    let output = fields! { "signed" => &two.to_signed(), "hash" => two.hash() };
    area.gives("second manifest", "Two devices, ascending by id, and an announced key", input, output);
    two
}

fn manifest_verdict(area: &mut Area, name: &str, comment: &str, signed: &v1::Signed) {
    let result = UnverifiedManifest::parse(signed).and_then(UnverifiedManifest::verify);
    let result = result.map(|manifest| fields! { "seq" => manifest.seq(), "devices" => manifest.devices().len() });
    area.judged(name, comment, fields! { "signed" => signed }, result);
}

/// The body in other encodings, each rightly signed.
fn encodings(area: &mut Area, alice: &Person, body: &[u8]) {
    let mut judge = |name: &str, comment: &str, body: &[u8]| {
        let sig = alice.party.account.secret().sign(Label::Manifest, &[body]).to_vec();
        let signed = v1::Signed { body: body.to_vec(), sig };
        manifest_verdict(area, &format!("encoding: {name}"), comment, &signed);
    };
    assert_eq!(body[..4], [0x08, 0x01, 0x12, 0x10]);
    let (version, rest) = body.split_at(2);
    let account = &rest[..18];
    judge("canonical", "Control. All bodies below are rightly signed.", body);
    judge("unknown field", "Field 50, varint 1, at the end.", &[body, &[0x90, 0x03, 0x01]].concat());
    judge("duplicate field", "version twice.", &[version, body].concat());
    judge("over-long varint", "version 1 as 0x81 0x00.", &[&[0x08, 0x81, 0x00], rest].concat());
    judge("over-long length", "Length 16 as 0x90 0x00.", &[version, &[0x12, 0x90, 0x00], &rest[2..]].concat());
    judge("over-long key", "Key of field 1 as 0x88 0x00.", &[&[0x88, 0x00, 0x01], rest].concat());
    judge("reordered", "account_id before version.", &[account, version, &rest[18..]].concat());
    judge(
        "explicit default",
        "next_aik would be absent; here ext data of length 0 is written.",
        &[body, &[0xa2, 0x06, 0x04, 0x08, 0x01, 0x10, 0x00]].concat(),
    );
    judge("cut off", "", &body[..body.len() - 1]);
    judge("group", "Wire type 3 at the end.", &[body, &[0x93, 0x03, 0x94, 0x03]].concat());
    judge("field number 0", "", &[body, &[0x00, 0x01]].concat());
    judge("version 2", "", &[&[0x08, 0x02], rest].concat());
    judge("no version", "", rest);
    judge("extension, not critical", "ext { id 1 }: ignored.", &[body, &[0xa2, 0x06, 0x02, 0x08, 0x01]].concat());
    judge(
        "extension, critical",
        "ext { id 1, critical }: rejected.",
        &[body, &[0xa2, 0x06, 0x04, 0x08, 0x01, 0x10, 0x01]].concat(),
    );
    let descending = [0xa2, 0x06, 0x02, 0x08, 0x02, 0xa2, 0x06, 0x02, 0x08, 0x01];
    judge("extensions, descending", "ids 2, 1.", &[body, &descending].concat());
    let twice = [0xa2, 0x06, 0x02, 0x08, 0x01, 0xa2, 0x06, 0x02, 0x08, 0x01];
    judge("extensions, one id twice", "", &[body, &twice].concat());
    judge("empty", "", &[]);
}

/// Rules of a manifest, each broken under signatures that verify.
fn rules(area: &mut Area, alice: &Person, two: &Manifest) {
    let key = &alice.party.account;
    let mut judge = |name: &str, edit: &dyn Fn(&mut v1::DeviceManifest)| {
        manifest_verdict(area, &format!("rule: {name}"), "", &malicious::manifest(two, key, edit));
    };
    judge("control", &|_| ());
    judge("no device", &|manifest| manifest.devices.clear());
    judge("devices descending", &|manifest| manifest.devices.reverse());
    judge("one device twice", &|manifest| manifest.devices[1] = manifest.devices[0].clone());
    judge("17 devices", &|manifest| {
        let device = manifest.devices[0].clone();
        manifest.devices = (1..=17).map(|device_id| v1::DeviceEntry { device_id, ..device.clone() }).collect();
    });
    judge("seq 0", &|manifest| manifest.seq = 0);
    judge("seq 1 with a prev_hash", &|manifest| manifest.seq = 1);
    judge("lifetime 30 days and a millisecond", &|manifest| manifest.expires_at_ms += 1);
    judge("expires when issued", &|manifest| manifest.expires_at_ms = manifest.issued_at_ms);
    judge("pop flipped", &|manifest| manifest.devices[0].pop[0] ^= 1);
    judge("another reg_nonce under the pop", &|manifest| manifest.devices[0].reg_nonce += 1);
    judge("reg_nonce 0", &|manifest| manifest.devices[0].reg_nonce = 0);
    judge("device_id 0", &|manifest| manifest.devices[0].device_id = 0);
    judge("device_id 2^31", &|manifest| manifest.devices[1].device_id = 1 << 31);
    judge("account_id of 15 bytes", &|manifest| manifest.account_id.truncate(15));
    judge("prev_hash empty", &|manifest| manifest.prev_hash.clear());
    judge("dsk without tag", &|manifest| {
        manifest.devices[0].dsk.remove(0);
    });
    judge("dsk of small order", &|manifest| manifest.devices[0].dsk[1..].fill(0));
    judge("unknown kind", &|manifest| manifest.devices[0].kind = 9);
    let flipped = v1::Signed { sig: super::bytes::flipped(&two.to_signed().sig, 0), ..two.to_signed() };
    manifest_verdict(area, "rule: signature flipped", "", &flipped);
    let short = v1::Signed { sig: super::bytes::cut(&two.to_signed().sig), ..two.to_signed() };
    manifest_verdict(area, "rule: signature of 63 bytes", "", &short);
}

fn certificates(area: &mut Area, alice: &Person) {
    let service = Service::new();
    let certificates = alice.party.certificates(MADE);
    let (root_seed, issuer_seed) = ([0xf0; 32], [0xf1; 32]);
    let input = fields! {
        "root_seed" => root_seed, "issuer_seed" => issuer_seed, "issuer_id" => service.terms.issuer_id,
        "not_before_ms" => service.terms.validity.from, "not_after_ms" => service.terms.validity.until,
        "max_leaf_ms" => service.terms.max_leaf_ms,
    };
    let comment = "SIGN(root, \"issuer-cert\", body)";
    area.gives("issuer certificate", comment, input, fields! { "signed" => &certificates.issuer });
    let terms = service.device_terms(MADE);
    let input = fields! {
        "issuer_seed" => issuer_seed, "issuer_id" => terms.issuer_id, "serial" => terms.serial.as_bytes(),
        "device" => alice.described(), "not_before_ms" => terms.validity.from, "not_after_ms" => terms.validity.until,
        "org_id" => Node::Bytes(Vec::new()), "assurance" => terms.assurance.as_u32(),
    };
    let comment = "SIGN(issuer, \"device-cert\", body)";
    area.gives("device certificate", comment, input, fields! { "signed" => &certificates.device });

    let mut judge = |name: &str, device: &v1::Signed, server, local| {
        let input = fields! {
            "root" => service.root.public_key().tagged(), "device_cert" => device, "issuer_cert" => &certificates.issuer,
            "server_ms" => server, "local_ms" => local,
        };
        let result = UnverifiedCertificates::parse(device, &certificates.issuer)
            .and_then(|certificates| certificates.verify_signatures(&service.trust()))
            .map_err(|error: CertificateError| format!("{error:?}"))
            .and_then(|signed| {
                let times = signed.check_times(JudgedAt::Received { server, local });
                times.map_err(|error: CertificateTimeError| format!("{error:?}"))
            });
        match result {
            Ok(_) => area.gives(format!("certificate: {name}"), "", input, fields! { "valid" => true }),
            Err(error) => area.fails(format!("certificate: {name}"), "", input, error),
        }
    };
    let good = &certificates.device;
    judge("valid", good, MADE, MADE);
    judge("first millisecond", good, terms.validity.from, terms.validity.from);
    judge("last millisecond", good, terms.validity.until.minus(1), MADE);
    judge("run out", good, terms.validity.until, MADE);
    judge("not yet valid", good, terms.validity.from.minus(1), MADE);
    judge("local clock five minutes and an hour behind", good, MADE, MADE.minus(HOUR_MS + 5 * MINUTE_MS + 1));
    judge("local clock 30 days ahead", good, MADE, MADE.plus(30 * DAY_MS));
    judge("local clock 31 days ahead", good, MADE, MADE.plus(31 * DAY_MS));
    let issuer = crate::primitives::Ed25519Secret::from_seed(&zeroize::Zeroizing::new(issuer_seed));
    let edited =
        |edit: fn(&mut v1::DeviceCert)| malicious::device_cert(&service, alice.public(), &terms, &issuer, edit);
    judge("longer than 24 h", &edited(|cert| cert.not_after_ms += 1), MADE, MADE);
    judge("another issuer_id", &edited(|cert| cert.issuer_id = 8), MADE, MADE);
    judge("serial of 15 bytes", &edited(|cert| cert.serial.truncate(15)), MADE, MADE);
    judge("unknown assurance", &edited(|cert| cert.assurance = 7), MADE, MADE);
    let forged = v1::Signed { sig: super::bytes::flipped(&good.sig, 5), ..good.clone() };
    judge("signature flipped", &forged, MADE, MADE);
}

fn revocations(area: &mut Area, alice: &Person) {
    let service = Service::new();
    let full = service.revocation_list(3, |list| {
        list.issuers = vec![9, 11];
        list.serials = vec![Serial::from_bytes([0x77; 16])];
        list.devices = vec![alice.public().address];
    });
    let address = alice.public().address;
    let input = fields! {
        "root_seed" => [0xf0; 32], "seq" => 3_u32, "issued_at_ms" => MADE, "next_update_ms" => MADE.plus(93 * DAY_MS),
        "issuer_ids" => vec![Node::Number(9), Node::Number(11)], "serials" => vec![Node::from([0x77; 16])],
        "devices" => vec![Node::Map(fields! {
            "account_id" => address.account.as_bytes(), "device_id" => address.device.as_u32(),
            "reg_nonce" => address.reg.as_u32(),
        })],
    };
    area.gives("revocation list", "issuer_ids are packed", input, fields! { "signed" => &full });
    let pinned = service.revoke(3, |_| ());
    let mut judge = |name: &str, signed: &v1::Signed, against: Option<u64>| {
        let pin = against.map(|_| &pinned);
        let pinned_list = against.map(|seq| Node::from(&service.revocation_list(seq, |_| ())));
        let input = fields! {
            "root" => service.root.public_key().tagged(), "signed" => signed, "pinned" => pinned_list,
        };
        let result = RevocationList::verify(signed, &service.roots(), pin).map(|list| fields! { "seq" => list.seq() });
        area.judged(format!("revocation: {name}"), "", input, result);
    };
    judge("first", &full, None);
    judge("same bytes", &service.revocation_list(3, |_| ()), Some(3));
    judge("higher seq", &service.revocation_list(4, |_| ()), Some(3));
    judge("lower seq", &service.revocation_list(2, |_| ()), Some(3));
    judge("same seq, other bytes", &full, Some(3));
    judge("another root", &Service::seeded(0xe0).revocation_list(4, |_| ()), None);
}
