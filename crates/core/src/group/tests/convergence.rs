//! T141: whatever former owners and delisted custodians sign later, honest members stay on one chain.

use proptest::prelude::*;

use super::fixture::*;
use super::*;
use crate::group::tests::stored::ROSTER;

/// Something that honest people do.
#[derive(Clone, Copy, Debug)]
enum Deed {
    /// The owner changes the title.
    Retitle,
    /// The owner hands over to the other clinician, or back.
    HandOver,
    /// The owner removes the observer, or adds it again.
    Supervise,
    /// The patient leaves, and the owner's next state is without it; or it is added again.
    Leave,
    /// A custodian changes the title.
    Custodian,
    /// The custodian that is delisted later gives the group to the other clinician.
    Deputy,
}

fn deed() -> impl Strategy<Value = Deed> {
    use Deed::*;
    prop::sample::select(vec![Retitle, HandOver, HandOver, Supervise, Leave, Custodian, Deputy])
}

/// The number of the clinician who owns a state.
fn owner_of(state: &GroupState) -> u8 {
    *[OWNER, DOCTOR].iter().find(|person| state.owner() == Some(id_of(**person))).unwrap()
}

fn toggle(draft: &mut GroupDraft, person: u8, role: Role) {
    match draft.members.iter().position(|member| member.account == id_of(person)) {
        Some(index) => drop(draft.members.remove(index)),
        None => draft.members.push(member(person, role)),
    }
}

fn honest(parent: &GroupState, deed: Deed, n: usize) -> GroupState {
    let owner = owner_of(parent);
    let other = if owner == OWNER { DOCTOR } else { OWNER };
    let by = match deed {
        Deed::Custodian => CUSTODIAN,
        Deed::Deputy => DEPUTY,
        _ => owner,
    };
    next(parent, by, |draft| {
        draft.title = format!("{n}");
        match deed {
            Deed::HandOver | Deed::Deputy => make_owner(draft, other),
            Deed::Supervise => toggle(draft, OBSERVER, Role::Observer),
            Deed::Leave => toggle(draft, PATIENT, Role::Patient),
            Deed::Retitle | Deed::Custodian => {}
        }
    })
}

/// Late states for an old epoch: by its owner, who is not the owner now, or by the custodian that was delisted; with a
/// successor by whomever they name.
fn forged(parent: &GroupState, current_owner: u8, kind: u8, n: usize) -> Vec<GroupState> {
    let owner = owner_of(parent);
    let by = match kind % 2 {
        0 => DEPUTY,
        _ if owner != current_owner => owner,
        _ => return Vec::new(),
    };
    let accomplice = if by == owner { owner } else { current_owner ^ OWNER ^ DOCTOR };
    let hands_over = kind & 2 == 2;
    let first = next(parent, by, |draft| {
        draft.title = format!("forged {n}");
        if hands_over {
            make_owner(draft, accomplice ^ OWNER ^ DOCTOR);
        }
    });
    let successor = titled(&first, owner_of(&first), &format!("forged successor {n}"));
    vec![first, successor]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn t141_late_forged_states_move_nobody_once_the_hand_over_was_accepted(
        before in prop::collection::vec(deed(), 1..6),
        after in prop::collection::vec(prop::sample::select(vec![Deed::Retitle, Deed::Supervise, Deed::Leave, Deed::Custodian]), 0..4),
        forgeries in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..4), 1..5),
        seeds in prop::collection::vec(any::<u64>(), 3),
    ) {
        let listed = Known::all();
        let mut truth = vec![clinical()];
        for (n, deed) in before.iter().chain([&Deed::HandOver]).chain(&after).enumerate() {
            truth.push(honest(truth.last().unwrap(), *deed, n));
        }
        // Everybody has accepted the hand-over, which is the last; then the deputy is delisted.
        let (prefix, rest) = truth.split_at(before.len() + 2);
        let roster = accepted(&prefix.iter().collect::<Vec<_>>(), &listed);
        let known = listed.after_directory(&staff_without(&[DEPUTY]));
        let current_owner = owner_of(prefix.last().unwrap());
        let old = &prefix[..prefix.len() - 1];
        let lies: Vec<_> = forgeries
            .iter()
            .enumerate()
            .flat_map(|(n, (index, kind))| forged(index.get(old), current_owner, *kind, n))
            .collect();
        let mut stopped = Vec::new();
        for seed in seeds {
            let mut order: Vec<&GroupState> = rest.iter().chain(&lies).collect();
            shuffle(&mut order, seed);
            let end = delivered(&roster, &order, &known);
            let chain: Vec<_> = end.chain.iter().map(|hash| end.state(hash).unwrap()).collect();
            prop_assert_eq!(chain, truth.iter().collect::<Vec<_>>());
            stopped.push(fan_out(&end, &known).is_err());
        }
        prop_assert!(stopped.iter().all(|one| *one == stopped[0]), "all of them take sends, or none does");
    }
}

/// Fisher-Yates with a multiplicative generator.
fn shuffle<T>(items: &mut [T], mut seed: u64) {
    for end in (1..items.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        items.swap(end, (seed >> 33) as usize % (end + 1));
    }
}

/// Any tree of valid states: each on one of those before it, by its owner or a custodian.
fn any_tree(choices: &[(usize, u8, u8)]) -> Vec<GroupState> {
    let mut states = vec![clinical()];
    for (n, (back, by, what)) in choices.iter().enumerate() {
        // Wide forks near the root, long chains at the end, and anything between.
        let at = match back % 4 {
            0 => 0,
            1 => 1.min(states.len() - 1),
            2 => states.len() - 1,
            _ => back % states.len(),
        };
        let parent = states[at].clone();
        let owner = *[OWNER, DOCTOR, CUSTODIAN].iter().find(|person| parent.owner() == Some(id_of(**person))).unwrap();
        let by = match by % 12 {
            0 => CUSTODIAN,
            1 => DEPUTY,
            _ => owner,
        };
        states.push(next(&parent, by, |draft| {
            draft.title = format!("{n}");
            match what % 8 {
                0 => make_owner(draft, DOCTOR),
                1 => make_owner(draft, OWNER),
                2 => make_owner(draft, CUSTODIAN),
                3 => draft.members.retain(|member| member.account != id_of(PATIENT)),
                _ => {}
            }
        }));
    }
    states
}

/// What a device knows while its manifests or its directory are late.
fn late(kind: u8, known: &Known) -> Known {
    let mut late = known.clone();
    match kind % 4 {
        0 => late.pin = None,
        1 => late.accounts.retain(|keys| keys.account != id_of(OWNER)),
        2 => late.accounts.retain(|keys| keys.account != id_of(CUSTODIAN)),
        _ => {}
    }
    late
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn t141_devices_that_got_the_same_states_under_the_same_evidence_agree(
        choices in prop::collection::vec((any::<usize>(), any::<u8>(), any::<u8>()), 2..36),
        devices in prop::collection::vec((any::<u64>(), 1_usize..12, prop::collection::vec(any::<u8>(), 8)), 3),
    ) {
        let known = Known::all();
        let states = any_tree(&choices);
        let mut ends = Vec::new();
        for (seed, chunk, delays) in devices {
            let mut order: Vec<&GroupState> = states.iter().skip(1).collect();
            shuffle(&mut order, seed);
            let mut roster = Roster::created(states[0].clone(), known.now);
            // Once while this and that is late, by one member or another.
            for (n, states) in order.chunks(chunk).enumerate() {
                let delay = delays[n % delays.len()];
                roster = sent(&roster, states, 1 + delay % 5, &late(delay, &known)).roster;
            }
            roster = roster.judge_waiting(&known.evidence()).roster;
            // Then until nothing changes: what is missing is asked for.
            for round in 0.. {
                prop_assert!(round < 60, "it comes to rest");
                let before = roster.clone();
                roster = order.chunks(chunk).fold(roster, |roster, states| applied(&roster, states, &known).roster);
                if roster == before {
                    break;
                }
            }
            ROSTER.comes_back(&roster);
            ends.push((roster.is_stopped(), roster.current().title().to_string()));
        }
        prop_assert!(ends.iter().all(|end| end.0 == ends[0].0), "{:?}", ends);
        prop_assert!(ends[0].0 || ends.iter().all(|end| *end == ends[0]), "{:?}", ends);
    }
}
