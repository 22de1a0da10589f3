//! Tests of attachments: what an honest sealer never makes is put together chunk by chunk in [`Forge`].

mod boundaries;
mod bounded;
mod forged;
mod stream;

use super::key::{AttachmentKey, StreamKeys, form};
use super::size::{ChunkPlan, Last};
use super::*;
use crate::primitives::kdf::sha256;
use crate::testing::rng;

/// A file of `length` bytes that do not repeat from chunk to chunk.
fn file(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i ^ (i >> 8) ^ (i >> 16)) as u8).collect()
}

/// The descriptor and blob of `file`, for messages; one seed, one key.
fn sealed(file: &[u8], seed: u64) -> (Attachment, Vec<u8>) {
    sealed_for(Purpose::Message, file, seed)
}

fn sealed_for(purpose: Purpose, file: &[u8], seed: u64) -> (Attachment, Vec<u8>) {
    let (sealed, blob) = seal_bytes(purpose, file, &mut rng(seed)).unwrap();
    (Attachment::new(sealed, Labels::default()), blob)
}

/// `attachment` as it would be for `blob`: an author that lies lies consistently.
fn renamed(attachment: &Attachment, blob: &[u8]) -> Attachment {
    let mut message = attachment.to_wire();
    message.blob_id = sha256(&[blob]).to_vec();
    Attachment::parse(message, attachment.file().purpose()).unwrap()
}

/// The bytes of chunk `index` in a blob of full chunks.
fn chunk_range(index: usize) -> core::ops::Range<usize> {
    let sealed = CHUNK_BYTES + 16;
    HEADER_BYTES + index * sealed..HEADER_BYTES + (index + 1) * sealed
}

/// Opens through the streaming reader; the quarantine tells how much it got and that it was dropped.
fn open(attachment: &Attachment, blob: &[u8]) -> (Result<Vec<u8>, AttachmentError>, Quarantined) {
    let state = std::rc::Rc::new(core::cell::RefCell::new(Quarantined::default()));
    let mut blob = blob;
    let result = attachment.open(&mut blob, Quarantine(state.clone(), Vec::new()));
    let result = result.map(|verified| core::mem::take(&mut verified.into_inner().1));
    (result, std::rc::Rc::into_inner(state).unwrap().into_inner())
}

/// What a quarantine saw.
#[derive(Default, Debug, PartialEq, Eq)]
struct Quarantined {
    bytes: usize,
    largest_write: usize,
    dropped: bool,
}

struct Quarantine(std::rc::Rc<core::cell::RefCell<Quarantined>>, Vec<u8>);

impl std::io::Write for Quarantine {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut seen = self.0.borrow_mut();
        seen.bytes += bytes.len();
        seen.largest_write = seen.largest_write.max(bytes.len());
        self.1.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for Quarantine {
    fn drop(&mut self) {
        self.0.borrow_mut().dropped = true;
    }
}

/// Writes blobs that follow no plan.
struct Forge {
    keys: StreamKeys,
    header: [u8; HEADER_BYTES],
    blob: Vec<u8>,
}

impl Forge {
    /// With the key of `attachment`, for `purpose`.
    fn new(attachment: &Attachment, purpose: Purpose) -> Self {
        let key = AttachmentKey::from_slice(attachment.file().key.as_bytes()).unwrap();
        let keys = StreamKeys::derive(&key, purpose);
        let header = keys.header(&form(purpose));
        Self::with_header(keys, header)
    }

    fn with_header(keys: StreamKeys, header: [u8; HEADER_BYTES]) -> Self {
        Self {
            keys,
            header,
            blob: header.to_vec(),
        }
    }

    fn chunk(mut self, index: u32, last: Last, plaintext: &[u8]) -> Self {
        let plan = ChunkPlan {
            index,
            last,
            length: plaintext.len(),
            file: plaintext.len(),
        };
        let mut chunk = plaintext.to_vec();
        self.keys.seal(&plan, &self.header, &mut chunk).unwrap();
        self.blob.extend_from_slice(&chunk);
        self
    }
}

/// A random source that gives out known bytes.
struct Known(Vec<u8>);

impl rand_core::TryRng for Known {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        unreachable!("bytes only")
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        unreachable!("bytes only")
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Self::Error> {
        to.copy_from_slice(&self.0.drain(..to.len()).collect::<Vec<_>>());
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Known {}

/// Computed from B10 alone with another implementation of HMAC and AES-GCM.
#[test]
fn known_answer_of_a_small_file() {
    let mut known = Known((0..32).collect());
    let (sealed, blob) = seal_bytes(Purpose::Message, b"wound, day 3", &mut known).unwrap();
    let header = "4356413101100001fae3b64b6e716aad9127174f8dd87baa9632cf553b7d41bcbaea2f93e96e4720";
    assert_eq!(hex::encode(&blob[..40]), header);
    assert_eq!(hex::encode(&blob[40..56]), "54f001599a3fbb988dece9dffc5b9ce9");
    assert_eq!(hex::encode(&blob[1064..]), "a712e3b090b2726352f9f68f8226c0f2");
    assert_eq!(blob.len(), 1080);
    let blob_id = "5222dd081879db825133b327a7e49f5f9a8569e8cf1fab6ac1204ee7eb14ce2c";
    assert_eq!(hex::encode(sealed.blob_id()), blob_id);
    let digest = "4577f608c8caac9e9bf44fe5e06a9a8e0e4f1e97781fe4c3f37be2f28c2ed435";
    assert_eq!(hex::encode(sealed.sha256()), digest);
    let attachment = Attachment::new(sealed, Labels::default());
    assert_eq!(attachment.open_bytes(&blob).unwrap().as_slice(), b"wound, day 3");
}

#[test]
fn secrets_are_not_printed() {
    let (attachment, _) = sealed(b"x", 1);
    let printed = format!("{attachment:?} {:?} {:?}", attachment.file(), attachment.file().key);
    assert_eq!(printed, "Attachment(..) SealedFile(..) AttachmentKey(..)");
}
