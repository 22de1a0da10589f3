//! Root and chain steps: `docs/protocol.md` B6.1.

use std::sync::OnceLock;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::chain::Direction;
use super::lane::LaneSecret;
use crate::ids::SessionId;
use crate::labels::Label;
use crate::primitives::aead::AeadKey;
use crate::primitives::{Secret, kdf};

/// `RK`.
pub(super) struct RootKey(pub(super) Secret<32>);

/// `CK`.
pub(super) struct ChainKey(pub(super) Secret<32>);

/// `mk`: opens one message.
pub(super) struct MessageKey(pub(super) Secret<32>);

/// `HK`, with its expanded form made at first use and kept: a device tries every message on every session.
pub(super) struct HeaderKey {
    bytes: Secret<32>,
    expanded: OnceLock<AeadKey>,
}

impl HeaderKey {
    pub(super) const fn new(bytes: Secret<32>) -> Self {
        Self { bytes, expanded: OnceLock::new() }
    }

    pub(super) fn aead(&self) -> &AeadKey {
        self.expanded.get_or_init(|| AeadKey::new(self.bytes.as_bytes()))
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 32] {
        self.bytes.as_bytes()
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        self.bytes.ct_eq(&other.bytes).into()
    }
}

/// What a root step gives.
pub(super) struct RootStep {
    pub(super) root: RootKey,
    pub(super) chain: ChainKey,
    pub(super) next_header: HeaderKey,
}

/// `KDF( salt=rk, ikm = (k or Z32) || dh, "root", ctx = sid || u8 dir || u32 e, 96 )`, cut into the next root key, the
/// chain key, and the header key of the chain after this one. `e` is 0 iff `k` is absent.
pub(super) fn root_step(
    root: &RootKey,
    dh: &Zeroizing<[u8; 32]>,
    lane: Option<(&LaneSecret, u32)>,
    sid: &SessionId,
    direction: Direction,
) -> RootStep {
    let (k, epoch) = lane.map_or((&[0; 32], 0), |(k, epoch)| (k.as_bytes(), epoch));
    let ctx: [&[u8]; 3] = [sid.as_bytes(), &[direction.as_u8()], &epoch.to_be_bytes()];
    let okm = kdf::kdf::<96>(root.0.as_bytes(), &[k, &**dh], Label::Root, &ctx);
    let [root, chain, next_header] = kdf::thirds(&okm);
    RootStep { root: RootKey(root), chain: ChainKey(chain), next_header: HeaderKey::new(next_header) }
}

impl ChainKey {
    /// ChainStep: `mk = HMAC-SHA-256(ck, 0x01)`, `ck' = HMAC-SHA-256(ck, 0x02)`.
    pub(super) fn step(&self) -> (MessageKey, Self) {
        let [mk, next] = kdf::chain_macs(self.0.as_bytes(), [0x01, 0x02]);
        (MessageKey(Secret::new(&mk)), Self(Secret::new(&next)))
    }

    /// `ck'` alone, where the message is passed over.
    pub(super) fn next(&self) -> Self {
        let [next] = kdf::chain_macs(self.0.as_bytes(), [0x02]);
        Self(Secret::new(&next))
    }
}
