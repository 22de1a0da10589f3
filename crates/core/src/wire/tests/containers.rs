//! Containers of signed objects: `body + 256`, wherever they stand (B1.2).

use prost::Message as _;

use crate::wire::{WireError, decode_canonical, decode_content, v1};

const LIMIT: usize = 65_792;
const DIRECTORY_LIMIT: usize = 1_048_832;

/// A container of `length` bytes: a body, then a signature that is too long for any key.
fn signed(length: usize) -> v1::Signed {
    let body_key_and_length = if length > 1 << 21 { 5 } else { 4 };
    let signed = v1::Signed { body: vec![1; length - body_key_and_length - 203], sig: vec![2; 200] };
    assert_eq!(signed.encoded_len(), length);
    signed
}

fn record(length: usize) -> v1::SignedRecord {
    let v1::Signed { body, sig } = signed(length);
    v1::SignedRecord { record: body, sig }
}

#[test]
fn containers_alone_are_read_up_to_their_limit() {
    assert!(v1::Signed::from_bytes(&signed(LIMIT).encode_to_vec()) == Ok(signed(LIMIT)));
    assert!(v1::Signed::from_bytes(&signed(LIMIT + 1).encode_to_vec()) == Err(WireError::TooLong));
    assert!(v1::SignedRecord::from_bytes(&record(LIMIT).encode_to_vec()) == Ok(record(LIMIT)));
    assert!(v1::SignedRecord::from_bytes(&record(LIMIT + 1).encode_to_vec()) == Err(WireError::TooLong));
    let directory = |length| v1::Signed::directory_from_bytes(&signed(length).encode_to_vec()).map(|_| ());
    assert_eq!(directory(DIRECTORY_LIMIT), Ok(()));
    assert_eq!(directory(DIRECTORY_LIMIT + 1), Err(WireError::TooLong));
    let reordered = [&[0x12, 1, 2][..], &[0x0a, 1, 1]].concat();
    assert!(v1::Signed::from_bytes(&reordered) == Err(WireError::NotCanonical));
    assert!(v1::SignedRecord::from_bytes(&reordered) == Err(WireError::NotCanonical));
    assert!(v1::Signed::directory_from_bytes(&reordered) == Err(WireError::NotCanonical));
}

/// Each place in content where a container stands.
#[test]
fn t104_containers_inside_content_are_read_up_to_their_limit() {
    use v1::content::Body;
    use v1::control::C;
    let control = |control| Body::Control(v1::Control { c: Some(control) });
    let info = |fill: fn(&mut v1::SenderInfo, usize)| {
        move |length| {
            let mut info = v1::SenderInfo::default();
            fill(&mut info, length);
            control(C::SenderInfo(info))
        }
    };
    let statement = |fill: fn(&mut v1::SignedStatement, usize)| {
        move |length| {
            let mut statement = v1::SignedStatement::default();
            fill(&mut statement, length);
            Body::Statement(statement)
        }
    };
    let update = |fill: fn(&mut v1::GroupUpdate, usize)| {
        move |length| {
            let mut update = v1::GroupUpdate::default();
            fill(&mut update, length);
            Body::GroupUpdate(update)
        }
    };
    let places: [(&str, &dyn Fn(usize) -> Body); 11] = [
        ("audit head", &|length| control(C::AuditHead(signed(length)))),
        ("device cert", &info(|info, length| info.device_cert = Some(signed(length)))),
        ("issuer cert", &info(|info, length| info.issuer_cert = Some(signed(length)))),
        ("manifest", &info(|info, length| info.manifest = Some(signed(length)))),
        ("env", &info(|info, length| info.env = Some(record(length)))),
        ("statement's device cert", &statement(|statement, length| statement.device_cert = Some(signed(length)))),
        ("statement's issuer cert", &statement(|statement, length| statement.issuer_cert = Some(signed(length)))),
        ("statement's manifest", &statement(|statement, length| statement.manifest = Some(signed(length)))),
        ("state", &update(|update, length| update.states.push(signed(length)))),
        ("manifest of an update", &update(|update, length| update.manifests.push(signed(length)))),
        ("grant", &|length| Body::History(v1::HistoryOffer { grant: Some(signed(length)), ..Default::default() })),
    ];
    let read = |body| {
        let content = v1::Content { body: Some(body), ..Default::default() };
        decode_content::<v1::Content>(&content.encode_to_vec(), 262_144).map(|_| ())
    };
    for (place, body) in places {
        assert_eq!(read(body(LIMIT)), Ok(()), "{place}");
        assert_eq!(read(body(LIMIT + 1)), Err(WireError::TooLong), "{place}");
    }
    let directories = update(|update, length| update.directories.push(signed(length)));
    assert_eq!(read(directories(LIMIT + 1)), Ok(()), "what bounds a directory here is the content");
    assert_eq!(read(directories(262_145)), Err(WireError::TooLong));
}

#[test]
fn containers_inside_strict_objects_are_read_up_to_their_limit() {
    let sealed = |length| {
        let content = v1::SealedContent { manifest: Some(signed(length)), ..Default::default() };
        decode_canonical::<v1::SealedContent>(&content.encode_to_vec(), 393_216).map(|_| ())
    };
    assert_eq!(sealed(LIMIT), Ok(()));
    assert_eq!(sealed(LIMIT + 1), Err(WireError::TooLong));
    let update = |length| {
        let update = v1::GroupUpdate { directories: vec![signed(length)], ..Default::default() };
        decode_canonical::<v1::GroupUpdate>(&update.encode_to_vec(), 4 << 20).map(|_| ())
    };
    assert_eq!(update(DIRECTORY_LIMIT), Ok(()));
    assert_eq!(update(DIRECTORY_LIMIT + 1), Err(WireError::TooLong));
}
