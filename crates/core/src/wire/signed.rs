//! `Signed{body, sig}`: verify over the bytes received, then parse them (rule R1, `docs/protocol.md` B1.2).

use prost::Message;

use super::{Described, WireError, check_extensions, decode_canonical, v1};
use crate::labels::Label;
use crate::primitives::{Ed25519PublicKey, Ed25519Secret};

/// A message that travels as the body of a [`v1::Signed`].
pub(crate) trait SignedBody: Message + Default + Described {
    /// The one use of the signature.
    const LABEL: Label;
    /// Bytes of the body, before decoding.
    const LIMIT: usize = crate::limits::SIGNED_OBJECT_BYTES;

    /// `version`, for the objects that carry one.
    fn version(&self) -> Option<u32> {
        None
    }

    /// Extensions, for the objects that may carry some.
    fn extensions(&self) -> &[v1::Ext] {
        &[]
    }

    /// Decodes a body whose signature is judged elsewhere: canonical form, version, extensions.
    fn parse(body: &[u8]) -> Result<Self, WireError> {
        let message: Self = decode_canonical(body, Self::LIMIT)?;
        if message.version().is_some_and(|version| version != 1) {
            return Err(WireError::UnsupportedVersion);
        }
        check_extensions(message.extensions())?;
        Ok(message)
    }

    /// Whether `signed.sig` is `SIGN(key, LABEL, signed.body)`.
    fn verifies(signed: &v1::Signed, key: &Ed25519PublicKey) -> bool {
        key.verify(Self::LABEL, &[&signed.body], &signed.sig)
    }

    /// `Signed{body, SIGN(key, LABEL, body)}`.
    fn sign(&self, key: &Ed25519Secret) -> v1::Signed {
        let body = self.encode_to_vec();
        let sig = key.sign(Self::LABEL, &[&body]).to_vec();
        v1::Signed { body, sig }
    }
}
