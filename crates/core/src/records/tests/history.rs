use super::super::*;
use super::device;
use crate::attachment::{Attachment, Labels, Purpose, seal_bytes};
use crate::ids::{ConversationId, DeviceId};
use crate::primitives::kdf::sha256;
use crate::testing::{account, at, rng};
use crate::wire::v1;

const OWNER: u8 = 0xa1;
const ME: u8 = 0xc0;

fn item(n: u8) -> HistoryItem {
    HistoryItem {
        sender: (account(0xb0), DeviceId::new(1).unwrap()),
        server_ts: at(u64::from(n)),
        content: vec![n; 100].into(),
        blob: None,
    }
}

fn file(count: u8) -> Vec<u8> {
    let mut file = Vec::new();
    (0..count).for_each(|n| item(n).append_to(&mut file).unwrap());
    file
}

const CONVERSATION: ConversationId = ConversationId::from_bytes([5; 16]);

fn grant_of(file: &[u8], count: u64) -> HistoryGrant {
    HistoryGrant {
        conversation: CONVERSATION,
        from: account(OWNER),
        to: account(ME),
        start: at(0),
        end: at(100),
        reason: HistoryReason::NewMember,
        count,
        sha256: sha256(&[file]),
        at: at(200),
    }
}

fn verify(grant: &HistoryGrant, granter: Granter) -> Result<HistoryGrant, HistoryError> {
    let owner = device(OWNER);
    let signed = grant.sign(&owner);
    offered(&signed, &owner, CONVERSATION, &archive(grant), granter)
}

/// The grant of an offer in this conversation from that device.
fn offered(
    signed: &v1::Signed,
    from: &crate::identity::LocalDevice,
    conversation: ConversationId,
    archive: &v1::AttachmentMsg,
    granter: Granter,
) -> Result<HistoryGrant, HistoryError> {
    let from = from.public();
    let offer = OfferedIn { conversation, archive };
    HistoryGrant::verify(signed, (from.address.account, &from.dsk), &offer, granter, account(ME))
}

fn blob(purpose: Purpose) -> Attachment {
    let (sealed, _) = seal_bytes(purpose, b"a file", &mut rng(1)).unwrap();
    Attachment::new(sealed, Labels::default())
}

fn archive(grant: &HistoryGrant) -> v1::AttachmentMsg {
    v1::AttachmentMsg { purpose: 3, sha256: grant.sha256.to_vec(), ..Default::default() }
}

#[test]
fn t153_granter_must_be_owner_or_listed_member() {
    let grant = grant_of(&file(3), 3);
    assert_eq!(verify(&grant, Granter::Other), Err(HistoryError::NotEntitled));
    assert_eq!(verify(&grant, Granter::OwnAccount), Err(HistoryError::NotEntitled));
    let own_device = HistoryGrant { reason: HistoryReason::OwnDevice, ..grant };
    assert_eq!(verify(&own_device, Granter::Owner), Err(HistoryError::NotEntitled));
    // `OwnAccount`, claimed for a grant from another account.
    assert_eq!(verify(&own_device, Granter::OwnAccount), Err(HistoryError::NotEntitled));
    assert!(verify(&grant, Granter::Owner).is_ok(), "control");
    assert!(verify(&grant, Granter::ListedMember).is_ok(), "control");
    let (me, to_me) = (device(ME), HistoryGrant { from: account(ME), ..own_device });
    let signed = to_me.sign(&me);
    let pair = ConversationId::from_bytes([1; 16]);
    assert!(offered(&signed, &me, pair, &archive(&grant), Granter::OwnAccount).is_ok(), "control: between own devices");
    // A granter that is an owner, and grants to itself.
    let to_itself = HistoryGrant { reason: HistoryReason::NewMember, ..to_me }.sign(&me);
    let refused = offered(&to_itself, &me, CONVERSATION, &archive(&grant), Granter::Owner);
    assert_eq!(refused, Err(HistoryError::NotEntitled));
}

#[test]
fn t153_grant_of_another_conversation_than_the_offers_is_refused() {
    let (grant, owner) = (grant_of(&file(3), 3), device(OWNER));
    let elsewhere = ConversationId::from_bytes([6; 16]);
    for granter in [Granter::Owner, Granter::ListedMember] {
        let judged = |conversation| offered(&grant.sign(&owner), &owner, conversation, &archive(&grant), granter);
        assert_eq!(judged(elsewhere), Err(HistoryError::OtherConversation));
        assert!(judged(CONVERSATION).is_ok(), "control");
    }
}

#[test]
fn t153_archive_of_another_file_than_the_granted_one_is_refused() {
    let (grant, owner) = (grant_of(&file(3), 3), device(OWNER));
    let judged =
        |archive: &v1::AttachmentMsg| offered(&grant.sign(&owner), &owner, CONVERSATION, archive, Granter::Owner);
    for sha256 in [Vec::new(), vec![0; 32], grant.sha256[1..].to_vec()] {
        let other = v1::AttachmentMsg { sha256, ..archive(&grant) };
        assert_eq!(judged(&other), Err(HistoryError::FileHash));
    }
    assert!(judged(&archive(&grant)).is_ok(), "control");
}

#[test]
fn t153_grant_to_another_or_by_another_is_refused() {
    let grant = grant_of(&file(3), 3);
    let other = HistoryGrant { to: account(0xdd), ..grant };
    assert_eq!(verify(&other, Granter::Owner), Err(HistoryError::OtherGrantee));
    let other = HistoryGrant { from: account(0xdd), ..grant };
    assert_eq!(verify(&other, Granter::Owner), Err(HistoryError::Grant(RecordError::OtherOrigin)));
    let signed = grant.sign(&device(0xdd));
    let by_stranger = offered(&signed, &device(OWNER), CONVERSATION, &archive(&grant), Granter::Owner);
    assert_eq!(by_stranger, Err(HistoryError::Grant(RecordError::Signature)));
    assert!(verify(&grant, Granter::Owner).is_ok(), "control");
}

#[test]
fn t153_altered_item_or_hash_is_refused() {
    let file = file(3);
    let grant = verify(&grant_of(&file, 3), Granter::Owner).unwrap();
    for byte in [4, 60, file.len() - 1] {
        let mut altered = file.clone();
        altered[byte] ^= 1;
        assert_eq!(grant.read(&altered), Err(HistoryError::FileHash));
    }
    assert_eq!(grant.read(&file[..file.len() - 1]), Err(HistoryError::FileHash));
    assert_eq!(grant.read(&file).unwrap().len(), 3, "control");
}

#[test]
fn t153_another_count_is_refused() {
    let file = file(3);
    for count in [0, 2, 4, u64::MAX] {
        assert_eq!(grant_of(&file, count).read(&file), Err(HistoryError::Count));
    }
    assert!(grant_of(&file, 3).read(&file).is_ok(), "control");
}

#[test]
fn t153_attachment_of_another_purpose_is_refused() {
    let (grant, owner) = (grant_of(&file(3), 3), device(OWNER));
    let judged = |purpose| {
        let archive = v1::AttachmentMsg { purpose, ..archive(&grant) };
        offered(&grant.sign(&owner), &owner, CONVERSATION, &archive, Granter::Owner)
    };
    for purpose in [0, 1, 2, 4] {
        assert_eq!(judged(purpose), Err(HistoryError::Purpose));
    }
    assert!(judged(3).is_ok(), "control");
}

#[test]
fn t153_accepted_items_are_marked_with_who_passed_them_on() {
    let file = file(2);
    let items = grant_of(&file, 2).read(&file).unwrap();
    assert!(items.iter().all(|passed| passed.by == account(OWNER)));
    assert!(items[1].item == item(1));
}

#[test]
fn items_that_are_none_are_refused_within_their_limit() {
    let read = |file: &[u8], count| grant_of(file, count).read(file).map(|items| items.len());
    let good = file(1);
    assert_eq!(read(&good, 1), Ok(1), "control");
    assert_eq!(read(&[], 0), Ok(0), "control: an empty slice");
    assert_eq!(read(&good[..good.len() - 1], 1), Err(HistoryError::Item), "cut off");
    assert_eq!(read(&[good.as_slice(), &[0, 0, 0]].concat(), 2), Err(HistoryError::Item), "half a length");
    assert_eq!(read(&[0xff, 0xff, 0xff, 0xff, 1], 1), Err(HistoryError::Item), "a length beyond the end");
    assert_eq!(read(&[0, 0, 0, 0], 1), Err(HistoryError::Item), "an empty item has no sender");
    let long = HistoryItem { content: vec![0; 300 * 1024].into(), ..item(0) };
    assert_eq!(long.append_to(&mut Vec::new()), Err(HistoryError::Item));
    let mut reader = HistoryReader::new(&[0, 0, 0, 9, 1][..]);
    assert!(reader.next().is_some_and(|item| item.is_err()));
    assert!(reader.next().is_none(), "it ends after the first error");
}

#[test]
fn item_without_content_or_with_a_blob_of_another_purpose_is_refused() {
    let read = |item: HistoryItem| {
        let mut file = Vec::new();
        item.append_to(&mut file).unwrap();
        grant_of(&file, 1).read(&file).map(|items| items.len())
    };
    assert_eq!(read(HistoryItem { content: Vec::new().into(), ..item(1) }), Err(HistoryError::Item));
    assert_eq!(read(HistoryItem { blob: Some(blob(Purpose::History)), ..item(1) }), Err(HistoryError::Item));
    assert_eq!(read(HistoryItem { blob: Some(blob(Purpose::Message)), ..item(1) }), Ok(1), "control");
    // A descriptor that names nothing.
    let empty = v1::HistoryItem {
        sender_account: vec![1; 16],
        sender_device: 1,
        content: vec![1],
        blob: Some(v1::AttachmentMsg { purpose: 1, ..Default::default() }),
        ..Default::default()
    };
    let empty = prost::Message::encode_to_vec(&empty);
    let file = [&u32::try_from(empty.len()).unwrap().to_be_bytes()[..], &empty].concat();
    assert_eq!(grant_of(&file, 1).read(&file).map(|items| items.len()), Err(HistoryError::Item));
}
