//! `tag || raw` of every key and ciphertext: `docs/protocol.md` B1.1.

use super::area::Area;
use super::bytes::{cut, longer, written};
use super::node::fields;
use super::script::seed;
use crate::primitives::{
    Ed25519PublicKey, Ed25519Secret, LOW_ORDER_ENCODINGS, MlKem768Ciphertext, MlKem768PublicKey, MlKem768Secret,
    MlKem1024Ciphertext, MlKem1024PublicKey, MlKem1024Secret, PublicKey, X25519PublicKey, X25519Secret, XWingPublicKey,
    XWingSecret,
};

/// 3329 in the first of the 12-bit coefficients, which lie in little-endian order: not reduced.
const COEFFICIENT_Q: [u8; 2] = [0x01, 0x0d];

pub(super) fn area() -> Area {
    let mut area = Area::new("encodings");
    let (x_seed, x_wing_seed) = (seed("x25519 key"), seed("x-wing key"));
    let (ed_seed, kem_seed) = (seed("ed25519 key"), seed("ml-kem key"));
    let (kem_768, kem_1024) = (MlKem768Secret::from_seed(&kem_seed), MlKem1024Secret::from_seed(&kem_seed));
    let m = seed("ml-kem m");
    let ed = Ed25519Secret::from_seed(&ed_seed).public_key();
    let x = X25519Secret::from_seed(&x_seed).public_key();
    let x_wing = XWingSecret::from_seed(&x_wing_seed).public_key().unwrap();
    let (ct_768, ss_768) = kem_768.public_key().encapsulate(&m).unwrap();
    let (ct_1024, ss_1024) = kem_1024.public_key().encapsulate(&m).unwrap();

    derived(&mut area, "Ed25519 public key", &*ed_seed, &ed);
    derived(&mut area, "X25519 public key", &*x_seed, &x);
    derived(&mut area, "ML-KEM-768 encapsulation key", &*kem_seed, &kem_768.public_key());
    derived(&mut area, "ML-KEM-1024 encapsulation key", &*kem_seed, &kem_1024.public_key());
    derived(&mut area, "X-Wing public key", &*x_wing_seed, &x_wing);
    let comment = "FIPS 203 with the 32 bytes m; the key is the one of this seed d || z.";
    for (name, ct, ss, tagged) in [
        ("ML-KEM-768", ct_768.as_bytes().as_slice(), &ss_768, ct_768.to_tagged()),
        ("ML-KEM-1024", ct_1024.as_bytes().as_slice(), &ss_1024, ct_1024.to_tagged()),
    ] {
        let output = fields! { "ciphertext" => ct, "tagged" => tagged, "shared_secret" => &**ss };
        area.gives(format!("{name}: encapsulate"), comment, fields! { "seed" => &*kem_seed, "m" => &*m }, output);
    }

    forms::<Ed25519PublicKey>(&mut area, "0x01 Ed25519", &ed.to_tagged());
    forms::<X25519PublicKey>(&mut area, "0x02 X25519", &x.to_tagged());
    forms::<MlKem768PublicKey>(&mut area, "0x03 ML-KEM-768 ek", &kem_768.public_key().to_tagged());
    forms::<MlKem1024PublicKey>(&mut area, "0x04 ML-KEM-1024 ek", &kem_1024.public_key().to_tagged());
    forms::<XWingPublicKey>(&mut area, "0x05 X-Wing", &x_wing.to_tagged());
    forms::<MlKem768Ciphertext>(&mut area, "0x13 ML-KEM-768 ct", &ct_768.to_tagged());
    forms::<MlKem1024Ciphertext>(&mut area, "0x14 ML-KEM-1024 ct", &ct_1024.to_tagged());

    ed25519(&mut area);
    x25519(&mut area);
    let unreduced = |tagged: Vec<u8>| written(&tagged, 1, &COEFFICIENT_Q);
    let comment = "The first coefficient is 3329: FIPS 203 modulus check.";
    parse::<MlKem768PublicKey>(&mut area, "0x03: coefficient q", comment, &unreduced(kem_768.public_key().to_tagged()));
    parse::<MlKem1024PublicKey>(
        &mut area,
        "0x04: coefficient q",
        comment,
        &unreduced(kem_1024.public_key().to_tagged()),
    );
    parse::<XWingPublicKey>(&mut area, "0x05: coefficient q", comment, &unreduced(x_wing.to_tagged()));
    let top_bit = written(&x_wing.to_tagged(), 1216, &[0xff]);
    parse::<XWingPublicKey>(
        &mut area,
        "0x05: top bit of the X25519 half",
        "2^255 and above is not canonical.",
        &top_bit,
    );
    area
}

fn derived(area: &mut Area, name: &str, seed: &[u8], key: &impl PublicKey) {
    let comment = "The private key is kept as this seed.";
    area.gives(
        format!("{name} from a seed"),
        comment,
        fields! { "seed" => seed },
        fields! {
            "raw" => key.raw(), "tagged" => key.to_tagged(),
        },
    );
}

fn parse<K: PublicKey>(area: &mut Area, name: &str, comment: &str, tagged: &[u8]) {
    let input = fields! { "expected_tag" => K::TAG as u32, "tagged" => tagged };
    area.judged(name, comment, input, K::from_tagged(tagged).map(|key| fields! { "raw" => key.raw() }));
}

/// Good, wrong tag, wrong length.
fn forms<K: PublicKey>(area: &mut Area, name: &str, tagged: &[u8]) {
    parse::<K>(area, &format!("{name}: good"), "", tagged);
    // The tag of the other object of the same length, where there is one.
    let other = if tagged[0] == 0x04 { 0x14 } else { 0x04 };
    parse::<K>(area, &format!("{name}: wrong tag"), "The rest is a valid key.", &written(tagged, 0, &[other]));
    parse::<K>(area, &format!("{name}: one byte short"), "", &cut(tagged));
    parse::<K>(area, &format!("{name}: one byte long"), "", &longer(tagged));
    parse::<K>(area, &format!("{name}: empty"), "", &[]);
}

fn tagged(tag: u8, raw: &[u8]) -> Vec<u8> {
    [&[tag], raw].concat()
}

fn ed25519(area: &mut Area) {
    let mut two = [0; 32];
    two[0] = 2;
    parse::<Ed25519PublicKey>(area, "0x01: not on the curve", "y = 2 has no x.", &tagged(1, &two));
    let mut identity = [0; 32];
    identity[0] = 1;
    parse::<Ed25519PublicKey>(area, "0x01: identity", "Order 1.", &tagged(1, &identity));
    let comment = "y = 1 with the sign bit set: x = 0 has no sign.";
    parse::<Ed25519PublicKey>(
        area,
        "0x01: identity with a sign",
        comment,
        &tagged(1, &written(&identity, 31, &[0x80])),
    );
    parse::<Ed25519PublicKey>(area, "0x01: order 4", "y = 0.", &tagged(1, &[0; 32]));
    let mut minus_one = [0xff; 32];
    (minus_one[0], minus_one[31]) = (0xec, 0x7f);
    parse::<Ed25519PublicKey>(area, "0x01: order 2", "y = p - 1.", &tagged(1, &minus_one));
    for (name, byte) in [
        ("order 8", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        ("order 8, negative y", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    ] {
        parse::<Ed25519PublicKey>(area, &format!("0x01: {name}"), "", &tagged(1, &hex::decode(byte).unwrap()));
    }
    for (low, name) in [(0xed, "p"), (0xee, "p + 1"), (0xf0, "p + 3"), (0xff, "2^255 - 1")] {
        let mut y = [0xff; 32];
        (y[0], y[31]) = (low, 0x7f);
        let comment = "ZIP-215 parsers take some of these; only the encoding that compressing gives is canonical.";
        parse::<Ed25519PublicKey>(area, &format!("0x01: y = {name}"), comment, &tagged(1, &y));
    }
}

fn x25519(area: &mut Area) {
    let scalar = seed("x25519 key");
    let secret = X25519Secret::from_seed(&scalar);
    let peer = X25519Secret::from_seed(&seed("x25519 peer")).public_key();
    let input = fields! { "seed" => &*scalar, "public" => peer.tagged() };
    let output = fields! { "shared" => &*secret.diffie_hellman(&peer).unwrap() };
    area.gives("DH: good", "DH(a, B)", input, output);
    for (index, raw) in LOW_ORDER_ENCODINGS.iter().enumerate() {
        let comment = "p and p + 1 are not canonical; the others parse, and DH() refuses them.";
        let bytes = tagged(2, raw);
        parse::<X25519PublicKey>(area, &format!("0x02: low order {index}"), comment, &bytes);
        if let Ok(key) = X25519PublicKey::from_raw(raw) {
            let input = fields! { "seed" => &*scalar, "public" => key.tagged() };
            let result = secret.diffie_hellman(&key).map(|shared| fields! { "shared" => &*shared });
            area.judged(format!("DH: low order {index}"), "The result is all zero.", input, result);
        }
    }
    let top_bit = written(peer.as_bytes(), 31, &[peer.as_bytes()[31] | 0x80]);
    parse::<X25519PublicKey>(area, "0x02: top bit set", "RFC 7748 would mask it.", &tagged(2, &top_bit));
    let mut largest = [0xff; 32];
    (largest[0], largest[31]) = (0xeb, 0x7f);
    parse::<X25519PublicKey>(
        area,
        "0x02: p - 2",
        "The largest canonical value of no small order.",
        &tagged(2, &largest),
    );
    largest[0] = 0xff;
    parse::<X25519PublicKey>(area, "0x02: 2^255 - 1", "", &tagged(2, &largest));
}
