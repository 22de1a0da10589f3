//! Consent: `docs/protocol.md` B20.

use core::num::NonZeroU64;

use prost::Message as _;

use super::statement::{StatementKind, VerifiedStatement};
use super::{numbered, time};
use crate::ids::{AccountId, ConsentId, ConversationId, DeviceAddress};
use crate::limits::SIGNED_OBJECT_BYTES;
use crate::time::Timestamp;
use crate::wire::{decode_canonical, v1};

numbered! {
    /// How consent was given.
    Channel {
        /// In the app, signed by the patient or the patient's proxy.
        App = 1,
        /// Verbally: recorded by a clinician, not signed by the patient.
        Verbal = 2,
        /// On paper: recorded by a clinician, not signed by the patient.
        Paper = 3,
    }
}

/// A consent form, filled in.
#[derive(Clone, PartialEq, Eq)]
pub struct Consent {
    /// Its id.
    pub id: ConsentId,
    /// What is consented to; the practice's word.
    pub scope: String,
    /// Hash of the text that was shown.
    pub text_sha256: [u8; 32],
    /// Version of that text.
    pub text_version: String,
    /// How.
    pub channel: Channel,
    /// When it was given, by the signer's word.
    pub given_at: Option<Timestamp>,
    /// From when on it counts no longer.
    pub expires_at: Option<Timestamp>,
    /// When it was withdrawn: then this is a withdrawal.
    pub withdrawn_at: Option<Timestamp>,
    /// Whose consent.
    pub patient: AccountId,
    /// What everybody is shown when it is withdrawn: how else to reach the practice.
    pub alternative: String,
}

crate::linking::opaque!(Consent);

/// Why a statement is no consent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConsentError {
    /// A statement of another kind.
    #[error("a statement of another kind")]
    OtherKind,
    /// Kind 3, and its body is no `Consent`.
    #[error("not a consent")]
    Malformed,
    /// Its signer may not state this: see [`Recorder`].
    #[error("not a consent that its signer may give or record")]
    NotEntitled,
}

/// Who signed a consent, by the group's roles and the directory at the time when it was received: the part of
/// the account that [`VerifiedStatement::signer`] names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recorder {
    /// Member of role 5: speaks for its own account only.
    Patient,
    /// Member of role 6.
    Proxy,
    /// Listed as clinical.
    Clinician,
    /// Anybody else.
    Other,
}

/// A consent or withdrawal that its signer was entitled to, as received.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsentRecord {
    consent: Consent,
    by: DeviceAddress,
    conversation: ConversationId,
    seq: NonZeroU64,
    received_at: Timestamp,
}

impl ConsentRecord {
    /// Takes a verified statement of kind 3: channel 1 from the patient itself or a proxy, channels 2 and 3 from a
    /// clinician. `signer` is what the statement's signer is in the conversation, `seq` that of the content.
    pub fn admit(statement: &VerifiedStatement, signer: Recorder, seq: NonZeroU64) -> Result<Self, ConsentError> {
        if statement.kind() != StatementKind::Consent {
            return Err(ConsentError::OtherKind);
        }
        let consent = Consent::parse(statement.body())?;
        let entitled = match (consent.channel, signer) {
            (Channel::App, Recorder::Patient) => statement.signer().account == consent.patient,
            (Channel::App, Recorder::Proxy) => true,
            (Channel::Verbal | Channel::Paper, Recorder::Clinician) => true,
            _ => false,
        };
        match entitled {
            true => Ok(Self {
                consent,
                by: statement.signer(),
                conversation: statement.place().conversation,
                seq,
                received_at: statement.received_at(),
            }),
            false => Err(ConsentError::NotEntitled),
        }
    }

    /// What it says.
    pub const fn consent(&self) -> &Consent {
        &self.consent
    }

    /// Whether the same device said something else about it afterwards, in the same conversation.
    fn is_replaced_by(&self, other: &Self) -> bool {
        (other.by, other.conversation) == (self.by, self.conversation) && other.seq > self.seq
    }
}

impl Consent {
    /// The body of the statement.
    pub fn to_bytes(&self) -> Vec<u8> {
        let ms = |time: Option<Timestamp>| time.map_or(0, Timestamp::as_millis);
        v1::Consent {
            consent_id: self.id.as_bytes().to_vec(),
            scope: self.scope.clone(),
            text_sha256: self.text_sha256.to_vec(),
            text_version: self.text_version.clone(),
            channel: self.channel.as_u32(),
            given_at_ms: ms(self.given_at),
            expires_at_ms: ms(self.expires_at),
            withdrawn_at_ms: ms(self.withdrawn_at),
            patient_account: self.patient.as_bytes().to_vec(),
            alternative: self.alternative.clone(),
        }
        .encode_to_vec()
    }

    /// It is what a signature covers, so there is one reading of it (B1.2).
    fn parse(body: &[u8]) -> Result<Self, ConsentError> {
        let wire: v1::Consent = decode_canonical(body, SIGNED_OBJECT_BYTES).map_err(|_| ConsentError::Malformed)?;
        Self::from_wire(wire).ok_or(ConsentError::Malformed)
    }

    fn from_wire(wire: v1::Consent) -> Option<Self> {
        let (given_at, withdrawn_at) = (time(wire.given_at_ms), time(wire.withdrawn_at_ms));
        given_at.or(withdrawn_at)?;
        Some(Self {
            id: ConsentId::from_slice(&wire.consent_id)?,
            scope: wire.scope,
            text_sha256: wire.text_sha256.as_slice().try_into().ok()?,
            text_version: wire.text_version,
            channel: Channel::from_u32(wire.channel)?,
            given_at,
            expires_at: time(wire.expires_at_ms),
            withdrawn_at,
            patient: AccountId::from_slice(&wire.patient_account)?,
            alternative: wire.alternative,
        })
    }
}

/// What counts now, for one patient and scope.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConsentStanding<'a> {
    /// Nothing was ever given or withdrawn.
    Absent,
    /// It is in force.
    InForce,
    /// It was withdrawn or has expired; everybody is shown `alternative`.
    Ended {
        /// How else to reach the practice.
        alternative: &'a str,
    },
}

/// Per patient and scope, of what one device said in one conversation the one with the highest `seq` counts; of these
/// the latest by server receive time, at a tie the withdrawal.
pub fn consent_standing<'a>(
    records: &'a [ConsentRecord],
    patient: &AccountId,
    scope: &str,
    now: Timestamp,
) -> ConsentStanding<'a> {
    let about = |record: &&ConsentRecord| record.consent.patient == *patient && record.consent.scope == scope;
    let latest = records
        .iter()
        .filter(about)
        .filter(|record| !records.iter().filter(about).any(|other| record.is_replaced_by(other)))
        .max_by_key(|record| (record.received_at, record.consent.withdrawn_at.is_some()));
    match latest {
        None => ConsentStanding::Absent,
        Some(ConsentRecord { consent, .. }) => {
            let expired = consent.expires_at.is_some_and(|end| now >= end);
            match expired || consent.withdrawn_at.is_some() {
                true => ConsentStanding::Ended { alternative: &consent.alternative },
                false => ConsentStanding::InForce,
            }
        }
    }
}

/// Whose client it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Party {
    /// The practice's.
    Practice,
    /// The patient's or a proxy's: may always send, after being told `alternative`; an emergency must not be missed.
    Patient,
}

/// Whether a client of `party` sends such a body in a clinical conversation: where consent has ended, the practice's
/// send nothing but Control, Receipt, GroupUpdate and Consent.
pub const fn may_send(party: Party, standing: &ConsentStanding<'_>, body: &v1::content::Body) -> bool {
    use v1::content::Body;
    match (party, standing) {
        (Party::Patient, _) | (_, ConsentStanding::Absent | ConsentStanding::InForce) => true,
        (Party::Practice, ConsentStanding::Ended { .. }) => match body {
            Body::Control(_) | Body::Receipt(_) | Body::GroupUpdate(_) => true,
            Body::Statement(statement) => statement.kind == StatementKind::Consent.as_u32(),
            _ => false,
        },
    }
}
