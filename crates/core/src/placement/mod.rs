//! The life cycle of sessions as decisions over small summaries: `docs/protocol.md` B12, and what belongs to it of
//! B4.5 (generations), B4.6 (seen-set), B6.2 (refresh), B7.2 (when to seal, RetryRequest), B7.4 (receipts and
//! acknowledgements) and B16 (rates). Nothing here holds a key, reads a clock or draws a delay by itself.

mod acknowledgement;
mod delay;
mod rate;
mod receipt;
mod refresh;
mod resend;
mod retry;
mod sealing;
mod seen;
mod session;
mod visibility;

#[cfg(test)]
mod tests;

pub use acknowledgement::{AcceptedMessage, Acknowledgement, AcknowledgementTally, Peer, SenderInfoDue};
pub use delay::{Delay, Window};
pub use rate::{DailyCount, HourlyRate, RateExceeded, SecondRate};
pub use receipt::{Occurrence, ReceiptDecision, ReceiptDelays, receipt};
pub use refresh::{AfterFailedFetch, InitAik, RefreshReason, SendDecision, SendingChain, before_send};
pub use resend::{AikStanding, ResendFacts, ResendRefused, ResendTrigger, may_resend};
pub use retry::{AuthenticatedFailure, EnvelopeSeen, FailureCause, SenderStanding, retry_request};
pub use sealing::{AccountTraffic, ArchivedArrival, EnvRecord, EnvelopeForm, Outgoing, SessionTraffic, envelope_form};
pub use seen::{SeenError, SeenSet, ServedBy};
pub use session::{
    ArchivedSession, DeviceSessions, GenerationRefused, OpenedOn, Origin, Placement, Position, Rank, SessionSummary,
};
pub use visibility::{Answer, Arrival, Visibility, answer_to_low, visibility};

/// Whether there is an established conversation with an account, or only a contact request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Conversation {
    /// One that the user takes part in.
    Established,
    /// None yet: nothing automatic is sent.
    ContactRequest,
}
