//! Manifests between two of an account that are not here yet: fetched at a random time within 48 h, and a fork if the service
//! does not have them: `docs/protocol.md` B2.3, gap rules.

use carevow_core::AccountId;
use carevow_core::identity::{Fetched, Manifest, UnverifiedManifest};
use carevow_core::wire::v1;
use rand_core::TryCryptoRng;

use crate::error::ClientError;
use crate::event::Event;
use crate::turn::Turn;
use crate::work::Work;

impl<R: TryCryptoRng> Turn<'_, '_, R> {
    /// After which seq manifests of an account are missing; `None` if none are.
    pub(crate) fn missing_after(&mut self, account: AccountId) -> Result<Option<u64>, ClientError> {
        let contact = self.contact(account)?;
        let missing = contact.and_then(|contact| contact.pin).and_then(|pin| pin.missing());
        Ok(missing.map(|missing| missing.after_seq))
    }

    /// What the service has; `None`: it did not answer.
    pub(crate) fn fill_gap(&mut self, account: AccountId, given: Option<&[Vec<u8>]>) -> Result<(), ClientError> {
        let now = self.now.wall;
        let Some(mut contact) = self.contact(account)? else { return self.done(Work::FillGap(account)) };
        let Some(pin) = contact.pin.clone() else { return self.done(Work::FillGap(account)) };
        let manifests: Vec<Manifest> = given.unwrap_or_default().iter().map_while(|bytes| verified(bytes)).collect();
        let fetched = match given {
            Some(_) => Fetched::Answered(&manifests),
            None => Fetched::Unanswered,
        };
        let (adoption, refused) = pin.adopt_chain(fetched, now);
        if refused.is_some() {
            self.events.push(Event::ManifestFork(account));
        }
        let open = adoption.pin.missing().is_some();
        self.adopt(&mut contact, adoption.pin, adoption.events)?;
        if open {
            return self.failed(Work::FillGap(account));
        }
        self.done(Work::FillGap(account))?;
        self.schedule(Work::RetryHeld, now)?;
        self.pump(account)
    }
}

fn verified(bytes: &[u8]) -> Option<Manifest> {
    let signed = v1::Signed::from_bytes(bytes).ok()?;
    UnverifiedManifest::parse(&signed).ok()?.verify().ok()
}
