//! Contents that keep the rules of B9 or break them: both implementations read the same in them, or neither anything.

use carevow_core::attachment::FileSize;
use carevow_core::content::Content;
use carevow_core::wire::v1;
use prost::Message as _;
use serde_json::{Value, json};

use crate::random::Random;
use crate::reference::{Reference, bytes};

/// What is read in a content: the kind of its body, or that it is kept unread.
#[derive(PartialEq, Eq, Debug)]
pub struct Read {
    pub kind: String,
    digest: Vec<u8>,
}

/// As the reference reads it; `None` if it is rejected.
pub fn by_reference(reference: &mut Reference, content: &[u8]) -> Option<Read> {
    let answer = match reference.try_ask("content", json!({ "content": hex::encode(content) })) {
        Ok(answer) => answer,
        Err(error) => {
            assert_eq!(error, "rejected");
            return None;
        }
    };
    let kind = match (&answer["opaque"], answer["body"].as_str().unwrap_or_default()) {
        (Value::Bool(true), _) => "Unsupported",
        (_, "text") => "Text",
        (_, "fhir") => "Clinical",
        (_, "attachment") => "Attachment",
        (_, "receipt") => "Receipt",
        (_, "edit") => "Edit",
        (_, "del") => "Delete",
        (_, "reaction") => "Reaction",
        (_, "statement") => "Statement",
        (_, "history") => "History",
        (_, "control") => "Control",
        (_, "sync") => "Sync",
        (_, "group_update") => "GroupUpdate",
        (_, other) => panic!("{other}"),
    };
    Some(Read { kind: kind.to_owned(), digest: bytes(&answer, "digest") })
}

/// As Rust reads it.
pub fn by_rust(content: &[u8]) -> Option<Read> {
    let content = Content::parse(content).ok()?;
    Some(Read { kind: format!("{:?}", content.kind()), digest: content.digest().to_vec() })
}

/// Some content.
pub fn any(random: &mut Random) -> Vec<u8> {
    let mut bytes = content(random, 0).encode_to_vec();
    for _ in 0..random.below(5).saturating_sub(2) {
        damage(&mut bytes, random);
    }
    bytes
}

/// Bytes of the length that they must have, seldom of another.
fn sized(random: &mut Random, length: usize) -> Vec<u8> {
    let length = match random.below(120) {
        0 => 0,
        1 => length - 1,
        2 => length + 1,
        3 => 48 - length.min(47),
        _ => length,
    };
    random.bytes(length)
}

/// The same for a field that may be empty.
fn sized_or_empty(random: &mut Random, length: usize) -> Vec<u8> {
    if random.once_in(2) { Vec::new() } else { sized(random, length) }
}

fn words(random: &mut Random) -> String {
    ["", "a", "Grüezi", "\u{0}", "你好"][random.below(5)].to_owned()
}

/// A number from 0 to a little above what is known.
fn number(random: &mut Random, known: usize) -> u32 {
    if random.once_in(20) { u32::MAX } else { random.below(known + 2) as u32 }
}

/// Mostly there.
fn there<T>(random: &mut Random, value: T) -> Option<T> {
    (!random.once_in(60)).then_some(value)
}

fn many(random: &mut Random, mut element: impl FnMut(&mut Random) -> Vec<u8>) -> Vec<Vec<u8>> {
    (0..random.below(4)).map(|_| element(random)).collect()
}

fn signed(random: &mut Random) -> v1::Signed {
    // Seldom around the longest that may stand anywhere but in `directories`: 65 792 bytes, 70 of them around the body.
    let length = if random.once_in(40) { 65_718 + random.below(8) } else { random.below(30) };
    v1::Signed { body: random.bytes(length), sig: sized(random, 64) }
}

fn signed_record(random: &mut Random) -> v1::SignedRecord {
    let length = random.below(30);
    v1::SignedRecord { record: random.bytes(length), sig: sized(random, 64) }
}

fn text(random: &mut Random) -> v1::Text {
    v1::Text { text: words(random), reply_to: sized_or_empty(random, 16) }
}

fn attachment(random: &mut Random, purpose: u32) -> v1::AttachmentMsg {
    let size = [0, 1, 65_536, 1 << 32, (1 << 32) + 1][random.below(5)];
    let padded = FileSize::new(size).map_or(size, FileSize::padded);
    v1::AttachmentMsg {
        blob_id: sized(random, 32),
        key: sized(random, 32),
        size,
        padded_size: padded + u64::from(random.once_in(20)),
        content_type: words(random),
        filename: words(random),
        sha256: sized(random, 32),
        purpose: if random.once_in(10) { number(random, 3) } else { purpose },
        caption: words(random),
    }
}

fn content(random: &mut Random, depth: u32) -> v1::Content {
    let body = body(random, depth);
    use v1::content::Body;
    let visible = body
        .as_ref()
        .is_none_or(|body| !matches!(body, Body::Receipt(_) | Body::Control(_) | Body::Sync(_) | Body::GroupUpdate(_)));
    let group = random.once_in(3).then(|| v1::GroupContext { state_hash: sized(random, 32) });
    v1::Content {
        message_id: sized(random, 16),
        sent_at_ms: 1_767_225_600_000,
        conversation_id: sized(random, 16),
        group,
        required_features: if random.once_in(20) { vec![number(random, 3)] } else { Vec::new() },
        retention: random.once_in(5).then_some(v1::Retention { keep_until_ms: 5, delete_after_read_ms: 0 }),
        seq: u64::from(visible != random.once_in(30)),
        body,
    }
}

fn body(random: &mut Random, depth: u32) -> Option<v1::content::Body> {
    use v1::content::Body;
    let body = match random.below(13) {
        0 => return None,
        1 => Body::Text(text(random)),
        2 => {
            let long = 65_535 + random.below(3);
            let inline = if random.once_in(10) { random.bytes(long) } else { Vec::new() };
            Body::Fhir(v1::ClinicalRef { resource_type: words(random), inline, ..Default::default() })
        }
        3 => Body::Attachment(attachment(random, 1)),
        4 => {
            let message_ids = many(random, |random| sized(random, 16));
            let digests = match random.below(4) {
                0 => Vec::new(),
                1 => many(random, |random| sized(random, 32)),
                _ => message_ids.iter().map(|_| sized(random, 32)).collect(),
            };
            Body::Receipt(v1::Receipt { r#type: number(random, 2), message_ids, digests, at_ms: 1 })
        }
        5 => {
            let text = text(random);
            Body::Edit(v1::Edit { target: sized(random, 16), text: there(random, text) })
        }
        6 => Body::Del(v1::Delete { target: sized(random, 16), reason: number(random, 2) }),
        7 => Body::Reaction(v1::Reaction { target: sized(random, 16), emoji: words(random), remove: true }),
        8 => {
            let [one, two, three] = [(); 3].map(|()| signed(random));
            let length = random.below(20);
            Body::Statement(v1::SignedStatement {
                body: random.bytes(length),
                sig: sized(random, 64),
                kind: number(random, 5),
                device_cert: there(random, one),
                issuer_cert: there(random, two),
                manifest: there(random, three),
            })
        }
        9 => {
            let (grant, archive) = (signed(random), attachment(random, 3));
            Body::History(v1::HistoryOffer { grant: there(random, grant), archive: there(random, archive) })
        }
        10 => Body::Control(v1::Control { c: control(random) }),
        11 => Body::Sync(v1::Sync { s: sync(random, depth) }),
        _ => Body::GroupUpdate(v1::GroupUpdate {
            states: (0..random.below(3)).map(|_| signed(random)).collect(),
            want_after: sized_or_empty(random, 32),
            directories: (0..random.below(2)).map(|_| signed(random)).collect(),
            leave: random.once_in(2),
            manifests: (0..random.below(2)).map(|_| signed(random)).collect(),
            want: sized_or_empty(random, 32),
        }),
    };
    Some(body)
}

fn control(random: &mut Random) -> Option<v1::control::C> {
    use v1::control::C;
    Some(match random.below(8) {
        0 => return None,
        1 => C::Retry(v1::RetryRequest { failed_sid: sized_or_empty(random, 32) }),
        2 => C::Refresh(v1::SessionRefresh { new_sid: sized(random, 32) }),
        3 => {
            let [one, two] = [(); 2].map(|()| signed(random));
            C::SenderInfo(v1::SenderInfo {
                device_cert: there(random, one),
                issuer_cert: there(random, two),
                manifest: random.once_in(2).then(|| signed(random)),
                env: random.once_in(2).then(|| signed_record(random)),
            })
        }
        4 => {
            let (commit, nonce) = match random.below(5) {
                0..2 => (sized(random, 32), Vec::new()),
                2..4 => (Vec::new(), sized(random, 16)),
                _ => (sized_or_empty(random, 32), sized_or_empty(random, 16)),
            };
            C::Invitation(v1::InvitationUse { token: sized(random, 16), display_name: words(random), commit, nonce })
        }
        5 => C::DeliveryToken(sized(random, 16)),
        6 => C::AuditHead(signed(random)),
        _ => C::Emergency(v1::Emergency { conversation_id: sized(random, 16), at_ms: 1, reason: 2 }),
    })
}

fn sync(random: &mut Random, depth: u32) -> Option<v1::sync::S> {
    use v1::sync::S;
    let ids = |random: &mut Random| v1::SyncIds { message_ids: many(random, |random| sized(random, 16)), at_ms: 1 };
    Some(match random.below(5) {
        0 => return None,
        1 => S::Receipted(ids(random)),
        2 => S::Read(ids(random)),
        3 => S::Pop(v1::DevicePop {
            device_id: [0, 1, 1, 1, i32::MAX as u32, 1 << 31][random.below(6)],
            reg_nonce: random.below(5) as u32,
            // The base point: a key that is in order.
            aik: if random.once_in(3) { sized(random, 33) } else { base_point() },
            pop: sized(random, 64),
        }),
        _ => S::Sent(v1::SyncSent {
            peer_account_id: sized_or_empty(random, 16),
            content: if depth > 0 { random.bytes(3) } else { content(random, depth + 1).encode_to_vec() },
        }),
    })
}

fn base_point() -> Vec<u8> {
    let mut key = vec![0x66; 33];
    (key[0], key[1]) = (0x01, 0x58);
    key
}

/// A content inside `Sync.sent` has the ids of the content around it: without that hardly any would be good.
pub fn any_sync(random: &mut Random) -> Vec<u8> {
    let mut outer = content(random, 0);
    let inner = content(random, 1);
    if !random.once_in(8) {
        outer.message_id.clone_from(&inner.message_id);
        outer.conversation_id.clone_from(&inner.conversation_id);
        outer.group.clone_from(&inner.group);
    }
    let peer = inner.group.is_none() != random.once_in(8);
    let sent = v1::SyncSent {
        peer_account_id: if peer { sized(random, 16) } else { Vec::new() },
        content: inner.encode_to_vec(),
    };
    outer.seq = 0;
    outer.body = Some(v1::content::Body::Sync(v1::Sync { s: Some(v1::sync::S::Sent(sent)) }));
    outer.encode_to_vec()
}

/// What no encoder writes.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len().max(1));
    match random.below(8) {
        0 => bytes.truncate(at),
        1 | 2 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        // Unknown fields of each wire type, long varints, known fields once more.
        3 => bytes.extend([0x90, 0x03, 0x01]),
        4 => bytes.extend([0x91, 0x03, 1, 2, 3, 4, 5, 6, 7, 8]),
        5 => bytes.extend([0x95, 0x03, 1, 2, 3, 4]),
        6 => bytes.extend([0x9a, 0x03, 0x82, 0x00, 1, 2]),
        _ => bytes.extend(
            [[0x10, 0x01], [0x2a, 0x00], [0x28, 0x00], [0x40, 0x00], [0x93, 0x03], [0x00, 0x00]][random.below(6)],
        ),
    }
}
