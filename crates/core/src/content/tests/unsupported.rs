//! What v1 cannot read: T93.

use super::*;

/// A content with an unknown member of the body, of number 30.
fn unknown_body(seq: u64) -> Vec<u8> {
    let known = v1::Content {
        body: None,
        seq,
        ..content(text(""))
    };
    [&known.encode_to_vec()[..], &[0xf2, 0x01, 0x03, 1, 2, 3]].concat()
}

fn opaque(content: &Content) -> &Opaque {
    match content.body() {
        Body::Unsupported(opaque) => opaque,
        other => panic!("{other:?}"),
    }
}

#[test]
fn t093_an_unknown_body_is_kept_opaque() {
    let bytes = unknown_body(1);
    let parsed = Content::parse(&bytes).unwrap();
    assert_eq!(parsed.kind(), BodyKind::Unsupported);
    assert_eq!(opaque(&parsed).bytes.as_slice(), bytes);
    assert!(opaque(&parsed).required_features.is_empty());
    assert_eq!(parsed.route(&account(BOB), &account(ALICE)).unwrap(), Route::Pair);
    // It can be receipted: its digest is that of what came.
    assert!(parsed.is_user_visible());
    assert_eq!(parsed.digest(), &crate::primitives::kdf::sha256(&[&bytes]));
    assert_eq!(parse_body(text("")).unwrap().kind(), BodyKind::Text);
}

#[test]
fn t093_a_required_feature_is_kept_opaque_though_the_body_is_known() {
    for body in every_body() {
        let mut wire = content(body);
        wire.required_features = vec![1, 77];
        let bytes = wire.encode_to_vec();
        let parsed = Content::parse(&bytes).unwrap();
        assert_eq!(opaque(&parsed).required_features, [1, 77]);
        assert_eq!(opaque(&parsed).bytes.as_slice(), bytes);
        wire.required_features.clear();
        assert_ne!(parse(&wire).unwrap().kind(), BodyKind::Unsupported);
    }
}

#[test]
fn t093_a_required_feature_may_change_what_a_body_means() {
    // Lengths of a body are judged only where its meaning is known.
    let mut wire = content(Wire::Del(v1::Delete {
        target: vec![1; 3],
        reason: 0,
    }));
    assert_eq!(parse(&wire).unwrap_err(), ContentRejected::Field(FieldName::Target));
    wire.required_features = vec![9];
    assert_eq!(parse(&wire).unwrap().kind(), BodyKind::Unsupported);
}

#[test]
fn t093_unknown_members_of_control_and_sync_are_kept_and_not_shown() {
    for body in [Wire::Control(v1::Control { c: None }), Wire::Sync(v1::Sync { s: None })] {
        let parsed = parse_body(body).unwrap();
        assert_eq!(parsed.kind(), BodyKind::Unsupported);
        assert!(!parsed.is_user_visible());
    }
}

#[test]
fn t093_its_ids_are_still_judged() {
    let mut wire = content(text("x"));
    wire.required_features = vec![9];
    wire.message_id = vec![1; 15];
    assert_eq!(parse(&wire).unwrap_err(), ContentRejected::Field(FieldName::MessageId));
    let unshown = Content::parse(&unknown_body(0)).unwrap();
    assert!(!unshown.is_user_visible());
}

#[test]
fn t093_unknown_fields_beside_a_known_body_are_passed_over() {
    let bytes = [&content(text("hello")).encode_to_vec()[..], &[0xf8, 0x06, 0x01]].concat();
    match Content::parse(&bytes).unwrap().body() {
        Body::Text(text) => assert_eq!(text.text, "hello"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn t093_an_opaque_content_is_not_sent_on() {
    let body = Content::parse(&unknown_body(1)).unwrap().into_body();
    let draft = Draft {
        conversation: pair(),
        group: None,
        sent_at: at(0),
        retention: Retention::default(),
        seq: 1,
        body,
    };
    assert_eq!(draft.build(&mut rng(1)).unwrap_err(), DraftError::Unsupported);
}
