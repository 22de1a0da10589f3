//! Fixed layouts.

use crate::wire::{Layout, lp};

#[test]
fn integers_are_big_endian_and_the_end_is_exact() {
    let mut layout = Layout::new(&[1, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4, 9, 9]);
    assert_eq!(layout.u8(), Some(1));
    assert_eq!(layout.u16(), Some(2));
    assert_eq!(layout.u32(), Some(3));
    assert_eq!(layout.u64(), Some(4));
    assert_eq!(layout.rest(), [9, 9]);
    assert_eq!(layout.end(), None);
    assert_eq!(layout.array::<2>(), Some(&[9, 9]));
    assert_eq!(layout.end(), Some(()));
}

#[test]
fn nothing_is_read_past_the_end_and_a_failed_read_moves_nothing() {
    let mut layout = Layout::new(&[1, 2, 3]);
    assert_eq!(layout.u32(), None);
    assert_eq!(layout.u64(), None);
    assert_eq!(layout.array::<4>(), None);
    assert_eq!(layout.bytes(usize::MAX), None);
    assert_eq!(layout.bytes(3), Some(&[1, 2, 3][..]));
    assert_eq!(layout.u8(), None);
}

#[test]
fn length_prefixed_bytes_come_back_and_a_length_beyond_the_end_does_not() {
    let framed = [&lp(b"text")[..], b"text"].concat();
    assert_eq!(framed, b"\x00\x00\x00\x04text");
    let mut layout = Layout::new(&framed);
    assert_eq!((layout.lp(), layout.end()), (Some(&b"text"[..]), Some(())));
    assert_eq!(Layout::new(b"\x00\x00\x00\x05text").lp(), None);
    assert_eq!(Layout::new(b"\xff\xff\xff\xfftext").lp(), None);
    assert_eq!(Layout::new(b"\x00\x00\x00").lp(), None);
}
