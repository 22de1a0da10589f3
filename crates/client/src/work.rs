//! What is to be done, and from when on. It lies in the store, so that nothing is forgotten when the process ends.

use carevow_core::random::delay;
use carevow_core::{AccountId, ConversationId, DeviceAddress, DeviceId, RegNonce, Timestamp};
use carevow_store::Sealing;
use prost::Message as _;
use rand_core::TryCryptoRng;

use crate::error::ClientError;
use crate::records::{self, FORMAT};
use crate::tables::{ALL_WORK, WORK};
use crate::turn::Turn;

/// One thing to do. There is at most one of each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Work {
    PublishManifest,
    PublishPrekeys,
    FetchCertificate,
    FetchRevocations,
    /// Nothing is known of the account.
    FetchManifest(AccountId),
    /// Devices of the account are owed something, and there is no session.
    FetchBundles(AccountId),
    /// Something is owed to devices of the account, or envelopes wait for the relay.
    Submit(AccountId),
    /// Delivery receipts are due.
    SendReceipts(DeviceAddress),
    /// An acknowledgement may be due.
    Acknowledge(DeviceAddress),
    /// Certificate, manifest, outbox and what is held are looked after.
    Upkeep,
    /// Prekeys are looked after.
    KeepPrekeys,
    /// Whether a session that a device began was announced shows now.
    Settle(DeviceAddress),
    /// What is held is judged again.
    RetryHeld,
    /// The device is told of the newest manifest of this account.
    Introduce(DeviceAddress),
    /// One-time prekeys that the directory has left are counted.
    CountPrekeys,
    /// Manifests of the account are missing between two that are here.
    FillGap(AccountId),
    /// Messages of a device in a conversation are missing.
    ReportGaps(DeviceAddress, ConversationId),
}

impl Work {
    /// Whether it is done without the network.
    pub(crate) const fn is_local(self) -> bool {
        match self {
            Self::SendReceipts(_)
            | Self::Acknowledge(_)
            | Self::Introduce(_)
            | Self::Upkeep
            | Self::KeepPrekeys
            | Self::Settle(_)
            | Self::RetryHeld
            | Self::ReportGaps(..) => true,
            Self::PublishManifest
            | Self::PublishPrekeys
            | Self::CountPrekeys
            | Self::FetchCertificate
            | Self::FetchRevocations
            | Self::FetchManifest(_)
            | Self::FillGap(_)
            | Self::FetchBundles(_)
            | Self::Submit(_) => false,
        }
    }

    fn key(self) -> Vec<u8> {
        match self {
            Self::PublishManifest => vec![1],
            Self::PublishPrekeys => vec![2],
            Self::FetchCertificate => vec![3],
            Self::FetchRevocations => vec![4],
            Self::FetchManifest(account) => [&[5], account.as_bytes().as_slice()].concat(),
            Self::FetchBundles(account) => [&[6], account.as_bytes().as_slice()].concat(),
            Self::Submit(account) => [&[7], account.as_bytes().as_slice()].concat(),
            Self::SendReceipts(device) => [&[8], device.to_bytes().as_slice()].concat(),
            Self::Acknowledge(device) => [&[9], device.to_bytes().as_slice()].concat(),
            Self::Upkeep => vec![10],
            Self::Settle(device) => [&[11], device.to_bytes().as_slice()].concat(),
            Self::RetryHeld => vec![12],
            Self::KeepPrekeys => vec![13],
            Self::Introduce(device) => [&[15], device.to_bytes().as_slice()].concat(),
            Self::CountPrekeys => vec![16],
            Self::FillGap(account) => [&[17], account.as_bytes().as_slice()].concat(),
            Self::ReportGaps(device, conversation) => {
                [&[14], device.to_bytes().as_slice(), conversation.as_bytes()].concat()
            }
        }
    }

    fn parse(key: &[u8]) -> Option<Self> {
        let (kind, of) = key.split_first()?;
        let account = || AccountId::from_slice(of);
        match (kind, of) {
            (1, []) => Some(Self::PublishManifest),
            (2, []) => Some(Self::PublishPrekeys),
            (3, []) => Some(Self::FetchCertificate),
            (4, []) => Some(Self::FetchRevocations),
            (5, _) => account().map(Self::FetchManifest),
            (6, _) => account().map(Self::FetchBundles),
            (7, _) => account().map(Self::Submit),
            (8, _) => address(of).map(Self::SendReceipts),
            (9, _) => address(of).map(Self::Acknowledge),
            (10, []) => Some(Self::Upkeep),
            (11, _) => address(of).map(Self::Settle),
            (12, []) => Some(Self::RetryHeld),
            (13, []) => Some(Self::KeepPrekeys),
            (15, _) => address(of).map(Self::Introduce),
            (16, []) => Some(Self::CountPrekeys),
            (17, _) => account().map(Self::FillGap),
            (14, _) => {
                let (device, conversation) = of.split_at_checked(24)?;
                Some(Self::ReportGaps(address(device)?, ConversationId::from_slice(conversation)?))
            }
            _ => None,
        }
    }
}

/// As [`DeviceAddress::to_bytes`] wrote it.
pub(crate) fn address(bytes: &[u8]) -> Option<DeviceAddress> {
    let (account, rest) = bytes.split_first_chunk::<16>()?;
    let (device, reg) = rest.split_first_chunk::<4>()?;
    Some(DeviceAddress {
        account: AccountId::from_bytes(*account),
        device: DeviceId::new(u32::from_be_bytes(*device))?,
        reg: RegNonce::new(u32::from_be_bytes(reg.try_into().ok()?))?,
    })
}

impl<R: TryCryptoRng> Turn<'_, '_, R> {
    /// Has something done from a time on; the earlier of two times counts.
    pub(crate) fn schedule(&mut self, work: Work, from: Timestamp) -> Result<(), ClientError> {
        let stored: Option<records::Work> = self.record(WORK, &work.key(), Sealing::System)?;
        match stored {
            Some(stored) if stored.from_ms <= from.as_millis() => Ok(()),
            Some(stored) => self.put_work(work, from, stored.failures),
            None => self.put_work(work, from, 0),
        }
    }

    /// It is done.
    pub(crate) fn done(&mut self, work: Work) -> Result<(), ClientError> {
        self.tx.delete(WORK, &work.key(), Some(ALL_WORK))?;
        Ok(())
    }

    /// It failed: again after 5 s, then twice as long each time up to an hour, and up to half of that more, so that
    /// devices do not come back together.
    pub(crate) fn failed(&mut self, work: Work) -> Result<(), ClientError> {
        let stored: Option<records::Work> = self.record(WORK, &work.key(), Sealing::System)?;
        let failures = stored.map_or(0, |stored| stored.failures);
        let wait = FIRST_RETRY_MS.checked_shl(failures).unwrap_or(LAST_RETRY_MS).min(LAST_RETRY_MS);
        let wait = wait.saturating_add(delay(wait / 2, self.tx.rng())?);
        self.put_work(work, self.now.wall.plus(wait), failures.saturating_add(1).min(MOST_FAILURES))
    }

    /// All of it, with when it is due: the earliest first.
    pub(crate) fn work(&mut self) -> Result<Vec<(Timestamp, Work)>, ClientError> {
        let mut all = Vec::new();
        for row in self.tx.family(ALL_WORK, Sealing::System)? {
            let stored: records::Work = records::read(&row.value)?;
            let work = Work::parse(&row.key).ok_or(ClientError::CORRUPTED)?;
            all.push((Timestamp::from_millis(stored.from_ms), work));
        }
        all.sort_unstable();
        Ok(all)
    }

    fn put_work(&mut self, work: Work, from: Timestamp, failures: u32) -> Result<(), ClientError> {
        let record = records::Work { format: FORMAT, from_ms: from.as_millis(), failures };
        Ok(self.tx.put(WORK, &work.key(), Some(ALL_WORK), Sealing::System, &record.encode_to_vec())?)
    }
}

const FIRST_RETRY_MS: u64 = 5_000;
const LAST_RETRY_MS: u64 = 3_600_000;
/// Beyond it the wait is as long as it gets.
const MOST_FAILURES: u32 = 16;
