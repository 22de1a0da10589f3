//! What is known of a contact's identity, and how a manifest is judged by it: `docs/protocol.md` B2 and B14 (pins).

mod chain;
mod gap;
mod other_keys;
mod state;

use chain::Chain;
pub use chain::FormerKeys;
use gap::Gap;
pub use gap::{Fetched, MissingManifests};
use other_keys::OtherKeys;
pub use state::CorruptPin;

use super::changes::{DeviceChanges, IdentityEvent, KeyRotation, same};
use super::manifest::{ListedDevice, Manifest, Step};
use crate::ids::{AccountId, DeviceAddress, DeviceId};
use crate::limits::OPEN_GAPS;
use crate::primitives::Ed25519PublicKey;
use crate::suite::Suite;
use crate::time::Timestamp;

/// Where a manifest came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// A bundle, or a manifest fetched from the relay: a lower `seq` is a rollback.
    Directory,
    /// An INIT or a `SenderInfo`: a lower `seq` is a sender who does not know better yet.
    Message,
}

/// Why a manifest, or an identity key, is not taken.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PinError {
    /// The manifest is of another account.
    #[error("a manifest of another account")]
    OtherAccount,
    /// Event `ManifestFork`: two manifests for one place in the chain.
    #[error("two manifests for one place in the chain")]
    Fork,
    /// The directory gave an older manifest than the pinned one.
    #[error("an older manifest than the pinned one")]
    Rollback,
    /// Held without event: the manifest that would explain it is not here, or it lost by the gap rule. The pin is
    /// stored (it remembers since when).
    #[error("held until its manifest is here")]
    Held(Box<ManifestPin>),
    /// Event `IdentityChanged`, once for each new pin: sending is blocked and envelopes under the key are held until
    /// the app acknowledges. The pin is stored.
    #[error("another identity key than the pinned one")]
    IdentityChanged(Box<ManifestPin>),
}

/// The next pin, and what has happened.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Adoption {
    /// To be stored.
    pub pin: ManifestPin,
    /// In the order in which they are raised.
    pub events: Vec<IdentityEvent>,
}

/// A contact's chain of manifests as far as it was seen, kept for 400 days after the contact was deleted (B12).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ManifestPin {
    chain: Chain,
    gap: Option<Gap>,
    /// Hashes of manifests that lost by the gap rule, newest first, at most 16.
    lost: Vec<[u8; 32]>,
    /// The newest of them, as long as what it took away stays away.
    loser: Option<Manifest>,
    others: OtherKeys,
    suite_rank: u32,
}

impl ManifestPin {
    /// The first manifest of an account is taken as it is (trust on first use, under a certificate).
    pub fn first(manifest: Manifest) -> Self {
        Self {
            chain: Chain::starting(manifest),
            gap: None,
            lost: Vec::new(),
            loser: None,
            others: OtherKeys::default(),
            suite_rank: 0,
        }
    }

    /// Judges a verified manifest of this account. The pinned bytes, and an older manifest in a message, change
    /// nothing: the device is judged by the pinned one.
    pub fn judge(&self, manifest: &Manifest, source: Source, now: Timestamp) -> Result<Adoption, PinError> {
        let current = &self.chain.current;
        if manifest.account() != current.account() {
            return Err(PinError::OtherAccount);
        }
        if manifest.hash() == current.hash() {
            return Ok(self.unchanged());
        }
        if let Some(step) = manifest.follows(current) {
            return Ok(self.adopt(manifest, Some(step), self.gap.clone(), now));
        }
        if self.others.acknowledged == Some(*manifest.aik()) {
            return Ok(self.replaced_by(manifest));
        }
        if self.lost.contains(manifest.hash()) || self.lost.contains(manifest.prev_hash()) {
            return Err(PinError::Held(Box::new(self.clone())));
        }
        let announced = self.announces(manifest.aik());
        if !announced && !self.accepts_key(manifest.aik(), now) {
            return Err(self.other_key(manifest.aik(), now));
        }
        match manifest.seq().checked_sub(current.seq()) {
            None if source == Source::Directory => Err(PinError::Rollback),
            None => Ok(self.unchanged()),
            Some(0 | 1) => Err(PinError::Fork),
            Some(_) if announced => Err(self.unexplained(manifest.aik(), now)),
            // A key that the chain led away from signs nothing new.
            Some(_) if manifest.aik() != current.aik() => Err(PinError::Fork),
            // Once a jump has lost, a manifest is adopted only with all that lies before it.
            Some(_) if !self.lost.is_empty() => Err(PinError::Held(Box::new(self.clone()))),
            Some(_) => self.jump(manifest, now),
        }
    }

    /// Judges the identity key of a certificate or an InitHeader where no manifest comes with it.
    pub fn judge_key(&self, aik: &Ed25519PublicKey, now: Timestamp) -> Result<(), PinError> {
        if self.accepts_key(aik, now) {
            return Ok(());
        }
        match self.announces(aik) || self.others.acknowledged == Some(*aik) {
            true => Err(self.unexplained(aik, now)),
            false => Err(self.other_key(aik, now)),
        }
    }

    /// Whether `aik` is the pinned key, or one that the chain led away from at most 30 days ago: the two count the
    /// same in certificates, InitHeaders, `bundle_hash` and `ID_B`. Who a member is, is asked of
    /// [`descends_from`](Self::descends_from).
    pub fn accepts_key(&self, aik: &Ed25519PublicKey, now: Timestamp) -> bool {
        self.keys(now).any(|key| key == aik)
    }

    /// Whether `aik` is the pinned key, or one of the newest 64 that the chain led away from, however long ago: the
    /// account that `Member.aik` or `OrgMember.aik` names is then this one (B2.4 rule 6). No certificate, INIT or
    /// session counts for that.
    pub fn descends_from(&self, aik: &Ed25519PublicKey) -> bool {
        self.chain.descends_from(aik)
    }

    /// The keys that [`descends_from`](Self::descends_from) knows besides the pinned one.
    pub const fn former_keys(&self) -> &FormerKeys {
        &self.chain.lineage
    }

    /// Whether a manifest under `aik` may come next: an accepted key, or the announced one.
    pub(super) fn expects_key(&self, aik: &Ed25519PublicKey, now: Timestamp) -> bool {
        self.announces(aik) || self.accepts_key(aik, now)
    }

    /// The pinned key, then its predecessors of the last 30 days, newest first.
    pub fn keys(&self, now: Timestamp) -> impl Iterator<Item = &Ed25519PublicKey> {
        core::iter::once(self.chain.current.aik()).chain(self.chain.predecessors(now))
    }

    /// The app has seen that the identity key changed to `aik`, and goes on with it. Its next manifest is adopted as
    /// a first one; no other key takes that back, only another acknowledgement. `None` unless it is among the last four
    /// keys that an `IdentityChanged` named.
    pub fn acknowledge(&self, aik: &Ed25519PublicKey) -> Option<Self> {
        self.others.acknowledge(aik).map(|others| Self { others, ..self.clone() })
    }

    /// The newest of the keys that block sending until the app acknowledges one of them and its manifest is here.
    pub fn blocked_by(&self) -> Option<&Ed25519PublicKey> {
        self.others.unacknowledged.first()
    }

    /// Whose it is.
    pub const fn account(&self) -> AccountId {
        self.chain.current.account()
    }

    /// The newest manifest adopted. Which of its devices count is said by [`devices`](Self::devices).
    pub const fn current(&self) -> &Manifest {
        &self.chain.current
    }

    /// The devices that count: those of the pinned manifest, and after a lost jump those of them that the losing one
    /// lists too, with the same registration and keys (B2.3 gap rule 3). Nothing is sent to others, and nothing of
    /// theirs is taken.
    pub fn devices(&self) -> impl Iterator<Item = &ListedDevice> {
        let left = |listed: &&ListedDevice| {
            self.loser.as_ref().is_none_or(|loser| loser.devices().iter().any(|there| same(listed, there)))
        };
        self.chain.current.devices().iter().filter(left)
    }

    /// The device with this id, if it counts.
    pub fn device(&self, id: DeviceId) -> Option<&ListedDevice> {
        self.devices().find(|listed| listed.device.address.device == id)
    }

    /// Whether this registration counts.
    pub fn lists(&self, address: DeviceAddress) -> bool {
        self.listed(address).is_some()
    }

    fn listed(&self, address: DeviceAddress) -> Option<&ListedDevice> {
        self.device(address.device).filter(|listed| listed.device.address == address)
    }

    /// Whether the device may get what was sent before: one that came with an open gap gets nothing old.
    pub fn may_get_older(&self, address: DeviceAddress) -> bool {
        let Some(now) = self.listed(address) else { return false };
        // Under the same registration with other keys it is another device.
        self.gap.as_ref().is_none_or(|gap| gap.settled().listed(address).is_some_and(|then| same(now, then)))
    }

    /// Whether a bundle of this suite is at least as strong as any seen before.
    pub const fn accepts_suite(&self, suite: Suite) -> bool {
        suite.rank() >= self.suite_rank
    }

    /// After a valid bundle of this suite.
    pub fn raised_to(mut self, suite: Suite) -> Self {
        self.suite_rank = self.suite_rank.max(suite.rank());
        self
    }

    /// The app overrides the pinned strength, and logs it: bundles of `suite` are accepted again.
    pub fn lowered_to(mut self, suite: Suite) -> Self {
        self.suite_rank = self.suite_rank.min(suite.rank());
        self
    }

    fn announces(&self, aik: &Ed25519PublicKey) -> bool {
        self.chain.current.next_aik() == Some(aik)
    }

    /// As if a bundle of this strength had been seen: v1 has one suite only.
    #[cfg(test)]
    pub(crate) fn with_suite_rank(mut self, suite_rank: u32) -> Self {
        self.suite_rank = suite_rank;
        self
    }

    /// Keys that nothing can explain any more wait no longer: the next time they are a change.
    fn without_the_explained(self) -> Self {
        let missing = self.gap.is_some() || !self.lost.is_empty();
        let others = self.others.after(self.chain.current.aik(), |aik| missing || self.announces(aik));
        Self { others, ..self }
    }

    fn unchanged(&self) -> Adoption {
        Adoption { pin: self.clone(), events: Vec::new() }
    }

    fn adopt(&self, manifest: &Manifest, step: Option<Step>, gap: Option<Gap>, now: Timestamp) -> Adoption {
        let (old, new) = (&self.chain.current, manifest);
        let rotated = (step == Some(Step::Rotated)).then(|| KeyRotation { from: *old.aik(), to: *new.aik() });
        let opened = step.is_none().then(|| IdentityEvent::GapOpened {
            after_seq: gap.as_ref().map_or(old.seq(), |gap| gap.settled().seq()),
            before_seq: new.seq(),
        });
        let lost = self.lost.iter().filter(|hash| *hash != new.hash()).copied().collect();
        let pin = Self {
            chain: self.chain.extended(manifest, now),
            gap,
            lost,
            loser: self.loser.clone().filter(|loser| binds(loser, old, new)),
            others: self.others.clone(),
            suite_rank: self.suite_rank,
        }
        .without_the_explained();
        let (before, after): (Vec<_>, Vec<_>) = (self.devices().collect(), pin.devices().collect());
        let devices = DeviceChanges::between(&before, &after).into_event();
        let rotated = rotated.map(|keys| IdentityEvent::IdentityRotated(Box::new(keys)));
        let events = [rotated, opened, devices].into_iter().flatten().collect();
        Adoption { pin, events }
    }

    /// A larger gap under the pinned key: adopted, and what lies between must be seen.
    fn jump(&self, manifest: &Manifest, now: Timestamp) -> Result<Adoption, PinError> {
        let gap = match &self.gap {
            None => Gap::open(self.chain.clone(), now),
            Some(gap) if gap.jumps() < OPEN_GAPS => gap.widened(&self.chain.current),
            Some(_) => return Err(PinError::Fork),
        };
        Ok(self.adopt(manifest, None, Some(gap), now))
    }

    /// An acknowledged key: as a first manifest, with every device of the old identity gone.
    fn replaced_by(&self, manifest: &Manifest) -> Adoption {
        let pin = Self { suite_rank: self.suite_rank, ..Self::first(manifest.clone()) };
        let events = DeviceChanges::replaced(&self.chain.current, manifest).into_event();
        Adoption { pin, events: events.into_iter().collect() }
    }

    /// A key that is neither pinned nor announced. While a part of the chain is missing, that part may explain it.
    fn other_key(&self, aik: &Ed25519PublicKey, now: Timestamp) -> PinError {
        match self.gap.is_some() || !self.lost.is_empty() {
            true => self.unexplained(aik, now),
            false => self.changed(aik),
        }
    }

    /// Held for 72 h from the first time the key was seen, then a change. An acknowledged one waits for its manifest as
    /// long as that takes.
    fn unexplained(&self, aik: &Ed25519PublicKey, now: Timestamp) -> PinError {
        if self.others.acknowledged == Some(*aik) {
            return PinError::Held(Box::new(self.clone()));
        }
        match self.others.held(aik, now) {
            Some(others) => PinError::Held(Box::new(Self { others, ..self.clone() })),
            None => self.changed(aik),
        }
    }

    fn changed(&self, aik: &Ed25519PublicKey) -> PinError {
        PinError::IdentityChanged(Box::new(Self { others: self.others.blocked_by(aik), ..self.clone() }))
    }
}

/// Whether what `loser` took away stays away when `new` is adopted after `old`: until a higher `seq`, the losing one
/// itself, or a rotation away from its key, with which the account signs nothing new.
fn binds(loser: &Manifest, old: &Manifest, new: &Manifest) -> bool {
    let left_its_key = old.aik() == loser.aik() && new.aik() != old.aik();
    new.seq() <= loser.seq() && new.hash() != loser.hash() && !left_its_key
}
