//! How often a session has healed against a quantum computer: [`LaneEpochs`], B6.5.

use std::sync::Arc;

use proptest::prelude::*;
use zeroize::Zeroizing;

use super::fixture::{Pair, established, open};
use crate::ids::SessionId;
use crate::primitives::{MlKem768PublicKey, MlKem768Secret, Secret};
use crate::ratchet::chain::Direction;
use crate::ratchet::encrypt::{LaneOffer, SendOptions};
use crate::ratchet::lane::{Answer, LaneContext, LaneEpochs, LaneSecret, Offer, OwnLane, PeerLane};
use crate::ratchet::session::Session;
use crate::testing::{at, rng};

const EDGES: [u32; 5] = [0, 1, 2, u32::MAX - 1, u32::MAX];
const CONTEXT: LaneContext<'_> = LaneContext { sid: &SessionId::from_bytes([1; 32]), owner: Direction::FromInitiator };

fn kem() -> MlKem768Secret {
    MlKem768Secret::from_seed(&Zeroizing::new([1; 64]))
}

fn ek() -> MlKem768PublicKey {
    kem().public_key()
}

fn secret() -> LaneSecret {
    Secret::new(&Zeroizing::new([7; 32]))
}

/// The own lane in each phase of `epoch`.
fn own(epoch: u32) -> [OwnLane; 3] {
    [
        OwnLane::Idle { next: epoch },
        OwnLane::Offered { epoch, offer: Arc::new(Offer::new(kem())) },
        OwnLane::Ready { epoch, secret: Arc::new(secret()) },
    ]
}

/// The peer's lane in both phases in which `epoch` is open.
fn peer_open(epoch: u32) -> [PeerLane; 2] {
    let (ct, _) = ek().encapsulate(&Zeroizing::new([3; 32])).unwrap();
    let answer = Answer { ek_hash: [2; 32], ct, secret: secret() };
    [PeerLane::Asked { epoch, ek: Arc::new(ek()) }, PeerLane::Pending { epoch, answer: Arc::new(answer) }]
}

#[test]
fn the_own_lane_has_mixed_the_epoch_before_the_open_one() {
    for (epoch, mixed) in [(0, 0), (1, 0), (2, 1), (u32::MAX - 1, u32::MAX - 2), (u32::MAX, u32::MAX - 1)] {
        for lane in own(epoch) {
            assert_eq!(lane.mixed_epoch(), mixed, "{epoch}");
        }
    }
}

#[test]
fn the_peers_lane_has_mixed_the_last_epoch_or_the_one_before_the_open_one() {
    for epoch in EDGES {
        assert_eq!(PeerLane::Idle { last: epoch }.mixed_epoch(), epoch);
        for lane in peer_open(epoch) {
            assert_eq!(lane.mixed_epoch(), epoch.saturating_sub(1), "{epoch}");
        }
    }
}

#[test]
fn a_session_reports_each_lane_under_its_owner() {
    let pair = established(1);
    for (next, last) in EDGES.into_iter().flat_map(|next| EDGES.map(|last| (next, last))) {
        let (own_lane, peer_lane) = (OwnLane::Idle { next }, PeerLane::Idle { last });
        let session = Session { own_lane, peer_lane, ..pair.alice.successor() };
        assert_eq!(session.lane_epochs(), LaneEpochs { own: next.saturating_sub(1), peer: last });
    }
}

#[test]
fn a_new_session_has_mixed_nothing() {
    let pair = established(2);
    for session in [&pair.alice, &pair.bob] {
        assert_eq!(session.lane_epochs(), LaneEpochs { own: 0, peer: 0 });
    }
}

/// An offer is made with a new key that must be answered before it can be mixed: none is there after `u32::MAX - 1`.
#[test]
fn the_last_epoch_is_never_counted_twice() {
    let [_, _, ready] = own(u32::MAX - 1);
    let (mixed, next) = ready.take_ready();
    assert_eq!(mixed.map(|(_, epoch)| epoch), Some(u32::MAX - 1));
    assert!(matches!(next, OwnLane::Idle { next: u32::MAX }));
    assert_eq!(next.mixed_epoch(), u32::MAX - 1);
    let (mixed, same) = next.take_ready();
    assert!(mixed.is_none());
    assert_eq!(same.mixed_epoch(), u32::MAX - 1);
    let last = PeerLane::Idle { last: u32::MAX };
    assert!(last.offered(u32::MAX, ek()).is_ok_and(|lane| lane.mixed_epoch() == u32::MAX), "a late duplicate");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// On both sides an epoch counts exactly when its secret is mixed, by one, and not when it is offered or answered.
    #[test]
    fn an_epoch_counts_when_it_is_mixed(epoch in prop_oneof![Just(1), Just(2), Just(u32::MAX - 1), 1..u32::MAX]) {
        let before = epoch - 1;
        let offered = OwnLane::Offered { epoch, offer: Arc::new(Offer::new(kem())) };
        prop_assert_eq!(OwnLane::Idle { next: epoch }.mixed_epoch(), before);
        prop_assert_eq!(offered.mixed_epoch(), before);
        let asked = PeerLane::Idle { last: before }.offered(epoch, ek()).unwrap();
        prop_assert_eq!(asked.mixed_epoch(), before);
        let pending = PeerLane::answer(epoch, &ek(), &Zeroizing::new([3; 32]), CONTEXT).unwrap();
        prop_assert_eq!(pending.mixed_epoch(), before);
        let PeerLane::Pending { answer, .. } = &pending else { panic!("answered") };
        let ready = offered.answered(epoch, &answer.ct, CONTEXT).unwrap();
        prop_assert_eq!(ready.mixed_epoch(), before);
        let (mixed, next) = ready.take_ready();
        prop_assert_eq!(mixed.map(|(_, epoch)| epoch), Some(epoch));
        prop_assert_eq!(next.mixed_epoch(), epoch);
        prop_assert_eq!(pending.mixed(0).unwrap().1.mixed_epoch(), before, "a chain that mixes nothing");
        prop_assert_eq!(pending.mixed(epoch).unwrap().1.mixed_epoch(), epoch);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever is sent, lost or delivered in between: no count falls, nobody counts a mix that the owner has not made,
    /// and after a quiet exchange both agree on every count.
    #[test]
    fn both_devices_agree_after_a_quiet_exchange(steps in proptest::collection::vec((any::<bool>(), any::<bool>()), 0..24)) {
        let mut pair = established(3);
        for (number, (by_alice, lost)) in steps.into_iter().enumerate() {
            let before = counts(&pair);
            step(&mut pair, number as u64, by_alice, lost);
            let after = counts(&pair);
            for (old, new) in [(before.0, after.0), (before.1, after.1)] {
                prop_assert!(new.own >= old.own && new.peer >= old.peer, "{:?} {:?}", old, new);
                prop_assert!(u64::from(new.own) + u64::from(new.peer) <= u64::from(old.own) + u64::from(old.peer) + 1);
            }
            prop_assert!(after.1.peer <= after.0.own && after.0.peer <= after.1.own, "{:?}", after);
            prop_assert!(after.0.own - after.1.peer <= 1 && after.1.own - after.0.peer <= 1, "{:?}", after);
        }
        let before = counts(&pair);
        for turn in 0..6 {
            step(&mut pair, 1_000 + turn, turn % 2 == 0, false);
        }
        let (alice, bob) = counts(&pair);
        prop_assert!(alice.own > before.0.own && bob.own > before.1.own, "both healed: {:?} {:?}", before, (alice, bob));
        prop_assert_eq!(alice.own, bob.peer + u32::from(alice.own != bob.peer));
        prop_assert_eq!(bob.own, alice.peer + u32::from(bob.own != alice.peer));
    }
}

fn counts(pair: &Pair) -> (LaneEpochs, LaneEpochs) {
    (pair.alice.lane_epochs(), pair.bob.lane_epochs())
}

/// One message that offers a lane if it can, and its delivery unless it is lost.
fn step(pair: &mut Pair, number: u64, by_alice: bool, lost: bool) {
    let (from, to) = match by_alice {
        true => (&mut pair.alice, &mut pair.bob),
        false => (&mut pair.bob, &mut pair.alice),
    };
    let options = SendOptions { offer: LaneOffer::Now, ..SendOptions::CLINICAL };
    let (sent, next) = from.encrypt(b"word", options, at(number), &mut rng(number)).unwrap();
    *from = next;
    if !lost {
        *to = open(to, sent.as_bytes(), at(number)).unwrap().1;
    }
}
