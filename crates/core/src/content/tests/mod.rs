//! Tests of contents. Bytes are put together with the generated types, so that what no draft makes can be made.

mod conversation;
mod drafts;
mod hostile;
mod repeats;
mod rules;
mod sequence;
mod shapes;
mod unsupported;
mod wire;

use prost::Message as _;

use super::*;
use crate::attachment::{Attachment, Labels, Purpose, seal_bytes};
use crate::ids::{ConversationId, MessageId};
use crate::testing::{account, at, ed25519, rng};
use crate::wire::v1;
use crate::wire::v1::content::Body as Wire;

const ALICE: u8 = 0xa1;
const BOB: u8 = 0xb0;
const STATE: [u8; 32] = [0x57; 32];

fn pair() -> ConversationId {
    pair_id(&account(ALICE), &account(BOB))
}

fn signed() -> v1::Signed {
    v1::Signed {
        body: vec![1],
        sig: vec![2; 64],
    }
}

fn descriptor(purpose: Purpose) -> v1::AttachmentMsg {
    let (file, _) = seal_bytes(purpose, b"file", &mut rng(9)).unwrap();
    Attachment::new(file, Labels::default()).to_wire()
}

fn text(text: &str) -> Wire {
    Wire::Text(v1::Text {
        text: text.into(),
        reply_to: Vec::new(),
    })
}

fn control(control: v1::control::C) -> Wire {
    Wire::Control(v1::Control { c: Some(control) })
}

fn sync(sync: v1::sync::S) -> Wire {
    Wire::Sync(v1::Sync { s: Some(sync) })
}

/// `body` in a content that is otherwise right, between Alice and Bob; a GroupUpdate in a group.
fn content(body: Wire) -> v1::Content {
    let visible = !matches!(
        body,
        Wire::Receipt(_) | Wire::Control(_) | Wire::Sync(_) | Wire::GroupUpdate(_)
    );
    let grouped = matches!(body, Wire::GroupUpdate(_));
    v1::Content {
        message_id: vec![7; 16],
        sent_at_ms: at(0).as_millis(),
        conversation_id: if grouped {
            vec![0x66; 16]
        } else {
            pair().as_bytes().to_vec()
        },
        group: grouped.then(|| v1::GroupContext {
            state_hash: STATE.to_vec(),
        }),
        required_features: Vec::new(),
        retention: None,
        seq: u64::from(visible),
        body: Some(body),
    }
}

/// The same in a group.
fn in_group(mut content: v1::Content) -> v1::Content {
    content.conversation_id = vec![0x66; 16];
    content.group = Some(v1::GroupContext {
        state_hash: STATE.to_vec(),
    });
    content
}

fn parse(content: &v1::Content) -> Result<Content, ContentRejected> {
    Content::parse(&content.encode_to_vec())
}

fn parse_body(body: Wire) -> Result<Content, ContentRejected> {
    parse(&content(body))
}

fn statement() -> v1::SignedStatement {
    v1::SignedStatement {
        body: b"order".to_vec(),
        sig: vec![3; 64],
        kind: 1,
        device_cert: Some(signed()),
        issuer_cert: Some(signed()),
        manifest: Some(signed()),
    }
}

fn sender_info() -> v1::SenderInfo {
    v1::SenderInfo {
        device_cert: Some(signed()),
        issuer_cert: Some(signed()),
        manifest: None,
        env: Some(v1::SignedRecord {
            record: vec![1],
            sig: vec![2; 64],
        }),
    }
}

/// What Alice sent to Bob, for her other devices.
fn sent(inner: &v1::Content) -> v1::SyncSent {
    v1::SyncSent {
        peer_account_id: vec![BOB; 16],
        content: inner.encode_to_vec(),
    }
}

fn ids() -> v1::SyncIds {
    v1::SyncIds {
        message_ids: vec![vec![1; 16], vec![2; 16]],
        at_ms: 5,
    }
}

/// One of each body and of each member of Control and Sync, all of them right.
fn every_body() -> Vec<Wire> {
    use v1::control::C;
    use v1::sync::S;
    let target = vec![8; 16];
    vec![
        text("hello"),
        Wire::Fhir(v1::ClinicalRef {
            resource_type: "Observation".into(),
            reference: "Observation/1".into(),
            inline: vec![b'{'; 64 * 1024],
            inline_type: "application/fhir+json".into(),
            display: "Weight".into(),
        }),
        Wire::Attachment(descriptor(Purpose::Message)),
        Wire::Receipt(v1::Receipt {
            r#type: 1,
            message_ids: vec![vec![1; 16]],
            digests: vec![vec![2; 32]],
            at_ms: 3,
        }),
        Wire::Receipt(v1::Receipt {
            r#type: 2,
            message_ids: vec![vec![1; 16], vec![4; 16]],
            digests: Vec::new(),
            at_ms: 3,
        }),
        Wire::Edit(v1::Edit {
            target: target.clone(),
            text: Some(v1::Text {
                text: "new".into(),
                reply_to: vec![1; 16],
            }),
        }),
        Wire::Del(v1::Delete {
            target: target.clone(),
            reason: 2,
        }),
        Wire::Reaction(v1::Reaction {
            target,
            emoji: "+".into(),
            remove: true,
        }),
        Wire::Statement(statement()),
        Wire::History(v1::HistoryOffer {
            grant: Some(signed()),
            archive: Some(descriptor(Purpose::History)),
        }),
        control(C::Retry(v1::RetryRequest { failed_sid: Vec::new() })),
        control(C::Retry(v1::RetryRequest {
            failed_sid: vec![1; 32],
        })),
        control(C::Refresh(v1::SessionRefresh { new_sid: vec![1; 32] })),
        control(C::SenderInfo(sender_info())),
        control(C::Invitation(v1::InvitationUse {
            token: vec![1; 16],
            display_name: "Ms. B".into(),
            commit: vec![2; 32],
            nonce: Vec::new(),
        })),
        control(C::Invitation(v1::InvitationUse {
            token: vec![1; 16],
            display_name: String::new(),
            commit: Vec::new(),
            nonce: vec![2; 16],
        })),
        control(C::DeliveryToken(vec![1; 16])),
        control(C::AuditHead(signed())),
        control(C::Emergency(v1::Emergency {
            conversation_id: vec![1; 16],
            at_ms: 2,
            reason: 3,
        })),
        sync(S::Sent(sent(&content(text("hello"))))),
        sync(S::Receipted(ids())),
        sync(S::Read(ids())),
        sync(S::Pop(v1::DevicePop {
            device_id: 1,
            reg_nonce: 2,
            aik: ed25519(1).public_key().tagged().to_vec(),
            pop: vec![4; 64],
        })),
        Wire::GroupUpdate(v1::GroupUpdate {
            states: vec![signed()],
            want_after: vec![1; 32],
            directories: vec![signed()],
            leave: true,
            manifests: vec![signed()],
            want: vec![2; 32],
        }),
    ]
}

#[test]
fn every_body_is_read_and_written_back_byte_for_byte() {
    for body in every_body() {
        let mut wire = content(body);
        wire.retention = Some(v1::Retention {
            keep_until_ms: 4,
            delete_after_read_ms: 5,
        });
        let bytes = wire.encode_to_vec();
        let parsed = Content::parse(&bytes).unwrap();
        assert_eq!(parsed.message_id(), MessageId::from_bytes([7; 16]));
        assert_eq!(parsed.digest(), &crate::primitives::kdf::sha256(&[&bytes]));
        assert_eq!(parsed.is_user_visible(), wire.seq == 1);
        let retention = parsed.retention();
        wire.body = parsed.into_body().to_wire();
        wire.retention = retention.to_wire();
        assert_eq!(wire.encode_to_vec(), bytes);
    }
}

/// B9, by hand: SHA-256 of 0x0f "carevow/v1/conv", 16 times a1, 16 times b0, with another implementation.
#[test]
fn known_answer_of_a_pair_id() {
    let known = "d3162c194448ad174bcd4c8613706787";
    assert_eq!(hex::encode(pair().as_bytes()), known);
    assert_eq!(pair_id(&account(BOB), &account(ALICE)), pair());
    assert_ne!(pair_id(&account(BOB), &account(BOB)), pair());
}

#[test]
fn a_sender_info_is_padded_to_at_least_3072() {
    let info = parse_body(control(v1::control::C::SenderInfo(sender_info()))).unwrap();
    assert_eq!(info.minimum_body(), 3_072);
    for body in every_body() {
        let is_info = matches!(
            &body,
            Wire::Control(v1::Control {
                c: Some(v1::control::C::SenderInfo(_))
            })
        );
        assert_eq!(
            parse_body(body).unwrap().minimum_body(),
            if is_info { 3_072 } else { 0 }
        );
    }
}

#[test]
fn contents_are_not_printed() {
    for body in every_body() {
        let printed = format!("{:?}", parse_body(body).unwrap());
        assert!(printed.starts_with("Content(") && printed.len() < 25, "{printed}");
    }
}
