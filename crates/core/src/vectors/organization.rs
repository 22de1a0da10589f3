//! Directories of a practice: `docs/protocol.md` B17.

use super::area::Area;
use super::bytes::{cut, flipped, longer, written};
use super::cast::MADE;
use super::node::{Fields, Node, fields};
use super::practice::{Practice, org_seed};
use crate::identity::{Fetched, Source};
use crate::malicious;
use crate::organization::{
    AikChange, AikVerdict, Directory, DirectoryAdoption, DirectoryDraft, DirectoryEvent, DirectoryPin, OrgMember,
    UnverifiedDirectory,
};
use crate::primitives::{Ed25519Secret, PublicKey as _};
use crate::testing::trusting;
use crate::time::{DAY_MS, Timestamp};
use crate::wire::v1;

pub(super) fn area() -> Area {
    let mut area = Area::new("organization");
    let practice = Practice::new();
    let chain = issued(&mut area, &practice);
    parsed(&mut area, &practice, &chain[1]);
    judged(&mut area, &practice, &chain);
    answered(&mut area, &practice, &chain);
    staff(&mut area, &practice, &chain);
    stored(&mut area, &chain);
    area
}

fn members_described(members: &[OrgMember]) -> Vec<Node> {
    let member = |member: &OrgMember| {
        Node::Map(fields! {
            "account_id" => member.account.as_bytes(), "aik" => member.aik.tagged(),
            "display_name" => member.display_name.as_str(),
            "roles" => member.roles.iter().map(|role| Node::from(role.as_u32())).collect::<Vec<Node>>(),
            "not_before_ms" => member.not_before.map_or(0, Timestamp::as_millis),
            "not_after_ms" => member.not_after.map_or(0, Timestamp::as_millis),
            "previous_aiks" => member.previous_aiks.iter().map(|aik| Node::from(aik.tagged())).collect::<Vec<Node>>(),
        })
    };
    members.iter().map(member).collect()
}

/// Eight directories: the second key is announced by 2 and signs from 4 on; 3 lists no deputy.
fn issued(area: &mut Area, practice: &Practice) -> Vec<Directory> {
    let mut chain: Vec<Directory> = Vec::new();
    for seq in 1..=8_u64 {
        let key = if seq < 4 { 1 } else { 2 };
        let next_org_key = (seq == 2 || seq == 3).then(|| practice.org_key(2).public_key());
        let draft = practice.draft(if seq < 3 { &[] } else { &["deputy"] });
        let (org_key, at) = (practice.org_key(key), MADE.plus(seq));
        let draft = DirectoryDraft { next_org_key, ..draft };
        let directory = Directory::issue(&org_key, chain.last(), draft, at).unwrap();
        let input = fields! {
            "org_id" => practice.org.as_bytes(), "org_key_seed" => &*org_seed(key), "seq" => seq,
            "prev_hash" => directory.prev_hash(), "issued_at_ms" => at, "expires_at_ms" => at.plus(90 * DAY_MS),
            "display_name" => "Practice P", "members" => members_described(directory.members()),
            "next_org_key" => next_org_key.map(|key| Node::from(key.tagged())),
        };
        let output = fields! { "signed" => &directory.to_signed(), "hash" => directory.hash() };
        area.gives(format!("directory {seq}"), "SIGN(org_key, \"org-directory\", body)", input, output);
        chain.push(directory);
    }
    chain
}

type Edit = fn(&mut v1::OrgDirectory);

fn parsed(area: &mut Area, practice: &Practice, from: &Directory) {
    let mut judge = |name: &str, signed: &v1::Signed| {
        let result = UnverifiedDirectory::parse(signed).and_then(UnverifiedDirectory::verify);
        let result = result.map(|directory| fields! { "hash" => directory.hash(), "seq" => directory.seq() });
        let comment = "What a directory must be by itself; every edited one is signed again";
        area.judged(format!("parse: {name}"), comment, fields! { "signed" => signed }, result);
    };
    let edits: [(&str, Edit); 17] = [
        ("good", |_| ()),
        ("version 2", |directory| directory.version = 2),
        ("seq 0", |directory| directory.seq = 0),
        ("seq 1 with a previous one", |directory| directory.seq = 1),
        ("it expires when it is issued", |directory| directory.expires_at_ms = directory.issued_at_ms),
        ("91 days", |directory| directory.expires_at_ms += DAY_MS),
        ("members out of order", |directory| directory.members.swap(0, 1)),
        ("a member twice", |directory| directory.members[1] = directory.members[0].clone()),
        ("control: nobody", |directory| directory.members.clear()),
        ("roles out of order", |directory| directory.members[0].roles = vec![5, 1]),
        ("a role twice", |directory| directory.members[0].roles = vec![1, 1]),
        ("control: an unknown role", |directory| directory.members[0].roles = vec![1, 99]),
        ("nine former keys", |directory| {
            directory.members[0].previous_aiks = vec![directory.members[0].aik.clone(); 9]
        }),
        ("control: eight", |directory| directory.members[0].previous_aiks = vec![directory.members[0].aik.clone(); 8]),
        ("a key with another tag", |directory| directory.next_org_key[0] = 2),
        ("org_id of 17 bytes", |directory| directory.org_id.push(0)),
        ("a critical extension", |directory| {
            directory.ext = vec![v1::Ext { id: 1, critical: true, data: Vec::new() }];
        }),
    ];
    for (name, edit) in edits {
        judge(name, &malicious::directory(from, &practice.org_key(1), edit));
    }
    judge("signed by another key", &malicious::directory(from, &practice.org_key(2), |_| ()));
    let signed = from.to_signed();
    judge("signature altered", &v1::Signed { sig: flipped(&signed.sig, 3), ..signed.clone() });
    judge("a byte more", &v1::Signed { body: longer(&signed.body), ..signed });
}

fn source_name(source: Source) -> &'static str {
    match source {
        Source::Directory => "directory",
        Source::Message => "message",
    }
}

fn event(event: &DirectoryEvent) -> Node {
    Node::Map(match event {
        DirectoryEvent::OrgKeyRotated => fields! { "event" => "OrgKeyRotated" },
        DirectoryEvent::GapOpened { after_seq, before_seq } => {
            fields! { "event" => "GapOpened", "after_seq" => *after_seq, "before_seq" => *before_seq }
        }
        DirectoryEvent::Fork => fields! { "event" => "Fork" },
        DirectoryEvent::Departed(accounts) => {
            let accounts: Vec<Node> = accounts.iter().map(|account| Node::from(account.as_bytes())).collect();
            fields! { "event" => "Departed", "accounts" => accounts }
        }
    })
}

fn outcome(adoption: &DirectoryAdoption) -> Fields {
    let missing = adoption.pin.missing();
    fields! {
        "current" => adoption.pin.current().hash(), "seq" => adoption.pin.current().seq(),
        "events" => adoption.events.iter().map(event).collect::<Vec<Node>>(),
        "missing_after_seq" => missing.map(|missing| Node::from(missing.after_seq)),
        "deadline_ms" => missing.map(|missing| Node::from(missing.deadline)),
    }
}

/// A pin that took the first of these as the first one, and then the others one by one.
fn pinned(directories: &[&Directory]) -> DirectoryPin {
    let (first, rest) = directories.split_first().unwrap();
    let pin = DirectoryPin::first((*first).clone(), &trusting(first)).unwrap();
    rest.iter().fold(pin, |pin, directory| pin.judge(directory, Source::Message, MADE).unwrap().pin)
}

fn signed(directories: &[&Directory]) -> Vec<Node> {
    directories.iter().map(|directory| Node::from(&directory.to_signed())).collect()
}

fn verified(signed: &v1::Signed) -> Directory {
    UnverifiedDirectory::parse(signed).unwrap().verify().unwrap()
}

fn judged(area: &mut Area, practice: &Practice, chain: &[Directory]) {
    let mut judge = |name: &str, held: &[&Directory], directory: &Directory, source: Source| {
        let input = fields! {
            "held" => signed(held), "signed" => &directory.to_signed(), "source" => source_name(source), "now_ms" => MADE,
        };
        let result = pinned(held).judge(directory, source, MADE).map(|adoption| outcome(&adoption));
        area.judged(format!("pin: {name}"), "The directories of `held` were adopted one by one", input, result);
    };
    let [one, two, three, four, five, six, seven, _] = chain else { panic!("eight") };
    judge("good, the next one", &[one], two, Source::Directory);
    judge("the same", &[one, two], two, Source::Directory);
    judge("somebody departs", &[one, two], three, Source::Directory);
    judge("the announced key", &[one, two, three], four, Source::Directory);
    judge("an older one from the service", &[one, two], one, Source::Directory);
    judge("an older one in a message", &[one, two], one, Source::Message);
    judge("a gap", &[one], three, Source::Message);
    judge("the announced key across a gap", &[one, two], five, Source::Message);
    judge("a second jump", &[one, two, three, four, six], &chain[7], Source::Message);
    let key = |number: u8| practice.org_key(number);
    let forged = |from: &Directory, number: u8, edit: Edit| {
        verified(&malicious::directory(from, &key(number), |directory| {
            directory.org_key = key(number).public_key().to_tagged();
            edit(directory);
        }))
    };
    judge("two for one place", &[one, two], &forged(two, 1, |directory| directory.issued_at_ms += 1), Source::Message);
    judge("another predecessor", &[one], &forged(two, 1, |directory| directory.prev_hash[0] ^= 1), Source::Message);
    judge("a key that nobody announced", &[one], &forged(two, 3, |_| ()), Source::Message);
    judge("another practice", &[one], &forged(two, 1, |directory| directory.org_id[0] ^= 1), Source::Message);
    let far = forged(seven, 1, |directory| directory.seq = 9);
    judge("the key that the chain led away from", &[one, two, three, four], &far, Source::Message);
}

fn answered(area: &mut Area, practice: &Practice, chain: &[Directory]) {
    let mut judge_at = |name: &str, held: &[&Directory], directories: Option<&[&Directory]>, now: Timestamp| {
        let cloned = |given: &[&Directory]| given.iter().map(|directory| (*directory).clone()).collect::<Vec<_>>();
        let answer = directories.map(cloned);
        let fetched = answer.as_ref().map_or(Fetched::Unanswered, |answer| Fetched::Answered(answer));
        let (adoption, refused) = pinned(held).adopt_chain(fetched, now);
        let input = fields! {
            "held" => signed(held), "accepted_ms" => MADE,
            "answer" => directories.map(|given| Node::from(signed(given))), "now_ms" => now,
        };
        let output = outcome(&adoption).with("reason", refused.map(|error| format!("{error:?}")));
        area.gives(
            format!("answer: {name}"),
            "All directories after the settled one, as the service gave them",
            input,
            output,
        );
    };
    let [one, two, three, ..] = chain else { panic!("eight") };
    let all: Vec<&Directory> = chain[1..].iter().collect();
    let deadline = MADE.plus(30 * DAY_MS);
    judge_at("nothing", &[one, three], Some(&[]), MADE);
    judge_at("nothing, at the deadline", &[one, three], Some(&[]), deadline);
    judge_at("none", &[one, three], None, deadline.minus(1));
    judge_at("none, at the deadline", &[one, three], None, deadline);
    let mut judge = |name: &str, held: &[&Directory], given: &[&Directory]| judge_at(name, held, Some(given), MADE);
    judge("it closes the gap", &[one, three], &all);
    judge("what leads to it, and no more", &[one, three], &[two]);
    let edited = |from: &Directory, hash: Option<&[u8; 32]>| {
        let signed = malicious::directory(from, &practice.org_key(1), |directory| {
            directory.display_name.push('!');
            hash.into_iter().for_each(|hash| directory.prev_hash = hash.to_vec());
        });
        verified(&signed)
    };
    judge("two for one place", &[one, three], &[two, &edited(three, None)]);
    let other = edited(two, None);
    let jumped = edited(three, Some(other.hash()));
    judge("another chain", &[one, &jumped], &[two, three]);
    judge("no gap", &[one], &all);
}

fn staff(area: &mut Area, practice: &Practice, chain: &[Directory]) {
    let pin = pinned(&[&chain[0]]);
    let new = Ed25519Secret::from_seed(&super::script::seed("new phone")).public_key();
    let old = practice.person("doctor").public().aik;
    let change = AikChange { account: practice.account("doctor"), pinned: old, new };
    let listing = |edit: &dyn Fn(&mut OrgMember)| {
        let mut draft = practice.draft(&[]);
        draft.members.iter_mut().filter(|member| member.account == change.account).for_each(edit);
        Directory::issue(&practice.org_key(1), Some(&chain[0]), draft, MADE.plus(9)).unwrap()
    };
    let mut judge = |name: &str, newer: Option<&Directory>, now: Timestamp| {
        let input = fields! {
            "held" => signed(&[&chain[0]]), "newer" => newer.map(|newer| Node::from(&newer.to_signed())),
            "account_id" => change.account.as_bytes(), "pinned" => old.tagged(), "new" => new.tagged(), "now_ms" => now,
        };
        let verdict = match pin.judge_aik_change(&change, newer, now) {
            AikVerdict::StaffKeyRotated => "StaffKeyRotated",
            AikVerdict::IdentityChanged => "IdentityChanged",
        };
        area.gives(format!("staff: {name}"), "Rule 4", input, fields! { "verdict" => verdict });
    };
    let both = listing(&|member| (member.aik, member.previous_aiks) = (new, vec![old]));
    judge("both keys in a newer directory", Some(&both), MADE);
    judge("no newer directory", None, MADE);
    judge("the same directory", Some(&chain[0]), MADE);
    judge("without the former key", Some(&listing(&|member| member.aik = new)), MADE);
    let bounded = listing(&|member| {
        (member.aik, member.previous_aiks, member.not_after) = (new, vec![old], Some(MADE.plus(5)));
    });
    judge("control: within its bounds", Some(&bounded), MADE.plus(4));
    judge("outside its bounds", Some(&bounded), MADE.plus(5));

    let pin = pinned(&[&chain[0], &chain[1], &chain[2]]);
    for name in ["doctor", "deputy", "patient"] {
        let account = practice.account(name);
        let held = signed(&[&chain[0], &chain[1], &chain[2]]);
        let input = fields! { "held" => held, "account_id" => account.as_bytes(), "now_ms" => MADE };
        area.gives(format!("closed: the {name}"), "Rule 6", input, fields! { "closed" => pin.closes(account, MADE) });
    }
    // The third one, without the deputy, loses; what comes after it at the same place and at the next.
    let [one, _, three, ..] = chain else { panic!("eight") };
    let follow = |previous: &Directory, seconds| {
        Directory::issue(&practice.org_key(1), Some(previous), practice.draft(&[]), MADE.plus(seconds)).unwrap()
    };
    let second = follow(one, 20);
    let third = follow(&second, 21);
    let fourth = follow(&third, 22);
    for (name, answer) in [
        ("a directory that lost without the deputy", vec![second.clone()]),
        ("the same place", vec![second.clone(), third.clone()]),
        ("a higher place", vec![second, third, fourth]),
    ] {
        let pin = pinned(&[one, three]).adopt_chain(Fetched::Answered(&answer), MADE).0.pin;
        let account = practice.account("deputy");
        let input = fields! {
            "held" => signed(&[one, three]), "answer" => signed(&answer.iter().collect::<Vec<_>>()),
            "account_id" => account.as_bytes(), "now_ms" => MADE,
        };
        let output = fields! { "current" => pin.current().hash(), "closed" => pin.closes(account, MADE) };
        area.gives(format!("closed: {name}"), "B2.3 gap rule 3", input, output);
    }
}

fn stored(area: &mut Area, chain: &[Directory]) {
    let held = [&chain[0], &chain[1], &chain[2], &chain[3], &chain[5], &chain[7]];
    let bytes = pinned(&held).to_bytes();
    let mut judge = |name: &str, bytes: &[u8]| {
        let result = DirectoryPin::from_bytes(bytes).map(|pin| fields! { "current" => pin.current().hash() });
        area.judged(format!("stored: {name}"), "Format 1 of DirectoryPinState", fields! { "stored" => bytes }, result);
    };
    judge("good", &bytes);
    judge("format 2", &written(&bytes, 1, &[2]));
    judge("a byte less", &cut(&bytes));
    judge("a byte more", &longer(&bytes));
    judge("a directory altered", &flipped(&bytes, 40));
    judge("nothing", &[]);
}
