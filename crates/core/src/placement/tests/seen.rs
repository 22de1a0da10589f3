use std::collections::BTreeMap;

use super::super::*;
use super::sid;
use crate::ids::SessionId;
use crate::limits::SEEN_SET;
use crate::prekey::{HeldPrekey, KeyId, RecordType, Rotation, Standing};
use crate::testing::at;
use crate::time::{DAY_MS, Timestamp};

const fn served(signed: u32, last_resort: u32) -> ServedBy {
    ServedBy { signed: KeyId(signed), last_resort: KeyId(last_resort) }
}

fn numbered(n: usize) -> SessionId {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&(n as u64).to_be_bytes());
    SessionId::from_bytes(bytes)
}

fn full() -> SeenSet {
    let mut set = SeenSet::default();
    (0..SEEN_SET).for_each(|n| set.insert(numbered(n), served(1, 1)).unwrap());
    set
}

#[test]
fn t038_replay_after_the_session_was_deleted_is_refused_by_the_seen_set() {
    let mut set = SeenSet::default();
    set.insert(sid(1), served(1, 1)).unwrap();
    // The session itself is long gone; the set is all that knows.
    assert_eq!(set.check(&sid(1)), Err(SeenError::Replay));
    assert_eq!(set.insert(sid(1), served(1, 1)), Err(SeenError::Replay));
    assert_eq!(set.insert(sid(1), served(2, 2)), Err(SeenError::Replay), "also under other keys");
    assert_eq!(set.len(), 1);
    assert_eq!(set.insert(sid(2), served(1, 1)), Ok(()), "control");
}

/// A responder as far as replay goes: one-time keys that are gone once used, and the seen-set for the rest.
struct Responder {
    one_time: BTreeMap<u32, ()>,
    reusable: Vec<(KeyId, KeyId)>,
    seen: SeenSet,
}

impl Responder {
    /// B4.5, steps 4, 5 and 7.
    fn accept(&mut self, sid: SessionId, one_time: Option<u32>, served: ServedBy) -> Result<(), SeenError> {
        self.seen.check(&sid)?;
        let here = self.reusable.contains(&(served.signed, served.last_resort));
        match one_time {
            _ if !here => Err(SeenError::Replay),
            Some(id) => self.one_time.remove(&id).ok_or(SeenError::Replay),
            None => self.seen.insert(sid, served),
        }
    }
}

fn responder() -> Responder {
    Responder { one_time: BTreeMap::from([(7, ())]), reusable: vec![(KeyId(1), KeyId(1))], seen: SeenSet::default() }
}

#[test]
fn t038_init_with_a_one_time_key_needs_no_entry() {
    let mut bob = responder();
    bob.accept(sid(1), Some(7), served(1, 1)).unwrap();
    assert!(bob.seen.is_empty());
    assert_eq!(bob.accept(sid(1), Some(7), served(1, 1)), Err(SeenError::Replay));
    bob.accept(sid(2), None, served(1, 1)).unwrap();
    assert_eq!(bob.seen.len(), 1);
    assert_eq!(bob.accept(sid(2), None, served(1, 1)), Err(SeenError::Replay));
}

#[test]
fn entries_go_when_either_key_that_they_used_is_deleted() {
    let set = || {
        let mut set = SeenSet::default();
        set.insert(sid(1), served(1, 1)).unwrap();
        set.insert(sid(2), served(2, 1)).unwrap();
        set.insert(sid(3), served(2, 2)).unwrap();
        set
    };
    let mut signed = set();
    signed.forget_signed(KeyId(1));
    assert_eq!((signed.check(&sid(1)), signed.len()), (Ok(()), 2));
    let mut last_resort = set();
    last_resort.forget_last_resort(KeyId(1));
    assert_eq!((last_resort.check(&sid(3)), last_resort.len()), (Err(SeenError::Replay), 1));
}

/// When the private half of an SPK goes whose replacement the directory confirms at 0.
fn deleted_at(rotation: Rotation) -> Option<Timestamp> {
    let prekey = HeldPrekey {
        record_type: RecordType::Signed,
        key_id: KeyId(1),
        not_before: at(0),
        not_after: at(0).plus(30 * DAY_MS),
        standing: Standing::InUse,
    };
    prekey.replaced(rotation, at(0)).delete_at(rotation)
}

#[test]
fn t040_full_set_refuses_and_forces_rotation() {
    let mut set = full();
    assert_eq!(set.insert(sid(0xff), served(1, 1)), Err(SeenError::Full));
    assert_eq!(set.len(), SEEN_SET);
    assert_eq!(set.insert(numbered(5), served(1, 1)), Err(SeenError::Replay), "and still knows replays");
    assert_eq!(set.rotation(), Rotation::SeenSetFull);
    assert_eq!(deleted_at(set.rotation()), Some(at(0)), "as soon as the directory confirms");
    assert_eq!(SeenSet::default().rotation(), Rotation::Ordinary, "control");
    assert_eq!(deleted_at(Rotation::Ordinary), Some(at(0).plus(30 * DAY_MS)), "control");
}

#[test]
fn t040_after_rotation_entries_are_gone_and_replays_are_still_refused() {
    let mut bob = Responder { seen: full(), ..responder() };
    assert_eq!(bob.accept(sid(0xff), None, served(1, 1)), Err(SeenError::Full));
    // The directory has confirmed the new keys: the old ones and what they served go together.
    bob.reusable = vec![(KeyId(2), KeyId(2))];
    bob.seen.forget_signed(KeyId(1));
    assert!(bob.seen.is_empty());
    assert_eq!(bob.accept(numbered(5), None, served(1, 1)), Err(SeenError::Replay), "its keys are gone");
    assert_eq!(bob.accept(sid(0xff), None, served(2, 2)), Ok(()), "control: new INITs come in again");
}
