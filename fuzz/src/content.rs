//! Contents: `docs/protocol.md` B9.

use carevow_core::attachment::{Attachment, Labels, Purpose, seal_bytes};
use carevow_core::content::{Body, BodyKind, Content, Draft, DraftError, HistoryOffer, Sync, pair_id};
use carevow_core::wire::v1;
use carevow_core::wire::v1::content::Body as Wire;
use prost::Message as _;

use crate::world::{NOW, WORLD, account, rng};
use crate::{Depth, Seed, Target};

/// The content of a message.
pub const TARGET: Target = Target {
    name: "content",
    run,
    deepest: 4,
    success: "parsed, of a kind that v1 knows, made again from its parts and read alike, and routed",
    seeds: || {
        let mut seeds: Vec<_> = bodies()
            .into_iter()
            .map(|(name, depth, body)| Seed::new(name, depth, content(body).encode_to_vec()))
            .collect();
        let mut featured = content(text());
        featured.required_features = vec![1];
        seeds.push(Seed::new("unsupported", 1, featured.encode_to_vec()));
        let mut kept = content(text());
        kept.retention = Some(v1::Retention { keep_until_ms: 4, delete_after_read_ms: 5 });
        seeds.push(Seed::new("retention", 4, kept.encode_to_vec()));
        seeds.push(Seed::new("without-sequence", 0, v1::Content { seq: 0, ..content(text()) }.encode_to_vec()));
        seeds
    },
};

const STATE: [u8; 32] = [0x57; 32];

fn text() -> Wire {
    Wire::Text(v1::Text { text: "hello".into(), reply_to: Vec::new() })
}

/// `body` in a content that is otherwise right, from Alice to Bob; a GroupUpdate in a group.
fn content(body: Wire) -> v1::Content {
    let visible = !matches!(body, Wire::Receipt(_) | Wire::Control(_) | Wire::Sync(_) | Wire::GroupUpdate(_));
    let grouped = matches!(body, Wire::GroupUpdate(_));
    let pair = pair_id(&account(1), &account(2));
    v1::Content {
        message_id: vec![7; 16],
        sent_at_ms: NOW.as_millis(),
        conversation_id: if grouped { vec![0x66; 16] } else { pair.as_bytes().to_vec() },
        group: grouped.then(|| v1::GroupContext { state_hash: STATE.to_vec() }),
        seq: u64::from(visible),
        body: Some(body),
        ..Default::default()
    }
}

/// The descriptor of a small file, and its blob.
pub(crate) fn descriptor(purpose: Purpose, file: &[u8]) -> (v1::AttachmentMsg, Vec<u8>) {
    let labels = Labels { content_type: "text/plain".into(), filename: "a.txt".into(), caption: "a".into() };
    let (sealed, blob) = seal_bytes(purpose, file, &mut rng(9)).expect("a small file");
    let file = Attachment::new(sealed, labels);
    let body = match purpose {
        Purpose::History => Body::History(HistoryOffer { grant: WORLD.alice.manifest.to_signed(), archive: file }),
        _ => Body::Attachment(file),
    };
    let draft = Draft {
        conversation: pair_id(&account(1), &account(2)),
        group: None,
        sent_at: NOW,
        retention: Default::default(),
        seq: 1,
        body,
    };
    let built = draft.build(&mut rng(10)).expect("a right content");
    let message = match v1::Content::decode(built.bytes()).expect("what was encoded").body {
        Some(Wire::Attachment(message)) => message,
        Some(Wire::History(offer)) => offer.archive.expect("an archive"),
        _ => unreachable!("one of the two"),
    };
    (message, blob)
}

fn bodies() -> Vec<(&'static str, Depth, Wire)> {
    use v1::control::C;
    use v1::sync::S;
    let alice = &WORLD.alice;
    let signed = || alice.manifest.to_signed();
    let control = |control| Wire::Control(v1::Control { c: Some(control) });
    let sync = |sync| Wire::Sync(v1::Sync { s: Some(sync) });
    let (target, ids) = (vec![8; 16], || v1::SyncIds { message_ids: vec![vec![1; 16], vec![2; 16]], at_ms: 5 });
    let statement = v1::SignedStatement {
        body: b"order".to_vec(),
        sig: vec![3; 64],
        kind: 1,
        device_cert: Some(alice.device_cert.clone()),
        issuer_cert: Some(alice.issuer_cert.clone()),
        manifest: Some(signed()),
    };
    let info = v1::SenderInfo {
        device_cert: Some(alice.device_cert.clone()),
        issuer_cert: Some(alice.issuer_cert.clone()),
        manifest: Some(signed()),
        env: Some(alice.env.signed(&alice.device)),
    };
    let invitation = |display_name: &str, commit: &[u8], nonce: &[u8]| v1::InvitationUse {
        token: vec![1; 16],
        display_name: display_name.into(),
        commit: commit.to_vec(),
        nonce: nonce.to_vec(),
    };
    let pop = v1::DevicePop {
        device_id: 1,
        reg_nonce: 2,
        aik: alice.account.public_key().tagged().to_vec(),
        pop: vec![4; 64],
    };
    let fhir = v1::ClinicalRef {
        resource_type: "Observation".into(),
        reference: "Observation/1".into(),
        inline: b"{}".to_vec(),
        inline_type: "application/fhir+json".into(),
        display: "Weight".into(),
    };
    let receipt = |kind, digests| v1::Receipt { r#type: kind, message_ids: vec![vec![1; 16]], digests, at_ms: 3 };
    let sent = v1::SyncSent { peer_account_id: vec![2; 16], content: content(text()).encode_to_vec() };
    let update = v1::GroupUpdate {
        states: vec![signed()],
        want_after: vec![1; 32],
        directories: vec![signed()],
        leave: true,
        manifests: vec![signed()],
        want: vec![2; 32],
    };
    let (file, archive) = (descriptor(Purpose::Message, b"file").0, descriptor(Purpose::History, b"file").0);
    let edit = v1::Edit { target: target.clone(), text: Some(v1::Text { text: "new".into(), reply_to: vec![1; 16] }) };
    let reaction = v1::Reaction { target: target.clone(), emoji: "+".into(), remove: true };
    let emergency = v1::Emergency { conversation_id: vec![1; 16], at_ms: 2, reason: 3 };
    vec![
        ("text", 4, text()),
        ("clinical", 4, Wire::Fhir(fhir)),
        ("attachment", 4, Wire::Attachment(file)),
        ("delivered", 4, Wire::Receipt(receipt(1, vec![vec![2; 32]]))),
        ("read", 4, Wire::Receipt(receipt(2, Vec::new()))),
        ("edit", 4, Wire::Edit(edit)),
        ("delete", 4, Wire::Del(v1::Delete { target, reason: 2 })),
        ("reaction", 4, Wire::Reaction(reaction)),
        ("statement", 4, Wire::Statement(statement)),
        ("history", 4, Wire::History(v1::HistoryOffer { grant: Some(signed()), archive: Some(archive) })),
        ("retry", 4, control(C::Retry(v1::RetryRequest { failed_sid: vec![1; 32] }))),
        ("refresh", 4, control(C::Refresh(v1::SessionRefresh { new_sid: vec![1; 32] }))),
        ("sender-info", 4, control(C::SenderInfo(info))),
        ("invitation-commit", 4, control(C::Invitation(invitation("Ms. B", &[2; 32], &[])))),
        ("invitation-nonce", 4, control(C::Invitation(invitation("", &[], &[2; 16])))),
        ("delivery-token", 4, control(C::DeliveryToken(vec![1; 16]))),
        ("audit-head", 4, control(C::AuditHead(signed()))),
        ("emergency", 4, control(C::Emergency(emergency))),
        ("sync-sent", 3, sync(S::Sent(sent))),
        ("sync-receipted", 3, sync(S::Receipted(ids()))),
        ("sync-read", 3, sync(S::Read(ids()))),
        ("sync-pop", 3, sync(S::Pop(pop))),
        ("group-update", 4, Wire::GroupUpdate(update)),
    ]
}

fn run(data: &[u8]) -> Depth {
    let Ok(content) = Content::parse(data) else { return 0 };
    let (id, kind, digest) = (content.message_id(), content.kind(), *content.digest());
    assert_eq!(Content::parse(data).map(|again| (again.kind(), *again.digest())), Ok((kind, digest)));
    let routed = content.route(&account(2), &account(1)).is_ok();
    content.judge_sent_at(NOW);
    content.minimum_body();
    let sent = matches!(content.body(), Body::Sync(Sync::Sent { .. }));
    let (conversation, group, retention) = (content.conversation(), content.group().copied(), content.retention());
    let (sent_at, seq) = (content.sent_at(), content.seq().map_or(0, core::num::NonZeroU64::get));
    let draft = Draft { conversation, group, sent_at, retention, seq, body: content.into_body() };
    // A statement is built under the id that it was signed for.
    let built = match &draft.body {
        Body::Statement(_) => draft.build_under(id),
        _ => draft.build(&mut rng(1)),
    };
    match built {
        Err(DraftError::Unsupported) => {
            assert_eq!(kind, BodyKind::Unsupported);
            return 1;
        }
        // It is made under another message_id, which the content inside does not have.
        Err(DraftError::InvalidInput(_)) if sent => {}
        built => {
            let built = built.expect("what a peer may send, we may send");
            assert_eq!(built.content().kind(), kind);
            assert_eq!(built.content().retention(), retention);
            // For a group without a peer, else with one; a Control goes to nobody else.
            let _ = built.for_own_devices(group.is_none().then_some(account(2)));
        }
    }
    3 + u32::from(routed)
}
