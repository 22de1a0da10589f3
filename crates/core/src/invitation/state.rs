//! Invitations at rest, format 1: `docs/protocol.md` B18 and `proto/invitation.proto`.
//!
//! Written and read field by field, because a protobuf decoder leaves copies of secrets in buffers that nobody wipes.

use zeroize::Zeroizing;

use super::client::{CommittedClient, RevealedClient};
use super::exchange::Nonce;
use super::layout::{Invitation, Token};
use super::practice::{AnsweredPractice, HistoryFrom, IssuedInvitation, UnverifiedClient, UsedToken, VerifiedClient};
use crate::at_rest::ascending;
use crate::ids::{AccountId, OrgId, SessionId};
use crate::limits::RELAY_URL_BYTES;
use crate::linking::RelayUrl;
use crate::safety_number::ConfirmationCode;
use crate::time::Timestamp;
use crate::wire::{FieldValue, FieldWriter, Fields, WireError};

const FORMAT: u64 = 1;
/// Everything but the relay and the sessions: seven fields of 32 bytes at most, numbers, keys and lengths.
const BASE_BYTES: usize = 320;
const SID_BYTES: usize = 2 + 32;

/// Why a stored invitation was not loaded. It is never partly loaded, and never taken for absent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvitationStateError {
    /// Damaged, cut off, of the other side, or not an invitation.
    #[error("the stored invitation is damaged")]
    Corrupted,
    /// Written by a newer version of the library.
    #[error("the stored invitation has an unknown format")]
    UnknownFormat,
}

impl From<WireError> for InvitationStateError {
    fn from(_: WireError) -> Self {
        Self::Corrupted
    }
}

/// What the practice keeps of one invitation.
#[derive(Debug)]
pub enum PracticeState {
    /// Nobody has used it.
    Issued(IssuedInvitation),
    /// It waits for the client's nonce.
    Answered(AnsweredPractice),
    /// It waits for the code.
    Unverified(UnverifiedClient),
    /// The code was confirmed.
    Verified(VerifiedClient),
    /// The code was wrong, or a step came out of order: its token is recognised, and nothing else.
    Ended(UsedToken),
}

/// What the client keeps of one invitation.
#[derive(Debug)]
pub enum ClientState {
    /// It waits for the practice's nonce.
    Committed(CommittedClient),
    /// It shows the code.
    Revealed(RevealedClient),
}

/// The numbers of the phases.
mod phase {
    pub(super) const ISSUED: u32 = 1;
    pub(super) const ANSWERED: u32 = 2;
    pub(super) const UNVERIFIED: u32 = 3;
    pub(super) const VERIFIED: u32 = 4;
    pub(super) const ENDED: u32 = 5;
    pub(super) const COMMITTED: u32 = 6;
    pub(super) const REVEALED: u32 = 7;
}

/// What a phase has of the fields; the others are empty, and an empty field is not written.
#[derive(Default)]
struct Stored<'a> {
    phase: u32,
    invitation: Option<&'a Invitation>,
    account: Option<&'a AccountId>,
    succeeds: Option<&'a AccountId>,
    history_from: Option<Timestamp>,
    sids: &'a [SessionId],
    commit: Option<&'a [u8; 32]>,
    nonce: Option<&'a Nonce>,
    code: Option<&'a ConfirmationCode>,
    token: Option<&'a Token>,
}

impl Stored<'_> {
    /// Every phase ends with a field that is never empty, so that a state which was cut off between two fields is not
    /// taken for whole.
    fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let room = BASE_BYTES.saturating_add(RELAY_URL_BYTES);
        let mut out = FieldWriter::with_capacity(room.saturating_add(self.sids.len().saturating_mul(SID_BYTES)));
        out.number(1, FORMAT);
        out.number(2, self.phase);
        if let Some(invitation) = self.invitation {
            out.bytes(3, invitation.org.as_bytes());
            out.bytes(4, &invitation.org_key_hash);
        }
        let account = self.invitation.map(|invitation| &invitation.account).or(self.account);
        out.bytes(5, account.map_or(&[][..], |account| account.as_bytes()));
        if let Some(invitation) = self.invitation {
            out.number(6, invitation.expires.as_millis());
            out.bytes(7, invitation.relay.as_str().as_bytes());
        }
        out.bytes(8, self.succeeds.map_or(&[][..], |account| account.as_bytes()));
        out.number(9, self.history_from.map_or(0, Timestamp::as_millis));
        self.sids.iter().for_each(|sid| out.element(10, sid.as_bytes()));
        out.bytes(11, self.commit.map_or(&[][..], |commit| commit));
        out.bytes(12, self.nonce.map_or(&[][..], |nonce| nonce.as_bytes()));
        let digits = self.code.map(|code| Zeroizing::new(code.digits()));
        out.bytes(13, digits.as_ref().map_or(&[][..], |digits| digits.as_bytes()));
        out.bytes(14, self.token.map_or(&[][..], |token| token.as_bytes()));
        out.finish()
    }
}

impl PracticeState {
    /// The state as the encrypted store keeps it.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Issued(issued) => issued.stored(),
            Self::Answered(answered) => answered.stored(),
            Self::Unverified(unverified) => unverified.stored(),
            Self::Verified(verified) => verified.stored(),
            Self::Ended(used) => used.stored(phase::ENDED),
        }
        .to_bytes()
    }

    /// Loads a state, whole or not at all: what was read must be written again as the same bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvitationStateError> {
        load(bytes, Self::read, Self::to_bytes)
    }

    fn read(fields: &Fields<'_>) -> Option<Self> {
        Some(match fields.u32(2)? {
            phase::ISSUED => Self::Issued(read_issued(fields)?),
            phase::ANSWERED => Self::Answered(read_answered(fields)?),
            phase::UNVERIFIED => Self::Unverified(read_unverified(fields)?),
            phase::VERIFIED => Self::Verified(read_verified(fields)?),
            phase::ENDED => Self::Ended(read_used(fields)?),
            _ => return None,
        })
    }
}

impl ClientState {
    /// The state as the encrypted store keeps it.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Committed(committed) => committed.stored(),
            Self::Revealed(revealed) => revealed.stored(),
        }
        .to_bytes()
    }

    /// Loads a state, whole or not at all: what was read must be written again as the same bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvitationStateError> {
        load(bytes, Self::read, Self::to_bytes)
    }

    fn read(fields: &Fields<'_>) -> Option<Self> {
        Some(match fields.u32(2)? {
            phase::COMMITTED => Self::Committed(read_committed(fields)?),
            phase::REVEALED => Self::Revealed(read_revealed(fields)?),
            _ => return None,
        })
    }
}

fn load<S>(
    bytes: &[u8],
    read: impl Fn(&Fields<'_>) -> Option<S>,
    write: impl Fn(&S) -> Zeroizing<Vec<u8>>,
) -> Result<S, InvitationStateError> {
    let fields = Fields::read(bytes)?;
    if fields.number(1)? != FORMAT {
        return Err(InvitationStateError::UnknownFormat);
    }
    let state = read(&fields).ok_or(InvitationStateError::Corrupted)?;
    match write(&state).as_slice() == bytes {
        true => Ok(state),
        false => Err(InvitationStateError::Corrupted),
    }
}

impl IssuedInvitation {
    fn stored(&self) -> Stored<'_> {
        Stored {
            phase: phase::ISSUED,
            invitation: Some(&self.invitation),
            succeeds: self.succeeds.as_ref(),
            token: Some(&self.invitation.token),
            ..Default::default()
        }
    }
}

fn read_issued(fields: &Fields<'_>) -> Option<IssuedInvitation> {
    let relay = core::str::from_utf8(fields.bytes(7)?).ok()?;
    let invitation = Invitation {
        org: OrgId::from_slice(fields.bytes(3)?)?,
        account: AccountId::from_slice(fields.bytes(5)?)?,
        expires: fields.time(6)?,
        relay: RelayUrl::new(relay).ok()?,
        org_key_hash: fields.bytes(4)?.try_into().ok()?,
        token: read_token(fields)?,
    };
    Some(IssuedInvitation { invitation, succeeds: read_succeeds(fields)? })
}

impl AnsweredPractice {
    fn stored(&self) -> Stored<'_> {
        Stored {
            succeeds: self.succeeds.as_ref(),
            sids: core::slice::from_ref(&self.sid),
            commit: Some(&self.commit),
            nonce: Some(&self.nonce),
            ..self.used.stored(phase::ANSWERED)
        }
    }
}

fn read_answered(fields: &Fields<'_>) -> Option<AnsweredPractice> {
    Some(AnsweredPractice {
        used: read_used(fields)?,
        sid: read_sid(fields)?,
        commit: fields.bytes(11)?.try_into().ok()?,
        nonce: Nonce::of(fields.secret(12)?),
        succeeds: read_succeeds(fields)?,
    })
}

impl UnverifiedClient {
    fn stored(&self) -> Stored<'_> {
        let used = self.used.stored(phase::UNVERIFIED);
        Stored { succeeds: self.succeeds.as_ref(), code: Some(&self.code), ..used }
    }
}

fn read_unverified(fields: &Fields<'_>) -> Option<UnverifiedClient> {
    let (used, code) = (read_used(fields)?, read_code(fields)?);
    Some(UnverifiedClient { used, code, succeeds: read_succeeds(fields)? })
}

impl VerifiedClient {
    fn stored(&self) -> Stored<'_> {
        let (succeeds, history) = self.succeeds.as_ref().map_or((None, None), |(old, from)| (Some(old), Some(from)));
        let history_from = match history {
            Some(HistoryFrom::NotBefore(time)) => Some(*time),
            Some(HistoryFrom::Now) | None => None,
        };
        Stored { succeeds, history_from, ..self.used.stored(phase::VERIFIED) }
    }
}

fn read_verified(fields: &Fields<'_>) -> Option<VerifiedClient> {
    let used = read_used(fields)?;
    let history = match fields.time(9)? {
        time if time.as_millis() == 0 => HistoryFrom::Now,
        time => HistoryFrom::NotBefore(time),
    };
    let succeeds = read_succeeds(fields)?.map(|old| (old, history));
    Some(VerifiedClient { account: used.account, succeeds, used })
}

impl UsedToken {
    fn stored(&self, phase: u32) -> Stored<'_> {
        Stored { phase, account: Some(&self.account), token: Some(&self.token), ..Default::default() }
    }
}

fn read_used(fields: &Fields<'_>) -> Option<UsedToken> {
    Some(UsedToken { token: read_token(fields)?, account: AccountId::from_slice(fields.bytes(5)?)? })
}

impl CommittedClient {
    fn stored(&self) -> Stored<'_> {
        Stored {
            phase: phase::COMMITTED,
            sids: &self.sids,
            nonce: Some(&self.nonce),
            token: Some(&self.token),
            ..Default::default()
        }
    }
}

fn read_committed(fields: &Fields<'_>) -> Option<CommittedClient> {
    let sids = read_sids(fields)?;
    let (token, nonce) = (read_token(fields)?, Nonce::of(fields.secret(12)?));
    ascending(&sids).then_some(CommittedClient { token, nonce, sids })
}

impl RevealedClient {
    fn stored(&self) -> Stored<'_> {
        let sids = core::slice::from_ref(&self.sid);
        Stored { phase: phase::REVEALED, sids, code: Some(&self.code), ..Default::default() }
    }
}

fn read_revealed(fields: &Fields<'_>) -> Option<RevealedClient> {
    Some(RevealedClient { sid: read_sid(fields)?, code: read_code(fields)? })
}

fn read_token(fields: &Fields<'_>) -> Option<Token> {
    fields.secret(14).map(Token::of)
}

fn read_code(fields: &Fields<'_>) -> Option<ConfirmationCode> {
    ConfirmationCode::from_digits(fields.bytes(13)?.try_into().ok()?)
}

fn read_succeeds(fields: &Fields<'_>) -> Option<Option<AccountId>> {
    match fields.bytes(8)? {
        [] => Some(None),
        account => AccountId::from_slice(account).map(Some),
    }
}

fn read_sids(fields: &Fields<'_>) -> Option<Vec<SessionId>> {
    let sid = |value| match value {
        FieldValue::Bytes(bytes) => SessionId::from_slice(bytes),
        _ => None,
    };
    fields.all(10).map(sid).collect()
}

/// The one session of a phase that has one; the comparison with what is written refuses a second.
fn read_sid(fields: &Fields<'_>) -> Option<SessionId> {
    read_sids(fields)?.first().copied()
}
