//! What can be wrong with an attachment: `docs/protocol.md` B10.

use std::io;

use super::Purpose;
use crate::random::RandomError;

/// Why a file was not sealed, or a blob not opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AttachmentError {
    /// More than 4 GiB (B16).
    #[error("the file is too large")]
    TooLarge,
    /// The file had more or fewer bytes than were announced.
    #[error("the file does not have the size that was announced")]
    SizeChanged,
    /// The random source failed.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// A field of the descriptor has a wrong length.
    #[error("the descriptor is malformed")]
    Descriptor,
    /// `padded_size` is not what the formula gives for `size`.
    #[error("the padded size does not follow from the size")]
    PaddedSize,
    /// Another purpose than the one wanted, or an unknown one.
    #[error("the attachment has another purpose than {wanted:?}")]
    Purpose {
        /// What it must be for here.
        wanted: Purpose,
    },
    /// `com` is not the commitment of this key to this header.
    #[error("the key does not belong to this blob")]
    Commitment,
    /// The header commits to another form than version 1 with chunks of 64 KiB.
    #[error("the blob has an unsupported form")]
    Header,
    /// Chunk `index` is not what the sealer wrote at this place, first to last.
    #[error("chunk {index} is not authentic")]
    Chunk {
        /// From 0.
        index: u32,
    },
    /// The blob ends before its last chunk does.
    #[error("the blob is cut off")]
    Truncated,
    /// Something follows the last chunk.
    #[error("data follows the last chunk")]
    TrailingData,
    /// A byte after the file is not zero.
    #[error("the padding is not zero")]
    Padding,
    /// The blob is not the one that the descriptor names.
    #[error("the blob is another one")]
    BlobId,
    /// The file is not the one that the descriptor names.
    #[error("the file is another one")]
    Digest,
    /// Reading or writing failed.
    #[error("reading or writing failed: {0}")]
    Io(io::ErrorKind),
}

impl From<io::Error> for AttachmentError {
    fn from(error: io::Error) -> Self {
        // The kind only: a message may hold a path.
        Self::Io(error.kind())
    }
}
