//! Sealing a file: `docs/protocol.md` B10.

use core::fmt;
use std::io::{ErrorKind, Read, Write};

use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use super::key::{StreamKeys, form};
use super::{AttachmentError, AttachmentKey, CHUNK_BYTES, FileSize, Purpose};
use crate::primitives::aead::TAG_BYTES;
use crate::primitives::kdf::Sha256Stream;

/// What came of sealing a file: everything that its recipients need.
pub struct SealedFile {
    pub(super) blob_id: [u8; 32],
    pub(super) key: AttachmentKey,
    pub(super) size: FileSize,
    pub(super) sha256: [u8; 32],
    pub(super) purpose: Purpose,
}

impl SealedFile {
    /// `blob_id = SHA-256(whole blob)`: the name under which it is uploaded.
    pub const fn blob_id(&self) -> &[u8; 32] {
        &self.blob_id
    }

    /// Size of the file.
    pub const fn size(&self) -> FileSize {
        self.size
    }

    /// SHA-256 of the file without padding.
    pub const fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// What it is for.
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }
}

impl fmt::Debug for SealedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedFile(..)")
    }
}

/// Seals `size` bytes of `file` into `blob` under a fresh key. One chunk is in memory at a time. On failure what was
/// written to `blob` is of no use, and the key that it was made with is gone.
pub fn seal(
    purpose: Purpose,
    size: FileSize,
    file: &mut impl Read,
    blob: &mut impl Write,
    rng: &mut impl TryCryptoRng,
) -> Result<SealedFile, AttachmentError> {
    let key = AttachmentKey::generate(rng)?;
    let keys = StreamKeys::derive(&key, purpose);
    let header = keys.header(&form(purpose));
    let (mut plain, mut sealed) = (Sha256Stream::default(), Sha256Stream::default());
    sealed.update(&header);
    blob.write_all(&header)?;
    // Sealed in place: a buffer that grows would leave plaintext behind.
    let mut chunk = Zeroizing::new(Vec::with_capacity(CHUNK_BYTES.saturating_add(TAG_BYTES)));
    for plan in size.plan() {
        chunk.clear();
        chunk.resize(plan.length, 0);
        let part = chunk.get_mut(..plan.file).ok_or(AttachmentError::SizeChanged)?;
        if fill(file, part)? != plan.file {
            return Err(AttachmentError::SizeChanged);
        }
        plain.update(part);
        keys.seal(&plan, &header, &mut chunk)?;
        sealed.update(&chunk);
        blob.write_all(&chunk)?;
    }
    if fill(file, &mut [0])? != 0 {
        return Err(AttachmentError::SizeChanged);
    }
    blob.flush()?;
    Ok(SealedFile {
        blob_id: sealed.finish(),
        key,
        size,
        sha256: plain.finish(),
        purpose,
    })
}

/// [`seal`] for a file that is in memory: `(what recipients need, the blob)`.
pub fn seal_bytes(
    purpose: Purpose,
    mut file: &[u8],
    rng: &mut impl TryCryptoRng,
) -> Result<(SealedFile, Vec<u8>), AttachmentError> {
    let size = FileSize::new(file.len() as u64)?;
    let mut blob = Vec::new();
    let sealed = seal(purpose, size, &mut file, &mut blob, rng)?;
    Ok((sealed, blob))
}

/// Reads until `buffer` is full or the end is reached; how many bytes came.
pub(super) fn fill(from: &mut impl Read, buffer: &mut [u8]) -> Result<usize, AttachmentError> {
    let mut filled = 0_usize;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(count) => filled = filled.saturating_add(count),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(filled)
}
