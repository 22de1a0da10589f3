//! Identity keys that the chain led away from: `docs/protocol.md` B2.4 rules 3 and 6.

use crate::group::{AccountKeys, Listing};
use crate::identity::{AccountKey, DeviceKind, Fetched, ListedDevice, Manifest, ManifestDraft, ManifestPin, Source};
use crate::limits::AIK_LINEAGE;
use crate::primitives::Ed25519PublicKey;
use crate::testing::{Party, account, at, ed25519};
use crate::time::{DAY_MS, Timestamp};
use zeroize::Zeroizing;

fn key(number: u8) -> AccountKey {
    AccountKey::from_seed(account(1), &Zeroizing::new([number; 32]))
}

fn aik(number: u8) -> Ed25519PublicKey {
    key(number).public_key()
}

/// The next manifest under the key `number`, which announces the key `next`.
fn issued(party: &Party, previous: Option<&Manifest>, number: u8, next: u8) -> Manifest {
    let devices = vec![ListedDevice::of(&party.device, DeviceKind::Mobile, at(0), &aik(number))];
    let draft = ManifestDraft { devices, next_aik: Some(aik(next)) };
    Manifest::issue(&key(number), previous, draft, at(0)).unwrap()
}

/// A pin whose chain went through these keys, one manifest each, one year apart.
fn through(numbers: &[u8]) -> ManifestPin {
    let party = Party::new(1);
    let manifests = numbers.windows(2).fold(Vec::new(), |mut chain, pair| {
        chain.push(issued(&party, chain.last(), pair[0], pair[1]));
        chain
    });
    let (first, rest) = manifests.split_first().unwrap();
    (1..).zip(rest).fold(ManifestPin::first(first.clone()), |pin, (year, manifest)| {
        pin.judge(manifest, Source::Message, years(year)).unwrap().pin
    })
}

fn years(count: u64) -> Timestamp {
    at(0).plus(count * 366 * DAY_MS)
}

#[test]
fn t124_an_account_descends_from_a_key_that_the_chain_left_long_ago() {
    let pin = through(&[1, 2, 3, 4]);
    let late = years(50);
    for former in [1, 2] {
        assert!(pin.descends_from(&aik(former)), "key {former}");
        assert!(!pin.accepts_key(&aik(former), late), "control: for certificates and sessions 30 days");
    }
    assert!(pin.accepts_key(&aik(2), years(2).plus(30 * DAY_MS)), "control");
    assert!(pin.descends_from(&aik(3)), "the current one");
    assert!(!pin.descends_from(&aik(4)), "announced only");
    assert!(!pin.descends_from(&ed25519(0x66).public_key()), "a stranger's");
    assert_eq!(ManifestPin::from_bytes(&pin.to_bytes()), Ok(pin));
}

#[test]
fn t117_a_member_is_known_by_a_key_that_the_chain_left_long_ago() {
    let (pin, late) = (through(&[1, 2, 3, 4]), years(50));
    let party = Party::new(1);
    let older = issued(&party, None, 1, 2);
    let keys = AccountKeys::from_pin(&pin, &[older], late);
    assert!([1, 2, 3].iter().all(|number| keys.descends_from(&aik(*number))), "what Member.aik may name");
    assert!(!keys.descends_from(&aik(4)), "announced only");
    let listed = |listing| keys.devices.iter().filter(move |key| key.listing == listing).count();
    assert_eq!((listed(Listing::Current), listed(Listing::Older)), (1, 1), "an old manifest of the same lineage");
    let foreign = Manifest::issue(
        &key(9),
        None,
        ManifestDraft {
            devices: vec![ListedDevice::of(&party.device, DeviceKind::Mobile, at(0), &aik(9))],
            next_aik: None,
        },
        at(0),
    );
    assert_eq!(AccountKeys::from_pin(&pin, &[foreign.unwrap()], late).devices.len(), 1, "not of the lineage");
}

#[test]
fn t124_the_newest_sixty_four_keys_are_remembered() {
    let last = AIK_LINEAGE as u8 + 3;
    let pin = through(&(1..=last + 1).collect::<Vec<_>>());
    let remembered: Vec<_> = (1..=last).filter(|number| pin.descends_from(&aik(*number))).collect();
    assert_eq!(remembered, (3..=67).collect::<Vec<_>>(), "64 and the current one");
    assert_eq!(ManifestPin::from_bytes(&pin.to_bytes()), Ok(pin));
}

#[test]
fn t124_a_key_that_comes_back_is_the_current_one_and_no_former_one() {
    let pin = through(&[1, 2, 1, 3]);
    assert_eq!((pin.current().aik(), pin.descends_from(&aik(1)), pin.descends_from(&aik(2))), (&aik(1), true, true));
    assert_eq!(ManifestPin::from_bytes(&pin.to_bytes()), Ok(pin), "each key once");
}

#[test]
fn t124_a_rotation_that_lost_and_a_replaced_identity_are_no_lineage() {
    let party = Party::new(1);
    let mut chain = vec![issued(&party, None, 1, 2)];
    for (number, next) in [(1, 2), (1, 2), (2, 3)] {
        chain.push(issued(&party, chain.last(), number, next));
    }
    let first = ManifestPin::first(chain[0].clone());
    let adopt = |pin: &ManifestPin, manifest| pin.judge(manifest, Source::Message, at(1)).unwrap().pin;
    let rotated = adopt(&adopt(&first, &chain[2]), &chain[3]);
    assert!(rotated.descends_from(&aik(1)) && rotated.descends_from(&aik(2)), "control: not lost");
    let lost = rotated.fill_gap(Fetched::Unanswered, at(1).plus(30 * DAY_MS)).pin;
    assert_eq!((lost.descends_from(&aik(1)), lost.descends_from(&aik(2))), (true, false));

    let stranger = issued(&party, None, 9, 10);
    let blocked = first.judge(&stranger, Source::Message, at(1)).unwrap_err();
    let crate::identity::PinError::IdentityChanged(blocked) = blocked else { panic!("{blocked:?}") };
    let replaced = adopt(&blocked.acknowledge(&aik(9)).unwrap(), &stranger);
    assert_eq!((replaced.descends_from(&aik(9)), replaced.descends_from(&aik(1))), (true, false));
}
