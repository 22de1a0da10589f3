//! The adversary inside a session: it holds the peer's keys and sends what an honest peer never would. In-crate and
//! for tests only, so that no feature of the library opens a private key.

use super::chain::Direction;
use super::header::{self, Header};
use super::message::{self, BodyKeys};
use super::session::Session;
use crate::primitives::X25519Secret;
use crate::testing::rng;

/// A peer's state with its sending chain ready.
pub(crate) struct Forger {
    state: Session,
}

impl Forger {
    /// Takes over `session`, whose send step is made if one is due.
    pub(crate) fn of(session: &Session) -> Self {
        Self { state: session.ready_to_send(None, &mut rng(0xbad)) }
    }

    /// The same with `dh` as the ratchet key of the new chain, and everything else right.
    pub(super) fn stepping_with(session: &Session, dh: &X25519Secret) -> Self {
        Self { state: session.ready_to_send(Some(dh), &mut rng(0xbad)) }
    }

    /// The header of the next message, as an honest peer would make it.
    pub(super) fn header(&self) -> Header {
        let chain = self.state.sending.as_ref().unwrap();
        Header { dh_public: chain.dh_public, pn: self.state.previous_count, n: chain.n, mix_epoch: chain.mix_epoch }
    }

    /// A message with the key of number `header.n`, this header and this plaintext body.
    pub(super) fn seal(&self, header: Header, body: &[u8]) -> Vec<u8> {
        self.seal_raw(header.to_bytes(), header.n, body, &self.state.fixed.sid)
    }

    /// As [`seal`](Self::seal), with a raw header, and bound to another session's id if asked.
    pub(super) fn seal_raw(
        &self,
        header: [u8; 48],
        key_of: u32,
        body: &[u8],
        ad_sid: &crate::ids::SessionId,
    ) -> Vec<u8> {
        let (chain, sid) = (self.state.sending.as_ref().unwrap(), &self.state.fixed.sid);
        let direction: Direction = self.state.direction_out();
        let nonce = [0x5a; 12];
        let sealed = header::seal(&chain.header_key, &nonce, sid, direction, &header).unwrap();
        let (key, _) = chain.walk(key_of).chain.step();
        let keys = BodyKeys::derive(&key, ad_sid, direction, &nonce, &sealed);
        let mut bytes = message::start(&nonce, &sealed, body.len());
        keys.seal(&mut bytes, |out| out.extend_from_slice(body)).unwrap();
        bytes
    }
}

/// An honest body of `content`, without padding.
pub(super) fn body(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    super::body::Body { ek: None, ct: None, content }.write(&mut out, 0);
    out
}
