//! The primary's side of linking: `docs/protocol.md` B2, steps 2 and 4.

use prost::Message as _;
use rand_core::TryCryptoRng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::grant::{BoxId, REPLY_NONCE, code, info, key_hash, reply_key};
use super::new_device::{LinkError, in_time};
use super::offer::{LinkOffer, OfferError, RelayUrl};
use crate::identity::{DeviceKind, ListedDevice, Manifest};
use crate::ids::{AccountId, DeviceId};
use crate::labels::Label;
use crate::limits::SIGNED_OBJECT_BYTES;
use crate::primitives::{Ed25519PublicKey, PublicKey as _, SecretBytes, XWingPublicKey, setup_sender};
use crate::random::draw;
use crate::safety_number::TypedCode;
use crate::time::Timestamp;
use crate::wire::{decode_canonical, v1};

/// An offer that the user scanned, from the primary's own settings and after biometrics or PIN.
pub struct ScannedOffer {
    offer: LinkOffer,
    scanned_at: Timestamp,
}

impl ScannedOffer {
    /// Reads the text of the QR code; its relay must be one of the configuration. The offer says no time: the five
    /// minutes of this side begin here, those of the new device when it made the offer, those of the box at its first
    /// write.
    pub fn scan(text: &str, configured: &[RelayUrl], now: Timestamp) -> Result<Self, OfferError> {
        let offer = LinkOffer::parse(text, configured)?;
        Ok(Self { offer, scanned_at: now })
    }

    /// The box at the relay from which E is fetched.
    pub fn box_id(&self) -> BoxId {
        self.offer.box_id()
    }

    /// The relay of the box.
    pub const fn relay(&self) -> &RelayUrl {
        &self.offer.relay
    }

    /// Checks E against its hash and, with our newest manifest and a device id that was never given to a device, gives `enc || ctx.Seal(aad = "", grant)` for the box, with
    /// `(enc, ctx) = HPKE SetupBaseS(E raw, info = lbl("link") || secret)`.
    pub fn grant(
        &self,
        box_key: &[u8],
        (manifest, device): (&Manifest, DeviceId),
        now: Timestamp,
        rng: &mut impl TryCryptoRng,
    ) -> Result<(Vec<u8>, GrantingPrimary), LinkError> {
        in_time(self.scanned_at, now)?;
        let e = XWingPublicKey::from_tagged(box_key).map_err(|_| LinkError::ForeignKey)?;
        if !bool::from(key_hash(&e).ct_eq(&self.offer.key_hash)) {
            return Err(LinkError::ForeignKey);
        }
        let randomness = draw(rng)?;
        let (enc, context) =
            setup_sender(&e, &info(&self.offer.secret), &randomness).map_err(|_| LinkError::ForeignKey)?;
        let grant = v1::LinkGrant { device_id: device.as_u32(), manifest: Some(manifest.to_signed()) }.encode_to_vec();
        if grant.len() > SIGNED_OBJECT_BYTES {
            return Err(LinkError::Malformed);
        }
        let k = context.export(Label::LinkReply).map_err(|_| LinkError::ForeignKey)?;
        let mut sealed = enc.to_vec();
        sealed.extend_from_slice(&context.seal(&[], &grant).map_err(|_| LinkError::ForeignKey)?);
        let granting = GrantingPrimary {
            account: manifest.account(),
            aik: *manifest.aik(),
            device,
            scanned_at: self.scanned_at,
            k,
            e,
            enc: enc.into(),
            grant: grant.into(),
        };
        Ok((sealed, granting))
    }
}

/// A primary that has put its grant and waits for the reply and the code.
pub struct GrantingPrimary {
    account: AccountId,
    aik: Ed25519PublicKey,
    device: DeviceId,
    scanned_at: Timestamp,
    k: Zeroizing<[u8; 32]>,
    e: XWingPublicKey,
    enc: Box<[u8]>,
    grant: Box<[u8]>,
}

/// A reply that opened and whose device consents to belong to the account. Not added yet: the code decides.
pub struct LinkReply {
    device: ListedDevice,
    bytes: SecretBytes,
}

impl LinkReply {
    /// What the primary shows before the code is typed.
    pub const fn kind(&self) -> DeviceKind {
        self.device.kind
    }
}

impl GrantingPrimary {
    /// Opens the reply and verifies that it is by the granted device, for this account and key: `added_at_ms` is 0,
    /// keys parse (the DDK not of small order), and the pop verifies. What fails changes nothing: anyone can write
    /// into the box.
    pub fn open_reply(&self, sealed: &[u8], now: Timestamp) -> Result<LinkReply, LinkError> {
        in_time(self.scanned_at, now)?;
        let bytes = reply_key(&self.k).open(&REPLY_NONCE, &[], sealed).map_err(|_| LinkError::DoesNotOpen)?;
        let entry: v1::DeviceEntry = decode_canonical(&bytes, SIGNED_OBJECT_BYTES).map_err(|_| LinkError::Malformed)?;
        let device = ListedDevice::from_entry(&entry, self.account, &self.aik).ok_or(LinkError::OtherDevice)?;
        if device.device.address.device != self.device {
            return Err(LinkError::OtherDevice);
        }
        if device.device.ddk.is_low_order() || device.added_at != Timestamp::default() {
            return Err(LinkError::Malformed);
        }
        Ok(LinkReply { device, bytes })
    }

    #[cfg(test)]
    pub(super) fn reply_key_for_tests(&self) -> Zeroizing<[u8; 32]> {
        self.k.clone()
    }

    /// One try: whatever was typed, this linking is over. With the right code it gives the device, `added_at` set,
    /// for the manifest that the primary signs next.
    pub fn confirm(self, reply: LinkReply, typed: &TypedCode, now: Timestamp) -> Result<ListedDevice, LinkError> {
        in_time(self.scanned_at, now)?;
        let expected = code(&self.e, &self.enc, &self.grant, &reply.bytes);
        if !expected.matches(typed) {
            return Err(LinkError::WrongCode);
        }
        let mut added = reply.device;
        added.added_at = now;
        Ok(added)
    }
}

super::opaque!(ScannedOffer, GrantingPrimary, LinkReply);
