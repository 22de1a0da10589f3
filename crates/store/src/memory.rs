//! What is in memory: the keys while the store is unlocked, and what this process has seen.

use carevow_core::sealed_store::Head;
use rand_core::TryCryptoRng;
use rusqlite::{Connection, TransactionBehavior};

use crate::buckets::Sums;
use crate::clock::Now;
use crate::error::{Damage, StoreError};
use crate::header::Header;
use crate::transaction::{Keys, Transaction};

pub(crate) struct Memory {
    /// `None` while locked.
    pub(crate) open: Option<Open>,
    /// The highest counter that was ever seen.
    pub(crate) seen: u64,
}

/// What is in memory while the store is unlocked.
pub(crate) struct Open {
    pub(crate) keys: Keys,
    /// As the header has it: another one means that another process made a new root.
    pub(crate) wrapped_root: Vec<u8>,
    pub(crate) sums: Sums,
    /// The counter for which the sums are right.
    pub(crate) sums_of: Option<u64>,
    pub(crate) lock_at: u64,
}

impl Memory {
    /// Locks if the time has come; else the time begins anew.
    pub(crate) fn touch(&mut self, now: Now, idle_ms: u64) -> Result<(), StoreError> {
        match &mut self.open {
            Some(open) if now.boot_ms < open.lock_at => {
                open.lock_at = now.boot_ms.saturating_add(idle_ms);
                Ok(())
            }
            _ => {
                self.open = None;
                Err(StoreError::Locked)
            }
        }
    }

    /// One transaction, under the lock between processes: header, set of rows, work, commit.
    pub(crate) fn run<T, E: From<StoreError>, R: TryCryptoRng>(
        &mut self,
        connection: &Connection,
        rng: &mut R,
        work: impl FnOnce(&mut Transaction<'_, R>, &mut Header) -> Result<T, E>,
    ) -> Result<T, E> {
        let seen = self.seen;
        let open = self.open.as_mut().ok_or(StoreError::Locked)?;
        let sql = rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)
            .map_err(StoreError::from)?;
        let mut header = Header::read(&sql)?;
        let before = header.clone();
        if header.head.counter < seen {
            return Err(StoreError::RolledBack.into());
        }
        if header.wrapped_root != open.wrapped_root {
            // Another process erased something and made a new root; this one's is good for nothing.
            self.open = None;
            return Err(StoreError::Locked.into());
        }
        if open.sums_of != Some(header.head.counter) {
            open.sums = verified(&sql, &open.keys, &header)?;
        } else {
            verify_head(&open.keys, &header)?;
        }
        // Until the commit is known to have happened, nothing says for which counter the sums are right.
        open.sums_of = None;
        let revision = header.head.counter.checked_add(1).ok_or(StoreError::InvalidInput)?;
        let mut transaction = Transaction::new(&sql, &open.keys, &open.sums, revision, rng);
        let result = work(&mut transaction, &mut header);
        let changes = transaction.changes();
        let result = match result {
            Ok(result) => result,
            Err(error) => {
                open.sums_of = Some(header.head.counter);
                return Err(error);
            }
        };
        let changed = changes.unwrap_or_default();
        if !changed.is_empty() || header != before {
            let total = Sums::write(&sql, &open.keys.system, header.head.total, &changed)?;
            header.head = Head { counter: revision, total, ..header.head };
            header.mac = open.keys.system.sign_head(&open.keys.store, &header.head);
            header.write(&sql)?;
        }
        sql.commit().map_err(StoreError::from)?;
        open.sums.adopt(&changed);
        open.sums_of = Some(header.head.counter);
        self.seen = header.head.counter;
        Ok(result)
    }
}

/// The sums, after the header was verified.
pub(crate) fn verified(connection: &Connection, keys: &Keys, header: &Header) -> Result<Sums, StoreError> {
    verify_head(keys, header)?;
    Sums::read(connection, &keys.system, &header.head.total)
}

fn verify_head(keys: &Keys, header: &Header) -> Result<(), StoreError> {
    let verified = keys.system.verify_head(&keys.store, &header.head, &header.mac);
    match verified {
        Ok(()) if header.store == keys.store => Ok(()),
        _ => Err(StoreError::Corrupted(Damage::Header)),
    }
}
