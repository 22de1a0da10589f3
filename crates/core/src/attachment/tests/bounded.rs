//! Memory does not follow what is claimed: T106. Bytes are counted, not seconds.

use std::io::{self, ErrorKind, Read, Write};

use proptest::prelude::*;

use super::*;
use crate::wire::v1;

/// A stream of zeros without end that counts what was taken, in which pieces.
#[derive(Default)]
struct Endless {
    taken: u64,
    largest: usize,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.taken += buffer.len() as u64;
        self.largest = self.largest.max(buffer.len());
        buffer.fill(0);
        Ok(buffer.len())
    }
}

/// Counts and forgets what is written.
#[derive(Default)]
struct Counted {
    bytes: u64,
    largest: usize,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len() as u64;
        self.largest = self.largest.max(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Remembers the largest piece that was asked for.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = self.1.max(buffer.len());
        self.0.read(buffer)
    }
}

#[test]
fn t106_a_claim_of_4_gib_takes_one_chunk() {
    let (attachment, blob) = sealed(b"small", 1);
    let size = FileSize::new(crate::limits::ATTACHMENT_BYTES).unwrap();
    let message = v1::AttachmentMsg {
        size: size.bytes(),
        padded_size: size.padded(),
        ..attachment.to_wire()
    };
    let liar = Attachment::parse(message, Purpose::Message).unwrap();
    assert_eq!(liar.open_bytes(&blob).unwrap_err(), AttachmentError::Truncated);
    // A blob that never ends: the header is right, the first chunk is not, and nothing more is read.
    let mut endless = Endless::default();
    let mut quarantine = Counted::default();
    let mut header = &blob[..HEADER_BYTES];
    let result = liar.open(&mut Read::chain(&mut header, &mut endless), &mut quarantine);
    assert_eq!(result.unwrap_err(), AttachmentError::Chunk { index: 0 });
    assert_eq!((endless.taken, quarantine.bytes), (CHUNK_BYTES as u64 + 16, 0));
    assert_eq!(attachment.open_bytes(&blob).unwrap().as_slice(), b"small");
}

#[test]
fn t106_a_blob_without_end_is_left_after_one_more_byte() {
    let (attachment, blob) = sealed(&file(3 * CHUNK_BYTES), 1);
    let mut endless = Endless::default();
    let mut start = blob.as_slice();
    let result = attachment.open(&mut Read::chain(&mut start, &mut endless), Counted::default());
    assert_eq!(result.unwrap_err(), AttachmentError::TrailingData);
    assert_eq!(endless.taken, 1);
    assert!(attachment.open_bytes(&blob).is_ok());
}

#[test]
fn t106_sealing_and_opening_hold_one_chunk_at_a_time() {
    let length = 20 * CHUNK_BYTES as u64;
    let (mut zeros, mut written) = (Endless::default(), Vec::new());
    let size = FileSize::new(length).unwrap();
    let mut file = (&mut zeros).take(length);
    let sealed = seal(Purpose::Message, size, &mut file, &mut written, &mut rng(1)).unwrap();
    assert_eq!((zeros.taken, zeros.largest), (length, CHUNK_BYTES));
    let attachment = Attachment::new(sealed, Labels::default());
    let mut blob = Pieces(&written, 0);
    let quarantine = attachment.open(&mut blob, Counted::default()).unwrap().into_inner();
    assert_eq!(blob.1, CHUNK_BYTES + 16);
    assert_eq!((quarantine.bytes, quarantine.largest), (length, CHUNK_BYTES));
}

/// Gives one byte at a time, and is interrupted before each.
struct Slow<'a>(&'a [u8], bool);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        match self.1 {
            true => Err(ErrorKind::Interrupted.into()),
            false => self.0.read(&mut buffer[..1]),
        }
    }
}

struct Failing(ErrorKind);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self.0.into())
    }
}

impl Write for Failing {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn short_reads_and_failures_of_the_host_are_told_apart_from_forgeries() {
    let file = file(2_000);
    let (attachment, blob) = sealed(&file, 1);
    let opened = attachment
        .open(&mut Slow(&blob, false), Vec::new())
        .unwrap()
        .into_inner();
    assert_eq!(opened, file);
    let reading = attachment.open(&mut Failing(ErrorKind::TimedOut), Vec::new());
    assert_eq!(reading.unwrap_err(), AttachmentError::Io(ErrorKind::TimedOut));
    let writing = attachment.open(&mut blob.as_slice(), Failing(ErrorKind::StorageFull));
    assert_eq!(writing.unwrap_err(), AttachmentError::Io(ErrorKind::StorageFull));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_flipped_bit_anywhere_releases_nothing(length in 0_usize..3_000, at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let (attachment, mut blob) = sealed(&file(length), 7);
        let at = at.index(blob.len());
        blob[at] ^= 1 << bit;
        let expected = if at < HEADER_BYTES { AttachmentError::Commitment } else { AttachmentError::Chunk { index: 0 } };
        let (result, quarantine) = open(&attachment, &blob);
        prop_assert_eq!(result.unwrap_err(), expected);
        prop_assert!(quarantine.dropped && quarantine.bytes == 0);
    }

    #[test]
    fn arbitrary_blobs_and_descriptors_never_panic(blob in prop::collection::vec(any::<u8>(), 0..3_000), size in any::<u64>(), padded in any::<u64>(), purpose in 0..5_u32) {
        let (attachment, _) = sealed(b"x", 7);
        let message = v1::AttachmentMsg { size, padded_size: padded, purpose, ..attachment.to_wire() };
        prop_assert!(Attachment::parse(message, Purpose::Message).is_err());
        prop_assert!(open(&attachment, &blob).0.is_err());
    }
}
