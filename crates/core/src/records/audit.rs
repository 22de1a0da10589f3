//! Verification of a stored audit chain against heads that left the device: `docs/protocol.md` B19.

use super::chain::ChainPoint;
use super::entry::AuditEntry;

/// An entry as the store keeps it: its bytes, and beside them the hash over everything up to it.
#[derive(Clone, Copy)]
pub struct StoredEntry<'a> {
    /// As it was appended.
    pub bytes: &'a [u8],
    /// `h_n`.
    pub h: [u8; 32],
}

/// What is wrong at a sequence number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AuditFault {
    /// The entry with this number is not here: deleted, reordered, or cut off the end that a head vouches for.
    Missing,
    /// What stands here is no entry in canonical form.
    Malformed,
    /// The entry was changed: its stored hash is not the one over it and what came before.
    Hash,
    /// Entries before this number were deleted and no prune entry says so, or it names a point that no head vouches for.
    Prune,
    /// The entries agree with themselves and not with a head: the chain was written anew somewhere from here on.
    Head,
}

/// The first bad sequence number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("audit entry {seq}: {fault:?}")]
pub struct BadEntry {
    /// For [`AuditFault::Head`], the first number that no head vouches for; else the entry itself.
    pub seq: u64,
    /// What is wrong with it.
    pub fault: AuditFault,
}

/// Checks `h_n`, the numbers and every prune entry of `entries` (in order), then the points of `heads` (verified heads
/// of this store, in any order). It starts at (0, Z32), or after a prune at (k, h_k), if one of `heads` is that point:
/// else who owns the store could put a made-up point in the place of everything. Gives the end of the chain. Not
/// detected: changes to what is newer than the last head that left the device.
pub fn verify(entries: &[StoredEntry<'_>], heads: &[ChainPoint]) -> Result<ChainPoint, BadEntry> {
    let (parsed, mut fault) = parse(entries);
    let mut last = start(&parsed, heads)?;
    let mut points = Vec::with_capacity(entries.len().saturating_add(1));
    points.push(last);
    for (stored, entry) in entries.iter().zip(&parsed) {
        match following(&points, last, stored, entry) {
            Ok(point) => last = point,
            Err(bad) => {
                fault = Some(bad);
                break;
            }
        }
        points.push(last);
    }
    // Up to the first fault the entries agree with themselves: a head may dispute an earlier one.
    against(&points, last, heads, fault)
}

/// The point that an entry leads to, from `last`, the end of `points`.
fn following(
    points: &[ChainPoint],
    last: ChainPoint,
    stored: &StoredEntry<'_>,
    (seq, entry): &(u64, AuditEntry),
) -> Result<ChainPoint, BadEntry> {
    let bad = |fault| BadEntry { seq: *seq, fault };
    let point = last.after(*seq, stored.bytes);
    if point.h != stored.h {
        return Err(bad(AuditFault::Hash));
    }
    if let Some(pruned) = entry.pruned {
        let known = point_at(points, pruned.seq);
        if pruned.seq >= *seq || known.is_some_and(|known| known != pruned) {
            return Err(bad(AuditFault::Prune));
        }
    }
    Ok(point)
}

/// The entries, numbered without gaps, up to the first that is none or has another number.
fn parse(entries: &[StoredEntry<'_>]) -> (Vec<(u64, AuditEntry)>, Option<BadEntry>) {
    let mut parsed: Vec<(u64, AuditEntry)> = Vec::with_capacity(entries.len());
    for stored in entries {
        let expected = parsed.last().map_or(1, |(seq, _)| seq.saturating_add(1));
        let bad = |fault| BadEntry { seq: expected, fault };
        let Ok((seq, entry)) = AuditEntry::parse(stored.bytes) else {
            return (parsed, Some(bad(AuditFault::Malformed)));
        };
        // Only the first one may have any number: what was before it may have been pruned.
        if seq != expected && (!parsed.is_empty() || seq == 0) {
            return (parsed, Some(bad(AuditFault::Missing)));
        }
        parsed.push((seq, entry));
    }
    (parsed, None)
}

/// (0, Z32), or the point of the prune entry that says why the first entry is not number 1.
fn start(parsed: &[(u64, AuditEntry)], heads: &[ChainPoint]) -> Result<ChainPoint, BadEntry> {
    let before = parsed.first().map_or(0, |(seq, _)| seq.saturating_sub(1));
    if before == 0 {
        return Ok(ChainPoint::START);
    }
    let pruned = parsed.iter().filter_map(|(_, entry)| entry.pruned);
    // A head for the same number with another hash is told apart below.
    let vouched = |point: &ChainPoint| heads.iter().any(|head| head.seq == point.seq);
    let known = pruned.filter(vouched);
    known.clone().find(|point| point.seq == before).ok_or_else(|| BadEntry {
        seq: known.map(|point| point.seq).filter(|seq| *seq < before).max().unwrap_or(0).saturating_add(1),
        fault: AuditFault::Prune,
    })
}

fn point_at(points: &[ChainPoint], seq: u64) -> Option<ChainPoint> {
    let first = points.first()?.seq;
    let index = usize::try_from(seq.checked_sub(first)?).ok()?;
    points.get(index).copied()
}

/// Every head that is not older than the start must be a point of the chain, as far as that goes: what lies at and
/// beyond `fault`, if there is one, no head can dispute any more.
fn against(
    points: &[ChainPoint],
    end: ChainPoint,
    heads: &[ChainPoint],
    fault: Option<BadEntry>,
) -> Result<ChainPoint, BadEntry> {
    let agrees = |head: &&ChainPoint| point_at(points, head.seq) == Some(**head);
    let start = points.first().map_or(0, |point| point.seq);
    let reached = |head: &&ChainPoint| fault.is_none() || head.seq <= end.seq;
    let disputed = heads.iter().filter(|head| head.seq >= start && reached(head) && !agrees(head));
    let Some(disputed) = disputed.map(|head| head.seq).min() else {
        return fault.map_or(Ok(end), Err);
    };
    if disputed > end.seq {
        return Err(BadEntry { seq: end.seq.saturating_add(1), fault: AuditFault::Missing });
    }
    let vouched = heads.iter().filter(|head| head.seq < disputed && agrees(head)).map(|head| head.seq).max();
    Err(BadEntry {
        seq: vouched.map_or_else(|| start.saturating_add(1).min(disputed), |seq| seq.saturating_add(1)),
        fault: AuditFault::Head,
    })
}
