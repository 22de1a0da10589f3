//! ML-KEM-768 and ML-KEM-1024 (FIPS 203): `docs/protocol.md` B1.1 tags 0x03, 0x04, 0x13, 0x14.

use core::fmt;

use ml_kem::kem::{Decapsulate as _, KeyExport as _, KeyInit as _};
use ml_kem::{ml_kem_768, ml_kem_1024};
use zeroize::{Zeroize as _, Zeroizing};

use super::encoding::{KeyError, PublicKey, Tag};
use super::secret::Secret;

macro_rules! ml_kem {
    ($set:ident, $public:ident, $secret:ident, $ciphertext:ident, $ek:literal, $ct:literal, $ek_tag:ident, $ct_tag:ident, $name:literal) => {
        #[doc = concat!("An ", $name, " encapsulation key that passed the modulus check of FIPS 203.")]
        #[derive(Clone, PartialEq, Eq)]
        pub struct $public(Box<[u8; $ek]>);

        impl $public {
            /// The raw bytes.
            pub fn as_bytes(&self) -> &[u8; $ek] {
                &self.0
            }

            /// `(ct, ss)` from the 32 random bytes `m` (FIPS 203, algorithm 17).
            pub(crate) fn encapsulate(
                &self,
                m: &Zeroizing<[u8; 32]>,
            ) -> Result<($ciphertext, Zeroizing<[u8; 32]>), KeyError> {
                let key = $set::EncapsulationKey::new(self.0.as_slice().try_into().map_err(|_| KeyError::Length)?)
                    .map_err(|_| KeyError::NotCanonical)?;
                let (ct, mut ss) = key.encapsulate_deterministic((&**m).into());
                let shared = Zeroizing::new(ss.into());
                ss.as_mut_slice().zeroize();
                Ok(($ciphertext(boxed(&ct)?), shared))
            }
        }

        impl PublicKey for $public {
            const TAG: Tag = Tag::$ek_tag;
            const RAW_LEN: usize = $ek;

            fn from_raw(raw: &[u8]) -> Result<Self, KeyError> {
                let bytes = boxed(raw)?;
                let key = bytes.as_slice().try_into().map_err(|_| KeyError::Length)?;
                match $set::EncapsulationKey::new(key) {
                    Ok(_) => Ok(Self(bytes)),
                    Err(_) => Err(KeyError::NotCanonical),
                }
            }

            fn raw(&self) -> &[u8] {
                self.0.as_slice()
            }
        }

        impl fmt::Debug for $public {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($public), "(..)"))
            }
        }

        #[doc = concat!("An ", $name, " ciphertext: any bytes of the right length are one (implicit rejection).")]
        #[derive(Clone, PartialEq, Eq)]
        pub struct $ciphertext(Box<[u8; $ct]>);

        impl $ciphertext {
            /// The raw bytes.
            pub fn as_bytes(&self) -> &[u8; $ct] {
                &self.0
            }
        }

        impl PublicKey for $ciphertext {
            const TAG: Tag = Tag::$ct_tag;
            const RAW_LEN: usize = $ct;

            fn from_raw(raw: &[u8]) -> Result<Self, KeyError> {
                boxed(raw).map(Self)
            }

            fn raw(&self) -> &[u8] {
                self.0.as_slice()
            }
        }

        impl fmt::Debug for $ciphertext {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($ciphertext), "(..)"))
            }
        }

        #[doc = concat!("An ", $name, " private key, kept as its seed `d || z`.")]
        pub struct $secret(Secret<64>);

        impl $secret {
            /// The private key with the seed `d || z`.
            pub fn from_seed(seed: &Zeroizing<[u8; 64]>) -> Self {
                Self(Secret::new(seed))
            }

            pub(crate) fn from_slice(seed: &[u8]) -> Option<Self> {
                Secret::from_slice(seed).map(Self)
            }

            /// `d || z`, for the encrypted store only.
            pub(crate) fn seed(&self) -> &[u8; 64] {
                self.0.as_bytes()
            }

            fn expand(&self) -> $set::DecapsulationKey {
                $set::DecapsulationKey::new(self.0.as_bytes().into())
            }

            /// The encapsulation key (FIPS 203, algorithm 16).
            pub fn public_key(&self) -> $public {
                let bytes = self.expand().encapsulation_key().to_bytes();
                let mut boxed = Box::new([0; $ek]);
                boxed.copy_from_slice(&bytes);
                $public(boxed)
            }

            /// Whether `public` is its public key.
            #[allow(dead_code, reason = "stored keys are of one of the two sets")]
            pub(crate) fn gives(&self, public: &$public) -> bool {
                self.public_key() == *public
            }

            /// The shared secret; one that nobody else has if the ciphertext was not made for this key (FIPS 203,
            /// algorithm 18).
            pub(crate) fn decapsulate(&self, ct: &$ciphertext) -> Zeroizing<[u8; 32]> {
                let mut ss = self.expand().decapsulate((&*ct.0).into());
                let shared = Zeroizing::new(ss.into());
                ss.as_mut_slice().zeroize();
                shared
            }
        }

        impl fmt::Debug for $secret {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($secret), "(..)"))
            }
        }
    };
}

ml_kem!(
    ml_kem_768,
    MlKem768PublicKey,
    MlKem768Secret,
    MlKem768Ciphertext,
    1184,
    1088,
    MlKem768,
    MlKem768Ciphertext,
    "ML-KEM-768"
);
ml_kem!(
    ml_kem_1024,
    MlKem1024PublicKey,
    MlKem1024Secret,
    MlKem1024Ciphertext,
    1568,
    1568,
    MlKem1024,
    MlKem1024Ciphertext,
    "ML-KEM-1024"
);

fn boxed<const N: usize>(raw: &[u8]) -> Result<Box<[u8; N]>, KeyError> {
    let mut boxed = Box::new([0; N]);
    if raw.len() != N {
        return Err(KeyError::Length);
    }
    boxed.copy_from_slice(raw);
    Ok(boxed)
}
