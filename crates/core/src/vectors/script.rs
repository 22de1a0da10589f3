//! Random bytes that are written down.

use core::convert::Infallible;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use rand_core::{TryCryptoRng, TryRng};
use zeroize::Zeroizing;

use crate::primitives::kdf::sha256;

/// `N` bytes that belong to `name`: the same on every run. They stand in the files, so nobody needs to make them again.
pub(super) fn seed<const N: usize>(name: &str) -> Zeroizing<[u8; N]> {
    let digest = sha256(&[b"carevow vectors v1: ", name.as_bytes()]);
    let mut bytes = Zeroizing::new([0; N]);
    ChaCha20Rng::from_seed(digest).fill_bytes(bytes.as_mut_slice());
    bytes
}

/// A random source that serves the bytes of a script and keeps each draw. It panics when the script is at its end.
pub(super) struct ScriptedRng {
    script: Vec<u8>,
    draws: Vec<Vec<u8>>,
}

impl ScriptedRng {
    /// The bytes of `name`, more than any one operation draws.
    pub(super) fn named(name: &str) -> Self {
        Self::of(seed::<512>(name).to_vec())
    }

    /// Exactly these bytes.
    pub(super) const fn of(script: Vec<u8>) -> Self {
        Self { script, draws: Vec::new() }
    }

    /// What was drawn, one element for each draw.
    pub(super) fn into_draws(self) -> Vec<Vec<u8>> {
        self.draws
    }
}

impl TryRng for ScriptedRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        assert!(self.script.len() >= out.len(), "the script is at its end");
        let rest = self.script.split_off(out.len());
        out.copy_from_slice(&self.script);
        self.draws.push(core::mem::replace(&mut self.script, rest));
        Ok(())
    }
}

impl TryCryptoRng for ScriptedRng {}
