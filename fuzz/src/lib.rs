//! Fuzz targets of carevow-core. They use its public interface only: nothing in `crates/*/src` knows of fuzzing.
//!
//! The body of a target is a plain function from bytes to the [`Depth`] that they reached, so that three things share
//! it: libFuzzer (`fuzz_targets/`, one line each), the test that replays the committed `seeds/` on any toolchain
//! (`cargo test`), and the reproduction of a finding (`cargo run --bin TARGET -- FILE`).
//! `cargo run --bin seeds` writes the seeds.

pub mod attachment;
pub mod content;
pub mod conversation;
pub mod envelope;
pub mod group;
pub mod handshake;
pub mod identity;
pub mod input;
pub mod invitation;
pub mod linking;
pub mod organization;
pub mod placement;
pub mod prekey;
pub mod ratchet;
pub mod records;
pub mod replay;
pub mod safety;
pub mod two_sessions;
pub mod world;

#[cfg(fuzzing)]
pub use libfuzzer_sys;

/// How far bytes came; 0 if they were refused at first sight.
pub type Depth = u32;

/// A target.
pub struct Target {
    /// Name of its binary and of its folder in `seeds/`.
    pub name: &'static str,
    /// What it does with bytes. It panics if something that must hold does not.
    pub run: fn(&[u8]) -> Depth,
    /// The depth of success.
    pub deepest: Depth,
    /// What that is.
    pub success: &'static str,
    /// Its seeds.
    pub seeds: fn() -> Vec<Seed>,
}

/// An input that fuzzing starts from.
pub struct Seed {
    /// Its file.
    pub name: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// How far it comes.
    pub depth: Depth,
}

impl Seed {
    /// A seed.
    pub fn new(name: &'static str, depth: Depth, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name, bytes: bytes.into(), depth }
    }
}

/// Every target.
pub const TARGETS: &[Target] = &[
    prekey::BUNDLE,
    prekey::RECORD,
    identity::MANIFEST,
    identity::PIN,
    identity::CERTIFICATES,
    identity::REVOCATIONS,
    handshake::INIT,
    ratchet::DECRYPT,
    ratchet::STATE,
    two_sessions::TARGET,
    envelope::TARGET,
    content::TARGET,
    attachment::DESCRIPTOR,
    attachment::BLOB,
    placement::STATE,
    invitation::TEXT,
    invitation::USE,
    invitation::STATE,
    linking::TARGET,
    safety::TARGET,
    records::TARGET,
    group::TARGET,
    organization::TARGET,
];

/// The target with this name.
pub fn target(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).expect("a target of the table")
}

/// The whole of a file in `fuzz_targets/`: libFuzzer's entry point, or, built without cargo-fuzz, a program that runs
/// the target over the files that it is given.
#[macro_export]
macro_rules! target {
    ($name:literal) => {
        #[cfg(fuzzing)]
        $crate::libfuzzer_sys::fuzz_target!(|data: &[u8]| {
            ($crate::target($name).run)(data);
        });

        #[cfg(not(fuzzing))]
        fn main() -> std::io::Result<()> {
            $crate::replay::files($crate::target($name), std::env::args_os().skip(1))
        }
    };
}
