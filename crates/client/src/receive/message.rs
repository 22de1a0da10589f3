//! Messages that the user sees: once each, in the order in which they came, with what did not come: `docs/protocol.md`
//! B9.4.

use carevow_core::content::{
    Base, BodyKind, Content, DedupeKey, Gap, Repeat, SequenceTracker, Sequenced, Sync, repeat,
};
use carevow_core::placement::{AcceptedMessage, Occurrence};
use carevow_core::{ConversationId, DeviceAddress, Timestamp};
use carevow_store::Sealing;
use prost::Message as _;
use rand_core::TryCryptoRng;

use super::Outcome;
use super::change::ChangeOf;
use super::content::nothing;
use crate::contact::{Contact, Standing};
use crate::error::ClientError;
use crate::event::Event;
use crate::records::{self, FORMAT};
use crate::tables::{DEDUPE, SEQUENCES, messages, sequence_key};
use crate::turn::Turn;
use crate::work::Work;

impl<R: TryCryptoRng> Turn<'_, '_, R> {
    pub(super) fn take_message(
        &mut self,
        contact: &Contact,
        from: DeviceAddress,
        content: &Content,
        bytes: &[u8],
        received: Timestamp,
    ) -> Result<(AcceptedMessage, Outcome), ClientError> {
        let (key, conversation) = (content.dedupe_key(&from), content.conversation());
        let known = self.dedupe(key)?;
        let digest = known.as_ref().map(|known| known.digest.as_slice().try_into());
        let digest = digest.transpose().map_err(|_| ClientError::CORRUPTED)?;
        match repeat(digest.as_ref(), content.digest()) {
            Repeat::New => {}
            Repeat::Duplicate => {
                let last = known.map(|known| known.receipted_ms).filter(|at| *at != 0).map(Timestamp::from_millis);
                self.owe_receipt(contact, from, content, Occurrence::Resent(last))?;
                return Ok(nothing(Outcome::Duplicate));
            }
            Repeat::PossibleClone => {
                self.events.push(Event::PossibleClone(from));
                return Ok(nothing(Outcome::Duplicate));
            }
        }
        self.put_dedupe(key, &records::Dedupe { format: FORMAT, digest: content.digest().to_vec(), receipted_ms: 0 })?;
        if let Some(seq) = content.seq() {
            let (sequenced, next) = self.sequence(from, conversation)?.accept(seq, self.now.wall);
            self.put_sequence(from, conversation, &next)?;
            if sequenced == Sequenced::PossibleClone {
                self.events.push(Event::PossibleClone(from));
            }
        }
        // Whatever becomes of it, it came.
        let judged = match self.judge_change(from.account, content)? {
            Ok(judged) => judged,
            Err(rejected) => return Ok(nothing(Outcome::Rejected(rejected))),
        };
        let number = self.store_message(from, content, bytes, received)?;
        self.events.push(match content.kind() {
            BodyKind::Unsupported => Event::Unsupported { conversation, number },
            _ => Event::Message { conversation, number },
        });
        match judged {
            ChangeOf::Itself => self.owe_receipt(contact, from, content, Occurrence::New)?,
            ChangeOf::Changes(target, change) => {
                self.apply_change(conversation, target, number, change)?;
                self.owe_receipt(contact, from, content, Occurrence::New)?;
            }
            ChangeOf::Awaits => self.await_target(from.account, content, number)?,
            ChangeOf::ToNothing => {}
        }
        self.settle_changes(from.account, content.message_id())?;
        Ok((AcceptedMessage::Content, Outcome::Accepted))
    }

    /// What another device of this account sent, received or read.
    pub(super) fn take_sync(
        &mut self,
        from: DeviceAddress,
        sync: Sync,
        received: Timestamp,
    ) -> Result<(AcceptedMessage, Outcome), ClientError> {
        match sync {
            Sync::Sent { peer: Some(peer), content, bytes } => {
                // Whoever another device of this account writes to is a contact of this one too.
                if self.contact(peer)?.is_none() {
                    self.put_contact(&Contact::new(peer, Standing::Established))?;
                }
                let key = content.dedupe_key(&from);
                if self.dedupe(key)?.is_some() {
                    return Ok(nothing(Outcome::Duplicate));
                }
                let conversation = content.conversation();
                let judged = self.judge_change(from.account, &content)?;
                let number = self.store_message(from, &content, &bytes, received)?;
                match judged {
                    Ok(ChangeOf::Changes(target, change)) => self.apply_change(conversation, target, number, change)?,
                    Ok(ChangeOf::Awaits) => self.await_target(from.account, &content, number)?,
                    Ok(ChangeOf::Itself | ChangeOf::ToNothing) | Err(_) => {}
                }
                self.settle_changes(from.account, content.message_id())?;
                let record = records::Dedupe { format: FORMAT, digest: content.digest().to_vec(), receipted_ms: 0 };
                self.put_dedupe(key, &record)?;
                self.events.push(Event::Message { conversation, number });
            }
            Sync::Receipted(ids) => {
                for message in ids.messages {
                    self.receipted_elsewhere(message, ids.at)?;
                }
            }
            Sync::Read(ids) => {
                for message in ids.messages {
                    self.read_elsewhere(message, ids.at)?;
                }
            }
            // Groups and the change of an identity key are no business of this version.
            Sync::Sent { peer: None, .. } | Sync::Pop(_) => {}
        }
        Ok((AcceptedMessage::Content, Outcome::Accepted))
    }

    /// A message at the end of its conversation, as it came or was made; its number there.
    pub(crate) fn store_message(
        &mut self,
        from: DeviceAddress,
        content: &Content,
        bytes: &[u8],
        at: Timestamp,
    ) -> Result<u64, ClientError> {
        let conversation = content.conversation();
        let stored = records::StoredMessage {
            format: FORMAT,
            account: from.account.as_bytes().to_vec(),
            device: from.device.as_u32(),
            at_ms: at.as_millis(),
            content: bytes.to_vec(),
            delivered_ms: 0,
            read_ms: 0,
            changed_by: 0,
            taken_back: false,
        };
        let sealing = Sealing::Conversation(conversation);
        let number = self.tx.append(messages(&conversation), sealing, &stored.encode_to_vec())?;
        self.place_message(from, content.message_id(), conversation, number)?;
        Ok(number)
    }

    pub(super) fn dedupe(&mut self, key: DedupeKey) -> Result<Option<records::Dedupe>, ClientError> {
        self.record(DEDUPE, &key.to_bytes(), Sealing::System)
    }

    pub(super) fn put_dedupe(&mut self, key: DedupeKey, record: &records::Dedupe) -> Result<(), ClientError> {
        Ok(self.tx.put(DEDUPE, &key.to_bytes(), None, Sealing::System, &record.encode_to_vec())?)
    }

    fn sequence(&mut self, from: DeviceAddress, of: ConversationId) -> Result<SequenceTracker, ClientError> {
        let stored: Option<records::Sequence> = self.record(SEQUENCES, &sequence_key(from, of), Sealing::System)?;
        let Some(stored) = stored else {
            // A device that was linked came when conversations had begun.
            let base = if self.own.key.is_some() { Base::One } else { Base::FirstSeen };
            return Ok(SequenceTracker::new(base));
        };
        let gap = |parts: &[u64]| match parts {
            [from, to, since, reported @ (0 | 1)] => {
                Some(Gap { from: *from, to: *to, since: Timestamp::from_millis(*since), reported: *reported == 1 })
            }
            _ => None,
        };
        let gaps = stored.gaps.chunks(4).map(gap).collect::<Option<_>>().ok_or(ClientError::CORRUPTED)?;
        SequenceTracker::restore(stored.base, stored.highest, gaps).ok_or(ClientError::CORRUPTED)
    }

    /// What has been missing for a day is told, once.
    pub(crate) fn report_gaps(&mut self, from: DeviceAddress, of: ConversationId) -> Result<(), ClientError> {
        let (gaps, next) = self.sequence(from, of)?.due(self.now.wall);
        self.events.extend(gaps.into_iter().map(|gap| Event::MessageGap { conversation: of, device: from, gap }));
        self.put_sequence(from, of, &next)
    }

    fn put_sequence(
        &mut self,
        from: DeviceAddress,
        of: ConversationId,
        tracker: &SequenceTracker,
    ) -> Result<(), ClientError> {
        if let Some(at) = tracker.next_wakeup() {
            self.schedule(Work::ReportGaps(from, of), at)?;
        }
        let (base, highest, gaps) = tracker.parts();
        let parts = gaps.iter().flat_map(|gap| [gap.from, gap.to, gap.since.as_millis(), u64::from(gap.reported)]);
        let record = records::Sequence { format: FORMAT, base, highest, gaps: parts.collect() };
        let key = sequence_key(from, of);
        Ok(self.tx.put(SEQUENCES, &key, None, Sealing::System, &record.encode_to_vec())?)
    }
}
