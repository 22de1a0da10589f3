//! The text form, links, and what an invitation is checked against.

use super::*;
use crate::limits::ORG_DIRECTORY_LIFE_MS;
use crate::time::HOUR_MS;

/// Computed with Python's hashlib and base64 from the layout alone.
#[test]
fn text_form_has_a_known_answer() {
    let invitation = Invitation {
        org: OrgId::from_bytes([1; 16]),
        account: account(3),
        expires: Timestamp::from_millis(at(0).as_millis() + DAY_MS),
        relay: relay(),
        org_key_hash: [2; 32],
        token: Token::new(&Zeroizing::new([4; 16])),
    };
    assert_eq!(invitation.to_text().as_str(), KNOWN_TEXT);
}

const KNOWN_TEXT: &str = "carevow:QQEBAQEBAQEBAQEBAQEBAQEBAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIDAwMDAwMDAwMDAwMDAwMDAAABm3wBBAAEBAQEBAQEBAQEBAQEBAQEAAAAGWh0dHBzOi8vcmVsYXkuZXhhbXBsZS5vcmc5Jc3V";

#[test]
fn t147_foreign_org_key_or_unlisted_account_is_refused() {
    let invitation = || parse(&issue(1, None).invitation().to_text()).unwrap();
    let refused = |fetched: &Fetched| fetched.check(invitation()).map(|_| ());
    let honest = Fetched::honest();
    let checked = honest.check(invitation()).unwrap();
    assert_eq!((checked.org_key().org(), checked.org_key().key()), (ORG, &org_key()), "the key that it vouches for");
    let key = |org, seed| OrgKey::from_seed(org, &Zeroizing::new([seed; 32]));
    let foreign = Fetched::listing(account(PRACTICE), &key(ORG, 66));
    assert_eq!(refused(&foreign), Err(PracticeMismatch::OtherOrganization));
    let other_org = Fetched::listing(account(PRACTICE), &key(OrgId::from_bytes([9; 16]), 40));
    assert_eq!(refused(&other_org), Err(PracticeMismatch::OtherOrganization));
    let unlisted = Fetched::listing(account(0xdd), &key(ORG, 40));
    assert_eq!(refused(&unlisted), Err(PracticeMismatch::NotListed));
}

#[test]
fn t147_bundles_of_another_account_or_key_and_none_are_refused() {
    let refused = |change: fn(&mut Fetched)| {
        let mut fetched = Fetched::honest();
        change(&mut fetched);
        fetched.check(parse(&issue(1, None).invitation().to_text()).unwrap()).map(|_| ())
    };
    assert_eq!(refused(|_| {}), Ok(()), "control");
    let one_more: fn(&mut Fetched) = |fetched| fetched.bundles.push(fetched.bundles[0].clone());
    assert_eq!(refused(one_more), Ok(()), "control: two devices");
    assert_eq!(refused(|fetched| fetched.bundles.clear()), Err(PracticeMismatch::NotListed));
    let another = |change: fn(&mut PrekeyBundle)| {
        let mut fetched = Fetched::honest();
        fetched.bundles.push(fetched.bundles[0].clone());
        change(&mut fetched.bundles[1]);
        fetched.check(parse(&issue(1, None).invitation().to_text()).unwrap()).map(|_| ())
    };
    let other_aik: fn(&mut PrekeyBundle) = |bundle| bundle.device.aik = ed25519(66).public_key();
    assert_eq!(another(other_aik), Err(PracticeMismatch::NotListed));
    let other_account: fn(&mut PrekeyBundle) = |bundle| bundle.device.address.account = account(0xdd);
    assert_eq!(another(other_account), Err(PracticeMismatch::NotListed));
}

#[test]
fn t147_expired_directory_begins_nothing() {
    let fetched = Fetched::honest();
    let expires = at(0).plus(ORG_DIRECTORY_LIFE_MS);
    let checked = |now| {
        let invitation = parse(&issue(1, None).invitation().to_text()).unwrap();
        invitation.check(&fetched.directory, &fetched.bundles, now).map(|_| ())
    };
    assert_eq!(checked(expires.minus(1)), Ok(()), "control");
    assert_eq!(checked(expires), Err(PracticeMismatch::Expired));
}

#[test]
fn t147_foreign_relay_is_refused() {
    let text = issue(1, None).invitation().to_text();
    let foreign = RelayUrl::new("https://relay.example.com").unwrap();
    let refused = |configured: &[RelayUrl]| Invitation::parse(&text, configured, at(60)).map(|_| ());
    assert_eq!(refused(core::slice::from_ref(&foreign)), Err(InvitationError::ForeignRelay));
    assert_eq!(refused(&[]), Err(InvitationError::ForeignRelay));
    assert_eq!(refused(&[foreign, relay()]), Ok(()), "control");
}

#[test]
fn t147_every_mistyped_letter_is_refused() {
    let text = issue(1, None).invitation().to_text();
    assert!(parse(&text).is_ok(), "control");
    for place in 8..text.len() {
        let mut altered = text.as_bytes().to_vec();
        altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
        let error = parse(core::str::from_utf8(&altered).unwrap()).unwrap_err();
        // The last letter may also leave bits that say nothing.
        assert!(
            error == InvitationError::Checksum || (place + 1 == text.len() && error == InvitationError::Malformed),
            "{place} {error:?}"
        );
    }
}

#[test]
fn t147_text_and_link_forms_that_are_none_are_refused() {
    let text = issue(1, None).invitation().to_text();
    let refused = |text: &str| parse(text).map(|_| ());
    assert_eq!(refused(&format!("https://join.example.org/#{}", text.as_str())), Ok(()), "control");
    for wrong in [
        format!("https://join.example.org/{}", text.as_str()),
        format!("https://join.example.org/?i={}", text.as_str()),
        format!("https://join.example.org/?i={}#x", text.as_str()),
        format!("http://join.example.org/#{}", text.as_str()),
        format!("https://join.example.org/#x{}", text.as_str()),
        text.replace("carevow:", "carevow-link:"),
        text.replace("carevow:", "Carevow:"),
        format!("{}=", text.as_str()),
        format!(" {}", text.as_str()),
        "carevow:".to_owned(),
        "carevow:QQ".to_owned(),
        String::new(),
        format!("carevow:{}", "A".repeat(10_000)),
    ] {
        assert_eq!(refused(&wrong), Err(InvitationError::Malformed), "{wrong}");
    }
}

/// Bytes with a right checksum, so that what lies under it is judged.
fn summed(change: fn(&mut Vec<u8>)) -> String {
    let text = issue(1, None).invitation().to_text();
    let bytes = crate::wire::from_text("carevow:", &text, 1000).unwrap();
    let mut bytes = bytes[..bytes.len() - 4].to_vec();
    change(&mut bytes);
    let sum = crate::primitives::kdf::hash(crate::labels::Label::Invitation, &[&bytes]);
    bytes.extend_from_slice(&sum[..4]);
    crate::wire::to_text("carevow:", &bytes).to_string()
}

#[test]
fn t147_well_summed_bytes_are_still_judged() {
    let refused = |change| parse(&summed(change)).map(|_| ());
    assert_eq!(refused(|_| {}), Ok(()), "control");
    assert_eq!(refused(|bytes| bytes[0] = 0x42), Err(InvitationError::Malformed));
    assert_eq!(refused(|bytes| bytes[1] = 2), Err(InvitationError::UnsupportedVersion));
    assert_eq!(refused(|bytes| bytes.push(0)), Err(InvitationError::Malformed));
    assert_eq!(refused(|bytes| bytes.truncate(60)), Err(InvitationError::Malformed));
    assert_eq!(refused(|bytes| bytes[66] = 0x7f), Err(InvitationError::TooLong), "expires");
    let lengthened: fn(&mut Vec<u8>) = |bytes| bytes[90] = 0xff;
    assert_eq!(refused(lengthened), Err(InvitationError::Malformed), "length of the URL");
}

#[test]
fn t147_invitation_lasts_14_days_at_most() {
    let (org, me) = ((ORG, &org_key()), account(PRACTICE));
    let far = at(0).plus(365 * DAY_MS);
    let issued = IssuedInvitation::issue(org, me, None, &relay(), far, at(0), &mut rng(1)).unwrap();
    assert_eq!(issued.invitation().expires, at(0).plus(14 * DAY_MS));
    let text = issued.invitation().to_text();
    assert!(Invitation::parse(&text, &[relay()], at(0)).is_ok(), "control");
    assert_eq!(Invitation::parse(&text, &[relay()], at(0).minus(HOUR_MS)).unwrap_err(), InvitationError::TooLong);
}
