//! padding stub
#![allow(missing_docs, clippy::all, reason = "temporary")]
use crate::limits;
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PaddingProfile {
    Clinical,
    Compact,
}
pub fn pad(len: usize, profile: PaddingProfile) -> usize {
    let min = match profile {
        PaddingProfile::Clinical => 1536,
        PaddingProfile::Compact => 256,
    };
    if len <= min {
        return min;
    }
    let e = len.ilog2();
    let s = e.ilog2() + 1;
    let m = (1usize << (e - s)) - 1;
    let _ = limits::BODY_BYTES;
    (len + m) & !m
}
