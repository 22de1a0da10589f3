//! Something private that both sides of a test know, and that stands nowhere in a program as it is.

use zeroize::Zeroizing;

/// 64 bytes, on the heap: what is moved leaves copies.
pub fn canary() -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(vec![0; 64]);
    let mut state = std::hint::black_box(0x9e37_79b9_u32);
    for byte in bytes.iter_mut() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = state.to_be_bytes()[0];
    }
    bytes
}
