//! Lengths, shapes and sequence numbers of what comes.

use super::*;

fn field(name: FieldName) -> ContentRejected {
    ContentRejected::Field(name)
}

/// `change` on each right body must give `error` wherever it applies, at least once.
fn refused(name: FieldName, change: impl Fn(&mut Wire) -> bool) {
    let mut applied = 0;
    for body in every_body() {
        let mut bad = body.clone();
        if change(&mut bad) {
            applied += 1;
            assert_eq!(parse_body(bad).unwrap_err(), field(name));
            assert!(parse_body(body).is_ok());
        }
    }
    assert!(applied > 0);
}

#[test]
fn ids_of_another_length_are_rejected() {
    for length in [0, 15, 17] {
        let mut bad = content(text("x"));
        bad.message_id = vec![1; length];
        assert_eq!(parse(&bad).unwrap_err(), field(FieldName::MessageId));
        let mut bad = content(text("x"));
        bad.conversation_id = vec![1; length];
        assert_eq!(parse(&bad).unwrap_err(), field(FieldName::ConversationId));
    }
    for length in [0, 31, 33] {
        let mut bad = in_group(content(text("x")));
        bad.group = Some(v1::GroupContext { state_hash: vec![1; length] });
        assert_eq!(parse(&bad).unwrap_err(), field(FieldName::StateHash));
    }
    assert!(parse(&in_group(content(text("x")))).is_ok());
}

#[test]
fn targets_and_replies_of_another_length_are_rejected() {
    for length in [0, 15, 17] {
        refused(FieldName::Target, |body| match body {
            Wire::Edit(v1::Edit { target, .. })
            | Wire::Del(v1::Delete { target, .. })
            | Wire::Reaction(v1::Reaction { target, .. }) => {
                target.resize(length, 1);
                true
            }
            _ => false,
        });
    }
    for length in [1, 15, 17] {
        refused(FieldName::ReplyTo, |body| match body {
            Wire::Text(text) | Wire::Edit(v1::Edit { text: Some(text), .. }) => {
                text.reply_to = vec![1; length];
                true
            }
            _ => false,
        });
    }
    refused(FieldName::EditText, |body| match body {
        Wire::Edit(edit) => edit.text.take().is_some(),
        _ => false,
    });
}

#[test]
fn receipts_of_another_shape_are_rejected() {
    let receipt = |change: fn(&mut v1::Receipt)| {
        move |body: &mut Wire| match body {
            Wire::Receipt(receipt) => {
                change(receipt);
                true
            }
            _ => false,
        }
    };
    for number in [0, 3, u32::MAX] {
        refused(FieldName::ReceiptType, |body| match body {
            Wire::Receipt(receipt) => {
                receipt.r#type = number;
                true
            }
            _ => false,
        });
    }
    refused(FieldName::MessageIds, receipt(|receipt| receipt.message_ids.clear()));
    refused(FieldName::MessageIds, receipt(|receipt| receipt.message_ids[0].push(1)));
    // One digest too many for either type; one of another length; none for type 1.
    refused(FieldName::Digests, receipt(|receipt| receipt.digests.push(vec![1; 32])));
    refused(FieldName::Digests, |body| match body {
        Wire::Receipt(receipt) if receipt.r#type == 1 => receipt.digests.pop().is_some(),
        _ => false,
    });
    refused(FieldName::Digests, |body| match body {
        Wire::Receipt(receipt) if receipt.r#type == 1 => {
            receipt.digests[0].push(1);
            true
        }
        _ => false,
    });
}

#[test]
fn statements_and_offers_of_another_shape_are_rejected() {
    for kind in [0, 6] {
        refused(FieldName::StatementKind, |body| match body {
            Wire::Statement(statement) => {
                statement.kind = kind;
                true
            }
            _ => false,
        });
    }
    refused(FieldName::Signed, |body| match body {
        Wire::Statement(statement) => statement.sig.pop().is_some(),
        Wire::History(offer) => offer.grant.as_mut().is_some_and(|grant| grant.sig.pop().is_some()),
        Wire::GroupUpdate(update) => update.manifests[0].sig.pop().is_some(),
        _ => false,
    });
    refused(FieldName::Missing, |body| match body {
        Wire::Statement(statement) => statement.manifest.take().is_some(),
        Wire::History(offer) => offer.grant.take().is_some(),
        _ => false,
    });
    let empty = v1::SignedStatement { body: Vec::new(), ..statement() };
    assert_eq!(parse_body(Wire::Statement(empty)).unwrap_err(), field(FieldName::Signed));
    let parts: [fn(&mut v1::SignedStatement) -> &mut Option<v1::Signed>; 2] =
        [|statement| &mut statement.device_cert, |statement| &mut statement.issuer_cert];
    for part in parts {
        let mut bad = statement();
        part(&mut bad).take();
        assert_eq!(parse_body(Wire::Statement(bad)).unwrap_err(), field(FieldName::Missing));
    }
}

#[test]
fn attachments_for_another_place_are_rejected() {
    use crate::attachment::AttachmentError;
    let wanted = Purpose::Message;
    for purpose in [Purpose::Avatar, Purpose::History] {
        let error = parse_body(Wire::Attachment(descriptor(purpose))).unwrap_err();
        assert_eq!(error, ContentRejected::Attachment(AttachmentError::Purpose { wanted }));
    }
    let offer = |purpose| {
        parse_body(Wire::History(v1::HistoryOffer { grant: Some(signed()), archive: Some(descriptor(purpose)) }))
    };
    let wanted = Purpose::History;
    let error = ContentRejected::Attachment(AttachmentError::Purpose { wanted });
    assert_eq!(offer(Purpose::Message).unwrap_err(), error);
    assert!(offer(Purpose::History).is_ok());
}

#[test]
fn control_of_another_shape_is_rejected() {
    use v1::control::C;
    let refused = |bad: C, name| assert_eq!(parse_body(control(bad)).unwrap_err(), field(name));
    for length in [1, 31, 33] {
        refused(C::Retry(v1::RetryRequest { failed_sid: vec![1; length] }), FieldName::SessionId);
    }
    refused(C::Refresh(v1::SessionRefresh { new_sid: Vec::new() }), FieldName::SessionId);
    refused(C::DeliveryToken(vec![1; 15]), FieldName::DeliveryToken);
    refused(C::AuditHead(v1::Signed::default()), FieldName::Signed);
    refused(C::Emergency(v1::Emergency::default()), FieldName::ConversationId);
    let info = |change: fn(&mut v1::SenderInfo)| {
        let mut info = sender_info();
        change(&mut info);
        C::SenderInfo(info)
    };
    refused(info(|info| info.device_cert = None), FieldName::Missing);
    refused(info(|info| info.issuer_cert = None), FieldName::Missing);
    refused(info(|info| info.manifest = Some(v1::Signed::default())), FieldName::Signed);
    refused(info(|info| info.env = Some(v1::SignedRecord::default())), FieldName::Signed);
    assert!(parse_body(control(info(|_| {}))).is_ok());
}

#[test]
fn steps_of_an_invitation_are_not_mixed() {
    let step = |name: &str, token, commit, nonce| {
        parse_body(control(v1::control::C::Invitation(v1::InvitationUse {
            token: vec![1; token],
            display_name: name.into(),
            commit: vec![2; commit],
            nonce: vec![3; nonce],
        })))
        .map(|_| ())
    };
    for (name, token, commit, nonce) in [
        ("", 16, 0, 0),
        ("", 16, 32, 16),
        ("B", 16, 0, 16),
        ("", 15, 0, 16),
        ("", 16, 31, 0),
        ("", 16, 0, 15),
        ("B", 0, 32, 0),
    ] {
        let error = Err(field(FieldName::Invitation));
        assert_eq!(step(name, token, commit, nonce), error, "{name} {token} {commit} {nonce}");
    }
    assert_eq!((step("B", 16, 32, 0), step("", 16, 0, 16)), (Ok(()), Ok(())));
}

#[test]
fn sync_of_another_shape_is_rejected() {
    use v1::sync::S;
    let inner = content(text("hello"));
    let with = |change: fn(&mut v1::SyncSent)| {
        let mut sent = sent(&inner);
        change(&mut sent);
        parse_body(sync(S::Sent(sent)))
    };
    assert_eq!(with(|sent| sent.peer_account_id.clear()).unwrap_err(), field(FieldName::Peer));
    assert_eq!(with(|sent| sent.peer_account_id.truncate(15)).unwrap_err(), field(FieldName::Peer));
    assert_eq!(with(|sent| sent.content.clear()).unwrap_err(), field(FieldName::MessageId));
    assert!(with(|_| {}).is_ok());
    let token = content(control(v1::control::C::DeliveryToken(vec![1; 16])));
    let error = parse_body(sync(S::Sent(sent(&token)))).unwrap_err();
    assert_eq!(error, ContentRejected::NestedSync);
    // In a group there is no peer.
    let grouped = in_group(content(text("hello")));
    let outer = |sent| in_group(content(sync(S::Sent(sent))));
    assert_eq!(parse(&outer(sent(&grouped))).unwrap_err(), field(FieldName::Peer));
    let no_peer = v1::SyncSent { peer_account_id: Vec::new(), content: grouped.encode_to_vec() };
    assert!(parse(&outer(no_peer.clone())).is_ok());
    // Another message, another conversation, another state than the content in it.
    let changes: [fn(&mut v1::Content); 3] = [
        |outer| outer.message_id[0] ^= 1,
        |outer| outer.conversation_id[0] ^= 1,
        |outer| outer.group.as_mut().unwrap().state_hash[0] ^= 1,
    ];
    for change in changes {
        let mut bad = outer(no_peer.clone());
        change(&mut bad);
        assert_eq!(parse(&bad).unwrap_err(), ContentRejected::SyncMismatch);
    }
    for bad in [v1::SyncIds::default(), v1::SyncIds { message_ids: vec![vec![1; 15]], at_ms: 0 }] {
        assert_eq!(parse_body(sync(S::Read(bad))).unwrap_err(), field(FieldName::MessageIds));
    }
    let pop = || v1::DevicePop {
        device_id: 1,
        reg_nonce: 2,
        aik: ed25519(1).public_key().tagged().to_vec(),
        pop: vec![4; 64],
    };
    let changes: [fn(&mut v1::DevicePop); 5] = [
        |pop| pop.device_id = 0,
        |pop| pop.device_id = 1 << 31,
        |pop| pop.reg_nonce = 0,
        |pop| pop.aik[0] = 2,
        |pop| pop.pop.truncate(63),
    ];
    for change in changes {
        let mut bad = pop();
        change(&mut bad);
        assert_eq!(parse_body(sync(S::Pop(bad))).unwrap_err(), field(FieldName::DevicePop));
    }
    assert!(parse_body(sync(S::Pop(pop()))).is_ok());
}

#[test]
fn group_updates_of_another_shape_are_rejected() {
    for length in [1, 31, 33] {
        refused(FieldName::Want, |body| match body {
            Wire::GroupUpdate(update) => {
                update.want.resize(length, 1);
                true
            }
            _ => false,
        });
        refused(FieldName::Want, |body| match body {
            Wire::GroupUpdate(update) => {
                update.want_after.resize(length, 1);
                true
            }
            _ => false,
        });
    }
}

#[test]
fn seq_is_0_for_what_is_not_shown_and_counts_from_1_for_what_is() {
    for body in every_body() {
        let good = content(body);
        let mut bad = good.clone();
        bad.seq = u64::from(good.seq == 0);
        assert_eq!(parse(&bad).unwrap_err(), ContentRejected::Sequence);
        assert_eq!(parse(&good).unwrap().seq().map_or(0, core::num::NonZeroU64::get), good.seq);
    }
}
