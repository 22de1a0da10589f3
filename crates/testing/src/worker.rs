//! The process that is watched: what it is told to do, and how it says how far it came.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Instant, SystemTime};

use carevow_core::Timestamp;
use carevow_store::{Access, Now, Policy, Store, StoreError};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use crate::keystore::SharedKeystore;

/// No test takes so long.
pub const POLICY: Policy = Policy { idle_ms: 3_600_000 };

/// How the store of the tests opens.
pub const ACCESS: Access<'static> = Access::Platform(&SharedKeystore);

/// Both clocks of this machine, the second from the first call on.
pub fn now() -> Now {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let boot = BEGAN.get_or_init(Instant::now).elapsed();
    Now { wall: Timestamp::from_millis(wall.as_millis() as u64), boot_ms: boot.as_millis() as u64 }
}

/// A source that gives each process, and each call, other bytes.
pub fn rng() -> ChaCha20Rng {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    ChaCha20Rng::seed_from_u64((since.as_nanos() as u64) ^ (u64::from(std::process::id()) << 40))
}

/// An empty store, unlocked.
pub fn create(folder: &Path) -> Store {
    let store = Store::create(folder, ACCESS, POLICY, &mut rng()).unwrap();
    let _ = store.unlock(ACCESS, now()).unwrap();
    store
}

/// A store that exists, unlocked.
pub fn open(folder: &Path) -> Result<Store, StoreError> {
    let store = Store::open(folder, POLICY, None)?;
    let _ = store.unlock(ACCESS, now())?;
    Ok(store)
}

/// One line to whoever watches.
pub fn say(line: impl core::fmt::Display) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

/// A worker that runs. Killed when dropped.
pub struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl core::fmt::Debug for Worker {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Worker({})", self.child.id())
    }
}

impl Worker {
    /// Starts `program`, which is `store_worker`.
    pub fn start(program: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output }
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it says; `None` once it has ended.
    pub fn hear(&mut self) -> Option<String> {
        let mut line = String::new();
        let bytes = self.output.read_line(&mut line).unwrap();
        (bytes > 0).then(|| line.trim_end().to_owned())
    }

    /// Lets it go on, where it waits.
    pub fn go_on(&mut self) {
        writeln!(self.input).unwrap();
        self.input.flush().unwrap();
    }

    /// Says something to it; `false` if it has ended.
    pub fn try_tell(&mut self, line: &str) -> bool {
        writeln!(self.input, "{line}").and_then(|()| self.input.flush()).is_ok()
    }

    /// SIGKILL, and every line that it had said.
    pub fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        core::iter::from_fn(|| self.hear()).collect()
    }

    /// Every line until it ends by itself, and whether it ended well.
    pub fn finish(mut self) -> (Vec<String>, bool) {
        let lines = core::iter::from_fn(|| self.hear()).collect();
        (lines, self.child.wait().unwrap().success())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // One that has ended cannot be killed, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
