//! The protobuf wire format itself, field by field, without a copy: for the scanner, and for session state, whose
//! secrets must not pass through buffers that nobody wipes.

use zeroize::Zeroizing;

use super::WireError;

/// The value of one field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldValue<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// Fixed-width; v1 has none, an unknown field may be one.
    Fixed,
}

/// Reads fields one after the other.
pub(crate) struct FieldReader<'a> {
    left: &'a [u8],
}

impl<'a> FieldReader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { left: bytes }
    }

    /// The next field; `None` at the end. Groups (wire types 3 and 4) are refused wherever they stand.
    pub(crate) fn field(&mut self) -> Result<Option<(u32, FieldValue<'a>)>, WireError> {
        if self.left.is_empty() {
            return Ok(None);
        }
        let key = u32::try_from(self.varint()?).map_err(|_| WireError::Malformed)?;
        let value = match key & 7 {
            0 => FieldValue::Varint(self.varint()?),
            1 => self.take(8).map(|_| FieldValue::Fixed)?,
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| WireError::Malformed)?;
                FieldValue::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| FieldValue::Fixed)?,
            _ => return Err(WireError::Malformed),
        };
        match key >> 3 {
            0 => Err(WireError::Malformed),
            number => Ok(Some((number, value))),
        }
    }

    /// A base-128 varint of at most ten bytes, whose value fits 64 bits.
    pub(crate) fn varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0_u64;
        for shift in (0..70).step_by(7) {
            let (byte, rest) = self.left.split_first().ok_or(WireError::Malformed)?;
            self.left = rest;
            let bits = u64::from(*byte & 0x7f);
            value |= bits.checked_shl(shift).filter(|shifted| shifted >> shift == bits).ok_or(WireError::Malformed)?;
            if *byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(WireError::Malformed)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let (now, later) = self.left.split_at_checked(length).ok_or(WireError::Malformed)?;
        self.left = later;
        Ok(now)
    }
}

/// Writes fields canonically into one buffer that is wiped when dropped. It is made with room for everything, because
/// a buffer that grows leaves a copy behind.
pub(crate) struct FieldWriter {
    out: Zeroizing<Vec<u8>>,
}

impl FieldWriter {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { out: Zeroizing::new(Vec::with_capacity(bytes)) }
    }

    pub(crate) fn finish(self) -> Zeroizing<Vec<u8>> {
        self.out
    }

    /// A number; 0 is the default and is left out.
    pub(crate) fn number(&mut self, field: u32, value: impl Into<u64>) {
        let value = value.into();
        if value != 0 {
            self.varint(u64::from(field) << 3);
            self.varint(value);
        }
    }

    /// Bytes; none is the default and is left out.
    pub(crate) fn bytes(&mut self, field: u32, value: &[u8]) {
        if !value.is_empty() {
            self.element(field, value);
        }
    }

    /// A message, or an element of a repeated field: written even when it is empty.
    pub(crate) fn element(&mut self, field: u32, value: &[u8]) {
        self.varint(u64::from(field) << 3 | 2);
        self.varint(value.len() as u64);
        self.out.extend_from_slice(value);
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.out.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.out.push((value & 0x7f) as u8);
    }
}
