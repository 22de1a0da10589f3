//! The file of a history grant, `LP(HistoryItem)*`, read with the memory of one item: `docs/protocol.md` B19.

use std::io::{self, Read};

use prost::Message as _;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, Zeroizing};

use super::history::{HistoryError, HistoryGrant};
use crate::attachment::{Attachment, Purpose};
use crate::ids::{AccountId, DeviceId};
use crate::limits::{CONTENT_BYTES, HISTORY_ITEM_BYTES};
use crate::primitives::kdf::Sha256Stream;
use crate::time::Timestamp;
use crate::wire::{decode_content, lp, v1};

/// One item of the file.
pub struct HistoryItem {
    /// Who wrote it, by the granter's word.
    pub sender: (AccountId, DeviceId),
    /// The server's receive time, by the granter's word.
    pub server_ts: Timestamp,
    /// Content bytes, to be parsed as content (B9); receipts are never sent for them.
    pub content: Zeroizing<Vec<u8>>,
    /// The attachment, uploaded again, if its blob was gone.
    pub blob: Option<Attachment>,
}

/// An item, marked with the account that passed it on.
#[non_exhaustive]
pub struct PassedOn {
    /// Who vouches for it.
    pub by: AccountId,
    /// What it says.
    pub item: HistoryItem,
}

/// A file that was read to its end and is the one granted: now its items may be given out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct JudgedHistory {
    by: AccountId,
    count: u64,
    sha256: [u8; 32],
}

crate::linking::opaque!(HistoryItem, PassedOn, JudgedHistory);

impl HistoryGrant {
    /// Reads the decrypted archive once, keeping one item at a time: nothing of it is given out before its hash, its
    /// number of items and every item were judged. Errors in this order: hash, item, count.
    pub fn judge(&self, file: impl Read) -> Result<JudgedHistory, HistoryError> {
        let judged = JudgedHistory { by: self.from, count: self.count, sha256: self.sha256 };
        judged.items(file).try_for_each(|item| item.map(drop)).map(|()| judged)
    }

    /// The items of an archive that fits in memory. All of them are judged before one is given out.
    pub fn read(&self, file: &[u8]) -> Result<Vec<PassedOn>, HistoryError> {
        self.judge(file)?.items(file).collect()
    }
}

impl JudgedHistory {
    /// The items, from the beginning of the same file. It is hashed again: should it have changed, the last item is an
    /// error.
    pub fn items<R: Read>(&self, file: R) -> HistoryItems<R> {
        HistoryItems { judged: *self, count: 0, reader: Some(HistoryReader::new(Hashed::new(file))) }
    }
}

/// The items of a file, and after the last one an error unless the file was the one granted.
pub struct HistoryItems<R> {
    judged: JudgedHistory,
    count: u64,
    reader: Option<HistoryReader<Hashed<R>>>,
}

impl<R: Read> Iterator for HistoryItems<R> {
    type Item = Result<PassedOn, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.reader.as_mut()?.read_item();
        if let Ok(Some(item)) = item {
            self.count = self.count.saturating_add(1);
            return Some(Ok(PassedOn { by: self.judged.by, item }));
        }
        let reader = self.reader.take()?;
        let end = item.map(drop);
        self.end(reader, end).err().map(Err)
    }
}

impl<R: Read> HistoryItems<R> {
    /// Another file than the granted one is named so, whatever its items look like.
    fn end(&self, reader: HistoryReader<Hashed<R>>, items: Result<(), HistoryError>) -> Result<(), HistoryError> {
        if let Err(HistoryError::Source(_)) = items {
            return items;
        }
        let same = reader.source.finish()?.ct_eq(&self.judged.sha256);
        match (bool::from(same), items) {
            (false, _) => Err(HistoryError::FileHash),
            (true, Err(error)) => Err(error),
            (true, Ok(())) if self.count != self.judged.count => Err(HistoryError::Count),
            (true, Ok(())) => Ok(()),
        }
    }
}

/// Reads `LP(HistoryItem)*` without a grant, item by item, with a buffer of at most one item (266 240 bytes); it ends
/// after the first error.
pub struct HistoryReader<R> {
    source: R,
    buffer: Zeroizing<Vec<u8>>,
    ended: bool,
}

impl<R: Read> HistoryReader<R> {
    /// The plaintext of an archive: a file, or a slice.
    pub fn new(file: R) -> Self {
        Self { source: file, buffer: Zeroizing::new(Vec::new()), ended: false }
    }

    /// The next item; `None` where the file ends between two items.
    fn read_item(&mut self) -> Result<Option<HistoryItem>, HistoryError> {
        let mut length = [0; 4];
        match fill(&mut self.source, &mut length)? {
            0 => return Ok(None),
            4 => {}
            _ => return Err(HistoryError::Item),
        }
        let length = usize::try_from(u32::from_be_bytes(length)).map_err(|_| HistoryError::Item)?;
        if length > HISTORY_ITEM_BYTES {
            return Err(HistoryError::Item);
        }
        self.buffer.clear();
        // In steps: a length that nothing follows takes no memory.
        while let left @ 1.. = length.saturating_sub(self.buffer.len()) {
            let (read, step) = (self.buffer.len(), left.min(STEP_BYTES));
            self.buffer.reserve_exact(step);
            self.buffer.resize(read.saturating_add(step), 0);
            let (_, room) = self.buffer.split_at_mut_checked(read).ok_or(HistoryError::Item)?;
            if fill(&mut self.source, room)? < step {
                return Err(HistoryError::Item);
            }
        }
        HistoryItem::parse(&self.buffer).map(Some).ok_or(HistoryError::Item)
    }

    /// Bytes that the buffer holds room for.
    #[cfg(test)]
    pub(super) fn buffer_bytes(&self) -> usize {
        self.buffer.capacity()
    }
}

impl<R: Read> Iterator for HistoryReader<R> {
    type Item = Result<HistoryItem, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = self.read_item().transpose();
        self.ended = !matches!(item, Some(Ok(_)));
        item
    }
}

/// Reads until `room` is full or the source ends; how much it read.
fn fill(source: &mut impl Read, room: &mut [u8]) -> Result<usize, HistoryError> {
    let whole = room.len();
    let mut left = room;
    while !left.is_empty() {
        match source.read(left) {
            Ok(0) => break,
            // A source that claims more than it was given room for is broken.
            Ok(count) => {
                let read = core::mem::take(&mut left).split_at_mut_checked(count);
                left = read.ok_or(HistoryError::Source(BROKEN))?.1;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(HistoryError::Source(error.kind())),
        }
    }
    Ok(whole.saturating_sub(left.len()))
}

/// A source, and the hash of what was read of it.
struct Hashed<R> {
    source: R,
    sha256: Sha256Stream,
}

impl<R: Read> Hashed<R> {
    fn new(source: R) -> Self {
        Self { source, sha256: Sha256Stream::default() }
    }

    /// The hash of the whole file, what was not read yet included.
    fn finish(mut self) -> Result<[u8; 32], HistoryError> {
        let mut passed_over = [0; 4096];
        while fill(&mut self, &mut passed_over)? > 0 {}
        Ok(self.sha256.finish())
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(room)?;
        self.sha256.update(room.get(..count).ok_or(BROKEN)?);
        Ok(count)
    }
}

impl HistoryItem {
    /// `LP(HistoryItem)`, to be appended to the file; an error if it is longer than its limit.
    pub fn append_to(&self, file: &mut Vec<u8>) -> Result<(), HistoryError> {
        let (account, device) = self.sender;
        let mut wire = v1::HistoryItem {
            sender_account: account.as_bytes().to_vec(),
            sender_device: device.as_u32(),
            server_ts_ms: self.server_ts.as_millis(),
            content: self.content.to_vec(),
            blob: self.blob.as_ref().map(Attachment::to_wire),
        };
        let bytes = Zeroizing::new(wire.encode_to_vec());
        wire.content.zeroize();
        if let Some(blob) = &mut wire.blob {
            blob.key.zeroize();
        }
        if bytes.len() > HISTORY_ITEM_BYTES || self.content.len() > CONTENT_BYTES {
            return Err(HistoryError::Item);
        }
        file.extend_from_slice(&lp(&bytes));
        file.extend_from_slice(&bytes);
        Ok(())
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let wire: v1::HistoryItem = decode_content(bytes, HISTORY_ITEM_BYTES).ok()?;
        let content = Zeroizing::new(wire.content);
        let blob = wire.blob.map(|blob| Attachment::parse(blob, Purpose::Message)).transpose().ok()?;
        (1..=CONTENT_BYTES).contains(&content.len()).then_some(())?;
        Some(Self {
            sender: (AccountId::from_slice(&wire.sender_account)?, DeviceId::new(wire.sender_device)?),
            server_ts: Timestamp::from_millis(wire.server_ts_ms),
            content,
            blob,
        })
    }
}

const STEP_BYTES: usize = 64 * 1024;
const BROKEN: io::ErrorKind = io::ErrorKind::InvalidData;
