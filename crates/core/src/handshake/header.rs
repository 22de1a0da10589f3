//! `InitHeader`, 1802 fixed bytes, and the message that follows it: `docs/protocol.md` B4.2 and B4.4.
//!
//! ```text
//! u8 0x31 | u8 0x01 | u16 suite | u8 flags | u32 generation
//! | account_A[16] | u32 device_A | u32 reg_A | AIK_A[33] | DSK_A[33] | DDK_A[33]
//! | account_B[16] | u32 device_B | u32 reg_B | u32 spk_id | u32 opk_id | u32 kem_id
//! | bundle_hash[32] | EK_A[33] | ct[1569]
//! ```

use core::fmt;
use std::sync::Arc;

use super::{Generation, Grade, PrekeyUse};
use crate::errors::DecryptError;
use crate::identity::DevicePublic;
use crate::ids::{AccountId, DeviceAddress, DeviceId, RegNonce, SessionId};
use crate::labels::Label;
use crate::prekey::KeyId;
use crate::primitives::{Ed25519PublicKey, MlKem1024Ciphertext, PublicKey, X25519PublicKey, kdf};
use crate::ratchet::SessionMessage;
use crate::suite::Suite;
use crate::wire::Layout;

/// Length of the header.
pub const INIT_HEADER_BYTES: usize = 1802;
const TYPE: u8 = 0x31;
const VERSION: u8 = 0x01;
const FLAG_OPK: u8 = 0b01;
const FLAG_LAST_RESORT: u8 = 0b10;

/// A parsed header, with the bytes that it was parsed from: they are what `sid` hashes.
#[derive(Clone, PartialEq, Eq)]
pub struct InitHeader {
    bytes: Arc<[u8; INIT_HEADER_BYTES]>,
    fields: Fields,
}

/// What the bytes say.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) suite: Suite,
    pub(super) generation: Generation,
    pub(super) initiator: DevicePublic,
    pub(super) responder: DeviceAddress,
    pub(super) spk_id: KeyId,
    /// `None`: no one-time prekey was used.
    pub(super) opk_id: Option<KeyId>,
    pub(super) kem_id: KeyId,
    pub(super) kem_use: PrekeyUse,
    pub(super) bundle_hash: [u8; 32],
    pub(super) ek: X25519PublicKey,
    pub(super) ct: MlKem1024Ciphertext,
}

impl InitHeader {
    /// Parses exactly 1802 bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, DecryptError> {
        let bytes: &[u8; INIT_HEADER_BYTES] = bytes.try_into().map_err(|_| DecryptError::DecryptFailed)?;
        let mut layout = Layout::new(bytes);
        let (kind, version, suite) = (layout.u8(), layout.u8(), layout.u16());
        let suite = suite.and_then(Suite::from_u16);
        let (Some(TYPE), Some(VERSION), Some(suite)) = (kind, version, suite) else {
            return Err(DecryptError::UnsupportedVersion);
        };
        let fields = Fields::read(suite, &mut layout).ok_or(DecryptError::DecryptFailed)?;
        Ok(Self { bytes: Arc::new(*bytes), fields })
    }

    pub(super) fn from_fields(fields: Fields) -> Option<Self> {
        let bytes: [u8; INIT_HEADER_BYTES] = fields.to_bytes().try_into().ok()?;
        Some(Self { bytes: Arc::new(bytes), fields })
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; INIT_HEADER_BYTES] {
        &self.bytes
    }

    /// `sid = HASH("transcript", InitHeader)`.
    pub fn sid(&self) -> SessionId {
        SessionId::from_bytes(kdf::hash(Label::Transcript, &[self.bytes.as_slice()]))
    }

    /// Its place among the sessions of the two devices (B12).
    pub const fn generation(&self) -> Generation {
        self.fields.generation
    }

    /// Who says that it began the session; true only when a message of the session opens.
    pub const fn initiator(&self) -> &DevicePublic {
        &self.fields.initiator
    }

    /// For whom it was made.
    pub const fn responder(&self) -> DeviceAddress {
        self.fields.responder
    }

    /// Which signed prekey it was made with.
    pub const fn spk_id(&self) -> KeyId {
        self.fields.spk_id
    }

    /// Which one-time prekey, if any.
    pub const fn opk_id(&self) -> Option<KeyId> {
        self.fields.opk_id
    }

    /// Which ML-KEM prekey; [`grade`](Self::grade) says of which type.
    pub const fn kem_id(&self) -> KeyId {
        self.fields.kem_id
    }

    /// Which prekeys were one-time keys.
    pub const fn grade(&self) -> Grade {
        let x25519 = match self.fields.opk_id {
            Some(_) => PrekeyUse::OneTime,
            None => PrekeyUse::Shared,
        };
        Grade { x25519, ml_kem: self.fields.kem_use }
    }

    pub(super) const fn fields(&self) -> &Fields {
        &self.fields
    }
}

impl fmt::Debug for InitHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InitHeader(..)")
    }
}

impl Fields {
    /// What follows the suite; `None` if a field breaks its rule.
    fn read(suite: Suite, layout: &mut Layout<'_>) -> Option<Self> {
        let flags = layout.u8()?;
        let generation = Generation::new(layout.u32()?)?;
        let address = read_address(layout)?;
        let aik = Ed25519PublicKey::from_tagged(layout.bytes(33)?).ok()?;
        let dsk = Ed25519PublicKey::from_tagged(layout.bytes(33)?).ok()?;
        let ddk = X25519PublicKey::from_tagged(layout.bytes(33)?).ok()?;
        let responder = read_address(layout)?;
        let (spk_id, opk_id, kem_id) = (layout.u32()?, layout.u32()?, layout.u32()?);
        let bundle_hash = *layout.array()?;
        let ek = X25519PublicKey::from_tagged(layout.bytes(33)?).ok()?;
        let ct = MlKem1024Ciphertext::from_tagged(layout.bytes(1569)?).ok()?;
        layout.end()?;
        let opk_id = match flags & FLAG_OPK {
            0 if opk_id != 0 => return None,
            0 => None,
            _ => Some(KeyId(opk_id)),
        };
        let kem_use = match flags & FLAG_LAST_RESORT {
            0 => PrekeyUse::OneTime,
            _ => PrekeyUse::Shared,
        };
        let initiator = DevicePublic { address, aik, dsk, ddk };
        let (spk_id, kem_id) = (KeyId(spk_id), KeyId(kem_id));
        (flags & !(FLAG_OPK | FLAG_LAST_RESORT) == 0).then_some(Self {
            suite,
            generation,
            initiator,
            responder,
            spk_id,
            opk_id,
            kem_id,
            kem_use,
            bundle_hash,
            ek,
            ct,
        })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let opk_flag = self.opk_id.map_or(0, |_| FLAG_OPK);
        let kem_flag = match self.kem_use {
            PrekeyUse::OneTime => 0,
            PrekeyUse::Shared => FLAG_LAST_RESORT,
        };
        let parts: [&[u8]; 12] = [
            &[TYPE, VERSION],
            &self.suite.as_u16().to_be_bytes(),
            &[opk_flag | kem_flag],
            &self.generation.as_u32().to_be_bytes(),
            &self.initiator.id_bytes(),
            &self.responder.to_bytes(),
            &self.spk_id.0.to_be_bytes(),
            &self.opk_id.unwrap_or(KeyId(0)).0.to_be_bytes(),
            &self.kem_id.0.to_be_bytes(),
            &self.bundle_hash,
            &self.ek.tagged(),
            &self.ct.to_tagged(),
        ];
        parts.concat()
    }
}

fn read_address(layout: &mut Layout<'_>) -> Option<DeviceAddress> {
    let account = AccountId::from_bytes(*layout.array()?);
    let (device, reg) = (DeviceId::new(layout.u32()?)?, RegNonce::new(layout.u32()?)?);
    Some(DeviceAddress { account, device, reg })
}

/// `INIT = InitHeader || SessionMessage`: what a session's initiator sends until it has heard of the other side.
pub struct InitMessage<'a> {
    header: InitHeader,
    message: SessionMessage<'a>,
}

impl<'a> InitMessage<'a> {
    /// Parses the header and the message behind it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecryptError> {
        let (header, message) = bytes.split_at_checked(INIT_HEADER_BYTES).ok_or(DecryptError::DecryptFailed)?;
        Ok(Self { header: InitHeader::parse(header)?, message: SessionMessage::parse(message)? })
    }

    /// The header.
    pub const fn header(&self) -> &InitHeader {
        &self.header
    }

    /// The message: for a session with this `sid` that exists already (B4.5, step 3).
    pub const fn message(&self) -> &SessionMessage<'a> {
        &self.message
    }
}

impl fmt::Debug for InitMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InitMessage(..)")
    }
}
