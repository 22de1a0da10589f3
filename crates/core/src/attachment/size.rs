//! Sizes of a file, of its padded form and of its blob: `docs/protocol.md` B10.

use super::{AttachmentError, CHUNK_BYTES, HEADER_BYTES};
use crate::envelope::padding::padme;
use crate::limits::ATTACHMENT_BYTES;
use crate::primitives::aead::TAG_BYTES;

/// A file of less than this is padded as if it were this long.
const SMALLEST: u64 = 1024;

/// The size of a file that may be an attachment: 0..=4 GiB.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileSize(u64);

impl FileSize {
    /// [`AttachmentError::TooLarge`] above 4 GiB.
    pub const fn new(bytes: u64) -> Result<Self, AttachmentError> {
        match bytes <= ATTACHMENT_BYTES {
            true => Ok(Self(bytes)),
            false => Err(AttachmentError::TooLarge),
        }
    }

    /// Bytes of the file.
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// `padded_size = Padmé(max(size, 1024))`: 4 GiB at most, because 4 GiB is a padded size itself.
    pub const fn padded(self) -> u64 {
        match self.0 < SMALLEST {
            true => padme(SMALLEST),
            false => padme(self.0),
        }
    }

    /// `ceil(padded_size / 65536)`: 1..=65536.
    pub const fn chunks(self) -> u64 {
        self.padded().div_ceil(CHUNK_BYTES as u64)
    }

    /// Bytes of the whole blob.
    pub const fn blob(self) -> u64 {
        // 4 GiB and 65 536 tags: far below 2^64.
        (HEADER_BYTES as u64)
            .saturating_add(self.padded())
            .saturating_add(self.chunks().saturating_mul(TAG_BYTES as u64))
    }

    /// The chunks in order.
    pub(super) fn plan(self) -> impl Iterator<Item = ChunkPlan> {
        let (chunks, padded, file) = (self.chunks(), self.padded(), self.0);
        (0_u32..).zip(0..chunks).map(move |(index, number)| {
            let before = number.saturating_mul(CHUNK_BYTES as u64);
            ChunkPlan {
                index,
                last: Last::of(number.saturating_add(1) == chunks),
                length: at_most_chunk(padded.saturating_sub(before)),
                file: at_most_chunk(file.saturating_sub(before)),
            }
        })
    }
}

/// `min(bytes, 65536)`.
fn at_most_chunk(bytes: u64) -> usize {
    usize::try_from(bytes).map_or(CHUNK_BYTES, |bytes| bytes.min(CHUNK_BYTES))
}

/// One chunk: where it stands and what is in it.
#[derive(Clone, Copy)]
pub(super) struct ChunkPlan {
    pub(super) index: u32,
    pub(super) last: Last,
    /// Plaintext bytes.
    pub(super) length: usize,
    /// How many of them are of the file; the others are zero.
    pub(super) file: usize,
}

/// Whether a chunk is the last one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    No,
    Yes,
}

impl Last {
    const fn of(is_last: bool) -> Self {
        match is_last {
            true => Self::Yes,
            false => Self::No,
        }
    }

    /// `u8 last`.
    pub(super) const fn as_u8(self) -> u8 {
        match self {
            Self::No => 0,
            Self::Yes => 1,
        }
    }
}
