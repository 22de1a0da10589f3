//! Where the demo's randomness comes from.

use core::convert::Infallible;

use getrandom::SysRng;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use rand_core::{TryCryptoRng, TryRng};

/// The system's random source, or a repeatable one for looking at the same run twice.
pub enum Source {
    /// The operating system.
    System(SysRng),
    /// From `--seed`: whoever knows the seed knows every key.
    Seeded(Box<ChaCha20Rng>),
}

impl Source {
    /// Seeded if there is a seed.
    pub fn new(seed: Option<u64>) -> Self {
        seed.map_or(Self::System(SysRng), |seed| Self::Seeded(Box::new(ChaCha20Rng::seed_from_u64(seed))))
    }
}

fn certain<T>(drawn: Result<T, Infallible>) -> T {
    match drawn {
        Ok(drawn) => drawn,
    }
}

impl TryRng for Source {
    type Error = getrandom::Error;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        match self {
            Self::System(system) => system.try_next_u32(),
            Self::Seeded(seeded) => Ok(certain(seeded.try_next_u32())),
        }
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        match self {
            Self::System(system) => system.try_next_u64(),
            Self::Seeded(seeded) => Ok(certain(seeded.try_next_u64())),
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        match self {
            Self::System(system) => system.try_fill_bytes(bytes),
            Self::Seeded(seeded) => {
                certain(seeded.try_fill_bytes(bytes));
                Ok(())
            }
        }
    }
}

impl TryCryptoRng for Source {}
