//! Wrong passphrases: each one is counted before it is tried, so that killing the process does not help.

use carevow_core::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::error::StoreError;

/// So many are free: fingers slip.
const FREE: u32 = 3;
const FIRST_DELAY_MS: u64 = 1_000;
const LONGEST_DELAY_MS: u64 = 15 * 60 * 1_000;

/// Counts an attempt, or says how long to wait.
pub(crate) fn begin(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let found: Option<(u32, i64)> = connection
        .query_row("SELECT failures, not_before_ms FROM attempt WHERE id = 1", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (failures, not_before) = found.unwrap_or((0, 0));
    let not_before = Timestamp::from_millis(u64::try_from(not_before).unwrap_or(0));
    // A clock that was set back must not lock the user out for longer than the longest delay.
    let wait = not_before.since(now).min(LONGEST_DELAY_MS);
    if wait > 0 {
        return Err(StoreError::TooSoon(wait));
    }
    let failures = failures.saturating_add(1);
    let next = i64::try_from(now.plus(delay(failures)).as_millis()).unwrap_or(i64::MAX);
    connection.execute(
        "INSERT INTO attempt (id, failures, not_before_ms) VALUES (1, ?1, ?2)
         ON CONFLICT (id) DO UPDATE SET failures = ?1, not_before_ms = ?2",
        params![failures, next],
    )?;
    Ok(())
}

/// The passphrase was right.
pub(crate) fn succeeded(connection: &Connection) -> Result<(), StoreError> {
    connection.execute("DELETE FROM attempt", [])?;
    Ok(())
}

/// 0 for the first three, then 1 s, 2 s, 4 s, up to 15 min.
fn delay(failures: u32) -> u64 {
    match failures.checked_sub(FREE) {
        None | Some(0) => 0,
        Some(more) => {
            let doubled = 2_u64.saturating_pow(more.saturating_sub(1));
            FIRST_DELAY_MS.saturating_mul(doubled).min(LONGEST_DELAY_MS)
        }
    }
}
