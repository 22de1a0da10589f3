//! What every state at rest must withstand.

use core::fmt::Debug;

use crate::at_rest::AtRestError;

/// Reads and writes one kind of state.
pub(crate) struct Stored<T> {
    pub(crate) read: fn(&[u8]) -> Result<T, AtRestError>,
    pub(crate) write: fn(&T) -> Vec<u8>,
}

impl<T: PartialEq + Debug> Stored<T> {
    /// What is written is read as the same value and written as the same bytes, which are returned.
    pub(crate) fn comes_back(&self, state: &T) -> Vec<u8> {
        let bytes = (self.write)(state);
        let read = (self.read)(&bytes);
        assert_eq!(read.as_ref(), Ok(state));
        assert_eq!((self.write)(&read.unwrap()), bytes);
        bytes
    }

    /// Cut off anywhere, nothing is loaded.
    pub(crate) fn refuses_every_prefix(&self, bytes: &[u8]) {
        for length in 0..bytes.len() {
            assert_eq!((self.read)(&bytes[..length]), Err(AtRestError::Corrupted), "{length} bytes");
        }
    }

    /// Another format, and nothing else, is named as such, whatever follows it.
    pub(crate) fn refuses_other_formats(&self, bytes: &[u8]) {
        assert_eq!(bytes[..2], [0x08, 0x01]);
        for format in [2, 0x7f] {
            let newer = [&[0x08, format], &bytes[2..]].concat();
            assert_eq!((self.read)(&newer), Err(AtRestError::UnknownFormat));
            assert_eq!((self.read)(&newer[..2]), Err(AtRestError::UnknownFormat));
        }
        assert_eq!((self.read)(&bytes[2..]), Err(AtRestError::Corrupted), "no format");
        assert_eq!(
            (self.read)(&[&[0x08, 0x81, 0x00], &bytes[2..]].concat()),
            Err(AtRestError::Corrupted),
            "a long varint"
        );
    }

    /// Unknown and repeated fields after the last one.
    pub(crate) fn refuses_more(&self, bytes: &[u8]) {
        for extra in [&[0x00][..], &[0x78, 0x01], &[0x80, 0x01, 0x01], &[0xfa, 0x06, 0x00], &[0x08, 0x01]] {
            assert_eq!((self.read)(&[bytes, extra].concat()), Err(AtRestError::Corrupted));
        }
    }

    /// With any one byte changed it is refused, or read as another value, which is written as just these bytes.
    pub(crate) fn is_canonical_with_any_byte_changed(&self, bytes: &[u8], original: &T) {
        for at in 0..bytes.len() {
            let mut changed = bytes.to_vec();
            changed[at] ^= 1 << (at % 8);
            if let Ok(read) = (self.read)(&changed) {
                assert_ne!(&read, original, "byte {at}");
                assert_eq!((self.write)(&read), changed, "byte {at}");
            }
        }
    }

    /// All of these.
    pub(crate) fn withstands(&self, state: &T) {
        let bytes = self.comes_back(state);
        self.refuses_every_prefix(&bytes);
        self.refuses_other_formats(&bytes);
        self.refuses_more(&bytes);
        self.is_canonical_with_any_byte_changed(&bytes, state);
    }
}
