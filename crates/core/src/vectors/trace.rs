//! A second reading of the ratchet, from the bytes of session states alone (`proto/session.proto`): what a file shows
//! of the inside of a message is computed here and compared with what the library wrote.

use super::node::{Fields, fields};
use crate::labels::Label;
use crate::primitives::aead::AeadKey;
use crate::primitives::{PublicKey as _, X25519PublicKey, X25519Secret, kdf};
use crate::wire::{FieldReader, FieldValue};

/// The arguments of RootStep (B6.1).
pub(super) struct RootInput<'a> {
    pub(super) rk: &'a [u8; 32],
    pub(super) dh: &'a [u8; 32],
    pub(super) k: Option<&'a [u8; 32]>,
    pub(super) epoch: u32,
    pub(super) dir: u8,
    pub(super) sid: &'a [u8; 32],
}

impl RootInput<'_> {
    pub(super) fn described(&self) -> Fields {
        fields! {
            "rk" => self.rk, "dh" => self.dh, "k" => self.k, "e" => self.epoch, "dir" => u32::from(self.dir),
            "sid" => self.sid,
        }
    }
}

/// Its result.
pub(super) struct RootOutput {
    pub(super) rk: [u8; 32],
    pub(super) ck: [u8; 32],
    pub(super) nhk: [u8; 32],
}

impl RootOutput {
    pub(super) fn described(&self) -> Fields {
        fields! { "next_rk" => self.rk, "ck" => self.ck, "nhk" => self.nhk }
    }
}

/// `KDF(salt=rk, ikm = (k or Z32) || dh, "root", ctx = sid || u8 dir || u32 e, 96)`.
pub(super) fn root_step(given: &RootInput<'_>) -> RootOutput {
    let ctx: [&[u8]; 3] = [given.sid, &[given.dir], &given.epoch.to_be_bytes()];
    let okm = kdf::kdf::<96>(given.rk, &[given.k.unwrap_or(&[0; 32]), given.dh], Label::Root, &ctx);
    let third = |i: usize| okm[32 * i..32 * (i + 1)].try_into().unwrap();
    RootOutput { rk: third(0), ck: third(1), nhk: third(2) }
}

/// The fields of a state, or of a message in it.
pub(super) struct State<'a>(Vec<(u32, FieldValue<'a>)>);

impl<'a> State<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Self {
        let mut reader = FieldReader::new(bytes);
        let fields = core::iter::from_fn(|| reader.field().unwrap()).collect();
        Self(fields)
    }

    fn find(&self, number: u32) -> Option<FieldValue<'a>> {
        self.0.iter().find(|(field, _)| *field == number).map(|(_, value)| *value)
    }

    pub(super) fn bytes(&self, number: u32) -> &'a [u8] {
        match self.find(number) {
            Some(FieldValue::Bytes(bytes)) => bytes,
            _ => &[],
        }
    }

    pub(super) fn key(&self, number: u32) -> [u8; 32] {
        self.bytes(number).try_into().unwrap()
    }

    pub(super) fn number(&self, number: u32) -> u32 {
        match self.find(number) {
            Some(FieldValue::Varint(value)) => u32::try_from(value).unwrap(),
            _ => 0,
        }
    }

    pub(super) fn message(&self, number: u32) -> State<'a> {
        State::read(self.bytes(number))
    }
}

/// Everything between a sender's state and the bytes of its message.
pub(super) struct Sent {
    /// The root step that began the chain, if this is its first message.
    pub(super) root: Option<Fields>,
    /// Keys, header and body.
    pub(super) inside: Fields,
}

/// The keys of one message.
struct Keys {
    root: Option<Fields>,
    ck: [u8; 32],
    mk: [u8; 32],
    okm: [u8; 76],
    ad: Vec<u8>,
}

impl Keys {
    fn of(before: &State<'_>, after: &State<'_>, message: &[u8]) -> Self {
        let (sid, dir) = (before.key(2), direction(before));
        let (root, ck) = match before.number(14) {
            1 => {
                let (root, ck) = first_of_chain(before, after, &sid, dir);
                (Some(root), ck)
            }
            _ => (None, before.message(9).key(2)),
        };
        let [mk, next] = kdf::chain_macs(&ck, [1, 2]).map(|key| *key);
        assert_eq!(next, after.message(9).key(2));
        let salt = kdf::sha256(&[&message[2..78]]);
        let okm = *kdf::kdf::<76>(&salt, &[&mk], Label::Msg, &[&sid, &[dir]]);
        let ad = [&[3, 1], sid.as_slice(), &[dir], &message[2..78]].concat();
        Self { root, ck, mk, okm, ad }
    }

    fn com(&self) -> [u8; 32] {
        kdf::mac(self.okm[44..].try_into().unwrap(), Label::Com, &[&self.ad])
    }

    fn aead(&self) -> (AeadKey, [u8; 12], Vec<u8>) {
        let aad = [self.ad.as_slice(), &self.com()].concat();
        (AeadKey::new(self.okm[..32].try_into().unwrap()), self.okm[32..44].try_into().unwrap(), aad)
    }
}

fn direction(state: &State<'_>) -> u8 {
    u8::from(state.number(3) != 1)
}

/// The header of a message, opened with the sender's state after it.
pub(super) fn header(after: &[u8], message: &[u8]) -> Vec<u8> {
    let state = State::read(after);
    let aad = [Label::Hdr.framed(), &state.key(2), &[direction(&state)]].concat();
    let hk = AeadKey::new(&state.message(9).key(1));
    hk.open(message[2..14].try_into().unwrap(), &aad, &message[14..78]).unwrap().to_vec()
}

/// Reads what a sender did: `before` and `after` are its states, `message` the SessionMessage between them.
pub(super) fn sent(before: &[u8], after: &[u8], message: &[u8]) -> Sent {
    let header = header(after, message);
    let (before, after) = (State::read(before), State::read(after));
    let keys = Keys::of(&before, &after, message);
    let chain = after.message(9);
    let (hk, dir) = (chain.key(1), direction(&before));
    assert_eq!(header[4..36], *chain.bytes(4));
    assert_eq!(keys.com(), message[78..110]);
    let (aead, iv, aad) = keys.aead();
    let body = aead.open(&iv, &aad, &message[110..]).unwrap();
    let inside = fields! {
        "dir" => u32::from(dir), "hk" => hk, "ck" => keys.ck, "mk" => keys.mk,
        "header" => header.as_slice(),
        "pn" => after.number(11), "n" => u32::from_be_bytes(header[40..44].try_into().unwrap()),
        "mix_epoch" => chain.number(5),
        "okm" => keys.okm, "ad" => &keys.ad, "com" => keys.com(), "body" => &body[..],
    };
    Sent { root: keys.root, inside }
}

/// The message with another header and body, sealed with its own keys and nonce.
pub(super) fn resealed(before: &[u8], after: &[u8], message: &[u8], header: &[u8], body: &[u8]) -> Vec<u8> {
    let (before, after) = (State::read(before), State::read(after));
    let (nonce, hk) = (message[2..14].try_into().unwrap(), AeadKey::new(&after.message(9).key(1)));
    let aad = [Label::Hdr.framed(), &before.key(2), &[direction(&before)]].concat();
    let start = [&message[..14], &hk.seal(nonce, &aad, header).unwrap()].concat();
    let keys = Keys::of(&before, &after, &start);
    let (aead, iv, aad) = keys.aead();
    [start.as_slice(), &keys.com(), &aead.seal(&iv, &aad, body).unwrap()].concat()
}

fn first_of_chain(before: &State<'_>, after: &State<'_>, sid: &[u8; 32], dir: u8) -> (Fields, [u8; 32]) {
    let private = X25519Secret::from_slice(after.bytes(7)).unwrap();
    let remote = X25519PublicKey::from_raw(before.bytes(8)).unwrap();
    let dh = private.diffie_hellman(&remote).unwrap();
    let lane = before.message(16);
    let k = (lane.number(1) == 3).then(|| lane.key(4));
    let epoch = k.map_or(0, |_| lane.number(2));
    let rk = before.key(6);
    let given = RootInput { rk: &rk, dh: &dh, k: k.as_ref(), epoch, dir, sid };
    let step = root_step(&given);
    assert_eq!((step.rk, step.nhk), (after.key(6), after.key(10)));
    assert_eq!(before.key(10), after.message(9).key(1));
    (fields! { "given" => given.described(), "gives" => step.described() }, step.ck)
}
