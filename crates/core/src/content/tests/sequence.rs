//! Gaps and second contents with one seq: T135, T111.

use core::num::NonZeroU64;

use proptest::prelude::*;

use super::*;
use crate::limits::SEQUENCE_GAPS;
use crate::time::HOUR_MS;

const DAY_S: u64 = 24 * HOUR_MS / 1_000;

fn accept(tracker: &mut SequenceTracker, seq: u64, seconds: u64) -> Sequenced {
    let (outcome, next) = tracker.accept(NonZeroU64::new(seq).unwrap(), at(seconds));
    *tracker = next;
    outcome
}

fn due(tracker: &mut SequenceTracker, seconds: u64) -> Vec<(u64, u64)> {
    let (gaps, next) = tracker.due(at(seconds));
    *tracker = next;
    gaps.iter().map(|gap| (gap.from, gap.to)).collect()
}

fn after(base: Base, seqs: &[u64]) -> SequenceTracker {
    let mut tracker = SequenceTracker::new(base);
    seqs.iter()
        .for_each(|seq| assert_eq!(accept(&mut tracker, *seq, 0), Sequenced::Ahead));
    tracker
}

#[test]
fn t135_a_dropped_message_is_a_gap_after_24_hours() {
    let mut tracker = after(Base::One, &[1, 2, 4]);
    assert_eq!(tracker.next_wakeup(), Some(at(DAY_S).plus(1)));
    assert_eq!(due(&mut tracker, DAY_S), []);
    assert_eq!(due(&mut tracker, DAY_S + 1), [(3, 3)]);
    // Once each, and the tracker does not ask to be woken again.
    assert_eq!(due(&mut tracker, 2 * DAY_S), []);
    assert_eq!(tracker.next_wakeup(), None);
}

#[test]
fn t135_without_a_loss_there_is_no_gap() {
    let mut tracker = after(Base::One, &[1, 2, 3, 4]);
    assert_eq!(tracker.next_wakeup(), None);
    assert_eq!(due(&mut tracker, 100 * DAY_S), []);
}

#[test]
fn t135_a_message_that_comes_late_closes_its_gap() {
    let mut tracker = after(Base::One, &[1, 5]);
    assert_eq!(accept(&mut tracker, 3, DAY_S - 1), Sequenced::Late);
    assert_eq!(due(&mut tracker, DAY_S + 1), [(2, 2), (4, 4)]);
    // Also after it was reported: nothing is taken for a clone.
    assert_eq!(accept(&mut tracker, 2, DAY_S + 2), Sequenced::Late);
    assert_eq!(accept(&mut tracker, 4, DAY_S + 2), Sequenced::Late);
    assert_eq!(tracker.parts(), (1, 5, &[][..]));
}

#[test]
fn t135_the_first_one_seen_is_the_base_where_history_is_not_known() {
    let mut tracker = after(Base::FirstSeen, &[40, 41]);
    assert_eq!(due(&mut tracker, 2 * DAY_S), []);
    assert_eq!(accept(&mut tracker, 39, 2 * DAY_S), Sequenced::Late);
    assert_eq!(accept(&mut tracker, 43, 2 * DAY_S), Sequenced::Ahead);
    assert_eq!(due(&mut tracker, 4 * DAY_S), [(42, 42)]);
    // In a pair counting begins at 1.
    let mut pair = after(Base::One, &[40]);
    assert_eq!(due(&mut pair, 2 * DAY_S), [(1, 39)]);
}

#[test]
fn t135_a_clock_that_jumps_back_raises_nothing() {
    let mut tracker = SequenceTracker::new(Base::One);
    assert_eq!(accept(&mut tracker, 2, 5 * DAY_S), Sequenced::Ahead);
    assert_eq!(due(&mut tracker, 0), []);
    assert_eq!(due(&mut tracker, 6 * DAY_S + 1), [(1, 1)]);
}

#[test]
fn t111_two_contents_with_one_seq_are_a_possible_clone() {
    let tracker = after(Base::One, &[1, 2, 4]);
    for seq in [1, 2, 4] {
        let mut copy = tracker.clone();
        assert_eq!(accept(&mut copy, seq, 1), Sequenced::PossibleClone);
        assert_eq!(copy, tracker);
    }
    let mut copy = tracker.clone();
    assert_eq!(accept(&mut copy, 3, 1), Sequenced::Late);
    assert_eq!(accept(&mut copy, 3, 1), Sequenced::PossibleClone);
    assert_eq!(accept(&mut copy, 5, 1), Sequenced::Ahead);
}

#[test]
fn gaps_are_bounded_and_the_oldest_is_given_up() {
    let mut tracker = SequenceTracker::new(Base::One);
    let last = 2 * (SEQUENCE_GAPS as u64 + 10);
    (1..=last / 2).for_each(|n| assert_eq!(accept(&mut tracker, 2 * n, 0), Sequenced::Ahead));
    let (base, highest, gaps) = tracker.parts();
    assert_eq!((base, highest, gaps.len()), (20, last, SEQUENCE_GAPS));
    assert_eq!(accept(&mut tracker, 5, 1), Sequenced::Late);
    assert_eq!(accept(&mut tracker, u64::MAX, 1), Sequenced::Ahead);
    assert_eq!(accept(&mut tracker, u64::MAX, 1), Sequenced::PossibleClone);
    assert_eq!(tracker.parts().2.len(), SEQUENCE_GAPS);
}

#[test]
fn parts_that_cannot_have_come_about_are_not_restored() {
    let gap = |from, to| Gap {
        from,
        to,
        since: at(0),
        reported: false,
    };
    let bad = [
        (1, 5, vec![gap(3, 2)]),
        (1, 5, vec![gap(5, 5)]),
        (3, 5, vec![gap(2, 2)]),
        (1, 9, vec![gap(2, 4), gap(4, 5)]),
        (1, 9, vec![gap(6, 6), gap(2, 2)]),
        (7, 5, vec![]),
        (0, 5, vec![]),
        (1, 2_000, (1..300).map(|n| gap(3 * n, 3 * n)).collect()),
    ];
    for (base, highest, gaps) in bad {
        assert_eq!(SequenceTracker::restore(base, highest, gaps), None);
    }
    let tracker = after(Base::One, &[1, 2, 4, 9]);
    let (base, highest, gaps) = tracker.parts();
    assert_eq!(
        SequenceTracker::restore(base, highest, gaps.to_vec()),
        Some(tracker.clone())
    );
    let fresh = SequenceTracker::new(Base::FirstSeen);
    assert_eq!(SequenceTracker::restore(0, 0, Vec::new()), Some(fresh));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn t135_exactly_the_missing_numbers_are_reported(order in Just((1..=60_u64).collect::<Vec<_>>()).prop_shuffle(), lost in prop::collection::btree_set(1..=60_u64, 0..20)) {
        let mut tracker = SequenceTracker::new(Base::One);
        let arrived: Vec<u64> = order.into_iter().filter(|seq| !lost.contains(seq)).collect();
        for seq in &arrived {
            prop_assert_ne!(accept(&mut tracker, *seq, 0), Sequenced::PossibleClone);
        }
        for seq in &arrived {
            prop_assert_eq!(accept(&mut tracker, *seq, 0), Sequenced::PossibleClone);
        }
        let highest = arrived.iter().copied().max().unwrap_or(0);
        let expected: Vec<u64> = lost.into_iter().filter(|seq| *seq < highest).collect();
        let reported: Vec<u64> = due(&mut tracker, DAY_S + 1).into_iter().flat_map(|(from, to)| from..=to).collect();
        prop_assert_eq!(reported, expected);
        let (base, highest, gaps) = tracker.parts();
        prop_assert_eq!(SequenceTracker::restore(base, highest, gaps.to_vec()), Some(tracker.clone()));
    }
}
