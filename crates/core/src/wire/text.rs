//! Text forms of fixed layouts, for links and QR codes: `docs/protocol.md` B2 (link offer) and B18 (invitation).

use base64ct::{Base64UrlUnpadded, Encoding as _};
use zeroize::Zeroizing;

/// `prefix || base64url without padding (bytes)`.
pub(crate) fn to_text(prefix: &str, bytes: &[u8]) -> Zeroizing<String> {
    let encoded = Zeroizing::new(Base64UrlUnpadded::encode_string(bytes));
    let mut text = Zeroizing::new(String::with_capacity(prefix.len().saturating_add(encoded.len())));
    text.push_str(prefix);
    text.push_str(&encoded);
    text
}

/// The bytes of a text form of at most `limit` bytes; `None` for another prefix, padding, or bits that say nothing.
pub(crate) fn from_text(prefix: &str, text: &str, limit: usize) -> Option<Zeroizing<Vec<u8>>> {
    let encoded = text.strip_prefix(prefix)?;
    // Four characters carry three bytes.
    if encoded.len() > limit.saturating_mul(4).div_ceil(3) {
        return None;
    }
    Base64UrlUnpadded::decode_vec(encoded).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_form_is_read_back_and_no_other_spelling_is() {
        assert_eq!(to_text("p:", &[0xfb, 0xff]).as_str(), "p:-_8");
        assert_eq!(from_text("p:", "p:-_8", 2).unwrap().as_slice(), &[0xfb, 0xff]);
        for wrong in ["q:-_8", "p:-_8=", "p:+/8", "p:-_9", "p:-_8A", "p:-_8 ", "-_8"] {
            assert!(from_text("p:", wrong, 2).is_none(), "{wrong}");
        }
    }
}
