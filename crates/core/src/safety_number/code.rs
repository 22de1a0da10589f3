//! Six digits that one person reads and another types: `docs/protocol.md` B2 (linking) and B18.

use core::fmt;

use subtle::ConstantTimeEq as _;

const MODULUS: u32 = 1_000_000;

/// What a device shows: `u32(digest[0..4]) mod 10^6`, six digits.
pub struct ConfirmationCode(u32);

/// What a person typed: six digits.
pub struct TypedCode(u32);

/// The text is not six digits; it used up no try.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a code has six digits")]
pub struct NotSixDigits;

impl ConfirmationCode {
    /// `u32(digest[0..4]) mod 10^6`.
    pub(crate) fn of(digest: &[u8; 32]) -> Self {
        let [a, b, c, d, ..] = *digest;
        Self(u32::from_be_bytes([a, b, c, d]).checked_rem(MODULUS).unwrap_or(0))
    }

    /// Six digits, with leading zeros.
    pub fn digits(&self) -> String {
        format!("{:06}", self.0)
    }

    /// A code that was stored: exactly six ASCII digits.
    pub(crate) fn from_digits(digits: &[u8; 6]) -> Option<Self> {
        let value = |value: u32, digit: &u8| {
            let digit = u32::from(*digit).checked_sub(u32::from(b'0')).filter(|digit| *digit < 10)?;
            value.checked_mul(10)?.checked_add(digit)
        };
        digits.iter().try_fold(0, value).map(Self)
    }

    /// Compares in constant time.
    pub(crate) fn matches(&self, typed: &TypedCode) -> bool {
        self.0.ct_eq(&typed.0).into()
    }
}

impl TypedCode {
    /// Six ASCII digits; spaces, as people write them, are passed over.
    pub fn parse(text: &str) -> Result<Self, NotSixDigits> {
        let digits: Vec<u32> = text
            .chars()
            .filter(|c| *c != ' ')
            .take(7)
            .map(|c| c.to_digit(10))
            .collect::<Option<_>>()
            .ok_or(NotSixDigits)?;
        if digits.len() != 6 {
            return Err(NotSixDigits);
        }
        let value = digits.iter().fold(0_u32, |value, digit| value.saturating_mul(10).saturating_add(*digit));
        Ok(Self(value))
    }
}

impl fmt::Debug for ConfirmationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConfirmationCode(..)")
    }
}

impl fmt::Debug for TypedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TypedCode(..)")
    }
}
