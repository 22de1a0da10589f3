//! Padding: `docs/protocol.md` B8. Lengths travel in few steps, so that they say little about what is inside.

/// How long the shortest body is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PaddingProfile {
    /// 1536 bytes: room for a short text together with a lane offer, so that a rekey is not seen.
    #[default]
    Clinical,
    /// 256 bytes: for links that are slow or dear.
    Compact,
}

impl PaddingProfile {
    /// 0 and 1 clinical, 2 compact; other values clinical.
    pub const fn from_u32(number: u32) -> Self {
        match number {
            2 => Self::Compact,
            _ => Self::Clinical,
        }
    }

    /// The number on the wire.
    pub const fn as_u32(self) -> u32 {
        match self {
            Self::Clinical => 1,
            Self::Compact => 2,
        }
    }

    /// `minb`, bytes.
    pub const fn minimum(self) -> usize {
        match self {
            Self::Clinical => 1536,
            Self::Compact => 256,
        }
    }
}

/// `pad(L) = minb if L <= minb; else Padmé(L)`, bytes.
pub const fn pad(len: usize, profile: PaddingProfile) -> usize {
    match len <= profile.minimum() {
        true => profile.minimum(),
        // A body is in memory, so its padded length fits; on a 32-bit machine a length above 2^31 stays as it is.
        false => {
            let padded = padme(len as u64);
            match padded <= usize::MAX as u64 {
                #[expect(clippy::cast_possible_truncation, reason = "compared in the line above")]
                true => padded as usize,
                false => len,
            }
        }
    }
}

/// `E = floor(log2 L); S = floor(log2 E) + 1; m = 2^(E-S) - 1; Padmé = (L + m) & ~m`: at most 12 % more (PURBs,
/// Nikitin et al. 2019). A length that no padded one above it fits 64 bits for is returned as it is.
pub const fn padme(len: u64) -> u64 {
    let Some(e) = len.checked_ilog2() else {
        return len;
    };
    let Some(log) = e.checked_ilog2() else {
        return len;
    };
    // E >= S for every E >= 1, so the shift is below 64.
    let m = (1_u64 << e.saturating_sub(log.saturating_add(1))).saturating_sub(1);
    match len.checked_add(m) {
        Some(sum) => sum & !m,
        None => len,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_lengths() {
        // By hand: 9 = 0b1001, E = 3, S = 2, m = 1 -> 10. 1537: E = 10, S = 4, m = 63 -> 1600.
        let known =
            [(0, 0), (1, 1), (2, 2), (3, 3), (8, 8), (9, 10), (1_537, 1_600), (264_430, 270_336), (1 << 32, 1 << 32)];
        known.iter().for_each(|&(len, padded)| assert_eq!(padme(len), padded, "{len}"));
        assert_eq!(padme(u64::MAX), u64::MAX);
    }

    #[test]
    fn profiles_have_their_minimum() {
        for (profile, minimum, above) in [(PaddingProfile::Clinical, 1536, 1600), (PaddingProfile::Compact, 256, 272)] {
            assert_eq!([pad(0, profile), pad(minimum, profile)], [minimum; 2]);
            assert_eq!(pad(minimum + 1, profile), above);
        }
        let numbers = [0, 1, 2, 3, u32::MAX].map(|number| PaddingProfile::from_u32(number).as_u32());
        assert_eq!(numbers, [1, 1, 2, 1, 1]);
        // B8: the longest content makes the longest body.
        assert_eq!(pad(264_430, PaddingProfile::Clinical), crate::limits::BODY_BYTES);
    }

    proptest! {
        #[test]
        fn padding_is_idempotent_monotonic_and_small(len in 2_u64..1 << 40) {
            let padded = padme(len);
            prop_assert!(padded >= len && padded - len <= len / 8, "{} {}", len, padded);
            prop_assert_eq!(padme(padded), padded);
            prop_assert!(padme(len - 1) <= padded);
        }
    }
}
