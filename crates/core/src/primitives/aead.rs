//! AES-256-GCM with a 96-bit nonce and a 128-bit tag (NIST SP 800-38D).
//!
//! A nonce belongs to the call that derives or draws it: header nonces are random (B6.3), message and attachment
//! nonces come with a key that is used once or from the chunk counter (B6.4, B10).

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::SecretBytes;

/// Bytes that sealing adds.
pub(crate) const TAG_BYTES: usize = 16;

/// An expanded AES-256-GCM key, boxed: expanding takes longer than opening a header.
pub(crate) struct AeadKey(Box<Aes256Gcm>);

// `aes-gcm` wipes itself with its `zeroize` feature on; this line fails to compile otherwise.
const fn wiped<T: ZeroizeOnDrop>() {}
const _: () = wiped::<Aes256Gcm>();

impl AeadKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(Box::new(Aes256Gcm::new(key.into())))
    }

    /// Appends `ciphertext || tag` of what lies in `buffer` from `start` on, in place.
    pub(crate) fn seal_tail(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        buffer: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), AeadError> {
        let plaintext = buffer.get_mut(start..).ok_or(AeadError)?;
        let tag = self.0.encrypt_inout_detached(&Nonce::from(*nonce), aad, plaintext.into()).map_err(|_| AeadError)?;
        buffer.extend_from_slice(&tag);
        Ok(())
    }

    /// `ciphertext || tag`.
    pub(crate) fn seal(&self, nonce: &[u8; 12], aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, AeadError> {
        let mut buffer = Vec::with_capacity(plaintext.len().saturating_add(TAG_BYTES));
        buffer.extend_from_slice(plaintext);
        self.seal_tail(nonce, aad, &mut buffer, 0)?;
        Ok(buffer)
    }

    /// As [`seal`](Self::seal), `N` bytes with the tag, without the heap.
    pub(crate) fn seal_fixed<const N: usize>(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<[u8; N], AeadError> {
        let mut sealed = [0; N];
        let (text, tag) = sealed.split_last_chunk_mut::<TAG_BYTES>().ok_or(AeadError)?;
        if text.len() != plaintext.len() {
            return Err(AeadError);
        }
        text.copy_from_slice(plaintext);
        *tag = self.0.encrypt_inout_detached(&Nonce::from(*nonce), aad, text.into()).map_err(|_| AeadError)?.into();
        Ok(sealed)
    }

    /// The plaintext, in a buffer of its own: the tag is verified before a byte is decrypted.
    pub(crate) fn open(&self, nonce: &[u8; 12], aad: &[u8], sealed: &[u8]) -> Result<SecretBytes, AeadError> {
        let (ciphertext, tag) = sealed.split_last_chunk::<TAG_BYTES>().ok_or(AeadError)?;
        let mut plaintext = SecretBytes::copy_of(ciphertext);
        self.0
            .decrypt_inout_detached(&Nonce::from(*nonce), aad, plaintext.as_mut_slice().into(), tag.into())
            .map_err(|_| AeadError)?;
        Ok(plaintext)
    }

    /// As [`open`](Self::open), of a fixed length and without the heap.
    pub(crate) fn open_fixed<const N: usize>(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<[u8; N]>, AeadError> {
        let (ciphertext, tag) = sealed.split_last_chunk::<TAG_BYTES>().ok_or(AeadError)?;
        let mut plaintext = Zeroizing::new(<[u8; N]>::try_from(ciphertext).map_err(|_| AeadError)?);
        self.0
            .decrypt_inout_detached(&Nonce::from(*nonce), aad, plaintext.as_mut_slice().into(), tag.into())
            .map_err(|_| AeadError)?;
        Ok(plaintext)
    }
}

impl core::fmt::Debug for AeadKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("AeadKey(..)")
    }
}

/// The tag is wrong, or the text is longer than AES-GCM takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct AeadError;

/// One block of AES-256 alone, read off GCM: `AES(key, 0)` is the hash key of T59's forger.
#[cfg(test)]
pub(crate) fn block_encrypt(key: &[u8; 32], block: &[u8; 16]) -> [u8; 16] {
    use aes_gcm::aes::Aes256;
    use aes_gcm::aes::cipher::BlockCipherEncrypt as _;
    let mut out = (*block).into();
    Aes256::new(key.into()).encrypt_block(&mut out);
    out.into()
}
