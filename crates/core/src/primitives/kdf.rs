//! `HASH`, `MAC` and `KDF`: `docs/protocol.md` B1. SHA-256 (FIPS 180-4), HMAC (FIPS 198-1), HKDF (RFC 5869).

use hkdf::{Hkdf, HkdfExtract};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256, Sha512};
use zeroize::{Zeroize as _, Zeroizing};

use super::secret::Secret;
use crate::labels::Label;

/// `SHA-256( lbl(s) || x )`, x in parts.
pub(crate) fn hash(label: Label, parts: &[&[u8]]) -> [u8; 32] {
    let mut sha = Sha256::new_with_prefix(label.framed());
    parts.iter().for_each(|part| sha.update(part));
    sha.finalize().into()
}

/// `SHA-256( x )`: a digest of given bytes, never keyed, x in parts.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut sha = Sha256::new();
    parts.iter().for_each(|part| sha.update(part));
    sha.finalize().into()
}

/// `SHA-512( x )`: used only for safety numbers (B11).
pub(crate) fn sha512(parts: &[&[u8]]) -> [u8; 64] {
    let mut sha = Sha512::new();
    parts.iter().for_each(|part| sha.update(part));
    sha.finalize().into()
}

/// `HMAC-SHA-256( k, lbl(s) || x )`, x in parts.
pub(crate) fn mac(key: &[u8; 32], label: Label, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = hmac(key);
    mac.update(label.framed());
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// `HMAC-SHA-256( k, x )` without a label for each one-byte `x`: only the two of ChainStep (B6.1).
pub(crate) fn chain_macs<const N: usize>(key: &[u8; 32], bytes: [u8; N]) -> [Zeroizing<[u8; 32]>; N] {
    let keyed = hmac(key);
    bytes.map(|byte| chain_mac(keyed.clone(), byte))
}

fn chain_mac(mut mac: Hmac<Sha256>, byte: u8) -> Zeroizing<[u8; 32]> {
    mac.update(&[byte]);
    let mut output = mac.finalize().into_bytes();
    let result = Zeroizing::new(output.into());
    output.as_mut_slice().zeroize();
    result
}

fn hmac(key: &[u8; 32]) -> Hmac<Sha256> {
    // 32 bytes are one block's worth or less: `Hmac` takes a key of any length, so no error can come of it.
    Hmac::<Sha256>::new(&hmac_key(key))
}

/// The key as HMAC takes it: padded with zeros to one block.
fn hmac_key(key: &[u8; 32]) -> Zeroizing<hmac::digest::Key<Hmac<Sha256>>> {
    let mut block = Zeroizing::new(hmac::digest::Key::<Hmac<Sha256>>::default());
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    block
}

/// `HKDF-Expand( HKDF-Extract(salt, ikm), lbl(s) || ctx, N )`, ikm and ctx in parts. `N <= 96` in all of v1.
pub(crate) fn kdf<const N: usize>(salt: &[u8; 32], ikm: &[&[u8]], label: Label, ctx: &[&[u8]]) -> Zeroizing<[u8; N]> {
    const { assert!(N <= 255 * 32, "HKDF ends there") };
    let mut extract = HkdfExtract::<Sha256>::new(Some(salt));
    ikm.iter().for_each(|part| extract.input_ikm(part));
    let (mut prk, expand): (_, Hkdf<Sha256>) = extract.finalize();
    prk.as_mut_slice().zeroize();
    let mut info = [&[][..]; 8];
    let mut output = Zeroizing::new([0; N]);
    let parts = core::iter::once(label.framed()).chain(ctx.iter().copied());
    info.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    debug_assert!(ctx.len() < info.len(), "a context of more parts than there is room for");
    // The only error is an output of more than 255 blocks, which does not compile (above).
    let _ = expand.expand_multi_info(&info, output.as_mut_slice());
    output
}

/// 96 bytes, cut into three keys.
pub(crate) fn thirds(okm: &[u8; 96]) -> [Secret<32>; 3] {
    let (keys, _) = okm.as_chunks::<32>();
    core::array::from_fn(|i| Secret::copy_of(keys.get(i).unwrap_or(&[0; 32])))
}

/// `SHA-256( x )`, x as it comes: for files that do not fit in memory.
#[derive(Default)]
pub(crate) struct Sha256Stream(Sha256);

impl Sha256Stream {
    pub(crate) fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
