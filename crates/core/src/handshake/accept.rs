//! The responder's half: `docs/protocol.md` B4.5.

use core::fmt;
use std::sync::Arc;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::secrets::SharedSecrets;
use super::{Generation, Grade, InitHeader, InitMessage, PrekeyUse};
use crate::errors::DecryptError;
use crate::identity::{DeviceCertificate, DevicePublic, LocalDevice};
use crate::prekey::{KemPrekey, OneTimePrekey, SignedPrekey, bundle_hash};
use crate::primitives::{Ed25519PublicKey, X25519PublicKey, X25519Secret};
use crate::ratchet::{Opened, Session, SessionPeer};
use crate::time::Timestamp;

/// This device as the responder: its keys, and the identity keys of its account that count as the current one (B2).
#[derive(Clone, Copy)]
pub struct Recipient<'a> {
    /// The device.
    pub device: &'a LocalDevice,
    /// Identity keys that the account led away from at most 30 days ago.
    pub previous_aiks: &'a [Ed25519PublicKey],
}

/// Who the envelope proved to have sent the message: certificate, manifest and tag are verified (B7.2).
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Initiator<'a> {
    /// The device of the certificate.
    pub(crate) device: &'a DevicePublic,
    /// Identity keys that count as its account's current one (B2), besides the certificate's.
    pub(crate) other_aiks: &'a [Ed25519PublicKey],
    /// The highest generation of any session sent to it or accepted from it.
    pub(crate) highest_generation: Option<Generation>,
}

impl<'a> Initiator<'a> {
    /// The device that `certificate` names, while the account has the identity key that the certificate has. From an
    /// envelope: [`AuthenticatedEnvelope::initiator`](crate::envelope::AuthenticatedEnvelope::initiator), which knows
    /// the former keys too.
    pub const fn certified(certificate: &'a DeviceCertificate, highest_generation: Option<Generation>) -> Self {
        Self { device: &certificate.device, other_aiks: &[], highest_generation }
    }
}

/// The private prekeys that the header names, by id *and* type.
#[derive(Clone, Copy)]
pub struct ResponderPrekeys<'a> {
    /// `spk_id`.
    pub spk: &'a SignedPrekey,
    /// `opk_id`; `None` iff the header names none.
    pub opk: Option<&'a OneTimePrekey>,
    /// `kem_id`, of the type that the flags say.
    pub kem: &'a KemPrekey,
}

/// A session that a peer began, and the first message of it that opened.
///
/// The caller commits, in one transaction: the session (placed by B12), the pins, the deletion of the one-time keys,
/// and, if [`Grade::uses_one_time_key`] is false, the insertion of `sid` into the seen-set (already there ⇒ nothing is
/// committed, `DecryptFailed`).
#[non_exhaustive]
pub struct Accepted {
    /// The session, confirmed.
    pub session: Session,
    /// What the first message said.
    pub opened: Opened,
    /// Which prekeys were used.
    pub grade: Grade,
}

impl fmt::Debug for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Accepted(..)")
    }
}

impl InitMessage<'_> {
    /// Steps 1, 2 (what the header must equal), 5 and 6 of B4.5: every failure is `DecryptFailed` and changes nothing.
    ///
    /// Before: a session with this `sid` takes [`message`](Self::message) itself (step 3), and a `sid` in the seen-set
    /// is `DecryptFailed` (step 4).
    pub fn accept(
        &self,
        me: Recipient<'_>,
        from: Initiator<'_>,
        prekeys: ResponderPrekeys<'_>,
        now: Timestamp,
    ) -> Result<Accepted, DecryptError> {
        let header = self.header();
        check_parties(header, me, from)?;
        check_prekeys(header, me, prekeys)?;
        if !header.generation().is_within_jump_of(from.highest_generation) {
            return Err(DecryptError::DecryptFailed);
        }
        let keys = secrets(header, me, prekeys).ok_or(DecryptError::DecryptFailed)?.derive(&header.sid());
        let peer = SessionPeer { device: *header.initiator() };
        let spk = X25519Secret::from_slice(prekeys.spk.secret().seed()).ok_or(DecryptError::DecryptFailed)?;
        let fresh = Session::as_responder(header.sid(), peer, header.generation(), keys, Arc::new(spk), now);
        // A fresh session has two header keys: one that does not open is a forgery like any other.
        let (opened, session) = fresh.decrypt(self.message(), now).map_err(|_| DecryptError::DecryptFailed)?;
        Ok(Accepted { session, opened, grade: header.grade() })
    }
}

/// The header names this very registration of this device, another device than it as initiator, and of that exactly
/// the keys of the certificate.
fn check_parties(header: &InitHeader, me: Recipient<'_>, from: Initiator<'_>) -> Result<(), DecryptError> {
    let (mine, theirs, sender) = (me.device.public().address, header.initiator(), from.device);
    let to_me = header.responder() == mine;
    let from_other = (theirs.address.account, theirs.address.device) != (mine.account, mine.device);
    let same_device = theirs.is_same_device(sender);
    let same_account = theirs.aik == sender.aik || from.other_aiks.contains(&theirs.aik);
    match to_me && from_other && same_device && same_account {
        true => Ok(()),
        false => Err(DecryptError::DecryptFailed),
    }
}

/// The prekeys are those that the header names, and their stored records, as published, give its `bundle_hash`, with
/// the account's identity key or one that it led away from.
pub(super) fn check_prekeys(
    header: &InitHeader,
    me: Recipient<'_>,
    prekeys: ResponderPrekeys<'_>,
) -> Result<(), DecryptError> {
    let kem_use = if prekeys.kem.is_last_resort() { PrekeyUse::Shared } else { PrekeyUse::OneTime };
    let named = prekeys.spk.key_id() == header.spk_id()
        && prekeys.opk.map(OneTimePrekey::key_id) == header.opk_id()
        && prekeys.kem.key_id() == header.kem_id()
        && kem_use == header.grade().ml_kem;
    let own = me.device.public();
    let aiks = core::iter::once(&own.aik).chain(me.previous_aiks);
    let hashed = aiks.fold(subtle::Choice::from(0), |found, aik| {
        let opk = prekeys.opk.map(OneTimePrekey::record);
        let device = DevicePublic { aik: *aik, ..*own };
        let hash = bundle_hash(&device, prekeys.spk.record(), opk, prekeys.kem.record());
        found | hash.ct_eq(&header.fields().bundle_hash)
    });
    match named && bool::from(hashed) {
        true => Ok(()),
        false => Err(DecryptError::DecryptFailed),
    }
}

/// B's side of each secret; `None` if a key of A's has a small order.
fn secrets(header: &InitHeader, me: Recipient<'_>, prekeys: ResponderPrekeys<'_>) -> Option<SharedSecrets> {
    let fields = header.fields();
    let (ek, their_ddk) = (&fields.ek, &fields.initiator.ddk);
    let (ddk, spk) = (me.device.ddk(), prekeys.spk.secret());
    let dh = |secret: &X25519Secret, public: &X25519PublicKey| secret.diffie_hellman(public).ok();
    Some(SharedSecrets {
        ml_kem: prekeys.kem.secret().decapsulate(&fields.ct),
        dh0: dh(ddk, their_ddk)?,
        dh1: dh(spk, their_ddk)?,
        dh2: dh(ddk, ek)?,
        dh3: dh(spk, ek)?,
        dh4: match prekeys.opk {
            Some(opk) => dh(opk.secret(), ek)?,
            None => Zeroizing::new([0; 32]),
        },
    })
}
