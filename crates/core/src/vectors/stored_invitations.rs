//! Invitations at rest: `docs/protocol.md` B18.

use prost::Message as _;

use super::area::Area;
use super::node::{Fields, Node, fields};
use crate::invitation::{ClientState, PracticeState};
use crate::wire::v1;

/// Each state with its fields, then what is not loaded.
pub(super) fn add(area: &mut Area, practice: &[(&str, PracticeState)], client: &[(&str, ClientState)]) {
    let practices = practice.iter().map(|(name, state)| ("practice", *name, state.to_bytes().to_vec()));
    let clients = client.iter().map(|(name, state)| ("client", *name, state.to_bytes().to_vec()));
    let states: Vec<_> = practices.chain(clients).collect();
    for (side, name, state) in &states {
        let input = described(&v1::InvitationState::decode(state.as_slice()).unwrap());
        area.gives(format!("at rest: {side}, {name}"), "Format 1.", input, fields! { "state" => state });
    }
    let mut load = |side: &'static str, name: &str, state: &[u8]| {
        let verdict = match side {
            "practice" => PracticeState::from_bytes(state).map(drop),
            _ => ClientState::from_bytes(state).map(drop),
        };
        let input = fields! { "side" => side, "state" => state };
        area.judged(format!("loaded: {side}, {name}"), "", input, verdict.map(|()| fields! {}));
    };
    for (side, name, state) in &states {
        load(side, &format!("{name} good"), state);
    }
    let find = |name: &str| &states.iter().find(|(_, other, _)| *other == name).unwrap().2;
    let edited = |name: &str, edit: fn(&mut v1::InvitationState)| {
        let mut state = v1::InvitationState::decode(find(name).as_slice()).unwrap();
        edit(&mut state);
        state.encode_to_vec()
    };
    let answered = find("answered");
    load("practice", "format 2", &edited("answered", |state| state.format = 2));
    load("practice", "phase 8", &edited("answered", |state| state.phase = 8));
    load("practice", "of the client", find("committed"));
    load("client", "of the practice", answered);
    load("practice", "cut off between two fields", &answered[..answered.len() - 18]);
    load("practice", "cut off in a field", &answered[..answered.len() - 1]);
    load("practice", "unknown field", &[answered.as_slice(), &[0x78, 1]].concat());
    load("practice", "a field of another phase", &edited("answered", |state| state.org_id = vec![1; 16]));
    load("practice", "no nonce", &edited("answered", |state| state.nonce.clear()));
    load("practice", "relay of 256 bytes", &edited("issued", |state| state.relay = vec![b'x'; 256]));
    load("practice", "code of 7 digits", &edited("unverified", |state| state.code.push(b'0')));
    load("practice", "history of nobody", &edited("verified", |state| state.succeeds.clear()));
    load("client", "sessions not ascending", &edited("committed", |state| state.sids.reverse()));
    load("client", "two sessions of the code", &edited("revealed", |state| state.sids.push(vec![0xff; 32])));
}

/// The fields that are there.
fn described(state: &v1::InvitationState) -> Fields {
    let bytes = |bytes: &Vec<u8>| (!bytes.is_empty()).then(|| Node::from(bytes));
    let text = |bytes: &Vec<u8>| (!bytes.is_empty()).then(|| Node::Text(String::from_utf8(bytes.clone()).unwrap()));
    fields! {
        "phase" => state.phase, "org_id" => bytes(&state.org_id), "org_key_hash" => bytes(&state.org_key_hash),
        "account_id" => bytes(&state.account_id), "expires_ms" => state.expires_ms, "relay" => text(&state.relay),
        "succeeds" => bytes(&state.succeeds), "history_from_ms" => state.history_from_ms,
        "sids" => state.sids.iter().map(Node::from).collect::<Vec<Node>>(), "commit" => bytes(&state.commit),
        "nonce" => bytes(&state.nonce), "code" => text(&state.code), "token" => bytes(&state.token),
    }
}
