//! Events that must not be lost: they lie in the store until the app has had them, and come again after a crash.

use carevow_core::content::Gap;
use carevow_core::identity::{DeviceChanges, IdentityEvent, KeyRotation};
use carevow_core::primitives::{Ed25519PublicKey, PublicKey as _};
use carevow_core::{AccountId, ConversationId, DeviceAddress, MessageId, Timestamp};
use carevow_store::{Sealing, Transaction};
use prost::Message;
use rand_core::TryCryptoRng;

use crate::error::ClientError;
use crate::event::Event;
use crate::records::{self, FORMAT, Record};
use crate::tables::ALARM_LOG;
use crate::turn::Told;
use crate::work;

/// An event that the app has not had yet.
#[derive(Clone, PartialEq, Eq, Message)]
#[prost(skip_debug)]
struct Alarm {
    #[prost(uint32, tag = "1")]
    format: u32,
    #[prost(uint32, tag = "2")]
    kind: u32,
    #[prost(bytes = "vec", tag = "3")]
    account: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    conversation: Vec<u8>,
    #[prost(bytes = "vec", tag = "5")]
    message: Vec<u8>,
    #[prost(bytes = "vec", repeated, tag = "6")]
    devices: Vec<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "7")]
    closed: Vec<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "8")]
    keys: Vec<Vec<u8>>,
    #[prost(uint64, repeated, tag = "9")]
    numbers: Vec<u64>,
}

impl Record for Alarm {
    fn format(&self) -> u32 {
        self.format
    }
}

impl core::fmt::Debug for Alarm {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Alarm(..)")
    }
}

/// The record of an event, if it is one of these: what recurs by itself, or can be read from the conversation, is not.
pub(crate) fn kept(event: &Event) -> Option<Vec<u8>> {
    let mut record = Alarm { format: FORMAT, ..Alarm::default() };
    let device = |record: &mut Alarm, address: &DeviceAddress| record.devices = vec![bytes(address)];
    record.kind = match event {
        Event::ContactRequest(account) => {
            record.account = account.as_bytes().to_vec();
            1
        }
        Event::DeliveryUnconfirmed { conversation, message } => {
            record.conversation = conversation.as_bytes().to_vec();
            record.message = message.as_bytes().to_vec();
            2
        }
        Event::MessageGap { conversation, device: of, gap } => {
            record.conversation = conversation.as_bytes().to_vec();
            device(&mut record, of);
            record.numbers = vec![gap.from, gap.to, gap.since.as_millis(), u64::from(gap.reported)];
            3
        }
        Event::Identity { account, event } => {
            record.account = account.as_bytes().to_vec();
            identity(&mut record, event)
        }
        Event::IdentityChanged(account) => {
            record.account = account.as_bytes().to_vec();
            8
        }
        Event::ManifestFork(account) => {
            record.account = account.as_bytes().to_vec();
            9
        }
        Event::SessionReset(of) => {
            device(&mut record, of);
            10
        }
        Event::PossibleClone(of) => {
            device(&mut record, of);
            11
        }
        Event::HeldDropped => 12,
        Event::RolledBack => 13,
        Event::Unlinked => 14,
        Event::Registered(of) => {
            device(&mut record, of);
            15
        }
        Event::Message { .. }
        | Event::Unsupported { .. }
        | Event::Changed { .. }
        | Event::Delivered { .. }
        | Event::Read { .. }
        | Event::StaleSession(_)
        | Event::SessionBegan { .. }
        | Event::PeerStale(_)
        | Event::ClockSkew => return None,
    };
    Some(record.encode_to_vec())
}

fn identity(record: &mut Alarm, event: &IdentityEvent) -> u32 {
    match event {
        IdentityEvent::DeviceListChanged(changes) => {
            record.devices = changes.added.iter().map(bytes).collect();
            record.closed = changes.closed.iter().map(bytes).collect();
            4
        }
        IdentityEvent::IdentityRotated(rotation) => {
            record.keys = vec![rotation.from.to_tagged(), rotation.to.to_tagged()];
            5
        }
        IdentityEvent::GapOpened { after_seq, before_seq } => {
            record.numbers = vec![*after_seq, *before_seq];
            6
        }
        IdentityEvent::ManifestFork { stopped } => {
            record.closed = stopped.iter().map(bytes).collect();
            7
        }
    }
}

fn bytes(address: &DeviceAddress) -> Vec<u8> {
    address.to_bytes().to_vec()
}

/// The event of a record.
pub(crate) fn restored(bytes: &[u8]) -> Result<Event, ClientError> {
    let record: Alarm = records::read(bytes)?;
    event(&record).ok_or(ClientError::CORRUPTED)
}

fn event(record: &Alarm) -> Option<Event> {
    let account = || AccountId::from_slice(&record.account);
    let device = || work::address(record.devices.first()?);
    let all = |devices: &[Vec<u8>]| devices.iter().map(|bytes| work::address(bytes)).collect::<Option<Vec<_>>>();
    let of_account = |event| Some(Event::Identity { account: account()?, event });
    match (record.kind, record.numbers.as_slice(), record.keys.as_slice()) {
        (1, ..) => account().map(Event::ContactRequest),
        (2, ..) => Some(Event::DeliveryUnconfirmed {
            conversation: ConversationId::from_slice(&record.conversation)?,
            message: MessageId::from_slice(&record.message)?,
        }),
        (3, [from, to, since, reported], _) => Some(Event::MessageGap {
            conversation: ConversationId::from_slice(&record.conversation)?,
            device: device()?,
            gap: Gap { from: *from, to: *to, since: Timestamp::from_millis(*since), reported: *reported == 1 },
        }),
        (4, ..) => of_account(IdentityEvent::DeviceListChanged(DeviceChanges {
            added: all(&record.devices)?,
            closed: all(&record.closed)?,
        })),
        (5, _, [from, to]) => of_account(IdentityEvent::IdentityRotated(Box::new(KeyRotation {
            from: Ed25519PublicKey::from_tagged(from).ok()?,
            to: Ed25519PublicKey::from_tagged(to).ok()?,
        }))),
        (6, [after_seq, before_seq], _) => {
            of_account(IdentityEvent::GapOpened { after_seq: *after_seq, before_seq: *before_seq })
        }
        (7, ..) => of_account(IdentityEvent::ManifestFork { stopped: all(&record.closed)? }),
        (8, ..) => account().map(Event::IdentityChanged),
        (9, ..) => account().map(Event::ManifestFork),
        (10, ..) => device().map(Event::SessionReset),
        (11, ..) => device().map(Event::PossibleClone),
        (12, ..) => Some(Event::HeldDropped),
        (13, ..) => Some(Event::RolledBack),
        (14, ..) => Some(Event::Unlinked),
        (15, ..) => device().map(Event::Registered),
        _ => None,
    }
}

/// Removes what the app has had; what earlier processes left, if this one has not read it yet.
pub(crate) fn pending<R: TryCryptoRng>(
    tx: &mut Transaction<'_, R>,
    read: bool,
    handed_out: u64,
) -> Result<Vec<Told>, ClientError> {
    let bounds = tx.bounds(ALARM_LOG)?;
    if bounds.start < handed_out.min(bounds.end) {
        tx.trim(ALARM_LOG, handed_out)?;
    }
    if read {
        return Ok(Vec::new());
    }
    let items = tx.items(ALARM_LOG, Sealing::System, bounds.start.max(handed_out)..bounds.end)?;
    let told = |item: carevow_store::Item| {
        let event = restored(&item.value.ok_or(ClientError::CORRUPTED)?)?;
        Ok(Told { event, number: Some(item.number) })
    };
    items.into_iter().map(told).collect()
}

#[cfg(test)]
mod tests {
    use carevow_core::{DeviceId, RegNonce};

    use super::*;

    fn address(byte: u8) -> DeviceAddress {
        DeviceAddress {
            account: AccountId::from_bytes([byte; 16]),
            device: DeviceId::new(u32::from(byte)).unwrap(),
            reg: RegNonce::new(7).unwrap(),
        }
    }

    #[test]
    fn every_alarm_comes_back_as_it_was() {
        let account = AccountId::from_bytes([1; 16]);
        let conversation = ConversationId::from_bytes([2; 16]);
        let gap = Gap { from: 1, to: 9, since: Timestamp::from_millis(5), reported: true };
        let of = |event| Event::Identity { account, event };
        let changes = DeviceChanges { added: vec![address(1), address(2)], closed: vec![address(3)] };
        let all = [
            Event::ContactRequest(account),
            Event::DeliveryUnconfirmed { conversation, message: MessageId::from_bytes([3; 16]) },
            Event::MessageGap { conversation, device: address(1), gap },
            of(IdentityEvent::DeviceListChanged(changes)),
            of(IdentityEvent::GapOpened { after_seq: 1, before_seq: 3 }),
            of(IdentityEvent::ManifestFork { stopped: vec![address(4)] }),
            Event::IdentityChanged(account),
            Event::ManifestFork(account),
            Event::SessionReset(address(1)),
            Event::PossibleClone(address(1)),
            Event::HeldDropped,
            Event::RolledBack,
            Event::Unlinked,
            Event::Registered(address(1)),
        ];
        for event in all {
            assert_eq!(restored(&kept(&event).unwrap()), Ok(event));
        }
        assert_eq!(kept(&Event::Message { conversation, number: 1 }), None);
    }

    #[test]
    fn a_damaged_alarm_is_none() {
        let good = kept(&Event::SessionReset(address(1))).unwrap();
        let record: Alarm = records::read(&good).unwrap();
        let damaged = [
            Alarm { kind: 16, ..record.clone() },
            Alarm { kind: 0, ..record.clone() },
            Alarm { devices: Vec::new(), ..record.clone() },
            Alarm { devices: vec![vec![1; 23]], ..record },
        ];
        for record in damaged {
            assert_eq!(restored(&record.encode_to_vec()), Err(ClientError::CORRUPTED));
        }
    }
}
