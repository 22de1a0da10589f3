//! Fixed layouts, integers big-endian: `docs/protocol.md`, first paragraph.

/// `parts`, one after the other: `N` bytes in all.
pub(crate) fn joined<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    debug_assert_eq!(parts.iter().map(|part| part.len()).sum::<usize>(), N, "a layout has one length");
    let mut bytes = [0; N];
    let mut left = bytes.as_mut_slice();
    for part in parts {
        let Some((now, later)) = left.split_at_mut_checked(part.len()) else { break };
        now.copy_from_slice(part);
        left = later;
    }
    bytes
}

/// Reads a fixed layout from the front.
#[derive(Clone, Copy)]
pub(crate) struct Layout<'a> {
    left: &'a [u8],
}

impl<'a> Layout<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { left: bytes }
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (now, later) = self.left.split_first_chunk::<N>()?;
        self.left = later;
        Some(now)
    }

    /// The next `length` bytes.
    pub(crate) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (now, later) = self.left.split_at_checked(length)?;
        self.left = later;
        Some(now)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| *byte)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().copied().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().copied().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().copied().map(u64::from_be_bytes)
    }

    /// `LP(x)`: the length, then that many bytes.
    pub(crate) fn lp(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.u32()?).ok()?;
        self.bytes(length)
    }

    /// What is left.
    pub(crate) const fn rest(self) -> &'a [u8] {
        self.left
    }

    /// `Some` iff nothing is left.
    pub(crate) fn end(self) -> Option<()> {
        self.left.is_empty().then_some(())
    }
}
