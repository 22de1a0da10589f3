//! The store as its owner holds it: locked, unlocked, suspended.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;

use carevow_core::Timestamp;
use carevow_core::ids::StoreId;
use carevow_core::random::draw;
use carevow_core::sealed_store::{Head, RootKey, SetSum, StoreKey};
use rand_core::TryCryptoRng;
use rusqlite::Connection;

use crate::access::Access;
use crate::buckets;
use crate::clock::Now;
use crate::error::{Damage, StoreError};
use crate::file_lock::FileLock;
use crate::header::{Header, Kind};
use crate::memory::{Memory, Open, verified};
use crate::root::{unwrap, wrap};
use crate::transaction::{Keys, Transaction};
use crate::wrapper::KeyWrapper;
use crate::{backoff, database, held};

/// The name under which the system key is sealed: no content key has it, as their names are keyed hashes.
pub(crate) const SYSTEM: [u8; 16] = *b"carevow-system-k";

/// What the owner of a store decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Without a call for so many milliseconds the keys leave the memory.
    pub idle_ms: u64,
}

/// How a store was found when it was unlocked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "after a rollback the device must register anew before it sends"]
pub enum Unlocked {
    /// As it was left.
    AsLeft,
    /// Older than it was once seen: the device wipes its sessions and registers anew (`docs/protocol.md` B12.7).
    RolledBack,
}

/// One store. Safe to share between threads: transactions follow one another.
pub struct Store {
    folder: PathBuf,
    policy: Policy,
    state: Mutex<State>,
    /// The thread that is inside of a transaction, which must not begin another.
    inside: Mutex<Option<ThreadId>>,
}

struct State {
    /// `None` while suspended.
    files: Option<Files>,
    memory: Memory,
}

struct Files {
    connection: Connection,
    lock: FileLock,
}

impl core::fmt::Debug for Store {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Store(..)")
    }
}

impl Files {
    fn open(folder: &Path) -> Result<Self, StoreError> {
        let lock = FileLock::open(&folder.join(database::LOCK_FILE))?;
        let connection = {
            let _held = lock.hold()?;
            database::open(folder)?
        };
        Ok(Self { connection, lock })
    }
}

impl Store {
    /// Makes a store in a folder that holds none. It is locked afterwards.
    pub fn create(
        folder: &Path,
        access: Access<'_>,
        policy: Policy,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Self, StoreError> {
        let store = StoreId::from_bytes(*draw(rng)?);
        let (root, system) = (RootKey::random(rng)?, StoreKey::random(rng)?);
        let (kind, generation, wrapped_root) = wrap(access, &store, &root, rng)?;
        let head = Head { generation, counter: 0, total: SetSum::ZERO };
        let header = Header {
            store,
            kind,
            retired: None,
            wrapped_root,
            sealed_system: root.seal(&store, &SYSTEM, &system, rng)?,
            head,
            mac: system.system(&store).sign_head(&store, &head),
        };
        make_folder(folder)?;
        let lock = FileLock::open(&folder.join(database::LOCK_FILE))?;
        {
            let _held = lock.hold()?;
            database::create(folder, |connection| header.write(connection))?;
        }
        Self::open(folder, policy, None)
    }

    /// Opens a store, locked. `seen` is the highest [`counter`](Self::counter) that the host kept elsewhere.
    pub fn open(folder: &Path, policy: Policy, seen: Option<u64>) -> Result<Self, StoreError> {
        let files = Files::open(folder)?;
        Header::read(&files.connection)?;
        Ok(Self {
            folder: folder.to_owned(),
            policy,
            state: Mutex::new(State { files: Some(files), memory: Memory { open: None, seen: seen.unwrap_or(0) } }),
            inside: Mutex::new(None),
        })
    }

    /// Brings the keys into memory. Wrong passphrases are counted, and must wait for each other.
    pub fn unlock(&self, access: Access<'_>, now: Now) -> Result<Unlocked, StoreError> {
        let header = self.with_files(|_, files| {
            let header = Header::read(&files.connection)?;
            if let Access::Passphrase(_) = access {
                backoff::begin(&files.connection, now.wall)?;
            }
            Ok(header)
        })?;
        // The platform is asked, and Argon2id runs, while nothing is locked.
        let root = unwrap(access, &header)?;
        let system_key = root.open(&header.store, &SYSTEM, &header.sealed_system);
        let system_key = system_key.map_err(|_| StoreError::Corrupted(Damage::Keys))?;
        let system = system_key.system(&header.store);
        let keys = Keys { store: header.store, root, system_key, system };
        let unlocked = self.with_files(|memory, files| {
            let now_there = Header::read(&files.connection)?;
            if now_there.wrapped_root != header.wrapped_root {
                return Err(StoreError::Busy);
            }
            let sums = verified(&files.connection, &keys, &now_there)?;
            backoff::succeeded(&files.connection)?;
            let unlocked = match now_there.head.counter < memory.seen {
                true => Unlocked::RolledBack,
                false => Unlocked::AsLeft,
            };
            memory.seen = now_there.head.counter;
            memory.open = Some(Open {
                keys,
                wrapped_root: now_there.wrapped_root,
                sums,
                sums_of: Some(now_there.head.counter),
                lock_at: now.boot_ms.saturating_add(self.policy.idle_ms),
            });
            Ok(unlocked)
        })?;
        // Nothing vouches for `retired`: whoever writes the file must not have the current key destroyed.
        let retired = header.retired.filter(|retired| *retired < header.head.generation);
        if let (Some(retired), Access::Platform(wrapper)) = (retired, access) {
            self.finish_erasure(wrapper, retired)?;
        }
        Ok(unlocked)
    }

    /// Wipes the keys from memory.
    pub fn lock(&self) -> Result<(), StoreError> {
        self.state()?.memory.open = None;
        Ok(())
    }

    /// When the keys will leave the memory by themselves, by the clock that runs since the device started; `None` while
    /// locked.
    pub fn locks_at(&self) -> Result<Option<u64>, StoreError> {
        Ok(self.state()?.memory.open.as_ref().map(|open| open.lock_at))
    }

    /// Closes the files and gives back every lock, after the transaction that runs. The keys stay.
    pub fn suspend(&self) -> Result<(), StoreError> {
        self.state()?.files = None;
        Ok(())
    }

    /// Opens the files again.
    pub fn resume(&self) -> Result<(), StoreError> {
        let mut state = self.state()?;
        if state.files.is_none() {
            state.files = Some(Files::open(&self.folder)?);
        }
        Ok(())
    }

    /// The number of writing transactions so far: worth keeping elsewhere, for [`open`](Self::open).
    pub fn counter(&self) -> Result<u64, StoreError> {
        Ok(self.state()?.memory.seen)
    }

    /// Keeps envelopes as they came, locked or not.
    pub fn hold(&self, received: Timestamp, envelopes: &[&[u8]]) -> Result<(), StoreError> {
        self.with_files(|_, files| held::append(&files.connection, received, envelopes))
    }

    /// How many envelopes are kept: all that can be told of them while the store is locked.
    pub fn held_count(&self) -> Result<u64, StoreError> {
        self.with_files(|_, files| held::count(&files.connection))
    }

    /// Reads and writes. What `work` did is durable when this returns `Ok`, and has not happened otherwise.
    pub fn transact<T, E: From<StoreError>, R: TryCryptoRng>(
        &self,
        now: Now,
        rng: &mut R,
        work: impl FnOnce(&mut Transaction<'_, R>) -> Result<T, E>,
    ) -> Result<T, E> {
        let idle_ms = self.policy.idle_ms;
        self.with_files_as(|memory, files| {
            memory.touch(now, idle_ms)?;
            memory.run(&files.connection, rng, |transaction, _| work(transaction))
        })
    }

    /// Compares the set of all rows with what the header vouches for, and SQLite's own structure; opens no row, so that
    /// what is wrong inside a value shows when it is read.
    pub fn verify(&self, now: Now) -> Result<(), StoreError> {
        let idle_ms = self.policy.idle_ms;
        self.with_files(|memory, files| {
            memory.touch(now, idle_ms)?;
            let open = memory.open.as_ref().ok_or(StoreError::Locked)?;
            let header = Header::read(&files.connection)?;
            let sums = verified(&files.connection, &open.keys, &header)?;
            for bucket in buckets::all() {
                sums.verify(&files.connection, &open.keys.system, bucket)?;
            }
            buckets::every_value_has_its_row(&files.connection)?;
            let ok: String = files.connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
            match ok.as_str() {
                "ok" => Ok(()),
                _ => Err(StoreError::Corrupted(Damage::File)),
            }
        })
    }

    /// The state, once no other thread is inside of a transaction; `Busy` if this one is.
    fn state(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        if *lock_anyway(&self.inside) == Some(std::thread::current().id()) {
            return Err(StoreError::Busy);
        }
        Ok(lock_anyway(&self.state))
    }

    fn with_files<T>(&self, work: impl FnOnce(&mut Memory, &Files) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.with_files_as(work)
    }

    /// With the lock between threads and the lock between processes held.
    fn with_files_as<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut Memory, &Files) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut state = self.state()?;
        let _inside = Inside::mark(&self.inside);
        let State { files, memory } = &mut *state;
        let files = files.as_ref().ok_or(StoreError::Suspended)?;
        let _held = files.lock.hold()?;
        work(memory, files)
    }

    /// Replaces the root: as [`transact`](Self::transact), with the header, which `work` may change. `work` returns the
    /// new root and whatever else its caller wants.
    pub(crate) fn replace_root<T, R: TryCryptoRng>(
        &self,
        now: Now,
        rng: &mut R,
        wrapped_root: &[u8],
        work: impl FnOnce(&mut Transaction<'_, R>, &mut Header) -> Result<(T, RootKey), StoreError>,
    ) -> Result<T, StoreError> {
        let idle_ms = self.policy.idle_ms;
        self.with_files(|memory, files| {
            memory.touch(now, idle_ms)?;
            let (result, root) = memory.run(&files.connection, rng, work)?;
            if let Some(open) = &mut memory.open {
                open.keys.root = root;
                open.wrapped_root = wrapped_root.to_vec();
            }
            // What was deleted must not stay in the write-ahead log.
            database::checkpoint(&files.connection)?;
            Ok(result)
        })
    }

    /// Which store this is, and how its root is wrapped; only while it is unlocked.
    pub(crate) fn identity(&self, now: Now) -> Result<(StoreId, Kind), StoreError> {
        let idle_ms = self.policy.idle_ms;
        self.with_files(|memory, files| {
            memory.touch(now, idle_ms)?;
            let header = Header::read(&files.connection)?;
            Ok((header.store, header.kind))
        })
    }

    /// Destroys a generation of the platform's key that an erasure left behind.
    pub(crate) fn finish_erasure(&self, wrapper: &dyn KeyWrapper, retired: u32) -> Result<(), StoreError> {
        wrapper.destroy_generation(retired)?;
        self.with_files(|_, files| {
            let mut header = Header::read(&files.connection)?;
            if header.retired == Some(retired) {
                header.retired = None;
                header.write(&files.connection)?;
            }
            Ok(())
        })
    }
}

fn make_folder(folder: &Path) -> Result<(), StoreError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    Ok(builder.create(folder)?)
}

/// Remembers which thread is inside, so that it gets an error rather than wait for itself.
struct Inside<'a>(&'a Mutex<Option<ThreadId>>);

impl<'a> Inside<'a> {
    fn mark(inside: &'a Mutex<Option<ThreadId>>) -> Self {
        *lock_anyway(inside) = Some(std::thread::current().id());
        Self(inside)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        *lock_anyway(self.0) = None;
    }
}

/// A panic inside of a transaction rolled it back: what the mutex guards is as it was before.
fn lock_anyway<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
