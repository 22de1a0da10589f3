//! The people of a practice and what a device knows of them: for the files of groups and of directories.

use super::cast::{MADE, Person};
use super::node::{Fields, Node, fields};
use super::script::seed;
use crate::group::{AccountKeys, DeviceKey, Evidence, Listing, Member, Role};
use crate::identity::{LocalDevice, ManifestPin, Source};
use crate::ids::{AccountId, DeviceAddress, DeviceId, OrgId, RegNonce};
use crate::organization::{Directory, DirectoryDraft, DirectoryPin, OrgKey, OrgMember, OrgRole};
use crate::primitives::Ed25519PublicKey;
use crate::time::Timestamp;

/// Everybody, and what the practice lists them as.
const PEOPLE: [(&str, Option<OrgRole>); 7] = [
    ("owner", Some(OrgRole::Clinical)),
    ("doctor", Some(OrgRole::Clinical)),
    ("patient", None),
    ("archive", Some(OrgRole::Archive)),
    ("custodian", Some(OrgRole::RecordsCustodian)),
    ("deputy", Some(OrgRole::RecordsCustodian)),
    ("stranger", None),
];

/// The practice, its people, a patient and a stranger.
pub(super) struct Practice {
    people: Vec<(&'static str, Person)>,
    /// The owner's second device.
    pub(super) second: LocalDevice,
    pub(super) org: OrgId,
}

impl Practice {
    pub(super) fn new() -> Self {
        let people: Vec<_> = PEOPLE.map(|(name, _)| (name, Person::new(&format!("practice {name}")))).into();
        let owner = people[0].1.public();
        let address = DeviceAddress {
            device: DeviceId::new(2).unwrap(),
            reg: RegNonce::new(0x0b0b_0b0b).unwrap(),
            ..owner.address
        };
        let (dsk, ddk) = (seed("owner second dsk"), seed("owner second ddk"));
        let second = LocalDevice::from_seeds(address, owner.aik, &dsk, &ddk);
        Self { people, second, org: OrgId::from_bytes(*seed("practice")) }
    }

    pub(super) fn person(&self, name: &str) -> &Person {
        &self.people.iter().find(|(person, _)| *person == name).unwrap().1
    }

    pub(super) fn account(&self, name: &str) -> AccountId {
        self.person(name).public().address.account
    }

    /// Device 1 of somebody; "owner 2" is the owner's second one.
    pub(super) fn device(&self, name: &str) -> &LocalDevice {
        match name {
            "owner 2" => &self.second,
            name => &self.person(name).party.device,
        }
    }

    pub(super) fn member(&self, name: &str, role: Role) -> Member {
        Member { account: self.account(name), aik: self.person(name).public().aik, role }
    }

    /// The key of the practice with this number.
    pub(super) fn org_key(&self, number: u8) -> OrgKey {
        OrgKey::from_seed(self.org, &org_seed(number))
    }

    pub(super) fn entry(&self, name: &str) -> OrgMember {
        let role = PEOPLE.iter().find(|(person, _)| *person == name).and_then(|(_, role)| *role);
        OrgMember {
            account: self.account(name),
            aik: self.person(name).public().aik,
            display_name: format!("The {name}"),
            roles: role.into_iter().collect(),
            not_before: None,
            not_after: None,
            previous_aiks: Vec::new(),
        }
    }

    /// The staff without some.
    pub(super) fn draft(&self, without: &[&str]) -> DirectoryDraft {
        let listed = PEOPLE.iter().filter(|(name, role)| role.is_some() && !without.contains(name));
        let members = listed.map(|(name, _)| self.entry(name)).collect();
        DirectoryDraft { display_name: "Practice P".into(), members, next_org_key: None }
    }

    /// The first directory lists everybody, the second one not the deputy.
    pub(super) fn directories(&self) -> [Directory; 2] {
        let first = Directory::issue(&self.org_key(1), None, self.draft(&[]), MADE).unwrap();
        let second = Directory::issue(&self.org_key(1), Some(&first), self.draft(&["deputy"]), MADE.plus(1)).unwrap();
        [first, second]
    }

    /// Everybody by name.
    pub(super) fn described(&self) -> Fields {
        let people =
            self.people.iter().fold(Fields::default(), |fields, (name, person)| fields.with(name, person.described()));
        let second = self.second.public();
        people.with(
            "owner 2",
            fields! {
                "device_id" => second.address.device.as_u32(), "reg_nonce" => second.address.reg.as_u32(),
                "dsk_seed" => &*seed::<32>("owner second dsk"), "dsk" => second.dsk.tagged(),
            },
        )
    }

    fn pinned(&self, (name, person): &(&'static str, Person), owners: &[(&LocalDevice, Listing)]) -> AccountKeys {
        let pin = ManifestPin::first(person.party.manifest.clone());
        let keys = AccountKeys::from_pin(&pin, &[], MADE);
        let key = |(device, listing): &(&LocalDevice, Listing)| DeviceKey {
            device: device.public().address.device,
            dsk: device.public().dsk,
            listing: *listing,
        };
        match *name {
            "owner" => AccountKeys { devices: owners.iter().map(key).collect(), ..keys },
            _ => keys,
        }
    }

    /// What a device knows that has seen everything.
    pub(super) fn known(&self, name: &'static str) -> Known {
        let [first, second] = self.directories();
        let old = if name == "owner 1 gone" { Listing::Older } else { Listing::Current };
        let owners = [(self.device("owner"), old), (&self.second, Listing::Current)];
        let accounts = self.people.iter().map(|person| self.pinned(person, &owners)).collect();
        let pin = DirectoryPin::first(first.clone(), &self.org_key(1).trusted()).unwrap();
        let (pin, older) = match name {
            "no practice" => (None, Vec::new()),
            "deputy gone" => (Some(pin.judge(&second, Source::Message, MADE).unwrap().pin), vec![first]),
            _ => (Some(pin), Vec::new()),
        };
        Known { name, accounts, pin, older, now: MADE.plus(1_000) }
    }
}

/// The names of what is known.
pub(super) const KNOWN: [&str; 4] = ["all", "deputy gone", "owner 1 gone", "no practice"];

/// What a device knows.
pub(super) struct Known {
    pub(super) name: &'static str,
    accounts: Vec<AccountKeys>,
    pin: Option<DirectoryPin>,
    older: Vec<Directory>,
    pub(super) now: Timestamp,
}

impl Known {
    pub(super) fn evidence(&self) -> Evidence<'_> {
        Evidence {
            accounts: &self.accounts,
            directory: self.pin.as_ref(),
            older_directories: &self.older,
            now: self.now,
        }
    }

    /// The pinned identity key of an account.
    pub(super) fn aik(&self, account: AccountId) -> Ed25519PublicKey {
        self.accounts.iter().find(|keys| keys.account == account).unwrap().aik
    }

    pub(super) fn described(&self) -> Fields {
        let device = |key: &DeviceKey| {
            let listed = key.listing == Listing::Current;
            Node::Map(fields! { "device_id" => key.device.as_u32(), "dsk" => key.dsk.tagged(), "listed" => listed })
        };
        let account = |keys: &AccountKeys| {
            let devices: Vec<Node> = keys.devices.iter().map(device).collect();
            Node::Map(
                fields! { "account_id" => keys.account.as_bytes(), "aik" => keys.aik.tagged(), "devices" => devices },
            )
        };
        fields! {
            "accounts" => self.accounts.iter().map(account).collect::<Vec<Node>>(),
            "directory" => self.pin.as_ref().map(|pin| Node::from(&pin.current().to_signed())),
            "older_directories" => self.older.iter().map(|one| Node::from(&one.to_signed())).collect::<Vec<Node>>(),
            "now_ms" => self.now,
        }
    }

    /// Whom the pinned directory lists as records custodians.
    pub(super) fn custodians(&self) -> Vec<Node> {
        let listed = self.pin.iter().flat_map(|pin| pin.current().members());
        let custodians = listed.filter(|member| member.has(OrgRole::RecordsCustodian));
        custodians.map(|member| Node::from(member.account.as_bytes())).collect()
    }
}

pub(super) fn org_seed(number: u8) -> zeroize::Zeroizing<[u8; 32]> {
    seed(&format!("practice key {number}"))
}
