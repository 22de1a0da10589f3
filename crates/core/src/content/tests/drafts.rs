//! What is made here keeps the rules: T105.

use super::*;
use crate::random::RandomError;
use crate::testing::Broken;

fn field(name: FieldName) -> ContentRejected {
    ContentRejected::Field(name)
}

fn draft(body: Body) -> Draft {
    Draft { conversation: pair(), group: None, sent_at: at(0), retention: Retention::default(), seq: 1, body }
}

fn clinical(bytes: usize) -> Body {
    Body::Clinical(ClinicalRef { inline: vec![b'{'; bytes], ..ClinicalRef::default() })
}

#[test]
fn t105_a_resource_of_more_than_64_kib_is_invalid_input() {
    let error = draft(clinical(64 * 1024 + 1)).build(&mut rng(1)).unwrap_err();
    assert_eq!(error, DraftError::InvalidInput(field(FieldName::Inline)));
    // And is rejected if a peer sends it all the same.
    let sent = v1::ClinicalRef { inline: vec![0; 64 * 1024 + 1], ..v1::ClinicalRef::default() };
    assert_eq!(parse_body(Wire::Fhir(sent)).unwrap_err(), field(FieldName::Inline));
    assert!(draft(clinical(64 * 1024)).build(&mut rng(1)).is_ok());
}

#[test]
fn t105_whatever_would_be_rejected_is_invalid_input() {
    let long = Body::Text(Text { text: "a".repeat(crate::limits::CONTENT_BYTES), reply_to: None });
    let error = draft(long).build(&mut rng(1)).unwrap_err();
    let too_long = ContentRejected::Wire(crate::wire::WireError::TooLong);
    assert_eq!(error, DraftError::InvalidInput(too_long));
    let uncounted = Draft { seq: 0, ..draft(clinical(1)) };
    assert_eq!(uncounted.build(&mut rng(1)).unwrap_err(), DraftError::InvalidInput(ContentRejected::Sequence));
    let empty = Body::Receipt(Receipt::Read { messages: Vec::new(), at: at(0) });
    let empty = Draft { seq: 0, ..draft(empty) };
    let error = empty.build(&mut rng(1)).unwrap_err();
    assert_eq!(error, DraftError::InvalidInput(field(FieldName::MessageIds)));
    assert_eq!(draft(clinical(1)).build(&mut Broken).unwrap_err(), DraftError::Random(RandomError));
    assert!(draft(clinical(1)).build(&mut rng(1)).is_ok());
}

#[test]
fn own_devices_get_the_same_bytes_under_the_same_id() {
    let outgoing = draft(clinical(10)).build(&mut rng(1)).unwrap();
    let own = outgoing.for_own_devices(Some(account(BOB))).unwrap();
    let parsed = Content::parse(own.bytes()).unwrap();
    assert_eq!(parsed.message_id(), outgoing.content().message_id());
    match parsed.body() {
        Body::Sync(Sync::Sent { peer, content, bytes }) => {
            assert_eq!(*peer, Some(account(BOB)));
            assert_eq!(bytes.as_slice(), outgoing.bytes());
            assert_eq!(content.digest(), outgoing.content().digest());
        }
        other => panic!("{other:?}"),
    }
    let error = outgoing.for_own_devices(None).unwrap_err();
    assert_eq!(error, DraftError::InvalidInput(field(FieldName::Peer)));
}

#[test]
fn statement_is_built_under_the_id_that_it_was_signed_for() {
    let body = || Body::Statement(Box::new(statement()));
    assert_eq!(draft(body()).build(&mut rng(1)).unwrap_err(), DraftError::UnplacedStatement);
    let id = MessageId::random(&mut rng(1)).unwrap();
    assert_eq!(draft(body()).build_under(id).unwrap().content().message_id(), id);
    assert_eq!(MessageId::random(&mut Broken).unwrap_err(), RandomError);
}
