//! Invitations: `docs/protocol.md` B18.

use std::slice;
use std::sync::LazyLock;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use carevow_core::SessionId;
use carevow_core::ids::OrgId;
use carevow_core::invitation::{
    ClientState, CommittedClient, Invitation, IssuedInvitation, PracticeState, WhereConfirmed,
};
use carevow_core::linking::RelayUrl;
use carevow_core::organization::{Directory, DirectoryDraft, OrgKey, OrgMember, OrgRole};
use carevow_core::safety_number::TypedCode;
use carevow_core::wire::v1;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::input::{Input, edit, part};
use crate::world::{DAY, NOW, WORLD, rng};
use crate::{Depth, Seed, Target};

/// A text, or the bytes of an invitation, to which the target adds checksum and text form.
pub const TEXT: Target = Target {
    name: "invitation",
    run: text,
    deepest: 3,
    success: "parsed, its practice checked, and the commitment made",
    seeds: || {
        let text = issued().invitation().to_text();
        let link = format!("https://example.org/i#{}", *text);
        let bytes = bytes(&text);
        vec![
            Seed::new("text", 3, [&[0][..], text.as_bytes()].concat()),
            Seed::new("link", 3, [&[0][..], link.as_bytes()].concat()),
            Seed::new("mistyped", 0, [&[0][..], text.replace('A', "B").as_bytes()].concat()),
            Seed::new("bytes", 3, [&[1][..], &bytes].concat()),
            Seed::new("other-practice", 1, [&[1][..], &bytes[..2], &[9; 16], &bytes[18..]].concat()),
        ]
    },
};

/// A state at rest with edits, or any bytes.
pub const STATE: Target = Target {
    name: "invitation_state",
    run: state,
    deepest: 3,
    success: "loaded, written again as the same bytes, and asked what it stands for",
    seeds: || {
        let mut seeds: Vec<Seed> = STORED
            .iter()
            .enumerate()
            .flat_map(|(number, (name, state))| {
                let number = u8::try_from(number).expect("few");
                [Seed::new(name, 3, [1, number]), Seed::new(name_of_raw(name), 3, [&[0][..], state].concat())]
            })
            .collect();
        seeds.push(Seed::new("format-2", 0, [&[1, 0][..], &edit(1, 1, 2)].concat()));
        seeds.push(Seed::new("other-phase", 0, [&[1, 1][..], &edit(1, 3, 6)].concat()));
        seeds.push(Seed::new("other-token", 3, [&[1, 1][..], &edit(0, u32::MAX >> 8, 1)].concat()));
        seeds.push(Seed::new("cut", 0, [&[1, 2][..], &edit(2, 20, 0)].concat()));
        seeds
    },
};

/// The messages of the exchange, as the practice gets them, or as the client does.
pub const USE: Target = Target {
    name: "invitation_use",
    run: exchange,
    deepest: 3,
    success: "both messages of the client taken and the code that was typed right; or the client's nonce revealed",
    seeds: || {
        let exchange = Exchange::honest();
        let [commit, answer, nonce] = exchange.messages.map(|message| message.encode_to_vec());
        let typed = exchange.code.as_bytes();
        vec![
            Seed::new("practice", 3, [&[0][..], &part(&commit), &part(&nonce), typed].concat()),
            Seed::new("wrong-code", 2, [&[0][..], &part(&commit), &part(&nonce), b"12345x"].concat()),
            Seed::new("other-nonce", 1, [&[0][..], &part(&commit), &part(&answer)].concat()),
            Seed::new("no-commitment", 0, [&[0][..], &part(&nonce), &part(&nonce)].concat()),
            Seed::new("client", 3, [&[1][..], &part(&answer)].concat()),
            Seed::new("client-other-form", 0, [&[1][..], &part(&commit)].concat()),
        ]
    },
};

const ORG: OrgId = OrgId::from_bytes([0x0f; 16]);
const SID: SessionId = SessionId::from_bytes([0x51; 32]);

static RELAYS: LazyLock<[RelayUrl; 1]> = LazyLock::new(|| [RelayUrl::new("https://relay.example").expect("short")]);
static ORG_KEY: LazyLock<OrgKey> = LazyLock::new(|| OrgKey::from_seed(ORG, &Zeroizing::new([0x0f; 32])));
/// The practice lists Bob.
static DIRECTORY: LazyLock<Directory> = LazyLock::new(|| {
    let member = OrgMember {
        account: WORLD.bob.account.account(),
        aik: WORLD.bob.account.public_key(),
        display_name: String::new(),
        roles: vec![OrgRole::Clinical],
        not_before: None,
        not_after: None,
        previous_aiks: Vec::new(),
    };
    let draft = DirectoryDraft { display_name: String::new(), members: vec![member], next_org_key: None };
    Directory::issue(&ORG_KEY, None, draft, NOW).expect("a right directory")
});

/// The invitation of all runs, by Bob's practice.
fn issued() -> IssuedInvitation {
    let (account, expires) = (WORLD.bob.account.account(), NOW.plus(7 * DAY));
    IssuedInvitation::issue((ORG, &ORG_KEY.public_key()), account, None, &RELAYS[0], expires, NOW, &mut rng(3))
        .expect("seeded")
}

/// The bytes in a text form, without the checksum.
fn bytes(text: &str) -> Vec<u8> {
    let encoded = text.strip_prefix("carevow:").expect("a text form");
    let mut bytes = Base64UrlUnpadded::decode_vec(encoded).expect("a text form");
    bytes.truncate(bytes.len() - 4);
    bytes
}

/// The text form of `bytes`, its checksum being `HASH("invitation", bytes)[0..4]`.
fn with_checksum(bytes: &[u8]) -> String {
    let digest = Sha256::new_with_prefix(b"\x15carevow/v1/invitation").chain_update(bytes).finalize();
    format!("carevow:{}", Base64UrlUnpadded::encode_string(&[bytes, &digest[..4]].concat()))
}

fn text(data: &[u8]) -> Depth {
    let mut input = Input::new(data);
    let text = match input.byte() & 1 {
        0 => match str::from_utf8(input.rest()) {
            Ok(text) => text.to_owned(),
            Err(_) => return 0,
        },
        _ => with_checksum(input.rest()),
    };
    let Ok(invitation) = Invitation::parse(&text, &*RELAYS, NOW) else { return 0 };
    assert!(text.ends_with(invitation.to_text().as_str()), "an invitation has one text form");
    let Ok(checked) = invitation.check(&DIRECTORY, slice::from_ref(&WORLD.bundle), NOW) else { return 1 };
    checked.commit("Ms. A", &mut rng(4)).expect("a short name");
    3
}

/// An honest exchange.
struct Exchange {
    /// The client's commitment, the practice's answer, the client's nonce.
    messages: [v1::InvitationUse; 3],
    code: String,
}

impl Exchange {
    fn committed() -> (v1::InvitationUse, CommittedClient) {
        let invitation = Invitation::parse(&issued().invitation().to_text(), &*RELAYS, NOW).expect("honest");
        let checked = invitation.check(&DIRECTORY, slice::from_ref(&WORLD.bundle), NOW);
        let checked = checked.unwrap_or_else(|_| unreachable!("honest"));
        let (message, mut client) = checked.commit("Ms. A", &mut rng(4)).unwrap_or_else(|_| unreachable!("honest"));
        client.sent_on(SID);
        (message, client)
    }

    fn honest() -> Self {
        let (commit, client) = Self::committed();
        let invitation = issued();
        let first = invitation.judge(WORLD.alice.account.account(), SID, &commit, NOW);
        let first = first.unwrap_or_else(|_| unreachable!("honest"));
        let (answer, _) = invitation.accept(&first, &mut rng(5)).unwrap_or_else(|_| unreachable!("seeded"));
        let nonce = client.judge(SID, &answer).unwrap_or_else(|_| unreachable!("honest"));
        let (revealed, client) = client.reveal(&nonce);
        Self { messages: [commit, answer, revealed], code: client.code().digits() }
    }
}

/// Every phase of both sides, by name.
static STORED: LazyLock<Vec<(&'static str, Vec<u8>)>> = LazyLock::new(|| {
    let account = WORLD.alice.account.account();
    let answered = || {
        let (commit, client) = Exchange::committed();
        let first = issued().judge(account, SID, &commit, NOW).unwrap_or_else(|_| unreachable!("honest"));
        let (answer, practice) = issued().accept(&first, &mut rng(5)).unwrap_or_else(|_| unreachable!("seeded"));
        (client, answer, practice)
    };
    let revealed = || {
        let (client, answer, practice) = answered();
        let nonce = client.judge(SID, &answer).unwrap_or_else(|_| unreachable!("honest"));
        let (reveal, client) = client.reveal(&nonce);
        (client, practice.take(SID, &reveal).unwrap_or_else(|_| unreachable!("honest")))
    };
    let verified = || {
        let (client, practice) = revealed();
        let typed = TypedCode::parse(&client.code().digits()).expect("six digits");
        practice.confirm(&typed, WhereConfirmed::Elsewhere, NOW).unwrap_or_else(|_| unreachable!("honest"))
    };
    vec![
        ("issued", PracticeState::Issued(issued()).to_bytes().to_vec()),
        ("answered", PracticeState::Answered(answered().2).to_bytes().to_vec()),
        ("unverified", PracticeState::Unverified(revealed().1).to_bytes().to_vec()),
        ("verified", PracticeState::Verified(verified()).to_bytes().to_vec()),
        ("ended", PracticeState::Ended(verified().used).to_bytes().to_vec()),
        ("committed", ClientState::Committed(answered().0).to_bytes().to_vec()),
        ("revealed", ClientState::Revealed(revealed().0).to_bytes().to_vec()),
    ]
});

fn name_of_raw(name: &str) -> &'static str {
    match name {
        "issued" => "raw-issued",
        "answered" => "raw-answered",
        "unverified" => "raw-unverified",
        "verified" => "raw-verified",
        "ended" => "raw-ended",
        "committed" => "raw-committed",
        _ => "raw-revealed",
    }
}

fn state(data: &[u8]) -> Depth {
    let mut input = Input::new(data);
    let bytes = match input.byte() & 1 {
        0 => input.rest().to_vec(),
        _ => {
            let (_, stored) = &STORED[usize::from(input.byte()) % STORED.len()];
            input.edited(stored)
        }
    };
    let practice = PracticeState::from_bytes(&bytes);
    let client = ClientState::from_bytes(&bytes);
    let (message, _) = Exchange::committed();
    match (practice, client) {
        (Ok(_), Ok(_)) => unreachable!("a state of both sides"),
        (Err(_), Err(_)) => 0,
        (Ok(practice), Err(_)) => {
            assert_eq!(practice.to_bytes().as_slice(), bytes, "a state has one encoding");
            let account = WORLD.alice.account.account();
            match practice {
                PracticeState::Issued(issued) => drop(issued.judge(account, SID, &message, NOW)),
                PracticeState::Answered(answered) => {
                    let _ = answered.used().shown_again(account, &message);
                    drop(answered.take(SID, &message));
                }
                PracticeState::Unverified(unverified) => {
                    let typed = TypedCode::parse(&unverified.code().digits()).expect("six digits");
                    unverified.confirm(&typed, WhereConfirmed::InTheRoom, NOW).expect("the code itself");
                }
                PracticeState::Verified(verified) => {
                    let _ = verified.used.shown_again(account, &message);
                }
                PracticeState::Ended(used) => {
                    let _ = used.shown_again(account, &message);
                }
            }
            3
        }
        (Err(_), Ok(client)) => {
            assert_eq!(client.to_bytes().as_slice(), bytes, "a state has one encoding");
            match client {
                ClientState::Committed(committed) => drop(committed.judge(SID, &message)),
                ClientState::Revealed(revealed) => assert_eq!(revealed.code().digits().len(), 6),
            }
            3
        }
    }
}

fn exchange(data: &[u8]) -> Depth {
    let mut input = Input::new(data);
    let client = input.byte() & 1 == 1;
    let Ok(first) = v1::InvitationUse::decode(input.part()) else { return 0 };
    if client {
        let (_, client) = Exchange::committed();
        let Ok(nonce) = client.judge(SID, &first) else { return 0 };
        client.reveal(&nonce);
        return 3;
    }
    let account = WORLD.alice.account.account();
    let invitation = issued();
    let Ok(judged) = invitation.judge(account, SID, &first, NOW) else { return 0 };
    let (_, practice) = invitation.accept(&judged, &mut rng(5)).unwrap_or_else(|_| unreachable!("seeded"));
    let _ = practice.used().shown_again(account, &first);
    let Ok(second) = v1::InvitationUse::decode(input.part()) else { return 1 };
    let Ok(unverified) = practice.take(SID, &second) else { return 1 };
    let Some(typed) = str::from_utf8(input.rest()).ok().and_then(|text| TypedCode::parse(text).ok()) else { return 2 };
    match unverified.confirm(&typed, WhereConfirmed::InTheRoom, NOW) {
        Ok(_) => 3,
        Err(_) => 2,
    }
}
