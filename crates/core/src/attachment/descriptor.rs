//! `AttachmentMsg`, what a message says of its attachment: `docs/protocol.md` B9 and B10.

use core::fmt;
use core::mem;

use zeroize::Zeroizing;

use super::{AttachmentError, AttachmentKey, FileSize, Purpose, SealedFile};
use crate::wire::v1;

/// Where a blob lies, how to open it, and what must come out.
pub struct Attachment {
    file: SealedFile,
    labels: Labels,
}

/// What the sender says of a file. Nothing here is checked against the file.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Labels {
    /// Media type.
    pub content_type: String,
    /// Name of the file. It is the sender's text and no path: never join it to one as it is.
    pub filename: String,
    /// Text shown with it.
    pub caption: String,
}

impl Attachment {
    /// The descriptor of a file that was sealed here.
    pub const fn new(file: SealedFile, labels: Labels) -> Self {
        Self { file, labels }
    }

    /// Parses a descriptor that must be for `wanted`: ids and digests of 32 bytes, size at most 4 GiB, padded size as
    /// the formula gives it.
    pub fn parse(mut message: v1::AttachmentMsg, wanted: Purpose) -> Result<Self, AttachmentError> {
        let key = Zeroizing::new(mem::take(&mut message.key));
        if Purpose::from_u32(message.purpose) != Some(wanted) {
            return Err(AttachmentError::Purpose { wanted });
        }
        let size = FileSize::new(message.size)?;
        if message.padded_size != size.padded() {
            return Err(AttachmentError::PaddedSize);
        }
        Ok(Self {
            file: SealedFile {
                blob_id: digest(&message.blob_id)?,
                key: AttachmentKey::from_slice(&key).ok_or(AttachmentError::Descriptor)?,
                size,
                sha256: digest(&message.sha256)?,
                purpose: wanted,
            },
            labels: Labels {
                content_type: message.content_type,
                filename: message.filename,
                caption: message.caption,
            },
        })
    }

    /// The form that travels. It holds the key: whoever asks for it wipes `key` after encoding.
    pub(crate) fn to_wire(&self) -> v1::AttachmentMsg {
        v1::AttachmentMsg {
            blob_id: self.file.blob_id.to_vec(),
            key: self.file.key.as_bytes().to_vec(),
            size: self.file.size.bytes(),
            padded_size: self.file.size.padded(),
            content_type: self.labels.content_type.clone(),
            filename: self.labels.filename.clone(),
            sha256: self.file.sha256.to_vec(),
            purpose: self.file.purpose.as_u16().into(),
            caption: self.labels.caption.clone(),
        }
    }

    /// The file as it was sealed.
    pub const fn file(&self) -> &SealedFile {
        &self.file
    }

    /// What the sender says of it.
    pub const fn labels(&self) -> &Labels {
        &self.labels
    }
}

fn digest(bytes: &[u8]) -> Result<[u8; 32], AttachmentError> {
    bytes.try_into().map_err(|_| AttachmentError::Descriptor)
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attachment(..)")
    }
}
