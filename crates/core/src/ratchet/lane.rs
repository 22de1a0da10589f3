//! PQ lanes: `docs/protocol.md` B6.5. Each device owns one; a root step takes only the lane of the chain's sender.
//!
//! ```text
//! own_lane:  Idle{next} -> Offered{e, seed64, H(ek)} -> Ready{e, k} -> (mixed in my next new sending chain) Idle{e+1}
//! peer_lane: Idle{last} -> Asked{e, ek} -> Pending{e, H(ek), ct, k} -> (peer's new chain shows mix_epoch = e) Idle{e}
//! ```

use std::sync::{Arc, OnceLock};

use zeroize::Zeroizing;

use super::chain::Direction;
use crate::errors::DecryptError;
use crate::ids::SessionId;
use crate::labels::Label;
use crate::primitives::{MlKem768Ciphertext, MlKem768PublicKey, MlKem768Secret, Secret, kdf};

/// `k` of one epoch.
pub(super) type LaneSecret = Secret<32>;

/// Whose lane, in which session: what `k` is bound to.
#[derive(Clone, Copy)]
pub(super) struct LaneContext<'a> {
    pub(super) sid: &'a SessionId,
    pub(super) owner: Direction,
}

impl LaneContext<'_> {
    /// `k = KDF( Z32, ss, "pq-lane", ctx = sid || u8 lane_owner_dir || u32 e || SHA-256(ek) || SHA-256(ct), 32 )`.
    fn secret(self, ss: &Zeroizing<[u8; 32]>, epoch: u32, ek_hash: &[u8; 32], ct: &MlKem768Ciphertext) -> LaneSecret {
        let ct_hash = kdf::sha256(&[ct.as_bytes()]);
        let ctx: [&[u8]; 5] = [self.sid.as_bytes(), &[self.owner.as_u8()], &epoch.to_be_bytes(), ek_hash, &ct_hash];
        Secret::new(&kdf::kdf::<32>(&[0; 32], &[&**ss], Label::PqLane, &ctx))
    }
}

/// The lane that this device owns.
#[derive(Clone)]
pub(super) enum OwnLane {
    Idle { next: u32 },
    Offered { epoch: u32, offer: Arc<Offer> },
    Ready { epoch: u32, secret: Arc<LaneSecret> },
}

/// An open offer: the seed, and the key made from it when it is first needed.
pub(super) struct Offer {
    secret: MlKem768Secret,
    public: OnceLock<MlKem768PublicKey>,
}

impl Offer {
    pub(super) const fn new(secret: MlKem768Secret) -> Self {
        Self { secret, public: OnceLock::new() }
    }

    pub(super) fn public(&self) -> &MlKem768PublicKey {
        self.public.get_or_init(|| self.secret.public_key())
    }

    pub(super) fn seed(&self) -> &[u8; 64] {
        self.secret.seed()
    }
}

impl OwnLane {
    /// An answer: lower than the offer, or already decapsulated ⇒ ignored; equal ⇒ Ready; 0 or higher ⇒ an error.
    pub(super) fn answered(
        &self,
        epoch: u32,
        ct: &MlKem768Ciphertext,
        context: LaneContext<'_>,
    ) -> Result<Self, DecryptError> {
        let open = match self {
            Self::Idle { next } => next.saturating_sub(1),
            Self::Offered { epoch, .. } | Self::Ready { epoch, .. } => *epoch,
        };
        match self {
            _ if epoch == 0 || epoch > open => Err(DecryptError::DecryptFailed),
            Self::Offered { offer, .. } if epoch == open => {
                let ss = offer.secret.decapsulate(ct);
                let ek_hash = kdf::sha256(&[offer.public().as_bytes()]);
                let secret = Arc::new(context.secret(&ss, epoch, &ek_hash, ct));
                Ok(Self::Ready { epoch, secret })
            }
            _ => Ok(self.clone()),
        }
    }

    /// The epoch that was last mixed into a sending chain; 0: none yet.
    pub(super) fn mixed_epoch(&self) -> u32 {
        match self {
            Self::Idle { next: open } | Self::Offered { epoch: open, .. } | Self::Ready { epoch: open, .. } => {
                open.saturating_sub(1)
            }
        }
    }

    /// `take_ready()`: what a new sending chain mixes, and the lane after it.
    pub(super) fn take_ready(&self) -> (Option<(Arc<LaneSecret>, u32)>, Self) {
        match self {
            Self::Ready { epoch, secret } => {
                // Epoch 2^32 - 1 is never offered, so there is always a next one.
                (Some((Arc::clone(secret), *epoch)), Self::Idle { next: epoch.saturating_add(1) })
            }
            _ => (None, self.clone()),
        }
    }
}

/// The lane that the peer owns.
#[derive(Clone)]
pub(super) enum PeerLane {
    Idle { last: u32 },
    Asked { epoch: u32, ek: Arc<MlKem768PublicKey> },
    Pending { epoch: u32, answer: Arc<Answer> },
}

/// An answer that was made: it stays until the peer's next chain shows that it was used.
pub(super) struct Answer {
    pub(super) ek_hash: [u8; 32],
    pub(super) ct: MlKem768Ciphertext,
    pub(super) secret: LaneSecret,
}

impl PeerLane {
    /// The epoch that was last mixed into a receiving chain; 0: none yet.
    pub(super) fn mixed_epoch(&self) -> u32 {
        match self {
            Self::Idle { last } => *last,
            Self::Asked { epoch, .. } | Self::Pending { epoch, .. } => epoch.saturating_sub(1),
        }
    }

    /// An offer: finished epoch ⇒ ignored; the next one in Idle ⇒ Asked; the open one ⇒ must be the same key; anything
    /// else ⇒ an error.
    pub(super) fn offered(&self, epoch: u32, ek: MlKem768PublicKey) -> Result<Self, DecryptError> {
        let last = match self {
            Self::Idle { last } => *last,
            Self::Asked { epoch, .. } | Self::Pending { epoch, .. } => epoch.saturating_sub(1),
        };
        let hash = || kdf::sha256(&[ek.as_bytes()]);
        match self {
            _ if epoch == 0 => Err(DecryptError::DecryptFailed),
            _ if epoch <= last => Ok(self.clone()),
            Self::Idle { last } if Some(epoch) == last.checked_add(1) => Ok(Self::Asked { epoch, ek: Arc::new(ek) }),
            Self::Asked { epoch: open, ek: known } if epoch == *open && **known == ek => Ok(self.clone()),
            Self::Pending { epoch: open, answer } if epoch == *open && answer.ek_hash == hash() => Ok(self.clone()),
            _ => Err(DecryptError::DecryptFailed),
        }
    }

    /// Encapsulates to the open offer with the 32 drawn bytes `m`; `ss` is erased.
    pub(super) fn answer(
        epoch: u32,
        ek: &MlKem768PublicKey,
        m: &Zeroizing<[u8; 32]>,
        context: LaneContext<'_>,
    ) -> Option<Self> {
        let (ct, ss) = ek.encapsulate(m).ok()?;
        let ek_hash = kdf::sha256(&[ek.as_bytes()]);
        let secret = context.secret(&ss, epoch, &ek_hash, &ct);
        Some(Self::Pending { epoch, answer: Arc::new(Answer { ek_hash, ct, secret }) })
    }

    /// What a new receiving chain mixes, and the lane after it: `mix_epoch` must be 0 or the pending epoch.
    pub(super) fn mixed(&self, mix_epoch: u32) -> Result<(Option<&LaneSecret>, Self), DecryptError> {
        match self {
            _ if mix_epoch == 0 => Ok((None, self.clone())),
            Self::Pending { epoch, answer } if *epoch == mix_epoch => {
                Ok((Some(&answer.secret), Self::Idle { last: *epoch }))
            }
            _ => Err(DecryptError::DecryptFailed),
        }
    }
}

/// How often fresh ML-KEM keys have entered the root key of a session, by whose lane they came (B6.5). Each epoch locks
/// out who copied a device's keys before the epoch's offer was made, be it with a quantum computer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LaneEpochs {
    /// The last epoch of this device's lane that was mixed; 0: none yet.
    pub own: u32,
    /// The last epoch of the other device's lane that was mixed; 0: none yet.
    pub peer: u32,
}

/// Lane bookkeeping of one session (B5): it decides when keys travel, never what they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct LaneCounters {
    /// Messages sent and received since the last mix of the own lane.
    pub(super) messages: u32,
    /// When the own lane was last mixed; the session's beginning before that.
    pub(super) mixed_at: crate::time::Timestamp,
    /// Messages sent since ek last travelled.
    pub(super) since_ek: u32,
    /// Messages sent since ct last travelled.
    pub(super) since_ct: u32,
}
