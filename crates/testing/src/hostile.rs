//! A contact who keeps to the cryptography and to nothing else.

use carevow::{Operation, Response};
use carevow_core::content::{Body, Draft, Retention, Text, pair_id};
use carevow_core::envelope::{SealTo, SealedBy};
use carevow_core::handshake::Generation;
use carevow_core::identity::{
    AccountKey, DeviceKind, DevicePublic, ListedDevice, LocalDevice, Manifest, ManifestDraft, RevocationList, Trust,
};
use carevow_core::prekey::{BundleTarget, PublishedRecord, UnverifiedBundle};
use carevow_core::primitives::XWingPublicKey;
use carevow_core::random::draw;
use carevow_core::ratchet::{Outgoing, SendOptions, Session};
use carevow_core::wire::v1;
use carevow_core::{AccountId, DeviceAddress, DeviceId, RegNonce};
use prost::Message as _;

use crate::service::Mail;
use crate::world::World;

/// An account whose keys are at hand.
pub struct Hostile {
    /// The identity key.
    pub key: AccountKey,
    /// Its one device.
    pub device: LocalDevice,
    /// Its newest manifest.
    pub manifest: Manifest,
    trust: Trust,
}

impl Hostile {
    /// One that the service knows.
    pub fn new(world: &mut World) -> Self {
        let account = AccountId::from_bytes(*draw(&mut world.rng).unwrap());
        let key = AccountKey::generate(account, &mut world.rng).unwrap();
        let address = DeviceAddress { account, device: DeviceId::new(1).unwrap(), reg: RegNonce::new(77).unwrap() };
        let device = LocalDevice::generate(address, key.public_key(), &mut world.rng).unwrap();
        let manifest = issue(&key, None, &device, world);
        let Response::Revocations(list) = ask(world, address, &Operation::FetchRevocations) else { panic!("a list") };
        let list = v1::Signed::from_bytes(&list).unwrap();
        let roots = world.service.roots();
        let revocations = Some(RevocationList::verify(&list, &roots, None).unwrap());
        let hostile = Self { key, device, manifest, trust: Trust { roots, revocations } };
        hostile.publish(world);
        hostile
    }

    /// Whose it is.
    pub fn account(&self) -> AccountId {
        self.key.account()
    }

    /// The same registration with other keys, by the next manifest.
    pub fn change_keys(&mut self, world: &mut World) {
        let address = self.device.public().address;
        self.device = LocalDevice::generate(address, self.key.public_key(), &mut world.rng).unwrap();
        self.manifest = issue(&self.key, Some(&self.manifest), &self.device, world);
        self.publish(world);
    }

    /// A manifest that follows another one and lists the same device, published or not.
    pub fn after(&self, previous: &Manifest, world: &World) -> Manifest {
        issue(&self.key, Some(previous), &self.device, world)
    }

    /// Shows the service its manifest.
    pub fn publish(&self, world: &mut World) {
        let manifest = Operation::PublishManifest(self.manifest.to_signed().encode_to_vec());
        assert_eq!(ask(world, self.device.public().address, &manifest), Response::Done);
    }

    /// The certificates that it gets from the service.
    pub fn certificates(&self, world: &mut World) -> (v1::Signed, v1::Signed) {
        let answer = ask(world, self.device.public().address, &Operation::FetchCertificate);
        let Response::Certificate { device, issuer } = answer else { panic!("certificates") };
        (v1::Signed::from_bytes(&device).unwrap(), v1::Signed::from_bytes(&issuer).unwrap())
    }

    /// A content in the conversation with an account.
    pub fn content(&self, world: &mut World, to: DeviceAddress, seq: u64, body: Body) -> Vec<u8> {
        let conversation = pair_id(&self.account(), &to.account);
        let sent_at = world.now.wall;
        let draft = Draft { conversation, group: None, sent_at, retention: Retention::default(), seq, body };
        draft.build(&mut world.rng).unwrap().bytes().to_vec()
    }

    /// A text.
    pub fn text(&self, world: &mut World, to: DeviceAddress, seq: u64, text: &str) -> Vec<u8> {
        self.content(world, to, seq, Body::Text(Text { text: text.to_owned(), reply_to: None }))
    }

    /// A new session of any generation, with its first message.
    pub fn init(&self, world: &mut World, to: DeviceAddress, generation: u32, content: &[u8]) -> (Mail, Session) {
        let (bundle, device, env) = self.bundle(world, to);
        let (generation, now) = (Generation::new(generation).unwrap(), world.now.wall);
        let session = Session::initiate(&self.device, bundle, generation, now, &mut world.rng).unwrap();
        let (outgoing, session) = session.encrypt(content, SendOptions::CLINICAL, now, &mut world.rng).unwrap();
        (self.sealed(world, &outgoing, &device, &env), session)
    }

    /// A further message on a session, sealed.
    pub fn more(&self, world: &mut World, to: DeviceAddress, session: &Session, content: &[u8]) -> Mail {
        let (_, device, env) = self.bundle(world, to);
        let now = world.now.wall;
        let (outgoing, _) = session.encrypt(content, SendOptions::CLINICAL, now, &mut world.rng).unwrap();
        self.sealed(world, &outgoing, &device, &env)
    }

    fn bundle(
        &self,
        world: &mut World,
        to: DeviceAddress,
    ) -> (carevow_core::prekey::PrekeyBundle, DevicePublic, PublishedRecord<XWingPublicKey>) {
        let answer = ask(world, to, &Operation::FetchBundles(to.account, vec![to.device]));
        let Response::Bundles(bundles) = answer else { panic!("bundles") };
        let target = BundleTarget { account: to.account, device: to.device, pin: None };
        let parsed = UnverifiedBundle::parse(&bundles[0]).unwrap();
        let bundle = parsed.verify(&self.trust, &target, world.now.wall).unwrap().bundle;
        let (device, env) = (bundle.device, bundle.env.clone());
        (bundle, device, env)
    }

    fn sealed(
        &self,
        world: &mut World,
        outgoing: &Outgoing,
        device: &DevicePublic,
        env: &PublishedRecord<XWingPublicKey>,
    ) -> Mail {
        let (device_cert, issuer_cert) = self.certificates(world);
        let manifest = self.manifest.to_signed();
        let by = SealedBy {
            device: &self.device,
            device_cert: &device_cert,
            issuer_cert: &issuer_cert,
            manifest: &manifest,
        };
        let to = SealTo::new(device, env, world.now.wall).unwrap();
        Mail { received: world.now.wall, envelope: by.seal(outgoing, to, &mut world.rng).unwrap() }
    }
}

fn issue(key: &AccountKey, previous: Option<&Manifest>, device: &LocalDevice, world: &World) -> Manifest {
    let listed = ListedDevice::of(device, DeviceKind::Mobile, world.now.wall, &key.public_key());
    let draft = ManifestDraft { devices: vec![listed], next_aik: None };
    Manifest::issue(key, previous, draft, world.now.wall).unwrap()
}

fn ask(world: &mut World, by: DeviceAddress, operation: &Operation) -> Response {
    world.service.perform(by, operation, world.now.wall, &mut world.rng)
}
