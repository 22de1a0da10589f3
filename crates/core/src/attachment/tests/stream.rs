//! Chunks that were changed, moved, dropped or doubled: T97, T98.

use super::*;

const THREE: usize = 2 * CHUNK_BYTES + 1;

/// Every change must give `error`, and the quarantine must be gone with what it held.
fn refuses(attachment: &Attachment, blob: &[u8], error: AttachmentError, released: usize) {
    let (result, quarantine) = open(attachment, blob);
    assert_eq!(result.unwrap_err(), error);
    assert!(quarantine.dropped);
    assert_eq!(quarantine.bytes, released);
}

fn control(attachment: &Attachment, blob: &[u8], file: &[u8]) {
    assert_eq!(open(attachment, blob).0.unwrap(), file);
}

#[test]
fn t097_a_flipped_chunk_releases_nothing() {
    let file = file(THREE);
    let (attachment, blob) = sealed(&file, 1);
    for index in 0..2_usize {
        for offset in [0, CHUNK_BYTES - 1, CHUNK_BYTES + 15] {
            let mut bad = blob.clone();
            bad[chunk_range(index).start + offset] ^= 1;
            let at = u32::try_from(index).unwrap();
            refuses(
                &attachment,
                &bad,
                AttachmentError::Chunk { index: at },
                index * CHUNK_BYTES,
            );
        }
    }
    let mut bad = blob.clone();
    *bad.last_mut().unwrap() ^= 0x80;
    refuses(&attachment, &bad, AttachmentError::Chunk { index: 2 }, 2 * CHUNK_BYTES);
    control(&attachment, &blob, &file);
}

#[test]
fn t097_swapped_chunks_release_nothing() {
    let file = file(THREE);
    let (attachment, blob) = sealed(&file, 1);
    let mut bad = blob.clone();
    bad[chunk_range(0)].copy_from_slice(&blob[chunk_range(1)]);
    bad[chunk_range(1)].copy_from_slice(&blob[chunk_range(0)]);
    refuses(&attachment, &bad, AttachmentError::Chunk { index: 0 }, 0);
    control(&attachment, &blob, &file);
}

#[test]
fn t097_a_dropped_chunk_releases_nothing() {
    let file = file(THREE);
    let (attachment, blob) = sealed(&file, 1);
    let mut bad = blob.clone();
    bad.drain(chunk_range(0));
    refuses(&attachment, &bad, AttachmentError::Chunk { index: 0 }, 0);
    control(&attachment, &blob, &file);
}

#[test]
fn t097_a_doubled_chunk_releases_nothing() {
    let file = file(THREE);
    let (attachment, blob) = sealed(&file, 1);
    let mut bad = blob.clone();
    let first = blob[chunk_range(0)].to_vec();
    bad.splice(HEADER_BYTES..HEADER_BYTES, first);
    refuses(&attachment, &bad, AttachmentError::Chunk { index: 1 }, CHUNK_BYTES);
    control(&attachment, &blob, &file);
}

#[test]
fn t098_a_blob_without_its_last_chunk_is_truncated() {
    let file = file(THREE);
    let (attachment, blob) = sealed(&file, 1);
    let bad = &blob[..chunk_range(1).end];
    refuses(&attachment, bad, AttachmentError::Truncated, 2 * CHUNK_BYTES);
    // Nor does it help its author to name the shorter blob and size: the last flag was not set.
    let mut message = attachment.to_wire();
    (message.size, message.padded_size) = (2 * CHUNK_BYTES as u64, 2 * CHUNK_BYTES as u64);
    let liar = renamed(&Attachment::parse(message, Purpose::Message).unwrap(), bad);
    refuses(&liar, bad, AttachmentError::Chunk { index: 1 }, CHUNK_BYTES);
    control(&attachment, &blob, &file);
}

#[test]
fn t098_a_chunk_after_the_last_is_trailing_data() {
    let file = file(2 * CHUNK_BYTES);
    let (attachment, blob) = sealed(&file, 1);
    for forged in [
        Forge::new(&attachment, Purpose::Message).chunk(2, Last::Yes, &[0; 16]),
        Forge::new(&attachment, Purpose::Message).chunk(2, Last::No, &[0; 16]),
    ] {
        let mut bad = blob.clone();
        bad.extend_from_slice(&forged.blob[HEADER_BYTES..]);
        refuses(
            &renamed(&attachment, &bad),
            &bad,
            AttachmentError::TrailingData,
            file.len(),
        );
    }
    let mut bad = blob.clone();
    bad.push(0);
    refuses(
        &renamed(&attachment, &bad),
        &bad,
        AttachmentError::TrailingData,
        file.len(),
    );
    control(&attachment, &blob, &file);
}

#[test]
fn t098_a_last_flag_at_another_chunk_is_refused() {
    let file = file(2 * CHUNK_BYTES);
    let (first, second) = file.split_at(CHUNK_BYTES);
    let (attachment, blob) = sealed(&file, 1);
    let forge = || Forge::new(&attachment, Purpose::Message);
    let moved = forge().chunk(0, Last::Yes, first).chunk(1, Last::No, second).blob;
    refuses(
        &renamed(&attachment, &moved),
        &moved,
        AttachmentError::Chunk { index: 0 },
        0,
    );
    let missing = forge().chunk(0, Last::No, first).chunk(1, Last::No, second).blob;
    refuses(
        &renamed(&attachment, &missing),
        &missing,
        AttachmentError::Chunk { index: 1 },
        CHUNK_BYTES,
    );
    let twice = forge().chunk(0, Last::Yes, first).chunk(1, Last::Yes, second).blob;
    refuses(
        &renamed(&attachment, &twice),
        &twice,
        AttachmentError::Chunk { index: 0 },
        0,
    );
    let honest = forge().chunk(0, Last::No, first).chunk(1, Last::Yes, second).blob;
    assert_eq!(honest, blob);
    control(&attachment, &honest, &file);
}

#[test]
fn t098_a_blob_cut_anywhere_is_truncated() {
    let file = file(1_500);
    let (attachment, blob) = sealed(&file, 1);
    for length in 0..blob.len() {
        assert_eq!(
            open(&attachment, &blob[..length]).0.unwrap_err(),
            AttachmentError::Truncated,
            "{length}"
        );
        assert_eq!(
            attachment.open_bytes(&blob[..length]).unwrap_err(),
            AttachmentError::Truncated,
            "{length}"
        );
    }
    control(&attachment, &blob, &file);
}
