//! What one encapsulation binds, and the sender's tag: `docs/protocol.md` B7.2.

use zeroize::Zeroizing;

use crate::identity::DevicePublic;
use crate::ids::DeviceAddress;
use crate::labels::Label;
use crate::primitives::kdf;

/// `info = lbl("sealed") || account_B || u32 device_B || u32 reg_B || HASH("env-record", ENV record without sig)`.
pub(super) fn info(to: DeviceAddress, env_record: &[u8]) -> Vec<u8> {
    let record = kdf::hash(Label::EnvRecord, &[env_record]);
    [Label::Sealed.framed(), &to.to_bytes(), &record].concat()
}

/// What the key of the tag is made of.
pub(super) struct TagKey<'a> {
    /// `ctx.Export(lbl("sealed-export"), 32)`.
    pub(super) export: &'a Zeroizing<[u8; 32]>,
    /// `DH(DDK_A, DDK_B)`.
    pub(super) dh: &'a Zeroizing<[u8; 32]>,
    pub(super) enc: &'a [u8; 1120],
    pub(super) hint: u8,
}

impl TagKey<'_> {
    /// ```text
    /// tag = MAC( KDF(Z32, export || DH(DDK_A,DDK_B), "sealed-auth", enc || u8 env_hint, 32),
    ///            "sealed-tag", SHA-256(body) || ID_A || ID_B )
    /// ```
    pub(super) fn tag(&self, body: &[u8], from: &DevicePublic, to: &DevicePublic) -> [u8; 32] {
        let ikm: [&[u8]; 2] = [&**self.export, &**self.dh];
        let key = kdf::kdf::<32>(&[0; 32], &ikm, Label::SealedAuth, &[self.enc, &[self.hint]]);
        let digest = kdf::sha256(&[body]);
        kdf::mac(&key, Label::SealedTag, &[&digest, &from.id_bytes(), &to.id_bytes()])
    }
}
