//! A bundle as the directory puts it together: `docs/protocol.md` B3.

use prost::Message as _;

use crate::ids::DeviceId;
use crate::wire::v1;

/// The parts of a bundle. Nothing is checked here: whoever fetches it does.
#[derive(Clone)]
pub struct BundleParts {
    /// Whose prekeys they are.
    pub device: DeviceId,
    /// The account's newest manifest.
    pub manifest: v1::Signed,
    /// Fresh: made when the fetch is answered.
    pub device_cert: v1::Signed,
    /// The certificate of its issuer.
    pub issuer_cert: v1::Signed,
    /// Signed prekey.
    pub spk: v1::SignedRecord,
    /// A one-time prekey that nobody got before, while there are any.
    pub opk: Option<v1::SignedRecord>,
    /// A one-time KEM key that nobody got before, else the last-resort one.
    pub kem: v1::SignedRecord,
    /// The key for envelopes.
    pub env: v1::SignedRecord,
}

impl BundleParts {
    /// As it travels.
    pub fn encode(self) -> Vec<u8> {
        v1::PrekeyBundle::from(self).encode_to_vec()
    }
}

impl From<BundleParts> for v1::PrekeyBundle {
    fn from(parts: BundleParts) -> Self {
        Self {
            manifest: Some(parts.manifest),
            device_id: parts.device.as_u32(),
            device_cert: Some(parts.device_cert),
            issuer_cert: Some(parts.issuer_cert),
            spk: Some(parts.spk),
            opk: parts.opk,
            kem: Some(parts.kem),
            env: Some(parts.env),
        }
    }
}
