//! What an app holds.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use carevow_core::content::pair_id;
use carevow_core::identity::{DeviceKind, LocalDevice, Manifest, TrustRoots};
use carevow_core::safety_number::{Fingerprint, SafetyNumber};
use carevow_core::{AccountId, ConversationId, DeviceAddress, DeviceId};
use carevow_store::{Access, Now, Policy, Store, Transaction, Unlocked};
use rand_core::TryCryptoRng;

use crate::alarm;
use crate::contact::{Contact, Standing};
use crate::error::ClientError;
use crate::event::Event;
use crate::linking::Primary;
use crate::own::Own;
use crate::receive::Outcome;
use crate::request::{Delivery, RequestId};
use crate::requests::InFlight;
use crate::turn::{Known, Told, Turn};
use crate::work::Work;

/// What an app is configured with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The service's roots: never learnt from the network.
    pub roots: TrustRoots,
    /// When the store locks itself.
    pub policy: Policy,
}

/// One device of one account. It does no input or output but in its store: the host carries out its requests and brings
/// it what the mailbox had.
pub struct Client {
    pub(crate) store: Store,
    pub(crate) config: Config,
    events: VecDeque<Told>,
    /// Whether those of earlier processes are among them.
    alarms_read: bool,
    /// Those with lower numbers were handed out: the next turn removes them.
    handed_out: u64,
    pub(crate) in_flight: BTreeMap<RequestId, InFlight>,
    pub(crate) last_request: u64,
    /// What the last turn knew, and the number of the turn for which that is still right.
    known: Option<(u64, Known)>,
    /// Another device that is being linked.
    /// The store is older than it was, and what follows from that is not durable yet.
    rolled_back: bool,
    pub(crate) linking: Option<Primary>,
    pub(crate) link_request_id: Option<RequestId>,
}

impl core::fmt::Debug for Client {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Client(..)")
    }
}

impl Client {
    /// Makes a store in a folder that holds none, and an account in it with this device as its first. The client is
    /// unlocked afterwards.
    pub fn create(
        folder: &Path,
        access: Access<'_>,
        kind: DeviceKind,
        config: Config,
        now: Now,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Self, ClientError> {
        Self::make(folder, access, config, now, rng, |tx, roots| Own::create(tx, kind, roots, now.wall))
    }

    /// The store of a device that an account lists.
    pub(crate) fn linked(
        folder: &Path,
        access: Access<'_>,
        (device, manifest): (LocalDevice, Manifest),
        config: Config,
        now: Now,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Self, ClientError> {
        Self::make(folder, access, config, now, rng, |tx, roots| Own::linked(tx, device, manifest, roots))
    }

    fn make<R: TryCryptoRng>(
        folder: &Path,
        access: Access<'_>,
        config: Config,
        now: Now,
        rng: &mut R,
        own: impl FnOnce(&mut Transaction<'_, R>, &TrustRoots) -> Result<Own, ClientError>,
    ) -> Result<Self, ClientError> {
        let store = Store::create(folder, access, config.policy, rng)?;
        let _ = store.unlock(access, now)?;
        let client = Self::of(store, config);
        let roots = client.config.roots.clone();
        client.store.transact(now, rng, |tx| {
            let own = own(tx, &roots)?;
            let mut turn = Turn::begin(tx, Known::of(own), now);
            turn.settle_in()?;
            turn.finish().map(drop)
        })?;
        Ok(client)
    }

    /// Opens the store of a folder, locked. `seen` is the highest [`counter`](Self::counter) that the host kept
    /// elsewhere.
    pub fn open(folder: &Path, config: Config, seen: Option<u64>) -> Result<Self, ClientError> {
        Ok(Self::of(Store::open(folder, config.policy, seen)?, config))
    }

    fn of(store: Store, config: Config) -> Self {
        Self {
            store,
            config,
            events: VecDeque::new(),
            alarms_read: false,
            handed_out: 0,
            in_flight: BTreeMap::new(),
            last_request: 0,
            known: None,
            rolled_back: false,
            linking: None,
            link_request_id: None,
        }
    }

    /// Brings the keys into memory, and takes what arrived while they were not there.
    pub fn unlock(
        &mut self,
        access: Access<'_>,
        now: Now,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Vec<Outcome>, ClientError> {
        if self.store.unlock(access, now)? == Unlocked::RolledBack {
            self.rolled_back = true;
        }
        if self.rolled_back {
            self.in_flight.clear();
            let wiped = self.turn(now, rng, |turn| {
                turn.events.push(Event::RolledBack);
                turn.lose_registration()
            });
            // Nothing is done with what was not wiped: the next unlocking tries again.
            if let Err(error) = wiped {
                self.lock()?;
                return Err(error);
            }
            self.rolled_back = false;
        }
        let mut outcomes = Vec::new();
        loop {
            let taken = self.turn(now, rng, |turn| {
                let held = turn.tx.held(HELD_AT_ONCE)?;
                let mut outcomes = Vec::with_capacity(held.len());
                for envelope in &held {
                    let outcome = match turn.receive(envelope.received, &envelope.envelope)? {
                        // The mailbox has forgotten it: it waits here.
                        Outcome::NotNow => turn.hold_for_a_moment(envelope.received, &envelope.envelope)?,
                        outcome => outcome,
                    };
                    outcomes.push(outcome);
                    turn.tx.release(envelope)?;
                }
                Ok(outcomes)
            })?;
            if taken.is_empty() {
                return Ok(outcomes);
            }
            outcomes.extend(taken);
        }
    }

    /// Wipes the keys from memory.
    pub fn lock(&mut self) -> Result<(), ClientError> {
        self.known = None;
        Ok(self.store.lock()?)
    }

    /// Closes the files and gives back every lock.
    pub fn suspend(&mut self) -> Result<(), ClientError> {
        Ok(self.store.suspend()?)
    }

    /// Opens the files again.
    pub fn resume(&mut self) -> Result<(), ClientError> {
        Ok(self.store.resume()?)
    }

    /// Worth keeping elsewhere, for [`open`](Self::open): it goes up with everything that is written.
    pub fn counter(&self) -> Result<u64, ClientError> {
        Ok(self.store.counter()?)
    }

    /// This device.
    pub fn address(&mut self, now: Now, rng: &mut impl TryCryptoRng) -> Result<DeviceAddress, ClientError> {
        self.turn(now, rng, |turn| Ok(turn.own.address()))
    }

    // --- Contacts.

    /// Makes an account a contact, whose id the user got from the person or from an invitation. Nothing is asked of anybody
    /// before there is something to send.
    pub fn add_contact(
        &mut self,
        account: AccountId,
        now: Now,
        rng: &mut impl TryCryptoRng,
    ) -> Result<ConversationId, ClientError> {
        self.turn(now, rng, |turn| {
            let own = turn.own.address().account;
            if account == own {
                return Err(ClientError::InvalidInput);
            }
            let contact = turn.contact(account)?;
            let mut contact = contact.unwrap_or_else(|| Contact::new(account, Standing::Established));
            contact.standing = Standing::Established;
            turn.put_contact(&contact)?;
            turn.pump(account)?;
            Ok(pair_id(&own, &account))
        })
    }

    /// Takes a device off this account. Only the primary can.
    pub fn unlink_device(
        &mut self,
        device: DeviceId,
        now: Now,
        rng: &mut impl TryCryptoRng,
    ) -> Result<(), ClientError> {
        self.turn(now, rng, |turn| turn.unlink(device))
    }

    /// Blocks a contact: nothing is sent to it, and what it sends is not shown.
    pub fn block(&mut self, account: AccountId, now: Now, rng: &mut impl TryCryptoRng) -> Result<(), ClientError> {
        self.turn(now, rng, |turn| {
            let mut contact = turn.contact(account)?.ok_or(ClientError::NoContact)?;
            contact.standing = Standing::Blocked;
            turn.put_contact(&contact)
        })
    }

    /// What an account is to the user; `None`: unknown.
    pub fn standing(
        &mut self,
        account: AccountId,
        now: Now,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Option<Standing>, ClientError> {
        self.turn(now, rng, |turn| Ok(turn.contact(account)?.map(|contact| contact.standing)))
    }

    /// The user has seen that the account's identity key changed, and goes on with the new one.
    pub fn acknowledge_identity(
        &mut self,
        account: AccountId,
        now: Now,
        rng: &mut impl TryCryptoRng,
    ) -> Result<(), ClientError> {
        self.turn(now, rng, |turn| {
            let mut contact = turn.contact(account)?.ok_or(ClientError::NoContact)?;
            let pin = contact.pin.as_ref().ok_or(ClientError::NoContact)?;
            let aik = pin.blocked_by().copied().ok_or(ClientError::InvalidInput)?;
            contact.pin = Some(pin.acknowledge(&aik).ok_or(ClientError::InvalidInput)?);
            turn.put_contact(&contact)?;
            turn.schedule(Work::FetchManifest(account), now.wall)?;
            turn.schedule(Work::RetryHeld, now.wall)?;
            turn.pump(account)
        })
    }

    /// The digits and the code by which two people see that nobody stands between them (B11).
    pub fn safety_number(
        &mut self,
        account: AccountId,
        now: Now,
        rng: &mut impl TryCryptoRng,
    ) -> Result<SafetyNumber, ClientError> {
        self.turn(now, rng, |turn| {
            let contact = turn.contact(account)?.ok_or(ClientError::NoContact)?;
            let pin = contact.pin.as_ref().ok_or(ClientError::NoContact)?;
            let own = turn.own.device.public();
            let local = Fingerprint::of(&own.address.account, &own.aik);
            Ok(SafetyNumber::new(local, Fingerprint::of(&account, pin.current().aik())))
        })
    }

    // --- The host.

    /// Takes what the mailbox had: all of it in one transaction. While the client is locked, envelopes are kept as they
    /// came. The relay may forget those whose outcome [`is_final`](Outcome::is_final).
    pub fn receive(
        &mut self,
        deliveries: &[Delivery<'_>],
        now: Now,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Vec<Outcome>, ClientError> {
        let taken = self.turn(now, rng, |turn| {
            deliveries.iter().map(|delivery| turn.receive(delivery.received, delivery.envelope)).collect()
        });
        match taken {
            Err(ClientError::Store(carevow_store::StoreError::Locked)) => self.hold(deliveries),
            // One of them is at fault: it must not hold up the others.
            Err(error) if error.is_of_one_thing() => {
                let one = |delivery: &Delivery<'_>| {
                    let taken = self.turn(now, rng, |turn| turn.receive(delivery.received, delivery.envelope));
                    match taken {
                        Err(error) if error.is_of_one_thing() => Ok(Outcome::NotNow),
                        taken => taken,
                    }
                };
                deliveries.iter().map(one).collect()
            }
            taken => taken,
        }
    }

    /// Judges again what is held, after the clock was set right; otherwise it happens by itself, once an hour.
    pub fn judge_held(&mut self, now: Now, rng: &mut impl TryCryptoRng) -> Result<(), ClientError> {
        self.turn(now, rng, |turn| turn.retry_held())
    }

    /// How many envelopes arrived while the client was locked: all that can be told of them.
    pub fn held_count(&self) -> Result<u64, ClientError> {
        Ok(self.store.held_count()?)
    }

    /// Something that happened, the oldest first. What must not be lost comes again if the process ends before the next
    /// call.
    pub fn poll_event(&mut self) -> Option<Event> {
        let Told { event, number } = self.events.pop_front()?;
        if let Some(number) = number {
            self.handed_out = self.handed_out.max(number.saturating_add(1));
        }
        Some(event)
    }

    fn hold(&mut self, deliveries: &[Delivery<'_>]) -> Result<Vec<Outcome>, ClientError> {
        let held = usize::try_from(self.store.held_count()?).unwrap_or(usize::MAX);
        let room = carevow_core::limits::HELD_ENVELOPES_LOCKED.saturating_sub(held);
        let mut outcomes = Vec::with_capacity(deliveries.len());
        for (index, delivery) in deliveries.iter().enumerate() {
            let fits = index < room;
            if fits {
                self.store.hold(delivery.received, &[delivery.envelope])?;
            }
            outcomes.push(if fits { Outcome::Held } else { Outcome::NotNow });
        }
        Ok(outcomes)
    }

    /// One transaction; what it has to tell is told once it is durable.
    pub(crate) fn turn<T, R: TryCryptoRng>(
        &mut self,
        now: Now,
        rng: &mut R,
        work: impl FnOnce(&mut Turn<'_, '_, R>) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let roots = &self.config.roots;
        // If the turn fails, what it made of this device is dropped with it.
        let known = self.known.take();
        let (alarms_read, handed_out) = (self.alarms_read, self.handed_out);
        let (result, earlier, events, known) = self.store.transact(now, rng, |tx| {
            let earlier = alarm::pending(tx, alarms_read, handed_out)?;
            let known = match known {
                Some((revision, known)) if revision == tx.revision() => known,
                _ => Known::of(Own::load(tx, roots)?),
            };
            let mut turn = Turn::begin(tx, known, now);
            let result = work(&mut turn)?;
            let (events, known) = turn.finish()?;
            Ok::<_, ClientError>((result, earlier, events, known))
        })?;
        self.alarms_read = true;
        self.events.extend(earlier);
        self.known = Some((self.store.counter()?.saturating_add(1), known));
        self.events.extend(events);
        Ok(result)
    }
}

/// Envelopes that arrived while it was locked, in one transaction.
const HELD_AT_ONCE: u32 = 100;
