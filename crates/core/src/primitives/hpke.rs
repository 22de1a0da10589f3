//! HPKE (RFC 9180), base mode, KEM 0x647A (X-Wing), KDF 0x0001, AEAD 0x0002: `docs/protocol.md` B7.2 and B2.

use core::convert::Infallible;

use hpke::aead::{AeadCtxR, AeadCtxS, AesGcm256};
use hpke::kdf::HkdfSha256;
use hpke::kem::XWing;
use hpke::{Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _};
use rand_core::{TryCryptoRng, TryRng};
use zeroize::{Zeroize as _, Zeroizing};

use super::{XWingPublicKey, XWingSecret};
use crate::labels::Label;

/// Bytes of `enc`.
pub(crate) const ENC_BYTES: usize = 1120;

/// HPKE failed: no valid key, or a text that does not open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct HpkeError;

/// The sender's side of one encapsulation.
pub(crate) struct SenderContext(AeadCtxS<AesGcm256, HkdfSha256, XWing>);

/// The receiver's side of one encapsulation.
pub(crate) struct ReceiverContext(AeadCtxR<AesGcm256, HkdfSha256, XWing>);

/// `(enc, ctx) = SetupBaseS(pkR, info)` from 64 random bytes, used in the order of the X-Wing draft.
pub(crate) fn setup_sender(
    public: &XWingPublicKey,
    info: &[u8],
    randomness: &Zeroizing<[u8; 64]>,
) -> Result<([u8; ENC_BYTES], SenderContext), HpkeError> {
    let key = <XWing as Kem>::PublicKey::from_bytes(public.as_bytes()).map_err(|_| HpkeError)?;
    let mut replay = Replay { left: randomness.as_slice(), exhausted: false };
    let (enc, context) =
        hpke::setup_sender_with_rng::<AesGcm256, HkdfSha256, XWing>(&OpModeS::Base, &key, info, &mut replay)
            .map_err(|_| HpkeError)?;
    // Another number of bytes than was drawn would mean that the library has changed under us.
    if replay.exhausted || !replay.left.is_empty() {
        return Err(HpkeError);
    }
    let enc = enc.to_bytes().as_slice().try_into().map_err(|_| HpkeError)?;
    Ok((enc, SenderContext(context)))
}

/// `ctx = SetupBaseR(enc, skR, info)`.
pub(crate) fn setup_receiver(
    secret: &XWingSecret,
    enc: &[u8; ENC_BYTES],
    info: &[u8],
) -> Result<ReceiverContext, HpkeError> {
    let key = secret.expand().map_err(|_| HpkeError)?;
    let enc = <XWing as Kem>::EncappedKey::from_bytes(enc).map_err(|_| HpkeError)?;
    hpke::setup_receiver::<AesGcm256, HkdfSha256, XWing>(&OpModeR::Base, &key, &enc, info)
        .map(ReceiverContext)
        .map_err(|_| HpkeError)
}

impl SenderContext {
    /// `ctx.Export(lbl(s), 32)`.
    pub(crate) fn export(&self, label: Label) -> Result<Zeroizing<[u8; 32]>, HpkeError> {
        let mut out = Zeroizing::new([0; 32]);
        self.0.export(label.framed(), out.as_mut_slice()).map_err(|_| HpkeError)?;
        Ok(out)
    }

    /// `ctx.Seal(aad, pt)`; the context has one use.
    pub(crate) fn seal(mut self, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, HpkeError> {
        self.0.seal(plaintext, aad).map_err(|_| HpkeError)
    }
}

impl ReceiverContext {
    /// `ctx.Export(lbl(s), 32)`.
    pub(crate) fn export(&self, label: Label) -> Result<Zeroizing<[u8; 32]>, HpkeError> {
        let mut out = Zeroizing::new([0; 32]);
        self.0.export(label.framed(), out.as_mut_slice()).map_err(|_| HpkeError)?;
        Ok(out)
    }

    /// `ctx.Open(aad, ct)`.
    pub(crate) fn open(&mut self, aad: &[u8], ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, HpkeError> {
        self.0.open(ciphertext, aad).map(Zeroizing::new).map_err(|_| HpkeError)
    }
}

/// Gives HPKE the bytes that were drawn before, so that a random source that fails does so before anything is made.
struct Replay<'a> {
    left: &'a [u8],
    exhausted: bool,
}

impl TryRng for Replay<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        match self.left.split_at_checked(out.len()) {
            Some((now, later)) => {
                out.copy_from_slice(now);
                self.left = later;
            }
            None => {
                out.zeroize();
                self.exhausted = true;
            }
        }
        Ok(())
    }
}

impl TryCryptoRng for Replay<'_> {}
