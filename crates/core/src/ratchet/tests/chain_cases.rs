//! Chains, order and counters: T50 to T56, T61 to T64, T127, T128.

use proptest::prelude::*;

use super::fixture::{Pair, established, flipped, open, refused, send};
use crate::errors::{DecryptError, EncryptError};
use crate::limits::{CHAIN_MESSAGES, SKIP_CHAINS, SKIP_STORED};
use crate::primitives::X25519Secret;
use crate::ratchet::chain::Chain;
use crate::ratchet::header::Header;
use crate::ratchet::malicious::{Forger, body};
use crate::ratchet::session::Session;
use crate::ratchet::{SendOptions, SessionMessage};
use crate::testing::{Broken, at, rng, x25519};
use DecryptError::{DecryptFailed, Duplicate, NoSession};

/// What the network does to the messages of a turn.
#[derive(Clone, Debug)]
struct Turn {
    messages: usize,
    /// For each delivery, which of the messages so far is handed over.
    order: Vec<prop::sample::Index>,
    lost: Vec<bool>,
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = (1..20_usize).prop_flat_map(|messages| {
        let order = proptest::collection::vec(any::<prop::sample::Index>(), messages..3 * messages);
        let lost = proptest::collection::vec(prop::bool::weighted(0.2), messages);
        (Just(messages), order, lost).prop_map(|(messages, order, lost)| Turn { messages, order, lost })
    });
    proptest::collection::vec(turn, 1..10)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn t050_any_order_loss_and_duplication_delivers_each_message_once(turns in turns()) {
        let mut pair = established(50);
        let mut sent: Vec<(bool, Vec<u8>, bool)> = Vec::new();
        for (number, turn) in turns.iter().enumerate() {
            let from_alice = number % 2 == 0;
            for index in 0..turn.messages {
                let text = format!("{number}/{index}").into_bytes();
                let seed = (number * 1_000 + index) as u64;
                let message = if from_alice { pair.alice_says(&text, seed) } else { pair.bob_says(&text, seed) };
                let lost = turn.lost[index] && index + 1 < turn.messages;
                sent.push((from_alice, message, lost));
            }
            for pick in &turn.order {
                let at = pick.index(sent.len());
                deliver(&mut pair, &mut sent, at)?;
            }
            // The last of a turn always arrives, so that the conversation goes on.
            let last = sent.len() - 1;
            deliver(&mut pair, &mut sent, last)?;
        }
    }
}

/// Hands over message `at` if it is not lost: new, or opened before (its third field then says "lost": spent).
fn deliver(pair: &mut Pair, sent: &mut [(bool, Vec<u8>, bool)], at: usize) -> Result<(), TestCaseError> {
    let (from_alice, message, spent) = &mut sent[at];
    let outcome = if *from_alice { pair.bob_hears(message) } else { pair.alice_hears(message) };
    match (outcome, *spent) {
        (Ok(_), _) => *spent = true,
        (Err(Duplicate | NoSession), true) => {}
        (outcome, _) => prop_assert!(false, "message {at}: {outcome:?}"),
    }
    Ok(())
}

#[test]
fn t051_duplicates_of_first_last_and_skipped_message() {
    let mut pair = established(51);
    let messages: Vec<_> = (0..4).map(|n| pair.alice_says(&[b'a' + n], u64::from(n))).collect();
    for arrived in [0, 2, 3, 1] {
        pair.bob_hears(&messages[arrived]).unwrap();
    }
    for message in &messages {
        refused(&pair.bob, message, Duplicate);
    }
    pair.turn(9);
    pair.turn(10);
    // The chain's header key is gone: nothing was left of it.
    for message in &messages {
        refused(&pair.bob, message, NoSession);
    }
}

#[test]
fn t051_duplicate_in_an_old_chain_of_which_keys_are_left() {
    let mut pair = established(51);
    let messages: Vec<_> = (0..3).map(|n| pair.alice_says(&[b'a' + n], u64::from(n))).collect();
    pair.bob_hears(&messages[2]).unwrap();
    pair.turn(9);
    pair.turn(10);
    assert_eq!(pair.bob_hears(&messages[0]).unwrap(), b"a");
    refused(&pair.bob, &messages[0], Duplicate);
    refused(&pair.bob, &messages[2], Duplicate);
    assert_eq!(pair.bob_hears(&messages[1]).unwrap(), b"b");
    refused(&pair.bob, &messages[0], NoSession);
}

/// Alice's next chain, begun with `dh` as her ratchet key, and right in everything else.
fn chain_begun_with(pair: &Pair, dh: &X25519Secret) -> Vec<u8> {
    let forger = Forger::stepping_with(&pair.alice, dh);
    let header = forger.header();
    assert_eq!(header.dh_public, dh.public_key());
    forger.seal(header, &body(b"word"))
}

#[test]
fn t052_new_chain_with_the_previous_ratchet_key_fails() {
    let mut pair = established(52);
    let message = pair.alice_says(b"one", 1);
    pair.bob_hears(&message).unwrap();
    // She keeps the private key that she should erase when Bob's answer arrives.
    let kept = std::sync::Arc::clone(pair.alice.dh_private.as_ref().unwrap());
    let back = pair.bob_says(b"back", 2);
    pair.alice_hears(&back).unwrap();
    assert_eq!(pair.bob.dh_remote, Some(kept.public_key()));
    refused(&pair.bob, &chain_begun_with(&pair, &kept), DecryptFailed);
    let (opened, _) = open(&pair.bob, &chain_begun_with(&pair, &x25519(9)), at(3)).unwrap();
    assert_eq!(opened.content(), b"word", "control: with any other key it opens");
}

#[test]
fn t052_new_chain_with_the_receivers_own_key_fails() {
    let pair = established(52);
    // Built with Bob's private key, as if it were known.
    let own = std::sync::Arc::clone(pair.bob.dh_private.as_ref().unwrap());
    refused(&pair.bob, &chain_begun_with(&pair, &own), DecryptFailed);
}

#[test]
fn t052_second_step_before_the_first_is_answered_fails() {
    let mut pair = established(52);
    let first = pair.alice_says(b"one", 1);
    pair.bob_hears(&first).unwrap();
    // A peer that steps again without having heard from us, built from its keys.
    let chain = pair.alice.sending.clone().unwrap();
    let header_key = std::sync::Arc::clone(&pair.alice.next_send_header);
    let stepped = Chain { header_key, dh_public: x25519(9).public_key(), n: 0, ..chain };
    let forger = Forger::of(&Session { sending: Some(stepped), ..pair.alice.successor() });
    refused(&pair.bob, &forger.seal(forger.header(), &body(b"two")), DecryptFailed);
    assert!(pair.bob.dh_private.is_none());
}

/// Low-order points and other keys that no header may show are refused at parse or by DH (T3 for `hdr.dh`).
#[test]
fn t003_low_order_ratchet_key_fails() {
    let pair = established(3);
    let forger = Forger::of(&pair.alice);
    let honest = forger.header();
    for point in crate::primitives::LOW_ORDER_ENCODINGS {
        let mut header = honest.to_bytes();
        header[4..36].copy_from_slice(&point);
        let message = forger.seal_raw(header, honest.n, &body(b"word"), &pair.alice.sid());
        refused(&pair.bob, &message, DecryptFailed);
    }
    let message = forger.seal(honest, &body(b"word"));
    assert_eq!(open(&pair.bob, &message, at(3)).unwrap().0.content(), b"word");
}

/// Alice's next message with number `n`; her chain begins if it must.
fn numbered(pair: &Pair, n: u32) -> Vec<u8> {
    let forger = Forger::of(&pair.alice);
    let mut header = forger.header();
    header.n = n;
    forger.seal(header, &body(b"word"))
}

#[test]
fn t053_too_far_ahead_fails() {
    let pair = established(53);
    refused(&pair.bob, &numbered(&pair, 25_001), DecryptFailed);
}

#[test]
fn t053_too_far_ahead_in_a_running_chain_fails() {
    let mut pair = established(53);
    let first = pair.alice_says(b"one", 1);
    pair.bob_hears(&first).unwrap();
    refused(&pair.bob, &numbered(&pair, 25_002), DecryptFailed);
    assert!(open(&pair.bob, &numbered(&pair, 25_001), at(3)).is_ok());
}

#[test]
fn t053_highest_number_fails_without_work() {
    let pair = established(53);
    // The key is of message 0: if the number were believed, the walk would be of 2^32 steps.
    let forger = Forger::of(&pair.alice);
    for n in [CHAIN_MESSAGES, u32::MAX] {
        let mut header = forger.header();
        header.n = n;
        let message = forger.seal_raw(header.to_bytes(), 0, &body(b"word"), &pair.alice.sid());
        refused(&pair.bob, &message, DecryptFailed);
    }
}

#[test]
fn t054_exactly_1000_ahead_stores_1000_keys() {
    let pair = established(54);
    let (_, next) = open(&pair.bob, &numbered(&pair, 1_000), at(3)).unwrap();
    assert_eq!(stored(&next), 1_000);
}

#[test]
fn t054_exactly_25000_ahead_stores_the_newest_1000_keys() {
    let pair = established(54);
    let (_, next) = open(&pair.bob, &numbered(&pair, 25_000), at(3)).unwrap();
    assert_eq!(stored(&next), 1_000);
    let numbers: Vec<_> = next.skipped.chains[0].keys.iter().map(|key| key.n).collect();
    assert_eq!((numbers[0], numbers[999]), (24_000, 24_999));
}

fn stored(session: &Session) -> usize {
    session.skipped.chains.iter().map(|chain| chain.keys.len()).sum()
}

#[test]
fn t055_skips_in_100_chains_stay_within_2000_keys() {
    let mut pair = established(55);
    for chain in 0..100 {
        let mut message = Vec::new();
        for n in 0..600 {
            message = pair.alice_says(b"word", chain * 1_000 + n);
        }
        pair.bob_hears(&message).unwrap();
        assert!(stored(&pair.bob) <= SKIP_STORED);
        let back = pair.bob_says(b"back", chain);
        pair.alice_hears(&back).unwrap();
        if chain == 4 {
            break;
        }
    }
    assert_eq!(stored(&pair.bob), SKIP_STORED);
    // Five chains skipped 599 each: the oldest has lost its lowest numbers.
    let kept: Vec<_> = pair.bob.skipped.chains.iter().map(|chain| (chain.keys[0].n, chain.keys.len())).collect();
    assert_eq!(kept, [(396, 203), (0, 599), (0, 599), (0, 599)]);
}

#[test]
fn t055_five_old_chains_are_kept_and_the_oldest_goes() {
    let mut pair = established(55);
    let mut lost = Vec::new();
    for chain in 0..100 {
        lost.push(pair.alice_says(format!("lost {chain}").as_bytes(), chain));
        let message = pair.alice_says(b"word", chain + 1_000);
        pair.bob_hears(&message).unwrap();
        let back = pair.bob_says(b"back", chain);
        pair.alice_hears(&back).unwrap();
        assert!(pair.bob.skipped.chains.len() <= SKIP_CHAINS + 1);
    }
    // The current chain and five older ones.
    assert_eq!(pair.bob.skipped.chains.len(), SKIP_CHAINS + 1);
    assert_eq!(pair.bob_hears(&lost[94]).unwrap(), b"lost 94");
    refused(&pair.bob, &lost[93], NoSession);
}

#[test]
fn t056_absurd_previous_count_abandons_the_old_chain() {
    let mut pair = established(56);
    let old = pair.alice_says(b"old", 1);
    let late = pair.alice_says(b"late", 2);
    pair.bob_hears(&old).unwrap();
    let back = pair.bob_says(b"back", 3);
    pair.alice_hears(&back).unwrap();
    let forger = Forger::of(&pair.alice);
    let mut header = forger.header();
    header.pn = u32::MAX;
    let message = forger.seal(header, &body(b"new chain"));
    assert_eq!(pair.bob_hears(&message).unwrap(), b"new chain");
    assert_eq!(stored(&pair.bob), 0);
    refused(&pair.bob, &late, NoSession);
}

#[test]
fn t056_previous_count_at_the_limit_is_walked_and_one_more_is_not() {
    let mut pair = established(56);
    let first = pair.alice_says(b"first", 1);
    pair.bob_hears(&first).unwrap();
    let back = pair.bob_says(b"back", 3);
    pair.alice_hears(&back).unwrap();
    let forger = Forger::of(&pair.alice);
    // Bob's chain stands at 1.
    for (pn, kept) in [(25_001, 1_000), (25_002, 0)] {
        let mut header = forger.header();
        header.pn = pn;
        let (_, next) = open(&pair.bob, &forger.seal(header, &body(b"word")), at(3)).unwrap();
        assert_eq!(stored(&next), kept);
    }
}

#[test]
fn t056_previous_count_beyond_the_end_of_a_chain_leaves_no_key_that_cannot_be_stored() {
    let mut pair = established(56);
    let first = pair.alice_says(b"first", 1);
    pair.bob_hears(&first).unwrap();
    let back = pair.bob_says(b"back", 3);
    pair.alice_hears(&back).unwrap();
    // Alice has come to the last messages of her chain; Bob has opened one of them.
    let near = Chain { n: CHAIN_MESSAGES - 10, ..pair.bob.receiving.clone().unwrap() };
    let bob = Session { receiving: Some(near), ..pair.bob.successor() };
    let forger = Forger::of(&pair.alice);
    for (pn, kept) in [(CHAIN_MESSAGES, 10), (CHAIN_MESSAGES + 1, 0), (CHAIN_MESSAGES + 100, 0)] {
        let header = Header { pn, ..forger.header() };
        let (opened, next) = open(&bob, &forger.seal(header, &body(b"word")), at(3)).unwrap();
        assert_eq!((opened.content(), stored(&next)), (&b"word"[..], kept));
        assert_eq!(*Session::from_bytes(&next.to_bytes()).unwrap().to_bytes(), *next.to_bytes(), "it loads again");
    }
}

#[test]
fn t061_chain_at_its_end_refuses_to_send() {
    let mut pair = established(61);
    pair.alice_says(b"word", 1);
    let chain = pair.alice.sending.clone().unwrap();
    let last = Session { sending: Some(Chain { n: CHAIN_MESSAGES - 1, ..chain.clone() }), ..pair.alice.successor() };
    assert!(last.encrypt(b"word", SendOptions::CLINICAL, at(2), &mut rng(1)).is_ok());
    let ended = Session { sending: Some(Chain { n: CHAIN_MESSAGES, ..chain }), ..pair.alice.successor() };
    let before = ended.to_bytes();
    let error = ended.encrypt(b"word", SendOptions::CLINICAL, at(2), &mut rng(1)).unwrap_err();
    assert_eq!(error, EncryptError::LimitExceeded);
    assert_eq!(*ended.to_bytes(), *before);
}

#[test]
fn t063_message_that_is_six_turns_late_opens_and_older_ones_are_gone() {
    // The policy: skipped keys of five old chains are kept, whatever their age below 14 days.
    let mut pair = established(63);
    let late = pair.alice_says(b"late", 1);
    let next = pair.alice_says(b"next", 2);
    pair.bob_hears(&next).unwrap();
    for turn in 0..6 {
        let back = pair.bob_says(b"back", turn);
        pair.alice_hears(&back).unwrap();
        let there = pair.alice_says(b"there", turn);
        pair.bob_hears(&there).unwrap();
    }
    // No later chain skipped anything, so this one is still among the five.
    assert_eq!(pair.bob_hears(&late).unwrap(), b"late");
}

#[test]
fn t064_failed_body_after_a_dh_step_changes_nothing() {
    let mut pair = established(64);
    let message = pair.alice_says(b"new chain", 1);
    assert!(pair.alice.sending.as_ref().unwrap().n == 1, "it begins a chain");
    for byte in 110..message.len() {
        refused(&pair.bob, &flipped(&message, byte * 8 + byte % 8), DecryptFailed);
    }
    assert_eq!(pair.bob_hears(&message).unwrap(), b"new chain");
}

#[test]
fn t127_one_state_encrypts_twice_to_different_nonces_and_keys() {
    let mut pair = established(127);
    pair.alice_says(b"running chain", 1);
    let (one, _) = send(&pair.alice, b"word", 2);
    let (two, _) = send(&pair.alice, b"word", 3);
    let (one, two) = (SessionMessage::parse(one.as_bytes()).unwrap(), SessionMessage::parse(two.as_bytes()).unwrap());
    assert_ne!(one.header_nonce, two.header_nonce);
    assert_ne!(one.com, two.com);
    // Same key and nonce would give the same ciphertext but for the tag: the bodies are equal.
    assert_ne!(one.body[..64], two.body[..64]);
}

#[test]
fn t128_failing_random_source_encrypts_nothing() {
    let mut pair = established(128);
    for _ in 0..2 {
        let before = pair.alice.to_bytes();
        let error = pair.alice.encrypt(b"word", SendOptions::CLINICAL, at(2), &mut Broken).unwrap_err();
        assert_eq!(error, EncryptError::Random(crate::random::RandomError));
        assert_eq!(*pair.alice.to_bytes(), *before);
        // First with a send step due, then without.
        let sent = pair.alice_says(b"word", 1);
        assert_eq!(pair.bob_hears(&sent).unwrap(), b"word");
    }
}
