//! Directories of a practice and what is pinned of it: `docs/protocol.md` B17.

use std::sync::LazyLock;

use carevow_core::identity::{AccountKey, Fetched, Source};
use carevow_core::organization::{
    AikChange, Directory, DirectoryDraft, DirectoryEvent, DirectoryPin, DirectoryPinError, OrgKey, OrgMember, OrgRole,
    UnverifiedDirectory,
};
use carevow_core::wire::v1;
use carevow_core::{OrgId, Timestamp};
use prost::Message as _;
use zeroize::Zeroizing;

use crate::input::{Input, edit};
use crate::world::{NOW, account};
use crate::{Depth, Seed, Target};

/// One byte for what the rest is: 0 edits of an honest directory, 1 edits of a stored pin, 2 a program of two bytes for
/// a step.
pub const TARGET: Target = Target {
    name: "organization",
    run,
    deepest: 5,
    success: "adopted, a gap opened, a directory of another chain refused, the pin read back, and the gap closed by \
              what the service gave",
    seeds: || {
        let all = [2, JUDGE, 1, JUDGE, 3, JUDGE, OTHERS + 2, RELOAD, 0, ANSWER, 0];
        let rotated = [2, JUDGE, 1, JUDGE, 2, JUDGE, 3, JUDGE, 4, JUDGE, 6, CLOSES, 3, STAFF, 7, ANSWER, 0];
        vec![
            Seed::new("directory", 2, [0, 0]),
            Seed::new("announcing", 2, [0, 2]),
            Seed::new("altered-directory", 0, [&[0, 0][..], &edit(0, 90, 1)].concat()),
            Seed::new("stored", 2, [1]),
            Seed::new("altered-stored", 0, [&[1][..], &edit(0, 90, 1)].concat()),
            Seed::new("all", 5, all),
            Seed::new("rotated", 2, rotated),
            Seed::new(
                "lost-jump",
                4,
                [2, JUDGE, 1, JUDGE, 3, JUDGE, OTHERS + 2, RELOAD, 0, NOTHING, 0, JUDGE, 3, JUDGE, 7],
            ),
            Seed::new("back-and-forth", 1, [2, JUDGE, 1, FROM_SERVICE, 0, JUDGE, 1, FROM_SERVICE, 2]),
            Seed::new("cut-answer", 2, [2, JUDGE, 1, JUDGE, 3, CUT, 2]),
        ]
    },
};

const JUDGE: u8 = 0;
const FROM_SERVICE: u8 = 1;
const ANSWER: u8 = 2;
const CUT: u8 = 3;
const NOTHING: u8 = 4;
const RELOAD: u8 = 5;
const CLOSES: u8 = 6;
const STAFF: u8 = 7;
const OPERATIONS: u8 = 8;
/// Where the directories begin that are not of the chain.
const OTHERS: u8 = 8;
const STEPS: usize = 64;
const ORG: OrgId = OrgId::from_bytes([0x0a; 16]);

struct Practice {
    /// The third announces the second key, which signs from the fifth on.
    chain: Vec<Directory>,
    /// Others for the same places, one after the other, and one under a key that nobody announced.
    others: Vec<Directory>,
}

static PRACTICE: LazyLock<Practice> = LazyLock::new(|| {
    let chain: Vec<Directory> = (0..8).fold(Vec::new(), |chain, n| extended(chain, n, 0));
    let fork = (1..4).fold(chain[..1].to_vec(), |chain, n| extended(chain, n, 100));
    let foreign = Directory::issue(&org_key(9), None, draft(1, 9), NOW).expect("a right directory");
    let foreign = Directory::issue(&org_key(9), Some(&foreign), draft(1, 9), NOW).expect("a right directory");
    Practice { others: fork.into_iter().skip(1).chain([foreign]).collect(), chain }
});

fn org_key(number: u8) -> OrgKey {
    OrgKey::from_seed(ORG, &Zeroizing::new([0xa0 ^ number; 32]))
}

fn extended(mut chain: Vec<Directory>, n: u8, offset: u64) -> Vec<Directory> {
    let key = org_key(u8::from(n >= 4));
    let mut draft = draft(n, 0);
    draft.next_org_key = (n == 2 || n == 3).then(|| org_key(1).public_key());
    let next = Directory::issue(&key, chain.last(), draft, NOW.plus(offset + u64::from(n)));
    chain.push(next.expect("a right directory"));
    chain
}

/// Person 1 always; person 2 to the fourth; person 3 with another key from the second on.
fn draft(n: u8, seed: u8) -> DirectoryDraft {
    let aik = |person: u8| AccountKey::from_seed(account(person), &Zeroizing::new([person ^ seed; 32])).public_key();
    let entry = |person: u8| OrgMember {
        account: account(person),
        aik: aik(person),
        display_name: String::new(),
        roles: vec![OrgRole::Clinical],
        not_before: None,
        not_after: None,
        previous_aiks: Vec::new(),
    };
    let mut members = vec![entry(1), entry(3)];
    if n < 4 {
        members.push(entry(2));
    }
    if n >= 1 {
        (members[1].aik, members[1].previous_aiks) = (aik(0x33), vec![aik(3)]);
    }
    DirectoryDraft { display_name: "P".into(), members, next_org_key: None }
}

fn run(data: &[u8]) -> Depth {
    let mut input = Input::new(data);
    match input.byte() % 3 {
        0 => directory(&mut input),
        1 => stored(&mut input),
        _ => program(&mut input),
    }
}

/// Edits of an honest directory: none verifies but as it was.
fn directory(input: &mut Input<'_>) -> Depth {
    let honest = PRACTICE.chain[usize::from(input.byte()) % PRACTICE.chain.len()].to_signed();
    let bytes = input.edited(&honest.encode_to_vec());
    let Ok(signed) = v1::Signed::decode(bytes.as_slice()) else { return 0 };
    let Ok(unverified) = UnverifiedDirectory::parse(&signed) else { return 0 };
    match unverified.verify() {
        Ok(directory) => {
            assert!(directory.to_signed() == signed && signed == honest, "an altered directory verifies");
            2
        }
        Err(_) => 1,
    }
}

/// A pin with everything in it.
fn full() -> DirectoryPin {
    let first = first();
    [1, 2, 3, 4, 6]
        .iter()
        .fold(first, |pin, index| pin.judge(&PRACTICE.chain[*index], Source::Message, NOW).expect("adopted").pin)
}

fn first() -> DirectoryPin {
    let first = &PRACTICE.chain[0];
    DirectoryPin::first(first.clone(), &org_key(0).trusted()).expect("its own practice")
}

/// Edits of a stored pin: what is read is written again as the same bytes, and the chain brings it to its end.
fn stored(input: &mut Input<'_>) -> Depth {
    let bytes = input.edited(&full().to_bytes());
    let Ok(pin) = DirectoryPin::from_bytes(&bytes) else { return 0 };
    assert!(pin.to_bytes() == bytes, "a stored pin has two forms");
    let (adoption, _) = pin.adopt_chain(Fetched::Answered(&PRACTICE.chain), NOW);
    reloaded(&adoption.pin);
    1 + Depth::from(adoption.pin.current() == PRACTICE.chain.last().expect("eight"))
}

fn reloaded(pin: &DirectoryPin) -> DirectoryPin {
    let bytes = pin.to_bytes();
    let read = DirectoryPin::from_bytes(&bytes).expect("a pin that was stored loads");
    assert!(read == *pin && read.to_bytes() == bytes, "a pin changes in the store");
    read
}

/// What happened, each after the one before.
#[derive(Default)]
struct Reached {
    adopted: bool,
    gap: bool,
    refused: bool,
    reloaded: bool,
    closed: bool,
}

fn program(input: &mut Input<'_>) -> Depth {
    let Practice { chain, others } = &*PRACTICE;
    let all: Vec<&Directory> = chain.iter().chain(others).collect();
    let (mut pin, mut reached, mut honest) = (first(), Reached::default(), true);
    for step in 0..STEPS {
        if input.is_empty() {
            break;
        }
        let (operation, argument) = (input.byte() % OPERATIONS, usize::from(input.byte()));
        let now = NOW.plus(step as u64);
        let index = argument % all.len();
        let before = pin.clone();
        match operation {
            JUDGE | FROM_SERVICE => {
                let source = if operation == JUDGE { Source::Message } else { Source::Directory };
                pin = judged(&pin, all[index], source, now, &mut reached);
                honest &= index < chain.len() || pin == before;
            }
            ANSWER | CUT | NOTHING => {
                let after = before.missing().map_or(before.current().seq(), |missing| missing.after_seq);
                let mut answer: Vec<_> = chain.iter().filter(|directory| directory.seq() > after).cloned().collect();
                answer.truncate(match operation {
                    ANSWER => answer.len(),
                    CUT => argument,
                    _ => 0,
                });
                let silent = answer.is_empty();
                let fetched = match operation {
                    NOTHING => Fetched::Unanswered,
                    _ => Fetched::Answered(&answer),
                };
                let (adoption, _) = pin.adopt_chain(fetched, now);
                let forked = adoption.events.contains(&DirectoryEvent::Fork);
                match silent {
                    true => assert!(adoption.pin == before, "silence changes a pin before the deadline"),
                    false => assert!(adoption.pin.missing().is_none() || before.missing() != adoption.pin.missing()),
                }
                assert!(
                    forked || adoption.pin.current().seq() >= before.current().seq(),
                    "it went back without a fork"
                );
                pin = adoption.pin;
                reached.closed |= reached.reloaded && before.missing().is_some() && !forked && pin.missing().is_none();
            }
            RELOAD => {
                pin = reloaded(&pin);
                reached.reloaded |= reached.refused;
            }
            CLOSES => {
                let person = account((argument % 5) as u8);
                assert!(pin.listed(person, now).is_none() || !pin.closes(person, now), "a listed member is closed");
            }
            _ => {
                let aik = |seed: u8| AccountKey::from_seed(account(3), &Zeroizing::new([seed; 32])).public_key();
                let change = AikChange { account: account(3), pinned: aik(3), new: aik(0x33) };
                pin.judge_aik_change(&change, Some(all[index]), now);
            }
        }
        pin = reloaded(&pin);
    }
    // Whoever has seen nothing but this chain is brought to its end.
    if honest {
        let after = pin.missing().map_or(pin.current().seq(), |missing| missing.after_seq);
        let answer: Vec<_> = chain.iter().filter(|directory| directory.seq() > after).cloned().collect();
        let (adoption, refused) = pin.adopt_chain(Fetched::Answered(&answer), NOW);
        assert!(
            refused.is_none() && Some(adoption.pin.current()) == chain.last(),
            "the chain does not lead to its end"
        );
    }
    let steps = [reached.adopted, reached.gap, reached.refused, reached.reloaded, reached.closed];
    steps.into_iter().take_while(|reached| *reached).map(|_| 1).sum()
}

fn judged(
    pin: &DirectoryPin,
    directory: &Directory,
    source: Source,
    now: Timestamp,
    reached: &mut Reached,
) -> DirectoryPin {
    let before = pin.to_bytes();
    match pin.judge(directory, source, now) {
        Ok(adoption) => {
            let adopted = adoption.pin.current() != pin.current();
            assert!(adoption.pin.current().seq() >= pin.current().seq(), "an older directory was adopted");
            assert!(!adopted || adoption.pin.current() == directory);
            reached.adopted |= adopted;
            reached.gap |= reached.adopted && adoption.pin.missing().is_some();
            adoption.pin
        }
        Err(error) => {
            assert!(pin.to_bytes() == before, "a refusal changed the pin");
            reached.refused |= reached.gap && error != DirectoryPinError::Rollback;
            pin.clone()
        }
    }
}
