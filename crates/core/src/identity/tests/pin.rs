//! What a pin makes of a manifest: `docs/protocol.md` B2.

use super::{devices, verified};
use crate::identity::{
    AccountKey, Adoption, DeviceChanges, DeviceKind, Fetched, IdentityEvent, KeyRotation, ListedDevice, Manifest,
    ManifestDraft, ManifestPin, PinError, Source,
};
use crate::malicious;
use crate::testing::{Party, account, at};
use crate::time::{DAY_MS, HOUR_MS};
use zeroize::Zeroizing;

const SOURCES: [Source; 2] = [Source::Directory, Source::Message];

/// Account 1 with its first device, and a manifest that announces the key with the seed 0x77.
struct Rotation {
    party: Party,
    next: AccountKey,
    announcing: Manifest,
}

impl Rotation {
    fn new() -> Self {
        let party = Party::new(1);
        let next = AccountKey::from_seed(account(1), &Zeroizing::new([0x77; 32]));
        let draft = ManifestDraft { devices: vec![party.listed()], next_aik: Some(next.public_key()) };
        let announcing = Manifest::issue(&party.account, Some(&party.manifest), draft, at(1)).unwrap();
        Self { party, next, announcing }
    }

    fn pin(&self) -> ManifestPin {
        self.party.pin().judge(&self.announcing, Source::Message, at(1)).unwrap().pin
    }

    /// The manifest under the announced key that follows `previous`.
    fn rotated(&self, previous: &Manifest) -> Manifest {
        Manifest::issue(&self.next, Some(previous), self.draft(&self.next), at(2)).unwrap()
    }

    fn draft(&self, key: &AccountKey) -> ManifestDraft {
        ManifestDraft {
            devices: vec![ListedDevice::of(&self.party.device, DeviceKind::Mobile, at(0), &key.public_key())],
            next_aik: None,
        }
    }

    /// A manifest under a key that nobody announced.
    fn stranger(&self) -> Manifest {
        let key = AccountKey::from_seed(account(1), &Zeroizing::new([0x66; 32]));
        Manifest::issue(&key, None, self.draft(&key), at(3)).unwrap()
    }
}

fn list_changed(added: &[&Party], closed: &[&Party]) -> IdentityEvent {
    let addresses = |parties: &[&Party]| parties.iter().map(|party| party.public().address).collect();
    IdentityEvent::DeviceListChanged(DeviceChanges { added: addresses(added), closed: addresses(closed) })
}

#[test]
fn t014_a_lower_seq_is_a_rollback_from_the_directory_and_nothing_in_a_message() {
    let [one, two, _] = devices();
    let second = one.next_manifest(&one.manifest, &[&two], at(1));
    let pin = one.pin().judge(&second, Source::Directory, at(1)).unwrap().pin;
    assert_eq!(pin.judge(&one.manifest, Source::Directory, at(2)).unwrap_err(), PinError::Rollback);
    let Adoption { pin: after, events } = pin.judge(&one.manifest, Source::Message, at(2)).unwrap();
    assert_eq!((&after, events), (&pin, Vec::new()));
    assert!(!after.current().lists(one.public().address), "the device is judged by the pinned manifest");
    assert!(after.current().lists(two.public().address), "control: a device that it lists goes on");
}

#[test]
fn t015_the_next_seq_with_another_prev_hash_is_a_fork() {
    let party = Party::new(1);
    let second = party.next_manifest(&party.manifest, &[&party], at(1));
    let stray = verified(&malicious::manifest(&second, &party.account, |m| m.prev_hash = vec![7; 32]));
    for source in SOURCES {
        assert_eq!(party.pin().judge(&stray, source, at(2)).unwrap_err(), PinError::Fork);
        let adopted = party.pin().judge(&second, source, at(2)).unwrap();
        assert_eq!(adopted.pin.current(), &second, "control");
        assert_eq!(adopted.events, [], "a renewal is no event");
    }
}

#[test]
fn t016_the_same_seq_with_another_body_is_a_fork() {
    let party = Party::new(1);
    let other = verified(&malicious::manifest(&party.manifest, &party.account, |m| m.expires_at_ms -= 1));
    for source in SOURCES {
        assert_eq!(party.pin().judge(&other, source, at(1)).unwrap_err(), PinError::Fork);
        let again = party.pin().judge(&party.manifest, source, at(1)).unwrap();
        assert_eq!((again.pin, again.events), (party.pin(), Vec::new()), "control: the same bytes");
    }
}

#[test]
fn t020_a_removed_device_is_closed() {
    let [one, two, three] = devices();
    let both = one.next_manifest(&one.manifest, &[&one, &two], at(1));
    let pin = one.pin().judge(&both, Source::Message, at(1)).unwrap().pin;
    let removed = one.next_manifest(&both, &[&one], at(2));
    let adopted = pin.judge(&removed, Source::Message, at(2)).unwrap();
    assert_eq!(adopted.events, [list_changed(&[], &[&two])]);
    let exchanged = one.next_manifest(&both, &[&one, &three], at(2));
    let adopted = pin.judge(&exchanged, Source::Message, at(2)).unwrap();
    assert_eq!(adopted.events, [list_changed(&[&three], &[&two])]);
    let renewed = one.next_manifest(&both, &[&one, &two], at(2));
    assert_eq!(pin.judge(&renewed, Source::Message, at(2)).unwrap().events, [], "control: it stays");
}

#[test]
fn t020_another_registration_closes_the_sessions_of_the_old_one() {
    let (old, new) = (Party::device(1, 1, 11), Party::device(1, 1, 12));
    let next = old.next_manifest(&old.manifest, &[&new], at(1));
    let adopted = old.pin().judge(&next, Source::Message, at(1)).unwrap();
    assert_eq!(adopted.events, [list_changed(&[&new], &[&old])]);
}

#[test]
fn t020_other_keys_under_one_registration_close_it_too() {
    let party = Party::device(1, 1, 11);
    let device = crate::identity::LocalDevice::generate(
        party.public().address,
        party.account.public_key(),
        &mut crate::testing::rng(99),
    );
    let listed = ListedDevice::of(&device.unwrap(), DeviceKind::Mobile, at(0), &party.account.public_key());
    let draft = ManifestDraft { devices: vec![listed], next_aik: None };
    let next = Manifest::issue(&party.account, Some(&party.manifest), draft, at(1)).unwrap();
    let adopted = party.pin().judge(&next, Source::Message, at(1)).unwrap();
    assert_eq!(adopted.events, [list_changed(&[&party], &[&party])]);
}

#[test]
fn t115_a_device_that_the_server_invents_is_in_no_manifest() {
    let [one, two, three] = devices();
    let signed = one.next_manifest(&one.manifest, &[&one, &two], at(1));
    let adopted = one.pin().judge(&signed, Source::Directory, at(1)).unwrap();
    assert_eq!(adopted.events, [list_changed(&[&two], &[])], "event before anything is encrypted to it");
    let addresses: Vec<_> = adopted.pin.current().devices().iter().map(|listed| listed.device.address).collect();
    assert_eq!(addresses, [one.public().address, two.public().address]);
    assert!(!adopted.pin.current().lists(three.public().address));
    let mut invented = signed.to_signed();
    let with_three = malicious::manifest(&signed, &one.account, |m| m.devices.push(three.listed().to_entry()));
    invented.body = with_three.body;
    let parsed = crate::identity::UnverifiedManifest::parse(&invented).unwrap();
    assert_eq!(parsed.verify().unwrap_err(), crate::identity::ManifestError::Signature);
}

#[test]
fn t116_a_new_device_is_an_event_for_every_contact() {
    let [one, two, three] = devices();
    let linked = one.next_manifest(&one.manifest, &[&one, &two, &three], at(1));
    for source in SOURCES {
        let adopted = one.pin().judge(&linked, source, at(1)).unwrap();
        assert_eq!(adopted.events, [list_changed(&[&two, &three], &[])]);
        assert_eq!(adopted.pin.judge(&linked, source, at(2)).unwrap().events, [], "once");
    }
}

#[test]
fn t124_the_announced_successor_rotates_without_a_block() {
    let setting = Rotation::new();
    let rotated = setting.rotated(&setting.announcing);
    let adopted = setting.pin().judge(&rotated, Source::Message, at(2)).unwrap();
    let (from, to) = (setting.party.account.public_key(), setting.next.public_key());
    assert_eq!(
        adopted.events,
        [IdentityEvent::IdentityRotated(Box::new(KeyRotation { from, to }))],
        "the device is no new one"
    );
    let pin = adopted.pin;
    assert_eq!(pin.blocked_by(), None);
    assert!(pin.accepts_key(&from, at(2).plus(30 * DAY_MS)), "the predecessor counts for 30 days");
    assert!(!pin.accepts_key(&from, at(2).plus(30 * DAY_MS + 1)));
    assert_eq!(pin.keys(at(3)).copied().collect::<Vec<_>>(), [to, from]);
    assert_eq!(pin.judge_key(&from, at(3)), Ok(()));
}

#[test]
fn t124_another_key_blocks_until_it_is_acknowledged() {
    let setting = Rotation::new();
    let (pin, stranger) = (setting.party.pin(), setting.stranger());
    for source in SOURCES {
        let Err(PinError::IdentityChanged(blocked)) = pin.judge(&stranger, source, at(3)) else {
            panic!("another key must block");
        };
        assert_eq!(blocked.blocked_by(), Some(stranger.aik()));
        assert_eq!(blocked.current(), pin.current(), "it is not adopted");
        let again = blocked.judge(&stranger, source, at(4)).unwrap_err();
        assert_eq!(again, PinError::IdentityChanged(blocked.clone()), "and no second event");
        assert_eq!(blocked.acknowledge(&setting.next.public_key()), None, "a key that nobody showed");
        let acknowledged = blocked.acknowledge(stranger.aik()).unwrap();
        assert_eq!(acknowledged.blocked_by(), None);
        let adopted = acknowledged.judge(&stranger, source, at(5)).unwrap();
        assert_eq!(adopted.pin, ManifestPin::first(stranger.clone()));
        assert_eq!(adopted.events, [list_changed(&[&setting.party], &[&setting.party])], "all sessions end");
    }
    assert!(pin.judge(&setting.announcing, Source::Message, at(3)).is_ok(), "control: the pinned key goes on");
}

#[test]
fn t124_a_key_without_its_manifest_blocks_too() {
    let setting = Rotation::new();
    let stranger = *setting.stranger().aik();
    let Err(PinError::IdentityChanged(blocked)) = setting.party.pin().judge_key(&stranger, at(3)) else {
        panic!("another key must block");
    };
    let acknowledged = blocked.acknowledge(&stranger).unwrap();
    assert!(matches!(acknowledged.judge_key(&stranger, at(4)), Err(PinError::Held(_))), "its manifest is not here");
    assert_eq!(setting.party.pin().judge_key(&setting.party.account.public_key(), at(3)), Ok(()), "control");
}

#[test]
fn t124_the_announced_key_is_held_until_its_manifest_is_here_for_72_hours() {
    let setting = Rotation::new();
    let pin = setting.pin();
    let third = setting.party.next_manifest(&setting.announcing, &[&setting.party], at(2));
    let third = verified(&malicious::manifest(&third, &setting.party.account, |m| {
        m.next_aik = crate::primitives::PublicKey::to_tagged(&setting.next.public_key());
    }));
    let fourth = setting.rotated(&third);
    let Err(PinError::Held(waiting)) = pin.judge(&fourth, Source::Message, at(10)) else {
        panic!("it may be explained");
    };
    let almost = at(10).plus(72 * HOUR_MS - 1);
    assert_eq!(waiting.judge(&fourth, Source::Message, almost), Err(PinError::Held(waiting.clone())));
    let late = waiting.judge_key(fourth.aik(), at(10).plus(72 * HOUR_MS)).unwrap_err();
    assert!(matches!(late, PinError::IdentityChanged(_)));
    let (adopted, refused) = waiting.adopt_chain(Fetched::Answered(&[third, fourth.clone()]), at(20));
    assert_eq!(refused, None);
    assert_eq!(adopted.pin.current(), &fourth, "control: with the manifest between it is a rotation");
    assert!(matches!(adopted.events[..], [IdentityEvent::IdentityRotated(_)]));
}

#[test]
fn t124_an_acknowledged_key_is_adopted_also_if_it_was_announced() {
    let setting = Rotation::new();
    let skipping = verified(&malicious::manifest(&setting.rotated(&setting.announcing), &setting.next, |m| m.seq = 9));
    let Err(PinError::Held(waiting)) = setting.pin().judge(&skipping, Source::Message, at(10)) else {
        panic!("held first");
    };
    let Err(PinError::IdentityChanged(blocked)) = waiting.judge(&skipping, Source::Message, at(10).plus(72 * HOUR_MS))
    else {
        panic!("then a change");
    };
    let acknowledged = blocked.acknowledge(skipping.aik()).unwrap();
    let adopted = acknowledged.judge(&skipping, Source::Message, at(20).plus(72 * HOUR_MS)).unwrap();
    assert_eq!(adopted.pin.current(), &skipping);
}

#[test]
fn the_old_key_signs_nothing_after_a_rotation() {
    let setting = Rotation::new();
    let rotated = setting.rotated(&setting.announcing);
    let pin = setting.pin().judge(&rotated, Source::Message, at(2)).unwrap().pin;
    for seq in [3, 4, 9] {
        let old = verified(&malicious::manifest(&setting.announcing, &setting.party.account, |m| m.seq = seq));
        assert_eq!(pin.judge(&old, Source::Message, at(3)).unwrap_err(), PinError::Fork, "seq {seq}");
    }
    let behind = pin.judge(&setting.announcing, Source::Message, at(3)).unwrap();
    assert_eq!(behind.pin, pin, "control: a linked device that is behind is no attack");
}

#[test]
fn a_manifest_of_another_account_is_no_news_of_this_one() {
    let error = Party::new(1).pin().judge(&Party::new(2).manifest, Source::Message, at(1)).unwrap_err();
    assert_eq!(error, PinError::OtherAccount);
}
