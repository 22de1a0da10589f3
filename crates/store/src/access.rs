//! What opens a store.

use carevow_core::sealed_store::Passphrase;

use crate::wrapper::KeyWrapper;

/// The platform's keystore, or a passphrase where there is none.
#[derive(Clone, Copy)]
pub enum Access<'a> {
    /// The platform's keystore or a key service.
    Platform(&'a dyn KeyWrapper),
    /// A passphrase, through Argon2id.
    Passphrase(&'a Passphrase),
}

impl core::fmt::Debug for Access<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Platform(_) => "Access::Platform(..)",
            Self::Passphrase(_) => "Access::Passphrase(..)",
        })
    }
}
