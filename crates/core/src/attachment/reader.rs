//! Opening a blob: `docs/protocol.md` B10.

use core::fmt;
use std::io::{self, Read, Write};

use zeroize::Zeroizing;

use super::key::StreamKeys;
use super::writer::fill;
use super::{Attachment, AttachmentError, CHUNK_BYTES, FileSize, HEADER_BYTES, Purpose};
use crate::primitives::aead::TAG_BYTES;
use crate::primitives::kdf::Sha256Stream;

/// A quarantine whose file proved to be the one that the descriptor names, to its last byte. There is no other way to
/// get one.
pub struct Verified<Q> {
    quarantine: Q,
    size: FileSize,
    sha256: [u8; 32],
    purpose: Purpose,
}

impl<Q> Verified<Q> {
    /// The quarantine, now with a file that may be shown.
    pub fn into_inner(self) -> Q {
        self.quarantine
    }

    /// Size of the file.
    pub const fn size(&self) -> FileSize {
        self.size
    }

    /// SHA-256 of the file.
    pub const fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// What it is for.
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }
}

impl<Q> fmt::Debug for Verified<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verified(..)")
    }
}

impl Attachment {
    /// Opens `blob` into `quarantine`. Chunks go there as each is verified, one in memory at a time, and never more
    /// than `size` bytes; the quarantine comes back only if all of them, the end, the padding, `blob_id` and `sha256`
    /// are right. Otherwise it is dropped: what it holds must then be destroyed, and until then be encrypted at rest.
    pub fn open<Q: Write>(&self, blob: &mut impl Read, mut quarantine: Q) -> Result<Verified<Q>, AttachmentError> {
        let file = self.file();
        let keys = StreamKeys::derive(&file.key, file.purpose);
        let (mut plain, mut sealed) = (Sha256Stream::default(), Sha256Stream::default());
        let mut header = [0; HEADER_BYTES];
        read(blob, &mut header)?;
        sealed.update(&header);
        keys.check(&header, file.purpose)?;
        let mut buffer = vec![0; CHUNK_BYTES.saturating_add(TAG_BYTES)];
        for plan in file.size.plan() {
            let length = plan.length.saturating_add(TAG_BYTES);
            let chunk = buffer.get_mut(..length).ok_or(AttachmentError::Truncated)?;
            read(blob, chunk)?;
            sealed.update(chunk);
            let opened = keys.open(&plan, &header, chunk)?;
            let (part, padding) = opened.split_at_checked(plan.file).ok_or(AttachmentError::Truncated)?;
            if padding.iter().any(|byte| *byte != 0) {
                return Err(AttachmentError::Padding);
            }
            plain.update(part);
            quarantine.write_all(part)?;
        }
        if fill(blob, &mut [0])? != 0 {
            return Err(AttachmentError::TrailingData);
        }
        if sealed.finish() != file.blob_id {
            return Err(AttachmentError::BlobId);
        }
        if plain.finish() != file.sha256 {
            return Err(AttachmentError::Digest);
        }
        quarantine.flush()?;
        Ok(Verified {
            quarantine,
            size: file.size,
            sha256: file.sha256,
            purpose: file.purpose,
        })
    }

    /// [`open`](Self::open) for a blob that is in memory. Its length is compared first, so that a descriptor that
    /// claims gigabytes takes no memory.
    pub fn open_bytes(&self, mut blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, AttachmentError> {
        let size = self.file().size;
        match (blob.len() as u64).cmp(&size.blob()) {
            core::cmp::Ordering::Less => return Err(AttachmentError::Truncated),
            core::cmp::Ordering::Greater => return Err(AttachmentError::TrailingData),
            core::cmp::Ordering::Equal => {}
        }
        let bytes = usize::try_from(size.bytes()).map_err(|_| AttachmentError::TooLarge)?;
        let memory = Memory(Zeroizing::new(Vec::with_capacity(bytes)));
        self.open(&mut blob, memory).map(|verified| verified.into_inner().0)
    }
}

/// As many bytes as `buffer` has.
fn read(blob: &mut impl Read, buffer: &mut [u8]) -> Result<(), AttachmentError> {
    match fill(blob, buffer)? == buffer.len() {
        true => Ok(()),
        false => Err(AttachmentError::Truncated),
    }
}

/// A quarantine in memory, made with room for the whole file and wiped when dropped.
struct Memory(Zeroizing<Vec<u8>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
