//! Prekeys at rest, format 1: `docs/protocol.md` B3 and `proto/prekey.proto`.

use zeroize::Zeroizing;

use super::record::{PrekeyRecord, RecordKey, RecordType};
use super::{EnvelopePrekey, KemPrekey, OneTimePrekey, SignedPrekey};
use crate::primitives::{MlKem1024Secret, X25519Secret, XWingSecret};
use crate::wire::{FieldReader, FieldValue, FieldWriter};

const FORMAT: u32 = 1;

/// Why a stored prekey was not loaded: it is never taken for absent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PrekeyStateError {
    /// Damaged, cut off, of another type, or a seed that does not give the record's key.
    #[error("the stored prekey is damaged")]
    Corrupted,
    /// Written by a newer version of the library.
    #[error("the stored prekey has an unknown format")]
    UnknownFormat,
}

struct Stored<'a> {
    record: &'a [u8],
    seed: &'a [u8],
    parsed: PrekeyRecord,
}

fn write(record: &[u8], seed: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut out = FieldWriter::with_capacity(record.len().saturating_add(seed.len()).saturating_add(16));
    out.number(1, FORMAT);
    out.bytes(2, record);
    out.bytes(3, seed);
    out.finish()
}

fn read(bytes: &[u8]) -> Result<Stored<'_>, PrekeyStateError> {
    let mut reader = FieldReader::new(bytes);
    let mut next = || reader.field().ok().flatten();
    let (format, record, seed, end) = (next(), next(), next(), next());
    match format {
        Some((1, FieldValue::Varint(format))) if format == u64::from(FORMAT) => {}
        Some((1, FieldValue::Varint(_))) => return Err(PrekeyStateError::UnknownFormat),
        _ => return Err(PrekeyStateError::Corrupted),
    }
    let (Some((2, FieldValue::Bytes(record))), Some((3, FieldValue::Bytes(seed))), None) = (record, seed, end) else {
        return Err(PrekeyStateError::Corrupted);
    };
    let parsed = PrekeyRecord::parse(record).map_err(|_| PrekeyStateError::Corrupted)?;
    match *write(record, seed) == *bytes {
        true => Ok(Stored { record, seed, parsed }),
        false => Err(PrekeyStateError::Corrupted),
    }
}

macro_rules! stored {
    ($name:ident, $secret:ident, $key:ident, $($record_type:ident)|+) => {
        impl $name {
            /// The prekey as the encrypted store keeps it.
            pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
                write(self.record(), self.secret().seed())
            }

            /// Loads a prekey, whole or not at all: the seed must give the key of the record.
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, PrekeyStateError> {
                let stored = read(bytes)?;
                let secret = $secret::from_slice(stored.seed).ok_or(PrekeyStateError::Corrupted)?;
                match (stored.parsed.record_type, &stored.parsed.key) {
                    ($(RecordType::$record_type)|+, RecordKey::$key(key)) if secret.gives(key) => {
                        Ok(Self::from_parts(stored.parsed.key_id, stored.record.into(), secret))
                    }
                    _ => Err(PrekeyStateError::Corrupted),
                }
            }
        }
    };
}

stored!(SignedPrekey, X25519Secret, X25519, Signed);
stored!(OneTimePrekey, X25519Secret, X25519, OneTime);
stored!(KemPrekey, MlKem1024Secret, MlKem1024, OneTimeKem | LastResortKem);
stored!(EnvelopePrekey, XWingSecret, XWing, Envelope);

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::testing::Party;
    use crate::wire::v1;

    #[test]
    fn prekeys_are_read_as_they_were_written() {
        let party = Party::new(1);
        let (spk, kem) = (party.spk.to_bytes(), party.last_resort.to_bytes());
        assert_eq!(*SignedPrekey::from_bytes(&spk).unwrap().to_bytes(), *spk);
        assert_eq!(*KemPrekey::from_bytes(&kem).unwrap().to_bytes(), *kem);
        assert_eq!(*OneTimePrekey::from_bytes(&party.opk.to_bytes()).unwrap().to_bytes(), *party.opk.to_bytes());
        assert_eq!(*EnvelopePrekey::from_bytes(&party.env.to_bytes()).unwrap().to_bytes(), *party.env.to_bytes());
        let read = v1::PrekeyState::decode(spk.as_slice()).unwrap();
        assert_eq!((read.format, read.record.as_slice()), (1, party.spk.record()));
        assert_eq!(read.encode_to_vec(), *spk);
    }

    #[test]
    fn prekey_of_another_type_is_not_loaded() {
        let party = Party::new(1);
        let error = PrekeyStateError::Corrupted;
        assert_eq!(OneTimePrekey::from_bytes(&party.spk.to_bytes()).unwrap_err(), error);
        assert_eq!(SignedPrekey::from_bytes(&party.opk.to_bytes()).unwrap_err(), error);
        assert_eq!(EnvelopePrekey::from_bytes(&party.spk.to_bytes()).unwrap_err(), error);
        assert_eq!(KemPrekey::from_bytes(&party.env.to_bytes()).unwrap_err(), error);
    }

    #[test]
    fn damaged_prekey_is_not_loaded() {
        let bytes = Party::new(1).spk.to_bytes();
        for length in 0..bytes.len() {
            assert_eq!(SignedPrekey::from_bytes(&bytes[..length]).unwrap_err(), PrekeyStateError::Corrupted);
        }
        let mut other_seed = bytes.clone();
        let last = other_seed.len() - 5;
        other_seed[last] ^= 1;
        assert_eq!(SignedPrekey::from_bytes(&other_seed).unwrap_err(), PrekeyStateError::Corrupted);
        let mut newer = bytes.clone();
        newer[1] = 2;
        assert_eq!(SignedPrekey::from_bytes(&newer).unwrap_err(), PrekeyStateError::UnknownFormat);
        assert_eq!(
            SignedPrekey::from_bytes(&[&bytes[..], &[0x20, 1]].concat()).unwrap_err(),
            PrekeyStateError::Corrupted
        );
    }
}
