//! The new device's side of linking: `docs/protocol.md` B2, steps 1, 3 and 5.

use prost::Message as _;
use rand_core::TryCryptoRng;

use super::grant::{BoxId, LinkGrant, REPLY_NONCE, code, info, key_hash, reply_key};
use super::offer::{LinkOffer, RelayUrl};
use crate::identity::{DeviceKind, ListedDevice, LocalDevice, Manifest};
use crate::ids::{DeviceAddress, DeviceId, RegNonce};
use crate::labels::Label;
use crate::limits::{LINK_LIFE_MS, SIGNED_OBJECT_BYTES};
use crate::primitives::{PublicKey as _, ReceiverContext, XWingPublicKey, XWingSecret, setup_receiver};
use crate::random::{RandomError, draw};
use crate::safety_number::ConfirmationCode;
use crate::time::Timestamp;
use crate::wire::{decode_canonical, v1};

/// Why a step of linking failed; the state that was asked is as it was, unless the step consumed it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LinkError {
    /// More than five minutes have passed: begin again.
    #[error("the link offer has run out")]
    Expired,
    /// The key in the box is not the one whose hash the offer names.
    #[error("the key in the box is another one")]
    ForeignKey,
    /// It does not open: made for another offer, replayed from another linking, or altered.
    #[error("the message does not open")]
    DoesNotOpen,
    /// It opens and is not what it should be.
    #[error("the message is malformed")]
    Malformed,
    /// The manifest of the account has expired: the primary signs a new one first.
    #[error("the manifest of the account has expired")]
    ManifestExpired,
    /// The device does not consent to belong to this account, or is not the device that was granted.
    #[error("the device did not answer this grant")]
    OtherDevice,
    /// The directory's manifest is another account's, is not newer than the grant's, has expired, or does not list this
    /// device with its keys.
    #[error("the account does not list this device")]
    NotListed,
    /// The typed code is another one; the one try is used up.
    #[error("wrong code")]
    WrongCode,
    /// The random source failed.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// A device that shows its offer and waits for a grant (steps 1 to 3).
pub struct OfferingDevice {
    offer: LinkOffer,
    key: XWingSecret,
    e: XWingPublicKey,
    made_at: Timestamp,
}

impl OfferingDevice {
    /// Draws a secret and a fresh X-Wing key, used for this linking only.
    pub fn begin(relay: &RelayUrl, now: Timestamp, rng: &mut impl TryCryptoRng) -> Result<Self, RandomError> {
        let (secret, seed) = (draw::<16>(rng)?, draw::<32>(rng)?);
        let key = XWingSecret::from_seed(&seed);
        let e = key.public_key().map_err(|_| RandomError)?;
        let offer =
            LinkOffer { secret: crate::primitives::Secret::new(&secret), key_hash: key_hash(&e), relay: relay.clone() };
        Ok(Self { offer, key, e, made_at: now })
    }

    /// The text for the QR code. It is shown on this device's screen and goes nowhere else.
    pub fn text(&self) -> zeroize::Zeroizing<String> {
        self.offer.to_text()
    }

    /// The box at the relay.
    pub fn box_id(&self) -> BoxId {
        self.offer.box_id()
    }

    /// E, tag||raw: what goes into the box first.
    pub fn box_key(&self) -> Vec<u8> {
        self.e.to_tagged()
    }

    /// Opens `enc || ctx.Seal(aad = "", grant)`. What does not open changes nothing: anyone can write into the box.
    pub fn open_grant(&self, sealed: &[u8], now: Timestamp) -> Result<LinkGrant, LinkError> {
        self.in_time(now)?;
        let (enc, ciphertext) = sealed.split_first_chunk().ok_or(LinkError::DoesNotOpen)?;
        let bytes = self.context(enc)?.open(&[], ciphertext).map_err(|_| LinkError::DoesNotOpen)?;
        let grant: v1::LinkGrant = decode_canonical(&bytes, SIGNED_OBJECT_BYTES).map_err(|_| LinkError::Malformed)?;
        let device = DeviceId::new(grant.device_id).ok_or(LinkError::Malformed)?;
        let manifest = grant.manifest.ok_or(LinkError::Malformed)?;
        Ok(LinkGrant { device, manifest, enc: enc.as_slice().into(), bytes: bytes.as_slice().into() })
    }

    /// Answers a grant whose `manifest`, now verified, is the one in it (and does not list `grant.device` yet). Makes
    /// this device's keys and gives `AES-256-GCM(K, nonce 0^12, aad = "", DeviceEntry)` for the box, where
    /// `K = ctx.Export(lbl("link-reply"), 32)`. It consumes the offer: K seals one text.
    pub fn reply(
        self,
        grant: &LinkGrant,
        manifest: &Manifest,
        kind: DeviceKind,
        now: Timestamp,
        rng: &mut impl TryCryptoRng,
    ) -> Result<(Vec<u8>, AnsweredDevice), LinkError> {
        self.in_time(now)?;
        if manifest.to_signed() != grant.manifest || manifest.device(grant.device).is_some() {
            return Err(LinkError::Malformed);
        }
        if manifest.is_expired(now) {
            return Err(LinkError::ManifestExpired);
        }
        let (account, aik) = (manifest.account(), manifest.aik());
        let enc = grant.enc.as_ref().try_into().map_err(|_| LinkError::DoesNotOpen)?;
        let reg = draw_reg_nonce(rng)?;
        let address = DeviceAddress { account, device: grant.device, reg };
        let device = LocalDevice::generate(address, *aik, rng)?;
        // The primary sets `added_at_ms`.
        let bytes = ListedDevice::of(&device, kind, Timestamp::default(), aik).to_entry().encode_to_vec();
        let k = self.context(enc)?.export(Label::LinkReply).map_err(|_| LinkError::DoesNotOpen)?;
        let sealed = reply_key(&k).seal(&REPLY_NONCE, &[], &bytes).map_err(|_| LinkError::DoesNotOpen)?;
        let code = code(&self.e, &grant.enc, &grant.bytes, &bytes);
        Ok((sealed, AnsweredDevice { device, code, granted_under: manifest.seq() }))
    }

    fn context(&self, enc: &[u8; 1120]) -> Result<ReceiverContext, LinkError> {
        setup_receiver(&self.key, enc, &info(&self.offer.secret)).map_err(|_| LinkError::DoesNotOpen)
    }

    const fn in_time(&self, now: Timestamp) -> Result<(), LinkError> {
        in_time(self.made_at, now)
    }
}

/// A device that shows its code and waits for the directory (steps 4 and 5).
pub struct AnsweredDevice {
    device: LocalDevice,
    code: ConfirmationCode,
    /// `seq` of the manifest in the grant.
    granted_under: u64,
}

impl AnsweredDevice {
    /// What the user types into the primary.
    pub const fn code(&self) -> &ConfirmationCode {
        &self.code
    }

    /// The device is linked when the directory gives it a manifest, now verified, of the account and identity key in
    /// the grant that has a higher `seq`, has not expired, and lists it with exactly its keys; until then it gives the
    /// state back.
    pub fn listed(self, manifest: &Manifest, now: Timestamp) -> Result<LinkedDevice, Box<(Self, LinkError)>> {
        let ours = *self.device.public();
        let newer = manifest.seq() > self.granted_under && !manifest.is_expired(now);
        // Of account, identity key, registration and keys each must be the same.
        match newer && manifest.device(ours.address.device).is_some_and(|listed| listed.device == ours) {
            true => Ok(LinkedDevice { device: self.device }),
            false => Err(Box::new((self, LinkError::NotListed))),
        }
    }
}

/// A device that the account lists. The user is asked whether the primary says so too, before anything else.
pub struct LinkedDevice {
    device: LocalDevice,
}

impl LinkedDevice {
    /// The user saw that the primary lists this device.
    pub fn confirmed_by_user(self) -> LocalDevice {
        self.device
    }
}

super::opaque!(OfferingDevice, AnsweredDevice, LinkedDevice);

/// Five minutes on this device's own clock; one that was set back restarts nothing, one that jumped ahead ends it.
pub(super) const fn in_time(since: Timestamp, now: Timestamp) -> Result<(), LinkError> {
    match now.since(since) < LINK_LIFE_MS {
        true => Ok(()),
        false => Err(LinkError::Expired),
    }
}

/// Random and never 0.
fn draw_reg_nonce(rng: &mut impl TryCryptoRng) -> Result<RegNonce, RandomError> {
    let bytes = draw::<8>(rng)?;
    let number = u64::from_be_bytes(*bytes).checked_rem(u64::from(u32::MAX)).unwrap_or(0);
    let number = u32::try_from(number).unwrap_or(0).saturating_add(1);
    RegNonce::new(number).ok_or(RandomError)
}
