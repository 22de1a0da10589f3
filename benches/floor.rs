//! The floor: each primitive alone, from the crate that Carevow uses. A protocol step cannot be faster than its parts.
#![allow(clippy::unwrap_used, reason = "a benchmark of something that fails is worth nothing")]

use std::hint::black_box;

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce};
use carevow_benches::{SIZES, bytes, run, text};
use criterion::{BenchmarkId, Criterion, Throughput};
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

fn x25519(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("floor: X25519");
    let secret = StaticSecret::from(bytes::<32>(1));
    let theirs = PublicKey::from(&StaticSecret::from(bytes::<32>(2)));
    group.bench_function("public key", |bencher| bencher.iter(|| PublicKey::from(black_box(&secret))));
    group.bench_function("DH", |bencher| bencher.iter(|| secret.diffie_hellman(black_box(&theirs))));
}

fn ed25519(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("floor: Ed25519");
    let key = SigningKey::from_bytes(&bytes(3));
    let message = text(256);
    let signature = key.sign(&message);
    group.bench_function("sign 256 B", |bencher| bencher.iter(|| key.sign(black_box(&message))));
    group.bench_function("verify 256 B, strict", |bencher| {
        bencher.iter(|| key.verifying_key().verify_strict(black_box(&message), &signature).unwrap());
    });
}

macro_rules! ml_kem {
    ($function:ident, $set:ident, $name:literal) => {
        fn $function(criterion: &mut Criterion) {
            let mut group = criterion.benchmark_group($name);
            let seed = bytes::<64>(4);
            let secret = $set::DecapsulationKey::new((&seed).into());
            let public = secret.encapsulation_key();
            let m = bytes::<32>(5);
            let (ciphertext, _) = public.encapsulate_deterministic((&m).into());
            group.bench_function("key from seed", |bencher| {
                bencher.iter(|| $set::DecapsulationKey::new(black_box(&seed).into()));
            });
            group.bench_function("encapsulate", |bencher| {
                bencher.iter(|| public.encapsulate_deterministic(black_box(&m).into()));
            });
            group.bench_function("decapsulate", |bencher| {
                bencher.iter(|| secret.decapsulate(black_box(&ciphertext)));
            });
        }
    };
}

ml_kem!(ml_kem_768_steps, ml_kem_768, "floor: ML-KEM-768");
ml_kem!(ml_kem_1024_steps, ml_kem_1024, "floor: ML-KEM-1024");

fn hashes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("floor: hashes");
    let key = bytes::<32>(6);
    let ikm = text(64);
    group.bench_function("HKDF-SHA-256, 64 B to 96 B", |bencher| {
        bencher.iter(|| {
            let mut okm = [0; 96];
            let hkdf = Hkdf::<Sha256>::new(Some(&key), black_box(&ikm));
            hkdf.expand(b"context", &mut okm).unwrap();
            okm
        });
    });
    group.bench_function("HMAC-SHA-256, 1 B (one chain step takes two)", |bencher| {
        bencher.iter(|| {
            let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(black_box(&key)).unwrap();
            mac.update(&[1]);
            mac.finalize().into_bytes()
        });
    });
    for size in SIZES {
        let text = text(size);
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_with_input(BenchmarkId::new("SHA-256", size), &text, |bencher, text| {
            bencher.iter(|| Sha256::digest(black_box(text)));
        });
    }
}

fn aes_256_gcm(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("floor: AES-256-GCM");
    let key = bytes::<32>(7);
    let nonce = Nonce::from(bytes::<12>(8));
    group.bench_function("expand a key", |bencher| bencher.iter(|| Aes256Gcm::new(black_box(&key).into())));
    let cipher = Aes256Gcm::new((&key).into());
    for size in SIZES {
        let plaintext = text(size);
        let mut ciphertext = plaintext.clone();
        let tag = cipher.encrypt_inout_detached(&nonce, b"", ciphertext.as_mut_slice().into()).unwrap();
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_with_input(BenchmarkId::new("seal", size), &plaintext, |bencher, text| {
            let mut buffer = text.clone();
            bencher.iter(|| cipher.encrypt_inout_detached(&nonce, b"", buffer.as_mut_slice().into()).unwrap());
        });
        group.bench_with_input(BenchmarkId::new("open", size), &ciphertext, |bencher, text| {
            let mut buffer = text.clone();
            bencher.iter(|| {
                buffer.copy_from_slice(text);
                cipher.decrypt_inout_detached(&nonce, b"", buffer.as_mut_slice().into(), &tag).unwrap();
            });
        });
    }
}
