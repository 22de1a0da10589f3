//! Tests of invitations.

mod state;
mod text;

use super::*;
use crate::ids::{AccountId, OrgId, SessionId};
use crate::linking::RelayUrl;
use crate::organization::{Directory, DirectoryDraft, OrgKey, OrgMember, OrgRole};
use crate::prekey::PrekeyBundle;
use crate::primitives::Ed25519PublicKey;
use crate::random::RandomError;
use crate::safety_number::TypedCode;
use crate::testing::{Broken, Party, account, at, ed25519, rng};
use crate::time::{DAY_MS, Timestamp};
use crate::wire::v1;
use zeroize::Zeroizing;

const PRACTICE: u8 = 0xb0;
const CLIENT: u8 = 0xc0;

fn org_key() -> Ed25519PublicKey {
    ed25519(40).public_key()
}

const ORG: OrgId = OrgId::from_bytes([0x0f; 16]);

fn relay() -> RelayUrl {
    RelayUrl::new("https://relay.example.org").unwrap()
}

const fn sid(byte: u8) -> SessionId {
    SessionId::from_bytes([byte; 32])
}

fn issue(seed: u64, succeeds: Option<AccountId>) -> IssuedInvitation {
    let expires = at(0).plus(7 * DAY_MS);
    let (org, account) = ((ORG, &org_key()), account(PRACTICE));
    IssuedInvitation::issue(org, account, succeeds, &relay(), expires, at(0), &mut rng(seed)).unwrap()
}

fn parse(text: &str) -> Result<Invitation, InvitationError> {
    Invitation::parse(text, &[relay()], at(60))
}

/// What a client fetches: the practice's directory and the bundles of the account.
struct Fetched {
    directory: Directory,
    bundles: Vec<PrekeyBundle>,
}

impl Fetched {
    fn honest() -> Self {
        Self::listing(account(PRACTICE), &OrgKey::from_seed(ORG, &Zeroizing::new([40; 32])))
    }

    /// A directory under `key` that lists `listed` alone, with the identity key of the practitioner.
    fn listing(listed: AccountId, key: &OrgKey) -> Self {
        let practitioner = Party::new(PRACTICE);
        let bundles = vec![practitioner.verified_bundle(at(0))];
        let member = OrgMember {
            account: listed,
            aik: bundles[0].device.aik,
            display_name: "Dr. P".to_owned(),
            roles: vec![OrgRole::Clinical],
            not_before: None,
            not_after: None,
            previous_aiks: Vec::new(),
        };
        let draft = DirectoryDraft { display_name: "P".to_owned(), members: vec![member], next_org_key: None };
        Self { directory: Directory::issue(key, None, draft, at(0)).unwrap(), bundles }
    }

    fn check(&self, invitation: Invitation) -> Result<CheckedInvitation, PracticeMismatch> {
        invitation.check(&self.directory, &self.bundles, at(60))
    }
}

/// The client's first message and its state, the INIT being on `sid(1)`.
fn committed(issued: &IssuedInvitation, seed: u64) -> (v1::InvitationUse, CommittedClient) {
    let invitation = parse(&issued.invitation().to_text()).unwrap();
    let checked = Fetched::honest().check(invitation).unwrap();
    let (message, mut client) = checked.commit("Ms. B", &mut rng(seed)).unwrap();
    client.sent_on(sid(1));
    (message, client)
}

/// Everything up to the codes, honestly.
fn until_codes(succeeds: Option<AccountId>) -> (RevealedClient, UnverifiedClient) {
    let issued = issue(1, succeeds);
    let (first, client) = committed(&issued, 2);
    let first = issued.judge(account(CLIENT), sid(1), &first, at(70)).unwrap();
    let (answer, practice) = issued.accept(&first, &mut rng(3)).unwrap();
    let (third, client) = answered(client, sid(1), &answer);
    let practice = practice.finish_with(&third);
    (client, practice)
}

fn answered(client: CommittedClient, on: SessionId, answer: &v1::InvitationUse) -> (v1::InvitationUse, RevealedClient) {
    let judged = client.judge(on, answer).unwrap();
    client.reveal(&judged)
}

impl AnsweredPractice {
    fn finish_with(self, third: &v1::InvitationUse) -> UnverifiedClient {
        self.take(sid(1), third).unwrap_or_else(|(error, _)| panic!("{error}"))
    }
}

fn typed(code: &crate::safety_number::ConfirmationCode) -> TypedCode {
    TypedCode::parse(&code.digits()).unwrap()
}

fn other_than(code: &crate::safety_number::ConfirmationCode) -> TypedCode {
    let number: u32 = code.digits().parse().unwrap();
    TypedCode::parse(&format!("{:06}", (number + 1) % 1_000_000)).unwrap()
}

#[test]
fn honest_exchange_ends_with_the_same_code_and_a_verified_client() {
    let (client, practice) = until_codes(None);
    assert_eq!(client.code().digits(), practice.code().digits());
    let verified = practice.confirm(&typed(client.code()), WhereConfirmed::InTheRoom, at(100)).unwrap();
    assert_eq!(verified.account, account(CLIENT));
    assert_eq!(verified.succeeds, None);
}

#[test]
fn t145_token_is_accepted_once() {
    let issued = issue(1, None);
    let (message, _) = committed(&issued, 2);
    let first = issued.judge(account(CLIENT), sid(1), &message, at(70)).unwrap();
    let (_, practice) = issued.accept(&first, &mut rng(3)).unwrap();
    // `accept` took the invitation; what is left only recognises the token.
    assert_eq!(practice.used().shown_again(account(CLIENT), &message), TokenUse::SameAccount);
    assert_eq!(practice.used().shown_again(account(0xdd), &message), TokenUse::InvitationReused);
    let (other, _) = committed(&issue(9, None), 2);
    assert_eq!(practice.used().shown_again(account(0xdd), &other), TokenUse::Unknown, "control");
}

#[test]
fn t145_second_account_is_noticed_in_every_later_state() {
    let (first, _) = committed(&issue(1, None), 2);
    let reused = |used: &UsedToken| used.shown_again(account(0xdd), &first);
    let (client, practice) = until_codes(None);
    assert_eq!(reused(practice.used()), TokenUse::InvitationReused);
    let verified = practice.confirm(&typed(client.code()), WhereConfirmed::Elsewhere, at(100)).unwrap();
    assert_eq!(reused(&verified.used), TokenUse::InvitationReused);
    let (client, practice) = until_codes(None);
    let ended = practice.confirm(&other_than(client.code()), WhereConfirmed::Elsewhere, at(100)).unwrap_err();
    assert_eq!(reused(&ended.used), TokenUse::InvitationReused);
    assert_eq!(ended.used.shown_again(account(CLIENT), &first), TokenUse::SameAccount);
}

#[test]
fn t145_expired_token_is_refused_by_both_sides() {
    let issued = issue(1, None);
    let text = issued.invitation().to_text();
    let (message, _) = committed(&issued, 2);
    let end = at(0).plus(7 * DAY_MS);
    assert_eq!(issued.judge(account(CLIENT), sid(1), &message, end).unwrap_err(), UseError::Expired);
    assert_eq!(Invitation::parse(&text, &[relay()], end).unwrap_err(), InvitationError::Expired);
    assert!(issued.judge(account(CLIENT), sid(1), &message, end.minus(1)).is_ok(), "control");
    assert!(Invitation::parse(&text, &[relay()], end.minus(1)).is_ok(), "control");
}

#[test]
fn t145_device_that_did_not_make_the_invitation_does_not_know_the_token() {
    let (message, _) = committed(&issue(1, None), 2);
    let other_device = issue(9, None);
    assert_eq!(other_device.judge(account(CLIENT), sid(1), &message, at(70)).unwrap_err(), UseError::UnknownToken);
}

#[test]
fn t146_code_differs_when_any_part_of_the_exchange_does() {
    // A man in the middle runs two legs: the client's with him, and his own with the practice.
    let issued = issue(1, None);
    let (_, client) = committed(&issued, 2);
    let (own_message, own) = committed(&issued, 66);
    let own_first = issued.judge(account(0xdd), sid(1), &own_message, at(70)).unwrap();
    let (answer, practice) = issued.accept(&own_first, &mut rng(3)).unwrap();
    let (_, client) = answered(client, sid(1), &answer);
    let (own_third, own) = answered(own, sid(1), &answer);
    let practice = practice.finish_with(&own_third);
    assert_eq!(own.code().digits(), practice.code().digits(), "control: his own leg agrees");
    assert_ne!(client.code().digits(), practice.code().digits());
    assert!(practice.confirm(&typed(client.code()), WhereConfirmed::Elsewhere, at(100)).is_err());
}

#[test]
fn t146_another_nonce_of_the_practice_gives_another_code() {
    let (issued, same) = (issue(1, None), issue(1, None));
    let (message, client) = committed(&issued, 2);
    let first = issued.judge(account(CLIENT), sid(1), &message, at(70)).unwrap();
    let (answer, practice) = issued.accept(&first, &mut rng(3)).unwrap();
    let again = same.judge(account(CLIENT), sid(1), &message, at(70)).unwrap();
    let (altered, _) = same.accept(&again, &mut rng(4)).unwrap();
    assert_ne!(answer.nonce, altered.nonce);
    let (third, client) = answered(client, sid(1), &altered);
    let practice = practice.finish_with(&third);
    assert_ne!(client.code().digits(), practice.code().digits());
}

#[test]
fn t146_another_session_gives_another_code() {
    // The same nonces over two sessions: a ground INIT.
    let issued = issue(1, None);
    let (message, mut client) = committed(&issued, 2);
    client.sent_on(sid(2));
    let first = issued.judge(account(CLIENT), sid(1), &message, at(70)).unwrap();
    let (answer, practice) = issued.accept(&first, &mut rng(3)).unwrap();
    let (third, client) = answered(client, sid(2), &answer);
    let practice = practice.finish_with(&third);
    assert_ne!(client.code().digits(), practice.code().digits());
}

#[test]
fn t146_reveal_that_does_not_match_the_commitment_is_refused() {
    let issued = issue(1, None);
    let (message, client) = committed(&issued, 2);
    let first = issued.judge(account(CLIENT), sid(1), &message, at(70)).unwrap();
    let (answer, practice) = issued.accept(&first, &mut rng(3)).unwrap();
    let (third, _) = answered(client, sid(1), &answer);
    let mut ground = third.clone();
    ground.nonce[0] ^= 1;
    assert_eq!(practice.judge(sid(1), &ground).unwrap_err(), UseError::CommitMismatch);
    assert_eq!(practice.judge(sid(1), &answer).unwrap_err(), UseError::CommitMismatch, "reflected");
    // What belongs elsewhere changes nothing; another nonce ends the invitation.
    let Err((UseError::OtherSession, left)) = practice.take(sid(5), &ground) else { panic!("taken") };
    let AfterRefusal::Waiting(practice) = *left else { panic!("ended") };
    let Err((UseError::CommitMismatch, left)) = practice.take(sid(1), &ground) else { panic!("taken") };
    let AfterRefusal::Ended(used) = *left else { panic!("it goes on") };
    assert_eq!(used.shown_again(account(0xdd), &message), TokenUse::InvitationReused);
}

#[test]
fn t146_steps_out_of_order_or_on_another_session_are_refused() {
    let issued = issue(1, None);
    let (message, client) = committed(&issued, 2);
    // The reveal where the commitment belongs.
    let mut reveal = message.clone();
    reveal.commit.clear();
    reveal.display_name.clear();
    reveal.nonce = vec![7; 16];
    let judged = issued.judge(account(CLIENT), sid(1), &reveal, at(70));
    assert_eq!(judged.unwrap_err(), UseError::Malformed);
    let mut both = message.clone();
    both.nonce = vec![7; 16];
    let judged = issued.judge(account(CLIENT), sid(1), &both, at(70));
    assert_eq!(judged.unwrap_err(), UseError::Malformed);
    // The commitment where a nonce belongs.
    assert_eq!(client.judge(sid(1), &message).err(), Some(UseError::Malformed));
    assert_eq!(client.judge(sid(1), &both).err(), Some(UseError::Malformed));

    let first = issued.judge(account(CLIENT), sid(1), &message, at(70)).unwrap();
    let (answer, practice) = issued.accept(&first, &mut rng(3)).unwrap();
    assert_eq!(client.judge(sid(5), &answer).err(), Some(UseError::OtherSession));
    let mut short = answer.clone();
    short.nonce.pop();
    assert_eq!(client.judge(sid(1), &short).err(), Some(UseError::Malformed));
    let mut foreign = answer.clone();
    foreign.token[0] ^= 1;
    assert_eq!(client.judge(sid(1), &foreign).err(), Some(UseError::UnknownToken));

    let (third, _) = answered(client, sid(1), &answer);
    assert_eq!(practice.judge(sid(5), &third).err(), Some(UseError::OtherSession));
    assert!(practice.judge(sid(1), &third).is_ok(), "control");
}

#[test]
fn t146_wrong_code_ends_the_invitation() {
    let (client, practice) = until_codes(None);
    let ended = practice.confirm(&other_than(client.code()), WhereConfirmed::InTheRoom, at(100));
    assert!(ended.is_err());
    let (client, practice) = until_codes(None);
    let verified = practice.confirm(&typed(client.code()), WhereConfirmed::InTheRoom, at(100));
    assert!(verified.is_ok(), "control");
}

#[test]
fn history_of_the_old_account_waits_unless_the_code_was_confirmed_in_the_room() {
    let old = account(0x01);
    let from = |place| {
        let (client, practice) = until_codes(Some(old));
        practice.confirm(&typed(client.code()), place, at(100)).unwrap().succeeds
    };
    assert_eq!(from(WhereConfirmed::InTheRoom), Some((old, HistoryFrom::Now)));
    assert_eq!(from(WhereConfirmed::Elsewhere), Some((old, HistoryFrom::NotBefore(at(100).plus(DAY_MS)))));
}

#[test]
fn unverified_conversation_takes_no_attachment_statement_or_history() {
    use v1::content::Body;
    for refused in [
        Body::Attachment(v1::AttachmentMsg::default()),
        Body::Fhir(v1::ClinicalRef::default()),
        Body::Statement(v1::SignedStatement::default()),
        Body::History(v1::HistoryOffer::default()),
    ] {
        assert!(!accepted_unverified(&refused));
    }
    assert!(accepted_unverified(&Body::Text(v1::Text::default())));
    assert!(accepted_unverified(&Body::Control(v1::Control::default())));
}

#[test]
fn names_and_random_sources_that_fail_change_nothing() {
    let long = "x".repeat(257);
    let checked = || Fetched::honest().check(parse(&issue(1, None).invitation().to_text()).unwrap()).unwrap();
    assert_eq!(checked().commit(&long, &mut rng(1)).unwrap_err(), CommitError::NameTooLong);
    assert_eq!(checked().commit("B", &mut Broken).unwrap_err(), CommitError::Random(RandomError));
    let issued = issue(1, None);
    let (mut message, _) = committed(&issued, 2);
    message.display_name = long;
    assert_eq!(issued.judge(account(CLIENT), sid(1), &message, at(70)).unwrap_err(), UseError::Malformed);
    message.display_name.pop();
    let first = issued.judge(account(CLIENT), sid(1), &message, at(70)).unwrap();
    let (issued, error) = issued.accept(&first, &mut Broken).unwrap_err();
    assert_eq!(error, RandomError);
    assert!(issued.accept(&first, &mut rng(1)).is_ok(), "control: it was not used up");
}
