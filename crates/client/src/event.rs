//! What an app is told. Events are handed out after what they tell of is durable.

use carevow_core::content::Gap;
use carevow_core::handshake::Grade;
use carevow_core::identity::IdentityEvent;
use carevow_core::{AccountId, ConversationId, DeviceAddress, MessageId};

/// Something happened.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A message is in a conversation: received, or sent by another device of this account.
    Message {
        /// Which conversation.
        conversation: ConversationId,
        /// Its number there.
        number: u64,
    },
    /// An account that is no contact wrote: shown as a request, and nothing is sent to it by itself.
    ContactRequest(AccountId),
    /// A message says something that this version cannot read: it is kept, for one that can.
    Unsupported {
        /// Which conversation.
        conversation: ConversationId,
        /// Its number there.
        number: u64,
    },
    /// An earlier message was edited or taken back.
    Changed {
        /// Which conversation.
        conversation: ConversationId,
        /// The earlier message's number.
        number: u64,
    },
    /// The other account has a message.
    Delivered {
        /// Which conversation.
        conversation: ConversationId,
        /// The message's number there.
        number: u64,
    },
    /// Somebody of the other account has read a message.
    Read {
        /// Which conversation.
        conversation: ConversationId,
        /// The message's number there.
        number: u64,
    },
    /// 30 days, and no receipt came.
    DeliveryUnconfirmed {
        /// Which conversation.
        conversation: ConversationId,
        /// Which message.
        message: MessageId,
    },
    /// Messages of a device did not come.
    MessageGap {
        /// Which conversation.
        conversation: ConversationId,
        /// Whose.
        device: DeviceAddress,
        /// Which numbers.
        gap: Gap,
    },
    /// Devices or the identity key of an account changed, as its manifests say.
    Identity {
        /// Whose.
        account: AccountId,
        /// What.
        event: IdentityEvent,
    },
    /// The account shows another identity key. Nothing is sent to it until the app acknowledges.
    IdentityChanged(AccountId),
    /// Two manifests for one place in the account's chain.
    ManifestFork(AccountId),
    /// A session that nothing announced: the device lost its state, or somebody has its keys. Always shown.
    SessionReset(DeviceAddress),
    /// A device still uses a session that was replaced.
    StaleSession(DeviceAddress),
    /// Two senders under one identity.
    PossibleClone(DeviceAddress),
    /// How far the first message of a new session is forward secret.
    SessionBegan {
        /// With whom.
        device: DeviceAddress,
        /// By its prekeys.
        grade: Grade,
    },
    /// The device has no bundle: sending goes on with the old session, if there is one.
    PeerStale(DeviceAddress),
    /// The local clock is wrong.
    ClockSkew,
    /// An envelope that was held was given up: there were too many, or it was too old.
    HeldDropped,
    /// The files are older than they were. The sessions are wiped, and the device registers anew before it sends or receives;
    /// the host keeps the [`counter`](crate::Client::counter) that it has now.
    RolledBack,
    /// The account does not list this device any more: it sends and receives nothing.
    Unlinked,
    /// This device is registered anew: this is its mailbox.
    Registered(DeviceAddress),
}
