//! Keys, commitment and header: `docs/protocol.md` B10.

use core::fmt;

use rand_core::TryCryptoRng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::size::ChunkPlan;
use super::{AttachmentError, HEADER_BYTES};
use crate::labels::Label;
use crate::primitives::aead::AeadKey;
use crate::primitives::kdf::{kdf, mac};
use crate::primitives::{Secret, SecretBytes};
use crate::random::{RandomError, draw};

/// What an attachment is for. It goes into the key, so that a file shown to one audience cannot be passed off as
/// another's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u16)]
pub enum Purpose {
    /// 1: part of a message.
    Message = 1,
    /// 2: the picture of a person.
    Avatar = 2,
    /// 3: a slice of a conversation (B19).
    History = 3,
}

impl Purpose {
    /// `None` for a purpose that v1 does not know.
    pub const fn from_u32(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Message),
            2 => Some(Self::Avatar),
            3 => Some(Self::History),
            _ => None,
        }
    }

    /// The number on the wire.
    pub const fn as_u16(self) -> u16 {
        self as u16
    }
}

/// `AK`: 32 random bytes, for one file and one purpose.
pub struct AttachmentKey(Secret<32>);

impl AttachmentKey {
    pub(super) fn generate(rng: &mut impl TryCryptoRng) -> Result<Self, RandomError> {
        draw(rng).map(|bytes| Self(Secret::new(&bytes)))
    }

    /// `None` unless there are 32 bytes.
    pub(super) fn from_slice(bytes: &[u8]) -> Option<Self> {
        Secret::from_slice(bytes).map(Self)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for AttachmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AttachmentKey(..)")
    }
}

/// `header[0..8] = "CVA1" | u8 0x01 | u8 0x10 | u16 purpose`.
pub(super) const fn form(purpose: Purpose) -> [u8; 8] {
    let [high, low] = purpose.as_u16().to_be_bytes();
    [b'C', b'V', b'A', b'1', 0x01, 0x10, high, low]
}

/// `k[32] || prefix[7] || kcom[32]`.
pub(super) struct StreamKeys {
    k: AeadKey,
    prefix: [u8; 7],
    kcom: Zeroizing<[u8; 32]>,
}

impl StreamKeys {
    /// `KDF(Z32, AK, "att", u16 purpose, 71)`.
    pub(super) fn derive(key: &AttachmentKey, purpose: Purpose) -> Self {
        let okm = kdf::<71>(&[0; 32], &[key.as_bytes()], Label::Att, &[&purpose.as_u16().to_be_bytes()]);
        let (mut k, mut prefix, mut kcom) = (Zeroizing::new([0; 32]), [0; 7], Zeroizing::new([0; 32]));
        let into = k.iter_mut().chain(&mut prefix).chain(kcom.iter_mut());
        into.zip(okm.iter()).for_each(|(to, from)| *to = *from);
        Self { k: AeadKey::new(&k), prefix, kcom }
    }

    /// The header of a blob of this form: `form || com`.
    pub(super) fn header(&self, form: &[u8; 8]) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        let com = self.commitment(form);
        header.iter_mut().zip(form.iter().chain(&com)).for_each(|(to, from)| *to = *from);
        header
    }

    /// Checks a header that was received: first that it was made with this key, then what it says.
    pub(super) fn check(&self, header: &[u8; HEADER_BYTES], purpose: Purpose) -> Result<(), AttachmentError> {
        let (received, com) = header.split_first_chunk::<8>().ok_or(AttachmentError::Commitment)?;
        if !bool::from(self.commitment(received).as_slice().ct_eq(com)) {
            return Err(AttachmentError::Commitment);
        }
        // From here on the author of the key is the author of the header.
        let wanted = form(purpose);
        match (received.first_chunk::<6>() == wanted.first_chunk(), *received == wanted) {
            (true, true) => Ok(()),
            (true, false) => Err(AttachmentError::Purpose { wanted: purpose }),
            (false, _) => Err(AttachmentError::Header),
        }
    }

    /// `com = MAC(kcom, "att-com", header[0..8])`.
    fn commitment(&self, form: &[u8; 8]) -> [u8; 32] {
        mac(&self.kcom, Label::AttCom, &[form])
    }

    /// Seals the plaintext in `chunk` where it lies.
    pub(super) fn seal(
        &self,
        plan: &ChunkPlan,
        header: &[u8; HEADER_BYTES],
        chunk: &mut Vec<u8>,
    ) -> Result<(), AttachmentError> {
        self.k.seal_tail(&self.nonce(plan), header, chunk, 0).map_err(|_| AttachmentError::Chunk { index: plan.index })
    }

    /// The plaintext of a chunk.
    pub(super) fn open(
        &self,
        plan: &ChunkPlan,
        header: &[u8; HEADER_BYTES],
        sealed: &[u8],
    ) -> Result<SecretBytes, AttachmentError> {
        self.k.open(&self.nonce(plan), header, sealed).map_err(|_| AttachmentError::Chunk { index: plan.index })
    }

    /// `prefix || u32 i || u8 last`.
    fn nonce(&self, plan: &ChunkPlan) -> [u8; 12] {
        let mut nonce = [0; 12];
        let index = plan.index.to_be_bytes();
        let parts = self.prefix.iter().chain(&index).copied().chain([plan.last.as_u8()]);
        nonce.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        nonce
    }
}
