//! After a jump that lost: `docs/protocol.md` B2.3, gap rules 2 and 3.

use super::devices;
use crate::group::AccountKeys;
use crate::identity::{
    AccountKey, Adoption, DeviceChanges, DeviceKind, Fetched, IdentityEvent, IntroductionError, JudgedAt, ListedDevice,
    Manifest, ManifestDraft, ManifestPin, PinError, Source, UnverifiedCertificates, introduce,
};
use crate::testing::{Party, Service, account, at};
use crate::time::DAY_MS;
use zeroize::Zeroizing;

/// 1 to 3 list the devices 1 and 2; 4 and 5 are without 2, which was stolen.
struct Theft {
    one: Party,
    two: Party,
    chain: Vec<Manifest>,
}

impl Theft {
    fn new() -> Self {
        let [one, two, _] = devices();
        let mut chain = vec![one.first_manifest(&[&one, &two])];
        for (second, listed) in [(1, vec![&one, &two]), (2, vec![&one, &two]), (3, vec![&one]), (4, vec![&one])] {
            chain.push(one.next_manifest(chain.last().unwrap(), &listed, at(second)));
        }
        Self { one, two, chain }
    }

    fn first(&self) -> ManifestPin {
        ManifestPin::first(self.chain[0].clone())
    }

    /// The first pin after the fifth manifest came in a message.
    fn jumped(&self) -> ManifestPin {
        self.first().judge(&self.chain[4], Source::Message, at(10)).unwrap().pin
    }

    /// After the service answered without the fourth.
    fn lost(&self) -> Adoption {
        self.jumped().fill_gap(Fetched::Answered(&self.chain[1..3]), at(20))
    }

    fn both_after(&self, previous: &Manifest) -> Manifest {
        self.one.next_manifest(previous, &[&self.one, &self.two], at(30))
    }
}

fn added(party: &Party) -> IdentityEvent {
    IdentityEvent::DeviceListChanged(DeviceChanges { added: vec![party.public().address], closed: vec![] })
}

#[test]
fn t020_what_the_losing_manifest_took_away_stays_away_until_a_higher_seq() {
    let theft = Theft::new();
    let (one, two) = (theft.one.public().address, theft.two.public().address);
    let Adoption { pin, events } = theft.lost();
    assert_eq!(events, [IdentityEvent::ManifestFork { stopped: vec![] }]);
    assert_eq!(pin.current(), &theft.chain[2]);
    assert_eq!((pin.lists(one), pin.lists(two)), (true, false));
    assert_eq!((pin.may_get_older(one), pin.may_get_older(two)), (true, false));
    assert_eq!(ManifestPin::from_bytes(&pin.to_bytes()), Ok(pin.clone()));
    // Another manifest of the same seq does not bring it back, the next one does.
    let fourth = theft.both_after(&theft.chain[2]);
    let fifth = theft.both_after(&fourth);
    let (same_seq, refused) = pin.adopt_chain(Fetched::Answered(&[fourth, fifth.clone()]), at(31));
    assert_eq!((same_seq.pin.current(), refused), (&fifth, None));
    assert_eq!((same_seq.pin.lists(two), same_seq.events), (false, vec![]));
    let higher = same_seq.pin.judge(&theft.both_after(&fifth), Source::Message, at(32)).unwrap();
    assert_eq!((higher.pin.lists(two), higher.events), (true, vec![added(&theft.two)]));
    let honest = theft.first().adopt_chain(Fetched::Answered(&theft.chain[1..3]), at(20)).0.pin;
    assert!(honest.lists(two), "control: without the jump");
}

#[test]
fn t117_a_device_that_a_losing_manifest_took_away_signs_no_state() {
    let theft = Theft::new();
    let devices = |pin: &ManifestPin| -> Vec<_> {
        AccountKeys::from_pin(pin, &[], at(31)).devices.iter().map(|key| key.dsk).collect()
    };
    let [one, two] = [&theft.one, &theft.two].map(|party| party.public().dsk);
    assert_eq!(devices(&theft.lost().pin), [one]);
    let honest = theft.first().adopt_chain(Fetched::Answered(&theft.chain[1..3]), at(20)).0.pin;
    assert_eq!(devices(&honest), [one, two], "control: without the jump");
}

#[test]
fn t020_nothing_is_taken_from_a_device_that_the_losing_manifest_took_away() {
    let theft = Theft::new();
    let service = Service::new();
    let certificates = theft.two.certificates(at(20));
    let parsed = UnverifiedCertificates::parse(&certificates.device, &certificates.issuer).unwrap();
    let judged = JudgedAt::Local(at(20));
    let certificate = parsed.verify_signatures(&service.trust()).unwrap().check_times(judged).unwrap();
    let introduced = |pin: &ManifestPin| introduce(&certificate, pin.current(), Some(pin), judged).map(drop);
    assert_eq!(introduced(&theft.lost().pin), Err(IntroductionError::NotListed));
    let honest = theft.first().adopt_chain(Fetched::Answered(&theft.chain[1..3]), at(20)).0.pin;
    assert_eq!(introduced(&honest), Ok(()), "control: without the jump");
}

#[test]
fn t015_the_losing_manifest_itself_ends_its_hold_and_so_does_a_rotation_away_from_its_key() {
    let theft = Theft::new();
    let two = theft.two.public().address;
    let (own, refused) = theft.lost().pin.adopt_chain(Fetched::Answered(&theft.chain[3..]), at(21));
    assert_eq!((own.pin.current(), own.events, refused), (&theft.chain[4], vec![], None));
    let honest = theft.first().adopt_chain(Fetched::Answered(&theft.chain[1..]), at(21)).0.pin;
    assert_eq!(own.pin, honest, "as if nothing had been lost");

    let next = AccountKey::from_seed(account(1), &Zeroizing::new([0x77; 32]));
    let list = |key: &AccountKey| {
        [&theft.one, &theft.two]
            .map(|party| ListedDevice::of(&party.device, DeviceKind::Mobile, at(0), &key.public_key()))
    };
    let issue = |key: &AccountKey, previous, next_aik| {
        let draft = ManifestDraft { devices: list(key).to_vec(), next_aik };
        Manifest::issue(key, Some(previous), draft, at(5)).unwrap()
    };
    let announcing = issue(&theft.one.account, &theft.chain[0], Some(next.public_key()));
    let pin = theft.jumped().fill_gap(Fetched::Answered(core::slice::from_ref(&announcing)), at(20)).pin;
    assert!(!pin.lists(two));
    let renewed = pin.judge(&issue(&theft.one.account, &announcing, None), Source::Directory, at(21)).unwrap();
    assert!(!renewed.pin.lists(two), "control: the third under the same key");
    let rotated = pin.judge(&issue(&next, &announcing, None), Source::Directory, at(21)).unwrap();
    assert!(rotated.pin.lists(two), "the account has left the key of what lost");
    assert_eq!(rotated.events[1..], [added(&theft.two)]);
}

#[test]
fn t015_no_answer_and_an_empty_one_are_no_fork_before_the_deadline() {
    let theft = Theft::new();
    let pin = theft.jumped();
    let deadline = at(10).plus(30 * DAY_MS);
    let unchanged = |fetched, now| pin.fill_gap(fetched, now) == Adoption { pin: pin.clone(), events: vec![] };
    for now in [at(11), deadline.minus(1)] {
        assert!(unchanged(Fetched::Unanswered, now));
        assert!(unchanged(Fetched::Answered(&[]), now));
        assert_eq!(pin.adopt_chain(Fetched::Unanswered, now), (Adoption { pin: pin.clone(), events: vec![] }, None));
    }
    for fetched in [Fetched::Unanswered, Fetched::Answered(&[])] {
        let Adoption { pin, events } = pin.fill_gap(fetched, deadline);
        assert_eq!((pin.current(), events), (&theft.chain[0], vec![IdentityEvent::ManifestFork { stopped: vec![] }]));
        assert!(!pin.lists(theft.two.public().address), "what was taken away stays away");
    }
    let answered = pin.fill_gap(Fetched::Answered(&theft.chain[1..2]), at(11));
    assert_eq!(answered.events, [IdentityEvent::ManifestFork { stopped: vec![] }], "control: an answer without it");
}

#[test]
fn t015_of_the_losing_manifests_the_newest_sixteen_are_remembered() {
    let [one, two, _] = devices();
    let mut chain = vec![one.first_manifest(&[&one])];
    for second in 1..35 {
        chain.push(one.next_manifest(chain.last().unwrap(), &[&one], at(second)));
    }
    // Seventeen jumps: 3 opens the gap, 5 to 35 widen it.
    let jumps = (2..35).step_by(2).map(|place| &chain[place]);
    let pin = jumps.fold(ManifestPin::first(chain[0].clone()), |pin, manifest| {
        pin.judge(manifest, Source::Message, at(100)).unwrap().pin
    });
    let mut other = vec![chain[0].clone()];
    for second in 50..53 {
        other.push(one.next_manifest(other.last().unwrap(), &[&one, &two], at(second)));
    }
    let pin = pin.fill_gap(Fetched::Answered(&other[1..]), at(101)).pin;
    assert_eq!((pin.current().seq(), pin.current()), (4, &other[3]));
    let judged = |seq: usize| pin.judge(&chain[seq - 1], Source::Directory, at(102)).unwrap_err();
    let held = PinError::Held(Box::new(pin.clone()));
    assert_eq!(judged(5), held, "the sixteenth");
    assert_eq!(judged(35), held, "the newest");
    assert_eq!(judged(3), PinError::Rollback, "the seventeenth is a manifest like any other");
    assert_eq!(ManifestPin::from_bytes(&pin.to_bytes()), Ok(pin));
}
