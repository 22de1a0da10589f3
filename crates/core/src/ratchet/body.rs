//! Body framing: `docs/protocol.md` B6.5.
//!
//! ```text
//! body = u8 0x01 | u8 pq_flags | [u32 ek_epoch | ek768[1184]] (bit0) | [u32 ct_epoch | ct768[1088]] (bit1)
//!      | u32 content_len | content | 0x00 padding
//! ```

use core::fmt;
use core::ops::Range;

use crate::errors::DecryptError;
use crate::limits::CONTENT_BYTES;
use crate::primitives::{MlKem768Ciphertext, MlKem768PublicKey, PublicKey as _, SecretBytes};
use crate::wire::Layout;

const VERSION: u8 = 0x01;
const FLAG_EK: u8 = 0b01;
const FLAG_CT: u8 = 0b10;
/// Version, flags and content length.
pub(super) const FRAME_BYTES: usize = 6;
/// What an offer adds.
pub(super) const EK_BYTES: usize = 4 + 1184;
/// What an answer adds.
pub(super) const CT_BYTES: usize = 4 + 1088;

/// What a message said.
pub enum Opened {
    /// Content; its rules (B9) are judged after the ratchet has moved on.
    Content(Content),
    /// `content_len` 0: lanes only, nothing is delivered.
    Empty,
}

/// The content of one message, wiped when dropped.
pub struct Content {
    body: SecretBytes,
    range: Range<usize>,
}

impl Opened {
    /// The content; empty if there is none.
    pub fn content(&self) -> &[u8] {
        match self {
            Self::Content(content) => content.body.get(content.range.clone()).unwrap_or_default(),
            Self::Empty => &[],
        }
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Content(_) => "Opened::Content(..)",
            Self::Empty => "Opened::Empty",
        })
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Content(..)")
    }
}

/// A body to be sent.
pub(super) struct Body<'a> {
    pub(super) ek: Option<(u32, &'a [u8; 1184])>,
    pub(super) ct: Option<(u32, &'a [u8; 1088])>,
    pub(super) content: &'a [u8],
}

impl Body<'_> {
    /// Appends the body and zeros, `padded` bytes in all.
    pub(super) fn write(&self, out: &mut Vec<u8>, padded: usize) {
        let end = out.len().saturating_add(padded);
        let flags = self.ek.map_or(0, |_| FLAG_EK) | self.ct.map_or(0, |_| FLAG_CT);
        out.extend_from_slice(&[VERSION, flags]);
        if let Some((epoch, ek)) = self.ek {
            out.extend_from_slice(&epoch.to_be_bytes());
            out.extend_from_slice(ek);
        }
        if let Some((epoch, ct)) = self.ct {
            out.extend_from_slice(&epoch.to_be_bytes());
            out.extend_from_slice(ct);
        }
        out.extend_from_slice(&crate::wire::lp(self.content));
        out.extend_from_slice(self.content);
        out.resize(end.max(out.len()), 0);
    }
}

/// A body that was received and follows every rule of its framing.
pub(super) struct ReceivedBody {
    pub(super) ek: Option<(u32, MlKem768PublicKey)>,
    pub(super) ct: Option<(u32, MlKem768Ciphertext)>,
    pub(super) opened: Opened,
}

impl ReceivedBody {
    /// Any amount of zero padding; anything else is `DecryptFailed`.
    pub(super) fn parse(body: SecretBytes) -> Result<Self, DecryptError> {
        let (ek, ct, range) = Self::parts(&body).ok_or(DecryptError::DecryptFailed)?;
        let opened = if range.is_empty() { Opened::Empty } else { Opened::Content(Content { body, range }) };
        Ok(Self { ek, ct, opened })
    }

    #[expect(clippy::type_complexity, reason = "the three parts of a body, in their order")]
    fn parts(
        body: &[u8],
    ) -> Option<(Option<(u32, MlKem768PublicKey)>, Option<(u32, MlKem768Ciphertext)>, Range<usize>)> {
        let mut layout = Layout::new(body);
        let (version, flags) = (layout.u8()?, layout.u8()?);
        if version != VERSION || flags & !(FLAG_EK | FLAG_CT) != 0 {
            return None;
        }
        let ek = match flags & FLAG_EK {
            0 => None,
            _ => Some((layout.u32()?, MlKem768PublicKey::from_raw(layout.bytes(1184)?).ok()?)),
        };
        let ct = match flags & FLAG_CT {
            0 => None,
            _ => Some((layout.u32()?, MlKem768Ciphertext::from_raw(layout.bytes(1088)?).ok()?)),
        };
        let length = usize::try_from(layout.u32()?).ok().filter(|length| *length <= CONTENT_BYTES)?;
        let start = body.len().checked_sub(layout.rest().len())?;
        layout.bytes(length)?;
        let padding = layout.rest().iter().fold(0, |all, byte| all | byte);
        (padding == 0).then_some((ek, ct, start..start.checked_add(length)?))
    }
}
