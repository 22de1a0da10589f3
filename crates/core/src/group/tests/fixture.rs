//! A practice, its people and a patient, each with one device unless said otherwise, all from seeds.

use super::{AccountKeys, Class, Evidence, Fork, GroupDraft, GroupEvent, GroupState, Listing, Role, Roster};
use crate::content::BodyKind;
use crate::group::tree::StateHash;
use crate::group::{Applied, Currency, DeviceKey, FanOut, FanOutError, Member, Policy, UnverifiedState};
use crate::identity::{FormerKeys, LocalDevice};
use crate::ids::{AccountId, GroupId, OrgId};
use crate::malicious;
use crate::organization::{Directory, DirectoryDraft, DirectoryPin, OrgKey, OrgMember, OrgRole};
use crate::testing::{account, address, at, ed25519, rng};
use crate::time::Timestamp;
use crate::wire::v1;
use zeroize::Zeroizing;

/// Owner of the groups of these tests; clinical.
pub(super) const OWNER: u8 = 1;
/// A second clinician, a member.
pub(super) const DOCTOR: u8 = 2;
/// A patient.
pub(super) const PATIENT: u8 = 3;
/// The archive.
pub(super) const ARCHIVE: u8 = 4;
/// A supervisor.
pub(super) const OBSERVER: u8 = 5;
/// A records custodian, no member.
pub(super) const CUSTODIAN: u8 = 6;
/// Another records custodian, no member.
pub(super) const DEPUTY: u8 = 7;
/// Somebody who is pinned, and nothing else.
pub(super) const STRANGER: u8 = 8;

pub(super) const EVERYBODY: [u8; 8] = [OWNER, DOCTOR, PATIENT, ARCHIVE, OBSERVER, CUSTODIAN, DEPUTY, STRANGER];

pub(super) const ORG: OrgId = OrgId::from_bytes([0x0a; 16]);

/// Device 1 of a person.
pub(super) fn device(person: u8) -> LocalDevice {
    second_device(person, 1)
}

/// Another device of a person.
pub(super) fn second_device(person: u8, number: u32) -> LocalDevice {
    let seed = |purpose: u8| Zeroizing::new([person ^ purpose ^ number as u8; 32]);
    let aik = ed25519(person).public_key();
    LocalDevice::from_seeds(address(person, number, 1), aik, &seed(0x40), &seed(0x80))
}

/// What is pinned of a person with device 1.
pub(super) fn keys(person: u8) -> AccountKeys {
    keys_with(person, &[(&device(person), Listing::Current)])
}

/// What is pinned of a person with these devices.
pub(super) fn keys_with(person: u8, devices: &[(&LocalDevice, Listing)]) -> AccountKeys {
    let key = |(device, listing): &(&LocalDevice, Listing)| DeviceKey {
        device: device.public().address.device,
        dsk: device.public().dsk,
        listing: *listing,
    };
    AccountKeys {
        account: account(person),
        aik: ed25519(person).public_key(),
        predecessors: FormerKeys::default(),
        devices: devices.iter().map(key).collect(),
        currency: Currency::Recent,
    }
}

/// The key of a person, as one that its chain led away from.
pub(super) fn former(person: u8) -> FormerKeys {
    [ed25519(person).public_key()].into_iter().collect()
}

pub(super) fn member(person: u8, role: Role) -> Member {
    Member { account: account(person), aik: ed25519(person).public_key(), role }
}

/// Everything that a device knows.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) accounts: Vec<AccountKeys>,
    pub(super) pin: Option<DirectoryPin>,
    pub(super) older: Vec<Directory>,
    pub(super) now: Timestamp,
}

impl Known {
    /// Everybody, and the practice's first directory.
    pub(super) fn all() -> Self {
        let directory = first_directory();
        let pin = DirectoryPin::first(directory.clone(), &org_key().trusted()).unwrap();
        Self { accounts: EVERYBODY.map(keys).to_vec(), pin: Some(pin), older: Vec::new(), now: at(100) }
    }

    pub(super) fn evidence(&self) -> Evidence<'_> {
        Evidence {
            accounts: &self.accounts,
            directory: self.pin.as_ref(),
            older_directories: &self.older,
            now: self.now,
        }
    }

    /// With other keys of one person.
    pub(super) fn with(&self, keys: AccountKeys) -> Self {
        let mut next = self.clone();
        next.accounts.retain(|known| known.account != keys.account);
        next.accounts.push(keys);
        next
    }

    /// After the practice issued the next directory, which lists these; the old one is still known.
    pub(super) fn after_directory(&self, listed: &[(u8, OrgRole)]) -> Self {
        let pin = self.pin.as_ref().unwrap();
        let next = Directory::issue(&org_key(), Some(pin.current()), directory_draft(listed), at(50)).unwrap();
        let adopted = pin.judge(&next, crate::identity::Source::Message, self.now).unwrap().pin;
        let older = self.older.iter().chain([pin.current()]).cloned().collect();
        Self { pin: Some(adopted), older, ..self.clone() }
    }

    pub(super) fn at(&self, now: Timestamp) -> Self {
        Self { now, ..self.clone() }
    }
}

pub(super) const STAFF: [(u8, OrgRole); 6] = [
    (OWNER, OrgRole::Clinical),
    (DOCTOR, OrgRole::Clinical),
    (ARCHIVE, OrgRole::Archive),
    (OBSERVER, OrgRole::Supervisor),
    (CUSTODIAN, OrgRole::RecordsCustodian),
    (DEPUTY, OrgRole::RecordsCustodian),
];

pub(super) fn org_key() -> OrgKey {
    OrgKey::from_seed(ORG, &Zeroizing::new([0xa0; 32]))
}

/// The staff without some.
pub(super) fn staff_without(persons: &[u8]) -> Vec<(u8, OrgRole)> {
    STAFF.into_iter().filter(|(person, _)| !persons.contains(person)).collect()
}

pub(super) fn directory_draft(listed: &[(u8, OrgRole)]) -> DirectoryDraft {
    let entry = |(person, role): &(u8, OrgRole)| OrgMember {
        account: account(*person),
        aik: ed25519(*person).public_key(),
        display_name: format!("Person {person}"),
        roles: vec![*role],
        not_before: None,
        not_after: None,
        previous_aiks: Vec::new(),
    };
    DirectoryDraft {
        display_name: "Practice P".into(),
        members: listed.iter().map(entry).collect(),
        next_org_key: None,
    }
}

pub(super) fn first_directory() -> Directory {
    Directory::issue(&org_key(), None, directory_draft(&STAFF), at(0)).unwrap()
}

/// A clinical group: owner, doctor, patient, archive, observer.
pub(super) fn clinical() -> GroupState {
    let members = vec![
        member(OWNER, Role::Owner),
        member(DOCTOR, Role::Member),
        member(PATIENT, Role::Patient),
        member(ARCHIVE, Role::Archive),
        member(OBSERVER, Role::Observer),
    ];
    let mut policy = Policy::of(Class::Clinical);
    policy.retention.keep_at_least_ms = 1_000;
    let draft = GroupDraft { members, title: "Ward".into(), policy, org: Some(ORG) };
    GroupState::create(&device(OWNER), draft, at(1), &mut rng(13)).unwrap()
}

/// A personal group: owner, doctor, patient.
pub(super) fn personal() -> GroupState {
    let members = vec![member(OWNER, Role::Owner), member(DOCTOR, Role::Member), member(PATIENT, Role::Member)];
    let draft = GroupDraft { members, title: "Walk".into(), policy: Policy::of(Class::Personal), org: None };
    GroupState::create(&device(OWNER), draft, at(1), &mut rng(14)).unwrap()
}

/// A state on `parent` by a person's device, with an edit.
pub(super) fn next(parent: &GroupState, by: u8, edit: impl FnOnce(&mut GroupDraft)) -> GroupState {
    by_device(parent, &device(by), edit)
}

pub(super) fn by_device(parent: &GroupState, device: &LocalDevice, edit: impl FnOnce(&mut GroupDraft)) -> GroupState {
    let mut draft = parent.to_draft();
    edit(&mut draft);
    parent.succeed(device, draft, at(2)).unwrap()
}

/// A state that differs by its title only.
pub(super) fn titled(parent: &GroupState, by: u8, title: &str) -> GroupState {
    next(parent, by, |draft| draft.title = title.into())
}

/// A state that names another owner.
pub(super) fn hand_over(parent: &GroupState, by: u8, to: u8) -> GroupState {
    next(parent, by, |draft| make_owner(draft, to))
}

pub(super) fn make_owner(draft: &mut GroupDraft, to: u8) {
    for member in &mut draft.members {
        if member.role == Role::Owner {
            member.role = Role::Member;
        }
    }
    draft.members.retain(|member| member.account != account(to));
    draft.members.push(member(to, Role::Owner));
}

/// A state on `parent` with another title, ground until its hash lies below `limit`.
pub(super) fn ground_below(parent: &GroupState, by: u8, limit: &StateHash) -> GroupState {
    (0..10_000).map(|n| titled(parent, by, &format!("ground {n}"))).find(|state| state.hash() < limit).unwrap()
}

/// The same above `limit`.
pub(super) fn ground_above(parent: &GroupState, by: u8, limit: &StateHash) -> GroupState {
    (0..10_000).map(|n| titled(parent, by, &format!("ground {n}"))).find(|state| state.hash() > limit).unwrap()
}

pub(super) fn signed(states: &[&GroupState]) -> Vec<v1::Signed> {
    states.iter().map(|state| state.to_signed()).collect()
}

/// The roster after these states, in one GroupUpdate of the owner.
pub(super) fn applied(roster: &Roster, states: &[&GroupState], known: &Known) -> Applied {
    sent(roster, states, OWNER, known)
}

/// The same, sent by `from`.
pub(super) fn sent(roster: &Roster, states: &[&GroupState], from: u8, known: &Known) -> Applied {
    roster.apply(&signed(states), id_of(from), &known.evidence())
}

/// A state that differs by its title, and is as heavy as one can be: an extension that nobody knows.
pub(super) fn heavy(parent: &GroupState, by: u8, title: &str) -> GroupState {
    let ext = v1::Ext { id: 1, critical: false, data: vec![0; 64_000] };
    let signed = malicious::group_state(&titled(parent, by, title), &device(by), |state| state.ext = vec![ext]);
    UnverifiedState::parse(&signed).unwrap().into_verified()
}

/// A roster that has accepted these states, each as the newest.
pub(super) fn accepted(states: &[&GroupState], known: &Known) -> Roster {
    let (first, rest) = states.split_first().unwrap();
    rest.iter().fold(Roster::created((*first).clone(), known.now), |roster, state| {
        let next = applied(&roster, &[*state], known).roster;
        assert_eq!(next.current(), *state);
        next
    })
}

/// Delivers states one by one in this order, again and again until three rounds bring no state in: whoever misses a
/// state in between asks for it. What waits may go round for ever, where there are fewer places than states.
pub(super) fn delivered(roster: &Roster, order: &[&GroupState], known: &Known) -> Roster {
    let mut roster = roster.clone();
    let mut quiet = 0;
    while quiet < 3 {
        let before = roster.clone();
        for state in order {
            roster = applied(&roster, &[*state], known).roster;
        }
        quiet = if (&roster.tree, &roster.chain) == (&before.tree, &before.chain) { quiet + 1 } else { 0 };
    }
    roster
}

/// Every order of `items`.
pub(super) fn orders<T: Copy>(items: &[T]) -> Vec<Vec<T>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    (0..items.len())
        .flat_map(|first| {
            let rest: Vec<T> = [&items[..first], &items[first + 1..]].concat();
            orders(&rest).into_iter().map(move |order| [vec![items[first]], order].concat())
        })
        .collect()
}

/// Who gets a text of the owner.
pub(super) fn fan_out(roster: &Roster, known: &Known) -> Result<FanOut, FanOutError> {
    roster.fan_out(roster.current().owner().unwrap(), BodyKind::Text, &known.evidence())
}

/// Whether a person gets what the practice's people send, who are all members.
pub(super) fn gets(roster: &Roster, person: u8, known: &Known) -> bool {
    let by = if person == PATIENT { DOCTOR } else { PATIENT };
    roster.fan_out(id_of(by), BodyKind::Text, &known.evidence()).unwrap().recipients.contains(&id_of(person))
}

/// The forks among events.
pub(super) fn forks(events: &[GroupEvent]) -> Vec<Fork> {
    let fork = |event: &GroupEvent| match event {
        GroupEvent::GroupFork(fork) => Some(*fork),
        _ => None,
    };
    events.iter().filter_map(fork).collect()
}

pub(super) fn id_of(person: u8) -> AccountId {
    account(person)
}

pub(super) fn group_of(state: &GroupState) -> GroupId {
    state.group()
}
