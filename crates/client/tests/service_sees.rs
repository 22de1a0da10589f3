//! What the service sees of a conversation: every byte that a client hands to its host.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it is")]

use std::collections::{BTreeMap, BTreeSet};

use carevow::core::time::HOUR_MS;
use carevow::{Credential, Operation};
use carevow_testing::world::{Person, World};

/// Everything that must be in no envelope: who sent it, and what.
struct Secrets(Vec<Vec<u8>>);

impl Secrets {
    fn are_in(&self, bytes: &[u8]) -> bool {
        let found = |secret: &Vec<u8>| bytes.windows(secret.len()).any(|window| window == secret.as_slice());
        self.0.iter().any(found)
    }
}

/// Carries out what a person asks for; each envelope is looked at, and its length noted.
fn watched(person: &mut Person, secrets: &Secrets, sizes: &mut BTreeMap<usize, u32>, world: &mut World) {
    while let Some(request) = person.client.poll_request(world.now, &mut world.rng).unwrap() {
        // Only what concerns this device itself goes out under its name.
        let own = matches!(
            request.operation,
            Operation::PublishManifest(_)
                | Operation::PublishPrekeys(_)
                | Operation::CountPrekeys
                | Operation::FetchCertificate
        );
        assert_eq!(request.credential == Credential::Device, own);
        if let Operation::Submit(submission) = &request.operation {
            for addressed in &submission.envelopes {
                assert!(!secrets.are_in(&addressed.envelope), "an envelope shows its sender or its text");
                *sizes.entry(addressed.envelope.len()).or_default() += 1;
            }
        }
        let response = world.service.perform(person.address, &request.operation, world.now.wall, &mut world.rng);
        person.client.complete(request.id, response, world.now, &mut world.rng).unwrap();
    }
    world.mail(person);
}

#[test]
fn no_envelope_shows_its_sender_or_its_text_and_its_length_is_one_of_few() {
    let mut world = World::new(1);
    let (mut alice, mut bob) = (world.person(), world.person());
    let (a, b) = (alice.address.account, bob.address.account);
    alice.client.add_contact(b, world.now, &mut world.rng).unwrap();
    bob.client.add_contact(a, world.now, &mut world.rng).unwrap();
    let mut secrets = Vec::new();
    // What the service itself published of both: manifests name account, keys and devices.
    for person in [&alice, &bob] {
        secrets.push(person.address.account.as_bytes().to_vec());
        let manifest = world.service.manifest(person.address.account).unwrap();
        secrets.push(manifest[manifest.len() - 64..].to_vec());
    }
    let texts: Vec<String> =
        (0..400).map(|n| format!("secret words, number {n}{}", ", and more".repeat(n % 40))).collect();
    secrets.push(b"secret words".to_vec());
    let (secrets, mut sizes) = (Secrets(secrets), BTreeMap::new());
    for (n, text) in texts.iter().enumerate() {
        match n % 3 {
            0 => bob.says(&alice, text, &mut world),
            _ => alice.says(&bob, text, &mut world),
        };
        for _ in 0..2 {
            watched(&mut alice, &secrets, &mut sizes, &mut world);
            watched(&mut bob, &secrets, &mut sizes, &mut world);
        }
        if n % 20 == 0 {
            world.wait(HOUR_MS);
        }
    }
    assert_eq!((alice.texts(&bob, &mut world).len(), bob.texts(&alice, &mut world).len()), (400, 400));
    // 400 texts of forty lengths, with receipts and keys: a handful of lengths.
    let all: u32 = sizes.values().sum();
    let lengths: BTreeSet<_> = sizes.keys().collect();
    assert!(all > 400 && lengths.len() <= 8, "{all} {lengths:?}");
}
