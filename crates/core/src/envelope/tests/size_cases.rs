//! Sizes: T85, T89, B16.

use super::fixture::World;
use crate::identity::{Assurance, DeviceTerms};
use crate::ids::OrgId;
use crate::ratchet::tests::fixture::established;
use crate::ratchet::{LaneOffer, Outgoing, SendOptions};
use crate::testing::{Party, Service, at, rng};

#[test]
fn sizes_of_minimum_bodies_are_those_of_the_specification() {
    let world = World::new();
    let (init, _) = world.initiated();
    assert_eq!(init.as_bytes().len(), 1_802 + 1_662);
    assert_eq!(world.seal(&init).len(), 6_259);
    let pair = established(1);
    let seal = |options| {
        let (message, _) = pair.alice.encrypt(b"word", options, at(2), &mut rng(1)).unwrap();
        (message.as_bytes().len(), world.seal(&Outgoing::Session(message.as_bytes().to_vec())).len())
    };
    assert_eq!(seal(SendOptions::CLINICAL), (1_662, 4_211));
    assert_eq!(seal(SendOptions::COMPACT), (382, 2_163));
}

#[test]
fn t085_certificate_with_org_and_up_to_six_devices_give_one_length() {
    // Lengths of the contents at which the certificates and manifests alone would come to several steps.
    let mut lengths = [0, 700, 1400, 2100, 2800].map(|content| (content, std::collections::BTreeSet::new()));
    for devices in 1..=6_u32 {
        for org in [None, Some(OrgId::from_bytes([0x77; 16]))] {
            let mut world = World::new();
            let others: Vec<_> = (2..=devices).map(|device| Party::device(1, device, u32::MAX - device)).collect();
            let mut all = vec![&world.alice];
            all.extend(&others);
            let manifest = world.alice.next_manifest(&world.alice.manifest, &all, at(10));
            world.alice.manifest = manifest;
            let service = Service::new();
            let terms = DeviceTerms { org, assurance: Assurance::Proofed, ..service.device_terms(at(10)) };
            world.certificates.device = service.issuer.certify(world.alice.public(), &terms);
            let pair = established(1);
            for (content, lengths) in &mut lengths {
                let content = vec![1; *content];
                let (message, _) = pair.alice.encrypt(&content, SendOptions::CLINICAL, at(2), &mut rng(1)).unwrap();
                let session = world.seal(&Outgoing::Session(message.as_bytes().to_vec())).len();
                lengths.insert((world.seal(&world.initiated_with(&content).0).len(), session));
            }
        }
    }
    let steps = lengths.map(|(_, lengths)| lengths.into_iter().collect::<Vec<_>>());
    let one = [(6_259, 4_211), (7_283, 4_211), (8_307, 4_211), (8_307, 4_211), (9_331, 5_235)];
    assert_eq!(steps, one.map(|lengths| vec![lengths]));
}

#[test]
fn t085_many_devices_show_as_a_step() {
    let mut world = World::new();
    let others: Vec<_> = (2..=9).map(|device| Party::device(1, device, u32::MAX - device)).collect();
    let mut all = vec![&world.alice];
    all.extend(&others);
    world.alice.manifest = world.alice.next_manifest(&world.alice.manifest, &all, at(10));
    assert!(world.seal(&world.initiated().0).len() > 6_259, "control: the room is for six");
}

#[test]
fn t089_contents_up_to_342_bytes_give_one_length_with_or_without_an_offer() {
    let mut lengths = std::collections::BTreeSet::new();
    for length in [0, 1, 100, 250, 341, 342] {
        for offer in [LaneOffer::ByPolicy, LaneOffer::Now] {
            // A running chain, and one that begins.
            let mut pair = established(89);
            for _ in 0..2 {
                let options = SendOptions { offer, ..SendOptions::CLINICAL };
                let (message, next) = pair.alice.encrypt(&vec![1; length], options, at(2), &mut rng(1)).unwrap();
                pair.alice = next;
                lengths.insert(message.as_bytes().len());
            }
        }
    }
    assert_eq!(lengths.into_iter().collect::<Vec<_>>(), [1_662]);
}
