//! Invitations at rest: T130 for them, and what they are written as.

use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::linking::RelayUrl;
use crate::wire::v1;

const OLD: AccountId = account(0x01);

/// Each phase of the practice, with and without an account that is succeeded.
fn practices() -> Vec<PracticeState> {
    let mut states = Vec::new();
    for succeeds in [None, Some(OLD)] {
        states.push(PracticeState::Issued(issue(1, succeeds)));
        states.push(PracticeState::Answered(exchange(succeeds).1));
        states.push(PracticeState::Unverified(until_codes(succeeds).1));
        for place in [WhereConfirmed::InTheRoom, WhereConfirmed::Elsewhere] {
            let (client, practice) = until_codes(succeeds);
            states.push(PracticeState::Verified(practice.confirm(&typed(client.code()), place, at(100)).unwrap()));
        }
        let (client, practice) = until_codes(succeeds);
        let ended = practice.confirm(&other_than(client.code()), WhereConfirmed::InTheRoom, at(100)).unwrap_err();
        states.push(PracticeState::Ended(ended.used));
    }
    states
}

/// Each phase of the client, before and after its INITs.
fn clients() -> Vec<ClientState> {
    let unsent = || Fetched::honest().check(parse(&issue(1, None).invitation().to_text()).unwrap()).unwrap();
    let (_, unsent) = unsent().commit("Ms. B", &mut rng(2)).unwrap();
    let (_, mut two) = committed(&issue(1, None), 2);
    two.sent_on(sid(9));
    two.sent_on(sid(0));
    let one = committed(&issue(1, None), 2).1;
    let revealed = until_codes(None).0;
    vec![
        ClientState::Committed(unsent),
        ClientState::Committed(one),
        ClientState::Committed(two),
        ClientState::Revealed(revealed),
    ]
}

/// A client and a practice after step 2, and that step.
fn exchange(succeeds: Option<AccountId>) -> (CommittedClient, AnsweredPractice, v1::InvitationUse) {
    let issued = issue(1, succeeds);
    let (first, client) = committed(&issued, 2);
    let first = issued.judge(account(CLIENT), sid(1), &first, at(70)).unwrap();
    let (answer, practice) = issued.accept(&first, &mut rng(3)).unwrap();
    (client, practice, answer)
}

fn practice_again(state: &PracticeState) -> PracticeState {
    PracticeState::from_bytes(&state.to_bytes()).unwrap()
}

fn client_again(state: &ClientState) -> ClientState {
    ClientState::from_bytes(&state.to_bytes()).unwrap()
}

/// Every state's bytes with how to read them again: the bytes that are written after that.
type Read = fn(&[u8]) -> Result<Vec<u8>, InvitationStateError>;

fn stored() -> Vec<(Vec<u8>, Read)> {
    let practice: Read = |bytes| PracticeState::from_bytes(bytes).map(|state| state.to_bytes().to_vec());
    let client: Read = |bytes| ClientState::from_bytes(bytes).map(|state| state.to_bytes().to_vec());
    let practices = practices().into_iter().map(|state| (state.to_bytes().to_vec(), practice));
    practices.chain(clients().into_iter().map(|state| (state.to_bytes().to_vec(), client))).collect()
}

#[test]
fn states_are_read_as_they_were_written() {
    for (bytes, read) in stored() {
        assert_eq!(read(&bytes), Ok(bytes));
    }
}

/// `proto/invitation.proto` and the hand-written codec agree: prost reads the bytes and writes the same ones.
#[test]
fn states_are_the_protobuf_that_the_specification_says() {
    let phases: Vec<u32> = stored()
        .iter()
        .map(|(bytes, _)| {
            let read = v1::InvitationState::decode(bytes.as_slice()).unwrap();
            assert_eq!(read.format, 1);
            assert_eq!(read.encode_to_vec(), *bytes);
            read.phase
        })
        .collect();
    assert_eq!(phases, [1, 2, 3, 4, 4, 5, 1, 2, 3, 4, 4, 5, 6, 6, 6, 7]);
}

/// A whole exchange with both sides stored and loaded between every two steps.
#[test]
fn exchange_goes_on_from_stored_states() {
    let PracticeState::Issued(issued) = practice_again(&PracticeState::Issued(issue(1, Some(OLD)))) else { panic!() };
    let (message, client) = committed(&issued, 2);
    let ClientState::Committed(client) = client_again(&ClientState::Committed(client)) else { panic!() };
    let first = issued.judge(account(CLIENT), sid(1), &message, at(70)).unwrap();
    let (answer, practice) = issued.accept(&first, &mut rng(3)).unwrap();
    let PracticeState::Answered(practice) = practice_again(&PracticeState::Answered(practice)) else { panic!() };
    assert_eq!(practice.used().shown_again(account(0xdd), &message), TokenUse::InvitationReused);
    let (third, client) = answered(client, sid(1), &answer);
    let ClientState::Revealed(client) = client_again(&ClientState::Revealed(client)) else { panic!() };
    assert_eq!(client.session(), sid(1));
    let unverified = practice.finish_with(&third);
    let PracticeState::Unverified(practice) = practice_again(&PracticeState::Unverified(unverified)) else { panic!() };
    assert_eq!(client.code().digits(), practice.code().digits());
    let verified = practice.confirm(&typed(client.code()), WhereConfirmed::Elsewhere, at(100)).unwrap();
    let PracticeState::Verified(verified) = practice_again(&PracticeState::Verified(verified)) else { panic!() };
    assert_eq!(verified.account, account(CLIENT));
    assert_eq!(verified.succeeds, Some((OLD, HistoryFrom::NotBefore(at(100).plus(DAY_MS)))));
    assert_eq!(verified.used.shown_again(account(0xdd), &message), TokenUse::InvitationReused);
    assert_eq!(verified.used.shown_again(account(CLIENT), &message), TokenUse::SameAccount);
}

/// What was stored refuses what the state before it would have refused.
#[test]
fn stored_states_refuse_what_the_others_refuse() {
    let (client, practice, answer) = exchange(None);
    let ClientState::Committed(client) = client_again(&ClientState::Committed(client)) else { panic!() };
    assert_eq!(client.judge(sid(5), &answer).err(), Some(UseError::OtherSession));
    let PracticeState::Answered(practice) = practice_again(&PracticeState::Answered(practice)) else { panic!() };
    assert_eq!(practice.judge(sid(1), &answer).err(), Some(UseError::CommitMismatch), "reflected");
    let (third, _) = answered(client, sid(1), &answer);
    assert_eq!(practice.judge(sid(5), &third).err(), Some(UseError::OtherSession));
    assert!(practice.judge(sid(1), &third).is_ok(), "control");
    let PracticeState::Issued(issued) = practice_again(&PracticeState::Issued(issue(1, None))) else { panic!() };
    let (message, _) = committed(&issued, 2);
    let end = issued.invitation().expires;
    assert_eq!(issued.judge(account(CLIENT), sid(1), &message, end).err(), Some(UseError::Expired));
    assert!(issued.judge(account(CLIENT), sid(1), &message, end.minus(1)).is_ok(), "control");
}

#[test]
fn t130_truncated_invitation_is_not_loaded() {
    for (bytes, read) in stored() {
        for length in 0..bytes.len() {
            // Without any field, the format is 0.
            let empty = (length == 0).then_some(InvitationStateError::UnknownFormat);
            let error = empty.unwrap_or(InvitationStateError::Corrupted);
            assert_eq!(read(&bytes[..length]), Err(error), "{length}");
        }
        assert!(read(&bytes).is_ok(), "control");
    }
}

#[test]
fn t130_invitation_of_another_format_or_phase_is_not_loaded() {
    for (bytes, read) in stored() {
        assert_eq!(bytes[..3], [0x08, 0x01, 0x10]);
        for format in [2, 3, 0x7f] {
            let newer = [&[0x08, format], &bytes[2..]].concat();
            assert_eq!(read(&newer), Err(InvitationStateError::UnknownFormat));
        }
        // Format 2^32 + 1 is not 1.
        let wide = [&[0x08, 0x81, 0x80, 0x80, 0x80, 0x10], &bytes[2..]].concat();
        assert_eq!(read(&wide), Err(InvitationStateError::UnknownFormat));
        for phase in (0..=9).filter(|phase| *phase != bytes[3]) {
            let mut other = bytes.clone();
            other[3] = phase;
            let same_fields = read(&other).is_ok();
            // An ended invitation is what a verified one is that succeeds nobody.
            assert!(!same_fields || [(4, 5), (5, 4)].contains(&(bytes[3], phase)), "{} as {phase}", bytes[3]);
        }
        assert!(read(&bytes).is_ok(), "control");
    }
}

#[test]
fn t130_state_of_the_other_side_is_not_loaded() {
    for state in practices() {
        let error = ClientState::from_bytes(&state.to_bytes()).unwrap_err();
        assert_eq!(error, InvitationStateError::Corrupted);
    }
    for state in clients() {
        let error = PracticeState::from_bytes(&state.to_bytes()).unwrap_err();
        assert_eq!(error, InvitationStateError::Corrupted);
    }
}

/// Whatever a flipped bit leaves readable is another state, written as these very bytes; most are refused.
#[test]
fn t130_any_flipped_bit_is_refused_or_read_as_itself() {
    for (bytes, read) in stored() {
        let mut refused = 0;
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            match read(&flipped) {
                Ok(again) => assert_eq!(again, flipped, "bit {bit}"),
                Err(_) => refused += 1,
            }
        }
        assert!(refused >= 16, "format, phase and every key and length: {refused}");
    }
}

#[test]
fn t130_broken_rules_of_a_stored_invitation_are_refused() {
    type Break = fn(&mut v1::InvitationState);
    let refused = |breaks: &[Break], phase: u32| {
        let fits = |(bytes, read): (Vec<u8>, Read)| {
            let state = v1::InvitationState::decode(bytes.as_slice()).unwrap();
            (state.phase == phase).then_some((state, read))
        };
        for (state, read) in stored().into_iter().filter_map(fits) {
            for (number, change) in breaks.iter().enumerate() {
                let mut broken = state.clone();
                change(&mut broken);
                let verdict = read(&broken.encode_to_vec());
                assert_eq!(verdict, Err(InvitationStateError::Corrupted), "phase {phase}, rule {number}");
            }
            assert!(read(&state.encode_to_vec()).is_ok(), "control");
        }
    };
    let common: [Break; 6] = [
        |state| state.token.push(1),
        |state| state.token.truncate(15),
        |state| state.succeeds = vec![1; 15],
        |state| state.sids.push(vec![7; 31]),
        |state| state.code = b"12345x".to_vec(),
        |state| state.code = b"1234567".to_vec(),
    ];
    (1..=6).for_each(|phase| refused(&common[..2], phase));
    (1..=7).for_each(|phase| refused(&common[2..4], phase));
    (1..=7).for_each(|phase| refused(&common[4..], phase));
    refused(
        &[
            |state| state.org_id.clear(),
            |state| state.org_key_hash.truncate(15),
            |state| state.account_id.truncate(15),
            |state| state.relay.clear(),
            |state| state.relay = vec![b'x'; 256],
            |state| state.relay = vec![0xff; 4],
            |state| state.commit = vec![1; 32],
            |state| state.sids.push(vec![1; 32]),
            |state| state.history_from_ms = 1,
            |state| state.nonce = vec![1; 16],
            |state| state.code = b"123456".to_vec(),
        ],
        1,
    );
    refused(
        &[
            |state| state.account_id.clear(),
            |state| state.sids.clear(),
            |state| state.sids.push(vec![0xff; 32]),
            |state| state.commit.clear(),
            |state| state.nonce.truncate(15),
            |state| state.expires_ms = 1,
            |state| state.org_id = vec![1; 16],
        ],
        2,
    );
    refused(&[|state| state.code.clear(), |state| state.nonce = vec![1; 16]], 3);
    refused(&[|state| state.account_id.clear(), |state| state.code = b"123456".to_vec()], 4);
    refused(&[|state| state.succeeds = vec![1; 16], |state| state.history_from_ms = 1], 5);
    refused(
        &[
            |state| state.nonce.clear(),
            |state| state.sids = vec![vec![2; 32], vec![1; 32]],
            |state| state.sids = vec![vec![2; 32], vec![2; 32]],
            |state| state.account_id = vec![1; 16],
            |state| state.succeeds = vec![1; 16],
        ],
        6,
    );
    refused(
        &[
            |state| state.code.clear(),
            |state| state.sids.clear(),
            |state| state.sids.push(vec![0xff; 32]),
            |state| state.token = vec![1; 16],
        ],
        7,
    );
}

/// Only an invitation that succeeds an account has a time from which history may be granted.
#[test]
fn t130_history_without_a_predecessor_is_refused() {
    let (client, practice) = until_codes(None);
    let verified = practice.confirm(&typed(client.code()), WhereConfirmed::Elsewhere, at(100)).unwrap();
    let mut state = v1::InvitationState::decode(PracticeState::Verified(verified).to_bytes().as_slice()).unwrap();
    assert!(PracticeState::from_bytes(&state.encode_to_vec()).is_ok(), "control");
    state.history_from_ms = 1;
    let error = PracticeState::from_bytes(&state.encode_to_vec()).unwrap_err();
    assert_eq!(error, InvitationStateError::Corrupted);
}

#[test]
fn t130_encodings_that_are_not_canonical_are_refused() {
    for (bytes, read) in stored() {
        let corrupted = Err(InvitationStateError::Corrupted);
        assert_eq!(read(&[&bytes[..], &[0x78, 1]].concat()), corrupted, "an unknown field");
        assert_eq!(read(&[&bytes[..], &bytes[2..4]].concat()), corrupted, "a field twice");
        assert_eq!(read(&[&bytes[2..4], &bytes[..2], &bytes[4..]].concat()), corrupted, "reordered");
        assert_eq!(read(&[&bytes[..2], &[0x10, bytes[3] | 0x80, 0], &bytes[4..]].concat()), corrupted, "a long varint");
        assert_eq!(read(&[&bytes[..4], &[0x48, 0], &bytes[4..]].concat()), corrupted, "an explicit default");
        assert!(read(&bytes).is_ok(), "control");
    }
}

/// Format 1 as it was first written: whoever stored it must be able to load it with every later version.
#[test]
fn format_1_has_a_known_answer() {
    let known: std::collections::BTreeMap<String, String> =
        serde_json::from_str(include_str!("format_1.json")).unwrap();
    let states = stored();
    assert_eq!(known.len(), states.len());
    for ((name, hex), (bytes, read)) in known.iter().zip(&states) {
        assert_eq!(*hex, hex::encode(bytes), "{name}");
        assert_eq!(read(&hex::decode(hex).unwrap()).as_ref(), Ok(bytes), "{name}");
    }
}

#[test]
fn an_init_that_is_noted_twice_is_kept_once() {
    let (_, mut client) = committed(&issue(1, None), 2);
    let once = ClientState::Committed(committed(&issue(1, None), 2).1).to_bytes();
    client.sent_on(sid(1));
    assert_eq!(*ClientState::Committed(client).to_bytes(), *once);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Of any bytes, and of any with a right beginning, either nothing is loaded, or what is written as them.
    #[test]
    fn t130_arbitrary_bytes_are_refused_or_read_as_themselves(
        phase in 0_u8..10,
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        for bytes in [bytes.clone(), [&[0x08, 1, 0x10, phase], &bytes[..]].concat()] {
            if let Ok(state) = PracticeState::from_bytes(&bytes) {
                prop_assert_eq!(&*state.to_bytes(), &bytes);
            }
            if let Ok(state) = ClientState::from_bytes(&bytes) {
                prop_assert_eq!(&*state.to_bytes(), &bytes);
            }
        }
    }

    /// Sessions in any order, and a relay of any text within its limit, come back.
    #[test]
    fn any_sessions_and_relay_come_back(sids in proptest::collection::vec(any::<[u8; 32]>(), 0..20), url in ".{1,60}") {
        let (_, mut client) = committed(&issue(1, None), 2);
        sids.iter().for_each(|sid| client.sent_on(SessionId::from_bytes(*sid)));
        let bytes = ClientState::Committed(client).to_bytes();
        prop_assert_eq!(&*ClientState::from_bytes(&bytes).unwrap().to_bytes(), &*bytes);
        let (relay, expires) = (RelayUrl::new(&url).unwrap(), at(0).plus(DAY_MS));
        let issued = IssuedInvitation::issue((ORG, &org_key()), account(1), None, &relay, expires, at(0), &mut rng(1));
        let bytes = PracticeState::Issued(issued.unwrap()).to_bytes();
        prop_assert_eq!(&*PracticeState::from_bytes(&bytes).unwrap().to_bytes(), &*bytes);
    }
}
