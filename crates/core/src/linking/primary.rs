//! The primary's side of linking: `docs/protocol.md` B2, steps 2 and 4.

use prost::Message as _;
use rand_core::TryCryptoRng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::grant::{BoxId, REPLY_NONCE, code, info, key_hash, reply_key};
use super::new_device::{LinkError, in_time};
use super::offer::{LinkOffer, OfferError, RelayUrl};
use crate::identity::DeviceKind;
use crate::ids::{AccountId, DeviceAddress, DeviceId, RegNonce};
use crate::labels::Label;
use crate::limits::SIGNED_OBJECT_BYTES;
use crate::primitives::{Ed25519PublicKey, PublicKey as _, X25519PublicKey, XWingPublicKey, setup_sender};
use crate::random::draw;
use crate::safety_number::TypedCode;
use crate::time::Timestamp;
use crate::wire::{decode_canonical, v1};

/// An offer that the user scanned, from the primary's own settings and after biometrics or PIN.
pub struct ScannedOffer {
    offer: LinkOffer,
    scanned_at: Timestamp,
}

/// What the primary offers: its account and identity key, a device id that was never given to a device, and its
/// newest manifest.
pub struct GrantTerms<'a> {
    /// The primary's account.
    pub account: AccountId,
    /// Its identity key.
    pub aik: Ed25519PublicKey,
    /// For the new device.
    pub device: DeviceId,
    /// As it was signed and published.
    pub manifest: &'a v1::Signed,
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

    /// Checks E against its hash and gives `enc || ctx.Seal(aad = "", grant)` for the box, with
    /// `(enc, ctx) = HPKE SetupBaseS(E raw, info = lbl("link") || secret)`.
    pub fn grant(
        &self,
        box_key: &[u8],
        terms: &GrantTerms<'_>,
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
        let grant =
            v1::LinkGrant { device_id: terms.device.as_u32(), manifest: Some(terms.manifest.clone()) }.encode_to_vec();
        if grant.len() > SIGNED_OBJECT_BYTES {
            return Err(LinkError::Malformed);
        }
        let k = context.export(Label::LinkReply).map_err(|_| LinkError::ForeignKey)?;
        let mut sealed = enc.to_vec();
        sealed.extend_from_slice(&context.seal(&[], &grant).map_err(|_| LinkError::ForeignKey)?);
        let granting = GrantingPrimary {
            account: terms.account,
            aik: terms.aik,
            device: terms.device,
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
    entry: v1::DeviceEntry,
    bytes: Zeroizing<Vec<u8>>,
}

impl LinkReply {
    /// What the primary shows before the code is typed.
    pub const fn kind(&self) -> DeviceKind {
        DeviceKind::from_u32(self.entry.kind)
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
        let reg = RegNonce::new(entry.reg_nonce).ok_or(LinkError::Malformed)?;
        let dsk = Ed25519PublicKey::from_tagged(&entry.dsk).map_err(|_| LinkError::Malformed)?;
        let ddk = X25519PublicKey::from_tagged(&entry.ddk).map_err(|_| LinkError::Malformed)?;
        if ddk.is_low_order() || entry.added_at_ms != 0 {
            return Err(LinkError::Malformed);
        }
        let address = DeviceAddress { account: self.account, device: self.device, reg };
        let pop: [&[u8]; 3] = [&address.to_bytes(), &self.aik.tagged(), &ddk.tagged()];
        if entry.device_id != self.device.as_u32() || !dsk.verify(Label::DevicePop, &pop, &entry.pop) {
            return Err(LinkError::OtherDevice);
        }
        Ok(LinkReply { entry, bytes })
    }

    #[cfg(test)]
    pub(super) fn reply_key_for_tests(&self) -> Zeroizing<[u8; 32]> {
        self.k.clone()
    }

    /// One try: whatever was typed, this linking is over. With the right code it gives the entry, `added_at_ms` set,
    /// for the manifest that the primary signs next.
    pub fn confirm(self, reply: LinkReply, typed: &TypedCode, now: Timestamp) -> Result<v1::DeviceEntry, LinkError> {
        in_time(self.scanned_at, now)?;
        let expected = code(&self.e, &self.enc, &self.grant, &reply.bytes);
        if !expected.matches(typed) {
            return Err(LinkError::WrongCode);
        }
        Ok(v1::DeviceEntry { added_at_ms: now.as_millis(), ..reply.entry })
    }
}

super::opaque!(ScannedOffer, GrantingPrimary, LinkReply);
