use super::super::*;
use super::device;
use crate::ids::{ConversationId, DeviceId, StoreId};
use crate::testing::{account, at};

/// A store: entries as they are kept, and the heads that left it.
#[derive(Clone, Default)]
struct Store {
    rows: Vec<(Vec<u8>, [u8; 32])>,
    heads: Vec<ChainPoint>,
}

fn entry(event: AuditEvent, second: u64) -> AuditEntry {
    AuditEntry {
        at: at(second),
        server_ts: None,
        actor: Some((account(0xa1), DeviceId::new(1).unwrap())),
        person: "dr-a".to_owned(),
        event,
        conversation: Some(ConversationId::from_bytes([5; 16])),
        patient: None,
        subjects: vec![[u8::try_from(second % 200).unwrap(); 16]],
        outcome: Outcome::Done,
        reason: 0,
        note: String::new(),
        info_type: 10,
        pruned: None,
    }
}

impl Store {
    /// `n` entries, a head after each third.
    fn with(n: u64) -> Self {
        let mut store = Self::default();
        (1..=n).for_each(|second| store.append(&entry(AuditEvent::Send, second)));
        store
    }

    fn end(&self) -> ChainPoint {
        self.rows
            .last()
            .map_or(ChainPoint::START, |(bytes, h)| ChainPoint { seq: AuditEntry::parse(bytes).unwrap().0, h: *h })
    }

    fn append(&mut self, entry: &AuditEntry) {
        let (bytes, next) = AuditChain::at(self.end()).append(entry).unwrap();
        self.rows.push((bytes, next.end().h));
        if next.end().seq % 3 == 0 {
            self.heads.push(next.end());
        }
    }

    /// Deletes the oldest `n` entries, after an entry that says so.
    fn prune(&mut self, n: usize) {
        let (bytes, h) = &self.rows[n - 1];
        let seq = AuditEntry::parse(bytes).unwrap().0;
        let point = ChainPoint { seq, h: *h };
        let prune = AuditEntry { pruned: Some(point), ..entry(AuditEvent::Prune, 1_000) };
        self.append(&prune);
        self.rows.drain(..n);
    }

    /// What an owner with all keys can do: new hashes over whatever is there now.
    fn rewrite(&mut self) {
        let mut last = ChainPoint::START;
        for (bytes, h) in &mut self.rows {
            let (seq, entry) = AuditEntry::parse(bytes).unwrap();
            assert_eq!(seq, last.seq + 1);
            let (new, next) = AuditChain::at(last).append(&entry).unwrap();
            (*bytes, *h, last) = (new, next.end().h, next.end());
        }
    }

    fn verify(&self) -> Result<ChainPoint, BadEntry> {
        let rows: Vec<_> = self.rows.iter().map(|(bytes, h)| StoredEntry { bytes, h: *h }).collect();
        verify(&rows, &self.heads)
    }
}

fn bad(seq: u64, fault: AuditFault) -> Result<ChainPoint, BadEntry> {
    Err(BadEntry { seq, fault })
}

/// Computed with Python's hashlib from the formula and the protobuf encoding alone.
#[test]
fn chain_has_a_known_answer() {
    let (bytes, chain) = AuditChain::EMPTY.append(&entry(AuditEvent::Send, 1)).unwrap();
    assert_eq!(hex::encode(&bytes), KNOWN_ENTRY);
    assert_eq!(hex::encode(chain.end().h), KNOWN_H1);
}

const KNOWN_ENTRY: &str = "080110e8d7eab6b7332210a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a12801320464722d6138014210050505050505050505050505050505055210010101010101010101010101010101015801700a";
const KNOWN_H1: &str = "6dc208a7c1ef6a7cb991ed5515d1234559b41cb762e6ad02fe5341bc1115c7da";

#[test]
fn t149_untouched_chain_verifies() {
    let store = Store::with(20);
    assert_eq!(store.verify(), Ok(store.end()));
    assert_eq!(Store::default().verify(), Ok(ChainPoint::START));
}

#[test]
fn t149_first_fault_is_named_whatever_comes_later() {
    let mut store = Store::with(20);
    let whole = store.rows[14].0.clone();
    store.rows[14].0 = vec![0xff];
    assert_eq!(store.verify(), bad(15, AuditFault::Malformed));
    store.rows[6].1[0] ^= 1;
    assert_eq!(store.verify(), bad(7, AuditFault::Hash));
    store.heads[0].h[0] ^= 1;
    assert_eq!(store.verify(), bad(1, AuditFault::Head), "the head for 3");
    (store.rows[14].0, store.rows[6].1[0], store.heads[0].h[0]) =
        (whole, store.rows[6].1[0] ^ 1, store.heads[0].h[0] ^ 1);
    assert_eq!(store.verify(), Ok(store.end()));
}

#[test]
fn t149_changed_entry_is_named() {
    for victim in [0, 7, 19] {
        let mut store = Store::with(20);
        let (seq, mut changed) = AuditEntry::parse(&store.rows[victim].0).unwrap();
        changed.outcome = Outcome::Refused;
        store.rows[victim].0 = AuditChain::at(ChainPoint { seq: seq - 1, h: [0; 32] }).append(&changed).unwrap().0;
        assert_eq!(store.verify(), bad(seq, AuditFault::Hash));
    }
}

#[test]
fn t149_every_flipped_bit_is_noticed_at_its_entry() {
    let store = Store::with(6);
    for bit in 0..store.rows[3].0.len() * 8 {
        let mut altered = store.clone();
        altered.rows[3].0[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(altered.verify().unwrap_err().seq, 4, "bit {bit}");
    }
    let mut altered = store.clone();
    altered.rows[3].1[0] ^= 1;
    assert_eq!(altered.verify(), bad(4, AuditFault::Hash));
    assert!(store.verify().is_ok(), "control");
}

#[test]
fn t149_deleted_and_reordered_entries_are_named() {
    let mut store = Store::with(20);
    store.rows.remove(9);
    assert_eq!(store.verify(), bad(10, AuditFault::Missing));
    let mut store = Store::with(20);
    store.rows.swap(4, 5);
    assert_eq!(store.verify(), bad(5, AuditFault::Missing));
    let mut store = Store::with(20);
    store.rows.drain(..4);
    assert_eq!(store.verify(), bad(1, AuditFault::Prune), "the beginning, without a prune entry");
}

#[test]
fn t149_cut_end_is_named_with_the_heads_that_left() {
    let mut store = Store::with(20);
    store.rows.truncate(15);
    assert_eq!(store.verify(), bad(16, AuditFault::Missing), "18 left in a head");
    store.rows.clear();
    assert_eq!(store.verify(), bad(1, AuditFault::Missing));
    let mut store = Store::with(20);
    store.rows.truncate(18);
    assert!(store.verify().is_ok(), "not detected: newer than the last head that left");
}

#[test]
fn t149_chain_written_anew_is_named_with_the_heads_that_left() {
    let mut store = Store::with(20);
    let (_, mut changed) = AuditEntry::parse(&store.rows[10].0).unwrap();
    changed.person = "dr-b".to_owned();
    store.rows[10].0 = AuditChain::at(ChainPoint { seq: 10, h: [0; 32] }).append(&changed).unwrap().0;
    store.rewrite();
    // 9 is vouched for by a head and 12 is not: the change lies above 9.
    assert_eq!(store.verify(), bad(10, AuditFault::Head));
    store.heads.clear();
    assert!(store.verify().is_ok(), "without heads its owner can rewrite all of it");
    let mut all = Store::with(20);
    all.rows[0] = (AuditChain::EMPTY.append(&entry(AuditEvent::Read, 77)).unwrap().0, [0; 32]);
    all.rewrite();
    assert_eq!(all.verify(), bad(1, AuditFault::Head));
}

#[test]
fn t149_restored_older_store_is_a_fork() {
    let head = |seq, h, second| AuditHead {
        store: StoreId::from_bytes([7; 16]),
        account: account(0xa1),
        device: DeviceId::new(1).unwrap(),
        point: ChainPoint { seq, h: [h; 32] },
        at: at(second),
        org: None,
    };
    let kept = [head(10, 1, 100), head(20, 2, 200)];
    assert_eq!(compare_heads(&kept, &head(15, 9, 300)), Err(AuditFork::SeqFell));
    assert_eq!(compare_heads(&kept, &head(10, 1, 300)), Err(AuditFork::SeqFell));
    assert_eq!(compare_heads(&kept, &head(20, 3, 300)), Err(AuditFork::OtherHash));
    assert_eq!(compare_heads(&kept, &head(10, 3, 100)), Err(AuditFork::OtherHash));
    assert_eq!(compare_heads(&kept, &head(30, 3, 150)), Err(AuditFork::SeqFell), "a clock set back hides nothing");
    assert_eq!(compare_heads(&kept, &head(21, 3, 300)), Ok(()), "control");
    assert_eq!(compare_heads(&kept, &head(20, 2, 200)), Ok(()), "control: the same again");
    assert_eq!(compare_heads(&kept, &head(15, 9, 150)), Ok(()), "control: overtaken on the way");
    let other = AuditHead { store: StoreId::from_bytes([8; 16]), ..head(1, 9, 300) };
    assert_eq!(compare_heads(&kept, &other), Ok(()), "control: another store");
    // Somebody else signs heads over this store: they are refused, and do not hide or accuse its device's own.
    let claim = AuditHead { account: account(0xdd), ..head(1 << 40, 9, 300) };
    assert_eq!(compare_heads(&kept, &claim), Err(AuditFork::ForeignStore));
    let same_account = AuditHead { device: DeviceId::new(2).unwrap(), ..head(21, 3, 300) };
    assert_eq!(compare_heads(&kept, &same_account), Err(AuditFork::ForeignStore));
    assert_eq!(compare_heads(&[kept[0], claim], &head(21, 3, 300)), Ok(()));
}

#[test]
fn t149_pruned_chain_verifies_and_a_false_prune_does_not() {
    let mut store = Store::with(20);
    store.prune(9);
    assert_eq!(store.verify(), Ok(store.end()), "control");
    let mut again = store.clone();
    again.append(&entry(AuditEvent::Read, 5));
    again.prune(6);
    assert_eq!(again.rows.len(), 8);
    assert_eq!(again.verify(), Ok(again.end()), "control: pruned twice");

    let mut more = store.clone();
    more.rows.remove(0);
    assert_eq!(more.verify(), bad(10, AuditFault::Prune), "one entry more than was pruned");

    let mut lied = Store::with(20);
    let prune = AuditEntry { pruned: Some(ChainPoint { seq: 9, h: [1; 32] }), ..entry(AuditEvent::Prune, 1_000) };
    lied.append(&prune);
    assert_eq!(lied.verify(), bad(21, AuditFault::Prune), "while the entries are there");
    lied.rows.drain(..9);
    assert_eq!(lied.verify(), bad(9, AuditFault::Head), "and when they are not");
    lied.heads.clear();
    assert_eq!(lied.verify(), bad(1, AuditFault::Prune), "and no head is");
}

#[test]
fn t149_a_prune_to_a_point_that_no_head_vouches_for_hides_nothing() {
    let genuine = Store::with(20);
    let made_up = ChainPoint { seq: 19, h: [0x66; 32] };
    let prune = AuditEntry { pruned: Some(made_up), ..entry(AuditEvent::Prune, 1_000) };
    let (bytes, chain) = AuditChain::at(made_up).append(&prune).unwrap();
    let mut forged = Store { rows: vec![(bytes, chain.end().h)], ..genuine };
    assert_eq!(forged.verify(), bad(1, AuditFault::Prune));
    forged.heads.clear();
    assert_eq!(forged.verify(), bad(1, AuditFault::Prune), "without any head nothing shows that it was pruned");
    forged.heads.push(made_up);
    assert!(forged.verify().is_ok(), "control");
}

#[test]
fn t149_head_for_the_pruned_point_must_equal_it() {
    let mut store = Store::with(20);
    store.prune(9);
    store.heads[2].h[0] ^= 1;
    assert_eq!(store.heads[2].seq, 9);
    assert_eq!(store.verify(), bad(9, AuditFault::Head));
    store.heads[2].h[0] ^= 1;
    assert!(store.verify().is_ok(), "control");
    store.heads[1].h[0] ^= 1;
    assert!(store.verify().is_ok(), "control: older than the pruned point");
}

#[test]
fn entries_that_are_none_are_refused_and_the_chain_stays() {
    let chain = AuditChain::at(ChainPoint { seq: 3, h: [3; 32] });
    let refused = |change: fn(&mut AuditEntry)| {
        let mut entry = entry(AuditEvent::Send, 1);
        change(&mut entry);
        chain.append(&entry).map(|_| ())
    };
    let prune_to: fn(&mut AuditEntry) = |entry| entry.pruned = Some(ChainPoint { seq: 2, h: [0; 32] });
    assert_eq!(refused(|_| {}), Ok(()), "control");
    assert_eq!(refused(|entry| entry.note = "x".repeat(257)), Err(EntryError::NoteTooLong.into()));
    assert_eq!(refused(|entry| entry.person = "x".repeat(70_000)), Err(EntryError::TooLong.into()));
    assert_eq!(refused(|entry| entry.event = AuditEvent::Prune), Err(EntryError::PrunePoint.into()));
    assert_eq!(refused(prune_to), Err(EntryError::PrunePoint.into()));
    for seq in [0, 4] {
        let ahead = AuditEntry { pruned: Some(ChainPoint { seq, h: [0; 32] }), ..entry(AuditEvent::Prune, 1) };
        assert_eq!(chain.append(&ahead).unwrap_err(), ChainError::Prune);
    }
    let full = AuditChain::at(ChainPoint { seq: u64::MAX, h: [3; 32] });
    assert_eq!(full.append(&entry(AuditEvent::Send, 1)).unwrap_err(), ChainError::Full);
}

#[test]
fn head_is_of_its_device_and_of_nothing_else() {
    let (owner, other) = (device(0xa1), device(0xa2));
    let store = StoreId::from_bytes([7; 16]);
    let point = ChainPoint { seq: 4, h: [4; 32] };
    let signed = AuditHead::sign(&owner, store, None, point, at(9));
    let whose = (account(0xa1), DeviceId::new(1).unwrap());
    let head = AuditHead::verify(&signed, whose, &owner.public().dsk).unwrap();
    assert!(head.point == point && head.store == store && head.at == at(9) && head.org.is_none());
    let refused = |signed, whose, dsk| AuditHead::verify(signed, whose, dsk).unwrap_err();
    assert_eq!(refused(&signed, whose, &other.public().dsk), RecordError::Signature);
    let foreign = AuditHead::sign(&other, store, None, point, at(9));
    assert_eq!(refused(&foreign, whose, &other.public().dsk), RecordError::OtherOrigin);
    let mut altered = signed.clone();
    altered.body[20] ^= 1;
    assert_eq!(refused(&altered, whose, &owner.public().dsk), RecordError::Signature);
}
