//! Groups: `docs/protocol.md` B13.

mod judging;

use super::area::Area;
use super::bytes::{cut, flipped, longer, written};
use super::cast::MADE;
use super::node::{Fields, Node, fields};
use super::practice::{KNOWN, Practice};
use super::script::{ScriptedRng, seed};
use crate::content::pair_id;
use crate::group::{
    AwaitedCopies, Class, GroupDraft, GroupState, Member, Policy, Role, Roster, StaleAnswers, StaleSender, Unseen,
    UnseenContents, UnverifiedState,
};
use crate::ids::{DeviceId, MessageId};
use crate::malicious;
use crate::placement::Window;
use crate::primitives::kdf::sha256;
use crate::time::DAY_MS;
use crate::wire::v1;

pub(super) fn area() -> Area {
    let mut area = Area::new("group");
    let practice = Practice::new();
    people(&mut area, &practice);
    let groups = Groups::new(&practice);
    created(&mut area, &practice, &groups);
    parsed(&mut area, &practice, &groups.clinical);
    judging::chains(&mut area, &practice, &groups);
    judging::forks(&mut area, &practice, &groups);
    judging::catching_up(&mut area, &practice, &groups);
    judging::messages(&mut area, &practice, &groups);
    judging::joining(&mut area, &practice, &groups);
    stored(&mut area, &practice, &groups);
    area
}

/// The first states of the two groups.
struct Groups {
    clinical: GroupState,
    personal: GroupState,
}

impl Groups {
    fn new(practice: &Practice) -> Self {
        Self {
            clinical: create(practice, "clinical", clinical_draft(practice)),
            personal: create(practice, "personal", personal_draft(practice)),
        }
    }
}

fn create(practice: &Practice, name: &str, draft: GroupDraft) -> GroupState {
    let mut rng = ScriptedRng::of(group_id(name).to_vec());
    GroupState::create(practice.device("owner"), draft, MADE, &mut rng).unwrap()
}

fn group_id(name: &str) -> [u8; 16] {
    *seed(&format!("group {name}"))
}

fn clinical_draft(practice: &Practice) -> GroupDraft {
    let roles =
        [("owner", Role::Owner), ("doctor", Role::Member), ("patient", Role::Patient), ("archive", Role::Archive)];
    let mut policy = Policy::of(Class::Clinical);
    policy.retention.keep_at_least_ms = 1_000;
    policy.allow_previews = true;
    let members = roles.map(|(name, role)| practice.member(name, role)).to_vec();
    GroupDraft { members, title: "Ward".into(), policy, org: Some(practice.org) }
}

fn personal_draft(practice: &Practice) -> GroupDraft {
    let roles = [("owner", Role::Owner), ("doctor", Role::Member), ("patient", Role::Member)];
    let members = roles.map(|(name, role)| practice.member(name, role)).to_vec();
    GroupDraft { members, title: "Walk".into(), policy: Policy::of(Class::Personal), org: None }
}

fn people(area: &mut Area, practice: &Practice) {
    let directories = practice.directories().map(|directory| Node::from(&directory.to_signed())).to_vec();
    let comment = "Everybody by name; `owner 2` is the owner's second device. The practice's directories: the second \
                   one does not list the deputy. Device 1 of each but the owner is in its manifest";
    area.gives("people", comment, practice.described(), fields! { "directories" => directories });
    for name in KNOWN {
        let known = practice.known(name);
        let comment =
            "What the cases with this `known` are judged by; listed: by the pinned manifest, else by an older one";
        let output = fields! { "custodians" => known.custodians() };
        area.gives(format!("known: {name}"), comment, known.described(), output);
    }
}

fn members_described(members: &[Member]) -> Vec<Node> {
    let member = |member: &Member| {
        let account = member.account.as_bytes();
        Node::Map(fields! { "account_id" => account, "aik" => member.aik.tagged(), "role" => member.role.as_u32() })
    };
    members.iter().map(member).collect()
}

fn policy_described(policy: &Policy) -> Fields {
    fields! {
        "class" => policy.class.as_u32(), "keep_at_least_ms" => policy.retention.keep_at_least_ms,
        "expire_after_ms" => policy.retention.expire_after_ms, "allow_export" => policy.allow_export,
        "allow_previews" => policy.allow_previews, "padding_profile" => policy.padding_profile,
    }
}

fn created(area: &mut Area, practice: &Practice, groups: &Groups) {
    for (name, state) in [("clinical", &groups.clinical), ("personal", &groups.personal)] {
        let input = fields! {
            "device" => practice.person("owner").described(), "group_id" => group_id(name),
            "members" => members_described(state.members()), "title" => state.title(),
            "policy" => policy_described(state.policy()), "org_id" => state.org().map(|org| Node::from(org.as_bytes())),
            "at_ms" => state.at(),
        };
        let output = fields! { "signed" => &state.to_signed(), "state_hash" => state.hash() };
        area.gives(format!("state 0: {name}"), "SIGN(DSK, \"group-state\", body)", input, output);
    }
}

type Edit = fn(&mut v1::GroupState);

fn parsed(area: &mut Area, practice: &Practice, state: &GroupState) {
    let mut judge = |name: &str, signed: &v1::Signed| {
        let result = UnverifiedState::parse(signed).map(|_| fields! { "state_hash" => sha256(&[&signed.body]) });
        let comment = "What a state must be by itself; every edited one is signed again";
        area.judged(format!("parse: {name}"), comment, fields! { "signed" => signed }, result);
    };
    let edits: [(&str, Edit); 21] = [
        ("good", |_| ()),
        ("version 2", |state| state.version = 2),
        ("no members", |state| state.members.clear()),
        ("members out of order", |state| state.members.swap(0, 1)),
        ("a member twice", |state| state.members[1] = state.members[0].clone()),
        ("role 0", |state| state.members[1].role = 0),
        ("role 7", |state| state.members[1].role = 7),
        ("two owners", |state| state.members.iter_mut().for_each(|member| member.role = 2)),
        ("no owner", |state| state.members.iter_mut().for_each(|member| member.role = 1)),
        ("an aik with another tag", |state| state.members[0].aik[0] = 2),
        ("no policy", |state| state.policy = None),
        ("class 3", |state| state.policy.as_mut().unwrap().class = 3),
        ("class 1 with an archive", |state| state.policy.as_mut().unwrap().class = 1),
        ("257 bytes of title", |state| state.title = "x".repeat(257)),
        ("control: 256 bytes of title", |state| state.title = "x".repeat(256)),
        ("org_id of 15 bytes", |state| state.org_id.truncate(15)),
        ("a first state with a previous one", |state| state.prev_hash = vec![1; 32]),
        ("a first state of another actor", |state| state.actor_account = vec![1; 16]),
        ("actor_device 0", |state| state.actor_device = 0),
        ("a critical extension", |state| {
            state.ext = vec![v1::Ext { id: 1, critical: true, data: Vec::new() }];
        }),
        ("control: an extension that is not critical", |state| {
            state.ext = vec![v1::Ext { id: 1, critical: false, data: vec![1] }];
        }),
    ];
    for (name, edit) in edits {
        judge(name, &malicious::group_state(state, practice.device("owner"), edit));
    }
    let fifty = |count: u8| {
        malicious::group_state(state, practice.device("owner"), |state| {
            let one = state.members.iter().find(|member| member.role == 1).unwrap().clone();
            let extra = (0..count).map(|n| v1::Member { account_id: [&[0xff; 15][..], &[n]].concat(), ..one.clone() });
            state.members.extend(extra);
        })
    };
    judge("control: 50 members", &fifty(46));
    judge("51 members", &fifty(47));
    let pair = pair_id(&practice.account("doctor"), &practice.account("patient"));
    let of_pair = malicious::group_state(state, practice.device("owner"), |state| {
        state.group_id = pair.as_bytes().to_vec();
    });
    judge("the id of a pair of its members", &of_pair);
    let signed = state.to_signed();
    judge("a body with a byte more", &v1::Signed { body: longer(&signed.body), ..signed.clone() });
    judge("a signature of 63 bytes", &v1::Signed { sig: cut(&signed.sig), ..signed });
}

fn stored(area: &mut Area, practice: &Practice, groups: &Groups) {
    let known = practice.known("all");
    let roster =
        judging::held(&[&groups.clinical, &judging::titled(practice, &groups.clinical, "owner", "one")], &known);
    let bytes = roster.to_bytes();
    let mut judge = |name: &str, bytes: &[u8]| {
        let result = Roster::from_bytes(bytes).map(|roster| fields! { "current" => roster.current().hash() });
        area.judged(format!("stored: {name}"), "Format 1 of RosterState", fields! { "stored" => bytes }, result);
    };
    judge("good", &bytes);
    judge("format 2", &written(&bytes, 1, &[2]));
    judge("a byte less", &cut(&bytes));
    judge("a byte more", &longer(&bytes));
    judge("complete 0", &written(&bytes, bytes.len() - 1, &[0]));
    judge("the first state altered", &flipped(&bytes, 40));
    judge("nothing", &[]);
    let comment = "Format 1: it is read, and written again as the same bytes";
    let mut comes_back = |name: &str, bytes: Vec<u8>, again: Vec<u8>| {
        area.gives(format!("stored: {name}"), comment, fields! { "stored" => bytes }, fields! { "stored" => again });
    };
    let (unseen, stale, awaited) = beside(practice, &roster);
    let again = UnseenContents::from_bytes(&unseen).unwrap().to_bytes();
    comes_back("contents that wait, good", unseen, again);
    let again = StaleAnswers::from_bytes(&stale).unwrap().to_bytes();
    comes_back("answers to stale senders, good", stale, again);
    let again = AwaitedCopies::from_bytes(&awaited).unwrap().to_bytes();
    comes_back("awaited copies, good", awaited, again);
}

/// What is stored beside rosters, with something in each.
fn beside(practice: &Practice, roster: &Roster) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let (sender, message) = (practice.account("doctor"), MessageId::from_bytes(*seed("message")));
    let device = DeviceId::new(1).unwrap();
    let content =
        Unseen { sender, device, message, group: roster.group(), state: *seed("state"), since: MADE, bytes: 300 };
    let unseen = UnseenContents::default().store(content).unwrap().contents.due(MADE.plus(DAY_MS)).0;
    let delay = Window::REPLY.draw(&mut ScriptedRng::named("delay")).unwrap();
    let mut stale = StaleAnswers::default();
    for (own, of) in [("patient", "doctor"), ("owner", "archive")] {
        let sender = StaleSender { account: practice.account(of), device };
        stale = stale.stale(sender, roster.current(), practice.account(own), delay, MADE).0;
    }
    let awaited = AwaitedCopies::default().receipt(message, *seed("digest"), sender, &[], MADE).0;
    (unseen.to_bytes(), stale.to_bytes(), awaited.to_bytes())
}
