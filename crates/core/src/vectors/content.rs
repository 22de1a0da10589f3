//! Contents: `docs/protocol.md` B9.

use prost::Message as _;

use super::area::Area;
use super::node::fields;
use super::script::seed;
use crate::content::{Content, ContentRejected, pair_id};
use crate::ids::{AccountId, ConversationId};
use crate::primitives::kdf::sha256;
use crate::time::Timestamp;
use crate::wire::v1;
use crate::wire::v1::content::Body;
use crate::wire::v1::sync::S;

/// A content and what a second implementation must find in it.
fn content(body: Option<Body>, seq: u64) -> v1::Content {
    v1::Content {
        message_id: seed::<16>("content message").to_vec(),
        sent_at_ms: 1_767_225_600_000,
        conversation_id: pair().as_bytes().to_vec(),
        seq,
        body,
        ..Default::default()
    }
}

fn accounts() -> [AccountId; 2] {
    ["content one", "content two"].map(|name| AccountId::from_bytes(*seed(name)))
}

fn pair() -> ConversationId {
    let [one, two] = accounts();
    pair_id(&one, &two)
}

fn text(text: &str) -> Option<Body> {
    Some(Body::Text(v1::Text { text: text.to_owned(), reply_to: Vec::new() }))
}

fn id(byte: u8) -> Vec<u8> {
    vec![byte; 16]
}

pub(super) fn area() -> Area {
    let mut area = Area::new("content");
    let [one, two] = accounts();
    for (name, a, b) in
        [("a pair", &one, &two), ("the same pair, other order", &two, &one), ("own devices", &one, &one)]
    {
        let input = fields! { "account_a" => a.as_bytes(), "account_b" => b.as_bytes() };
        let comment = "HASH(\"conv\", min || max)[0..16]";
        area.gives(
            format!("conversation_id of {name}"),
            comment,
            input,
            fields! {
                "conversation_id" => pair_id(a, b).as_bytes(),
            },
        );
    }
    good(&mut area);
    rules(&mut area);
    encodings(&mut area);
    area
}

fn judge(area: &mut Area, name: &str, comment: &str, bytes: &[u8]) {
    let result = Content::parse(bytes).map(|content| {
        fields! {
            "kind" => format!("{:?}", content.kind()),
            "message_id" => content.message_id().as_bytes(),
            "sent_at_ms" => Timestamp::as_millis(content.sent_at()),
            "conversation_id" => content.conversation().as_bytes(),
            "state_hash" => content.group().copied(),
            "receipt_digest" => sha256(&[bytes]),
        }
    });
    area.judged::<ContentRejected>(name, comment, fields! { "content" => bytes }, result);
}

fn good(area: &mut Area) {
    let reply = v1::Text { text: "Yes.".into(), reply_to: id(7) };
    let edit = v1::Edit { target: id(7), text: Some(reply.clone()) };
    let receipt = |kind, digests| v1::Receipt { r#type: kind, message_ids: vec![id(1), id(2)], digests, at_ms: 5 };
    let fhir = v1::ClinicalRef {
        resource_type: "Observation".into(),
        reference: "Observation/1".into(),
        inline: b"{}".to_vec(),
        inline_type: "application/fhir+json".into(),
        display: "Blood pressure".into(),
    };
    let control = |c| Some(Body::Control(v1::Control { c: Some(c) }));
    use v1::control::C;
    let bodies = [
        ("text", text("The results are in."), 1),
        ("text with other letters", text("Grüezi — 你好"), 2),
        ("reply", Some(Body::Text(reply)), 3),
        ("clinical reference", Some(Body::Fhir(fhir)), 4),
        ("edit", Some(Body::Edit(edit)), 5),
        ("delete", Some(Body::Del(v1::Delete { target: id(7), reason: 2 })), 6),
        ("reaction", Some(Body::Reaction(v1::Reaction { target: id(7), emoji: "👍".into(), remove: false })), 7),
        ("receipt, delivered", Some(Body::Receipt(receipt(1, vec![vec![1; 32], vec![2; 32]]))), 0),
        ("receipt, read", Some(Body::Receipt(receipt(2, Vec::new()))), 0),
        ("retry request", control(C::Retry(v1::RetryRequest { failed_sid: vec![9; 32] })), 0),
        ("retry request, no sid", control(C::Retry(v1::RetryRequest::default())), 0),
        ("session refresh", control(C::Refresh(v1::SessionRefresh { new_sid: vec![9; 32] })), 0),
        ("delivery token", control(C::DeliveryToken(id(3))), 0),
    ];
    for (name, body, seq) in bodies {
        judge(area, &format!("good: {name}"), "", &content(body, seq).encode_to_vec());
    }
    let group = Some(v1::GroupContext { state_hash: vec![4; 32] });
    let grouped = v1::Content { group, conversation_id: id(8), ..content(text("To all."), 1) };
    judge(area, "good: in a group", "", &grouped.encode_to_vec());
    let retention = Some(v1::Retention { keep_until_ms: 0, delete_after_read_ms: 60_000 });
    let kept = v1::Content { retention, ..content(text("Soon gone."), 1) };
    judge(area, "good: with retention", "", &kept.encode_to_vec());
    let featured = v1::Content { required_features: vec![1], ..content(text("New."), 1) };
    judge(area, "good: an unknown feature", "Stored opaque and receipted.", &featured.encode_to_vec());
    let featured = v1::Content { required_features: vec![1], ..content(text("New."), 0) };
    judge(area, "good: an unknown feature, seq 0", "The rule for seq is not applied.", &featured.encode_to_vec());
    judge(area, "good: no known body", "Stored opaque and receipted.", &content(None, 0).encode_to_vec());
    for (name, body) in [("Control", Body::Control(v1::Control::default())), ("Sync", Body::Sync(v1::Sync::default()))]
    {
        let comment = "An unknown body, stored opaque.";
        judge(area, &format!("good: no known member of {name}"), comment, &content(Some(body), 0).encode_to_vec());
    }
    let unknown = [content(text("Known."), 1).encode_to_vec(), vec![0x90, 0x03, 0x01]].concat();
    judge(area, "good: an unknown field", "Ignored; the digest covers it.", &unknown);
}

fn rules(area: &mut Area) {
    let mut rule =
        |name: &str, content: v1::Content| judge(area, &format!("rule: {name}"), "", &content.encode_to_vec());
    let with = |edit: fn(&mut v1::Content)| {
        let mut edited = content(text("Text."), 1);
        edit(&mut edited);
        edited
    };
    rule("message_id of 15 bytes", with(|content| content.message_id.truncate(15)));
    rule("no message_id", with(|content| content.message_id.clear()));
    rule("conversation_id of 17 bytes", with(|content| content.conversation_id.push(0)));
    rule("state_hash of 31 bytes", with(|content| content.group = Some(v1::GroupContext { state_hash: vec![1; 31] })));
    rule("text with seq 0", content(text("Text."), 0));
    let read = v1::Receipt { r#type: 2, message_ids: vec![id(1)], ..Default::default() };
    rule("receipt with a seq", content(Some(Body::Receipt(read.clone())), 1));
    let receipts = [
        ("receipt of type 3", v1::Receipt { r#type: 3, ..read.clone() }),
        ("receipt of nothing", v1::Receipt { message_ids: Vec::new(), ..read.clone() }),
        ("read receipt with digests", v1::Receipt { digests: vec![vec![1; 32]], ..read.clone() }),
        ("delivery receipt without digests", v1::Receipt { r#type: 1, ..read.clone() }),
        ("delivery receipt, digest of 31 bytes", v1::Receipt { r#type: 1, digests: vec![vec![1; 31]], ..read }),
    ];
    for (name, receipt) in receipts {
        rule(name, content(Some(Body::Receipt(receipt)), 0));
    }
    let sync = |s| content(Some(Body::Sync(v1::Sync { s: Some(s) })), 0);
    rule("Sync.read of nothing", sync(S::Read(v1::SyncIds::default())));
    let sent = |inner: &v1::Content, peer: bool| {
        let peer_account_id = if peer { id(2) } else { Vec::new() };
        S::Sent(v1::SyncSent { peer_account_id, content: inner.encode_to_vec() })
    };
    let group = Some(v1::GroupContext { state_hash: vec![4; 32] });
    let grouped = v1::Content { group, ..content(text("To all."), 1) };
    rule("Sync.sent, another GroupContext", sync(sent(&grouped, false)));
    rule("Sync.sent to nobody", sync(sent(&content(text("Text."), 1), false)));
    rule("Sync.sent to a pair, control", sync(sent(&content(text("Text."), 1), true)));
    let control = Body::Control(v1::Control { c: Some(v1::control::C::DeliveryToken(id(3))) });
    rule("Sync.sent of a Control", sync(sent(&content(Some(control), 0), true)));
    let head = v1::Signed { body: Vec::new(), sig: vec![1; 64] };
    let head = Body::Control(v1::Control { c: Some(v1::control::C::AuditHead(head)) });
    rule("Signed without a body", content(Some(head), 0));
    let part = Some(v1::Signed { body: vec![1], sig: vec![1; 64] });
    let statement = v1::SignedStatement {
        body: vec![1],
        sig: vec![1; 64],
        kind: 1,
        device_cert: part.clone(),
        issuer_cert: part.clone(),
        manifest: part,
    };
    for (name, statement) in [
        ("statement, control", statement.clone()),
        ("statement without a body", v1::SignedStatement { body: Vec::new(), ..statement.clone() }),
        ("statement of kind 6", v1::SignedStatement { kind: 6, ..statement.clone() }),
        (
            "statement of kind 3 without a Consent: it makes none, and stays",
            v1::SignedStatement { kind: 3, ..statement },
        ),
    ] {
        rule(name, content(Some(Body::Statement(statement)), 1));
    }
    rule("reply_to of 3 bytes", content(Some(Body::Text(v1::Text { text: String::new(), reply_to: vec![1; 3] })), 1));
    rule("edit without text", content(Some(Body::Edit(v1::Edit { target: id(1), text: None })), 1));
    rule("reaction without target", content(Some(Body::Reaction(v1::Reaction::default())), 1));
    let large = v1::ClinicalRef { inline: vec![0; 64 * 1024 + 1], ..Default::default() };
    let bytes = content(Some(Body::Fhir(large)), 1).encode_to_vec();
    assert_eq!(Content::parse(&bytes).err().map(|error| format!("{error:?}")).as_deref(), Some("Field(Inline)"));
}

fn encodings(area: &mut Area) {
    let good = content(text("Text."), 1).encode_to_vec();
    let mut judge = |name: &str, comment: &str, bytes: &[u8]| judge(area, &format!("encoding: {name}"), comment, bytes);
    judge("control", "", &good);
    judge("message_id twice", "", &[&good[..18], &good].concat());
    judge("two members of the oneof", "text, then receipt.", &[&good[..], &[0x6a, 0x00]].concat());
    judge("text twice", "", &[&good[..], &[0x52, 0x03, 0x0a, 0x01, 0x61]].concat());
    judge(
        "known field inside text twice",
        "",
        &[&good[..good.len() - 9], &[0x52, 0x06, 0x0a, 0x01, 0x61, 0x0a, 0x01, 0x62]].concat(),
    );
    judge("cut off", "", &good[..good.len() - 1]);
    judge("text that is not UTF-8", "", &[&good[..good.len() - 1], &[0xff]].concat());
    judge("group", "Wire type 3.", &[&good[..], &[0x93, 0x03, 0x94, 0x03]].concat());
    judge("reordered", "Allowed in contents.", &[&good[18..], &good[..18]].concat());
    judge("empty", "", &[]);
}
