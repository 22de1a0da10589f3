//! What an archive learns from receipts: B13.6.

use super::fixture::*;
use crate::group::{Acknowledged, ArchiveEvent, AwaitedCopies};
use crate::ids::MessageId;
use crate::limits::{AWAITED_COPIES, AWAITED_COPIES_OF_MEMBER};
use crate::testing::at;
use crate::time::DAY_MS;

const MESSAGE: MessageId = MessageId::from_bytes([1; 16]);

#[test]
fn t122_a_sender_that_tells_members_different_things_is_an_equivocation() {
    let none = AwaitedCopies::default();
    let (mine, theirs) = ([1; 32], [2; 32]);
    let event = ArchiveEvent::Equivocation { message: MESSAGE, by: id_of(DOCTOR) };
    // The copy is here when the receipt comes, or comes after it.
    assert_eq!(none.receipt(MESSAGE, theirs, id_of(DOCTOR), &[mine], at(0)).1, [event]);
    let (awaiting, events) = none.receipt(MESSAGE, theirs, id_of(DOCTOR), &[], at(0));
    assert_eq!(events, []);
    let (settled, events) = awaiting.stored(MESSAGE, &mine);
    assert_eq!((settled, events), (none.clone(), vec![event]));
    // Control: the same bytes.
    assert_eq!(none.receipt(MESSAGE, mine, id_of(DOCTOR), &[mine], at(0)), (none.clone(), Vec::new()));
    let (awaiting, _) = none.receipt(MESSAGE, mine, id_of(DOCTOR), &[], at(0));
    assert_eq!(awaiting.stored(MESSAGE, &mine), (none, Vec::new()));
}

#[test]
fn t148_a_sender_that_omits_the_archive_leaves_a_gap_that_another_members_receipt_shows() {
    let (awaiting, _) = AwaitedCopies::default().receipt(MESSAGE, [1; 32], id_of(DOCTOR), &[], at(0));
    assert_eq!(awaiting.due(at(0).plus(DAY_MS - 1)), (awaiting.clone(), Vec::new()));
    let (settled, events) = awaiting.due(at(0).plus(DAY_MS));
    assert_eq!(events, [ArchiveEvent::RecordGap { message: MESSAGE, by: id_of(DOCTOR) }]);
    assert_eq!(settled.due(at(0).plus(2 * DAY_MS)).1, [], "once");
    // Control: it comes in time.
    let (settled, events) = awaiting.stored(MESSAGE, &[1; 32]);
    assert_eq!((events, settled.due(at(0).plus(2 * DAY_MS)).1), (Vec::new(), Vec::new()));
}

#[test]
fn a_flood_of_receipts_hides_no_gap() {
    let id = |n: usize| MessageId::from_bytes((n as u128).to_be_bytes());
    let by = |n: usize| id_of(0x40 + (n / AWAITED_COPIES_OF_MEMBER) as u8);
    let copy = |n| Acknowledged { message: id(n), digest: [0; 32], by: by(n), copies: &[] };
    let full: Vec<_> = (0..AWAITED_COPIES).map(copy).collect();
    let (awaiting, events) = AwaitedCopies::default().receipts(&full, at(0));
    assert_eq!(events, []);
    // Each member's acknowledgement of a message is one.
    assert_eq!(awaiting.receipts(&full, at(0)), (awaiting.clone(), Vec::new()));
    let (next, events) = awaiting.receipt(id(usize::MAX), [0; 32], id_of(DOCTOR), &[], at(1));
    assert_eq!(events, [ArchiveEvent::RecordGap { message: id(0), by: by(0) }]);
    assert_eq!(next.due(at(1).plus(DAY_MS)).1.len(), AWAITED_COPIES);
}

#[test]
fn t148_a_member_that_floods_the_archive_pushes_out_its_own_receipts_only() {
    let id = |n: usize| MessageId::from_bytes((n as u128).to_be_bytes());
    let (honest, _) = AwaitedCopies::default().receipt(MESSAGE, [1; 32], id_of(DOCTOR), &[], at(0));
    let made_up = |n: usize| Acknowledged { message: id(n), digest: [0; 32], by: id_of(PATIENT), copies: &[] };
    let flood: Vec<_> = (0..2 * AWAITED_COPIES_OF_MEMBER).map(made_up).collect();
    let (next, events) = honest.receipts(&flood, at(1));
    assert_eq!(events.len(), AWAITED_COPIES_OF_MEMBER);
    assert!(events.iter().all(|event| matches!(event, ArchiveEvent::RecordGap { by, .. } if *by == id_of(PATIENT))));
    let gap = ArchiveEvent::RecordGap { message: MESSAGE, by: id_of(DOCTOR) };
    assert_eq!(next.due(at(0).plus(DAY_MS)).1, [gap], "control: the honest one is still awaited");
}
