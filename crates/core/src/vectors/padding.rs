//! Padded lengths: `docs/protocol.md` B8 and B10.

use super::area::Area;
use super::node::fields;
use crate::attachment::FileSize;
use crate::envelope::padding::{PaddingProfile, pad, padme};
use crate::limits::ATTACHMENT_BYTES;

/// About each boundary.
const LENGTHS: [u64; 33] = [
    0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 100, 255, 256, 257, 272, 273, 1_000, 1_023, 1_024, 1_025, 1_535,
    1_536, 1_537, 1_600, 1_601, 3_072, 65_537, 262_150, 264_430,
];

pub(super) fn area() -> Area {
    let mut area = Area::new("padding");
    for len in LENGTHS {
        let usize = usize::try_from(len).unwrap();
        let output = fields! {
            "padme" => padme(len),
            "clinical" => pad(usize, PaddingProfile::Clinical),
            "compact" => pad(usize, PaddingProfile::Compact),
        };
        area.gives(format!("body of {len}"), "Padmé and pad(L) of both profiles", fields! { "length" => len }, output);
    }
    for size in [0, 1, 1_023, 1_024, 1_025, 65_536, 65_537, 1_000_000, 1 << 30, ATTACHMENT_BYTES - 1, ATTACHMENT_BYTES]
    {
        let file = FileSize::new(size).unwrap();
        let output = fields! { "padded_size" => file.padded(), "chunks" => file.chunks(), "blob_size" => file.blob() };
        area.gives(
            format!("attachment of {size}"),
            "padded_size = Padmé(max(size, 1024))",
            fields! { "size" => size },
            output,
        );
    }
    let too_large = ATTACHMENT_BYTES + 1;
    let result = FileSize::new(too_large).map(|_| fields! {});
    area.judged("attachment of 4 GiB and one byte", "", fields! { "size" => too_large }, result);
    for number in [0, 1, 2, 3, u32::MAX] {
        let profile = PaddingProfile::from_u32(number);
        let output = fields! { "minimum" => profile.minimum() };
        area.gives(
            format!("padding_profile {number}"),
            "2 is compact, everything else clinical",
            fields! { "padding_profile" => number },
            output,
        );
    }
    area
}
