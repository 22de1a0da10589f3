//! What does not need a session: attachments, safety numbers, conversation ids.

use carevow_core::attachment::{Attachment, Labels, Purpose, seal_bytes};
use carevow_core::content::{Body, Content, Draft, Retention, pair_id};
use carevow_core::safety_number::{Comparison, Fingerprint, SafetyNumber};
use carevow_core::wire::v1;
use prost::Message as _;
use serde_json::json;

use crate::person::{MADE, Person};
use crate::random::Random;
use crate::reference::{Reference, bytes, text};

/// Length of files around the edges of chunks and of padding (B10).
pub const FILES: [usize; 5] = [0, 1, 65_535, 65_537, 140_000];

/// A file that Rust seals and the reference opens; the content that carries its descriptor is for the conversation.
pub fn from_rust(reference: &mut Reference, between: [&Person; 2], length: usize, random: &mut Random) -> Vec<u8> {
    let file = random.bytes(length);
    let (sealed, mut blob) = seal_bytes(Purpose::Message, &file, random).unwrap();
    let draft = Draft {
        conversation: pair_id(&between[0].public().address.account, &between[1].public().address.account),
        group: None,
        sent_at: MADE,
        retention: Retention::default(),
        seq: 1,
        body: Body::Attachment(Attachment::new(sealed, Labels::default())),
    };
    let content = draft.build(random).unwrap().bytes().to_vec();
    let read = reference.ask("content", json!({ "content": hex::encode(&content) }));
    assert_eq!(text(&read, "body"), "attachment");
    assert_eq!(bytes(&read, "digest"), Content::parse(&content).unwrap().digest());
    let descriptor = descriptor(&content);
    let command = |blob: &[u8]| {
        json!({
            "purpose": 1, "blob": hex::encode(blob), "descriptor": {
                "blob_id": hex::encode(&descriptor.blob_id), "key": hex::encode(&descriptor.key),
                "size": descriptor.size, "padded_size": descriptor.padded_size,
                "sha256": hex::encode(&descriptor.sha256), "purpose": descriptor.purpose,
            },
        })
    };
    assert!(bytes(&reference.ask("detach", command(&blob)), "file") == file);
    let altered = random.below(blob.len());
    blob[altered] ^= 1;
    reference.try_ask("detach", command(&blob)).unwrap_err();
    content
}

/// A file that the reference seals and Rust opens.
pub fn from_reference(reference: &mut Reference, between: [&Person; 2], length: usize, random: &mut Random) -> Vec<u8> {
    let (file, key) = (random.bytes(length), random.bytes(32));
    let command = json!({ "ak": hex::encode(&key), "purpose": 1, "file": hex::encode(&file) });
    let sealed = reference.ask("attach", command);
    let number = |field: &str| sealed[field].as_u64().unwrap();
    let attachment = v1::AttachmentMsg {
        blob_id: bytes(&sealed, "blob_id"),
        key,
        size: number("size"),
        padded_size: number("padded_size"),
        sha256: bytes(&sealed, "sha256"),
        purpose: 1,
        ..Default::default()
    };
    let accounts = between.map(|person| hex::encode(person.public().address.account.as_bytes()));
    let pair = reference.ask("pair_id", json!({ "account_a": accounts[0], "account_b": accounts[1] }));
    let content = v1::Content {
        message_id: random.bytes(16),
        conversation_id: bytes(&pair, "conversation_id"),
        seq: 1,
        body: Some(v1::content::Body::Attachment(attachment)),
        ..Default::default()
    }
    .encode_to_vec();
    let parsed = Content::parse(&content).unwrap();
    let mine = pair_id(&between[0].public().address.account, &between[1].public().address.account);
    assert_eq!(parsed.conversation(), mine);
    let Body::Attachment(attachment) = parsed.body() else { panic!("no attachment") };
    let mut blob = bytes(&sealed, "blob");
    assert!(*attachment.open_bytes(&blob).unwrap() == file);
    let altered = random.below(blob.len());
    blob[altered] ^= 1;
    attachment.open_bytes(&blob).unwrap_err();
    content
}

fn descriptor(content: &[u8]) -> v1::AttachmentMsg {
    match v1::Content::decode(content).unwrap().body {
        Some(v1::content::Body::Attachment(attachment)) => attachment,
        _ => panic!("no attachment"),
    }
}

/// Sixty digits and both QR codes.
pub fn safety_number(reference: &mut Reference, between: [&Person; 2]) {
    let [one, other] = between.map(|person| {
        let public = person.public();
        Fingerprint::of(&public.address.account, &public.aik)
    });
    let ours = [SafetyNumber::new(one.clone(), other.clone()), SafetyNumber::new(other, one)];
    let named = between.map(|person| {
        let public = person.public();
        json!({ "account_id": hex::encode(public.address.account.as_bytes()), "aik": hex::encode(public.aik.tagged()) })
    });
    for (local, remote) in [(0, 1), (1, 0)] {
        let theirs = reference.ask("safety", json!({ "local": named[local], "remote": named[remote] }));
        assert_eq!(text(&theirs, "digits"), ours[local].digits());
        assert_eq!(bytes(&theirs, "qr"), ours[local].qr());
        assert_eq!(ours[remote].compare(&bytes(&theirs, "qr")), Ok(Comparison::Match));
    }
}
