//! The shared secret: `docs/protocol.md` B4.3.

use zeroize::Zeroizing;

use crate::ids::SessionId;
use crate::labels::Label;
use crate::primitives::{Secret, kdf};

/// The four or five Diffie-Hellman results, in the order of the specification.
pub(super) struct SharedSecrets {
    /// `ss` of ML-KEM-1024.
    pub(super) ml_kem: Zeroizing<[u8; 32]>,
    /// `DH(DDK_A, DDK_B)`: without it, whoever steals SPK_B could be anyone to B.
    pub(super) dh0: Zeroizing<[u8; 32]>,
    /// `DH(DDK_A, SPK_B)`.
    pub(super) dh1: Zeroizing<[u8; 32]>,
    /// `DH(EK_A, DDK_B)`.
    pub(super) dh2: Zeroizing<[u8; 32]>,
    /// `DH(EK_A, SPK_B)`.
    pub(super) dh3: Zeroizing<[u8; 32]>,
    /// `DH(EK_A, OPK_B)`, or 32 zero bytes.
    pub(super) dh4: Zeroizing<[u8; 32]>,
}

/// `RK0`, `HKa` and `NHKb`.
pub(crate) struct InitialKeys {
    pub(crate) root: Secret<32>,
    pub(crate) initiator_header: Secret<32>,
    pub(crate) responder_header: Secret<32>,
}

impl SharedSecrets {
    /// `okm = KDF( salt = sid, ikm = ss || DH0 || DH1 || DH2 || DH3 || DH4, "handshake", ctx = sid, 96 )`, cut into
    /// `RK0`, `HKa`, `NHKb`.
    pub(super) fn derive(&self, sid: &SessionId) -> InitialKeys {
        let ikm: [&[u8]; 6] = [&*self.ml_kem, &*self.dh0, &*self.dh1, &*self.dh2, &*self.dh3, &*self.dh4];
        let okm = kdf::kdf::<96>(sid.as_bytes(), &ikm, Label::Handshake, &[sid.as_bytes()]);
        let [root, initiator_header, responder_header] = kdf::thirds(&okm);
        InitialKeys { root, initiator_header, responder_header }
    }
}
