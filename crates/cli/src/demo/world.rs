//! Everything that the story needs: a service, mailboxes, three devices.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use carevow_core::content::{self, Body, Text};
use carevow_core::errors::DecryptError;
use carevow_core::identity::{AccountKey, DeviceKind, ListedDevice, LocalDevice, Manifest, ManifestDraft};
use carevow_core::random::draw;
use carevow_core::ratchet::Session;
use carevow_core::{AccountId, DeviceAddress, DeviceId, RegNonce, Timestamp};

use super::device::{Device, Message, Received, Refused};
use super::error::DemoError;
use super::mailbox::{BlobStore, Delivery, Kind, Mailbox};
use super::narrator::Narrator;
use super::prekeys::Prekeys;
use super::random::Source;
use super::service::Service;
use super::stopwatch::Stopwatch;

/// One of the three devices.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The clinician's phone.
    Clinician,
    /// The computer that files messages in the practice's records, of the same account.
    Connector,
    /// The patient's phone.
    Patient,
}

impl Who {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Clinician, Self::Connector, Self::Patient];

    /// As the sentences name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clinician => "the clinician's phone",
            Self::Connector => "the practice's record system",
            Self::Patient => "the patient's phone",
        }
    }
}

/// The stage.
pub struct World {
    /// Certificates and directory.
    pub service: Service,
    /// Mailboxes.
    pub mailbox: Mailbox,
    /// Sealed files.
    pub blobs: BlobStore,
    /// Randomness.
    pub rng: Source,
    /// The voice.
    pub narrator: Narrator,
    /// Times of this run.
    pub watch: Stopwatch,
    /// Every text that travelled: no envelope may show one.
    pub secrets: Vec<Vec<u8>>,
    devices: [Device; 3],
    checks: u32,
}

impl World {
    /// A service and three devices with certificates and published prekeys.
    pub fn new(mut rng: Source, narrator: Narrator) -> Result<Self, DemoError> {
        let (now, mut watch) = (clock(), Stopwatch::default());
        let mut service = Service::new(now, &mut rng)?;
        let practice = account(&mut rng)?;
        let patient = account(&mut rng)?;
        let clinician = device(&practice, 1, &mut rng)?;
        let connector = device(&practice, 2, &mut rng)?;
        let phone = device(&patient, 1, &mut rng)?;
        let kinds = [(&clinician, DeviceKind::Mobile), (&connector, DeviceKind::Connector)];
        let of_practice = manifest(&practice, kinds, now)?;
        let of_patient = manifest(&patient, [(&phone, DeviceKind::Mobile)], now)?;
        let mut ready = |local: LocalDevice, manifest: &Manifest| {
            let prekeys = watch.time("make a device's prekeys", || Prekeys::generate(&local, now, &mut rng))?;
            service.publish(prekeys.publication(&local, manifest));
            let certificates = service.certify(local.public(), now, &mut rng)?;
            Ok::<_, DemoError>(Device::new(local, manifest.clone(), prekeys, certificates, service.trust(now)?))
        };
        let devices = [ready(clinician, &of_practice)?, ready(connector, &of_practice)?, ready(phone, &of_patient)?];
        Ok(Self {
            service,
            mailbox: Mailbox::default(),
            blobs: BlobStore::default(),
            rng,
            narrator,
            watch,
            secrets: Vec::new(),
            devices,
            checks: 0,
        })
    }

    /// The device.
    pub const fn device(&self, who: Who) -> &Device {
        let [clinician, connector, patient] = &self.devices;
        match who {
            Who::Clinician => clinician,
            Who::Connector => connector,
            Who::Patient => patient,
        }
    }

    /// The device, to be changed, and what changing it takes.
    pub const fn parts(&mut self, who: Who) -> (&mut Device, &mut Source, &mut Stopwatch) {
        let [clinician, connector, patient] = &mut self.devices;
        let device = match who {
            Who::Clinician => clinician,
            Who::Connector => connector,
            Who::Patient => patient,
        };
        (device, &mut self.rng, &mut self.watch)
    }

    /// The device's address.
    pub fn address(&self, who: Who) -> DeviceAddress {
        self.device(who).address()
    }

    /// The session of `who` with `other`.
    pub fn session(&self, who: Who, other: Who) -> Result<&Session, DemoError> {
        let none = || DemoError::Check(format!("{} has a session with {}", who.name(), other.name()));
        self.device(who).session(self.address(other)).ok_or_else(none)
    }

    /// Sends a text: see [`send`](Self::send).
    pub fn send_text(&mut self, from: Who, text: &str) -> Result<(), DemoError> {
        self.secrets.push(text.as_bytes().to_vec());
        self.send(from, Body::Text(Text { text: text.to_owned(), reply_to: None }))
    }

    /// Sends a content to every device of the other account, and what was sent to the other devices of the own one.
    pub fn send(&mut self, from: Who, body: Body) -> Result<(), DemoError> {
        let now = clock();
        let (partner, to, copies): (AccountId, &[Who], &[Who]) = match from {
            Who::Patient => (self.address(Who::Clinician).account, &[Who::Clinician, Who::Connector], &[]),
            Who::Clinician | Who::Connector => (self.address(Who::Patient).account, &[Who::Patient], &[Who::Connector]),
        };
        let (device, rng, _) = self.parts(from);
        let content = device.write(partner, body, now, rng)?;
        for other in to {
            self.submit(from, *other, &content, now)?;
        }
        for other in copies {
            self.submit(from, *other, &content.for_own_devices(Some(partner))?, now)?;
        }
        Ok(())
    }

    /// Encrypts a content for one device and puts it into its mailbox.
    pub fn submit(&mut self, from: Who, to: Who, content: &content::Outgoing, now: Timestamp) -> Result<(), DemoError> {
        self.post(from, to, Message::Content(content), now)
    }

    /// Tells `to` that `from` has the key of their session, and nothing else.
    pub fn acknowledge(&mut self, from: Who, to: Who) -> Result<(), DemoError> {
        self.post(from, to, Message::Acknowledgement, clock())?;
        let (_, received) = self.open_next(to)?;
        self.check(received.content.is_none(), "an acknowledgement shows nothing")?;
        let confirmed = self.session(to, from)?.confirmed_at().is_some();
        self.check(confirmed, "an acknowledgement confirms the session")
    }

    fn post(&mut self, from: Who, to: Who, message: Message<'_>, now: Timestamp) -> Result<(), DemoError> {
        let address = self.address(to);
        let (device, rng, watch) = self.parts(from);
        let confirmed = device.session(address).is_some_and(|session| session.confirmed_at().is_some());
        let step = if confirmed { "encrypt a message" } else { "encrypt and seal a first message" };
        let bytes = watch.time(step, || device.encrypt(address, message, now, rng))?;
        self.mailbox.submit(address, bytes, now);
        Ok(())
    }

    /// The oldest envelope in the device's mailbox.
    pub fn fetch(&mut self, who: Who) -> Result<Delivery, DemoError> {
        let address = self.address(who);
        let missing = || DemoError::Check(format!("an envelope waits for {}", who.name()));
        self.mailbox.fetch(address).ok_or_else(missing)
    }

    /// Gives an envelope to the device.
    pub fn receive(&mut self, who: Who, delivery: &Delivery) -> Result<Received, Refused> {
        let (device, _, watch) = self.parts(who);
        let start = Instant::now();
        let outcome = device.receive(delivery, clock());
        let step = match (&outcome, delivery.kind()) {
            (Ok(_), Kind::Sealed) => "open a sealed envelope",
            (Ok(_), _) => "decrypt a message",
            (Err(_), _) => "refuse a changed or repeated envelope",
        };
        watch.add(step, start.elapsed());
        outcome
    }

    /// Fetches and opens the next envelope.
    pub fn open_next(&mut self, who: Who) -> Result<(Delivery, Received), DemoError> {
        let delivery = self.fetch(who)?;
        let received = self.receive(who, &delivery)?;
        self.checks = self.checks.saturating_add(1);
        Ok((delivery, received))
    }

    /// Opens what waits for the other devices of the practice: the story does not follow them.
    pub fn open_all(&mut self, who: Who) -> Result<usize, DemoError> {
        let mut opened = 0_usize;
        while let Some(delivery) = self.mailbox.fetch(self.address(who)) {
            self.receive(who, &delivery)?;
            opened = opened.saturating_add(1);
        }
        Ok(opened)
    }

    /// Gives an envelope to the device that must be refused with exactly `error`, and change nothing.
    pub fn refuse(&mut self, who: Who, delivery: &Delivery, error: DecryptError, what: &str) -> Result<(), DemoError> {
        let before = self.device(who).state();
        let outcome = self.receive(who, delivery);
        self.check(outcome.err() == Some(Refused::Decrypt(error)), &format!("refused with \"{error}\": {what}"))?;
        self.check(before == self.device(who).state(), &format!("nothing changed after: {what}"))?;
        Ok(self.narrator.refused(what, &error.to_string())?)
    }

    /// An expectation. The demo ends with an error if it does not hold.
    pub fn check(&mut self, holds: bool, what: &str) -> Result<(), DemoError> {
        match holds {
            true => {
                self.checks = self.checks.saturating_add(1);
                Ok(())
            }
            false => Err(DemoError::Check(what.to_owned())),
        }
    }

    /// How many expectations held.
    pub const fn checks(&self) -> u32 {
        self.checks
    }
}

/// This computer's clock.
pub fn clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn account(rng: &mut Source) -> Result<AccountKey, DemoError> {
    let id = AccountId::from_bytes(*draw(rng)?);
    Ok(AccountKey::generate(id, rng)?)
}

fn device(account: &AccountKey, number: u32, rng: &mut Source) -> Result<LocalDevice, DemoError> {
    let invalid = || DemoError::Check("a device has a number and a registration".to_owned());
    let reg = u32::from_be_bytes(*draw(rng)?).max(1);
    let address = DeviceAddress {
        account: account.account(),
        device: DeviceId::new(number).ok_or_else(invalid)?,
        reg: RegNonce::new(reg).ok_or_else(invalid)?,
    };
    Ok(LocalDevice::generate(address, account.public_key(), rng)?)
}

fn manifest<const N: usize>(
    account: &AccountKey,
    devices: [(&LocalDevice, DeviceKind); N],
    now: Timestamp,
) -> Result<Manifest, DemoError> {
    let listed = |(device, kind)| ListedDevice::of(device, kind, now, &account.public_key());
    let draft = ManifestDraft { devices: devices.into_iter().map(listed).collect(), next_aik: None };
    Ok(Manifest::issue(account, None, draft, now)?)
}
