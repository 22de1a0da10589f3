//! Envelopes that are held until what they lack is here: `docs/protocol.md` B2.5.

use carevow_core::Timestamp;
use carevow_core::envelope::{WhyHeld, envelope_id};
use carevow_core::limits::{HELD_AGE_MS, HELD_ENVELOPES};
use carevow_store::Sealing;
use prost::Message as _;
use rand_core::TryCryptoRng;

use super::Outcome;
use crate::error::ClientError;
use crate::event::Event;
use crate::records::{self, FORMAT};
use crate::tables::{HELD, WAITING};
use crate::turn::Turn;
use crate::work::Work;

/// As long as the rate of new sessions counts.
const MOMENT_MS: u64 = 1_000;

/// What an envelope waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Why {
    Clock,
    Identity,
    Manifest,
    Revocations,
    ColdSessions,
    /// More new sessions came at once than are taken.
    Rate,
}

impl From<WhyHeld> for Why {
    fn from(why: WhyHeld) -> Self {
        match why {
            WhyHeld::ClockSkew => Self::Clock,
            WhyHeld::IdentityChanged => Self::Identity,
            WhyHeld::ManifestMissing => Self::Manifest,
            WhyHeld::RevocationsMissing => Self::Revocations,
        }
    }
}

impl<R: TryCryptoRng> Turn<'_, '_, R> {
    /// Keeps an envelope as it came. Beyond 1 000 the oldest goes.
    pub(super) fn hold(&mut self, why: Why, received: Timestamp, envelope: &[u8]) -> Result<Outcome, ClientError> {
        let record = records::Waiting {
            format: FORMAT,
            why: match why {
                Why::Clock => 1,
                Why::Identity => 2,
                Why::Manifest => 3,
                Why::Revocations => 4,
                Why::ColdSessions => 5,
                Why::Rate => 6,
            },
            received_ms: received.as_millis(),
            envelope: envelope.to_vec(),
        };
        // The same envelope again takes no second place.
        let id = envelope_id(envelope);
        if self.tx.get(WAITING, &id, Sealing::System)?.is_some() {
            return Ok(Outcome::Held);
        }
        self.tx.put(WAITING, &id, None, Sealing::System, &[1])?;
        let bounds = self.tx.bounds(HELD)?;
        self.tx.append(HELD, Sealing::System, &record.encode_to_vec())?;
        let count = bounds.end.saturating_sub(bounds.start).saturating_add(1);
        if usize::try_from(count).is_ok_and(|count| count > HELD_ENVELOPES) {
            self.take_held(bounds.start)?;
            self.events.push(Event::HeldDropped);
        }
        Ok(Outcome::Held)
    }

    /// Keeps an envelope that cannot be taken at this moment, and that the mailbox does not have any more.
    pub(crate) fn hold_for_a_moment(&mut self, received: Timestamp, envelope: &[u8]) -> Result<Outcome, ClientError> {
        self.schedule(Work::RetryHeld, self.now.wall.plus(MOMENT_MS))?;
        self.hold(Why::Rate, received, envelope)
    }

    /// Judges everything again that is held: what still lacks something is held again, unless it is older than 30 d.
    pub(crate) fn retry_held(&mut self) -> Result<(), ClientError> {
        let bounds = self.tx.bounds(HELD)?;
        for number in bounds {
            let Some(record) = self.take_held(number)? else { continue };
            let received = Timestamp::from_millis(record.received_ms);
            if self.now.wall.since(received) >= HELD_AGE_MS {
                self.events.push(Event::HeldDropped);
            } else if self.receive(received, &record.envelope)? == Outcome::NotNow {
                self.hold_for_a_moment(received, &record.envelope)?;
            }
        }
        Ok(())
    }

    /// Takes the oldest one out, whose number this is.
    fn take_held(&mut self, number: u64) -> Result<Option<records::Waiting>, ClientError> {
        let next = number.saturating_add(1);
        let items = self.tx.items(HELD, Sealing::System, number..next)?;
        self.tx.trim(HELD, next)?;
        let Some(value) = items.into_iter().find_map(|item| item.value) else { return Ok(None) };
        let record: records::Waiting = records::read(&value)?;
        self.tx.delete(WAITING, &envelope_id(&record.envelope), None)?;
        Ok(Some(record))
    }
}
