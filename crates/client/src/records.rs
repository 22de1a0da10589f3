//! Records at rest: versioned, and read whole or not at all. No key is in any of them: private keys, prekeys and
//! sessions are rows of their own. What each field means stands in `docs/client.md`.

use prost::Message;

use crate::error::ClientError;

/// The one format there is.
pub(crate) const FORMAT: u32 = 1;

/// A record with its format.
pub(crate) trait Record: Message + Default {
    fn format(&self) -> u32;
}

/// A record as it was stored: what would not be written again as the same bytes is damaged, and never taken for absent.
pub(crate) fn read<R: Record>(bytes: &[u8]) -> Result<R, ClientError> {
    let record = R::decode(bytes).map_err(|_| ClientError::CORRUPTED)?;
    match record.format() == FORMAT && record.encode_to_vec() == bytes {
        true => Ok(record),
        false => Err(ClientError::CORRUPTED),
    }
}

macro_rules! versioned {
    ($($name:ident),*) => {
        $(impl Record for $name {
            fn format(&self) -> u32 {
                self.format
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        })*
    };
}

versioned!(Own, Contact, Peer, Owed, Outbox, Submission, StoredMessage, Dedupe, Sequence, Work, DueReceipt, Waiting);

/// This device and its account.
#[derive(Clone, PartialEq, Eq, Message)]
#[prost(skip_debug)]
pub(crate) struct Own {
    #[prost(uint32, tag = "1")]
    pub(crate) format: u32,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) account: Vec<u8>,
    #[prost(uint32, tag = "3")]
    pub(crate) device: u32,
    #[prost(uint32, tag = "4")]
    pub(crate) reg: u32,
    /// Container of the newest manifest.
    #[prost(bytes = "vec", tag = "5")]
    pub(crate) manifest: Vec<u8>,
    /// Containers; empty until the first were fetched.
    #[prost(bytes = "vec", tag = "6")]
    pub(crate) device_cert: Vec<u8>,
    #[prost(bytes = "vec", tag = "7")]
    pub(crate) issuer_cert: Vec<u8>,
    #[prost(uint64, tag = "8")]
    pub(crate) certified_until_ms: u64,
    /// Container of the newest revocation list; empty until one was fetched.
    #[prost(bytes = "vec", tag = "9")]
    pub(crate) revocations: Vec<u8>,
    /// The numbers that the next prekeys get, by type.
    #[prost(uint32, repeated, tag = "10")]
    pub(crate) next_prekeys: Vec<u32>,
    /// The seen-set (B4.6).
    #[prost(bytes = "vec", tag = "11")]
    pub(crate) seen: Vec<u8>,
    /// New sids of this second (B16).
    #[prost(bytes = "vec", tag = "12")]
    pub(crate) new_sids: Vec<u8>,
    /// The registration is lost, and there is no new one yet.
    #[prost(bool, tag = "13")]
    pub(crate) registering: bool,
    /// The highest number that a device of this account ever got.
    #[prost(uint32, tag = "14")]
    pub(crate) last_device: u32,
}

/// An account that this device knows.
#[derive(Clone, PartialEq, Eq, Message)]
#[prost(skip_debug)]
pub(crate) struct Contact {
    #[prost(uint32, tag = "1")]
    pub(crate) format: u32,
    /// The pin; empty before anything of the account was verified.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) pin: Vec<u8>,
    /// 1 a request 2 established 3 blocked
    #[prost(uint32, tag = "3")]
    pub(crate) standing: u32,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) traffic: Vec<u8>,
    /// New sids of the last hour (B16).
    #[prost(bytes = "vec", tag = "5")]
    pub(crate) new_sids: Vec<u8>,
    /// Whose devices a manifest names that nothing vouches for yet: asked for in the first fetch of bundles.
    #[prost(uint32, repeated, tag = "6")]
    pub(crate) candidates: Vec<u32>,
}

/// A device of an account, this registration.
#[derive(Clone, PartialEq, Eq, Message)]
#[prost(skip_debug)]
pub(crate) struct Peer {
    #[prost(uint32, tag = "1")]
    pub(crate) format: u32,
    /// Placement of its sessions.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) sessions: Vec<u8>,
    /// Container of its ENV record; empty: none.
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) env: Vec<u8>,
    /// What is due on the active session.
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) tally: Vec<u8>,
    /// A refresh waits for a bundle.
    #[prost(bool, tag = "5")]
    pub(crate) refresh: bool,
    /// The last `SessionRefresh` that it sent.
    #[prost(bytes = "vec", tag = "6")]
    pub(crate) announced: Vec<u8>,
    #[prost(uint64, tag = "7")]
    pub(crate) announced_at_ms: u64,
    /// A message waits to be sealed, and there is no valid ENV record.
    #[prost(bool, tag = "15")]
    pub(crate) env_wanted: bool,
    /// RetryRequests sent to it today.
    #[prost(bytes = "vec", tag = "8")]
    pub(crate) retries: Vec<u8>,
    /// Cold sessions that it began today.
    #[prost(bytes = "vec", tag = "9")]
    pub(crate) cold: Vec<u8>,
    /// No bundle before this time.
    #[prost(uint64, tag = "10")]
    pub(crate) bundle_after_ms: u64,
    /// A session that it began, and that is a reset unless it is announced by then.
    #[prost(bytes = "vec", tag = "11")]
    pub(crate) undecided: Vec<u8>,
    #[prost(uint64, tag = "12")]
    pub(crate) undecided_until_ms: u64,
    /// It is to be asked, as the first thing on a new session, for what is not acknowledged.
    #[prost(bool, tag = "13")]
    pub(crate) retry: bool,
    /// The session of the INIT that failed, if it was one.
    #[prost(bytes = "vec", tag = "14")]
    pub(crate) retry_sid: Vec<u8>,
}

/// Something that a device is still to be sent.
#[derive(Clone, PartialEq, Eq, Message)]
#[prost(skip_debug)]
pub(crate) struct Owed {
    #[prost(uint32, tag = "1")]
    pub(crate) format: u32,
    /// Of a content in the outbox.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) message: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) conversation: Vec<u8>,
    /// `content` is the copy that another device of this account gets.
    #[prost(bool, tag = "4")]
    pub(crate) copy: bool,
    /// A content that is in no outbox: a receipt, a control; empty with no message: an acknowledgement.
    #[prost(bytes = "vec", tag = "5")]
    pub(crate) content: Vec<u8>,
    #[prost(uint32, tag = "6")]
    pub(crate) minimum_body: u32,
}

/// A content that was sent.
#[derive(Clone, PartialEq, Eq, Message)]
#[prost(skip_debug)]
pub(crate) struct Outbox {
    #[prost(uint32, tag = "1")]
    pub(crate) format: u32,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) content: Vec<u8>,
    /// Number of the message in its conversation.
    #[prost(uint64, tag = "4")]
    pub(crate) number: u64,
    #[prost(uint64, tag = "5")]
    pub(crate) sent_at_ms: u64,
    /// The devices that it was first addressed to: `address[24]` each.
    #[prost(bytes = "vec", repeated, tag = "6")]
    pub(crate) addressed: Vec<Vec<u8>>,
    /// How often it was sent again: by device, in their order.
    #[prost(uint32, repeated, tag = "7")]
    pub(crate) attempts: Vec<u32>,
    /// The identity key that it was addressed under, tagged.
    #[prost(bytes = "vec", tag = "8")]
    pub(crate) aik: Vec<u8>,
}

/// A message of a session for one device. What is sealed is sealed when it is submitted: certificates live for a day, and
/// this may wait for longer.
#[derive(Clone, PartialEq, Eq, Message)]
#[prost(skip_debug)]
pub(crate) struct Part {
    /// `address[24]`
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) device: Vec<u8>,
    /// 0 as it is 1 sealed 2 sealed, an INIT
    #[prost(uint32, tag = "2")]
    pub(crate) form: u32,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) message: Vec<u8>,
}

impl core::fmt::Debug for Part {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Part(..)")
    }
}

/// Messages for devices of one account, submitted together.
#[derive(Clone, PartialEq, Eq, Message)]
#[prost(skip_debug)]
pub(crate) struct Submission {
    #[prost(uint32, tag = "1")]
    pub(crate) format: u32,
    #[prost(message, repeated, tag = "2")]
    pub(crate) parts: Vec<Part>,
    /// What of the outbox is in it, `message_id[16] || conversation[16]` each: a device that turns out to be listed too
    /// gets it.
    #[prost(bytes = "vec", repeated, tag = "4")]
    pub(crate) messages: Vec<Vec<u8>>,
}

/// A message of a conversation.
#[derive(Clone, PartialEq, Eq, Message)]
#[prost(skip_debug)]
pub(crate) struct StoredMessage {
    #[prost(uint32, tag = "1")]
    pub(crate) format: u32,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) account: Vec<u8>,
    #[prost(uint32, tag = "3")]
    pub(crate) device: u32,
    /// When it came, by the server; of an own one when it was sent.
    #[prost(uint64, tag = "4")]
    pub(crate) at_ms: u64,
    /// The content's bytes.
    #[prost(bytes = "vec", tag = "5")]
    pub(crate) content: Vec<u8>,
    /// Of an own message: when the other account acknowledged it; 0: not yet.
    #[prost(uint64, tag = "6")]
    pub(crate) delivered_ms: u64,
    /// When it was read; 0: not yet.
    #[prost(uint64, tag = "7")]
    pub(crate) read_ms: u64,
    /// Number of the edit or deletion that counts, plus 1; 0: none.
    #[prost(uint64, tag = "8")]
    pub(crate) changed_by: u64,
    /// It was taken back.
    #[prost(bool, tag = "9")]
    pub(crate) taken_back: bool,
}

/// A content that was received.
#[derive(Clone, PartialEq, Eq, Message)]
#[prost(skip_debug)]
pub(crate) struct Dedupe {
    #[prost(uint32, tag = "1")]
    pub(crate) format: u32,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) digest: Vec<u8>,
    /// When a receipt for it was last made ready.
    #[prost(uint64, tag = "3")]
    pub(crate) receipted_ms: u64,
}

/// Which numbers of a device came in a conversation.
#[derive(Clone, PartialEq, Eq, Message)]
#[prost(skip_debug)]
pub(crate) struct Sequence {
    #[prost(uint32, tag = "1")]
    pub(crate) format: u32,
    #[prost(uint64, tag = "2")]
    pub(crate) base: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) highest: u64,
    /// Of each gap: first, last, since, and 1 if it was reported.
    #[prost(uint64, repeated, tag = "4")]
    pub(crate) gaps: Vec<u64>,
}

/// Something that is to be done.
#[derive(Clone, PartialEq, Eq, Message)]
#[prost(skip_debug)]
pub(crate) struct Work {
    #[prost(uint32, tag = "1")]
    pub(crate) format: u32,
    #[prost(uint64, tag = "2")]
    pub(crate) from_ms: u64,
    /// How often it failed in a row.
    #[prost(uint32, tag = "3")]
    pub(crate) failures: u32,
}

/// A delivery receipt that is due.
#[derive(Clone, PartialEq, Eq, Message)]
#[prost(skip_debug)]
pub(crate) struct DueReceipt {
    #[prost(uint32, tag = "1")]
    pub(crate) format: u32,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) conversation: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) message: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) digest: Vec<u8>,
}

/// An envelope that is held.
#[derive(Clone, PartialEq, Eq, Message)]
#[prost(skip_debug)]
pub(crate) struct Waiting {
    #[prost(uint32, tag = "1")]
    pub(crate) format: u32,
    /// 1 clock 2 identity 3 manifest 4 revocations 5 cold sessions of the day
    #[prost(uint32, tag = "2")]
    pub(crate) why: u32,
    #[prost(uint64, tag = "3")]
    pub(crate) received_ms: u64,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) envelope: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work() -> Work {
        Work { format: FORMAT, from_ms: 5, failures: 1 }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let bytes = work().encode_to_vec();
        assert_eq!(read::<Work>(&bytes), Ok(work()));
    }

    #[test]
    fn a_record_of_another_format_or_that_was_changed_is_damaged() {
        let damaged = [
            Work { format: 2, ..work() }.encode_to_vec(),
            Work { format: 0, ..work() }.encode_to_vec(),
            Vec::new(),
            [work().encode_to_vec(), vec![0x20, 1]].concat(),
            [vec![0x18, 9], work().encode_to_vec()].concat(),
            work().encode_to_vec().split_last().unwrap().1.to_vec(),
        ];
        for bytes in damaged {
            assert_eq!(read::<Work>(&bytes), Err(ClientError::CORRUPTED));
        }
    }
}
