//! The floor: each primitive alone, from the crate that Carevow uses and at the lengths at which Carevow uses it. An
//! operation cannot be faster than its parts.
#![allow(clippy::unwrap_used, reason = "a benchmark of something that fails is worth nothing")]

use std::hint::black_box;

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce};
use carevow_benches::{Bench, FLOOR, bytes, run, text};
use ed25519_dalek::{Signer as _, SigningKey};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use ml_kem::kem::Decapsulate as _;
use ml_kem::{ml_kem_768, ml_kem_1024};
use sha2::{Digest as _, Sha256};
use x25519_dalek::{PublicKey, StaticSecret};

fn main() {
    run(&[x25519, ed25519, ml_kem_768_steps, ml_kem_1024_steps, hashes, aes_256_gcm]);
}

fn x25519(criterion: &mut Bench) {
    let mut group = criterion.benchmark_group(FLOOR);
    let secret = StaticSecret::from(bytes::<32>(1));
    let theirs = PublicKey::from(&StaticSecret::from(bytes::<32>(2)));
    group.bench_function("X25519 public key", |bencher| bencher.iter(|| PublicKey::from(black_box(&secret))));
    group.bench_function("X25519 DH", |bencher| bencher.iter(|| secret.diffie_hellman(black_box(&theirs))));
}

fn ed25519(criterion: &mut Bench) {
    let mut group = criterion.benchmark_group(FLOOR);
    let key = SigningKey::from_bytes(&bytes(3));
    let message = text(256);
    let signature = key.sign(&message);
    let public = key.verifying_key();
    group.bench_function("Ed25519 sign", |bencher| bencher.iter(|| key.sign(black_box(&message))));
    group.bench_function("Ed25519 verify", |bencher| {
        bencher.iter(|| public.verify_strict(black_box(&message), &signature).unwrap());
    });
}

macro_rules! ml_kem {
    ($function:ident, $set:ident, $name:literal) => {
        fn $function(criterion: &mut Bench) {
            let mut group = criterion.benchmark_group(FLOOR);
            let seed = bytes::<64>(4);
            let secret = $set::DecapsulationKey::new((&seed).into());
            let public = secret.encapsulation_key();
            let m = bytes::<32>(5);
            let (ciphertext, _) = public.encapsulate_deterministic((&m).into());
            group.bench_function(concat!($name, " key from seed"), |bencher| {
                bencher.iter(|| $set::DecapsulationKey::new(black_box(&seed).into()));
            });
            group.bench_function(concat!($name, " encapsulate"), |bencher| {
                bencher.iter(|| public.encapsulate_deterministic(black_box(&m).into()));
            });
            group.bench_function(concat!($name, " decapsulate"), |bencher| {
                bencher.iter(|| secret.decapsulate(black_box(&ciphertext)));
            });
        }
    };
}

ml_kem!(ml_kem_768_steps, ml_kem_768, "ML-KEM-768");
ml_kem!(ml_kem_1024_steps, ml_kem_1024, "ML-KEM-1024");

fn hashes(criterion: &mut Bench) {
    let mut group = criterion.benchmark_group(FLOOR);
    let key = bytes::<32>(6);
    let context = text(56);
    let keyed = || <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(black_box(&key)).unwrap();
    group.bench_function("HMAC of two bytes with one key", |bencher| {
        bencher.iter(|| {
            let keyed = keyed();
            [1, 2].map(|byte: u8| keyed.clone().chain_update([byte]).finalize().into_bytes())
        });
    });
    let input = text(128);
    group.bench_function("HMAC 128 B", |bencher| {
        bencher.iter(|| keyed().chain_update(&input).finalize().into_bytes());
    });
    let ikm = text(64);
    group.bench_function("HKDF 32 B to 76 B", |bencher| {
        bencher.iter(|| {
            let mut okm = [0; 76];
            Hkdf::<Sha256>::new(Some(&key), black_box(&ikm).get(..32).unwrap_or_default())
                .expand(&context, &mut okm)
                .unwrap();
            okm
        });
    });
    group.bench_function("HKDF 64 B to 96 B", |bencher| {
        bencher.iter(|| {
            let mut okm = [0; 96];
            Hkdf::<Sha256>::new(Some(&key), black_box(&ikm)).expand(&context, &mut okm).unwrap();
            okm
        });
    });
    for (name, length) in [("SHA-256 76 B", 76), ("SHA-256 1 KiB", 1_024), ("SHA-256 64 KiB", 65_536)] {
        let input = text(length);
        group.bench_function(name, |bencher| bencher.iter(|| Sha256::digest(black_box(&input))));
    }
}

fn aes_256_gcm(criterion: &mut Bench) {
    let mut group = criterion.benchmark_group(FLOOR);
    let key = bytes::<32>(7);
    let nonce = Nonce::from(bytes::<12>(8));
    group.bench_function("AES-256-GCM expand a key", |bencher| bencher.iter(|| Aes256Gcm::new(black_box(&key).into())));
    let cipher = Aes256Gcm::new((&key).into());
    for (size, length, associated) in [("48 B", 48, 48), ("1 536 B", 1_536, 143), ("64 KiB", 65_536, 40)] {
        let plaintext = text(length);
        let aad = text(associated);
        let mut ciphertext = plaintext.clone();
        let tag = cipher.encrypt_inout_detached(&nonce, &aad, ciphertext.as_mut_slice().into()).unwrap();
        group.bench_function(format!("AES-256-GCM seal {size}"), |bencher| {
            let mut buffer = plaintext.clone();
            bencher
                .iter(|| cipher.encrypt_inout_detached(&nonce, black_box(&aad), buffer.as_mut_slice().into()).unwrap());
        });
        group.bench_function(format!("AES-256-GCM open {size}"), |bencher| {
            let mut buffer = ciphertext.clone();
            bencher.iter(|| {
                buffer.copy_from_slice(&ciphertext);
                cipher.decrypt_inout_detached(&nonce, black_box(&aad), buffer.as_mut_slice().into(), &tag).unwrap();
            });
        });
    }
    let aad = text(48);
    group.bench_function("AES-256-GCM reject 48 B", |bencher| {
        let mut buffer = text(48);
        let tag = bytes::<16>(9).into();
        bencher.iter(|| {
            let opened = cipher.decrypt_inout_detached(&nonce, black_box(&aad), buffer.as_mut_slice().into(), &tag);
            assert!(opened.is_err());
        });
    });
}
