//! Attachments: `docs/protocol.md` B10. A file is cut into chunks that are sealed one by one (STREAM), so that neither
//! side needs it in memory, and named by the hash of what is uploaded.
//!
//! ```text
//! header(40) = "CVA1" | u8 0x01 | u8 0x10 (64 KiB chunks) | u16 purpose | com[32]
//! chunk i    = AES-256-GCM(k, nonce = prefix || u32 i || u8 last, aad = header, 65536 bytes (last: 1..65536))
//! ```
//!
//! [`seal`] draws a fresh key for each file, so that a key never encrypts two. [`Attachment::open`] writes what it
//! opened into a quarantine and hands it back as [`Verified`] only when everything has proved right.

mod descriptor;
mod error;
mod key;
mod reader;
mod size;
mod writer;

#[cfg(test)]
mod tests;

pub use descriptor::{Attachment, Labels};
pub use error::AttachmentError;
pub use key::{AttachmentKey, Purpose};
pub use reader::Verified;
pub use size::FileSize;
pub use writer::{SealedFile, seal, seal_bytes};

/// Plaintext bytes of every chunk but the last.
pub const CHUNK_BYTES: usize = 65_536;
/// Bytes before the first chunk.
pub const HEADER_BYTES: usize = 40;
