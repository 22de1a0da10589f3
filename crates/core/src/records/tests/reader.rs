//! The file of a history grant, read as it comes.

use std::io::{self, Read};

use super::super::*;
use crate::ids::{ConversationId, DeviceId};
use crate::limits::{CONTENT_BYTES, HISTORY_ITEM_BYTES};
use crate::primitives::kdf::sha256;
use crate::testing::{account, at};
use crate::wire::v1;

fn item(content: Vec<u8>) -> HistoryItem {
    HistoryItem {
        sender: (account(0xb0), DeviceId::new(1).unwrap()),
        server_ts: at(1),
        content: content.into(),
        blob: None,
    }
}

fn file(contents: &[&[u8]]) -> Vec<u8> {
    let mut file = Vec::new();
    contents.iter().for_each(|content| item(content.to_vec()).append_to(&mut file).unwrap());
    file
}

fn grant(file: &[u8], count: u64) -> HistoryGrant {
    HistoryGrant {
        conversation: ConversationId::from_bytes([5; 16]),
        from: account(0xa1),
        to: account(0xc0),
        start: at(0),
        end: at(100),
        reason: HistoryReason::NewMember,
        count,
        sha256: sha256(&[file]),
        at: at(200),
    }
}

/// Gives at most `step` bytes at a time, is interrupted before each, and counts.
struct Slow<'a> {
    left: &'a [u8],
    step: usize,
    interrupted: bool,
    largest_room: usize,
}

impl<'a> Slow<'a> {
    const fn new(file: &'a [u8], step: usize) -> Self {
        Self { left: file, step, interrupted: false, largest_room: 0 }
    }
}

impl Read for Slow<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.largest_room = self.largest_room.max(room.len());
        let within = room.len().min(self.step);
        self.left.read(&mut room[..within])
    }
}

/// Breaks after `whole` bytes.
struct Breaking<'a>(&'a [u8], io::ErrorKind);

impl Read for Breaking<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self.0.is_empty() {
            true => Err(self.1.into()),
            false => self.0.read(room),
        }
    }
}

/// The same item for ever: a file that is never in memory.
struct Endless {
    item: Vec<u8>,
    place: usize,
    left: u64,
    largest_room: usize,
}

impl Read for Endless {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.largest_room = self.largest_room.max(room.len());
        let count = room.len().min(self.item.len() - self.place).min(usize::try_from(self.left).unwrap());
        room[..count].copy_from_slice(&self.item[self.place..self.place + count]);
        self.place = (self.place + count) % self.item.len();
        self.left -= count as u64;
        Ok(count)
    }
}

/// What any way of reading gives for a file.
fn verdicts(file: &[u8]) -> Vec<Result<HistoryItem, HistoryError>> {
    let whole: Vec<_> = HistoryReader::new(file).collect();
    for step in [1, 3, 5, 4096] {
        let slow: Vec<_> = HistoryReader::new(Slow::new(file, step)).collect();
        assert!(slow == whole, "in steps of {step}");
    }
    whole
}

#[test]
fn source_that_gives_a_byte_at_a_time_gives_the_same_items() {
    let file = file(&[b"one", b"two", &[7; 9000]]);
    let items = verdicts(&file);
    assert_eq!(items.len(), 3);
    assert!(items[2].as_ref().unwrap().content.as_slice() == [7; 9000]);
    assert!(verdicts(&[]).is_empty(), "an empty file has no items");
}

/// Every prefix: whole items, then an error exactly if one is cut.
#[test]
fn t153_file_that_ends_inside_an_item_is_refused_wherever_it_is_cut() {
    let whole = file(&[b"one", b"two"]);
    let first = file(&[b"one"]).len();
    for length in 0..=whole.len() {
        let items = verdicts(&whole[..length]);
        let good = items.iter().filter(|item| item.is_ok()).count();
        let expected = usize::from(length >= first) + usize::from(length == whole.len());
        assert_eq!(good, expected, "{length}");
        let between = [0, first, whole.len()].contains(&length);
        assert_eq!(items.last().is_some_and(|item| item.as_ref().err() == Some(&HistoryError::Item)), !between);
    }
}

#[test]
fn t153_trailing_bytes_and_garbage_are_refused() {
    let good = file(&[b"one"]);
    for garbage in [&[0][..], &[0, 0, 0], &[0, 0, 0, 0], &[0xff; 4], &[0, 0, 0, 2, 0xff, 0xff], &[0, 4, 0x10, 1]] {
        for after in [&[][..], &good, &[&good[..], &good].concat()] {
            let items = verdicts(&[&good, garbage, after].concat());
            assert_eq!(items.len(), 2, "{garbage:x?}: it ends after the first error, whatever follows");
            assert!(items[0].is_ok());
            assert_eq!(items[1].as_ref().err(), Some(&HistoryError::Item), "{garbage:x?}");
        }
    }
    assert_eq!(verdicts(&good).len(), 1, "control");
}

#[test]
fn length_above_the_limit_is_refused_before_anything_of_that_size_is_read() {
    let length = u32::try_from(HISTORY_ITEM_BYTES + 1).unwrap().to_be_bytes();
    let file = [&length[..], &vec![0; HISTORY_ITEM_BYTES + 1]].concat();
    let mut reader = HistoryReader::new(Slow::new(&file, usize::MAX));
    assert_eq!(reader.next().and_then(Result::err), Some(HistoryError::Item));
    assert_eq!(reader.buffer_bytes(), 0);
    // A length within the limit that nothing follows takes one step of memory, not the whole.
    let file = u32::try_from(HISTORY_ITEM_BYTES).unwrap().to_be_bytes();
    let mut reader = HistoryReader::new(file.as_slice());
    assert_eq!(reader.next().and_then(Result::err), Some(HistoryError::Item));
    assert!(reader.buffer_bytes() <= 64 * 1024, "{}", reader.buffer_bytes());
}

#[test]
fn content_at_its_limit_is_read_and_one_byte_more_is_refused() {
    let good = file(&[&vec![1; CONTENT_BYTES]]);
    assert_eq!(verdicts(&good).iter().filter(|item| item.is_ok()).count(), 1);
    assert_eq!(item(vec![1; CONTENT_BYTES + 1]).append_to(&mut Vec::new()), Err(HistoryError::Item));
    let wire = v1::HistoryItem {
        sender_account: vec![1; 16],
        sender_device: 1,
        content: vec![1; CONTENT_BYTES + 1],
        ..Default::default()
    };
    let bytes = prost::Message::encode_to_vec(&wire);
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    assert_eq!(verdicts(&[&length[..], &bytes].concat()), [Err(HistoryError::Item)]);
}

/// 40 MiB of the longest items go through a buffer of one.
#[test]
fn memory_is_bounded_by_one_item() {
    let mut longest = Vec::new();
    item(vec![1; CONTENT_BYTES]).append_to(&mut longest).unwrap();
    let count = 160_usize;
    let left = (longest.len() * count) as u64;
    let source = || Endless { item: longest.clone(), place: 0, left, largest_room: 0 };
    let mut reader = HistoryReader::new(source());
    for _ in 0..count {
        assert!(reader.next().is_some_and(|item| item.is_ok()));
        assert!(reader.buffer_bytes() <= HISTORY_ITEM_BYTES, "{}", reader.buffer_bytes());
    }
    assert!(reader.next().is_none());
    // Nor does judging under a grant ask for more at once.
    let mut source = source();
    let refused = grant(b"another file", count as u64).judge(&mut source);
    assert_eq!(refused, Err(HistoryError::FileHash));
    assert_eq!(source.left, 0, "it was read to its end");
    assert!(source.largest_room <= HISTORY_ITEM_BYTES);
}

#[test]
fn t153_streamed_file_is_judged_as_a_whole_before_an_item_is_given_out() {
    let file = file(&[b"one", b"two"]);
    let judge = |grant: &HistoryGrant, file: &[u8]| grant.judge(Slow::new(file, 7));
    let good = grant(&file, 2);
    let mut altered = file.clone();
    *altered.last_mut().unwrap() ^= 1;
    assert_eq!(judge(&good, &altered), Err(HistoryError::FileHash));
    assert_eq!(judge(&good, &file[..file.len() - 1]), Err(HistoryError::FileHash), "and not that an item is cut");
    assert_eq!(judge(&good, &[&file[..], &[0; 4]].concat()), Err(HistoryError::FileHash));
    for count in [0, 1, 3, u64::MAX] {
        assert_eq!(judge(&grant(&file, count), &file), Err(HistoryError::Count));
    }
    let cut = &file[..file.len() - 1];
    assert_eq!(judge(&grant(cut, 2), cut), Err(HistoryError::Item));
    let hollow = [&file[..], &[0; 4], &file].concat();
    assert_eq!(judge(&grant(&hollow, 5), &hollow), Err(HistoryError::Item), "the file granted, and it is none");
    let judged = judge(&good, &file).unwrap();
    let items: Vec<_> = judged.items(Slow::new(&file, 5)).collect::<Result<_, _>>().unwrap();
    assert!(items == good.read(&file).unwrap(), "control");
}

/// Between the two readings the file became another one.
#[test]
fn t153_file_that_changes_after_it_was_judged_is_noticed() {
    let (granted, other) = (file(&[b"one", b"two"]), file(&[b"one", b"six"]));
    let judged = grant(&granted, 2).judge(granted.as_slice()).unwrap();
    let end = |file: &[u8]| judged.items(file).last().unwrap().map(|passed| passed.item.content);
    assert_eq!(end(&other), Err(HistoryError::FileHash));
    assert_eq!(end(&granted[..granted.len() - 1]), Err(HistoryError::FileHash));
    assert_eq!(end(&file(&[b"one"])), Err(HistoryError::FileHash));
    let mut items = judged.items(other.as_slice());
    assert_eq!(items.by_ref().count(), 3, "two items and the error");
    assert!(items.next().is_none());
    assert_eq!(end(&granted), Ok(b"two".to_vec().into()), "control");
}

#[test]
fn source_that_cannot_be_read_is_named() {
    let file = file(&[b"one", b"two"]);
    let kind = io::ErrorKind::PermissionDenied;
    for length in 0..=file.len() {
        let mut reader = HistoryReader::new(Breaking(&file[..length], kind));
        let error = reader.by_ref().find_map(Result::err);
        assert_eq!(error, Some(HistoryError::Source(kind)), "{length}");
        assert!(reader.next().is_none());
        let judged = grant(&file, 2).judge(Breaking(&file[..length], kind));
        assert_eq!(judged, Err(HistoryError::Source(kind)), "{length}");
    }
    assert!(grant(&file, 2).judge(file.as_slice()).is_ok(), "control");
}

/// Claims to have read more than there was room for.
struct Liar;

impl Read for Liar {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        Ok(room.len() + 1)
    }
}

#[test]
fn source_that_lies_about_what_it_read_is_an_error() {
    let broken = HistoryError::Source(io::ErrorKind::InvalidData);
    assert_eq!(HistoryReader::new(Liar).next().and_then(Result::err), Some(broken));
    assert_eq!(grant(b"", 0).judge(Liar), Err(broken));
}
