//! Invitations: `docs/protocol.md` B18.

use prost::Message as _;

use super::area::Area;
use super::bytes::edited;
use super::node::fields;
use super::script::{ScriptedRng, seed};
use crate::ids::{AccountId, OrgId, SessionId};
use crate::invitation::{ClientState, Invitation, IssuedInvitation, PracticeState, WhereConfirmed};
use crate::linking::RelayUrl;
use crate::primitives::{Ed25519PublicKey, Ed25519Secret};
use crate::safety_number::TypedCode;
use crate::testing::at;
use crate::time::DAY_MS;

const RELAY: &str = "https://relay.example";

pub(super) fn area() -> Area {
    let mut area = Area::new("invitation");
    let (now, expires) = (at(0), at(0).plus(7 * DAY_MS));
    let relay = RelayUrl::new(RELAY).unwrap();
    let configured = [relay.clone()];
    let org = OrgId::from_bytes(*seed("org"));
    let org_key = key("org key");
    let account = AccountId::from_bytes(*seed("practitioner"));
    let token = seed::<16>("token").to_vec();
    let mut rng = ScriptedRng::of(token.clone());
    let issued = IssuedInvitation::issue((org, &org_key), account, None, &relay, expires, now, &mut rng).unwrap();
    let text = issued.invitation().to_text().to_string();
    let input = fields! {
        "org_id" => org.as_bytes(), "org_key" => org_key.tagged(), "account_id" => account.as_bytes(),
        "expires_ms" => expires, "token" => &token, "relay" => RELAY,
    };
    area.gives("text form", "Link and QR code carry the same text.", input, fields! { "text" => text.as_str() });

    let mut parse = |name: &str, text: &str, now| {
        let input = fields! { "text" => text, "configured" => RELAY, "now_ms" => now };
        let result = Invitation::parse(text, &configured, now).map(|invitation| {
            fields! {
                "org_id" => invitation.org.as_bytes(), "account_id" => invitation.account.as_bytes(),
                "expires_ms" => invitation.expires,
            }
        });
        area.judged(format!("parse: {name}"), "", input, result);
    };
    parse("good", &text, now);
    parse("in the fragment of an https link", &format!("https://practice.example/join#{text}"), now);
    parse("in the query of an https link", &format!("https://practice.example/join?{text}"), now);
    parse("http link", &format!("http://practice.example/join#{text}"), now);
    parse("type 0x42", &edited("carevow:", &text, 0, 0x42), now);
    parse("version 2", &edited("carevow:", &text, 1, 2), now);
    parse("a byte of the account changed", &edited("carevow:", &text, 60, 0), now);
    parse("cut off", &text[..text.len() - 4], now);
    parse("with padding", &format!("{text}="), now);
    parse("no prefix", &text["carevow:".len()..], now);
    parse("last millisecond", &text, expires.minus(1));
    parse("run out", &text, expires);
    parse("8 days before its issue", &text, now.minus(8 * DAY_MS));
    let other_relay = RelayUrl::new("https://other.example").unwrap();
    let mut rng = ScriptedRng::of(token.clone());
    let foreign =
        IssuedInvitation::issue((org, &org_key), account, None, &other_relay, expires, now, &mut rng).unwrap();
    parse("foreign relay", &foreign.invitation().to_text(), now);

    let parsed = Invitation::parse(&text, &configured, now).unwrap();
    let checked = parsed.assumed(&org_key);
    let (nonce_a, nonce_b) = (seed::<16>("nonce a"), seed::<16>("nonce b"));
    let sid = SessionId::from_bytes(*seed("invitation sid"));
    let (first, mut committed) = checked.commit("Jo Doe", &mut ScriptedRng::of(nonce_a.to_vec())).unwrap();
    committed.sent_on(sid);
    let client = AccountId::from_bytes(*seed("client"));
    let first_use = issued.judge(client, sid, &first, now).unwrap();
    let Ok((answer, practice)) = issued.accept(&first_use, &mut ScriptedRng::of(nonce_b.to_vec())) else {
        panic!("the script is long enough");
    };
    let judged = committed.judge(sid, &answer).unwrap();
    let (reveal, revealed) = committed.reveal(&judged);
    assert!(practice.judge(sid, &reveal).is_ok());
    let input = fields! {
        "token" => &token, "display_name" => "Jo Doe", "nonce_a" => &*nonce_a, "nonce_b" => &*nonce_b,
        "sid" => sid.as_bytes(),
    };
    let output = fields! {
        "step_1" => first.encode_to_vec(), "step_2" => answer.encode_to_vec(), "step_3" => reveal.encode_to_vec(),
        "commit" => &first.commit, "code" => revealed.code().digits(),
    };
    area.gives(
        "three steps",
        "Each step is the bytes of InvitationUse; both sides show `code`.",
        input.clone(),
        output,
    );
    let mut wrong = reveal.clone();
    wrong.nonce[0] ^= 1;
    let input = input.with("step_3", wrong.encode_to_vec());
    area.judged("another nonce than committed", "", input, practice.judge(sid, &wrong).map(|_| fields! {}));
    at_rest(&mut area, (org, &org_key), account);
    area
}

/// The states of another exchange, whose client succeeds an account.
fn at_rest(area: &mut Area, org: (OrgId, &Ed25519PublicKey), account: AccountId) {
    let old = AccountId::from_bytes(*seed("old client"));
    let client = AccountId::from_bytes(*seed("client"));
    let relay = RelayUrl::new(RELAY).unwrap();
    let expires = at(0).plus(7 * DAY_MS);
    let issue = || {
        let mut rng = ScriptedRng::of(seed::<16>("token").to_vec());
        IssuedInvitation::issue(org, account, Some(old), &relay, expires, at(0), &mut rng).unwrap()
    };
    let sids = [seed("invitation sid"), seed("second sid")].map(|sid| SessionId::from_bytes(*sid));
    let [nonce_a, nonce_b] = ["nonce a", "nonce b"].map(|name| seed::<16>(name).to_vec());
    let committed = || {
        let invitation =
            Invitation::parse(&issue().invitation().to_text(), core::slice::from_ref(&relay), at(0)).unwrap();
        let checked = invitation.assumed(org.1);
        let (message, mut client) = checked.commit("Jo Doe", &mut ScriptedRng::of(nonce_a.clone())).unwrap();
        sids.iter().for_each(|sid| client.sent_on(*sid));
        (message, client)
    };
    let answered = || {
        let issued = issue();
        let first = issued.judge(client, sids[0], &committed().0, at(0)).unwrap();
        issued.accept(&first, &mut ScriptedRng::of(nonce_b.clone())).unwrap_or_else(|_| panic!("scripted"))
    };
    let revealed = || {
        let (_, client) = committed();
        let answer = client.judge(sids[0], &answered().0).unwrap();
        client.reveal(&answer)
    };
    let unverified = || {
        let (_, practice) = answered();
        practice.take(sids[0], &revealed().0).unwrap_or_else(|(error, _)| panic!("{error}"))
    };
    let code = TypedCode::parse(&unverified().code().digits()).unwrap();
    let verified = |place| unverified().confirm(&code, place, at(60)).unwrap();
    let practice = [
        ("issued", PracticeState::Issued(issue())),
        ("answered", PracticeState::Answered(answered().1)),
        ("unverified", PracticeState::Unverified(unverified())),
        ("verified", PracticeState::Verified(verified(WhereConfirmed::Elsewhere))),
        ("verified in the room", PracticeState::Verified(verified(WhereConfirmed::InTheRoom))),
        ("ended", PracticeState::Ended(verified(WhereConfirmed::Elsewhere).used)),
    ];
    let client =
        [("committed", ClientState::Committed(committed().1)), ("revealed", ClientState::Revealed(revealed().1))];
    super::stored_invitations::add(area, &practice, &client);
}

fn key(name: &str) -> Ed25519PublicKey {
    Ed25519Secret::from_seed(&seed(name)).public_key()
}
