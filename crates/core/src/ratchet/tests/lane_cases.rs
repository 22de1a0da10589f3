//! PQ lanes: T67 to T76.

use std::sync::Arc;

use super::fixture::{Pair, established, open, refused};
use crate::errors::DecryptError::{DecryptFailed, NoSession};
use crate::primitives::{MlKem768Secret, PublicKey as _};
use crate::ratchet::body::Body;
use crate::ratchet::chain::Direction;
use crate::ratchet::keys::{RootKey, root_step};
use crate::ratchet::lane::{OwnLane, PeerLane};
use crate::ratchet::malicious::Forger;
use crate::ratchet::session::Session;
use crate::testing::at;
use zeroize::Zeroizing;

fn key(byte: u8) -> MlKem768Secret {
    MlKem768Secret::from_seed(&Zeroizing::new([byte; 64]))
}

/// A session in which Alice's chain has begun and mixed what it had to.
fn running(seed: u64) -> Pair {
    let mut pair = established(seed);
    let first = pair.alice_says(b"first", 1);
    pair.bob_hears(&first).unwrap();
    pair
}

/// From Alice, with these lane parts.
fn carrying(pair: &Pair, ek: Option<(u32, u8)>, ct: Option<(u32, &[u8; 1088])>) -> Vec<u8> {
    let public = ek.map(|(epoch, byte)| (epoch, key(byte).public_key()));
    let mut body = Vec::new();
    let ek = public.as_ref().map(|(epoch, public)| (*epoch, public.as_bytes()));
    Body { ek, ct, content: b"word" }.write(&mut body, 0);
    let forger = Forger::of(&pair.alice);
    forger.seal(forger.header(), &body)
}

/// Bob with Alice's lane in `lane`.
fn bob_with(pair: Pair, lane: PeerLane) -> Pair {
    let bob = Session { peer_lane: lane, ..pair.bob.successor() };
    Pair { bob, ..pair }
}

fn bob_with_own(pair: Pair, lane: OwnLane) -> Pair {
    let bob = Session { own_lane: lane, ..pair.bob.successor() };
    Pair { bob, ..pair }
}

fn accepted(pair: &Pair, message: &[u8]) -> Session {
    let (opened, next) = open(&pair.bob, message, at(3)).unwrap();
    assert_eq!(opened.content(), b"word");
    next
}

#[test]
fn t067_another_key_under_the_open_epoch_fails() {
    let open_key = Arc::new(key(1).public_key());
    let pair = bob_with(running(67), PeerLane::Asked { epoch: 5, ek: open_key });
    refused(&pair.bob, &carrying(&pair, Some((5, 2)), None), DecryptFailed);
    accepted(&pair, &carrying(&pair, Some((5, 1)), None));
}

#[test]
fn t067_another_key_after_the_answer_fails() {
    let context = running(67);
    let ask = crate::ratchet::lane::LaneContext { sid: &context.bob.sid(), owner: Direction::FromInitiator };
    let answered = PeerLane::answer(5, &key(1).public_key(), &Zeroizing::new([3; 32]), ask).unwrap();
    let pair = bob_with(running(67), answered);
    refused(&pair.bob, &carrying(&pair, Some((5, 2)), None), DecryptFailed);
    accepted(&pair, &carrying(&pair, Some((5, 1)), None));
}

#[test]
fn t068_offer_of_a_wrong_epoch_fails() {
    let pair = bob_with(running(68), PeerLane::Idle { last: 4 });
    for epoch in [0, 6, u32::MAX] {
        refused(&pair.bob, &carrying(&pair, Some((epoch, 1)), None), DecryptFailed);
    }
    let next = accepted(&pair, &carrying(&pair, Some((5, 1)), None));
    assert!(matches!(next.peer_lane, PeerLane::Asked { epoch: 5, .. }));
}

#[test]
fn t068_late_duplicate_of_a_finished_offer_is_ignored() {
    let pair = bob_with(running(68), PeerLane::Idle { last: 4 });
    for epoch in [1, 4] {
        let next = accepted(&pair, &carrying(&pair, Some((epoch, 1)), None));
        assert!(matches!(next.peer_lane, PeerLane::Idle { last: 4 }));
    }
}

fn offered(epoch: u32) -> OwnLane {
    OwnLane::Offered { epoch, offer: Arc::new(crate::ratchet::lane::Offer::new(key(1))) }
}

#[test]
fn t069_answer_to_an_old_offer_is_ignored() {
    let (ct, _) = key(1).public_key().encapsulate(&Zeroizing::new([3; 32])).unwrap();
    let pair = bob_with_own(running(69), offered(5));
    for epoch in [1, 4] {
        let next = accepted(&pair, &carrying(&pair, None, Some((epoch, ct.as_bytes()))));
        assert!(matches!(next.own_lane, OwnLane::Offered { epoch: 5, .. }));
    }
    let next = accepted(&pair, &carrying(&pair, None, Some((5, ct.as_bytes()))));
    assert!(matches!(next.own_lane, OwnLane::Ready { epoch: 5, .. }));
}

#[test]
fn t069_answer_that_was_decapsulated_already_is_ignored() {
    let (ct, _) = key(1).public_key().encapsulate(&Zeroizing::new([3; 32])).unwrap();
    let secret = Arc::new(crate::primitives::Secret::copy_of(&[9; 32]));
    let pair = bob_with_own(running(69), OwnLane::Ready { epoch: 5, secret });
    let next = accepted(&pair, &carrying(&pair, None, Some((5, ct.as_bytes()))));
    let OwnLane::Ready { epoch: 5, secret } = &next.own_lane else { panic!("the lane moved") };
    assert_eq!(secret.as_bytes(), &[9; 32]);
}

#[test]
fn t069_answer_to_a_future_offer_fails() {
    let (ct, _) = key(1).public_key().encapsulate(&Zeroizing::new([3; 32])).unwrap();
    for (lane, epochs) in [(offered(5), [0, 6]), (OwnLane::Idle { next: 5 }, [0, 5])] {
        let pair = bob_with_own(running(69), lane);
        for epoch in epochs {
            refused(&pair.bob, &carrying(&pair, None, Some((epoch, ct.as_bytes()))), DecryptFailed);
        }
    }
}

/// Alice's next message with another mix epoch in its header.
fn mixing(pair: &Pair, change: impl Fn(u32) -> u32) -> Vec<u8> {
    let forger = Forger::of(&pair.alice);
    let mut header = forger.header();
    header.mix_epoch = change(header.mix_epoch);
    forger.seal(header, &crate::ratchet::malicious::body(b"word"))
}

#[test]
fn t070_new_chain_that_mixes_another_epoch_fails() {
    let pair = established(70);
    assert!(matches!(pair.bob.peer_lane, PeerLane::Pending { epoch: 1, .. }), "Bob has answered Alice's offer");
    for epoch in [2, 3, u32::MAX] {
        refused(&pair.bob, &mixing(&pair, |_| epoch), DecryptFailed);
    }
    // Claiming no mix, the chain's keys differ.
    refused(&pair.bob, &mixing(&pair, |_| 0), DecryptFailed);
    accepted(&pair, &mixing(&pair, |epoch| epoch));
}

#[test]
fn t070_new_chain_that_mixes_without_an_answer_fails() {
    // Bob has answered nothing. Alice's chain mixes nothing, so its keys are those that Bob would derive without an
    // answer, and only the epoch that she claims is wrong.
    let Pair { alice, bob } = established(70);
    let alice = Session { own_lane: OwnLane::Idle { next: 1 }, ..alice.successor() };
    let pair = bob_with(Pair { alice, bob }, PeerLane::Idle { last: 0 });
    refused(&pair.bob, &mixing(&pair, |_| 1), DecryptFailed);
    accepted(&pair, &mixing(&pair, |epoch| epoch));
}

#[test]
fn t070_mix_epoch_that_changes_inside_a_chain_fails() {
    let mut pair = established(70);
    let first = pair.alice_says(b"first", 1);
    pair.bob_hears(&first).unwrap();
    for epoch in [0, 2] {
        refused(&pair.bob, &mixing(&pair, |_| epoch), DecryptFailed);
    }
    accepted(&pair, &mixing(&pair, |epoch| epoch));
}

#[test]
fn t071_losing_every_kth_message_both_lanes_progress() {
    for k in 2..=10 {
        let mut pair = established(71);
        let (mut counter, mut alice_mixes, mut bob_mixes) = (0, 0, 0);
        let mut arrives = || {
            counter += 1;
            counter % k != 0
        };
        for turn in 0..200 {
            // Bursts of 1 to 5 messages: no position in a burst is always the lost one.
            for index in 0..1 + turn % 5 {
                let message = pair.alice_says(b"there", turn * 10 + index);
                if arrives() {
                    pair.bob_hears(&message).unwrap();
                }
            }
            for index in 0..1 + turn % 3 {
                let message = pair.bob_says(b"back", turn * 10 + index);
                if arrives() {
                    pair.alice_hears(&message).unwrap();
                }
            }
            let mixed = |session: &Session| session.sending.as_ref().map_or(0, |chain| chain.mix_epoch);
            alice_mixes = alice_mixes.max(mixed(&pair.alice));
            bob_mixes = bob_mixes.max(mixed(&pair.bob));
        }
        assert!(alice_mixes >= 5 && bob_mixes >= 5, "k = {k}: {alice_mixes} and {bob_mixes} epochs");
    }
}

#[test]
fn t072_answer_with_a_flipped_bit_stops_at_the_next_chain() {
    // Bob answers Alice's offer with a damaged ciphertext: she takes it (implicit rejection), and her next chain is
    // refused, not misread.
    let mut pair = established(72);
    let OwnLane::Ready { epoch, .. } = pair.alice.own_lane.clone() else { panic!("Bob's answer arrived") };
    let PeerLane::Pending { answer, .. } = &pair.bob.peer_lane else { panic!("Bob answered") };
    let mut damaged = *answer.ct.as_bytes();
    damaged[100] ^= 1;
    let damaged = crate::primitives::MlKem768Ciphertext::from_raw(&damaged).unwrap();
    let offer = Arc::new(crate::ratchet::lane::Offer::new(key(77)));
    let sid = pair.alice.sid();
    let context = crate::ratchet::lane::LaneContext { sid: &sid, owner: Direction::FromInitiator };
    let own_lane = OwnLane::Offered { epoch, offer }.answered(epoch, &damaged, context).unwrap();
    let honest = pair.alice.successor();
    pair.alice = Session { own_lane, ..honest.successor() };
    let message = pair.alice_says(b"word", 1);
    refused(&pair.bob, &message, DecryptFailed);
    // Control: with the right answer the same step opens.
    pair.alice = honest;
    let message = pair.alice_says(b"word", 1);
    assert_eq!(pair.bob_hears(&message).unwrap(), b"word");
}

#[test]
fn t073_peer_that_never_answers_offers_changes_nothing_for_messages() {
    let mut pair = established(73);
    let offer = offered(1);
    pair.alice = Session { own_lane: offer, ..pair.alice.successor() };
    pair.bob = Session { peer_lane: PeerLane::Idle { last: 0 }, ..pair.bob.successor() };
    let mut longest = 0;
    for turn in 0..40 {
        let message = pair.alice_says(&[b'x'; 300], turn);
        longest = longest.max(message.len());
        // Bob hears everything but never answers: his state forgets the offer.
        assert_eq!(pair.bob_hears(&message).unwrap(), [b'x'; 300]);
        pair.bob = Session { peer_lane: PeerLane::Idle { last: 0 }, ..pair.bob.successor() };
        let back = pair.bob_says(b"back", turn);
        pair.alice_hears(&back).unwrap();
        pair.bob = Session { peer_lane: PeerLane::Idle { last: 0 }, ..pair.bob.successor() };
        assert!(matches!(pair.alice.own_lane, OwnLane::Offered { epoch: 1, .. }));
    }
    assert_eq!(longest, 126 + 2_688, "300 bytes, the open offer and one answer, padded");
}

#[test]
fn t074_after_a_mix_seed_and_secret_are_gone() {
    let mut pair = established(74);
    let OwnLane::Ready { secret, .. } = pair.alice.own_lane.clone() else { panic!("ready") };
    let PeerLane::Pending { answer, .. } = pair.bob.peer_lane.clone() else { panic!("pending") };
    assert_eq!(secret.as_bytes(), answer.secret.as_bytes());
    assert!(contains(&pair.alice.to_bytes(), secret.as_bytes()), "control: before the mix it is in the state");
    assert!(contains(&pair.bob.to_bytes(), secret.as_bytes()), "control");
    let message = pair.alice_says(b"mix", 1);
    pair.bob_hears(&message).unwrap();
    assert!(!contains(&pair.alice.to_bytes(), secret.as_bytes()));
    assert!(!contains(&pair.bob.to_bytes(), secret.as_bytes()));
}

#[test]
fn t074_after_decapsulation_the_seed_is_gone() {
    let lane = offered(1);
    let OwnLane::Offered { offer, .. } = &lane else { panic!("offered") };
    let pair = established(74);
    let before = Session { own_lane: lane.clone(), ..pair.alice.successor() };
    assert!(contains(&before.to_bytes(), offer.seed()), "control");
    let (ct, _) = offer.public().encapsulate(&Zeroizing::new([3; 32])).unwrap();
    let sid = pair.alice.sid();
    let context = crate::ratchet::lane::LaneContext { sid: &sid, owner: Direction::FromInitiator };
    let after = Session { own_lane: lane.answered(1, &ct, context).unwrap(), ..pair.alice.successor() };
    assert!(!contains(&after.to_bytes(), offer.seed()));
}

fn contains(state: &[u8], secret: &[u8]) -> bool {
    state.windows(secret.len()).any(|window| window == secret)
}

/// An adversary that has broken X25519 knows every DH result; one that has broken ML-KEM knows every `k`. Either alone
/// leaves the keys after a mix out of reach: each is an input of its own to the step.
#[test]
fn t075_a_mix_needs_both_the_dh_and_the_lane_secret() {
    let pair = established(75);
    let OwnLane::Ready { secret, epoch } = pair.alice.own_lane.clone() else { panic!("ready") };
    let (root, sid) = (&pair.alice.root, pair.alice.sid());
    let dh = Zeroizing::new([4; 32]);
    let step = |root: &RootKey, dh: &Zeroizing<[u8; 32]>, lane| {
        *root_step(root, dh, lane, &sid, Direction::FromInitiator).root.0.as_bytes()
    };
    let real = step(root, &dh, Some((&*secret, epoch)));
    let guess = crate::primitives::Secret::copy_of(&[0; 32]);
    assert_ne!(real, step(root, &dh, Some((&guess, epoch))), "without the ML-KEM secret");
    assert_ne!(real, step(root, &Zeroizing::new([0; 32]), Some((&*secret, epoch))), "without the X25519 secret");
    assert_ne!(real, step(root, &dh, Some((&*secret, epoch + 1))), "the epoch is bound");
    assert_ne!(real, step(root, &dh, None), "no lane is not epoch 1");
    assert_eq!(real, step(root, &dh, Some((&*secret, epoch))), "control");
}

#[test]
fn t076_stolen_state_is_useless_after_a_full_lane_round() {
    let mut pair = established(76);
    let stolen = Pair {
        alice: Session::from_bytes(&pair.alice.to_bytes()).unwrap(),
        bob: Session::from_bytes(&pair.bob.to_bytes()).unwrap(),
    };
    let (mut thief, mut read) = (stolen, Vec::new());
    for turn in 0..4 {
        // The thief takes part in every step, as both devices, with ratchet keys of its own.
        let there = pair.alice_says(b"there", 100 + turn);
        assert_eq!(pair.bob_hears(&there).unwrap(), b"there");
        let _ = thief.alice_says(b"thief", 200 + turn);
        read.push(thief.bob_hears(&there).is_ok());
        let back = pair.bob_says(b"back", 300 + turn);
        assert_eq!(pair.alice_hears(&back).unwrap(), b"back");
        let _ = thief.bob_says(b"thief", 400 + turn);
        read.push(thief.alice_hears(&back).is_ok());
    }
    assert!(read[0], "control: the stolen keys open what comes next");
    assert_eq!(read[2..], [false; 6]);
    assert_eq!(open(&thief.bob, &pair.alice_says(b"healed", 2), at(3)).unwrap_err(), NoSession);
}

/// The root key after `after`'s send step as somebody computes it who has `root`, both X25519 secrets, and the lane
/// secrets of epochs up to `known`.
fn broken_x25519(root: &RootKey, before: &Session, after: &Session, known: u32) -> RootKey {
    let nothing = crate::primitives::Secret::copy_of(&[0; 32]);
    let lane = match &before.own_lane {
        OwnLane::Ready { epoch, secret } if *epoch <= known => Some((&**secret, *epoch)),
        OwnLane::Ready { epoch, .. } => Some((&nothing, *epoch)),
        _ => None,
    };
    let dh = after.dh_private.as_ref().unwrap().diffie_hellman(&after.dh_remote.unwrap()).unwrap();
    root_step(root, &dh, lane, &after.sid(), after.direction_out()).root
}

#[test]
fn t076_who_breaks_x25519_is_out_after_a_full_lane_round() {
    let mut pair = established(76);
    let mut stolen = RootKey(crate::primitives::Secret::copy_of(pair.alice.root.0.as_bytes()));
    // What was offered before the theft is stolen with the states.
    let offered = |session: &Session| session.own_lane.mixed_epoch() + 1;
    let known = [offered(&pair.alice), offered(&pair.bob)];
    let mut fresh = false;
    for turn in 0..60 {
        let before = pair.alice.successor();
        let there = pair.alice_says(b"there", 100 + turn);
        pair.bob_hears(&there).unwrap();
        fresh |= pair.alice.own_lane.mixed_epoch() > known[0];
        stolen = broken_x25519(&stolen, &before, &pair.alice, known[0]);
        assert_eq!(stolen.0.as_bytes() != pair.alice.root.0.as_bytes(), fresh, "turn {turn}, Alice");
        let before = pair.bob.successor();
        let back = pair.bob_says(b"back", 400 + turn);
        pair.alice_hears(&back).unwrap();
        fresh |= pair.bob.own_lane.mixed_epoch() > known[1];
        stolen = broken_x25519(&stolen, &before, &pair.bob, known[1]);
        assert_eq!(stolen.0.as_bytes() != pair.bob.root.0.as_bytes(), fresh, "turn {turn}, Bob");
    }
    assert!(fresh, "no lane turned");
}
