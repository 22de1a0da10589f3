//! What each measured operation needs at least: the primitives that its section of `docs/protocol.md` demands, with how
//! often, at the lengths at which `benches/floor.rs` measures them. Memory, framing and checks are not counted.

/// A row of the table.
pub struct Operation {
    /// Its benchmark, and that of the peer if the peer does the same.
    pub name: &'static str,
    /// `(primitive, how often)`; empty where no cryptography is needed.
    pub floor: &'static [&'static [(&'static str, f64)]],
    /// Bytes that it handles, where the rate is what one asks for.
    pub bytes: Option<u64>,
}

type Parts = &'static [(&'static str, f64)];

/// B6.1, B6.4: two MACs of the chain, the salt, the message's keys, their commitment, and the key schedule of AES.
const MESSAGE_KEYS: Parts = &[
    ("HMAC of two bytes with one key", 1.0),
    ("SHA-256 76 B", 1.0),
    ("HKDF 32 B to 76 B", 1.0),
    ("HMAC 128 B", 1.0),
    ("AES-256-GCM expand a key", 1.0),
];
/// B6.3, B6.5: 1 KiB is padded to 1 536 bytes.
const SEAL: Parts = &[("AES-256-GCM seal 48 B", 1.0), ("AES-256-GCM seal 1 536 B", 1.0)];
const OPEN: Parts = &[("AES-256-GCM open 48 B", 1.0), ("AES-256-GCM open 1 536 B", 1.0)];
/// With a lane offer the padded body has 2 304 bytes or so.
const SEAL_WITH_OFFER: Parts = &[("AES-256-GCM seal 48 B", 1.0), ("AES-256-GCM seal 1 536 B", 1.5)];
const OPEN_WITH_OFFER: Parts = &[("AES-256-GCM open 48 B", 1.0), ("AES-256-GCM open 1 536 B", 1.5)];
/// B6.1: a new ratchet key, and the root step of its sender; the key schedule of a header key.
const SEND_STEP: Parts =
    &[("X25519 public key", 1.0), ("X25519 DH", 1.0), ("HKDF 64 B to 96 B", 1.0), ("AES-256-GCM expand a key", 1.0)];
/// The receiver's. The peer's header key does not open the old chain's header: one rejection.
const RECEIVE_STEP: Parts = &[
    ("X25519 DH", 1.0),
    ("HKDF 64 B to 96 B", 1.0),
    ("AES-256-GCM expand a key", 1.0),
    ("AES-256-GCM reject 48 B", 1.0),
];
/// B6.5: both lanes together are mixed 153 times in 2 000 turns of 1 KiB each way (`benches/session.rs` checks it).
const LANES: f64 = 153.0 / 2_000.0;

/// Every operation, in the order of the table.
pub const OPERATIONS: &[Operation] = &[
    Operation { name: "encrypt 1 KiB", floor: &[MESSAGE_KEYS, SEAL], bytes: None },
    Operation { name: "decrypt 1 KiB", floor: &[MESSAGE_KEYS, OPEN], bytes: None },
    Operation {
        name: "burst of 100",
        // One lane is due within the burst.
        floor: &[
            &[
                ("HMAC of two bytes with one key", 200.0),
                ("SHA-256 76 B", 200.0),
                ("HKDF 32 B to 76 B", 200.0),
                ("HMAC 128 B", 200.0),
                ("AES-256-GCM expand a key", 200.0),
                ("AES-256-GCM seal 48 B", 100.0),
                ("AES-256-GCM open 48 B", 100.0),
                ("AES-256-GCM seal 1 536 B", 100.0),
                ("AES-256-GCM open 1 536 B", 100.0),
            ],
            &[("ML-KEM-768 key from seed", 1.0)],
        ],
        bytes: None,
    },
    Operation {
        name: "ping-pong",
        floor: &[
            MESSAGE_KEYS,
            MESSAGE_KEYS,
            MESSAGE_KEYS,
            MESSAGE_KEYS,
            SEAL,
            SEAL,
            OPEN,
            OPEN,
            SEND_STEP,
            SEND_STEP,
            RECEIVE_STEP,
            RECEIVE_STEP,
            &[
                ("ML-KEM-768 key from seed", LANES),
                ("ML-KEM-768 encapsulate", LANES),
                ("ML-KEM-768 decapsulate", LANES),
            ],
        ],
        bytes: None,
    },
    Operation {
        name: "verify a bundle",
        // B2, B3: the manifest and its device's proof of possession, two certificates, four records.
        floor: &[&[("Ed25519 verify", 8.0)]],
        bytes: None,
    },
    Operation { name: "initiate", floor: &[INITIATE], bytes: None },
    Operation {
        name: "initiate, first message",
        floor: &[INITIATE, SEND_STEP, &[("ML-KEM-768 key from seed", 1.0)], MESSAGE_KEYS, SEAL_WITH_OFFER],
        bytes: None,
    },
    Operation {
        name: "accept",
        // B4.5: the decapsulation key is kept as its seed.
        floor: &[
            &[
                ("ML-KEM-1024 key from seed", 1.0),
                ("ML-KEM-1024 decapsulate", 1.0),
                ("X25519 DH", 5.0),
                ("HKDF 64 B to 96 B", 1.0),
            ],
            &[("X25519 DH", 1.0), ("HKDF 64 B to 96 B", 1.0), ("AES-256-GCM expand a key", 1.0)],
            MESSAGE_KEYS,
            OPEN_WITH_OFFER,
        ],
        bytes: None,
    },
    Operation {
        name: "seal INIT",
        floor: &[SEAL_KEYS, &[("SHA-256 1 KiB", 6.0), ("AES-256-GCM seal 1 536 B", 4.0)]],
        bytes: None,
    },
    Operation {
        name: "seal SESSION",
        floor: &[SEAL_KEYS, &[("SHA-256 1 KiB", 3.0), ("AES-256-GCM seal 1 536 B", 2.0)]],
        bytes: None,
    },
    Operation {
        name: "open INIT",
        floor: &[OPEN_KEYS, &[("SHA-256 1 KiB", 6.0), ("AES-256-GCM open 1 536 B", 4.0)]],
        bytes: None,
    },
    Operation {
        name: "open SESSION",
        floor: &[OPEN_KEYS, &[("SHA-256 1 KiB", 3.0), ("AES-256-GCM open 1 536 B", 2.0)]],
        bytes: None,
    },
    Operation { name: "header trial, 1 000 sessions", floor: &[&[("AES-256-GCM reject 48 B", 2e3)]], bytes: None },
    Operation { name: "header trial, 10 000 sessions", floor: &[&[("AES-256-GCM reject 48 B", 2e4)]], bytes: None },
    Operation { name: "header trial, 100 000 sessions", floor: &[&[("AES-256-GCM reject 48 B", 2e5)]], bytes: None },
    Operation { name: "state to bytes", floor: &[], bytes: None },
    Operation { name: "state from bytes", floor: &[], bytes: None },
    Operation {
        name: "attachment of 4 MiB, seal",
        // B10: blob and file are hashed.
        floor: &[&[("AES-256-GCM seal 64 KiB", 64.0), ("SHA-256 64 KiB", 128.0)]],
        bytes: Some(4 << 20),
    },
    Operation {
        name: "attachment of 4 MiB, open",
        floor: &[&[("AES-256-GCM open 64 KiB", 64.0), ("SHA-256 64 KiB", 128.0)]],
        bytes: Some(4 << 20),
    },
];

/// B4.3: an ephemeral key, five DH, ML-KEM-1024 and the first keys.
const INITIATE: Parts =
    &[("ML-KEM-1024 encapsulate", 1.0), ("X25519 public key", 1.0), ("X25519 DH", 5.0), ("HKDF 64 B to 96 B", 1.0)];
/// B7.2: X-Wing, the DH of the tag, HPKE's key schedule (two KDFs at the least), the tag's key and the tag.
const SEAL_KEYS: Parts = &[
    ("ML-KEM-768 encapsulate", 1.0),
    ("X25519 public key", 1.0),
    ("X25519 DH", 2.0),
    ("HKDF 64 B to 96 B", 3.0),
    ("HMAC 128 B", 1.0),
    ("AES-256-GCM expand a key", 1.0),
];
/// The same on the other side, whose key is kept as its seed, and the signatures of two certificates.
const OPEN_KEYS: Parts = &[
    ("ML-KEM-768 key from seed", 1.0),
    ("ML-KEM-768 decapsulate", 1.0),
    ("X25519 public key", 1.0),
    ("X25519 DH", 2.0),
    ("HKDF 64 B to 96 B", 3.0),
    ("HMAC 128 B", 1.0),
    ("AES-256-GCM expand a key", 1.0),
    ("Ed25519 verify", 2.0),
];
