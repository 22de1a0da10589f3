//! Records: `docs/protocol.md` B19 and B20. What is signed over free bytes is signed here, so that bytes come behind the
//! signature too.

use std::io::{self, Read};
use std::num::NonZeroU64;
use std::sync::LazyLock;

use carevow_core::attachment::{Attachment, Purpose};
use carevow_core::identity::ManifestPin;
use carevow_core::ids::{ConsentId, ContentKeyId, StoreId};
use carevow_core::records::{
    AuditChain, AuditEntry, AuditEvent, AuditHead, Basis, ChainPoint, Channel, Consent, ConsentError, ConsentRecord,
    Coverage, ErasureCertificate, ExpectedSigner, Granter, HistoryError, HistoryGrant, HistoryItem, HistoryReader,
    HistoryReason, KeepReason, Kept, KeptPart, OfferedIn, Outcome, RecordError, Recorder, SignerProof, StatementError,
    StatementEvidence, StatementExport, StatementKind, StatementPlace, StoredEntry, VerifiedStatement, sign_statement,
    verify,
};
use carevow_core::wire::v1;
use carevow_core::{AccountId, ConversationId, DeviceId, MessageId};
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use crate::content::descriptor;
use crate::input::{Input, edit, part};
use crate::world::{NOW, WORLD, account};
use crate::{Depth, Seed, Target};

/// One byte for which record, then its bytes.
pub const TARGET: Target = Target {
    name: "records",
    run,
    deepest: 3,
    success: "parsed, verified, and written again, read to its end or admitted",
    seeds: || {
        let (entries, head) = chain();
        let all: Vec<u8> = entries.iter().flat_map(|entry| part(entry)).collect();
        let signed = |which: u8, signed: &v1::Signed| [&[which][..], &signed.encode_to_vec()].concat();
        let mut altered = head.clone();
        altered.sig[0] ^= 1;
        let alice = &WORLD.alice.device;
        let elsewhere = [&[0x0a, 16][..], &[9; 16], &exported()[18..]].concat();
        vec![
            Seed::new("entry", 3, [&[0][..], &entries[0]].concat()),
            Seed::new("prune-entry", 3, [&[0][..], &entries[2]].concat()),
            Seed::new("chain", 3, [&[1][..], &all].concat()),
            Seed::new("chain-with-a-hole", 1, [&[1][..], &part(&entries[0]), &part(&entries[2])].concat()),
            Seed::new("head", 3, signed(2, &head)),
            Seed::new("altered-head", 0, signed(2, &altered)),
            Seed::new("erasure", 3, signed(3, &erasure().sign(alice))),
            Seed::new("grant", 3, signed(4, &grant(b"", 0).sign(alice))),
            Seed::new("history", 3, [&[5][..], &history()].concat()),
            Seed::new("cut-history", 0, [&[5][..], &history()[..39]].concat()),
            Seed::new("consent", 3, [&[6][..], &consent().to_bytes()].concat()),
            Seed::new("no-consent", 1, [&[6][..], b"an order"].concat()),
            Seed::new("export", 3, [&[7][..], &exported()].concat()),
            Seed::new("export-elsewhere", 2, [&[7][..], &elsewhere].concat()),
            Seed::new("cut-export", 0, [&[7][..], &exported()[..500]].concat()),
            Seed::new("edited-statement", 3, [8]),
            Seed::new("statement-of-another-kind", 2, [&[8][..], &edit(1, KIND_AT, 2)].concat()),
            Seed::new("cut-statement", 1, [&[8][..], &edit(2, KIND_AT + 1, 0)].concat()),
        ]
    },
};

const CONVERSATION: ConversationId = ConversationId::from_bytes([0xc0; 16]);
const PLACE: StatementPlace = StatementPlace { conversation: CONVERSATION, message: MessageId::from_bytes([0x3e; 16]) };
/// Where the number of the kind stands in the bytes of [`order`]: behind the fields of a body of 5 and a signature.
const KIND_AT: u32 = 7 + 66 + 1;
const STORE: StoreId = StoreId::from_bytes([0x57; 16]);
const PATIENT: AccountId = account(2);

fn run(data: &[u8]) -> Depth {
    let mut input = Input::new(data);
    match input.byte() % 9 {
        0 => entry(input.rest()),
        1 => audit(&mut input),
        2 => signed(input.rest(), |signed| {
            let alice = WORLD.alice.device.public();
            let origin = (alice.address.account, alice.address.device);
            AuditHead::verify(signed, origin, &alice.dsk).map(drop)
        }),
        3 => signed(input.rest(), |signed| {
            let alice = WORLD.alice.device.public();
            let certificate = ErasureCertificate::verify(signed, &alice.dsk, &HEAD)?;
            assert_eq!(&certificate.sign(&WORLD.alice.device), signed);
            Ok(())
        }),
        4 => signed(input.rest(), |signed| {
            let alice = WORLD.alice.device.public();
            let from = (alice.address.account, &alice.dsk);
            let sha256 = v1::HistoryGrant::decode(signed.body.as_slice()).map(|grant| grant.sha256).unwrap_or_default();
            let archive = v1::AttachmentMsg { purpose: 3, sha256, ..Default::default() };
            let offer = OfferedIn { conversation: CONVERSATION, archive: &archive };
            match HistoryGrant::verify(signed, from, &offer, Granter::Owner, PATIENT) {
                Ok(_) => Ok(()),
                Err(HistoryError::Grant(error)) => Err(error),
                Err(_) => Err(RecordError::OtherOrigin),
            }
        }),
        5 => read(input.rest()),
        6 => admit(input.rest()),
        7 => export(input.rest()),
        _ => received(&input.edited(&order().encode_to_vec())),
    }
}

/// A signed record: 0 malformed or another signature, 1 another origin.
fn signed(data: &[u8], verify: impl Fn(&v1::Signed) -> Result<(), RecordError>) -> Depth {
    let Ok(signed) = v1::Signed::from_bytes(data) else { return 0 };
    assert_eq!(signed.encode_to_vec(), data, "a container has one encoding");
    match verify(&signed) {
        Ok(()) => 3,
        Err(RecordError::OtherOrigin) => 1,
        Err(_) => 0,
    }
}

/// An entry that parses is the entry that a chain would append there.
fn entry(data: &[u8]) -> Depth {
    let Ok((seq, entry)) = AuditEntry::parse(data) else { return 0 };
    let Some(before) = seq.checked_sub(1) else { return 1 };
    match AuditChain::at(ChainPoint { seq: before, h: [0; 32] }).append(&entry) {
        Ok((bytes, _)) => {
            assert_eq!(bytes, data);
            3
        }
        // A prune entry may name a point that the chain has not reached: the parser does not know the chain.
        Err(_) => 2,
    }
}

/// Entries whose stored hashes are right.
fn audit(input: &mut Input<'_>) -> Depth {
    let mut h = [0; 32];
    let mut stored = Vec::new();
    while !input.is_empty() && stored.len() < 64 {
        let bytes = input.part();
        if stored.is_empty()
            && let Ok((2.., AuditEntry { pruned: Some(point), .. })) = AuditEntry::parse(bytes)
        {
            h = point.h;
        }
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
        let sha = Sha256::new_with_prefix(b"\x10carevow/v1/audit").chain_update(h).chain_update(length);
        h = sha.chain_update(bytes).finalize().into();
        stored.push(StoredEntry { bytes, h });
    }
    let Ok(end) = verify(&stored, &[]) else { return u32::from(!stored.is_empty()) };
    let Some(last) = stored.last() else { return 0 };
    assert_eq!(end.h, last.h);
    assert_eq!(verify(&stored, &[end]), Ok(end));
    let other = ChainPoint { h: [1; 32], ..end };
    assert!(verify(&stored, &[end, other]).is_err(), "two heads of one number agree");
    3
}

/// Gives three bytes at a time, and is interrupted before each time.
struct Slow<'a>(&'a [u8], bool);

impl Read for Slow<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let within = room.len().min(3);
        self.0.read(&mut room[..within])
    }
}

/// The items of an archive, alone and under a grant, at once and as they come.
fn read(file: &[u8]) -> Depth {
    let items = HistoryReader::new(file).collect::<Result<Vec<_>, _>>();
    let slowly = HistoryReader::new(Slow(file, false)).collect::<Result<Vec<_>, _>>();
    assert_eq!(items.as_ref().err(), slowly.as_ref().err(), "what a file holds does not hang on how it is read");
    let (Ok(items), Ok(slowly)) = (items, slowly) else { return 0 };
    let grant = grant(file, items.len() as u64);
    let passed = grant.read(file).expect("granted");
    let judged = grant.judge(Slow(file, false)).expect("granted");
    let streamed = judged.items(file).collect::<Result<Vec<_>, _>>().expect("judged");
    let Some(again) = written(&items) else { return 2 };
    let same = |others: &[&HistoryItem]| written(others.iter().copied()).as_ref() == Some(&again);
    assert!(same(&slowly.iter().collect::<Vec<_>>()));
    assert!(same(&passed.iter().map(|passed| &passed.item).collect::<Vec<_>>()));
    assert!(same(&streamed.iter().map(|passed| &passed.item).collect::<Vec<_>>()));
    let reread = HistoryReader::new(again.as_slice()).collect::<Result<Vec<_>, _>>().expect("what was written");
    assert!(same(&reread.iter().collect::<Vec<_>>()));
    3
}

/// A file of these items; `None` if one is too long.
fn written<'a>(items: impl IntoIterator<Item = &'a HistoryItem>) -> Option<Vec<u8>> {
    let mut file = Vec::new();
    items.into_iter().try_for_each(|item| item.append_to(&mut file)).ok().map(|()| file)
}

/// A statement of Alice's with this body; `None` if she cannot make one.
fn stated(kind: StatementKind, body: &[u8]) -> Option<v1::SignedStatement> {
    let (alice, manifest) = (&WORLD.alice, WORLD.alice.manifest.to_signed());
    let proof = SignerProof { device_cert: &alice.device_cert, issuer_cert: &alice.issuer_cert, manifest: &manifest };
    sign_statement(&alice.device, PLACE, kind, body.to_vec(), proof).ok()
}

fn order() -> v1::SignedStatement {
    stated(StatementKind::Order, b"order").expect("short")
}

/// As it came on Alice's session.
fn verified(statement: &v1::SignedStatement) -> Result<VerifiedStatement, StatementError> {
    let pin = ManifestPin::first(WORLD.alice.manifest.clone());
    let signer = ExpectedSigner::Sender { device: WORLD.alice.device.public(), pin: &pin };
    VerifiedStatement::verify(statement, PLACE, &StatementEvidence { trust: &WORLD.trust, received_at: NOW, signer })
}

/// A statement with this body, signed by Alice, as the consent of a patient.
fn admit(body: &[u8]) -> Depth {
    let Some(statement) = stated(StatementKind::Consent, body) else { return 0 };
    let verified = verified(&statement).expect("just signed");
    let mut depth = 1;
    for recorder in [Recorder::Patient, Recorder::Proxy, Recorder::Clinician, Recorder::Other] {
        match ConsentRecord::admit(&verified, recorder, NonZeroU64::MIN) {
            Ok(record) => {
                assert!(recorder != Recorder::Other);
                assert_eq!(record.consent().to_bytes(), body, "a consent has one encoding");
                depth = 3;
            }
            Err(ConsentError::NotEntitled) => depth = depth.max(2),
            Err(_) => {}
        }
    }
    depth
}

/// An export that reads is written as the same bytes; one that verifies is Alice's order, at its place.
fn export(data: &[u8]) -> Depth {
    let Ok(export) = StatementExport::from_bytes(data) else { return 0 };
    assert_eq!(export.to_bytes(), data, "an export has one encoding");
    match export.verify(&WORLD.trust, NOW) {
        Ok(statement) => {
            assert!(statement.place() == PLACE && statement.body() == b"order", "nobody signed this");
            3
        }
        Err(StatementError::Signature) => 2,
        Err(_) => 1,
    }
}

/// The order after edits: nothing but the order itself verifies.
fn received(data: &[u8]) -> Depth {
    let Ok(statement) = v1::SignedStatement::decode(data) else { return 0 };
    match verified(&statement) {
        Ok(verified) => {
            assert!(verified.body() == b"order" && verified.kind() == StatementKind::Order, "nobody signed this");
            3
        }
        Err(StatementError::Signature) => 2,
        Err(_) => 1,
    }
}

fn exported() -> Vec<u8> {
    StatementExport::new(PLACE, order()).expect("short").to_bytes()
}

/// Three entries, the last one a prune of the first, and the head of their chain.
fn chain() -> (Vec<Vec<u8>>, v1::Signed) {
    let entry = AuditEntry {
        at: NOW,
        server_ts: Some(NOW),
        actor: Some((account(1), DeviceId::new(1).expect("in range"))),
        person: "dr-a".into(),
        event: AuditEvent::Read,
        conversation: Some(CONVERSATION),
        patient: Some(PATIENT),
        subjects: vec![[1; 16], [2; 16]],
        outcome: Outcome::Done,
        reason: 4,
        note: "why".into(),
        info_type: 10,
        pruned: None,
    };
    let (first, chain) = AuditChain::EMPTY.append(&entry).expect("right");
    let (second, next) = chain.append(&AuditEntry { event: AuditEvent::Export, ..entry.clone() }).expect("right");
    let prune = AuditEntry { event: AuditEvent::Prune, pruned: Some(chain.end()), ..entry };
    let (third, last) = next.append(&prune).expect("right");
    (vec![first, second, third], AuditHead::sign(&WORLD.alice.device, STORE, None, last.end(), NOW))
}

/// A head of Alice's store that has reached the entry of [`erasure`].
static HEAD: LazyLock<AuditHead> = LazyLock::new(|| {
    let alice = &WORLD.alice.device;
    let address = alice.public().address;
    let signed = AuditHead::sign(alice, STORE, None, ChainPoint { seq: 9, h: [1; 32] }, NOW);
    AuditHead::verify(&signed, (address.account, address.device), &alice.public().dsk).expect("her own")
});

fn erasure() -> ErasureCertificate {
    ErasureCertificate {
        store: STORE,
        conversation: CONVERSATION,
        basis: Basis::Request,
        at: NOW,
        keys: vec![ContentKeyId::from_bytes([5; 16])],
        chain_seq: 3,
        kept: vec![Kept { what: KeptPart::Archive, reason: KeepReason::Retention, until: NOW }],
        earlier_copies: Coverage::Covered,
        emergency_shares: Coverage::NotCovered,
    }
}

fn grant(file: &[u8], count: u64) -> HistoryGrant {
    HistoryGrant {
        conversation: CONVERSATION,
        from: account(1),
        to: PATIENT,
        start: NOW,
        end: NOW,
        reason: HistoryReason::NewMember,
        count,
        sha256: Sha256::digest(file).into(),
        at: NOW,
    }
}

fn history() -> Vec<u8> {
    let blob = descriptor(Purpose::Message, b"file").0;
    let blob = Attachment::parse(blob, Purpose::Message).expect("a right descriptor");
    let mut file = Vec::new();
    for blob in [None, Some(blob)] {
        let sender = (account(1), DeviceId::new(1).expect("in range"));
        let item = HistoryItem { sender, server_ts: NOW, content: b"content".to_vec().into(), blob };
        item.append_to(&mut file).expect("short");
    }
    file
}

fn consent() -> Consent {
    Consent {
        id: ConsentId::from_bytes([6; 16]),
        scope: "messaging".into(),
        text_sha256: [7; 32],
        text_version: "1".into(),
        channel: Channel::App,
        given_at: Some(NOW),
        expires_at: None,
        withdrawn_at: None,
        patient: PATIENT,
        alternative: "By telephone.".into(),
    }
}
