//! The platform's keystore.

use zeroize::Zeroizing;

/// Which of the platform's keys: a new one is made with each erasure, and the one before destroyed.
pub type Generation = u32;

/// Keychain and Secure Enclave, Android Keystore, a TPM or a key service. Never called within a transaction or while a
/// file lock is held.
pub trait KeyWrapper: Send + Sync {
    /// Wraps the 32 bytes of a root under the key of `generation`, which exists.
    fn wrap(&self, generation: Generation, root: &[u8; 32]) -> Result<Vec<u8>, WrapperError>;

    /// What [`wrap`](Self::wrap) wrapped.
    fn unwrap(&self, generation: Generation, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, WrapperError>;

    /// Makes a key; its generation is higher than all before.
    fn new_generation(&self) -> Result<Generation, WrapperError>;

    /// Destroys a key so that nothing wrapped under it opens again. One that is gone already is no error.
    fn destroy_generation(&self, generation: Generation) -> Result<(), WrapperError>;
}

/// Why a keystore did not do it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WrapperError {
    /// The key is not there, or is another.
    #[error("the key is not there")]
    WrongKey,
    /// The user did not authenticate, or the device is locked.
    #[error("not allowed now")]
    Denied,
    /// It cannot destroy keys: earlier copies of the store stay open to whoever holds them and the key.
    #[error("this keystore cannot destroy keys")]
    Indestructible,
    /// Anything else.
    #[error("the keystore failed")]
    Failed,
}
