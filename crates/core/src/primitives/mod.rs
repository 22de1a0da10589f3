//! The primitives of suite 0x0001 and the encodings of their keys: `docs/protocol.md` B1.
//!
//! This is the one place where low-order points, strict signatures, nonces and key handling are looked after, and the
//! one seam behind which another provider could stand: nothing outside of it names a cryptographic crate.

pub(crate) mod aead;
mod encoding;
mod hpke;
pub(crate) mod kdf;
mod mlkem;
mod secret;
mod sign;
mod x25519;
mod xwing;

#[cfg(test)]
mod tests;

pub use encoding::{KeyError, PublicKey, Tag};
pub(crate) use hpke::{ReceiverContext, setup_receiver, setup_sender};
pub use mlkem::{
    MlKem768Ciphertext, MlKem768PublicKey, MlKem768Secret, MlKem1024Ciphertext, MlKem1024PublicKey, MlKem1024Secret,
};
pub use secret::Secret;
pub(crate) use secret::SecretBytes;
pub use sign::{Ed25519PublicKey, Ed25519Secret, Signature};
#[cfg(test)]
pub(crate) use x25519::LOW_ORDER_ENCODINGS;
pub use x25519::{X25519PublicKey, X25519Secret};
pub use xwing::{XWingPublicKey, XWingSecret};
