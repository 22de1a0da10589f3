//! Fingerprints of accounts, their digits and their QR code: `docs/protocol.md` B11.

use core::fmt;

use prost::Message as _;
use subtle::ConstantTimeEq as _;

use crate::ids::AccountId;
use crate::labels::Label;
use crate::limits::SIGNED_OBJECT_BYTES;
use crate::primitives::Ed25519PublicKey;
use crate::primitives::kdf::sha512;
use crate::wire::{WireError, decode_canonical, v1};

/// `f = f_5200` of one account and its identity key. It covers accounts, so adding a device does not change it.
#[derive(Clone)]
pub struct Fingerprint([u8; 64]);

impl Fingerprint {
    /// `f0 = SHA-512(lbl("safety") || u16 0 || AIK[33] || account_id)`, `f_{i+1} = SHA-512(f_i || AIK[33])`,
    /// `f = f_5200`: about 5 200 blocks of SHA-512, which makes searching for a key with the same digits dear.
    pub fn of(account: &AccountId, aik: &Ed25519PublicKey) -> Self {
        let aik = aik.tagged();
        let first = sha512(&[Label::Safety.framed(), &[0; 2], &aik, account.as_bytes()]);
        Self((0..ITERATIONS).fold(first, |f, _| sha512(&[&f, &aik])))
    }

    /// Group j (0..5) is `u40(f[5j..5j+5]) mod 100000`, five digits with leading zeros: 30 digits.
    fn digits(&self) -> String {
        self.0
            .chunks_exact(5)
            .take(6)
            .map(|group| {
                let number = group.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
                format!("{:05}", number.checked_rem(100_000).unwrap_or(0))
            })
            .collect()
    }

    /// `f[0..32]`: what the QR code carries.
    fn half(&self) -> &[u8] {
        self.0.split_at_checked(32).map_or(&[], |(half, _)| half)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(..)")
    }
}

/// The safety number of two accounts, as one of them sees it.
#[derive(Clone, Debug)]
pub struct SafetyNumber {
    local: Fingerprint,
    remote: Fingerprint,
}

/// What comparing a scanned QR code says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Comparison {
    /// Both devices hold the same two keys.
    Match,
    /// They do not: another key, another account, or the code of a third person.
    Mismatch,
}

/// The scanned bytes are no safety QR; nothing was compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum QrError {
    /// Not a `SafetyQr` in canonical form with two halves of 32 bytes.
    #[error("not a safety code")]
    Malformed,
    /// Of a later version.
    #[error("a safety code of an unsupported version")]
    UnsupportedVersion,
}

impl SafetyNumber {
    /// Of our account and a contact's.
    pub const fn new(local: Fingerprint, remote: Fingerprint) -> Self {
        Self { local, remote }
    }

    /// 60 digits, the same on both sides: the two strings of 30, sorted and joined.
    pub fn digits(&self) -> String {
        let mut halves = [self.local.digits(), self.remote.digits()];
        halves.sort();
        halves.concat()
    }

    /// `SafetyQr { version: 1, local: f[0..32], remote: f[0..32] }`, to be shown as a QR code.
    pub fn qr(&self) -> Vec<u8> {
        let (local, remote) = (self.local.half().to_vec(), self.remote.half().to_vec());
        v1::SafetyQr { version: 1, local, remote }.encode_to_vec()
    }

    /// Compares the other side's QR code crosswise, in constant time: its `local` with our `remote`, and the reverse.
    pub fn compare(&self, scanned: &[u8]) -> Result<Comparison, QrError> {
        let theirs: v1::SafetyQr =
            decode_canonical(scanned, SIGNED_OBJECT_BYTES).map_err(|_: WireError| QrError::Malformed)?;
        if theirs.version != 1 {
            return Err(QrError::UnsupportedVersion);
        }
        if theirs.local.len() != 32 || theirs.remote.len() != 32 {
            return Err(QrError::Malformed);
        }
        let same =
            theirs.local.as_slice().ct_eq(self.remote.half()) & theirs.remote.as_slice().ct_eq(self.local.half());
        match bool::from(same) {
            true => Ok(Comparison::Match),
            false => Ok(Comparison::Mismatch),
        }
    }
}

const ITERATIONS: u32 = 5_200;
