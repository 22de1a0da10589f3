//! From work to requests, and from answers to what they change.

use carevow_core::prekey::refill_at;
use carevow_core::{AccountId, DeviceId, Timestamp};
use carevow_store::Now;
use prost::Message as _;
use rand_core::TryCryptoRng;

use crate::client::Client;
use crate::error::ClientError;
use crate::request::{Credential, Operation, Request, RequestId, Response};
use crate::tables::submissions;
use crate::turn::Turn;
use crate::work::Work;

/// A request that the host carries out.
pub(crate) struct InFlight {
    work: Work,
    asked: Asked,
}

/// What must be known when the answer comes.
enum Asked {
    Nothing,
    Prekeys(Vec<Vec<u8>>),
    Bundles(Vec<DeviceId>),
    Submission(u64),
}

impl Client {
    /// The next thing to do on the network, if there is any: until this says `None`, one after the other or several at
    /// once. What is not answered, because the process ended, is asked for again.
    pub fn poll_request(&mut self, now: Now, rng: &mut impl TryCryptoRng) -> Result<Option<Request>, ClientError> {
        self.due_now(now, rng)?;
        let Some((work, operation, asked)) = self.next_operation(now, rng)? else {
            let Some(operation) = self.link_request(now.wall) else { return Ok(None) };
            self.last_request = self.last_request.saturating_add(1);
            let id = RequestId(self.last_request);
            self.link_request_id = Some(id);
            return Ok(Some(Request { id, credential: Credential::None, operation }));
        };
        self.last_request = self.last_request.saturating_add(1);
        let id = RequestId(self.last_request);
        let credential = match operation {
            Operation::PublishManifest(_)
            | Operation::PublishPrekeys(_)
            | Operation::CountPrekeys
            | Operation::FetchCertificate => Credential::Device,
            Operation::FetchRevocations
            | Operation::FetchManifest(_)
            | Operation::FetchManifests(..)
            | Operation::FetchBundles(..)
            | Operation::FetchBox(_)
            | Operation::AppendBox(..)
            | Operation::Submit(_) => Credential::None,
        };
        self.in_flight.insert(id, InFlight { work, asked });
        Ok(Some(Request { id, credential, operation }))
    }

    /// Does what is due and needs no network, each in a turn of its own: what fails holds up nothing else.
    fn due_now(&mut self, now: Now, rng: &mut impl TryCryptoRng) -> Result<(), ClientError> {
        for work in self.due(now, rng)?.into_iter().filter(|work| work.is_local()) {
            let done = self.turn(now, rng, |turn| turn.perform(work));
            self.put_off(work, done, now, rng)?;
        }
        Ok(())
    }

    /// The first piece of work that asks the network for something.
    fn next_operation(
        &mut self,
        now: Now,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Option<(Work, Operation, Asked)>, ClientError> {
        // One piece of work may turn out to need another first: a certificate.
        for _ in 0..2 {
            let busy: Vec<Work> = self.in_flight.values().map(|in_flight| in_flight.work).collect();
            let due = self.due(now, rng)?.into_iter().filter(|work| !work.is_local() && !busy.contains(work));
            for work in due {
                let operation = self.turn(now, rng, |turn| turn.operation(work));
                if let Some(Some((operation, asked))) = self.put_off(work, operation, now, rng)? {
                    return Ok(Some((work, operation, asked)));
                }
            }
        }
        Ok(None)
    }

    fn due(&mut self, now: Now, rng: &mut impl TryCryptoRng) -> Result<Vec<Work>, ClientError> {
        let work = self.turn(now, rng, |turn| turn.work())?;
        Ok(work.into_iter().filter(|(from, _)| *from <= now.wall).map(|(_, work)| work).collect())
    }

    /// What failed, and not because of the disk or the lock, is tried again later.
    fn put_off<T>(
        &mut self,
        work: Work,
        result: Result<T, ClientError>,
        now: Now,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Option<T>, ClientError> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_of_one_thing() => {
                self.turn(now, rng, |turn| turn.failed(work))?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// What came of a request. An answer that does not fit is an error, and the request is asked for again.
    pub fn complete(
        &mut self,
        id: RequestId,
        response: Response,
        now: Now,
        rng: &mut impl TryCryptoRng,
    ) -> Result<(), ClientError> {
        if self.link_request_id == Some(id) {
            self.link_request_id = None;
            return self.link_answered(response, now, rng);
        }
        let InFlight { work, asked } = self.in_flight.remove(&id).ok_or(ClientError::InvalidResponse)?;
        let answered = self.turn(now, rng, |turn| turn.answered(work, &asked, response));
        match answered {
            // Whatever is wrong with the answer, or with what it led to: it is asked for again, later, and holds up nothing else.
            Err(error) if error.is_of_one_thing() => {
                self.turn(now, rng, |turn| turn.failed(work))?;
                Err(error)
            }
            answered => answered,
        }
    }

    /// When the client has something to do by itself, by the wall clock; the store locks itself besides
    /// ([`locks_at`](Self::locks_at)).
    pub fn next_wakeup(&mut self, now: Now, rng: &mut impl TryCryptoRng) -> Result<Option<Timestamp>, ClientError> {
        let busy: Vec<Work> = self.in_flight.values().map(|in_flight| in_flight.work).collect();
        self.turn(now, rng, |turn| {
            let work = turn.work()?;
            Ok(work.into_iter().find(|(_, work)| !busy.contains(work)).map(|(from, _)| from))
        })
    }

    /// When the keys leave the memory by themselves, by the clock that runs since the device started.
    pub fn locks_at(&self) -> Result<Option<u64>, ClientError> {
        Ok(self.store.locks_at()?)
    }
}

impl<R: TryCryptoRng> Turn<'_, '_, R> {
    /// Does a piece of work that needs no network.
    fn perform(&mut self, work: Work) -> Result<(), ClientError> {
        self.done(work)?;
        match work {
            Work::Upkeep => self.upkeep(),
            Work::KeepPrekeys => self.look_after_prekeys(),
            Work::SendReceipts(device) => self.send_receipts(device),
            Work::Acknowledge(device) => self.acknowledge(device),
            Work::Introduce(device) => self.introduce(device),
            Work::Settle(device) => self.settle(device),
            Work::ReportGaps(device, conversation) => self.report_gaps(device, conversation),
            Work::RetryHeld => self.retry_held(),
            Work::PublishManifest
            | Work::PublishPrekeys
            | Work::CountPrekeys
            | Work::FetchCertificate
            | Work::FetchRevocations
            | Work::FetchManifest(_)
            | Work::FillGap(_)
            | Work::FetchBundles(_)
            | Work::Submit(_) => Err(ClientError::Internal),
        }
    }

    /// What a piece of work asks the network for; `None` if there is nothing to ask any more.
    fn operation(&mut self, work: Work) -> Result<Option<(Operation, Asked)>, ClientError> {
        let operation = match work {
            Work::PublishManifest => {
                (Operation::PublishManifest(self.own.manifest.to_signed().encode_to_vec()), Asked::Nothing)
            }
            Work::PublishPrekeys => {
                let records = self.unpublished_prekeys()?;
                if records.is_empty() {
                    self.done(work)?;
                    return Ok(None);
                }
                (Operation::PublishPrekeys(records.clone()), Asked::Prekeys(records))
            }
            Work::CountPrekeys => (Operation::CountPrekeys, Asked::Nothing),
            Work::FetchCertificate => (Operation::FetchCertificate, Asked::Nothing),
            Work::FetchRevocations => (Operation::FetchRevocations, Asked::Nothing),
            Work::FetchManifest(account) => (Operation::FetchManifest(account), Asked::Nothing),
            Work::FillGap(account) => match self.missing_after(account)? {
                Some(seq) => (Operation::FetchManifests(account, seq), Asked::Nothing),
                None => {
                    self.done(work)?;
                    return Ok(None);
                }
            },
            // What a bundle begins is sealed under a certificate.
            Work::FetchBundles(_) if !self.own.is_certified(self.now.wall) => {
                self.done(work)?;
                self.schedule(Work::FetchCertificate, self.now.wall)?;
                return Ok(None);
            }
            Work::FetchBundles(account) => {
                let wanted = self.wanted_bundles(account)?;
                if wanted.is_empty() {
                    self.done(work)?;
                    if let Some(at) = self.bundles_wanted_later(account)? {
                        self.schedule(work, at)?;
                    }
                    return Ok(None);
                }
                (Operation::FetchBundles(account, wanted.clone()), Asked::Bundles(wanted))
            }
            Work::Submit(account) => {
                let next = self.submission(account)?;
                return Ok(next.map(|(submission, number)| (Operation::Submit(submission), Asked::Submission(number))));
            }
            _ => return Ok(None),
        };
        Ok(Some(operation))
    }

    fn answered(&mut self, work: Work, asked: &Asked, response: Response) -> Result<(), ClientError> {
        let now = self.now.wall;
        match (work, asked, response) {
            (Work::FillGap(account), _, Response::Failed | Response::NotFound) => self.fill_gap(account, None),
            (_, _, Response::Failed) => self.failed(work),
            (Work::FillGap(account), _, Response::Manifests(manifests)) => self.fill_gap(account, Some(&manifests)),
            (Work::PublishManifest, _, Response::Done) => self.done(work),
            (Work::PublishPrekeys, Asked::Prekeys(records), Response::Done) => {
                self.prekeys_published(records)?;
                self.done(work)?;
                match self.unpublished_prekeys()?.is_empty() {
                    true => Ok(()),
                    false => self.schedule(work, now),
                }
            }
            (Work::CountPrekeys, _, Response::PrekeysLeft { one_time, one_time_kem }) => {
                self.done(work)?;
                match self.refill_prekeys(one_time, one_time_kem)? {
                    false => Ok(()),
                    // At a random time, so that it does not tell when a session was made.
                    true => {
                        let at = refill_at(now, self.tx.rng())?;
                        self.schedule(Work::PublishPrekeys, at)
                    }
                }
            }
            (Work::FetchCertificate, _, Response::Certificate { device, issuer }) => {
                self.own.certified(&device, &issuer, now)?;
                self.done(work)?;
                self.resume()
            }
            (Work::FetchRevocations, _, Response::Revocations(list)) => {
                self.own.revoked(&list)?;
                self.done(work)?;
                self.close_revoked()?;
                self.schedule(Work::RetryHeld, now)
            }
            (Work::FetchManifest(account), _, response) if self.is_registering(account) => match response {
                Response::Manifest(manifest) => self.register_again(Some(&manifest)),
                Response::NotFound => self.register_again(None),
                _ => Err(ClientError::InvalidResponse),
            },
            (Work::FetchManifest(account), _, Response::Manifest(manifest)) => self.take_manifest(account, &manifest),
            (Work::FetchBundles(account), Asked::Bundles(devices), Response::Bundles(bundles)) => {
                self.take_bundles(account, devices, &bundles)
            }
            (Work::Submit(account), Asked::Submission(number), Response::Done) => {
                let list = submissions(&account);
                self.tx.trim(list, number.saturating_add(1))?;
                self.done(work)?;
                match self.tx.bounds(list)?.is_empty() {
                    true => self.pump(account),
                    false => self.schedule(work, now),
                }
            }
            (Work::Submit(account), Asked::Submission(number), Response::Manifest(manifest)) => {
                self.other_devices(account, *number, &manifest)
            }
            (Work::FetchManifest(_) | Work::FetchBundles(_) | Work::Submit(_), _, Response::NotFound) => {
                self.failed(work)
            }
            _ => Err(ClientError::InvalidResponse),
        }
    }

    fn is_registering(&self, account: AccountId) -> bool {
        self.own.registering && account == self.own.address().account
    }
}
