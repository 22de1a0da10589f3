//! What an app can be told, by what it can do about it.

use carevow_core::content::{ContentRejected, DraftError};
use carevow_core::errors::EncryptError;
use carevow_core::linking::{LinkError, OfferError};
use carevow_core::random::RandomError;
use carevow_store::{Damage, StoreError};

/// Nothing has happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ClientError {
    /// What the store says.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store holds no account.
    #[error("there is no account in this store")]
    NoAccount,
    /// The account is not known here: introduce it first.
    #[error("the account is no contact")]
    NoContact,
    /// The message that an edit, a deletion or a reaction names is not here.
    #[error("there is no such message")]
    NoMessage,
    /// The contact shows another identity key: the app must show that, and acknowledge it, before anything is sent.
    #[error("the contact's identity changed")]
    IdentityChanged,
    /// The user has blocked the contact.
    #[error("the contact is blocked")]
    Blocked,
    /// The message breaks a rule.
    #[error("the message breaks a rule: {0}")]
    InvalidMessage(ContentRejected),
    /// An answer to a request that was not asked, or of another kind.
    #[error("the answer does not fit the request")]
    InvalidResponse,
    /// A call that the state of things does not allow.
    #[error("the call is not allowed here")]
    InvalidInput,
    /// A step of linking failed: it begins again.
    #[error(transparent)]
    Linking(LinkError),
    /// What was scanned is no offer of a device, or of another relay.
    #[error(transparent)]
    LinkOffer(OfferError),
    /// Something that was checked before does not hold.
    #[error("internal error")]
    Internal,
}

impl ClientError {
    /// Whether the same call may succeed later, without anything else being done.
    pub const fn retryable(&self) -> bool {
        matches!(self, Self::Store(error) if error.retryable())
    }

    /// Whether it comes from one message, answer or row, and says nothing of the next.
    pub(crate) const fn is_of_one_thing(&self) -> bool {
        match self {
            Self::Store(error) => matches!(error, StoreError::Corrupted(Damage::Row)),
            _ => true,
        }
    }

    /// What was read is not what was written.
    pub(crate) const CORRUPTED: Self = Self::Store(StoreError::Corrupted(Damage::Row));
}

impl From<RandomError> for ClientError {
    fn from(RandomError: RandomError) -> Self {
        Self::Store(StoreError::Random)
    }
}

impl From<EncryptError> for ClientError {
    fn from(error: EncryptError) -> Self {
        match error {
            EncryptError::Random(error) => error.into(),
            EncryptError::InvalidInput | EncryptError::LimitExceeded | EncryptError::Internal => Self::Internal,
        }
    }
}

impl From<DraftError> for ClientError {
    fn from(error: DraftError) -> Self {
        match error {
            DraftError::InvalidInput(rejected) => Self::InvalidMessage(rejected),
            DraftError::Random(error) => error.into(),
            DraftError::UnplacedStatement | DraftError::Unsupported => Self::InvalidInput,
        }
    }
}
