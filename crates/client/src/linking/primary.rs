//! The side of the primary: it scans the code of the new device, answers in the box, and lists the device once the user has
//! typed what the new device shows.

use carevow_core::identity::{DeviceKind, Manifest, ManifestDraft, Source};
use carevow_core::limits::LINK_LIFE_MS;
use carevow_core::linking::{BoxId, GrantingPrimary, LinkError, LinkReply, RelayUrl, ScannedOffer};
use carevow_core::random::delay;
use carevow_core::ratchet::Session;
use carevow_core::safety_number::TypedCode;
use carevow_core::time::DAY_MS;
use carevow_core::{DeviceAddress, DeviceId, Timestamp};
use carevow_store::Now;
use rand_core::TryCryptoRng;

use crate::client::Client;
use crate::contact::Standing;
use crate::error::ClientError;
use crate::event::Event;
use crate::request::{Operation, Response};
use crate::turn::Turn;
use crate::work::Work;

/// How far the linking of another device is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkProgress {
    /// Nothing is being linked.
    None,
    /// The other device has not answered yet.
    Waiting,
    /// It has: the user is shown what kind of device it is, and types the code that it shows.
    CodeWanted(DeviceKind),
}

/// A linking under way.
pub(crate) struct Primary {
    offer: ScannedOffer,
    state: State,
    /// A request for the box is out.
    asked: bool,
    began: Timestamp,
    /// The next request is due then.
    next: Timestamp,
}

enum State {
    /// E is to be fetched.
    Scanned,
    /// The grant is to be appended.
    Granting(Vec<u8>, Box<GrantingPrimary>),
    /// The reply is awaited.
    Granted(Box<GrantingPrimary>),
    /// The code is awaited.
    Answered(Box<GrantingPrimary>, Box<LinkReply>),
}

/// Entries of a box: E, the grant, the reply.
const KEY: usize = 0;
const REPLY: usize = 2;
/// Between two looks into the box.
const POLL_MS: u64 = 2_000;

impl Primary {
    fn box_id(&self) -> BoxId {
        self.offer.box_id()
    }
}

impl Client {
    /// Begins to link a device whose code the user has scanned *from the settings of this app*, after biometrics or PIN:
    /// never because of a link or a message. Only the primary can.
    pub fn link_device(
        &mut self,
        scanned: &str,
        relays: &[RelayUrl],
        now: Now,
        rng: &mut impl TryCryptoRng,
    ) -> Result<(), ClientError> {
        let is_primary = self.turn(now, rng, |turn| Ok(turn.own.key.is_some() && !turn.own.registering))?;
        if !is_primary {
            return Err(ClientError::InvalidInput);
        }
        let offer = ScannedOffer::scan(scanned, relays, now.wall)?;
        let (began, next) = (now.wall, now.wall);
        self.linking = Some(Primary { offer, state: State::Scanned, asked: false, began, next });
        Ok(())
    }

    /// How far that is.
    pub fn link_progress(&self) -> LinkProgress {
        match self.linking.as_ref().map(|linking| &linking.state) {
            None => LinkProgress::None,
            Some(State::Answered(_, reply)) => LinkProgress::CodeWanted(reply.kind()),
            Some(_) => LinkProgress::Waiting,
        }
    }

    /// Ends it; nothing was listed.
    pub fn cancel_linking(&mut self) {
        self.linking = None;
    }

    /// The code that the new device shows: one try. With the right one the account lists the device.
    pub fn confirm_link(&mut self, code: &str, now: Now, rng: &mut impl TryCryptoRng) -> Result<DeviceId, ClientError> {
        let typed = TypedCode::parse(code).map_err(|_| ClientError::InvalidInput)?;
        let Some(Primary { state: State::Answered(granting, reply), .. }) = self.linking.take() else {
            return Err(ClientError::InvalidInput);
        };
        let listed = granting.confirm(*reply, &typed, now.wall)?;
        let id = listed.device.address.device;
        self.turn(now, rng, |turn| {
            let mut devices = turn.own.manifest.devices().to_vec();
            devices.push(listed);
            turn.issue_manifest(devices)
        })?;
        Ok(id)
    }

    /// What a linking asks the network for.
    pub(crate) fn link_request(&mut self, now: Timestamp) -> Option<Operation> {
        if self.linking.as_ref().is_some_and(|linking| now.since(linking.began) >= LINK_LIFE_MS) {
            self.linking = None;
        }
        let linking = self.linking.as_mut().filter(|linking| !linking.asked && linking.next <= now)?;
        let id = linking.box_id();
        let operation = match &linking.state {
            State::Scanned | State::Granted(_) => Operation::FetchBox(id),
            State::Granting(sealed, _) => Operation::AppendBox(id, sealed.clone()),
            State::Answered(..) => return None,
        };
        linking.asked = true;
        Some(operation)
    }

    /// What came of it.
    pub(crate) fn link_answered(
        &mut self,
        response: Response,
        now: Now,
        rng: &mut impl TryCryptoRng,
    ) -> Result<(), ClientError> {
        let Some(mut linking) = self.linking.take() else { return Ok(()) };
        linking.asked = false;
        // What is not there yet is asked for again in a while.
        linking.next = now.wall.plus(POLL_MS);
        linking.state = match (linking.state, response) {
            (State::Scanned, Response::Box(entries)) if entries.get(KEY).is_some() => {
                let key = entries.get(KEY).ok_or(ClientError::Internal)?;
                let (manifest, device) = self.turn(now, rng, |turn| {
                    let device = turn.own.next_device()?;
                    Ok((turn.own.manifest.clone(), device))
                })?;
                let (sealed, granting) = linking.offer.grant(key, (&manifest, device), now.wall, rng)?;
                linking.next = now.wall;
                State::Granting(sealed, Box::new(granting))
            }
            (State::Granting(_, granting), Response::Done) => State::Granted(granting),
            (State::Granted(granting), Response::Box(entries)) => match answer(&granting, &entries, now)? {
                Some(reply) => State::Answered(granting, Box::new(reply)),
                None => State::Granted(granting),
            },
            (state, _) => state,
        };
        self.linking = Some(linking);
        Ok(())
    }
}

/// Anybody can write into the box: what is no answer is passed over. After five minutes it is over.
fn answer(granting: &GrantingPrimary, entries: &[Vec<u8>], now: Now) -> Result<Option<LinkReply>, ClientError> {
    for entry in entries.iter().skip(REPLY) {
        match granting.open_reply(entry, now.wall) {
            Ok(reply) => return Ok(Some(reply)),
            Err(LinkError::Expired) => return Err(LinkError::Expired.into()),
            Err(_) => {}
        }
    }
    match granting.open_reply(&[], now.wall) {
        Err(LinkError::Expired) => Err(LinkError::Expired.into()),
        _ => Ok(None),
    }
}

impl<R: TryCryptoRng> Turn<'_, '_, R> {
    /// The next manifest of this account, with these devices: published, and told to the app.
    pub(crate) fn issue_manifest(
        &mut self,
        devices: Vec<carevow_core::identity::ListedDevice>,
    ) -> Result<(), ClientError> {
        let now = self.now.wall;
        let key = self.own.key.as_ref().ok_or(ClientError::InvalidInput)?;
        let draft = ManifestDraft { devices, next_aik: self.own.manifest.next_aik().copied() };
        let next = Manifest::issue(key, Some(&self.own.manifest), draft, now).map_err(|_| ClientError::InvalidInput)?;
        let mut contact = self.contact(next.account())?.ok_or(ClientError::CORRUPTED)?;
        self.own.manifest = next.clone();
        self.judge_manifest(&mut contact, &next, Source::Message)?;
        self.schedule(Work::PublishManifest, now)?;
        self.tell_contacts()
    }

    /// Every device with which there is a session learns of a new manifest within a day, each at a random time (B2.3).
    pub(crate) fn tell_contacts(&mut self) -> Result<(), ClientError> {
        for contact in self.contacts()? {
            for device in contact.devices(self.own.address()) {
                if self.peer(device)?.sessions.active().is_some() {
                    let at = self.now.wall.plus(delay(DAY_MS, self.tx.rng())?);
                    self.schedule(Work::Introduce(device), at)?;
                }
            }
        }
        Ok(())
    }

    /// Tells a device who this one is, if nothing has since the manifest changed.
    pub(crate) fn introduce(&mut self, device: DeviceAddress) -> Result<(), ClientError> {
        let peer = self.peer(device)?;
        let Some(contact) = self.contact(device.account)? else { return Ok(()) };
        let Some(active) = peer.sessions.active().copied() else { return Ok(()) };
        let listed = contact.devices(self.own.address()).contains(&device);
        let told_at = self.session(&active.sid)?.map(Session::sender_info_sent_at).unwrap_or_default();
        if listed && contact.standing == Standing::Established && told_at < self.own.manifest.issued_at() {
            let info = self.sender_info(device.account)?;
            self.owe_device(device, info.bytes(), info.content().minimum_body())?;
            self.pump(device.account)?;
        }
        Ok(())
    }

    /// Takes a device off the account: what is sent from now on does not go to it, and its sessions are closed.
    pub(crate) fn unlink(&mut self, device: DeviceId) -> Result<(), ClientError> {
        if device == self.own.address().device {
            return Err(ClientError::InvalidInput);
        }
        let devices = self.own.manifest.devices().to_vec();
        let left: Vec<_> = devices.iter().filter(|listed| listed.device.address.device != device).cloned().collect();
        if left.len() == devices.len() {
            return Err(ClientError::InvalidInput);
        }
        self.issue_manifest(left)
    }

    /// This account has a newer manifest: the other devices say so, or the service.
    pub(crate) fn own_account_changed(&mut self, newest: Manifest) -> Result<(), ClientError> {
        let mine = self.own.address();
        if !newest.lists(mine) && !self.own.registering {
            self.events.push(Event::Unlinked);
            // The primary of the account registers anew; another device is linked anew.
            self.own.registering = true;
        }
        self.own.manifest = newest;
        Ok(())
    }
}
