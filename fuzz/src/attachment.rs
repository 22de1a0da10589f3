//! Attachments: `docs/protocol.md` B10.

use std::io::{self, Read, Write};
use std::sync::LazyLock;

use carevow_core::attachment::{Attachment, AttachmentError, Purpose};
use carevow_core::wire::v1;
use prost::Message as _;

use crate::content::descriptor;
use crate::input::{Input, edit};
use crate::{Depth, Seed, Target};

/// A descriptor, used on a blob.
pub const DESCRIPTOR: Target = Target {
    name: "attachment_descriptor",
    run: described,
    deepest: 2,
    success: "parsed, and the file that it names came out of the blob",
    seeds: || {
        let honest = &FILES[1].descriptor;
        let vast = v1::AttachmentMsg { size: 1 << 32, padded_size: 1 << 32, ..honest.clone() };
        let short = v1::AttachmentMsg { size: honest.size - 1, ..honest.clone() };
        let purpose = v1::AttachmentMsg { purpose: 3, ..honest.clone() };
        vec![
            Seed::new("right", 2, honest.encode_to_vec()),
            Seed::new("4-gib", 1, vast.encode_to_vec()),
            Seed::new("shorter", 1, short.encode_to_vec()),
            Seed::new("other-purpose", 1, purpose.encode_to_vec()),
            Seed::new("other-padding", 0, v1::AttachmentMsg { padded_size: 5, ..honest.clone() }.encode_to_vec()),
        ]
    },
};

/// An honest blob with edits, read in pieces.
pub const BLOB: Target = Target {
    name: "attachment_blob",
    run: blob,
    deepest: 5,
    success: "header, every chunk, the end, the padding and both digests right",
    seeds: || {
        vec![
            Seed::new("empty", 5, [0, 0]),
            Seed::new("small", 5, [1, 1]),
            Seed::new("one-chunk", 5, [2, 100]),
            Seed::new("two-chunks", 5, [3, 0]),
            Seed::new("altered-commitment", 1, [&[1, 0][..], &edit(0, 20, 1)].concat()),
            Seed::new("altered-first-chunk", 2, [&[3, 0][..], &edit(0, 50, 1)].concat()),
            Seed::new("altered-second-chunk", 3, [&[3, 0][..], &edit(0, 66_000, 1)].concat()),
            Seed::new("cut", 0, [&[2, 0][..], &edit(2, 1000, 1)].concat()),
            Seed::new("longer", 4, [&[0, 0][..], &edit(3, 1080, 1)].concat()),
        ]
    },
};

struct File {
    bytes: Vec<u8>,
    descriptor: v1::AttachmentMsg,
    blob: Vec<u8>,
}

static FILES: LazyLock<[File; 4]> = LazyLock::new(|| {
    [0, 5, 1500, 65_600].map(|size: u32| {
        let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        let (descriptor, blob) = descriptor(Purpose::Message, &bytes);
        File { bytes, descriptor, blob }
    })
});

fn described(data: &[u8]) -> Depth {
    let Ok(message) = v1::AttachmentMsg::decode(data) else { return 0 };
    let mut depth = 0;
    for purpose in [Purpose::Message, Purpose::Avatar, Purpose::History] {
        let Ok(attachment) = Attachment::parse(message.clone(), purpose) else { continue };
        depth = depth.max(1);
        let size = attachment.file().size();
        assert!(size.blob() > size.padded() && size.padded() >= size.bytes() && size.chunks() >= 1);
        let file = &FILES[1];
        if let Ok(opened) = attachment.open_bytes(&file.blob) {
            assert!(*opened == file.bytes);
            depth = 2;
        }
        let streamed = attachment.open(&mut file.blob.as_slice(), Quarantine { bytes: Vec::new(), room: size.bytes() });
        assert_eq!(streamed.is_ok(), depth == 2);
    }
    depth
}

/// A reader that gives a few bytes at a time.
struct Pieces<'a> {
    left: &'a [u8],
    most: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.most);
        self.left.read(&mut buffer[..most])
    }
}

/// Where the file goes: never more than its size.
struct Quarantine {
    bytes: Vec<u8>,
    room: u64,
}

impl Write for Quarantine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        assert!(self.bytes.len() as u64 <= self.room, "more was written than the file has");
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn blob(data: &[u8]) -> Depth {
    let mut input = Input::new(data);
    let file = &FILES[usize::from(input.byte()) % FILES.len()];
    let most = match input.byte() {
        0 => usize::MAX,
        most => usize::from(most) * 64,
    };
    let blob = input.edited(&file.blob);
    let attachment = Attachment::parse(file.descriptor.clone(), Purpose::Message).expect("an honest descriptor");
    let quarantine = Quarantine { bytes: Vec::new(), room: file.bytes.len() as u64 };
    let opened = attachment.open(&mut Pieces { left: &blob, most }, quarantine);
    assert_eq!(attachment.open_bytes(&blob).is_ok(), opened.is_ok());
    match opened {
        Ok(verified) => {
            assert!(blob == file.blob, "an altered blob opened");
            assert!(verified.into_inner().bytes == file.bytes);
            5
        }
        Err(AttachmentError::Truncated | AttachmentError::Io(_)) => 0,
        Err(AttachmentError::Commitment) => 1,
        Err(AttachmentError::Chunk { index: 0 } | AttachmentError::Header | AttachmentError::Purpose { .. }) => 2,
        Err(AttachmentError::Chunk { .. }) => 3,
        Err(_) => 4,
    }
}
