//! Who is in the groups of the target `group`, all from seeds.

use std::sync::LazyLock;

use carevow_core::group::{
    AccountKeys, Class, Currency, DeviceKey, GroupDraft, GroupState, Listing, Member, Policy, Role,
};
use carevow_core::identity::{AccountKey, FormerKeys, LocalDevice};
use carevow_core::organization::{Directory, DirectoryDraft, DirectoryPin, OrgKey, OrgMember, OrgRole};
use carevow_core::{DeviceAddress, DeviceId, OrgId, RegNonce};
use zeroize::Zeroizing;

use crate::world::{NOW, account, rng};

pub(super) const OWNER: u8 = 1;
pub(super) const DOCTOR: u8 = 2;
pub(super) const PATIENT: u8 = 3;
const ARCHIVE: u8 = 4;
pub(super) const KEEPER: u8 = 5;
const ORG: OrgId = OrgId::from_bytes([0x0a; 16]);

/// Everybody's keys and the practice's directory.
pub(super) struct Cast {
    pub(super) devices: Vec<LocalDevice>,
    pub(super) keys: Vec<AccountKeys>,
    /// Everybody but one, by whom.
    pub(super) without: Vec<Vec<AccountKeys>>,
    pub(super) pin: DirectoryPin,
}

pub(super) static CAST: LazyLock<Cast> = LazyLock::new(|| {
    let people = [OWNER, DOCTOR, PATIENT, ARCHIVE, KEEPER];
    let devices: Vec<_> = people.map(device).into();
    let keys: Vec<_> = devices.iter().map(keys_of).collect();
    let others = |person| keys.iter().filter(|keys| keys.account != account(person)).cloned().collect();
    let without = (0..=KEEPER).map(others).collect();
    let roles = [OrgRole::Clinical, OrgRole::Clinical, OrgRole::FrontDesk, OrgRole::Archive, OrgRole::RecordsCustodian];
    let listed = people.iter().zip(roles).filter(|(person, _)| **person != PATIENT);
    let members = listed.map(|(person, role)| entry(*person, role)).collect();
    let key = OrgKey::from_seed(ORG, &Zeroizing::new([0xa0; 32]));
    let draft = DirectoryDraft { display_name: "P".into(), members, next_org_key: None };
    let directory = Directory::issue(&key, None, draft, NOW).expect("a right directory");
    let pin = DirectoryPin::first(directory, &key.trusted()).expect("a right directory");
    Cast { devices, keys, without, pin }
});

pub(super) fn aik(person: u8) -> AccountKey {
    AccountKey::from_seed(account(person), &Zeroizing::new([person; 32]))
}

fn device(person: u8) -> LocalDevice {
    let address = DeviceAddress {
        account: account(person),
        device: DeviceId::new(1).expect("in range"),
        reg: RegNonce::new(1).expect("not 0"),
    };
    let seed = |purpose: u8| Zeroizing::new([person ^ purpose; 32]);
    LocalDevice::from_seeds(address, aik(person).public_key(), &seed(0x40), &seed(0x80))
}

fn keys_of(device: &LocalDevice) -> AccountKeys {
    let public = device.public();
    let key = DeviceKey { device: public.address.device, dsk: public.dsk, listing: Listing::Current };
    AccountKeys {
        account: public.address.account,
        aik: public.aik,
        predecessors: FormerKeys::default(),
        devices: vec![key],
        currency: Currency::Recent,
    }
}

fn entry(person: u8, role: OrgRole) -> OrgMember {
    OrgMember {
        account: account(person),
        aik: aik(person).public_key(),
        display_name: String::new(),
        roles: vec![role],
        not_before: None,
        not_after: None,
        previous_aiks: Vec::new(),
    }
}

fn member(person: u8, role: Role) -> Member {
    Member { account: account(person), aik: aik(person).public_key(), role }
}

/// The first state of a group.
pub(super) fn first(class: Class) -> GroupState {
    let mut members = vec![member(OWNER, Role::Owner), member(DOCTOR, Role::Member), member(PATIENT, Role::Member)];
    if class == Class::Clinical {
        members.push(member(ARCHIVE, Role::Archive));
    }
    let org = (class == Class::Clinical).then_some(ORG);
    let draft = GroupDraft { members, title: String::new(), policy: Policy::of(class), org };
    GroupState::create(&CAST.devices[0], draft, NOW, &mut rng(13)).expect("a right state")
}

pub(super) fn make_owner(draft: &mut GroupDraft, to: u8) {
    draft.members.retain(|member| member.account != account(to));
    draft.members.iter_mut().filter(|member| member.role == Role::Owner).for_each(|member| member.role = Role::Member);
    draft.members.push(member(to, Role::Owner));
}

pub(super) fn toggle(draft: &mut GroupDraft, person: u8) {
    match draft.members.iter().position(|member| member.account == account(person)) {
        Some(index) => drop(draft.members.remove(index)),
        None => draft.members.push(member(person, Role::Member)),
    }
}
