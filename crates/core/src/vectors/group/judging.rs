//! What becomes of states and messages that arrive.

use super::Groups;
use crate::content::BodyKind;
use crate::group::{
    Applied, Fork, GroupDraft, GroupEvent, GroupState, Lack, MessageVerdict, Rejoining, Role, Roster, SentIn,
};
use crate::malicious;
use crate::time::{DAY_MS, Timestamp};
use crate::vectors::area::Area;
use crate::vectors::bytes::flipped;
use crate::vectors::cast::MADE;
use crate::vectors::node::{Fields, Node, fields};
use crate::vectors::practice::{Known, Practice};
use crate::wire::v1;

/// A state on `parent` by somebody's device, with an edit.
fn next(practice: &Practice, parent: &GroupState, by: &str, edit: impl FnOnce(&mut GroupDraft)) -> GroupState {
    let mut draft = parent.to_draft();
    edit(&mut draft);
    parent.succeed(practice.device(by), draft, MADE.plus(parent.epoch() + 1)).unwrap()
}

pub(super) fn titled(practice: &Practice, parent: &GroupState, by: &str, title: &str) -> GroupState {
    next(practice, parent, by, |draft| draft.title = title.into())
}

fn hand_over(practice: &Practice, parent: &GroupState, by: &str, to: &str) -> GroupState {
    next(practice, parent, by, |draft| {
        let to = practice.account(to);
        for member in &mut draft.members {
            member.role = match member.role {
                _ if member.account == to => Role::Owner,
                Role::Owner => Role::Member,
                role => role,
            };
        }
    })
}

/// Another state on `parent` whose hash is smaller than that of `than`.
fn ground(practice: &Practice, parent: &GroupState, than: &GroupState) -> GroupState {
    let tries = (0..).map(|n| titled(practice, parent, "owner", &format!("ground {n}")));
    tries.into_iter().find(|state| state.hash() < than.hash()).unwrap()
}

/// The roster of a device that came in with the first of these and then took the others one by one.
pub(super) fn held(states: &[&GroupState], known: &Known) -> Roster {
    let (first, rest) = states.split_first().unwrap();
    rest.iter().fold(Roster::created((*first).clone(), known.now), |roster, state| {
        let owner = state.owner().unwrap();
        roster.apply(&[state.to_signed()], owner, &known.evidence()).roster
    })
}

fn signed(states: &[&GroupState]) -> Vec<Node> {
    states.iter().map(|state| Node::from(&state.to_signed())).collect()
}

fn lack(lack: Lack) -> String {
    format!("{lack:?}")
}

fn event(event: &GroupEvent) -> Node {
    Node::Map(match event {
        GroupEvent::Advanced { epoch } => fields! { "event" => "Advanced", "epoch" => *epoch },
        GroupEvent::GroupFork(Fork::Competing(state)) => fields! { "event" => "GroupFork", "competing" => state },
        GroupEvent::GroupFork(Fork::DoubleHandOver) => fields! { "event" => "GroupFork", "double_hand_over" => true },
        GroupEvent::GroupFork(Fork::Rejoined(state)) => fields! { "event" => "GroupFork", "rejoined" => state },
        GroupEvent::GroupFork(Fork::Unconnected { held, presented }) => {
            fields! { "event" => "GroupFork", "held" => held, "presented" => presented }
        }
        GroupEvent::CustodianState { account, state } => {
            fields! { "event" => "CustodianState", "account_id" => account.as_bytes(), "state_hash" => state }
        }
        GroupEvent::Replaced { author, state } => {
            fields! { "event" => "Replaced", "account_id" => author.as_bytes(), "state_hash" => state }
        }
        GroupEvent::MemberKeyChanged(change) => {
            fields! { "event" => "MemberKeyChanged", "account_id" => change.account.as_bytes(), "aik" => change.new.tagged() }
        }
    })
}

fn outcome(applied: &Applied) -> Fields {
    let roster = &applied.roster;
    let refused = applied
        .refused
        .iter()
        .map(|(state, reason)| Node::Map(fields! { "state_hash" => state, "reason" => format!("{reason:?}") }));
    let waiting =
        roster.waiting().map(|(state, lacks)| Node::Map(fields! { "state_hash" => state, "lacks" => lack(lacks) }));
    fields! {
        "current" => roster.current().hash(), "epoch" => roster.current().epoch(),
        "keep_at_least_ms" => roster.policy().retention.keep_at_least_ms,
        "stopped" => roster.is_stopped(),
        "events" => applied.events.iter().map(event).collect::<Vec<Node>>(),
        "refused" => refused.collect::<Vec<Node>>(), "waiting" => waiting.collect::<Vec<Node>>(),
        "want_after" => applied.want_after.map(Node::from),
    }
}

/// A device that holds `before` gets `states` in one GroupUpdate of the owner.
struct Judge<'a> {
    area: &'a mut Area,
    known: Known,
}

impl Judge<'_> {
    fn input(&self, before: &[&GroupState], states: Vec<Node>) -> Fields {
        fields! { "held" => signed(before), "known" => self.known.name, "states" => states }
    }

    fn takes(&mut self, name: &str, comment: &str, before: &[&GroupState], states: &[&GroupState]) {
        let wire: Vec<_> = states.iter().map(|state| state.to_signed()).collect();
        let from = before[0].owner().unwrap();
        let applied = held(before, &self.known).apply(&wire, from, &self.known.evidence());
        let input = self.input(before, signed(states));
        self.area.gives(name, comment, input, outcome(&applied));
    }

    /// One state that is refused, and changes nothing.
    fn refuses(&mut self, name: &str, before: &[&GroupState], state: &v1::Signed) {
        let (roster, from) = (held(before, &self.known), before[0].owner().unwrap());
        let applied = roster.apply(std::slice::from_ref(state), from, &self.known.evidence());
        assert_eq!(applied.roster, roster, "{name}");
        let [(_, reason)] = applied.refused.as_slice() else { panic!("{name}") };
        let input = self.input(before, vec![Node::from(state)]);
        self.area.fails(name, "The reason is this library's own name", input, format!("{reason:?}"));
    }
}

pub(super) fn chains(area: &mut Area, practice: &Practice, groups: &Groups) {
    let base = &groups.clinical;
    let remove = |name: &'static str| {
        move |draft: &mut GroupDraft| draft.members.retain(|member| member.account != practice.account(name))
    };
    let retitled = titled(practice, base, "owner", "one");
    let without = next(practice, &retitled, "owner", remove("patient"));
    let added =
        next(practice, &without, "owner", |draft| draft.members.push(practice.member("patient", Role::Patient)));
    let longer = next(practice, &added, "owner 2", |draft| draft.policy.retention.keep_at_least_ms = 2_000);
    let handed = hand_over(practice, &longer, "owner 2", "doctor");
    let custodian = titled(practice, &handed, "custodian", "by the custodian");
    let mut judge = Judge { area, known: practice.known("all") };
    judge.takes("change: title", "", &[base], &[&retitled]);
    judge.takes("change: a member removed", "", &[base, &retitled], &[&without]);
    judge.takes("change: a member added", "", &[base, &retitled, &without], &[&added]);
    judge.takes("change: longer retention, by the second device", "", &[base, &retitled, &without, &added], &[&longer]);
    judge.takes("change: a hand-over", "", &[base, &retitled, &without, &added, &longer], &[&handed]);
    let all = [&retitled, &without, &added, &longer, &handed, &custodian];
    judge.takes("chain: six states at once", "The last is by a custodian who is no member", &[base], &all);
    let mut backwards = all;
    backwards.reverse();
    judge.takes("chain: in the wrong order", "In one GroupUpdate the order means nothing", &[base], &backwards);
    judge.takes("chain: one missing", "What follows the current state is asked for", &[base], &[&without]);
    let personal = &groups.personal;
    let raised = next(practice, personal, "owner", |draft| {
        draft.policy.class = crate::group::Class::Clinical;
        draft.org = Some(practice.org);
        draft.members.push(practice.member("archive", Role::Archive));
    });
    judge.takes("change: a personal group becomes clinical", "", &[personal], &[&raised]);

    judge.refuses("refused: by a member", &[personal], &titled(practice, personal, "doctor", "mine").to_signed());
    let late = titled(practice, &handed, "owner", "late");
    let of_stranger = malicious::group_state(&retitled, practice.device("stranger"), |_| ());
    judge.refuses("refused: signed by another device", &[base], &of_stranger);
    let altered = retitled.to_signed();
    judge.refuses("refused: signature altered", &[base], &v1::Signed { sig: flipped(&altered.sig, 40), ..altered });
    let edited = |edit: fn(&mut v1::GroupState)| malicious::group_state(&retitled, practice.device("owner"), edit);
    judge.refuses("refused: epoch 2 on epoch 0", &[base], &edited(|state| state.epoch = 2));
    judge.refuses(
        "refused: retention falls",
        &[base],
        &edited(|state| state.policy.as_mut().unwrap().keep_at_least_ms = 999),
    );
    judge.refuses("refused: another practice", &[base], &edited(|state| state.org_id = vec![1; 16]));
    judge.refuses("refused: no archive", &[base], &edited(|state| state.members.retain(|member| member.role != 3)));
    judge.refuses(
        "refused: class falls",
        &[base],
        &edited(|state| {
            state.policy.as_mut().unwrap().class = 1;
            state.org_id.clear();
            state.members.retain(|member| member.role != 3);
        }),
    );
    judge.refuses("refused: another group", &[base], &titled(practice, personal, "owner", "elsewhere").to_signed());
    judge.takes(
        "waits: by a former owner",
        "In class 2 it may become a custodian's",
        &[base, &retitled, &without, &added, &longer, &handed],
        &[&late],
    );
    let mut judge = Judge { known: practice.known("no practice"), ..judge };
    judge.takes("waits: without the directory", "", &[base], &[&retitled]);
    let mut judge = Judge { known: practice.known("deputy gone"), ..judge };
    judge.takes(
        "waits: by a custodian who is listed no more",
        "",
        &[base],
        &[&titled(practice, base, "deputy", "late")],
    );
}

pub(super) fn forks(area: &mut Area, practice: &Practice, groups: &Groups) {
    let base = &groups.clinical;
    let mut judge = Judge { area, known: practice.known("all") };
    let one = titled(practice, base, "owner", "one");
    let smaller = ground(practice, base, &one);
    judge.takes("fork: the smaller hash comes second", "It replaces", &[base, &one], &[&smaller]);
    judge.takes("fork: the smaller hash comes first", "The other one is kept", &[base, &smaller], &[&one]);
    let followed = titled(practice, &one, "owner", "followed");
    judge.takes("fork: what followed goes too", "", &[base, &one, &followed], &[&smaller]);
    let custodian = titled(practice, base, "custodian", "by the custodian");
    judge.takes("fork: a custodian's state replaces", "", &[base, &one, &followed], &[&custodian]);
    judge.takes("fork: a custodian's state stays", "", &[base, &custodian], &[&smaller]);
    let deputy = titled(practice, base, "deputy", "by the deputy");
    judge.takes("fork: two custodians", "The smaller hash", &[base, &custodian], &[&deputy]);
    let handed = hand_over(practice, &one, "owner", "doctor");
    judge.takes("fork: a hand-over one epoch later", "", &[base, &smaller], &[&one, &handed]);
    let other = next(practice, &smaller, "owner", |draft| {
        draft
            .members
            .iter_mut()
            .filter(|member| member.role == Role::Owner)
            .for_each(|member| member.role = Role::Member);
        draft.members.push(practice.member("custodian", Role::Owner));
    });
    judge.takes(
        "fork: two hand-overs stop the group",
        "Neither replaces the other",
        &[base, &one, &handed],
        &[&smaller, &other],
    );
    judge.takes("fork: a custodian sets it going", "", &[base, &one, &handed, &smaller, &other], &[&custodian]);
    let below = titled(practice, &followed, "custodian", "below");
    judge.takes("fork: a branch that holds a custodian's state", "", &[base, &smaller], &[&one, &followed, &below]);
    let promised = next(practice, base, "owner", |draft| draft.policy.retention.keep_at_least_ms = 5_000);
    judge.takes("fork: a promise of retention outlives its state", "", &[base, &promised], &[&custodian]);
}

pub(super) fn catching_up(area: &mut Area, practice: &Practice, groups: &Groups) {
    let base = &groups.clinical;
    let gone = titled(practice, base, "owner", "by the device that is gone");
    let vouching = titled(practice, &gone, "owner 2", "by the one that is here");
    let mut judge = Judge { area, known: practice.known("owner 1 gone") };
    judge.takes("catching up: a device that is gone", "It waits", &[base], &[&gone]);
    judge.takes("catching up: with a successor", "Which vouches", &[base], &[&gone, &vouching]);
    let beside = titled(practice, base, "owner 2", "beside");
    judge.takes("catching up replaces nothing", "", &[base, &beside], &[&gone, &vouching]);
    let deputy = titled(practice, base, "deputy", "when it was listed");
    let after = titled(practice, &deputy, "owner", "after it");
    let mut judge = Judge { known: practice.known("deputy gone"), ..judge };
    judge.takes(
        "catching up: a former custodian",
        "By an older directory that chains to the pinned one",
        &[base],
        &[&deputy, &after],
    );
    judge.takes(
        "catching up: a former custodian replaces nothing",
        "",
        &[base, &titled(practice, base, "owner", "one")],
        &[&deputy, &after],
    );
}

pub(super) fn messages(area: &mut Area, practice: &Practice, groups: &Groups) {
    let (base, known) = (&groups.clinical, practice.known("all"));
    let removed = next(practice, base, "owner", |draft| {
        draft.members.retain(|member| member.account != practice.account("doctor"));
    });
    let unknown = titled(practice, &removed, "owner", "not here");
    let roster = held(&[base, &removed], &known);
    let mut judge = |name: &str, sender: &str, state: Option<&GroupState>, kind: BodyKind, now: Timestamp| {
        let sender = practice.account(sender);
        let aik = known.aik(sender);
        let message = SentIn { sender, aik: &aik, state: state.map(GroupState::hash), kind };
        let evidence = crate::group::Evidence { now, ..known.evidence() };
        let input = fields! {
            "held" => signed(&[base, &removed]), "known" => known.name, "sender_account" => message.sender.as_bytes(),
            "state_hash" => message.state.map(Node::from), "kind" => format!("{kind:?}"), "accepted_ms" => known.now, "now_ms" => now,
        };
        let result = roster.judge_message(&message, &evidence).map(|verdict| {
            let verdict = match verdict {
                MessageVerdict::Accepted => "accepted",
                MessageVerdict::Stale => "StaleRoster",
                MessageVerdict::Unseen => "unseen",
                MessageVerdict::IdentityChanged(_) => "IdentityChanged",
            };
            fields! { "verdict" => verdict }
        });
        area.judged(format!("message: {name}"), "", input, result);
    };
    let now = known.now;
    judge("good", "patient", Some(&removed), BodyKind::Text, now);
    judge("under an earlier state", "patient", Some(base), BodyKind::Text, now.plus(30 * DAY_MS));
    judge("under a state of too long ago", "patient", Some(base), BodyKind::Text, now.plus(30 * DAY_MS + 1));
    judge("under an unknown state", "patient", Some(&unknown), BodyKind::Text, now);
    judge("of a removed member", "doctor", Some(base), BodyKind::Text, now);
    judge("of the archive", "archive", Some(&removed), BodyKind::Text, now);
    judge("control: a receipt of the archive", "archive", Some(&removed), BodyKind::Receipt, now);
    judge("without context", "patient", None, BodyKind::Text, now);
}

pub(super) fn joining(area: &mut Area, practice: &Practice, groups: &Groups) {
    let (base, known) = (&groups.clinical, practice.known("all"));
    let custodian = titled(practice, base, "custodian", "by the custodian");
    let mut judge = |name: &str, own: &str, from: &str, state: &GroupState| {
        let (own, from) = (practice.account(own), practice.account(from));
        let input = fields! {
            "known" => known.name, "own" => own.as_bytes(), "from" => from.as_bytes(), "state" => &state.to_signed(),
        };
        let joined = Roster::join(&state.to_signed(), own, from, &known.evidence());
        let result = joined.map(|joined| fields! { "current" => joined.roster.current().hash() });
        area.judged(format!("join: {name}"), "", input, result);
    };
    judge("good", "patient", "owner", base);
    judge("control: from a custodian, its actor", "patient", "custodian", &custodian);
    judge("from somebody else", "patient", "doctor", base);
    judge("of a group without us", "stranger", "owner", base);
    let far = |by: &str| {
        let signed = malicious::group_state(&custodian, practice.device(by), |state| {
            (state.epoch, state.prev_hash) = (99, vec![9; 32]);
            state.actor_account = practice.account(by).as_bytes().to_vec();
        });
        (signed, practice.account(by))
    };
    let roster = held(&[base], &known);
    let since = known.now;
    let mut judge = |name: &str, by: &str, now: Timestamp| {
        let (signed_state, from) = far(by);
        let evidence = crate::group::Evidence { now, ..known.evidence() };
        let why = Rejoining::Unanswered(since);
        let result = roster.rejoin(&signed_state, practice.account("patient"), from, why, &evidence);
        let input = fields! {
            "held" => signed(&[base]), "known" => known.name, "own" => practice.account("patient").as_bytes(),
            "from" => from.as_bytes(), "state" => &signed_state, "asked_ms" => since, "now_ms" => now,
        };
        let result = result.map(|joined| fields! { "current" => joined.roster.current().hash() });
        area.judged(format!("rejoin: {name}"), "Nobody answered", input, result);
    };
    let week = since.plus(7 * DAY_MS);
    judge("good, by the owner of the newest state here", "owner", week);
    judge("control: by a custodian", "custodian", week);
    judge("by another member", "doctor", week);
    judge("a millisecond too early", "owner", week.minus(1));
}
