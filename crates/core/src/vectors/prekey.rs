//! Records of all types and bundles: `docs/protocol.md` B3.

use prost::Message as _;

use super::area::Area;
use super::bytes::{cut, flipped, longer, written};
use super::cast::{MADE, Offer, Person};
use super::node::{Fields, Node, fields};
use crate::identity::{ManifestPin, Trust};
use crate::malicious;
use crate::prekey::{
    BundleError, BundleTarget, PrekeyRecord, RecordType, UnverifiedBundle, bundle_hash, verify_envelope_record,
};
use crate::testing::Service;
use crate::time::{DAY_MS, MINUTE_MS, Timestamp};
use crate::wire::{SignedBody as _, v1};

pub(super) fn area() -> Area {
    let mut area = Area::new("prekey");
    let bob = Person::bob();
    for (name, seed, signed) in bob.all_prekeys() {
        let record = PrekeyRecord::parse(&signed.record).unwrap();
        let input = fields! {
            "type" => record.record_type as u32,
            "owner" => bob.described(),
            "key_id" => record.key_id.0,
            "not_before_ms" => record.not_before,
            "not_after_ms" => record.not_after,
            "seed" => seed,
        };
        let output = fields! { "record" => &signed.record, "sig" => &signed.sig };
        area.gives(format!("record {name}"), "sig = SIGN(DSK, \"prekey\", record)", input, output);
    }
    hashes(&mut area, &bob);
    records(&mut area, &bob);
    bundles(&mut area, &bob);
    area
}

fn hashes(area: &mut Area, bob: &Person) {
    for (name, offer) in
        [("with OPK", Offer::OneTime), ("without OPK", Offer::NoOpk), ("last resort", Offer::LastResort)]
    {
        let keys = bob.prekeys(offer);
        let opk = keys.opk.map(|opk| opk.record());
        let hash = bundle_hash(bob.public(), keys.spk.record(), opk, keys.kem.record());
        let input = fields! {
            "aik" => bob.public().aik.tagged(), "dsk" => bob.public().dsk.tagged(), "ddk" => bob.public().ddk.tagged(),
            "spk_record" => keys.spk.record(), "opk_record" => opk, "kem_record" => keys.kem.record(),
        };
        let comment =
            "HASH(\"bundle\", AIK || DSK || DDK || LP(SPK record) || LP(OPK record or empty) || LP(KEM record))";
        area.gives(format!("bundle_hash {name}"), comment, input, fields! { "bundle_hash" => hash });
    }
}

/// The form of a record, before its signature is looked at.
fn records(area: &mut Area, bob: &Person) {
    let spk = bob.party.spk.record().to_vec();
    let mut parse = |name: &str, comment: &str, record: &[u8]| {
        let result = PrekeyRecord::parse(record).map(|parsed| fields! { "key_id" => parsed.key_id.0 });
        area.judged(format!("parse: {name}"), comment, fields! { "record" => record }, result);
    };
    parse("control", "", &spk);
    parse("unknown type", "", &written(&spk, 0, &[0x26]));
    parse("ML-KEM type over an X25519 key", "", &written(&spk, 0, &[0x23]));
    parse("version 2", "", &written(&spk, 1, &[2]));
    parse("suite 2", "", &written(&spk, 2, &[0, 2]));
    parse("device_id 0", "", &written(&spk, 20, &[0; 4]));
    parse("reg_nonce 0", "", &written(&spk, 24, &[0; 4]));
    parse("key tag of Ed25519", "", &written(&spk, 48, &[1]));
    parse("key of small order", "", &written(&spk, 49, &[0; 32]));
    parse("key not canonical", "", &written(&spk, 49, &[0xff; 32]));
    parse("one byte short", "", &cut(&spk));
    parse("one byte long", "", &longer(&spk));
    parse("head only", "", &spk[..48]);
    parse("empty", "", &[]);
}

/// Refusals are named as docs/protocol.md B15 names them; the comment says what is wrong.
fn verdict(error: &BundleError) -> &'static str {
    match error {
        BundleError::Rejected(_) => "BundleRejected",
        BundleError::UnsupportedVersion => "UnsupportedVersion",
        BundleError::UntrustedIdentity(_) => "UntrustedIdentity",
        BundleError::Rollback => "Rollback",
        BundleError::DowngradeRejected => "DowngradeRejected",
    }
}

fn bundles(area: &mut Area, bob: &Person) {
    let (party, service) = (&bob.party, Service::new());
    let trust = service.trust();
    let mut judge =
        |name: &str, comment: &str, bundle: &v1::PrekeyBundle, now: Timestamp, pin: Option<&ManifestPin>| {
            let bytes = bundle.encode_to_vec();
            let target = BundleTarget { pin, ..party.target() };
            let input = bundle_input(&bytes, &trust, &service, bob, now, pin);
            let result = UnverifiedBundle::parse(&bytes).and_then(|bundle| bundle.verify(&trust, &target, now));
            match result {
                Ok(verified) => {
                    let output = fields! {
                        "bundle_hash" => verified.bundle.hash(),
                        "last_resort" => verified.bundle.kem_is_last_resort(),
                        "manifest_seq" => verified.bundle.manifest.seq(),
                    };
                    area.gives(format!("bundle: {name}"), comment, input, output);
                }
                Err(error) => area.fails(format!("bundle: {name}"), comment, input, verdict(&error)),
            }
        };
    let good = party.bundle(MADE);
    judge("good", "", &good, MADE, None);
    judge("one-time records exhausted", "", &party.exhausted_parts(MADE).into(), MADE, None);
    let with = |edit: fn(&mut v1::PrekeyBundle)| {
        let mut bundle = good.clone();
        edit(&mut bundle);
        bundle
    };
    judge("no KEM record", "There is no classical mode.", &with(|bundle| bundle.kem = None), MADE, None);
    judge("no SPK record", "", &with(|bundle| bundle.spk = None), MADE, None);
    judge("no ENV record", "", &with(|bundle| bundle.env = None), MADE, None);
    judge("no manifest", "", &with(|bundle| bundle.manifest = None), MADE, None);
    judge("other device_id", "", &with(|bundle| bundle.device_id = 2), MADE, None);
    judge("SPK in the slot of OPK", "", &with(|bundle| bundle.opk = bundle.spk.clone()), MADE, None);
    let flip = |signed: &mut Option<v1::SignedRecord>| {
        let signed = signed.as_mut().unwrap();
        signed.sig = flipped(&signed.sig, 0);
    };
    let mut forged = good.clone();
    flip(&mut forged.kem);
    judge("KEM signature flipped", "", &forged, MADE, None);
    let mut forged = good.clone();
    forged.manifest.as_mut().unwrap().sig[0] ^= 1;
    judge("manifest signature flipped", "", &forged, MADE, None);
    let mut forged = good.clone();
    forged.device_cert.as_mut().unwrap().sig[0] ^= 1;
    judge("device certificate signature flipped", "", &forged, MADE, None);
    let mut forged = good.clone();
    let long = |record: &mut PrekeyRecord| record.not_after = record.not_before.plus(30 * DAY_MS + 1);
    forged.spk = Some(malicious::record(good.spk.as_ref().unwrap(), &party.device, long));
    judge("SPK valid one millisecond too long", "Rightly signed.", &forged, MADE, None);
    let mut forged = good.clone();
    let type_of_opk = |record: &mut PrekeyRecord| record.record_type = RecordType::OneTime;
    forged.spk = Some(malicious::record(good.spk.as_ref().unwrap(), &party.device, type_of_opk));
    judge("OPK in the slot of SPK", "Rightly signed.", &forged, MADE, None);
    let other = |signed: &Option<v1::SignedRecord>, offset, bytes: &[u8]| {
        let record = written(&signed.as_ref().unwrap().record, offset, bytes);
        Some(v1::SignedRecord { sig: crate::prekey::sign(&record, party.device.dsk()).to_vec(), record })
    };
    let newer_version = v1::PrekeyBundle { spk: other(&good.spk, 1, &[2]), ..good.clone() };
    judge("SPK of version 2", "Rightly signed.", &newer_version, MADE, None);
    let other_suite = v1::PrekeyBundle { env: other(&good.env, 2, &[0, 2]), ..good.clone() };
    judge("ENV of suite 2", "Rightly signed.", &other_suite, MADE, None);
    let mut manifest = v1::DeviceManifest::decode(party.manifest.to_signed().body.as_slice()).unwrap();
    manifest.version = 2;
    let newer_manifest = Some(manifest.sign(party.account.secret()));
    let newer_version = v1::PrekeyBundle { manifest: newer_manifest, ..good.clone() };
    judge("manifest of version 2", "Rightly signed.", &newer_version, MADE, None);
    judge(
        "five minutes early",
        "not_before - 5 min <= now; the certificate began an hour before.",
        &good,
        MADE.minus(5 * MINUTE_MS),
        None,
    );
    judge("five minutes and a millisecond early", "", &good, MADE.minus(5 * MINUTE_MS + 1), None);
    judge("certificate run out", "", &good, MADE.plus(DAY_MS), None);
    let later = MADE.plus(30 * DAY_MS);
    judge("manifest and SPK run out", "", &party.bundle(later), later, None);
    let pin = party.pin();
    judge("pinned, same manifest", "", &good, MADE, Some(&pin));
    let newer = ManifestPin::first(party.next_manifest(&party.manifest, &[party], MADE));
    judge("pinned, newer manifest known", "", &good, MADE, Some(&newer));
    let comment = "The pin is judged before the time: not BundleRejected.";
    judge("pinned, manifest run out and older than the pinned one", comment, &party.bundle(later), later, Some(&newer));
    envelope_record(area, bob);
}

fn bundle_input(
    bytes: &[u8],
    trust: &Trust,
    service: &Service,
    bob: &Person,
    now: Timestamp,
    pin: Option<&ManifestPin>,
) -> Fields {
    assert!(trust.revocations.is_some());
    fields! {
        "bundle" => bytes,
        "root" => service.root.public_key().tagged(),
        "revocation_list" => &service.revocation_list(1, |_| ()),
        "account_id" => bob.public().address.account.as_bytes(),
        "device_id" => bob.public().address.device.as_u32(),
        "pinned_manifest" => pin.map_or(Node::Absent, |pin| Node::from(&pin.current().to_signed())),
        "now_ms" => now,
    }
}

fn envelope_record(area: &mut Area, bob: &Person) {
    let signed = bob.party.env.signed(&bob.party.device);
    let forged = v1::SignedRecord { sig: flipped(&signed.sig, 63), ..signed.clone() };
    let other = bob.party.spk.signed(&bob.party.device);
    for (name, record) in [("good", signed), ("signature flipped", forged), ("SPK in its place", other)] {
        let input = fields! { "record" => &record, "dsk" => bob.public().dsk.tagged(), "now_ms" => MADE };
        match verify_envelope_record(&record, bob.public(), MADE) {
            Ok(env) => {
                area.gives(
                    format!("ENV record: {name}"),
                    "",
                    input,
                    fields! { "env_hint" => u32::from(env.key_id.hint()) },
                );
            }
            Err(error) => area.fails(format!("ENV record: {name}"), "", input, verdict(&error)),
        }
    }
}
