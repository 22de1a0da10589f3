//! The initiator's half: `docs/protocol.md` B4.1 to B4.4.

use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use super::header::Fields;
use super::secrets::SharedSecrets;
use super::{Generation, InitHeader, PrekeyUse};
use crate::errors::EncryptError;
use crate::identity::LocalDevice;
use crate::prekey::PrekeyBundle;
use crate::primitives::X25519Secret;
use crate::random::draw;
use crate::ratchet::{Session, SessionPeer};
use crate::time::Timestamp;

impl Session {
    /// A session with the device of `bundle`, unconfirmed. Its first message already reaches the other side.
    ///
    /// `generation` is one more than the highest of any session with that device, ours or theirs (B12). The bundle is
    /// used up: its one-time keys make one session. What is needed of it afterwards is copied before.
    #[expect(clippy::needless_pass_by_value, reason = "a bundle makes one session")]
    pub fn initiate(
        me: &LocalDevice,
        bundle: PrekeyBundle,
        generation: Generation,
        now: Timestamp,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Self, EncryptError> {
        let ek = draw(rng)?;
        let encapsulation = draw(rng)?;
        initiate(me, &bundle, generation, now, &ek, &encapsulation)
    }
}

pub(super) fn initiate(
    me: &LocalDevice,
    bundle: &PrekeyBundle,
    generation: Generation,
    now: Timestamp,
    ek: &Zeroizing<[u8; 32]>,
    encapsulation: &Zeroizing<[u8; 32]>,
) -> Result<Session, EncryptError> {
    let (mine, theirs) = (me.public().address, bundle.device.address);
    if (mine.account, mine.device) == (theirs.account, theirs.device) {
        return Err(EncryptError::InvalidInput);
    }
    let ek = X25519Secret::from_seed(ek);
    let (spk, kem) = (&bundle.spk, &bundle.kem);
    let (ct, ml_kem) = kem.key.encapsulate(encapsulation).map_err(|_| EncryptError::Internal)?;
    let header = InitHeader::from_fields(Fields {
        suite: bundle.suite,
        generation,
        initiator: *me.public(),
        responder: theirs,
        spk_id: spk.key_id,
        opk_id: bundle.opk.as_ref().map(|opk| opk.key_id),
        kem_id: kem.key_id,
        kem_use: if bundle.kem_is_last_resort() { PrekeyUse::Shared } else { PrekeyUse::OneTime },
        bundle_hash: bundle.hash(),
        ek: ek.public_key(),
        ct,
    })
    .ok_or(EncryptError::Internal)?;
    let ddk = &bundle.device.ddk;
    let dh = |secret: &X25519Secret, public| secret.diffie_hellman(public).map_err(|_| EncryptError::Internal);
    let secrets = SharedSecrets {
        ml_kem,
        dh0: dh(me.ddk(), ddk)?,
        dh1: dh(me.ddk(), &spk.key)?,
        dh2: dh(&ek, ddk)?,
        dh3: dh(&ek, &spk.key)?,
        dh4: bundle.opk.as_ref().map_or(Ok(Zeroizing::new([0; 32])), |opk| dh(&ek, &opk.key))?,
    };
    let sid = header.sid();
    let keys = secrets.derive(&sid);
    let peer = SessionPeer { device: bundle.device };
    Ok(Session::as_initiator(sid, peer, header, keys, spk.key, now))
}
