//! Sizes at the edges: T98, T102.

use super::*;
use crate::limits::ATTACHMENT_BYTES;
use crate::testing::Broken;

#[test]
fn t098_files_of_every_edge_size_come_back() {
    // size, padded size, chunks: by the formulas of B8 and B10.
    let edges = [
        (0, 1_024, 1),
        (1, 1_024, 1),
        (1_023, 1_024, 1),
        (1_024, 1_024, 1),
        (65_535, 65_536, 1),
        (65_536, 65_536, 1),
        (65_537, 67_584, 2),
    ];
    for (size, padded, chunks) in edges {
        let file = file(size);
        let (attachment, blob) = sealed(&file, 2);
        let planned = attachment.file().size();
        assert_eq!((planned.padded(), planned.chunks()), (padded, chunks), "{size}");
        assert_eq!(blob.len() as u64, planned.blob(), "{size}");
        assert_eq!(planned.blob(), 40 + padded + 16 * chunks, "{size}");
        assert_eq!(open(&attachment, &blob).0.unwrap(), file, "{size}");
        assert_eq!(attachment.open_bytes(&blob).unwrap().as_slice(), file, "{size}");
    }
}

#[test]
fn t102_sizes_up_to_4_gib_do_not_overflow() {
    let largest = FileSize::new(ATTACHMENT_BYTES).unwrap();
    assert_eq!((largest.padded(), largest.chunks()), (ATTACHMENT_BYTES, 65_536));
    let almost = FileSize::new(ATTACHMENT_BYTES - 1).unwrap();
    assert_eq!((almost.padded(), almost.chunks()), (ATTACHMENT_BYTES, 65_536));
    let plan = largest.plan().last().unwrap();
    assert_eq!((plan.index, plan.length, plan.file), (65_535, CHUNK_BYTES, CHUNK_BYTES));
    assert_eq!(plan.last.as_u8(), 1);
    for size in [ATTACHMENT_BYTES + 1, u64::MAX] {
        assert_eq!(FileSize::new(size).unwrap_err(), AttachmentError::TooLarge);
    }
}

#[test]
fn t102_a_padded_size_that_does_not_follow_is_refused() {
    let (attachment, _) = sealed(&file(5_000), 1);
    let parse = |size, padded_size| {
        let message = v1::AttachmentMsg {
            size,
            padded_size,
            ..attachment.to_wire()
        };
        Attachment::parse(message, Purpose::Message).map(|parsed| parsed.file().size().bytes())
    };
    let padded = attachment.file().size().padded();
    for lie in [0, 5_000, padded - 1, padded + 1, 65_536, ATTACHMENT_BYTES, u64::MAX] {
        assert_eq!(parse(5_000, lie).unwrap_err(), AttachmentError::PaddedSize, "{lie}");
    }
    for lie in [ATTACHMENT_BYTES + 1, u64::MAX] {
        assert_eq!(parse(lie, padded).unwrap_err(), AttachmentError::TooLarge, "{lie}");
        assert_eq!(parse(lie, lie).unwrap_err(), AttachmentError::TooLarge, "{lie}");
    }
    assert_eq!(parse(5_000, padded), Ok(5_000));
}

#[test]
fn t102_a_size_other_than_the_files_is_refused() {
    let file = file(5_000);
    let (attachment, blob) = sealed(&file, 1);
    let claiming = |size: u64| {
        let size = FileSize::new(size).unwrap();
        let message = v1::AttachmentMsg {
            size: size.bytes(),
            padded_size: size.padded(),
            ..attachment.to_wire()
        };
        Attachment::parse(message, Purpose::Message).unwrap()
    };
    // Within the same padded size (5 120): the digest decides, or the padding. Beyond it, the blob has another length.
    assert_eq!(open(&claiming(5_001), &blob).0.unwrap_err(), AttachmentError::Digest);
    assert_eq!(open(&claiming(4_999), &blob).0.unwrap_err(), AttachmentError::Padding);
    assert_eq!(open(&claiming(9_000), &blob).0.unwrap_err(), AttachmentError::Truncated);
    assert_eq!(
        open(&claiming(1_000), &blob).0.unwrap_err(),
        AttachmentError::Chunk { index: 0 }
    );
    assert_eq!(open(&claiming(5_000), &blob).0.unwrap(), file);
}

#[test]
fn a_file_of_another_size_than_announced_is_not_sealed() {
    let file = file(3_000);
    for announced in [0, 2_999, 3_001, 70_000] {
        let size = FileSize::new(announced).unwrap();
        let result = seal(
            Purpose::Message,
            size,
            &mut file.as_slice(),
            &mut Vec::new(),
            &mut rng(1),
        );
        assert_eq!(result.unwrap_err(), AttachmentError::SizeChanged, "{announced}");
    }
    let size = FileSize::new(3_000).unwrap();
    assert!(
        seal(
            Purpose::Message,
            size,
            &mut file.as_slice(),
            &mut Vec::new(),
            &mut rng(1)
        )
        .is_ok()
    );
}

#[test]
fn a_failing_random_source_seals_nothing() {
    let mut blob = Vec::new();
    let size = FileSize::new(1).unwrap();
    let result = seal(Purpose::Message, size, &mut [1].as_slice(), &mut blob, &mut Broken);
    assert_eq!(result.unwrap_err(), AttachmentError::Random(crate::random::RandomError));
    assert!(blob.is_empty());
}

#[test]
fn two_files_never_share_a_key() {
    let mut rng = rng(1);
    let (one, _) = seal_bytes(Purpose::Message, b"same", &mut rng).unwrap();
    let (two, _) = seal_bytes(Purpose::Message, b"same", &mut rng).unwrap();
    assert_ne!(one.key.as_bytes(), two.key.as_bytes());
    assert_ne!(one.blob_id(), two.blob_id());
}

use crate::wire::v1;
