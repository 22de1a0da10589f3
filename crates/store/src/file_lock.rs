//! The advisory lock between processes, on a file of its own: SQLite's files come and go.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::StoreError;

/// How long a transaction waits for another process: a notification extension has 30 s in all.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(1);

/// The lock file, open.
#[derive(Debug)]
pub(crate) struct FileLock(File);

/// The lock, held; the system gives it back when the process dies.
#[derive(Debug)]
pub(crate) struct Held<'a>(&'a File);

impl FileLock {
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        private(&mut options);
        Ok(Self(options.open(path)?))
    }

    pub(crate) fn hold(&self) -> Result<Held<'_>, StoreError> {
        let begin = Instant::now();
        loop {
            match self.0.try_lock() {
                Ok(()) => return Ok(Held(&self.0)),
                Err(TryLockError::WouldBlock) if begin.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => return Err(StoreError::Busy),
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // Closing the file would give it back too, so there is nothing to do about an error.
        let _ = self.0.unlock();
    }
}

/// Readable and writable by this user alone.
#[cfg(unix)]
pub(crate) fn private(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600);
}

#[cfg(not(unix))]
pub(crate) fn private(_options: &mut OpenOptions) {}
