//! Audit chain, heads, erasure, history: `docs/protocol.md` B19.

use super::area::Area;
use super::bytes::flipped;
use super::cast::{MADE, Person};
use super::node::{Node, fields};
use super::script::seed;
use crate::ids::{AccountId, ContentKeyId, ConversationId, DeviceId, StoreId};
use crate::records::{
    AuditChain, AuditEntry, AuditEvent, AuditHead, Basis, Coverage, ErasureCertificate, HistoryGrant, HistoryItem,
    HistoryReason, KeepReason, Kept, KeptPart, Outcome, StoredEntry, verify,
};
use crate::time::DAY_MS;

pub(super) fn area() -> Area {
    let mut area = Area::new("records");
    let alice = Person::alice();
    audit(&mut area, &alice);
    super::statements::add(&mut area, &alice);
    erasure(&mut area, &alice);
    history(&mut area, &alice);
    area
}

fn entry(event: AuditEvent) -> AuditEntry {
    AuditEntry {
        at: MADE,
        server_ts: None,
        actor: None,
        person: String::new(),
        event,
        conversation: None,
        patient: None,
        subjects: Vec::new(),
        outcome: Outcome::Done,
        reason: 0,
        note: String::new(),
        info_type: 0,
        pruned: None,
    }
}

fn audit(area: &mut Area, alice: &Person) {
    let address = alice.public().address;
    let full = AuditEntry {
        server_ts: Some(MADE.plus(5)),
        actor: Some((address.account, address.device)),
        person: "staff-17".into(),
        conversation: Some(ConversationId::from_bytes(*seed("conversation"))),
        patient: Some(AccountId::from_bytes(*seed("patient"))),
        subjects: vec![[1; 16], [2; 16]],
        reason: 3,
        note: "asked for by telephone".into(),
        info_type: 10,
        ..entry(AuditEvent::Send)
    };
    let mut chain = AuditChain::EMPTY;
    let mut stored = Vec::new();
    for (name, entry) in [
        ("1 unlock", entry(AuditEvent::Unlock)),
        ("2 send, all fields", full),
        ("3 refused export", AuditEntry { outcome: Outcome::Refused, ..entry(AuditEvent::Export) }),
        ("4 prune up to 1", AuditEntry { pruned: None, ..entry(AuditEvent::Prune) }),
    ] {
        let pruned = (entry.event == AuditEvent::Prune).then(|| point(&stored, 0));
        let before = chain.end();
        let (bytes, next) = chain.append(&AuditEntry { pruned, ..entry }).unwrap();
        chain = next;
        let input = fields! { "previous_h" => before.h, "seq" => chain.end().seq, "entry" => &bytes };
        area.gives(
            format!("audit {name}"),
            "h_n = HASH(\"audit\", h_{n-1} || LP(entry))",
            input,
            fields! { "h" => chain.end().h },
        );
        stored.push((bytes, chain.end().h));
    }
    let mut judge = |name: &str, entries: &[(Vec<u8>, [u8; 32])], heads: &[crate::records::ChainPoint]| {
        let list = |entries: &[(Vec<u8>, [u8; 32])]| {
            let node = |(bytes, h): &(Vec<u8>, [u8; 32])| Node::Map(fields! { "entry" => bytes, "h" => h });
            entries.iter().map(node).collect::<Vec<Node>>()
        };
        let head = |head: &crate::records::ChainPoint| Node::Map(fields! { "seq" => head.seq, "h" => head.h });
        let input = fields! { "entries" => list(entries), "heads" => heads.iter().map(head).collect::<Vec<Node>>() };
        let entries: Vec<_> = entries.iter().map(|(bytes, h)| StoredEntry { bytes, h: *h }).collect();
        match verify(&entries, heads) {
            Ok(end) => area.gives(format!("verify: {name}"), "", input, fields! { "seq" => end.seq, "h" => end.h }),
            Err(bad) => area.fails(
                format!("verify: {name}"),
                "The first bad number and why",
                input,
                format!("{}: {:?}", bad.seq, bad.fault),
            ),
        }
    };
    let head = crate::records::ChainPoint { seq: 3, h: stored[2].1 };
    judge("whole chain", &stored, &[head]);
    let pruned = crate::records::ChainPoint { seq: 1, h: stored[0].1 };
    judge("pruned chain", &stored[1..], &[pruned, head]);
    judge("pruned to a point that no head vouches for", &stored[1..], &[head]);
    judge("entry missing", &[stored[0].clone(), stored[2].clone()], &[]);
    judge("end cut off", &stored[..2], &[head]);
    judge("other head", &stored, &[crate::records::ChainPoint { seq: 3, h: [9; 32] }]);
    let mut changed = stored.clone();
    changed[1].0 = flipped(&changed[1].0, 4);
    judge("entry changed", &changed, &[]);
    judge("beginning gone, no prune", &stored[1..3], &[]);

    let store = StoreId::from_bytes(*seed("store"));
    let signed = AuditHead::sign(&alice.party.device, store, None, chain.end(), MADE);
    let input = fields! {
        "device" => alice.described(), "store_id" => store.as_bytes(), "seq" => chain.end().seq, "h" => chain.end().h,
        "at_ms" => MADE,
    };
    area.gives("audit head", "SIGN(DSK, \"audit-head\", body); org_id empty", input, fields! { "signed" => &signed });
}

/// The point after the entry `index` of the stored ones.
fn point(stored: &[(Vec<u8>, [u8; 32])], index: usize) -> crate::records::ChainPoint {
    crate::records::ChainPoint { seq: index as u64 + 1, h: stored[index].1 }
}

fn erasure(area: &mut Area, alice: &Person) {
    let certificate = ErasureCertificate {
        store: StoreId::from_bytes(*seed("store")),
        conversation: ConversationId::from_bytes(*seed("conversation")),
        basis: Basis::Request,
        at: MADE,
        keys: vec![ContentKeyId::from_bytes([5; 16])],
        chain_seq: 9,
        kept: vec![Kept { what: KeptPart::Archive, reason: KeepReason::Retention, until: MADE.plus(DAY_MS) }],
        earlier_copies: Coverage::Covered,
        emergency_shares: Coverage::NotCovered,
    };
    let input = fields! {
        "device" => alice.described(), "store_id" => certificate.store.as_bytes(),
        "conversation_id" => certificate.conversation.as_bytes(), "basis" => 1_u32, "at_ms" => MADE,
        "key_ids" => vec![Node::from([5; 16])], "chain_seq" => 9_u32,
        "kept" => vec![Node::Map(fields! { "what" => 1_u32, "reason" => 1_u32, "until_ms" => MADE.plus(DAY_MS) })],
        "earlier_copies" => 1_u32, "emergency_shares" => 2_u32,
    };
    let output = fields! { "signed" => &certificate.sign(&alice.party.device) };
    area.gives("erasure certificate", "SIGN(DSK, \"erasure\", body)", input, output);
}

fn history(area: &mut Area, alice: &Person) {
    let account = alice.public().address.account;
    let mut file = Vec::new();
    let item = HistoryItem {
        sender: (account, DeviceId::new(1).unwrap()),
        server_ts: MADE,
        content: b"content bytes".to_vec().into(),
        blob: None,
    };
    item.append_to(&mut file).unwrap();
    HistoryItem { content: b"second".to_vec().into(), ..item }.append_to(&mut file).unwrap();
    let sha256 = crate::primitives::kdf::sha256(&[&file]);
    let grant = HistoryGrant {
        conversation: ConversationId::from_bytes(*seed("conversation")),
        from: account,
        to: AccountId::from_bytes(*seed("grantee")),
        start: MADE,
        end: MADE.plus(DAY_MS),
        reason: HistoryReason::NewMember,
        count: 2,
        sha256,
        at: MADE,
    };
    let input = fields! {
        "device" => alice.described(), "conversation_id" => grant.conversation.as_bytes(),
        "to_account" => grant.to.as_bytes(), "from_ms" => grant.start, "to_ms" => grant.end, "reason" => 1_u32,
        "at_ms" => grant.at, "contents" => vec![Node::from(b"content bytes"), Node::from(b"second")],
        "sender_device" => 1_u32, "server_ts_ms" => MADE,
    };
    let output = fields! { "file" => &file, "sha256" => sha256, "signed" => &grant.sign(&alice.party.device) };
    area.gives("history", "file = LP(HistoryItem)*; both items are from the granter's own device", input, output);
}
